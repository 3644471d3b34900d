"""Measured sentiment in a plan: a sensitivity at its line, and no way into the ranking."""

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.policy import Assumption, Column, Sentiment
from tests.udfs.plans.cases import COLUMNS, ENTITIES, PLAN, RULES
from udfs import plans

FIXED = Assumption("sentiment_effect", "情绪", "1", 0.0, "fixed", low=-2.0, high=2.0)
MEASURED = Column("measured_sentiment", "neighbourhood", "number")
DISTRICT = Column("district", "district", "category", categories=("a", "b", "c"), titles=("甲片", "乙片", "丙片"))
KNOWN = COLUMNS | {"measured_sentiment": MEASURED, "district": DISTRICT}
ASKED = 'sentiment: {effect: 0.5, days: 7, districts: {a: "410102", 丙片: "410103"}}\n'
LINE = 35


def rules(assumption: Assumption | None = FIXED):
    return replace(RULES, assumptions=RULES.assumptions | ({"sentiment_effect": assumption} if assumption else {}))


def load(folder: Path, text: str, known_rules=None, columns=KNOWN):
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return plans.load(path, known_rules or rules(), columns, ENTITIES)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("", None),
        (ASKED, Sentiment(0.5, 7, {"a": "410102", "c": "410103"}, LINE)),
        (ASKED.replace("days: 7, ", ""), Sentiment(0.5, 30, {"a": "410102", "c": "410103"}, LINE)),
        (ASKED.replace('"', ""), Sentiment(0.5, 7, {"a": "410102", "c": "410103"}, LINE)),
        (ASKED.replace("410103", "410102"), Sentiment(0.5, 7, {"a": "410102", "c": "410102"}, LINE)),
    ],
)
def test_what_a_plan_asks_for(tmp_path: Path, said: str, wanted: Sentiment | None) -> None:
    plan = load(tmp_path, PLAN + said)
    assert plan.sentiment == wanted
    (effect,) = (one for one in plan.assumptions if one.name == "sentiment_effect")
    assert (effect.distribution, effect.central) == ("fixed", 0), "the run itself has none of it"


WRONG = [
    ("effect: 0.5", "effects: 0.5", "there is no 'effects'"),
    ("effect: 0.5, ", "", "'effect' is missing"),
    ("effect: 0.5", "effect: 0", "nothing could change"),
    ("effect: 0.5", "effect: 2.5", r"outside -2\.\.2"),
    ("effect: 0.5", "effect: strong", "a number is wanted"),
    ("days: 7", "days: 0", "outside"),
    ("days: 7", "days: 367", "outside"),
    ("a:", "aa:", "no district 'aa'"),
    ("丙片:", "丙:", "no district '丙'; did you mean '丙片'"),
    ("丙片:", "甲片:", "twice, by name and by title"),
    ("410103", "41010", "six digits"),
    ("410103", "郑州市", "six digits"),
    ('{a: "410102", 丙片: "410103"}', "{}", "name at least one"),
]


@pytest.mark.parametrize(("right", "wrong", "says"), WRONG)
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, right: str, wrong: str, says: str) -> None:
    assert ASKED.count(right) == 1
    with pytest.raises(UsageError, match=says) as error:
        load(tmp_path, PLAN + ASKED.replace(right, wrong))
    assert str(error.value).startswith(f"plan.yaml:{LINE}:"), str(error.value)


UNFIT = {
    "rules without the assumption": ({"known_rules": rules(None)}, "have no assumption 'sentiment_effect'"),
    "rules that use it anyway": (
        {"known_rules": rules(Assumption("sentiment_effect", "情绪", "1", 0.3, "fixed"))},
        "not fixed at 0",
    ),
    "rules that draw it": (
        {"known_rules": rules(Assumption("sentiment_effect", "情绪", "1", 0.0, "normal", (0.0, 0.1)))},
        "not fixed at 0",
    ),
    "people without the column": ({"columns": KNOWN.keys() - {"measured_sentiment"}}, "no column 'measured_sentiment'"),
    "another entity's column": (
        {"columns": KNOWN | {"measured_sentiment": Column("measured_sentiment", "household", "number")}},
        "no column 'measured_sentiment'",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_rules_and_people_that_cannot_take_it(tmp_path: Path, name: str) -> None:
    given, says = UNFIT[name]
    if isinstance(given.get("columns"), set):
        given = {"columns": {column: KNOWN[column] for column in given["columns"]}}
    with pytest.raises(UsageError, match=says) as error:
        load(tmp_path, PLAN + ASKED, **given)
    assert str(error.value).startswith(f"plan.yaml:{LINE}:"), str(error.value)


def test_people_without_districts_cannot_take_it(tmp_path: Path) -> None:
    text = PLAN.replace("  district: {of: district}\n", "")
    columns = {name: column for name, column in KNOWN.items() if name != "district"}
    with pytest.raises(UsageError, match=rf"plan.yaml:{LINE - 1}: .*no column 'district'"):
        load(tmp_path, text + ASKED, columns=columns)


@pytest.mark.parametrize("said", ["fixed: 0.5", "uniform: [-1, 1]"])
def test_it_cannot_come_in_as_an_assumption(tmp_path: Path, said: str) -> None:
    text = PLAN.replace("assumptions: {", f"assumptions: {{sentiment_effect: {{{said}}}, ")
    with pytest.raises(UsageError, match=r"plan.yaml:15: .*takes no part in a ranking"):
        load(tmp_path, text)


def test_saying_that_it_has_no_effect_is_allowed(tmp_path: Path) -> None:
    load(tmp_path, PLAN.replace("assumptions: {", "assumptions: {sentiment_effect: {fixed: 0}, "))
