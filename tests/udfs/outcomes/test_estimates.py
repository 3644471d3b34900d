"""Intervals: against closed forms, paired changes, draws of the assumptions, samples brought to everybody's size."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from schemas.policy import BASELINE
from tests.udfs.outcomes.world import GROUPINGS, KINDS, PAYERS, QUEUE, measure, plan, shards
from udfs.outcomes import Marks, Scaling, Tallier, estimate, scaling_of, values_of_draws, values_only
from udfs.outcomes.blocks import multiplicities, of, picks

PLAN = plan(
    [
        measure("mean", "income", "mean"),
        measure("sum", "income", "sum"),
        measure("share", "agrees", "share"),
        measure("gini", "income_h", "gini"),
        measure("served", name="served", queue="works"),
    ],
    groupings=GROUPINGS[:1],
    queues=(QUEUE,),
    payers=PAYERS,
    payers_queue="works",
)


def rows(made, marks, full, central=None, draws=()):
    found = estimate(made, KINDS, marks, full, central or {}, list(draws))
    return {(row.option, row.measure, row.grouping, row.group): row for row in found}


def tally(made, marks, shard, base, values, blocks=64):
    return Tallier(made, KINDS, marks, shard, base, blocks).tally(values)


def world(**more):
    found, tables = shards(**more)
    marks = Marks.of(PLAN, KINDS, zip(found, tables, strict=True))
    return marks, found[0], tables[0]


def test_the_standard_error_is_that_of_cluster_sampling():
    marks, shard, table = world(neighbourhoods=200, households=20)
    found = rows(PLAN, marks, {BASELINE: tally(PLAN, marks, shard, table, table)})
    where = shard.above("person", "neighbourhood")
    income = np.bincount(where, table["income"])
    people = np.bincount(where).astype(float)
    mean = income.sum() / people.sum()
    # linearised variance of a ratio of sums over clusters (Cochran 1977, section 9.3), none being left out
    error = np.sqrt(200 / 199 * ((income - mean * people) ** 2).sum()) / people.sum()
    row = found[BASELINE, "mean", "all", "all"]
    assert row.sampling == pytest.approx(error, rel=0.2)
    assert row.high - row.low == pytest.approx(2 * 1.2816 * row.sampling, rel=0.15)
    assert row.low < row.value < row.high
    assert row.assumptions == 0
    # how many people there are is known: a sum is as uncertain as the mean
    assert found[BASELINE, "sum", "all", "all"].sampling == pytest.approx(error * people.sum(), rel=0.2)


def test_a_change_is_paired():
    """Everybody gets 100 more: how much is uncertain, the change is not."""
    marks, shard, table = world()
    more = dict(table, income=table["income"] + 100.0)
    full = {BASELINE: tally(PLAN, marks, shard, table, table), "more": tally(PLAN, marks, shard, table, more)}
    row = rows(PLAN, marks, full)["more", "mean", "all", "all"]
    assert (row.change, row.change_low, row.change_high) == pytest.approx((100, 100, 100))
    assert row.high - row.low > 500
    same = rows(PLAN, marks, full)[BASELINE, "mean", "all", "all"]
    assert (same.change, same.change_low, same.change_high) == (0, 0, 0)


def test_without_draws_only_sampling_and_with_one_block_none():
    marks, shard, table = world()
    one = {BASELINE: tally(PLAN, marks, shard, table, table, blocks=1)}
    row = rows(PLAN, marks, one)[BASELINE, "mean", "all", "all"]
    assert (row.sampling, row.low, row.high) == (0, row.value, row.value)


def test_draws_widen_the_interval_by_their_shift_and_no_more():
    """Draws move every income by a known factor; the value is that of the central assumptions."""
    marks, shard, table = world()
    factors = np.linspace(0.9, 1.1, 41)
    full = {BASELINE: tally(PLAN, marks, shard, table, table, blocks=1)}
    central = full
    draws = [
        {BASELINE: tally(PLAN, marks, shard, table, dict(table, income=table["income"] * factor), blocks=1)}
        for factor in factors
    ]
    found = rows(PLAN, marks, full, central, draws)
    row = found[BASELINE, "mean", "all", "all"]
    assert row.value == pytest.approx(float(table["income"].mean()))
    assert row.assumptions == pytest.approx(row.value * factors.std(ddof=1))
    assert (row.low, row.high) == pytest.approx((0.92 * row.value, 1.08 * row.value), rel=0.005)
    assert row.sampling == 0
    untouched = found[BASELINE, "share", "all", "all"]
    assert (untouched.low, untouched.high, untouched.assumptions) == (untouched.value, untouched.value, 0)


def test_a_change_that_the_assumptions_do_not_touch_is_certain():
    marks, shard, table = world()

    def drawn(factor):
        moved = dict(table, income=table["income"] * factor)
        more = dict(moved, income=moved["income"] + 50)
        return {
            BASELINE: tally(PLAN, marks, shard, table, moved, 1),
            "more": tally(PLAN, marks, shard, table, more, 1),
        }

    row = rows(PLAN, marks, drawn(1.0), drawn(1.0), [drawn(f) for f in (0.8, 0.9, 1.1, 1.2)])[
        "more", "mean", "all", "all"
    ]
    assert row.high - row.low > 1000
    assert (row.change_low, row.change_high) == pytest.approx((50, 50))


def test_sums_costs_and_queues_of_a_sample_are_brought_to_everybodys_size():
    """Half of the neighbourhoods are the sample; the others are their twins."""
    marks, shard, table = world(neighbourhoods=20, weighted=True)
    doubled = type(shard)(
        0,
        {},
        {},
        {
            entity: ids if entity == "district" else np.concatenate([ids, ids + np.uint64(1)])
            for entity, ids in shard.ids.items()
        },
        {entity: w if entity == "district" else np.tile(w, 2) for entity, w in shard.weights.items()},
        {
            entity: np.concatenate(
                [above, above + (0 if entity == "neighbourhood" else shard.size(shard.entities[number + 1]))]
            )
            for number, (entity, above) in enumerate(shard.parents.items())
        },
    )
    both = {name: v if KINDS[name].entity == "district" else np.tile(v, 2) for name, v in table.items()}
    whole = tally(PLAN, marks, doubled, both, both)
    sample = tally(PLAN, marks, shard, table, table, blocks=1)
    wanted = values_only(PLAN, KINDS, marks, whole)
    scale = scaling_of(PLAN, KINDS, marks, whole, sample)
    found = values_only(PLAN, KINDS, marks, sample, scale)
    plain = values_only(PLAN, KINDS, marks, sample)
    for key in wanted:
        if key[0] in ("sum", "mean", "share", "gini"):
            assert found[key] == pytest.approx(wanted[key], rel=1e-9), key
    assert found["sum", "sex", "男"] == pytest.approx(2 * plain["sum", "sex", "男"])
    # capacities are cut to the sample's share: what is served is alike but for neighbourhoods being whole
    assert found["served", "all", "all"] == pytest.approx(wanted["served", "all", "all"], abs=0.15)
    assert found["cost", "all", "all"] == pytest.approx(wanted["cost", "all", "all"], rel=0.25)
    assert plain["served", "all", "all"] > found["served", "all", "all"] + 0.1


def test_values_of_draws_are_those_of_each_draw():
    marks, shard, table = world(weighted=True)
    full = {name: tally(PLAN, marks, shard, table, table) for name in (BASELINE, "more")}
    small = {name: tally(PLAN, marks, shard, table, table, blocks=1) for name in (BASELINE, "more")}
    draws = [
        {
            BASELINE: tally(PLAN, marks, shard, table, dict(table, homes=table["homes"] * factor), 1),
            "more": tally(PLAN, marks, shard, table, dict(table, income=table["income"] * factor), 1),
        }
        for factor in (0.5, 1.0, 3.0)
    ]
    found = values_of_draws(PLAN, KINDS, marks, full, small, draws)
    for number, draw in enumerate(draws):
        for option, drawn in draw.items():
            scale = scaling_of(PLAN, KINDS, marks, full[option], small[option])
            sent = msgspec.json.decode(msgspec.json.encode(scale), type=Scaling)
            assert sent == scale
            wanted = values_only(PLAN, KINDS, marks, drawn, sent)
            assert found[number][option] == pytest.approx(
                {measure: value for (measure, grouping, _), value in wanted.items() if grouping == "all"}, rel=1e-12
            )
    served = [draw[BASELINE]["served"] for draw in found]
    assert served[0] > served[1] > served[2]
    assert values_of_draws(PLAN, KINDS, marks, full, small, []) == []


def test_scaled_and_negatively_scaled_measures_keep_their_bounds_in_order():
    marks, shard, table = world()
    made = plan([measure("mean", "income", "m", scale=-0.5, unit="半元")])
    row = rows(made, marks, {BASELINE: tally(made, marks, shard, table, table)})[BASELINE, "m", "all", "all"]
    assert row.value == pytest.approx(-0.5 * float(table["income"].mean()))
    assert row.low < row.value < row.high
    assert (row.unit, row.sampling > 0) == ("半元", True)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    marks, shard, table = world()
    full = {BASELINE: tally(PLAN, marks, shard, table, table)}
    one, again = (estimate(PLAN, KINDS, marks, full, {}, []) for _ in range(2))
    assert one == again
    other = plan(list(PLAN.measures), groupings=PLAN.groupings, queues=PLAN.queues, seed=8)
    assert rows(other, marks, full)[BASELINE, "mean", "all", "all"].low != one[0].low


@pytest.mark.parametrize("filled", [1, 2, 10, 64])
def test_multiplicities_draw_from_blocks_with_somebody_in_them(filled):
    there = np.zeros(64, dtype=bool)
    there[np.random.default_rng(filled).permutation(64)[:filled]] = True
    times = multiplicities(3, there, 2000)
    assert (times[:, ~there] == 0).all()
    assert (times.sum(axis=1) == filled).all()
    # each block once on average, with the variance of the multinomial
    assert times[:, there].mean(axis=0) == pytest.approx(1, abs=0.12)
    assert times[:, there].var(axis=0).mean() == pytest.approx(1 - 1 / filled, abs=0.05)


def test_blocks_spread_ids_that_follow_each_other():
    counts = np.bincount(of(np.arange(64_000, dtype=np.uint64), 64), minlength=64)
    chi = float(((counts - 1000) ** 2 / 1000).sum())
    assert 30 < chi < 110  # of 63 degrees of freedom: between the 0.0003 and 0.9998 quantiles


def test_each_draw_is_picked_equally_often():
    assert set(np.bincount(picks(3, 40, 400)).tolist()) == {10}
    assert picks(3, 40).tolist() != picks(4, 40).tolist()


def test_gains_under_a_draw_are_counted_from_the_baseline_under_the_same_draw():
    marks, shard, table = world()
    made = plan([measure("gainers", "income", "g", threshold=10.0), measure("losers", "income", "l", threshold=10.0)])
    tallier = Tallier(made, KINDS, marks, shard, table, 1)
    drawn = dict(table, income=table["income"] * 2)
    better = dict(drawn, income=drawn["income"] + 20)

    def shares(found):
        values = values_only(made, KINDS, marks, found)
        return values["g", "all", "all"], values["l", "all", "all"]

    assert shares(tallier.tally(drawn)) == (1, 0)
    assert shares(tallier.tally(drawn, drawn)) == (0, 0)
    # the same arrays against another baseline are not what was summed before
    assert shares(tallier.tally(drawn, better)) == (0, 1)
    assert shares(tallier.tally(better, drawn)) == (1, 0)


@pytest.mark.parametrize(("turned", "measured"), [(False, "share"), (True, "share"), (False, "sum"), (False, "debts")])
def test_an_interval_does_not_leave_what_the_figure_can_be(turned, measured):
    """Two of thirty neighbourhoods agree (or have money), under most draws nobody: two errors that are added would go
    below 0, or above 1; but money that some replicates have below 0 keeps its bound."""
    marks, shard, table = world(neighbourhoods=30, households=20)
    rare = np.isin(shard.above("household", "neighbourhood"), (3, 11))
    who = shard.above("person", "household")
    some = np.where(rare[who], 1000.0, -50.0 if measured == "debts" else 0.0)

    def values(share):
        kept = rare & (np.arange(len(rare)) % 20 < 20 * share)
        return dict(table, agrees=kept ^ turned, income=np.where(kept[who] | ~rare[who], some, 0.0))

    full = {BASELINE: tally(PLAN, marks, shard, table, values(1))}
    small = {BASELINE: tally(PLAN, marks, shard, table, values(1), 1)}
    draws = [{BASELINE: tally(PLAN, marks, shard, table, values(share), 1)} for share in (0.0, 0.1, 1.0)]
    row = rows(PLAN, marks, full, small, draws)[BASELINE, "share" if measured == "share" else "sum", "all", "all"]
    free = row.value - 1.2816 * np.hypot(row.sampling, row.assumptions)
    if measured == "debts":
        assert row.low < 0 < row.value
    elif turned:
        assert row.low < row.value < row.high == 1
    else:
        assert free < 0 == row.low < row.value < row.high
