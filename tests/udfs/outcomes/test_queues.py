"""Who is served when, by hand; costs by year; waits and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import UsageError
from schemas.policy import BASELINE, Payer, Queue
from tests.udfs.outcomes.world import KINDS, measure, plan, shards
from udfs.outcomes import Marks, Tallier, estimate, merge, values_only
from udfs.outcomes.exact import Exact
from udfs.outcomes.queues import NEVER, replay
from udfs.outcomes.tally import Rows


def rows(order, load, takes=None) -> Rows:
    size = len(order)
    return Rows(
        ids=np.arange(size, dtype=np.uint64),
        blocks=np.zeros(size, dtype=np.int64),
        order=np.asarray(order, float),
        load=np.asarray(load, float),
        takes=np.ones(size, dtype=bool) if takes is None else np.asarray(takes, dtype=bool),
        amounts=Exact.of(np.zeros((size, 0))),
        waiting={},
        counts={},
    )


def queue(*capacity, carry=True) -> Queue:
    return Queue("q", "", "o", "l", tuple(map(float, capacity)), carry=carry)


CASES = [
    # order, load, takes, queue -> year of each
    ([1, 2, 3], [5, 5, 5], None, queue(5, 5, 5), [2, 1, 0]),  # highest first
    ([1, 1, 1], [5, 5, 5], None, queue(5, 5, 5), [0, 1, 2]),  # ties by id
    ([3, 2, 1], [6, 5, 4], None, queue(10, 10), [0, 1, 0]),  # whole: the second does not fit, the third does
    ([3, 2, 1], [6, 7, 5], None, queue(10, 10), [0, 1, 1]),  # 4 carried on: 14 hold 7 and 5
    ([3, 2, 1], [6, 7, 5], None, queue(10, 10, carry=False), [0, 1, NEVER]),
    ([2, 1], [20, 5], None, queue(10, 10), [NEVER, 0]),  # carry: 5 + 10 do not hold 20 ...
    ([2, 1], [15, 5], None, queue(10, 10), [1, 0]),  # ... but 15
    ([2, 1], [20, 5], None, queue(10, 10, carry=False), [NEVER, 0]),
    ([2, 1], [5, 5], [False, True], queue(5, 5), [NEVER, 0]),  # who takes no part takes nothing
    ([2, 1], [0, 5], None, queue(0, 5), [0, 1]),
    ([2, 1], [0.1 + 0.2, 0.1], None, queue(0.4), [0, 0]),  # sums of floats
    ([], [], None, queue(5), []),
]


@pytest.mark.parametrize(("order", "load", "takes", "asked", "years"), CASES)
def test_year_of_being_served(order, load, takes, asked, years):
    made = rows(order, load, takes)
    size = len(order)
    assert replay(asked, made, np.ones((1, size)))[0].tolist() == years
    # the way for many replicates says the same
    assert replay(asked, made, np.ones((3, size))).tolist() == [years] * 3


def test_a_replicate_is_replayed_with_its_own_copies():
    made = rows([4, 3, 2, 1], [5, 5, 5, 5])
    times = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [0, 0, 0, 4], [3, 1, 0, 0]], float)
    found = replay(queue(10, 5, 5), made, times)
    one_by_one = [replay(queue(10, 5, 5), made, row[None])[0] for row in times]
    assert np.array_equal(found, one_by_one)
    assert found[1].tolist() == [0, 0, 1, 2]  # two copies fill the first year; none of the second uses nothing
    assert found[2, 3] == 2  # four copies wait until 20 have been saved up


def test_capacities_of_a_sample_are_scaled():
    made = rows([2, 1], [5, 5])
    assert replay(queue(100, 100), made, np.ones((1, 2)), scale=0.05)[0].tolist() == [0, 1]


def setting(payers_queue="works", years=(2026, 2027, 2028)):
    """Four neighbourhoods of three households; two are served, a year each."""
    found, tables = shards(neighbourhoods=4, households=3, weighted=True)
    table = dict(
        tables[0],
        urgency=np.array([1.0, 4.0, 3.0, 2.0]),
        homes=np.array([10.0, 10.0, 10.0, 10.0]),
        old=np.array([True, True, True, False]),
    )
    made = plan(
        [
            measure("wait", name="wait", queue="works"),
            measure("served", name="served", queue="works"),
            measure("served", name="served_old", queue="works", where="old"),
            measure("wait", name="wait_h", queue="works", count="household", where="agrees"),
        ],
        queues=(Queue("works", "", "urgency", "homes", (10.0, 10.0, 0.0), when="old"),),
        payers=(Payer("once", "", "subsidy", "once"), Payer("annual", "", "levy", "annual")),
        payers_queue=payers_queue,
        payers_scale=0.01,
        payers_unit="百元",
        years=years,
    )
    marks = Marks.of(made, KINDS, [(found[0], table)])
    return made, marks, found[0], table


def test_waits_coverage_and_costs_by_hand():
    made, marks, shard, table = setting()
    values = values_only(made, KINDS, marks, Tallier(made, KINDS, marks, shard, table).tally(table))
    where = shard.above("person", "neighbourhood")
    weight = shard.weights["person"]
    people = [float(weight[where == n].sum()) for n in range(4)]
    # neighbourhood 1 is served in 2026, 2 in 2027; 0 not at all, 3 takes no part
    assert values["wait", "all", "all"] == pytest.approx(people[2] / (people[1] + people[2]))
    assert values["served", "all", "all"] == pytest.approx((people[1] + people[2]) / sum(people))
    assert values["served_old", "all", "all"] == pytest.approx((people[1] + people[2]) / sum(people[:3]))
    subsidy = (shard.weights["household"] * table["subsidy"]).reshape(4, 3).sum(axis=1) / 100
    levy = table["levy"] / 100
    wanted = {
        ("cost:once", "year"): [subsidy[1], subsidy[2], 0],
        ("cost:annual", "year"): [levy[1], levy[1] + levy[2], levy[1] + levy[2]],
    }
    for (measure_name, grouping), years in wanted.items():
        assert [values[measure_name, grouping, str(y)] for y in (2026, 2027, 2028)] == pytest.approx(years)
        assert values[measure_name, "all", "all"] == pytest.approx(sum(years))
    assert values["cost", "year", "2027"] == pytest.approx(subsidy[2] + levy[1] + levy[2])


def test_without_a_queue_once_is_the_first_year_and_annual_is_every_year():
    made, marks, shard, table = setting(payers_queue="")
    values = values_only(made, KINDS, marks, Tallier(made, KINDS, marks, shard, table).tally(table))
    subsidy = float((shard.weights["household"] * table["subsidy"]).sum()) / 100
    levy = float(table["levy"].sum()) / 100
    assert [values["cost:once", "year", str(y)] for y in (2026, 2027, 2028)] == pytest.approx([subsidy, 0, 0])
    assert [values["cost:annual", "year", str(y)] for y in (2026, 2027, 2028)] == pytest.approx([levy] * 3)
    assert values["cost", "all", "all"] == pytest.approx(subsidy + 3 * levy)


def test_rows_of_results_say_who_they_are_about():
    made, marks, shard, table = setting()
    full = {BASELINE: Tallier(made, KINDS, marks, shard, table).tally(table)}
    found = {(row.measure, row.grouping, row.group): row for row in estimate(made, KINDS, marks, full, {}, [])}
    where = shard.above("person", "neighbourhood")
    reached = int(np.isin(where, [1, 2]).sum())
    assert found["served", "all", "all"].sample == shard.size("person")
    assert found["served", "all", "all"].hits == reached
    assert found["wait", "all", "all"].sample == reached
    assert found["wait", "all", "all"].hits == -1
    cost = found["cost:once", "year", "2026"]
    assert (cost.unit, cost.weight) == ("百元", pytest.approx(float(shard.weights["person"].sum())))


def test_one_queue_over_all_shards():
    asked = Queue("works", "", "urgency", "homes", (120.0, 150.0, 150.0), when="old")
    made = plan([measure("served", name="s", queue="works")], queues=(asked,))

    def value(parts):
        cut, of = shards(neighbourhoods=30, parts=parts)
        marks = Marks.of(made, KINDS, zip(cut, of, strict=True))
        found = merge([Tallier(made, KINDS, marks, s, t).tally(t) for s, t in zip(cut, of, strict=True)])
        return values_only(made, KINDS, marks, found)["s", "all", "all"]

    assert value(1) == value(3) == value(7)
    assert 0.2 < value(1) < 0.9


def test_a_population_without_neighbourhoods_has_no_queue():
    made, marks, shard, table = setting()
    kept = {entity: shard.ids[entity] for entity in ("person", "household")}
    parents = {"person": shard.parents["person"]}
    bare = type(shard)(0, {}, table, kept, shard.weights, parents)
    with pytest.raises(UsageError, match="queue works: this population has no neighbourhoods"):
        Tallier(
            plan(
                [measure("served", name="s", queue="works")],
                queues=made.queues,
            ),
            KINDS,
            marks,
            bare,
            table,
        ).tally(table)


def test_a_neighbourhood_that_stands_for_two_takes_twice_its_load():
    made, marks, shard, table = setting()
    weights = dict(shard.weights, neighbourhood=np.array([1.0, 2.0, 1.0, 1.0]))
    heavy = type(shard)(0, {}, table, shard.ids, weights, shard.parents)
    found = Tallier(made, KINDS, marks, heavy, table).tally(table).rows["works"]
    assert found.load.tolist() == [10, 20, 10, 0]
    # first of all, but no year holds 20: those behind it use up what could have been saved for it
    assert replay(made.queues[0], found, np.ones((1, 4)))[0].tolist() == [1, NEVER, 0, NEVER]
