"""Rules that are wrong: each names file, line and what to do. Attacks never get further than an error."""

from __future__ import annotations

from random import Random

import pytest

from schemas.errors import UsageError
from schemas.policy import Column
from tests.udfs.formulas.economy import COLUMNS, ENTITIES, HEAD, ON, one, program, rules, shard
from udfs.formulas import compile, load
from udfs.formulas.expressions import Typing
from udfs.formulas.ruleset import Formula
from udfs.formulas.tree import Scope

WRONG_FORMULAS = [
    # formula, entity, kind, unit, what is said
    ("wages", "person", "", "CNY/year", "nothing is called 'wages': did you mean 'wage'?"),
    ("wage + age", "person", "", "CNY/year", "CNY/year and year do not go together: `wage + age`"),
    ("wage", "person", "", "CNY", "the unit is CNY, the formula's is CNY/year: `wage`"),
    ("wage * age", "person", "", "CNY/year", "the formula's is CNY: `wage * age`"),
    ("wage + 1", "person", "", "CNY/year", "CNY/year and 1 do not go together"),
    ("wage > 1000", "person", "boolean", "", "CNY/year and 1 do not go together: `wage > 1000`"),
    ("max(wage, age)", "person", "", "CNY/year", "CNY/year and year do not go together"),
    ("clip(age, 0, 5)", "person", "", "year", "year and 1 do not go together"),
    ("wage if retired else age", "person", "", "CNY/year", "do not go together"),
    ("exp(age)", "person", "", "", "a number without unit is wanted, not year: `exp(age)`"),
    ("chance(age)", "person", "boolean", "", "a number without unit is wanted, not year"),
    ("count(retired)", "household", "", "CNY", "the unit is CNY, the formula's is 1"),
    ("tax(age, bands)", "person", "", "CNY/year", "bands is for CNY/year, not for year"),
    ("tax(wage, ladder)", "person", "", "CNY/year", "wants the name of a parameter of kind brackets"),
    ("tax(wage, 0.2)", "person", "", "CNY/year", "wants the name of a parameter of kind brackets"),
    ("step(age, bands)", "person", "", "CNY/year", "wants the name of a parameter of kind steps"),
    ("bands", "person", "", "CNY/year", "bands are brackets: write tax(x, bands)"),
    ("quantity(5, 6)", "person", "", "", "the unit is written as a text"),
    ('quantity(rate, "CNY")', "person", "", "CNY", "the amount must be written as a number"),
    ('quantity(5, "CNY//m2")', "person", "", "CNY", "is no unit"),
    ("retired + 1", "person", "", "", "a number is wanted, this is a boolean: write `1 if retired else 0`"),
    ("not age", "person", "boolean", "", "a condition is wanted, this is a number: `age`"),
    ("age and retired", "person", "boolean", "", "a condition is wanted"),
    ("1 if age else 2", "person", "", "", "a condition is wanted"),
    ("sex", "person", "", "", "a number is wanted, the formula is a category"),
    ("sex + 1", "person", "", "", "a number is wanted, this is a category"),
    ("retired", "person", "", "", "a number is wanted, the formula is a boolean"),
    ("age", "person", "boolean", "", "a boolean is wanted, the formula is a number"),
    ("sex if retired else sex", "person", "", "", "both branches must be numbers or both booleans"),
    ('sex == "femal"', "person", "boolean", "", "sex is never 'femal': did you mean 'female'?"),
    ('sex == "x"', "person", "boolean", "", "sex is never 'x': it has male, female"),
    ("sex == scope", "person", "boolean", "", "sex is compared with one of male, female"),
    ('sex < "male"', "person", "boolean", "", "a category is compared by == and != only"),
    ('"a" < sex', "person", "boolean", "", "words are compared by ==, != and in"),
    ('scope == "ful"', "person", "boolean", "", "scope is never 'ful': did you mean 'full'?"),
    ("age in 5", "person", "boolean", "", "`in` wants a list"),
    ("age == retired", "person", "boolean", "", "a number is wanted, this is a boolean"),
    ("retired == age", "person", "boolean", "", "a boolean is compared with a number"),
    ('"word"', "person", "", "", "a word stands only in"),
    ("(1, 2)", "person", "", "", "a list stands only after `in`"),
    (
        "wage",
        "household",
        "",
        "CNY/year",
        "wage is of the person, below the household: aggregate it, such as sum(wage)",
    ),
    ("sum(size)", "household", "", "", "size is of the household: something below the household is wanted"),
    ("sum(fee)", "household", "", "CNY/m2", "fee is of the district: something below the household is wanted"),
    ("sum(rate)", "household", "", "", "rate is of no entity: something below the household is wanted"),
    ("sum(retired)", "household", "", "", "this is a boolean: write count(...)"),
    ("count(age)", "household", "", "", "a condition is wanted, this is a number"),
    ("sum(wage)", "district", "", "CNY/year", "a district lies in many shards"),
    ("sum(wage / sum(wage))", "household", "", "", "an aggregate inside an aggregate"),
    ("count(chance(0.5) and retired)", "household", "", "", "make a variable of it, then aggregate"),
    ("person", "person", "boolean", "", "person stands only inside an aggregate, such as count(person)"),
    ("wage ** rate", "person", "", "", "the exponent must be written as a number"),
    ("2 ** 11", "person", "", "", "an exponent lies between -10 and 10"),
    ("age ** 0.123", "person", "", "", "year has no power 0.123"),
    ("age / 0", "person", "", "year", "division by zero: `age / 0`"),
    ("min(age)", "person", "", "year", "min takes 2 to 20, not 1"),
    ("abs(age, age)", "person", "", "year", "abs takes 1, not 2"),
    ("maxx(age, 0)", "person", "", "year", "there is no function 'maxx': did you mean 'max'?"),
    ("age +", "person", "", "year", "not readable at character"),
    ("age age", "person", "", "year", "not readable at character"),
    ("age  # years", "person", "", "year", "comments stand outside formulas"),
    ("", "person", "", "year", "not readable at character"),
    # attacks
    ('__import__("os").system("true")', "person", "", "", "only functions of the language are called"),
    ('__import__("os")', "person", "", "", "there is no function '__import__'"),
    ('eval("1")', "person", "", "", "there is no function 'eval'"),
    ("age.__class__", "person", "", "year", "attributes: not part of the language: `age.__class__`"),
    ("__builtins__", "person", "", "", "nothing is called '__builtins__'"),
    ("age[0]", "person", "", "year", "subscripts: not part of the language"),
    ("(lambda: 1)()", "person", "", "", "only functions of the language are called"),
    ("lambda: 1", "person", "", "", "lambdas: not part of the language"),
    ("[x for x in (1, 2)]", "person", "", "", "ListComp: not part of the language"),
    ('f"{age}"', "person", "", "", "f-strings: not part of the language"),
    ("(x := 5)", "person", "", "", "assignments: not part of the language"),
    ("max(age, *age)", "person", "", "year", "Starred: not part of the language"),
    ("max(age, age, key=age)", "person", "", "year", "named arguments: not part of the language"),
    ("age % 2", "person", "", "year", "%: not part of the language"),
    ("age // 2", "person", "", "year", "write floor(a / b)"),
    ("retired & retired", "person", "boolean", "", "write `and`"),
    ("await age", "person", "", "year", "not part of the language"),
    ("None", "person", "", "", "`None` is no number of the language"),
    ("1j", "person", "", "", "`1j` is no number of the language"),
    ('b"a" == sex', "person", "boolean", "", "is no number of the language"),
    ("1e999", "person", "", "", "is no number of the language"),
    ("9**9**9", "person", "", "", "the exponent must be written as a number"),
    ("9" * 1900, "person", "", "", "is no number of the language"),
    ("(" * 10_000 + "1" + ")" * 10_000, "person", "", "", "at most 2000"),
    ("(" * 900 + "1" + ")" * 900, "person", "", "", "brackets nested deeper than 60"),
    ("-" * 1900 + "1", "person", "", "", "not readable|nested deeper than 60"),
    ("not " * 450 + "true", "person", "boolean", "", "not readable|nested deeper than 60"),
    ("1" + "+1" * 900, "person", "", "", "nested deeper than 60"),
    ("1+" * 50_000 + "1", "person", "", "", "100001 characters; at most 2000"),
    ("(" * 1999, "person", "", "", "brackets nested deeper than 60"),
]


@pytest.mark.parametrize("row", WRONG_FORMULAS, ids=[f"{row[0][:50]} ({len(row[0])})" for row in WRONG_FORMULAS])
def test_wrong_formula(row) -> None:
    formula, entity, kind, unit, message = row
    with pytest.raises(UsageError) as error:
        program(one(formula, entity, kind, unit))
    said = str(error.value)
    assert said.startswith("rules.yaml:19: variables.x.formula: ")
    assert any(part in said for part in message.split("|"))
    assert len(said) < 400


WORDS = """wage age retired sex size lift fee city rate scope parking price cost by_city bands ladder take_up
person unit 0 1 2.5 1e300 "male" "basic" + - * / ** < <= == != in ( ) ( ) , , and or not if else
sum( count( mean( most( chance( normal() min( clip( ratio( tax( step( quantity( log( [ ] . : =
lambda \\ \' ; @ ~ ... None é""".split()


def test_whatever_is_written_is_a_formula_or_a_usage_error() -> None:
    random = Random(8)
    variable = rules(one("1")).variables["x"]
    scope = Scope(rules(one("1")), COLUMNS, ENTITIES, ON)
    place = variable.formulas[0][1].place
    typed = 0
    for _ in range(3000):
        text = " ".join(random.choices(WORDS, k=random.randint(1, 8)))
        try:
            Typing(scope, variable, Formula(text, place)).run()
            typed += 1
        except UsageError as error:
            assert str(error).startswith("rules.yaml:19: variables.x.formula: ")  # noqa: PT017
    assert typed > 10


X = "  x: {title: 某, entity: person, formula: 1}\n"
WRONG_RULES = [
    # what is replaced in HEAD + X, by what, what is said
    ("rate: {title: 比例", "rate: {titel: 比例", "rules.yaml:6: levers.rate.titel: there is no 'titel' here"),
    ("default: 0.5", "default: 2", "rules.yaml:6: levers.rate.default: 2 lies outside 0..1"),
    ("range: [0, 1]", "range: [1, 0]", "rules.yaml:6: levers.rate.range: two numbers are wanted, the lower first"),
    ("default: basic", "default: none", "rules.yaml:8: levers.scope.default: 'none' is none of basic, full"),
    (
        "values: [basic, full]",
        "values: [basic, basic]",
        "rules.yaml:8: levers.scope: a choice wants 'values', each once",
    ),
    ("default: false", "default: no", "rules.yaml:9: levers.parking.default: true or false is wanted"),
    ("default: false", "default: false, unit: CNY", "a lever of kind boolean has no 'unit'"),
    ("  parking:", "  rate:", "rules.yaml:9: 'rate' stands twice (line 6 too)"),
    ("  parking:", "  price:", "rules.yaml:11: parameters: 'price' has a meaning already (line 9)"),
    ("  parking:", "  Parking:", "rules.yaml:9: levers: 'Parking' is no name"),
    ("  parking:", "  a__b:", "rules.yaml:9: levers: 'a__b' is no name"),
    ("  parking:", "  max:", "'max' is a word of the language"),
    ("  parking:", "  person:", "'person' is a word of the language"),
    (
        "2020-01-01: 10, 2025-07-01: 20",
        "2025-07-01: 20, 2020-01-01: 10",
        "rules.yaml:11: parameters.price.values: 2020-01-01 comes after 2025-07-01",
    ),
    ("2020-01-01: 10, 2025-07-01: 20", "2020-01-01: 10, '20200101': 20", "2020-01-01 stands twice"),
    ("2020-01-01: 10, 2025-07-01: 20", "2020-13-01: 10", "'2020-13-01' is no date: write 2026-01-31"),
    (
        "{2020-01-01: 10, 2025-07-01: 20, 2027-01-01: 40}",
        "{}",
        "a value and the day from which it is in force are wanted",
    ),
    (
        "unit: CNY/m2, values",
        "unit: CNY per m2, values",
        "rules.yaml:11: parameters.price.unit: 'CNY per m2' is no unit",
    ),
    (
        "{basic: 3, full: 9}",
        "{basic: 3}",
        "rules.yaml:12: parameters.cost.values.2020-01-01: a number for each of basic, full",
    ),
    ("[100, 0.2], [1000, 0.5]", "[1000, 0.5], [100, 0.2]", "each 'from' above the one before"),
    (
        "[[18, 5], [60, 7]]",
        "[[18], [60, 7]]",
        "rules.yaml:15: parameters.ladder.values.2019-01-01[1]: [from, value] is wanted",
    ),
    ("kind: steps, unit: CNY/year, of: year", "unit: CNY/year, of: year", "only steps have 'of'"),
    ("by: scope", "by: rate", "'rate' is a lever of kind number; a table is by a choice or a category"),
    (
        "uniform: [0.2, 0.9]",
        "uniform: [0.9, 0.2]",
        "rules.yaml:17: assumptions.take_up.distribution.uniform: uniform wants them rising",
    ),
    ("uniform: [0.2, 0.9]", "uniform: [0.7, 0.9]", "0.6 lies outside its uniform distribution"),
    ("uniform: [0.2, 0.9]", "normal: [0.5, 0]", "the standard deviation must be above 0"),
    ("uniform: [0.2, 0.9]", "normal: [0.5]", "normal wants [mean, standard deviation]"),
    ("uniform: [0.2, 0.9]", "beta: [0, 1]", "both must be above 0"),
    ("uniform: [0.2, 0.9]", "gamma: [1, 1]", "there is no 'gamma' here"),
    ("distribution: {uniform: [0.2, 0.9]}", "note: x", "'distribution' is missing (or 'fixed: true')"),
    ("distribution: {uniform: [0.2, 0.9]}", "fixed: true, low: 0.7", "0.6 lies outside 0.7.."),
    (
        "entity: person, formula",
        "entity: persons, formula",
        "rules.yaml:19: variables.x.entity: 'persons' is none of person",
    ),
    ("entity: person, formula", "entity: person, class: L5, formula", "'L5' is none of L1, L2, L3, L4"),
    ("entity: person, formula", "entity: person, kind: boolean, unit: m, formula", "a boolean has no unit"),
    ("formula: 1", "formula: 1, formulas: {2020-01-01: 1}", "either 'formula' or 'formulas'"),
    (
        "formula: 1",
        "formulas: {2026-06-01: 1}",
        "rules.yaml:19: variables.x: nothing is in force on 2026-01-01: the first is of 2026-06-01",
    ),
    ("formula: 1", "formula: [1]", "variables.x.formula: text is wanted, not a list"),
    ("entities: [person, household]", "entities: [household]", "'person' among them"),
    ('version: "1"\n', "", "'version' is missing"),
    ("formula: 1", "formula: price", "the unit is 1, the formula's is CNY/m2"),
    ("2020-01-01: 10, 2025-07-01: 20, 2027", "2027", "parameters.price: nothing is in force on 2026-01-01"),
    (
        "{东城: 1000, 西城: 2000}",
        "{东城: 1000, 南城: 2000}",
        "rules.yaml:13: parameters.by_city: its table and city do not agree on 西城",
    ),
    ("by: city", "by: size", "it is a table by size, which is a number"),
    ("by: city", "by: town", "nothing is called 'town'"),
    (
        "entities: [person, household]\n",
        "entities: [person]\npeople: {height: [0, 3]}\n",
        "rules.yaml:5: people.height: nothing is called 'height'",
    ),
    (
        "entities: [person, household]\n",
        "entities: [person]\npeople: {retired: [0, 1]}\n",
        "a range is of numbers; retired is a boolean",
    ),
    (
        "entities: [person, household]\n",
        "entities: [person]\npeople: {age: [5, 1]}\n",
        "two numbers are wanted, the lower first",
    ),
    ("  x: {title", "  wage: {title", "rules.yaml:19: variables.wage: the population has a column of this name"),
    ("  parking:", "  wage:", "rules.yaml:9: levers.wage: the population has a column of this name"),
    ("  take_up:", "  wage:", "rules.yaml:17: assumptions.wage: the population has a column of this name"),
]
NEED_PRICE = "  y: {title: 某, entity: person, unit: CNY/m2, formula: price}\n"
NEED_CITY = "  z: {title: 某, entity: person, unit: CNY/year, formula: by_city}\n"


@pytest.mark.parametrize("row", WRONG_RULES, ids=[f"{number} {row[1][:40]}" for number, row in enumerate(WRONG_RULES)])
def test_wrong_rules(row) -> None:
    old, new, message = row
    text = X + NEED_PRICE + NEED_CITY
    assert old in HEAD + "variables:\n" + text
    whole = HEAD + "variables:\n" + text
    head, _, variables = whole.replace(old, new, 1).partition("variables:\n")
    with pytest.raises(UsageError) as error:
        compile(rules(variables, head), COLUMNS, ON, ENTITIES)
    assert message in str(error.value)
    assert str(error.value).startswith("rules.yaml:")


CYCLES = [
    ({"a": "b", "b": "c", "c": "a"}, "rules.yaml:19: variables.a: it depends on itself: a -> b -> c -> a"),
    ({"a": "a"}, "a -> a"),
    ({"a": "1 + b", "b": "c", "c": "2 * b"}, "rules.yaml:20: variables.b: it depends on itself: b -> c -> b"),
]


@pytest.mark.parametrize(("formulas", "message"), CYCLES)
def test_a_cycle_names_the_whole_circle(formulas: dict[str, str], message: str) -> None:
    text = "".join(f"  {name}: {{title: 某, entity: person, formula: {text}}}\n" for name, text in formulas.items())
    with pytest.raises(UsageError) as error:
        program(text)
    assert message in str(error.value)


def test_a_long_chain_is_no_cycle_and_needs_no_deep_stack() -> None:
    text = "".join(f"  v{i}: {{title: 某, entity: person, formula: v{i + 1} + 1}}\n" for i in range(400))
    compiled = program(text + "  v400: {title: 某, entity: person, formula: 1}\n")
    assert compiled.order[0] == "v400"
    assert compiled.start(shard(), 1).values({}, {}, ["v0"])["v0"].tolist() == [401] * 5


ENTITY_MISTAKES = [
    (("person",), one("1"), "these rules are about person, household; the population has no household"),
    (("person", "household"), one("1", "unit"), "rules.yaml:19: variables.x: the population has no unit"),
    (("person", "household"), one("fee", unit="CNY/m2"), "it is of the district, which the population has not"),
    (("person", "household"), one("count(unit)", "household"), "the population has no unit"),
]


@pytest.mark.parametrize(("entities", "text", "message"), ENTITY_MISTAKES)
def test_entities_that_the_population_has_not(entities: tuple[str, ...], text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        program(text, entities)
    assert message in str(error.value)


def test_a_unit_of_the_population_that_is_none_is_refused() -> None:
    columns = {**COLUMNS, "wage": Column("wage", "person", "number", "CNY//year")}
    with pytest.raises(UsageError, match="'CNY//year' is no unit"):
        compile(rules(one("wage", unit="CNY/year")), columns, ON, ENTITIES)


def test_a_folder_without_rules_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"there is no rules\.yaml in it"):
        load(tmp_path)
