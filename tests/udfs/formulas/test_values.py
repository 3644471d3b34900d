"""What formulas are worth on a tiny economy; closed forms; invariants."""

from __future__ import annotations

import hashlib
import pickle
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from schemas.errors import UsageError
from tests.udfs.formulas.economy import COLUMNS, ENTITIES, HEAD, one, program, rules, shard, value
from udfs.formulas import compile
from udfs.formulas import draws as hashes
from udfs.population.shard import Shard

T, F = True, False
FORMULAS = [
    # formula, entity, kind, unit, values
    ("wage + wage", "person", "", "CNY/year", [100, 500, 0, 4000, 200]),
    ("wage - 0", "person", "", "CNY/year", [50, 250, 0, 2000, 100]),
    ("-wage * 2", "person", "", "CNY/year", [-100, -500, 0, -4000, -200]),
    ("wage / age", "person", "", "CNY/year2", [50 / 17, 6.25, 0, 2000 / 60, 100 / 18]),
    ("age ** 2", "person", "", "year2", [289, 1600, 4900, 3600, 324]),
    ("sqrt(age ** 2)", "person", "", "year", [17, 40, 70, 60, 18]),
    ('age < quantity(40, "year")', "person", "boolean", "", [T, F, F, F, T]),
    ('quantity(18, "year") <= age < quantity(60, "year")', "person", "boolean", "", [F, T, F, F, T]),
    ("not retired and wage > 0", "person", "boolean", "", [T, T, F, F, T]),
    ('retired or sex == "female"', "person", "boolean", "", [F, T, T, T, T]),
    ('"male" == sex', "person", "boolean", "", [T, F, F, T, F]),
    ('sex != "male"', "person", "boolean", "", [F, T, T, F, T]),
    ('sex in ("male", "female")', "person", "boolean", "", [T] * 5),
    ('city in ("西城",)', "person", "boolean", "", [T] * 5),
    ('city not in ("西城",)', "household", "boolean", "", [F] * 3),
    ("size in (2, 3)", "household", "boolean", "", [T, T, F]),
    ("retired == true", "person", "boolean", "", [F, F, T, T, F]),
    ("1 if retired else 0", "person", "", "", [0, 0, 1, 1, 0]),
    ("wage if not retired else 0", "person", "", "CNY/year", [50, 250, 0, 0, 100]),
    ("min(size, 2)", "household", "", "", [2, 2, 0]),
    ("max(size, 1, 2.5)", "household", "", "", [3, 2.5, 2.5]),
    ("abs(0 - size)", "household", "", "", [3, 2, 0]),
    ("floor(size / 2) + ceil(size / 2) * 10 + round(size / 2) * 100", "household", "", "", [221, 111, 0]),
    ("clip(size, 1, 2)", "household", "", "", [2, 2, 1]),
    ("exp(log(size + 1))", "household", "", "", [4, 3, 1]),
    ("logistic(size - 3)", "household", "", "", [0.5, 1 / (1 + np.e), 1 / (1 + np.e**3)]),
    ("ratio(size, size)", "household", "", "", [1, 1, 0]),
    ("ratio(rate, 0 * rate)", "household", "", "", None),
    ("size / size if size > 0 else 7", "household", "", "", [1, 1, 7]),
    ("size > 0 and 6 / size > 2", "household", "boolean", "", [F, T, F]),
    # carried down, by hand over several levels
    ("wage / size", "person", "", "CNY/year", [50 / 3, 250 / 3, 0, 1000, 50]),
    ("fee * floor_area", "unit", "", "CNY", [120, 160, 200]),
    ("fee", "person", "", "CNY/m2", [2] * 5),
    ("lift", "household", "boolean", "", [T, T, F]),
    # aggregates
    ("sum(wage)", "household", "", "CNY/year", [300, 2100, 0]),
    ("sum(wage / size)", "household", "", "CNY/year", [100, 1050, 0]),
    ("sum(wage)", "building", "", "CNY/year", [2400, 0]),
    ("sum(wage * floor_area)", "neighbourhood", "", "CNY*m2/year", [300 * 60 + 2100 * 80]),
    ("count(retired)", "household", "", "", [1, 1, 0]),
    ("count(person)", "household", "", "", [3, 2, 0]),
    ("count(person)", "building", "", "", [5, 0]),
    ("count(unit)", "neighbourhood", "", "", [3]),
    ("any(retired)", "household", "boolean", "", [T, T, F]),
    ("all(wage > 0)", "household", "boolean", "", [F, T, F]),
    ("count(true and person)", "household", "", "", [3, 2, 0]),
    ("mean(age) if count(person) > 0 else 0", "household", "", "year", [127 / 3, 39, 0]),
    ("mean(retired) if count(person) > 0 else 0", "household", "", "", [1 / 3, 0.5, 0]),
    ("most(age) if count(person) > 0 else 0", "household", "", "year", [70, 60, 0]),
    ("least(age) if count(person) > 0 else 0", "household", "", "year", [17, 18, 0]),
    ("most(floor_area) - least(floor_area)", "building", "", "m2", [20, 0]),
    # parameters, levers, assumptions
    ("price * floor_area", "unit", "", "CNY", [1200, 1600, 2000]),
    ("cost * floor_area", "unit", "", "CNY", [180, 240, 300]),
    ("by_city", "household", "", "CNY/year", [2000] * 3),
    ("tax(wage, bands)", "person", "", "CNY/year", [5, 40, 0, 10 + 180 + 500, 10]),
    ("step(age, ladder)", "person", "", "CNY/year", [0, 5, 7, 7, 5]),
    ("grant * take_up", "person", "", "CNY/year", [60] * 5),
    ("parking or retired", "person", "boolean", "", [F, F, T, T, F]),
    ("parking and retired", "person", "boolean", "", [F] * 5),
    ('scope == "basic"', "person", "boolean", "", [T] * 5),
    ('scope in ("full",)', "person", "boolean", "", [F] * 5),
    ("0", "person", "", "CNY", [0] * 5),
    ("true", "person", "boolean", "", [T] * 5),
    ("sum(rate * wage)", "household", "", "CNY/year", [150, 1050, 0]),
]


@pytest.mark.parametrize("row", FORMULAS, ids=[f"{row[1]}: {row[0]}" for row in FORMULAS])
def test_formula(row) -> None:
    formula, entity, kind, unit, wanted = row
    found = value(formula, entity, kind, unit)
    wanted = [0, 0, 0] if wanted is None else wanted
    assert found.dtype == (np.bool_ if kind else np.float64)
    assert not found.flags.writeable
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


LEVERS = [
    ("cost", "unit", "CNY/m2", {"scope": "full"}, 9),
    ("grant", "unit", "CNY/year", {"grant": 7}, 7),
    ("1 if parking else 2", "unit", "", {"parking": True}, 1),
    ('1 if scope != "basic" else 2', "unit", "", {"scope": "full"}, 1),
    ("rate if parking else 1 - rate", "unit", "", {"rate": 0.25, "parking": False}, 0.75),
]


@pytest.mark.parametrize("row", LEVERS, ids=[row[0] for row in LEVERS])
def test_levers(row) -> None:
    formula, entity, unit, levers, wanted = row
    assert value(formula, entity, "", unit, **levers).tolist() == [wanted] * 3


DAYS = [(date(2020, 1, 1), 10), (date(2025, 6, 30), 10), (date(2025, 7, 1), 20), (date(2026, 12, 31), 20)]


@pytest.mark.parametrize(("day", "wanted"), [*DAYS, (date(2027, 1, 1), 40)])
def test_the_day_decides_which_price_is_in_force(day: date, wanted: float) -> None:
    compiled = compile(rules(one("price", unit="CNY/m2")), COLUMNS, day, ENTITIES)
    assert compiled.start(shard(), 1).values({}, {}, ["x"])["x"].tolist() == [wanted] * 5


@pytest.mark.parametrize(("day", "wanted"), [(date(2020, 1, 1), 1), (date(2026, 1, 1), 2)])
def test_the_day_decides_which_formula_is_in_force(day: date, wanted: float) -> None:
    text = "  x: {title: 某, entity: person, formulas: {2020-01-01: 1, 2026-01-01: '2'}}\n"
    compiled = compile(rules(text), COLUMNS, day, ENTITIES)
    assert compiled.start(shard(), 1).values({}, {}, ["x"])["x"].tolist() == [wanted] * 5


# ---- closed forms


def _by_hand(income: float, bands: list[tuple[float, float]]) -> float:
    total = 0.0
    for (low, rate), high in zip(bands, [*(start for start, _ in bands[1:]), float("inf")], strict=True):
        total += rate * max(min(income, high) - low, 0.0)
    return total


@pytest.mark.parametrize(
    "bands", [[(0, 0.2)], [(0, 0.03), (36000, 0.1), (144000, 0.2), (300000, 0.25)], [(500, 0.5), (600, 0.0), (700, 1)]]
)
def test_brackets_are_what_a_loop_over_them_gives(bands) -> None:
    head = HEAD.replace("[[0, 0.1], [100, 0.2], [1000, 0.5]]", str([list(band) for band in bands]))
    compiled = program(one("tax(wage, bands)", unit="CNY/year"), head=head)
    incomes = np.array([-5.0, 0, 1, 499, 500, 550, 600, 699.5, 36000, 36001, 143999, 2e5, 1e6])
    found = compiled.start(_people(incomes), 1).values({}, {}, ["x"])["x"]
    np.testing.assert_allclose(found, [_by_hand(income, bands) for income in incomes], rtol=1e-12, atol=1e-9)


def test_a_flat_tax_that_pays_for_a_universal_transfer_moves_everyone_towards_the_mean() -> None:
    """net = wage (1 - t) + t mean(wage): the mean stays, distances from it shrink by 1 - t."""
    text = """
  mean_wage: {title: 某, entity: neighbourhood, unit: CNY/year, formula: mean(wage)}
  net: {title: 某, entity: person, unit: CNY/year, formula: wage * (1 - rate) + rate * mean_wage}
"""
    wages = np.array([0.0, 10, 20, 500, 1234])
    found = program(text).start(_people(wages), 1).values({"rate": 0.3}, {}, ["net"])["net"]
    np.testing.assert_allclose(found.mean(), wages.mean())
    np.testing.assert_allclose(found - wages.mean(), 0.7 * (wages - wages.mean()), atol=1e-12)


def test_two_people_who_share_equally() -> None:
    text = "  net: {title: 某, entity: person, unit: CNY/year, formula: pot / 2}\n"
    text += "  pot: {title: 某, entity: household, unit: CNY/year, formula: sum(wage)}\n"
    found = program(text).start(_people(np.array([0.0, 90])), 1).values({}, {}, ["net"])["net"]
    assert found.tolist() == [45, 45]


def _people(wages: np.ndarray) -> Shard:
    """One household of people with these wages."""
    few = shard()
    size = len(wages)
    values = {**few.values, "wage": wages, "age": np.full(size, 30.0), "retired": np.zeros(size, dtype=bool)}
    ids = {**few.ids, "person": np.arange(size, dtype=np.uint64)}
    return Shard(0, COLUMNS, values, ids, {}, {**few.parents, "person": np.zeros(size, dtype=np.int64)})


# ---- invariants

MANY = """
  lucky: {title: 某, entity: person, kind: boolean, formula: 'chance(0.5)'}
  noise: {title: 某, entity: person, formula: 'normal() + normal()'}
  net: {title: 某, entity: person, unit: CNY/year, formula: 'wage * (1 - rate) - tax(wage, bands)'}
  pot: {title: 某, entity: household, unit: CNY/year, formula: 'sum(net) + grant'}
  oldest: {title: 某, entity: household, unit: year, formula: 'most(age) if count(person) > 0 else 0'}
  share: {title: 某, entity: person, unit: CNY/year, formula: 'ratio(pot, size)'}
  agrees: {title: 某, entity: household, kind: boolean, formula: 'chance(take_up) and oldest > 0'}
  curve: {title: 某, entity: person, formula: 'logistic(noise) * exp(0.1 * noise) * log(2 + noise ** 2) ** 1.5'}
"""
NAMES = ["lucky", "noise", "net", "pot", "oldest", "share", "agrees", "curve"]


def test_permuting_people_permutes_what_they_get() -> None:
    compiled = program(MANY)
    order = (3, 0, 4, 2, 1)
    before = compiled.start(shard(), 5).values({}, {}, NAMES)
    after = compiled.start(shard(order), 5).values({}, {}, NAMES)
    for name in NAMES:
        of_people = len(before[name]) == 5
        wanted = before[name][list(order)] if of_people else before[name]
        np.testing.assert_array_equal(after[name], wanted, err_msg=name)


def test_two_shards_give_to_the_bit_what_one_gives() -> None:
    compiled = program(MANY, ("person", "household"))
    whole = _crowd(0, 400)
    cut = 137
    parts = [_crowd(0, cut), _crowd(cut, 400)]
    one_go = compiled.start(whole, 9).values({}, {}, NAMES)
    in_parts = [compiled.start(part, 9).values({}, {}, NAMES) for part in parts]
    for name in NAMES:
        assert one_go[name].tobytes() == np.concatenate([part[name] for part in in_parts]).tobytes(), name


def _crowd(first: int, last: int) -> Shard:
    """Households number first to last - 1, of 1 to 12 people (enough for sums in blocks)."""
    households = np.arange(first, last)
    sizes = households * 7 % 12 + 1
    people = np.concatenate(
        [household * 100 + np.arange(size) for household, size in zip(households, sizes, strict=True)]
    )
    ids = {"person": people.astype(np.uint64), "household": households.astype(np.uint64)}
    values = {
        "wage": people * 0.731 % 1777.7,
        "age": people % 97.3,
        "retired": people % 3 == 0,
        "size": sizes.astype(np.float64),
    }
    return Shard(0, COLUMNS, values, ids, {}, {"person": np.repeat(np.arange(len(households)), sizes)})


def test_draws_are_uniform_normal_and_independent() -> None:
    ids = np.arange(200_000, dtype=np.uint64)
    first, second = hashes.uniform(1, "a#1", ids), hashes.uniform(1, "a#2", ids)
    assert 0 <= first.min() < 1e-4
    assert 1 - 1e-4 < first.max() < 1
    counts = np.bincount((first * 20).astype(int), minlength=20)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 44  # chi-square, 19 degrees of freedom, 1 in 1000
    for other in (second, hashes.uniform(2, "a#1", ids), np.roll(first, 1)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.01
    drawn = hashes.normal(1, "a#1", ids)
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01
    assert abs((drawn > 1.96).mean() - 0.025) < 0.002


def test_draws_are_splitmix64_of_seed_name_and_id() -> None:
    """Against whole numbers of Python's: a changed constant, shift or overflow would change every result ever made."""

    def mixed(word: int) -> int:
        word = (word + 0x9E3779B97F4A7C15) % 2**64
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
        return word ^ word >> 31

    digest = hashlib.sha256(b"20260101\x1fagrees#1").digest()
    first, second = (int.from_bytes(digest[start : start + 8], "little") for start in (0, 8))
    ids = [0, 1, 12345, 2**63, 2**64 - 1]
    found = hashes.bits(20260101, "agrees#1", np.array(ids, dtype=np.uint64))
    assert found.tolist() == [mixed(mixed((key + first) % 2**64) ^ second) for key in ids]
    assert mixed(0) == 0xE220A8397B1DCDAF  # the first output of the published generator, seed 0


def test_chance_is_the_same_person_under_every_option() -> None:
    """Common random numbers: a higher probability only adds people."""
    compiled = program(one("chance(rate)", kind="boolean"))
    evaluation = compiled.start(_people(np.zeros(2000)), 3)
    found = [evaluation.values({"rate": rate}, {}, ["x"])["x"] for rate in (0.0, 0.2, 0.7, 1.0)]
    assert [bool((low <= high).all()) for low, high in pairwise(found)] == [True] * 3
    assert [round(float(some.mean()), 1) for some in found] == [0, 0.2, 0.7, 1]


# ---- what is kept


def test_needed_and_depends_follow_variables() -> None:
    compiled = program(MANY)
    assert compiled.needed(["share"]) == {"wage", "size"}
    assert compiled.needed(["oldest", "city"]) == {"age", "city"}
    assert compiled.depends("share") == ({"rate", "grant"}, frozenset())
    assert compiled.depends("agrees") == (frozenset(), {"take_up"})
    assert compiled.depends("lucky") == compiled.depends("age") == (frozenset(), frozenset())
    by = program(one("by_city * (1 if parking else 0) + grant", unit="CNY/year"))
    assert by.needed(["x"]) == {"city"}
    assert by.depends("x") == ({"parking", "grant"}, frozenset())


def test_what_does_not_change_is_computed_once(monkeypatch) -> None:
    compiled = program(MANY)
    evaluation = compiled.start(shard(), 1)
    calls = []
    original = hashes.uniform
    monkeypatch.setattr(hashes, "uniform", lambda *args: calls.append(args[1]) or original(*args))
    for take_up in (0.1, 0.2, 0.3):
        evaluation.values({}, {"take_up": take_up}, ["agrees", "lucky"])
    assert sorted(calls) == ["agrees#1", "lucky#1"]


def test_what_is_kept_is_found_again_and_bounded() -> None:
    compiled = program(MANY)
    evaluation = compiled.start(shard(), 1, kept_bytes=400)
    fresh = {}
    for rate in (0.1, 0.2, 0.3, 0.1, 0.2, 0.3):
        found = evaluation.values({"rate": rate}, {}, NAMES)
        assert evaluation.kept_bytes <= 400
        for name in NAMES:
            alone = compiled.start(shard(), 1).values({"rate": rate}, {}, [name])[name]
            np.testing.assert_array_equal(found[name], alone, err_msg=name)
        fresh[rate] = found
    roomy = compiled.start(shard(), 1)
    again = [roomy.values({"rate": 0.1}, {}, ["pot"])["pot"] for _ in range(2)]
    assert again[0] is again[1]
    assert roomy.values({"rate": 0.2}, {}, ["pot"])["pot"] is not again[0]


def test_values_follow_the_assumptions_too() -> None:
    evaluation = program(one("grant * take_up", unit="CNY/year")).start(shard(), 1)
    found = [evaluation.values({}, {"take_up": take_up}, ["x"])["x"][0] for take_up in (0.1, 0.4, 0.1)]
    assert found == [10, 40, 10]


def test_the_one_used_longest_ago_goes_first() -> None:
    evaluation = program(one("grant", unit="CNY/year")).start(shard(), 1, kept_bytes=2 * 5 * 8)
    ask = lambda grant: evaluation.values({"grant": grant}, {}, ["x"])["x"]  # noqa: E731
    first, second = ask(1.0), ask(2.0)
    assert ask(1.0) is first
    ask(3.0)
    assert ask(1.0) is first
    assert ask(2.0) is not second


def test_two_draws_in_one_formula_are_two() -> None:
    text = one("normal() - normal()") + "  y: {title: 某, entity: person, formula: x - x}\n"
    found = program(text).start(_people(np.zeros(5000)), 3).values({}, {}, ["x", "y"])
    assert abs(found["x"].std() - 2**0.5) < 0.05
    assert not found["y"].any()  # a variable is one draw, however often it is read


def test_a_program_pickles_and_gives_the_same() -> None:
    compiled = program(MANY)
    again = pickle.loads(pickle.dumps(compiled))
    for name, wanted in compiled.start(shard(), 1).values({}, {}, NAMES).items():
        np.testing.assert_array_equal(again.start(shard(), 1).values({}, {}, NAMES)[name], wanted)


def test_columns_come_as_they_are() -> None:
    compiled = program(MANY)
    few = shard()
    found = compiled.start(few, 1).values({}, {}, ["age", "retired", "sex"])
    assert {name: array.dtype.kind for name, array in found.items()} == {"age": "f", "retired": "b", "sex": "i"}
    assert not any(array.flags.writeable for array in found.values())


GOES_WRONG = [
    ("log(size)", "household", "", "`log(size)` is no finite number for 1 of 3 household"),
    ("1 if 1 / size > 2 else 0", "household", "", "`1 / size` is no finite number for 1 of 3 household"),
    ("mean(age)", "household", "year", "`mean(age)` is no finite number for 1 of 3"),
    ("1 / size if parking else 1 / size", "household", "", "no finite number for 1 of 3 household records (shard 0)"),
    ("sqrt(0 - size)", "household", "", "`sqrt(0 - size)` is no finite number for 2 of 3"),
    ("rate / (rate - 0.5)", "household", "", "is no finite number for 1 of 1 values"),
]


@pytest.mark.parametrize("row", GOES_WRONG, ids=[row[0] for row in GOES_WRONG])
def test_values_that_are_not_finite_name_the_line(row) -> None:
    formula, entity, unit, message = row
    with pytest.raises(UsageError) as error:
        value(formula, entity, "", unit)
    assert message in str(error.value)
    assert str(error.value).startswith("rules.yaml:19: variables.x.formula: ")


ASKED = [
    ({"rate": 2}, {}, "x", "lever rate: 2 lies outside 0..1 (rules.yaml:6)"),
    ({"rate": "half"}, {}, "x", "lever rate: a number is wanted, not 'half'"),
    ({"scope": "basc"}, {}, "x", "lever scope: 'basc' is none of basic, full"),
    ({"parking": 1}, {}, "x", "lever parking: true or false is wanted, not 1"),
    ({"rates": 1}, {}, "x", "there is no lever 'rates': did you mean 'rate'?"),
    ({}, {"takeup": 1}, "x", "there is no assumption 'takeup': did you mean 'take_up'?"),
    ({}, {}, "wages", "'wages' is neither a variable of the rules nor a column: did you mean 'wage'?"),
]


@pytest.mark.parametrize("row", ASKED, ids=[row[3][:40] for row in ASKED])
def test_asking_for_the_wrong_thing(row) -> None:
    levers, assumptions, name, message = row
    with pytest.raises(UsageError) as error:
        program(one("1")).start(shard(), 1).values(levers, assumptions, [name])
    assert message in str(error.value)


def test_a_column_that_was_not_read_is_named() -> None:
    few = shard()
    part = Shard(0, COLUMNS, {}, few.ids, {}, few.parents)
    with pytest.raises(UsageError, match="column 'wage' was not read"):
        program(one("wage", unit="CNY/year")).start(part, 1).values({}, {}, ["x"])


def test_a_shard_without_an_entity_is_refused() -> None:
    with pytest.raises(UsageError, match="the shard has no unit"):
        program(one("1")).start(_crowd(0, 2), 1)
