"""Tallies against loops over people; merges to the bit; what must not matter; what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import UsageError
from schemas.policy import BASELINE, Constraint, Grouping, Line, Payer, Queue
from tests.udfs.outcomes.world import GROUPINGS, KINDS, PAYERS, QUEUE, measure, plan, shards
from udfs.outcomes import Marks, Tallier, Tally, estimate, inequality, load, merge, names, values_only
from udfs.outcomes.exact import Exact, add

MEASURES = [
    measure("sum", "subsidy", "sum_h", count="household"),
    measure("sum", "agrees", "sum_b", count="household"),
    measure("sum", "income", "sum_w", where="poor_health"),
    measure("mean", "income", "mean"),
    measure("mean", "income_h", "mean_w", where="poor_health"),
    measure("mean", "urgency", "mean_n"),
    measure("share", "agrees", "share"),
    measure("share", "poor_health", "share_w", where="agrees"),
    measure("ratio", "subsidy", "ratio", over="income_h", where="old"),
    measure("gainers", "income_h", "gainers", threshold=500.0),
    measure("losers", "income", "losers", threshold=1000.0, where="poor_health"),
    measure("gainers", "income_h", "gainers_0"),  # who is where they were has not gained
    measure("losers", "income_h", "losers_0"),
    measure("poverty_rate", "income_h", "rate", line_at=Line(share=0.6)),
    measure("poverty_rate", "income_h", "rate_v", line_at=Line(value=20000.0), where="old"),
    measure("poverty_gap", "income_h", "gap", line_at=Line(share=0.6)),
]
OWN = [
    measure("gini", "income_h", "gini"),
    measure("gini", "income", "gini_w", where="old"),
    measure("s80s20", "income_h", "s80s20"),
    measure("poverty_rate", "income_h", "own", line_at=Line(share=0.6, anchored=False)),
    measure("poverty_gap", "income_h", "own_gap", line_at=Line(share=0.6, anchored=False)),
    measure("gini", "subsidy", "gini_hh", count="household"),
]
PLAN = plan(MEASURES + OWN, groupings=GROUPINGS, queues=(QUEUE,), payers=PAYERS, payers_queue="works")


def option(values):
    """An option: every other person and household gains or loses."""
    rng = np.random.default_rng(len(values["income"]))
    changed = dict(values)
    for name in ("income", "income_h"):
        changed[name] = values[name] * rng.choice([0.9, 1.0, 1.2], len(values[name]))
    changed["agrees"] = values["agrees"] | (values["subsidy"] > 70)
    return changed


def tallies(parts, weighted, made=PLAN, blocks=64) -> tuple[Marks, list[Tally]]:
    found, tables = shards(parts=parts, weighted=weighted)
    marks = Marks.of(made, KINDS, zip(found, tables, strict=True))
    return marks, [
        Tallier(made, KINDS, marks, shard, table, blocks).tally(option_of(table, parts, weighted, number))
        for number, (shard, table) in enumerate(zip(found, tables, strict=True))
    ]


def option_of(table, parts, weighted, number):
    """The option's values are drawn over the whole population, then cut: the same in however many shards."""
    whole, values = shards(parts=1, weighted=weighted)
    changed = option(values[0])
    cut, _ = shards(parts=parts, weighted=weighted)
    kept = {entity: np.isin(whole[0].ids[entity], cut[number].ids[entity]) for entity in ("person", "household")}
    return table | {name: changed[name][kept[KINDS[name].entity]] for name in ("income", "income_h", "agrees")}


def by_loop(found, shard, base, values, line):
    """The measure's value in each group, person by person."""
    entity = found.count

    def at(table, name, record):
        high = KINDS[name].entity
        return table[name][record if high == entity else shard.above(entity, high)[record]]

    def group(grouping, record):
        value = at(base, grouping.of, record)
        if grouping.cuts:
            return sum(value >= cut for cut in grouping.cuts)
        return int(value)

    out = {}
    for grouping in (None, *(g for g in GROUPINGS if not g.quantiles)):
        if grouping is not None and entity == "household" and KINDS[grouping.of].entity == "person":
            continue
        above, below, seen = {}, {}, {}
        for record in range(shard.size(entity)):
            if found.where and not at(values, found.where, record):
                continue
            key = 0 if grouping is None else group(grouping, record)
            weight = shard.weights[entity][record]
            value = at(values, found.of, record)
            change = float(value) - float(at(base, found.of, record))
            number = {
                "sum": value, "mean": value, "share": value, "ratio": value,
                "gainers": change > found.threshold, "losers": change < -found.threshold,
                "poverty_rate": value < line, "poverty_gap": max(line - value, 0) / line,
            }[found.kind]  # fmt: skip
            divisor = at(values, found.over, record) if found.kind == "ratio" else 1.0
            above[key] = above.get(key, 0.0) + weight * float(number)
            below[key] = below.get(key, 0.0) + weight * divisor
            seen[key] = seen.get(key, 0) + 1
        for key in above:
            value = above[key] if found.kind == "sum" else above[key] / below[key]
            out["all" if grouping is None else grouping.name, key] = (value, seen[key])
    return out


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_every_measure_in_every_group_is_what_a_loop_over_people_finds(weighted):
    found, tables = shards(neighbourhoods=6, households=12, weighted=weighted)
    shard, base = found[0], tables[0]
    made = plan(MEASURES, groupings=GROUPINGS)
    marks = Marks.of(made, KINDS, [(shard, base)])
    values = option(base)
    tallier = Tallier(made, KINDS, marks, shard, base)
    full = {BASELINE: tallier.tally(base), "more": tallier.tally(values)}
    rows = {
        (row.option, row.measure, row.grouping, row.group): row for row in estimate(made, KINDS, marks, full, {}, [])
    }
    for one in MEASURES:
        wanted = by_loop(one, shard, base, values, marks.lines.get(one.name, 1.0))
        assert len(wanted) >= 4
        for (grouping, key), (value, seen) in wanted.items():
            label = "all" if grouping == "all" else marks.labels[grouping][key]
            row = rows["more", one.name, grouping, label]
            assert row.value == pytest.approx(value, rel=1e-11), (one.name, grouping, label)
            assert row.sample == seen
            before = rows[BASELINE, one.name, grouping, label]
            assert row.change == pytest.approx(row.value - before.value, abs=1e-9)
            if one.kind in ("share", "gainers", "losers", "poverty_rate") and not weighted:
                assert row.hits == round(value * seen)


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_inequality_by_histogram_is_near_the_exact(weighted):
    found, tables = shards(parts=1, weighted=weighted)
    marks, (tally,) = tallies(1, weighted)
    values = values_only(PLAN, KINDS, marks, tally)
    shard, changed = found[0], option_of(tables[0], 1, weighted, 0)
    carried = shard.down(changed["income_h"], "household", "person")
    weights = shard.weights["person"]
    old = shard.down(tables[0]["old"], "neighbourhood", "person")
    wanted = {
        "gini": inequality.gini(carried, weights),
        "gini_w": inequality.gini(changed["income"][old], weights[old]),
        "s80s20": inequality.s80s20(carried, weights),
        "own": inequality.at_risk_of_poverty(carried, weights),
        "gini_hh": inequality.gini(changed["subsidy"], shard.weights["household"]),
    }
    for name, value in wanted.items():
        assert values[name, "all", "all"] == pytest.approx(value, rel=0.01, abs=0.002), name


def arrays(tally):
    from udfs.outcomes.tally import _leaves

    return dict(_leaves(tally, ""))


def same(one, other):
    a, b = arrays(one), arrays(other)
    assert a.keys() == b.keys()
    return [name for name in a if not np.array_equal(a[name], b[name])]


def test_a_merge_is_the_same_to_the_bit_in_every_order_and_nesting():
    _, found = tallies(5, weighted=True)
    wanted = merge(found)
    for order in itertools.islice(itertools.permutations(found), 0, 120, 17):
        assert same(merge(order), wanted) == []
    assert same(merge([merge(found[:2]), merge([found[2], merge(found[3:])])]), wanted) == []


@pytest.mark.parametrize("parts", [2, 5])
def test_shards_add_up_to_the_whole(parts):
    marks, (whole,) = tallies(1, weighted=True)
    other, found = tallies(parts, weighted=True)
    merged = merge(found)
    one, two = values_only(PLAN, KINDS, marks, whole), values_only(PLAN, KINDS, other, merged)
    assert one.keys() == two.keys()
    assert two == pytest.approx(one, rel=1e-9)


def test_sums_are_exact_where_floats_are_not():
    rng = np.random.default_rng(1)
    parts = [rng.lognormal(5, 4, 50) * rng.choice([-1, 1], 50) for _ in range(100)]
    exact = add(Exact.of(part) for part in parts)
    backwards = add(Exact.of(part) for part in reversed(parts))
    assert np.array_equal(exact.whole, backwards.whole)
    assert np.array_equal(exact.fraction, backwards.fraction)
    assert not np.array_equal(np.sum(parts, axis=0), np.sum(parts[::-1], axis=0))  # what it is for
    assert exact.value == pytest.approx(np.sum(parts, axis=0), rel=1e-9, abs=1e-9)
    assert ((exact.fraction >= 0) & (exact.fraction < 1)).all()


def test_saved_and_loaded_it_is_the_same(tmp_path: Path):
    _, found = tallies(2, weighted=True)
    path = tmp_path / "more.tally"
    found[0].save(path)
    again = load(path)
    assert same(again, found[0]) == []
    assert same(merge([again, found[1]]), merge(found)) == []


def test_an_unchanged_variable_is_not_summed_anew_and_a_changed_one_is():
    found, tables = shards()
    marks = Marks.of(PLAN, KINDS, zip(found, tables, strict=True))
    tallier = Tallier(PLAN, KINDS, marks, found[0], tables[0])
    first, second = option(tables[0]), dict(option(tables[0]), agrees=~tables[0]["agrees"])
    again = [tallier.tally(values) for values in (first, second, first)]
    fresh = [Tallier(PLAN, KINDS, marks, found[0], tables[0]).tally(values) for values in (first, second, first)]
    assert [same(one, other) for one, other in zip(again, fresh, strict=True)] == [[], [], []]
    assert same(again[0], again[1]) != []


def _reordered(shard, table):
    """The same people in another order."""
    mixed = np.random.default_rng(2).permutation(shard.size("person"))
    person = {name for name, kind in KINDS.items() if kind.entity == "person"}
    moved = {name: array[mixed] if name in person else array for name, array in table.items()}
    return replace(
        shard,
        values=moved,
        ids=dict(shard.ids, person=shard.ids["person"][mixed]),
        weights=dict(shard.weights, person=shard.weights["person"][mixed]),
        parents=dict(shard.parents, person=shard.parents["person"][mixed]),
        _climbs={},
    ), moved


def _split(shard, table):
    """Everybody's weight in two records."""
    size = shard.size("person")
    person = {name for name, kind in KINDS.items() if kind.entity == "person"}
    twice = {name: np.tile(array, 2) if name in person else array for name, array in table.items()}
    part = np.random.default_rng(3).uniform(0.1, 0.9, size)
    weights = shard.weights["person"]
    return replace(
        shard,
        values=twice,
        ids=dict(shard.ids, person=np.concatenate([shard.ids["person"], shard.ids["person"] + np.uint64(1)])),
        weights=dict(shard.weights, person=np.concatenate([weights * part, weights * (1 - part)])),
        parents=dict(shard.parents, person=np.tile(shard.parents["person"], 2)),
        _climbs={},
    ), twice


def _doubled(shard, table):
    """Twice as many of everybody."""
    weights = {
        entity: found * 2 if entity in ("person", "household") else found for entity, found in shard.weights.items()
    }
    return replace(shard, weights=weights, _climbs={}), table


@pytest.mark.parametrize(("change", "factor"), [(_reordered, 1), (_split, 1), (_doubled, 2)])
def test_what_must_not_matter(change, factor):
    found, tables = shards(weighted=True)

    def values(shard, table):
        marks = Marks.of(PLAN, KINDS, [(shard, table)])
        return values_only(PLAN, KINDS, marks, Tallier(PLAN, KINDS, marks, shard, table).tally(table))

    before, after = values(found[0], tables[0]), values(*change(found[0], tables[0]))
    sums = {"sum_h", "sum_b", "sum_w", "cost", "cost:local"}
    for key, value in before.items():
        # the levy is of neighbourhoods, of which there are as many as before
        if key[0] == "cost:fund" or (key[0] == "cost" and factor == 2):
            continue
        assert after[key] == pytest.approx(value * (factor if key[0] in sums else 1), rel=1e-9), key


def test_labels_and_quantiles():
    found, tables = shards(weighted=True)
    marks = Marks.of(PLAN, KINDS, zip(found, tables, strict=True))
    assert marks.labels == {
        "sex": ("男", "女"),
        "age": ("18以下", "18至60（不含）", "60及以上"),
        "quintile": ("最低20%", "次低20%", "中间20%", "次高20%", "最高20%"),
        "district": ("东", "西", "南"),
    }
    carried = found[0].down(tables[0]["income_h"], "household", "person")
    wanted = inequality.quantiles(carried, found[0].weights["person"], (0.2, 0.4, 0.6, 0.8))
    assert marks.cuts["quintile"] == pytest.approx(wanted)
    assert marks.lines["rate"] == pytest.approx(0.6 * inequality.median(carried, found[0].weights["person"]))


def test_who_has_no_group_is_in_none_of_them():
    found, tables = shards()
    table = dict(tables[0], age=np.where(tables[0]["poor_health"], np.nan, tables[0]["age"]))
    made = plan([measure("sum", "income", "s"), measure("share", "poor_health", "p")], groupings=GROUPINGS[1:2])
    marks = Marks.of(made, KINDS, [(found[0], table)])
    values = values_only(made, KINDS, marks, Tallier(made, KINDS, marks, found[0], table).tally(table))
    kept = float(table["income"][~table["poor_health"]].sum())
    assert sum(values["s", "age", label] for label in marks.labels["age"]) == pytest.approx(kept)
    assert values["s", "all", "all"] == pytest.approx(float(table["income"].sum()))
    assert [values["p", "age", label] for label in marks.labels["age"]] == [0, 0, 0]


def test_a_group_that_nobody_is_in_has_no_value():
    found, tables = shards()
    table = dict(tables[0], sex=np.zeros(found[0].size("person"), dtype=np.int16))
    made = plan([measure("mean", "income", "m")], groupings=GROUPINGS[:1])
    marks = Marks.of(made, KINDS, [(found[0], table)])
    full = {BASELINE: Tallier(made, KINDS, marks, found[0], table).tally(table)}
    row = next(row for row in estimate(made, KINDS, marks, full, {}, []) if row.group == "女")
    assert np.isnan(row.value)
    assert np.isnan(row.low)
    assert (row.sample, row.weight) == (0, 0.0)


def test_names_are_those_that_the_plan_speaks_of():
    assert set(names(PLAN)) == set(KINDS) - {"age", "sex", "district"} | {"age", "sex", "district"}
    assert Marks.names(plan([measure("mean", "income")])) == ()


BAD = [
    (plan([measure("mean", "incme")]), "plan.yaml:12: measure m: there is neither a variable nor a column 'incme'"),
    (plan([measure("mean", "income", count="household")]), "plan.yaml:12: measure m: income is of each person"),
    (plan([measure("mean", "income", where="age")]), "plan.yaml:12: measure m: where wants a boolean; age is none"),
    (plan([measure("mean", "sex")]), "plan.yaml:12: measure m: sex is a category; a number is wanted"),
    (plan([measure("share", "income")]), "plan.yaml:12: measure m: income is a number; a boolean is wanted"),
    (plan([measure("mean", "district", count="district")]), "plan.yaml:12: measure m: district is a category"),
    (plan([measure("wait", queue="q")]), "plan.yaml:12: measure m: there is no queue 'q'"),
    (
        plan([measure("mean", "subsidy", count="household")], groupings=(Grouping("sex", "", "sex", line=4),)),
        "plan.yaml:4: grouping sex: sex is of each person, below everything that is counted (household)",
    ),
    (
        plan([measure("mean", "income")], groupings=(Grouping("age", "", "age", line=4),)),
        "plan.yaml:4: grouping age: age is a number: give cuts or quantiles",
    ),
    (
        plan([measure("mean", "income")], groupings=(Grouping("age", "", "age", cuts=(60.0, 95.0), line=4),)),
        "plan.yaml:4: grouping age: nobody is in group 3 of 3 of age; leave a cut out",
    ),
    (
        plan([measure("mean", "income")], groupings=(Grouping("old", "", "old", labels=("新",), line=4),)),
        "plan.yaml:4: grouping old: 1 labels for 2 groups",
    ),
    (
        plan([measure("poverty_rate", "income", line_at=Line(value=0.0))]),
        "plan.yaml:12: measure m: its poverty line is 0; it must be above 0",
    ),
    (
        plan(
            [measure("mean", "subsidy", "h", count="household"), measure("mean", "income", "p")],
            groupings=GROUPINGS[:1],
            constraints=(Constraint("c", "", "h", grouping="sex", at_most=1.0, line=9),),
        ),
        "plan.yaml:9: constraint c: h counts each household and cannot be split by sex, which is of each person",
    ),
    (
        plan([measure("mean", "income")], payers=(Payer("x", "", "district", line=3),)),
        "plan.yaml:3: payer x: districts lie in many shards",
    ),
    (
        plan([measure("mean", "income")], queues=(Queue("q", "", "urgency", "income", (1.0,), line=3),)),
        "plan.yaml:3: queue q: income is of each person; a queue is of neighbourhoods",
    ),
]


@pytest.mark.parametrize(("made", "said"), BAD, ids=[said[:60] for _, said in BAD])
def test_a_plan_that_cannot_be_counted_is_refused_by_its_line(made, said):
    found, tables = shards()
    with pytest.raises(UsageError) as raised:
        Marks.of(made, KINDS, zip(found, tables, strict=True))
    assert str(raised.value).startswith(said)


def test_a_mass_point_that_leaves_a_quantile_empty_is_said():
    found, tables = shards()
    table = dict(tables[0], income_h=np.where(np.arange(len(tables[0]["income_h"])) % 2, tables[0]["income_h"], 0.0))
    with pytest.raises(UsageError, match="many have the same value: use cuts"):
        Marks.of(PLAN, KINDS, [(found[0], table)])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("income", "measure sum_w: 1 values of income are no finite numbers"),
        ("income_h", "measure mean_w: 1 values of income_h are no finite numbers"),
        ("subsidy", "measure sum_h: 1 values of subsidy are no finite numbers"),
        ("levy", "payers: 1 values of levy are no finite numbers"),
        ("homes", "queue works: urgency and homes must be finite"),
    ],
)
def test_a_value_that_is_no_number_is_refused(name, said):
    found, tables = shards()
    marks = Marks.of(PLAN, KINDS, zip(found, tables, strict=True))
    values = dict(tables[0], old=np.ones(30, dtype=bool), poor_health=np.ones(found[0].size("person"), dtype=bool))
    values[name] = values[name].copy()
    values[name][3] = np.nan
    with pytest.raises(UsageError, match=said):
        Tallier(PLAN, KINDS, marks, found[0], tables[0]).tally(values)


def test_merging_nothing_or_a_shard_twice_is_refused():
    _, found = tallies(2, weighted=False)
    with pytest.raises(UsageError, match="no tally"):
        merge([])
    with pytest.raises(UsageError, match="in two shards"):
        merge([found[0], found[1], found[0]])
