"""Closed forms, invariants, and the figures that R's laeken and surveysd print for the synthetic EU-SILC."""

from __future__ import annotations

import csv
import gzip
from math import erf, sqrt
from pathlib import Path

import numpy as np
import pytest

from schemas.policy import BASELINE, Grouping, Line
from tests.udfs.outcomes.world import measure, plan
from udfs.outcomes import Kind, Marks, Tallier, estimate, histogram, inequality
from udfs.population.shard import Shard

EUSILC = Path(__file__).parents[4] / "shared" / "data" / "households" / "eusilc.csv.gz"
RNG = np.random.default_rng(5)
N = 40_000
# the middle of each of N slices of equal probability: a distribution without chance
P = (np.arange(N) + 0.5) / N


def _normal_quantile(share: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri(share))


@pytest.mark.parametrize(
    ("values", "weights", "gini"),
    [
        ([5, 5, 5], [1, 2, 3], 0.0),
        ([0, 1], [1, 1], 0.5),
        ([0, 0, 0, 1], [1, 1, 1, 1], 0.75),
        ([0, 1], [3, 1], 0.75),
        ([1, 3], [1, 1], 0.25),
        (P, np.ones(N), 1 / 3),  # uniform on 0..1
        ((1 - P) ** (-1 / 3), np.ones(N), 1 / 5),  # Pareto, alpha 3: 1 / (2 alpha - 1)
        (np.exp(0.5 * _normal_quantile(P)), np.ones(N), erf(0.5 / 2)),  # lognormal: 2 Phi(sigma / sqrt 2) - 1
        ([0, 0], [1, 1], np.nan),
        ([], [], np.nan),
    ],
)
def test_gini_in_closed_form(values, weights, gini):
    found = inequality.gini(np.asarray(values, float), np.asarray(weights, float))
    assert found == pytest.approx(gini, abs=2e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "weights", "share", "quantile"),
    [
        ([1, 2, 3, 4], [1, 1, 1, 1], 0.5, 2.5),  # met exactly: the middle
        ([1, 2, 3], [1, 1, 1], 0.5, 2),
        ([3, 1, 2], [1, 1, 1], 0.5, 2),
        ([1, 2, 3], [1, 1, 5], 0.5, 3),
        ([1, 2], [0.1, 0.1], 0.5, 1.5),
        ([1, 9], [1, 0], 0.8, 1),
        ([7], [2], 0.2, 7),
    ],
)
def test_quantiles(values, weights, share, quantile):
    assert inequality.quantiles(np.asarray(values, float), np.asarray(weights, float), (share,)) == (quantile,)


def test_poverty_of_four_people():
    values, weights = np.array([0.0, 5.0, 10.0, 20.0]), np.array([1.0, 1.0, 2.0, 1.0])
    assert inequality.poverty(values, weights, 10.0) == pytest.approx(0.4)
    assert inequality.poverty(values, weights, 10.0, alpha=1) == pytest.approx((1.0 + 0.5) / 5)
    assert inequality.poverty(values, weights, 10.0, alpha=2) == pytest.approx((1.0 + 0.25) / 5)


def test_s80s20_of_uniform_and_lognormal():
    ones = np.ones(N)
    assert inequality.s80s20(P, ones) == pytest.approx(9, rel=1e-3)
    # of a lognormal with sigma 0.5: Phi(sigma - z) by Phi(z' - sigma) at the 80 % and 20 % quantiles
    phi, z = (lambda x: (1 + erf(x / sqrt(2))) / 2), 0.8416212335729143
    wanted = phi(0.5 - z) / phi(-z - 0.5)
    assert inequality.s80s20(np.exp(0.5 * _normal_quantile(P)), ones) == pytest.approx(wanted, rel=1e-3)


INCOMES = RNG.lognormal(10, 0.7, 3000)
WEIGHTS = RNG.uniform(0.5, 4, 3000)
MIXED = RNG.permutation(3000)
CUT = RNG.uniform(0.2, 0.8, 3000) * WEIGHTS
FUNCTIONS = (inequality.gini, inequality.s80s20, inequality.at_risk_of_poverty, inequality.median)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (INCOMES[MIXED], WEIGHTS[MIXED]),  # people in another order
        (np.tile(INCOMES, 2), np.tile(WEIGHTS, 2)),  # everybody twice
        (np.concatenate([INCOMES, INCOMES]), np.concatenate([CUT, WEIGHTS - CUT])),  # each weight split in two
        (INCOMES, WEIGHTS * 1000),
        (np.append(INCOMES, [1e9, 0]), np.append(WEIGHTS, [0, 0])),  # who weighs nothing counts for nothing
    ],
    ids=["permuted", "doubled", "split", "scaled", "weightless"],
)
def test_what_must_not_matter(function, values, weights):
    assert function(values, weights) == pytest.approx(function(INCOMES, WEIGHTS), rel=1e-9)


def test_incomes_in_another_currency_have_the_same_inequality():
    for function in FUNCTIONS[:3]:
        assert function(INCOMES * 7.8, WEIGHTS) == pytest.approx(function(INCOMES, WEIGHTS), rel=1e-12)


def _bins(values, weights, edges):
    cell = np.searchsorted(edges, values, side="right")
    size = len(edges) + 1
    return np.stack([np.bincount(cell, weights, size), np.bincount(cell, weights * values, size)], axis=1)[None]


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (INCOMES, WEIGHTS),
        (INCOMES * 1.3 + 2000, WEIGHTS),  # an option: everybody gets more
        (np.where(INCOMES < 15000, 15000, INCOMES), WEIGHTS),  # a floor: a mass point
        (np.where(RNG.random(3000) < 0.3, 0.0, INCOMES), WEIGHTS),
        (INCOMES - 20000, WEIGHTS),  # debts
    ],
    ids=["baseline", "moved", "floor", "zeros", "negative"],
)
def test_histograms_are_near_the_exact_figures(values, weights):
    edges = histogram.edges(INCOMES, WEIGHTS)
    bins = _bins(values, weights, edges)
    exact = inequality.gini(values, weights)
    found, bound = histogram.gini(bins)[0], histogram.gini_bound(bins, edges)[0]
    # never above, never more than the bound below
    assert -1e-12 <= exact - found <= bound + 1e-12
    assert bound < 1.5e-3  # most where debts bring the mean near nought; 1e-4 otherwise
    assert histogram.poverty(bins, edges, 0.6, gap=False)[0] == pytest.approx(
        inequality.at_risk_of_poverty(values, weights), abs=2e-3
    )
    line = 0.6 * inequality.median(values, weights)
    if line > 0:
        wanted = inequality.poverty(values, weights, line, alpha=1)
        assert histogram.poverty(bins, edges, 0.6, gap=True)[0] == pytest.approx(wanted, rel=0.02, abs=1e-3)


@pytest.fixture(scope="module")
def eusilc():
    if not EUSILC.exists():
        pytest.skip("the synthetic EU-SILC is not here (shared/data/households)")
    with gzip.open(EUSILC, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in ("eqIncome", "rb050")}
    sex = np.array([row["rb090"] for row in rows])
    return column["eqIncome"], column["rb050"], sex, np.array([int(row["db030"]) for row in rows])


# printed by arpr(), qsr(), gini() and incMedian() of laeken for its `eusilc`, and by surveysd for the two sexes and the
# sum of incomes (its data set has the same people and weights in its first year); see docs/outcomes.md
PRINTED = {"arpr": 14.44422, "qsr": 3.971415, "gini": 26.48962, "male": 12.02660, "female": 16.73351}


def test_eusilc_exactly(eusilc):
    income, weight, sex, _ = eusilc
    line = 0.6 * inequality.median(income, weight)
    found = {
        "arpr": 100 * inequality.at_risk_of_poverty(income, weight),
        "qsr": inequality.s80s20(income, weight),
        "gini": 100 * inequality.gini(income, weight),
        **{one: 100 * inequality.poverty(income[sex == one], weight[sex == one], line) for one in ("male", "female")},
    }
    assert found == pytest.approx(PRINTED, rel=2e-7)
    assert float(income @ weight) == pytest.approx(162750998071, rel=1e-11)


def test_eusilc_by_histogram(eusilc):
    income, weight, _, _ = eusilc
    edges = histogram.edges(income, weight)
    bins = _bins(income, weight, edges)
    assert 100 * histogram.gini(bins)[0] == pytest.approx(PRINTED["gini"], abs=0.01)
    assert histogram.s80s20(bins)[0] == pytest.approx(PRINTED["qsr"], abs=0.01)
    assert 100 * histogram.poverty(bins, edges, 0.6, gap=False)[0] == pytest.approx(PRINTED["arpr"], abs=0.05)


def test_eusilc_through_marks_tally_and_estimate(eusilc):
    """The whole way, on a population of people and households only."""
    income, weight, sex, household = eusilc
    homes, at = np.unique(household, return_inverse=True)
    value = np.zeros(len(homes))
    value[at] = income
    shard = Shard(
        0,
        {},
        {},
        {"person": np.arange(len(income), dtype=np.uint64), "household": homes.astype(np.uint64)},
        {"person": weight, "household": np.ones(len(homes))},
        {"person": at},
    )
    kinds = {"income": Kind("household", "number"), "sex": Kind("person", "category", categories=("male", "female"))}
    base = {"income": value, "sex": (sex == "female").astype(np.int16)}
    made = plan(
        [
            measure("poverty_rate", "income", "arpr", line_at=Line(share=0.6), scale=100),
            measure("s80s20", "income", "qsr"),
            measure("gini", "income", "gini", scale=100),
        ],
        groupings=(Grouping("sex", "", "sex"),),
    )
    marks = Marks.of(made, kinds, [(shard, base)])
    full = {BASELINE: Tallier(made, kinds, marks, shard, base).tally(base)}
    rows = {(row.measure, row.group): row for row in estimate(made, kinds, marks, full, {}, [])}
    assert rows["arpr", "all"].value == pytest.approx(PRINTED["arpr"], rel=2e-7)
    assert rows["arpr", "male"].value == pytest.approx(PRINTED["male"], rel=2e-7)
    assert rows["arpr", "female"].value == pytest.approx(PRINTED["female"], rel=2e-7)
    assert rows["qsr", "all"].value == pytest.approx(PRINTED["qsr"], abs=0.005)
    assert rows["gini", "all"].value == pytest.approx(PRINTED["gini"], abs=0.005)
    assert all(row.low < row.value < row.high for row in rows.values())
