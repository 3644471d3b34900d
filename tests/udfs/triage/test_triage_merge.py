"""Rules and model together: who decides what, as a table, then through the step."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.records import SOURCE_KINDS
from udfs.checks import check_udf, sample_batch
from udfs.triage.evidence import Finding
from udfs.triage.merge import MERGED, MODEL_ALONE, RULES_ALONE, Merge
from udfs.triage.step import Triage


def hints(
    hazards: dict[str, float] | None = None,
    source: tuple[str, float] = ("other", 0.3),
    state: tuple[str, float] = ("unclear", 0.3),
) -> dict[str, Any]:
    return {
        "hazards": [{"hazard": hazard, "score": score} for hazard, score in (hazards or {}).items()],
        "source_kind": source[0],
        "source_score": source[1],
        "state": state[0],
        "state_score": state[1],
    }


SAID = Finding("self", "words", evident=True)
DEFAULT = Finding("self", "none", evident=False)
SOURCES = (
    # the rules, the model, who is asked, the answer
    (SAID, ("media", 0.99), MERGED, "self"),
    (DEFAULT, ("media", 0.99), MERGED, "media"),
    (DEFAULT, ("media", 0.6), MERGED, "media"),
    (DEFAULT, ("media", 0.59), MERGED, "self"),
    (DEFAULT, ("media", 0.59), Merge(source_from=0.5), "media"),
    (DEFAULT, ("media", 0.99), RULES_ALONE, "self"),
    (SAID, ("media", 0.3), MODEL_ALONE, "media"),
    (SAID, None, MODEL_ALONE, "self"),
    (DEFAULT, None, MERGED, "self"),
)

OPEN = Finding("open", "none", evident=False)
UNCLEAR = Finding("unclear", "none", evident=False)
CLOSED = Finding("closed", "words", evident=True)
CLOSED_YET_ASKS = Finding("closed", "words", evident=False)
DOUBTED = Finding("unclear", "words", evident=True)
STATES = (
    # the rules, the model, is there a need or a hazard, who is asked, the answer
    (OPEN, ("closed", 0.9), True, MERGED, "closed"),
    (OPEN, ("closed", 0.84), True, MERGED, "open"),  # a call is not closed lightly
    (UNCLEAR, ("closed", 0.5), False, MERGED, "closed"),
    (UNCLEAR, ("closed", 0.49), False, MERGED, "unclear"),
    (OPEN, ("partial", 0.5), True, MERGED, "partial"),
    (UNCLEAR, ("partial", 0.99), False, MERGED, "unclear"),  # nothing is partly answered without a call
    (UNCLEAR, ("open", 0.99), False, MERGED, "unclear"),
    (OPEN, ("unclear", 0.99), True, MERGED, "open"),
    (CLOSED, ("open", 0.99), False, MERGED, "closed"),
    (CLOSED_YET_ASKS, ("open", 0.7), True, MERGED, "open"),
    (CLOSED_YET_ASKS, ("open", 0.49), True, MERGED, "closed"),
    (CLOSED_YET_ASKS, ("closed", 0.99), True, MERGED, "closed"),
    (DOUBTED, ("closed", 0.99), True, MERGED, "unclear"),
    (OPEN, ("closed", 0.99), True, RULES_ALONE, "open"),
    (CLOSED, ("partial", 0.3), False, MODEL_ALONE, "partial"),
    (CLOSED, None, True, MODEL_ALONE, "closed"),
)

HAZARDS = (
    # the rules, the model, who is asked, the answer in the contract's order
    (["fire"], {"collapse": 0.7}, MERGED, ["collapse", "fire"]),
    (["fire"], {"fire": 0.7}, MERGED, ["fire"]),
    ([], {"road_cut": 0.5, "gas": 0.4}, MERGED, ["gas", "road_cut"]),
    (["fire"], {}, MERGED, ["fire"]),
    (["fire"], None, MERGED, ["fire"]),
    (["fire"], {"collapse": 0.7}, RULES_ALONE, ["fire"]),
    (["fire"], {"collapse": 0.7}, MODEL_ALONE, ["collapse"]),
    (["fire"], {}, MODEL_ALONE, []),
    (["fire"], None, MODEL_ALONE, ["fire"]),  # a model that cannot tell says nothing
)


@pytest.mark.parametrize(("rule", "model", "merge", "kind"), SOURCES)
def test_source(rule: Finding, model: tuple[str, float] | None, merge: Merge, kind: str) -> None:
    assert merge.source(rule, model and hints(source=model)).label == kind


@pytest.mark.parametrize(("rule", "model", "call", "merge", "state"), STATES)
def test_state(rule: Finding, model: tuple[str, float] | None, call: bool, merge: Merge, state: str) -> None:
    assert merge.state(rule, model and hints(state=model), call).label == state


@pytest.mark.parametrize(("rule", "model", "merge", "hazards"), HAZARDS)
def test_hazards(rule: list[str], model: dict[str, float] | None, merge: Merge, hazards: list[str]) -> None:
    assert list(merge.hazards(rule, None if model is None else hints(model))) == hazards


def run(text: str, needs: list[str], said: dict[str, Any] | None, merge: Merge = MERGED) -> dict[str, Any]:
    step = Triage(merge, reasons=True)
    step.open()
    rows = [[{"need": need, "score": 0.9} for need in needs]]
    row: dict[str, Any] = step.apply(sample_batch([text], {"needs": rows, "hints": [said]})).to_pylist()[0]
    return row


WORDLESS = "那边的水一级一级爬上来"
"""No rule has words for it."""


def test_a_post_without_any_lexicon_word_is_triaged_by_hints() -> None:
    assert run(WORDLESS, [], None)["hazards"] == []
    said = hints({"flood_rising": 0.8}, ("relay", 0.9), ("partial", 0.9))
    row = run(WORDLESS, [], said)
    assert (row["hazards"], row["source_kind"], row["state"], row["priority"]) == (
        ["flood_rising"],
        "relay",
        "partial",
        3,
    )
    assert run(WORDLESS, [], said, RULES_ALONE)["priority"] == 4


def test_needs_alone_are_enough_for_source_and_state() -> None:
    row = run(WORDLESS, ["rescue"], hints({}, ("volunteer", 0.9), ("open", 0.9)))
    assert (row["hazards"], row["source_kind"], row["state"], row["priority"]) == ([], "volunteer", "open", 1)


def test_an_everyday_post_takes_who_speaks_and_that_all_is_well() -> None:
    row = run("人接到了，船是隔壁村的叔叔划来的", [], hints({}, ("self", 0.8), ("closed", 0.7)))
    assert (row["hazards"], row["source_kind"], row["state"], row["priority"]) == ([], "self", "closed", 4)


def test_a_hazard_of_the_model_counts_for_priority() -> None:
    text = "奶奶瘫痪在床，我们出不去"
    assert run(text, ["rescue"], hints())["priority"] >= run(text, ["rescue"], hints({"flood_rising": 0.8}))["priority"]
    assert run(text, ["rescue"], hints({"flood_rising": 0.8}))["priority"] == 1


WITHOUT = (
    ("新闻说已全部转移，我人就在村里，没转移，还有十几家", ["rescue"]),
    ("水退了，但老人泡了一夜手脚冰凉，谁来抬一下", ["medical"]),
    ("大堤决口了，下游的村子赶快撤", []),
    ("早安", []),
)


@pytest.mark.parametrize(("text", "needs"), WITHOUT)
def test_without_hints_the_rules_decide(text: str, needs: list[str]) -> None:
    nulls = dict.fromkeys(hints())
    columns = ("hazards", "source_kind", "state", "priority")
    by_rule = {name: run(text, needs, None, RULES_ALONE)[name] for name in columns}
    for merge in (MERGED, MODEL_ALONE):
        assert {name: run(text, needs, None, merge)[name] for name in columns} == by_rule
        assert {name: run(text, needs, nulls, merge)[name] for name in columns} == by_rule


def test_words_of_an_answer_do_not_close_a_call_that_the_model_sees_open() -> None:
    text = "水退了，但老人泡了一夜手脚冰凉，谁来抬一下"
    assert run(text, ["medical"], None)["state"] == "closed"
    assert run(text, ["medical"], hints(state=("open", 0.8)))["state"] == "open"


def test_first_person_in_everyday_talk_is_no_evidence() -> None:
    text = "作业救救我"
    assert run(text, [], None)["source_kind"] == "self"
    assert run(text, [], hints(source=("other", 0.9)))["source_kind"] == "other"
    assert run("救救我，我被困在屋里", ["rescue"], hints(source=("other", 0.9)))["source_kind"] == "self"


def test_the_explanation_says_when_the_model_decided() -> None:
    reasons = run(WORDLESS, [], hints({"flood_rising": 0.8}, ("relay", 0.9), ("partial", 0.7)))["triage_reasons"]
    assert "hazard flood_rising: the model says so (0.80)" in reasons
    assert "source relay: the model says so (0.90)" in reasons
    assert "state partial: the model says so (0.70)" in reasons
    both = run("水还在涨，已到二楼", ["rescue"], hints({"flood_rising": 0.8}))["triage_reasons"]
    assert not any("model" in reason for reason in both)
    everyday = run("早安", [], hints(source=("media", 0.8)))["triage_reasons"]
    assert everyday[0] == "source media: the model says so (0.80)"


@pytest.mark.parametrize("merge", [MERGED, MODEL_ALONE, RULES_ALONE])
def test_the_contract_of_steps(merge: Merge) -> None:
    rows = sample_batch().num_rows
    said = [
        None if k % 4 == 3 else hints({"collapse": 0.7} if k % 2 else {}, (SOURCE_KINDS[k % 6], k / rows))
        for k in range(rows)
    ]
    check_udf(Triage(merge), sample_batch(columns={"hints": said}))
    check_udf(Triage(merge, reasons=True), sample_batch(columns={"hints": said}))
