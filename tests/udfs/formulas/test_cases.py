"""Cases beside the rules: what holds, what fails and where it says so, and every way to write a case wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UsageError
from tests.udfs.formulas.economy import COLUMNS, HEAD
from udfs.formulas import check_cases, count_cases

RULES = (
    HEAD
    + """variables:
  pot: {title: 某, entity: household, unit: CNY/year, formula: sum(wage) + grant * take_up}
  rich: {title: 某, entity: household, kind: boolean, formula: pot > by_city}
  lifted: {title: 某, entity: unit, kind: boolean, formula: lift}
  women: {title: 某, entity: household, formula: count(sex == "female")}
"""
)
GOOD = """
- case: two share, one is alone
  on: 2026-01-01
  levers: {grant: 200}
  assumptions: {take_up: 0.25}
  people:
    person: {household: [7, 7, 9], wage: [1000, 1500, 20.5], sex: [male, female, female]}
    household: {id: [7, 9], weight: [1, 3]}
    unit: {building: [2, 1]}
    building: {lift: [true, false]}
    neighbourhood: {id: [5]}
    district: {city: [西城]}
  expect:
    pot: [2550, 70.5]
    rich: [true, false]
    lifted: [false, true]
    women: [1, 1]
- case: a person alone, with what the rules take by themselves
  on: 2026-01-01
  people: {person: {wage: [1]}, household: {id: [1]}}
  expect: {pot: [61.004]}
  tolerance: 0.01
"""


def _folder(tmp_path: Path, cases: str) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "cases.yaml").write_text(cases, encoding="utf-8")
    return tmp_path


def test_cases_that_hold(tmp_path: Path) -> None:
    folder = _folder(tmp_path, GOOD)
    assert check_cases(folder, COLUMNS) == []
    assert count_cases(folder) == 2


FAILS = [
    ("pot: [2550, 70.5]", "pot: [2550, 70.6]", "cases.yaml:14", "pot: expected [2550, 70.6], got [2550, 70.5]"),
    ("rich: [true, false]", "rich: [true, true]", "cases.yaml:15", "rich: expected [True, True], got [true, false]"),
    ("household: [7, 7, 9]", "household: [7, 9, 9]", "cases.yaml:14", "got [1050, 1570.5]"),
    ("building: [2, 1]", "building: [1, 2]", "cases.yaml:16", "lifted: expected [False, True], got [true, false]"),
    ("grant: 200", "grant: 0", "cases.yaml:14", "got [2500, 20.5]"),
    ("tolerance: 0.01", "tolerance: 0.001", "cases.yaml:21", "got [61]"),
]


@pytest.mark.parametrize("row", FAILS, ids=[row[1] for row in FAILS])
def test_cases_that_fail_say_where_and_what_came(tmp_path: Path, row) -> None:
    old, new, where, message = row
    assert old in GOOD
    shown = [str(failure) for failure in check_cases(_folder(tmp_path, GOOD.replace(old, new)), COLUMNS)]
    assert any(line.startswith(where) and message in line for line in shown), shown


WRONG = [
    ("  on: 2026-01-01\n  levers", "  levers", "cases.yaml:2: [1]: 'on' is missing"),
    ("grant: 200", "grants: 200", "there is no lever 'grants'"),
    ("take_up: 0.25", "takeup: 0.25", "there is no assumption 'takeup'"),
    ("pot: [2550, 70.5]", "pod: [2550, 70.5]", "cases.yaml:14: [1].expect.pod: there is no variable 'pod'"),
    ("pot: [2550, 70.5]", "pot: [2550]", "cases.yaml:14: [1].expect.pot: 1 values for 2 household records"),
    ("rich: [true, false]", "rich: [1, 0]", "cases.yaml:15: [1].expect.rich[1]: true or false is wanted"),
    (
        "household: [7, 7, 9]",
        "household: [7, 7, 8]",
        "cases.yaml:7: [1].people.person.household[3]: there is no household 8",
    ),
    ("household: [7, 7, 9], ", "", "cases.yaml:7: [1].people.person: 'household' is missing"),
    ("wage: [1000, 1500, 20.5]", "wage: [1000, 1500]", "lists of the same length, at least 1, are wanted"),
    ("wage: [1000, 1500, 20.5]", "wages: [1000, 1500, 20.5]", "'wages' is no column of the person in the catalogue"),
    ("wage: [1000, 1500, 20.5]", "size: [1000, 1500, 20.5]", "'size' is no column of the person in the catalogue"),
    ("sex: [male, female, female]", "sex: [male, woman, female]", "'woman' is none of male, female"),
    ("id: [7, 9]", "id: [7, 7]", "an id stands twice"),
    ("weight: [1, 3]", "weight: [1, -3]", "-3 lies outside 0.."),
    ("    district: {city: [西城]}\n", "", "nothing is called 'city'"),
    ("wage: [1000, 1500, 20.5], ", "", "nothing is called 'wage'"),
    ("expect: {pot: [61.004]}", "expect: {}", "at least one variable is wanted"),
    ("on: 2026-01-01", "on: 2019-01-01", "nothing is in force on 2019-01-01"),
]


@pytest.mark.parametrize("row", WRONG, ids=[row[1][:50] + row[2][:30] for row in WRONG])
def test_cases_that_are_written_wrongly(tmp_path: Path, row) -> None:
    old, new, message = row
    assert old in GOOD
    with pytest.raises(UsageError) as error:
        check_cases(_folder(tmp_path, GOOD.replace(old, new)), COLUMNS)
    assert message in str(error.value)
    assert ".yaml:" in str(error.value)


def test_no_cases_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cases\.yaml:1: at least one case"):
        check_cases(_folder(tmp_path, "[]"), COLUMNS)
    (tmp_path / "cases.yaml").unlink()
    with pytest.raises(UsageError, match=r"cases\.yaml: cannot be read"):
        check_cases(tmp_path, COLUMNS)
