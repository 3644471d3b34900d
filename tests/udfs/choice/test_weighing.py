"""Pareto set, scores, ranks and their stability."""

import math

import numpy as np
import pytest
from scipy.stats import beta

from schemas.policy import Constraint, Finding
from tests.udfs.choice.cases import COST, GAIN, RULES, plan, row, table
from udfs.choice import judge, weigh
from udfs.choice.ranking import pareto, ranks, scores
from udfs.choice.stability import CONCENTRATION, stability

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([[1, 1], [2, 2]], [False, True]),
        ([[1, 2], [2, 1]], [True, True]),
        ([[1, 2], [1, 2]], [True, True]),
        ([[1, 2], [1, 1]], [True, False]),
        ([[NAN, 9], [1, 1]], [False, True]),
        ([[3, 1, 1], [1, 3, 1], [1, 1, 3], [1, 1, 1]], [True, True, True, False]),
    ],
)
def test_pareto(values: list, wanted: list) -> None:
    assert pareto(np.array(values, dtype=float)).tolist() == wanted


def test_pareto_of_many_is_what_a_loop_finds() -> None:
    values = np.random.default_rng(5).integers(0, 4, size=(60, 3)).astype(float)
    slow = [not any((other >= mine).all() and (other > mine).any() for other in values) for mine in values]
    assert pareto(values).tolist() == slow


@pytest.mark.parametrize(
    ("values", "weights", "wanted"),
    [
        ([[0, 0], [1, 10]], [0.5, 0.5], [0, 1]),
        ([[0, 10], [1, 0], [0.5, 5]], [0.75, 0.25], [0.25, 0.75, 0.5]),
        ([[7, 0], [7, 4]], [0.5, 0.5], [0.5, 1]),
        ([[0, NAN], [1, 3], [0, 1]], [0.5, 0.5], [NAN, 1, 0]),
        ([[NAN, 0], [7, 4], [7, 8]], [0.5, 0.5], [NAN, 0.75, 1]),
    ],
)
def test_scores(values: list, weights: list, wanted: list) -> None:
    assert scores(np.array(values, dtype=float), np.array(weights)) == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ([0.1, 0.9, 0.5], [3, 1, 2]),
        ([0.9, 0.9, 0.5], [1, 1, 3]),
        ([0.1 + 0.2, 0.3, 0.5], [2, 2, 1]),
        ([NAN, 0.0], [2, 1]),
        ([[0.1, 0.2], [0.2, 0.1]], [[2, 1], [1, 2]]),
    ],
)
def test_ranks(found: list, wanted: list) -> None:
    assert ranks(np.array(found)).tolist() == wanted


# (cost, gain, harm) of each option; the baseline costs nothing and gains nothing
FIGURES = {"baseline": (0, 0, 0), "a": (100, 40, 0), "b": (50, 40, 5), "c": (100, 80, 30)}
CAP = Constraint("cap", "受损不过两成", "harm", at_most=20.0)


def standings(found: tuple) -> dict:
    return {one.option: one for one in found[1]}


def test_an_intercepted_option_is_not_ranked_until_it_is_released() -> None:
    wanted = plan(CAP, options=("a", "b", "c"))
    before = judge(wanted, RULES, table(FIGURES), [], {}, ())
    states = {name: (one.state, one.rank, one.pareto) for name, one in standings(before).items()}
    # weights 1 (cost) to 3 (gain): baseline .25, a .75, b .25 * .5 + .75
    assert states == {
        "baseline": ("open", 3, True),
        "a": ("open", 2, False),
        "b": ("open", 1, True),
        "c": ("intercepted", 0, False),
    }
    assert standings(before)["b"].score == pytest.approx(0.875)
    after = weigh(wanted, table(FIGURES), [], before[0], ("c",))
    assert {name: (one.state, one.rank) for name, one in standings(after).items()} == {
        "baseline": ("open", 4),
        "a": ("open", 3),
        "b": ("open", 2),
        "c": ("released", 1),
    }
    assert standings(after)["c"].pareto
    assert after[0] == before[0], "a release changes no finding"


def test_what_is_infeasible_cannot_be_released() -> None:
    wanted = plan(CAP, Constraint("law", "法定", "harm", at_most=25.0, outcome="infeasible"), options=("a", "b", "c"))
    found = standings(judge(wanted, RULES, table(FIGURES), [], {}, ("c", "a")))
    assert (found["c"].state, found["c"].rank, found["c"].score) == ("infeasible", 0, None)
    assert found["a"].state == "open", "nothing was there to release"


def test_who_has_no_value_is_not_ranked_and_told() -> None:
    figures = FIGURES | {"a": (NAN, 40, 0)}
    found = judge(plan(options=("a", "b")), RULES, table(figures), [], {}, ())
    assert (standings(found)["a"].rank, standings(found)["a"].pareto) == (0, False)
    assert [one.rank for one in found[1]] == [2, 0, 1]
    told = [one for one in found[0] if one.option == "a"]
    assert [(one.code, one.outcome) for one in told] == [("missing:cost_each", "warn")]
    assert "户均费用没有可用的数值" in told[0].reason
    assert weigh(plan(options=("a", "b")), table(figures), [], found[0], ())[0] == found[0], "told once"


def test_without_weights_nothing_is_ranked() -> None:
    free = tuple(
        type(one)(**{**{f: getattr(one, f) for f in one.__struct_fields__}, "weight": 0.0}) for one in (COST, GAIN)
    )
    found = standings(judge(plan(options=("a", "b"), measures=free), RULES, table(FIGURES), [], {}, ()))
    assert [(one.rank, one.score) for one in found.values()] == [(0, None)] * 3
    assert [one.pareto for one in found.values()] == [True, False, True]


def test_ties_have_the_same_rank() -> None:
    figures = FIGURES | {"a": (50, 40, 0)}
    found = standings(judge(plan(options=("a", "b")), RULES, table(figures), [], {}, ()))
    assert [one.rank for one in found.values()] == [3, 1, 1]
    assert found["a"].first_share == pytest.approx(0.5), "they share the first place"


def test_stability_is_that_of_the_draws() -> None:
    """b is better than a in seven draws of ten, whatever the weights: both measures say so."""
    values = [{"baseline": {"cost_each": 9, "gain": 0}, "a": dict(one), "b": dict(two)} for one, two in _draws(7, 10)]
    found = standings(judge(plan(options=("a", "b")), RULES, table(FIGURES), values, {}, ()))
    assert found["b"].first_share == pytest.approx(0.7)
    assert found["a"].first_share == pytest.approx(0.3)
    assert (found["a"].ranks, found["b"].ranks, found["baseline"].ranks) == ((1, 2), (1, 2), (3, 3))


def _draws(better: int, of: int) -> list:
    good, bad = {"cost_each": 1, "gain": 9}, {"cost_each": 2, "gain": 8}
    return [(bad, good) if number < better else (good, bad) for number in range(of)]


def test_weights_are_perturbed_around_the_stated_ones() -> None:
    """Two options that each win one measure: the first wins where its weight is above one half, so its share is a tail
    of the beta distribution that a Dirichlet distribution of two weights is."""
    for weight in (0.3, 0.45, 0.5, 0.6):
        found = stability(np.array([[[1.0, 0.0], [0.0, 1.0]]]), np.array([weight, 1 - weight]), seed=3)
        wanted = beta.sf(0.5, CONCENTRATION * weight, CONCENTRATION * (1 - weight))
        assert found.first_share[0] == pytest.approx(wanted, abs=0.05)


def test_stability_repeats_to_the_bit_and_differs_by_seed() -> None:
    values = np.random.default_rng(1).normal(size=(16, 5, 3))
    weights = np.array([0.2, 0.3, 0.5])
    one, two, other = (stability(values, weights, seed) for seed in (7, 7, 8))
    assert one.first_share.tobytes() == two.first_share.tobytes()
    assert one.first_share.tobytes() != other.first_share.tobytes()
    assert one.first_share.sum() == pytest.approx(1.0)


def test_the_order_of_results_does_not_matter() -> None:
    rows = table(FIGURES)
    wanted = plan(CAP, options=("a", "b", "c"))
    assert judge(wanted, RULES, rows, [], {}, ()) == judge(wanted, RULES, rows[::-1], [], {}, ())


def test_a_grouped_row_is_no_value_of_everybody() -> None:
    rows = [*table(FIGURES), row("a", "gain", 1e9, "area", "东")]
    assert (
        judge(plan(options=("a", "b")), RULES, rows, [], {}, ())[1]
        == judge(plan(options=("a", "b")), RULES, table(FIGURES), [], {}, ())[1]
    )


def test_a_warning_holds_nobody_back() -> None:
    warned = [Finding("a", "constraint:cap", "warn", "…")]
    found = standings(weigh(plan(options=("a", "b")), table(FIGURES), [], warned, ()))
    assert found["a"].state == "open"
