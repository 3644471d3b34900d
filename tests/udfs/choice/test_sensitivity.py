"""Draws follow their distributions; indices are those that mathematics gives."""

import math

import numpy as np
import pytest
from scipy import stats

from schemas.policy import Assumption, Standing
from tests.udfs.choice.cases import plan
from udfs.choice import design, draws, indices
from udfs.choice.draws import quantile
from udfs.choice.sensitivity import sobol


def assumption(name: str, distribution: str, *numbers: float, low=None, high=None, central: float = 0.0) -> Assumption:
    return Assumption(name, name, "1", central, distribution, numbers, low, high)


# an assumption and the same distribution by scipy.stats
DISTRIBUTIONS = [
    (assumption("x", "normal", -0.4, 0.1), stats.norm(-0.4, 0.1)),
    (assumption("x", "uniform", 2, 5), stats.uniform(2, 3)),
    (assumption("x", "triangular", 1, 2, 4), stats.triang(1 / 3, 1, 3)),
    (assumption("x", "triangular", 1, 1, 4), stats.triang(0, 1, 3)),
    (assumption("x", "triangular", 1, 4, 4), stats.triang(1, 1, 3)),
    (assumption("x", "beta", 6, 4), stats.beta(6, 4)),
]
UNIFORM = np.linspace(0.001, 0.999, 999)


@pytest.mark.parametrize(("one", "wanted"), DISTRIBUTIONS)
def test_quantiles(one: Assumption, wanted) -> None:
    assert quantile(one, UNIFORM) == pytest.approx(wanted.ppf(UNIFORM), rel=1e-9)


@pytest.mark.parametrize(("one", "wanted"), DISTRIBUTIONS)
def test_limits_cut_the_distribution(one: Assumption, wanted) -> None:
    low, high = wanted.ppf([0.3, 0.8])
    cut = assumption("x", one.distribution, *one.numbers, low=low, high=high)
    found = quantile(cut, UNIFORM)
    assert found.min() >= low
    assert found.max() <= high
    assert found == pytest.approx(wanted.ppf(0.3 + 0.5 * UNIFORM), rel=1e-9), "as if drawn again until inside"


def test_limits_far_out_leave_the_nearest() -> None:
    assert quantile(assumption("x", "normal", 0, 1, low=40, high=50), UNIFORM).tolist() == [40.0] * 999


ALL = (
    assumption("a", "normal", 10, 2),
    assumption("b", "fixed", central=7.0),
    assumption("c", "uniform", 0, 1),
)


def test_draws_repeat_to_the_bit_and_do_not_depend_on_their_number() -> None:
    many = draws(ALL, 64, seed=11)
    assert many == draws(ALL, 64, seed=11)
    assert many[:10] == draws(ALL, 10, seed=11)
    assert many != draws(ALL, 64, seed=12)
    assert [list(one) for one in many] == [["a", "b", "c"]] * 64
    assert {one["b"] for one in many} == {7.0}
    assert len({one["a"] for one in many}) == 64


def test_draws_fill_their_distributions_evenly() -> None:
    many = draws(ALL, 256, seed=2)
    counts = np.histogram([one["c"] for one in many], bins=16, range=(0, 1))[0]
    assert counts.tolist() == [16] * 16, "a scrambled Sobol' sequence has the same number in each sixteenth"
    assert np.mean([one["a"] for one in many]) == pytest.approx(10, abs=0.02)
    assert np.std([one["a"] for one in many]) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("assumptions", "count"), [((), 5), (ALL[1:2], 5), (ALL, 0)])
def test_nothing_to_draw(assumptions: tuple, count: int) -> None:
    assert draws(assumptions, count, 1) == [{one.name: one.central for one in assumptions}] * count


def test_a_design_changes_one_assumption_at_a_time() -> None:
    made = design(ALL, 8, seed=4)
    assert (made.names, len(made.samples)) == (("a", "c"), 32)
    a, b, a_from_b, c_from_b = (made.samples[start : start + 8] for start in range(0, 32, 8))
    for row in range(8):
        assert a_from_b[row] == {**a[row], "a": b[row]["a"]}
        assert c_from_b[row] == {**a[row], "c": b[row]["c"]}
    assert design(ALL[1:2], 8, seed=4).samples == []


ANGLES = tuple(assumption(f"x{number}", "uniform", -math.pi, math.pi) for number in (1, 2, 3))


def _ishigami(x: dict, a: float = 7.0, b: float = 0.1) -> float:
    return math.sin(x["x1"]) + a * math.sin(x["x2"]) ** 2 + b * x["x3"] ** 4 * math.sin(x["x1"])


def test_ishigami() -> None:
    """Ishigami & Homma 1990: the variances have closed forms."""
    a, b, pi = 7.0, 0.1, math.pi
    v1 = 0.5 * (1 + b * pi**4 / 5) ** 2
    v2 = a**2 / 8
    v13 = b**2 * pi**8 * (1 / 18 - 1 / 50)
    whole = v1 + v2 + v13
    made = design(ANGLES, 1024, seed=1)
    found = sobol(made, {"y": np.array([_ishigami(one) for one in made.samples])})
    assert [one.assumption for one in found] == ["x1", "x2", "x3"]
    # over twelve seeds the standard deviation of the estimates was 0.011 (first) and 0.005 (total), their means right
    assert [one.first for one in found] == pytest.approx([v1 / whole, v2 / whole, 0], abs=0.04)
    assert [one.total for one in found] == pytest.approx([(v1 + v13) / whole, v2 / whole, v13 / whole], abs=0.02)
    for one in found:
        assert one.total_low <= one.total <= one.total_high
        assert one.total_high - one.total_low < 0.12


def test_an_additive_model_has_its_shares_of_variance() -> None:
    """y = 3 a + 4 c with variances 4 and 1/12: first and total are the same."""
    made = design(ALL, 512, seed=9)
    found = sobol(made, {"y": np.array([3 * one["a"] + 12 * one["c"] for one in made.samples])})
    shares = np.array([9 * 4, 144 / 12]) / (9 * 4 + 144 / 12)
    assert [one.first for one in found] == pytest.approx(shares.tolist(), abs=0.02)
    assert [one.total for one in found] == pytest.approx(shares.tolist(), abs=0.02)


def test_the_estimators_are_those_of_scipy() -> None:
    made = design(ANGLES, 64, seed=6)
    values = np.array([_ishigami(one) for one in made.samples]).reshape(5, 64)
    theirs = stats.sobol_indices(func={"f_A": values[:1], "f_B": values[1:2], "f_AB": values[2:, None, :]}, n=64)
    ours = sobol(made, {"y": values.ravel()})
    assert [one.first for one in ours] == pytest.approx(theirs.first_order.tolist(), rel=1e-9)
    assert [one.total for one in ours] == pytest.approx(theirs.total_order.tolist(), rel=1e-9)


def test_indices_repeat_to_the_bit() -> None:
    made = design(ANGLES, 32, seed=6)
    values = {"y": np.array([_ishigami(one) for one in made.samples])}
    assert sobol(made, values) == sobol(design(ANGLES, 32, seed=6), values)


def test_what_does_not_vary_has_no_indices_but_nought() -> None:
    made = design(ANGLES, 8, seed=6)
    constant, broken = np.full(40, 0.1), np.full(40, np.nan)
    found = sobol(made, {"constant": constant, "broken": broken})
    assert [(one.target, one.first, one.total, one.total_high) for one in found] == [("constant", 0, 0, 0)] * 3
    with pytest.raises(ValueError, match="39 values for 40 samples"):
        sobol(made, {"y": constant[:39]})


def test_indices_explain_the_options_at_the_head() -> None:
    """Only `a` moves the gain of option b, only `c` its cost; the gain weighs three times as much. A fourth option that
    is the worst sets the scale and is not sampled."""
    made = design(ALL, 64, seed=3)
    rows = [
        {
            "baseline": {"cost_each": 0.0, "gain": 0.0},
            "a": {"cost_each": 100.0, "gain": 100.0},
            "b": {"cost_each": 50.0 + 10 * one["c"], "gain": 50.0 + 2 * (one["a"] - 10)},
        }
        for one in made.samples
    ]
    ranked = [Standing("baseline", "open", rank=3), Standing("a", "open", rank=1), Standing("b", "open", rank=2)]
    ranked.append(Standing("d", "open", rank=4))
    central = rows[0] | {"d": {"cost_each": 200.0, "gain": -100.0}}
    found = indices(plan(options=("a", "b", "d")), made, central, rows, [*ranked, Standing("c", "infeasible")])
    targets = list(dict.fromkeys(one.target for one in found))
    assert targets == ["score:a", "score:b", "score:baseline", "lead"]
    lead = {one.assumption: one.total for one in found if one.target == "lead"}
    # score of b: .75 (.5 + .01 (a - 10)) + .25 (.5 - .05 c); variances of a and c are 4 and 1/12
    variances = {"a": (0.75 * 0.01) ** 2 * 4, "c": (0.25 * 0.05) ** 2 / 12}
    assert lead["a"] == pytest.approx(variances["a"] / sum(variances.values()), abs=0.05)
    assert {one.total for one in found if one.target == "score:a"} == {0.0}, "the best in all has always 1 and 0"
    assert indices(plan(options=("a", "b")), made, central, rows, [Standing("a", "open")]) == []
    turned = [Standing("a", "open", rank=2), Standing("b", "open", rank=1)]
    found = indices(plan(options=("a", "b")), made, central, rows, turned)
    assert list(dict.fromkeys(one.target for one in found)) == ["score:b", "score:a", "lead"], "in the order of ranks"
