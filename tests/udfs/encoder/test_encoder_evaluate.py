"""The figures, against counts made by hand on a classifier that answers what a table says."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from schemas import records
from schemas.errors import RecordError
from schemas.step import Step
from udfs.encoder.evaluate import ece, evaluate, interval, reliability

ANSWER = {
    "sentiment": "neutral",
    "sentiment_score": 0.6,
    "emotion": "neutral",
    "emotion_score": 0.5,
    "need": "none",
    "need_score": 0.9,
    "help_score": 0.1,
    "needs": [],
    "model": "table@1",
    "embedding": [],
    "hints": None,
}


class Told(Step):
    """Answers from a table of text -> columns that differ from ANSWER."""

    name: ClassVar[str] = "classify"
    reads: ClassVar[tuple[str, ...]] = ("text", "language")
    writes: ClassVar[pa.Schema] = records.CLASSIFIED

    def __init__(self, table: Mapping[str, Mapping[str, Any]]) -> None:
        self.table = table

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = [ANSWER | dict(self.table.get(text, {})) for text in batch.column("text").to_pylist()]
        return records.with_columns(
            batch, self.writes, {name: [row[name] for row in rows] for name in self.writes.names}
        )


def call(*needs: str, help_score: float = 0.9) -> dict[str, Any]:
    return {"needs": [{"need": need, "score": 0.8} for need in needs], "need": needs[0], "help_score": help_score}


def test_emotion_counts() -> None:
    table = {"a": {"emotion": "happy"}, "b": {"emotion": "happy"}, "c": {"emotion": "sad"}}
    rows = [
        {"text": "a", "emotion": "happy"},
        {"text": "b", "emotion": "sad"},
        {"text": "c", "emotion": "sad"},
        {"text": "d", "emotion": "sad"},
        {"text": "e"},
    ]
    found = evaluate(rows, Told(table), resamples=20)["heads"]
    assert set(found) == {"emotion"}
    emotion = found["emotion"]
    assert emotion["rows"] == 4
    assert emotion["accuracy"]["value"] == 0.5
    by_label = {row["label"]: row for row in emotion["classes"]}
    assert by_label["happy"] == {
        "label": "happy",
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "support": 1,
    }
    assert by_label["sad"] == {
        "label": "sad",
        "precision": 1.0,
        "recall": pytest.approx(1 / 3),
        "f1": 0.5,
        "support": 3,
    }
    assert emotion["macro_f1"]["value"] == pytest.approx((2 / 3 + 0.5) / 2)
    assert emotion["macro_f1"]["low"] <= emotion["macro_f1"]["value"] <= emotion["macro_f1"]["high"]
    counts = np.array(emotion["confusion"]["counts"])
    names = emotion["confusion"]["labels"]
    assert counts[names.index("sad"), names.index("happy")] == 1
    assert counts[names.index("sad"), names.index("neutral")] == 1
    assert counts.sum() == 4


def test_two_way_sentiment_folds_neutral_by_emotion() -> None:
    table = {
        "a": {"emotion": "happy"},
        "b": {"emotion": "surprise"},
        "c": {"emotion": "neutral"},
        "d": {"emotion": "angry"},
    }
    rows = [
        {"text": text, "sentiment": label}
        for text, label in zip("abcd", ("positive", "positive", "negative", "negative"), strict=True)
    ]
    sentiment = evaluate(rows, Told(table), resamples=5)["heads"]["sentiment"]
    assert sentiment["two_way"]
    assert sentiment["accuracy"]["value"] == 1.0
    rows.append({"text": "e", "sentiment": "neutral"})
    three = evaluate(rows, Told(table), resamples=5)["heads"]["sentiment"]
    assert not three["two_way"]
    assert three["accuracy"]["value"] == 0.2
    assert three["ece"] == pytest.approx(0.4)  # it says .6 and is right in a fifth


def test_help_and_needs() -> None:
    table = {"a": call("rescue", "medical"), "b": call("offer", help_score=0.2), "c": call("supplies"), "d": {}}
    rows = [
        {"text": "a", "needs": ["rescue"]},
        {"text": "b", "need": "offer"},
        {"text": "c", "need": "none"},
        {"text": "d", "needs": ["shelter"]},
    ]
    heads = evaluate(rows, Told(table), resamples=10)["heads"]
    assert heads["help"]["calls"] == 2
    assert heads["help"]["recall"]["value"] == 0.5
    assert heads["help"]["precision"]["value"] == 0.5
    assert heads["help"]["specificity"]["value"] == 0.5
    assert heads["help"]["false_per_10000"] == 5000
    by_label = {row["label"]: row for row in heads["needs"]["classes"]}
    assert by_label["offer"]["f1"] == 1.0
    assert by_label["medical"] == {"label": "medical", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert heads["needs"]["macro_f1"]["value"] == pytest.approx((1 + 1 + 0) / 3)  # rescue, offer, shelter are there


def hinted(hazards: list[str], source: str = "other", state: str = "unclear", score: float = 0.75) -> dict[str, Any]:
    named = [{"hazard": hazard, "score": 0.8} for hazard in hazards]
    return {
        "hints": {
            "hazards": named,
            "source_kind": source,
            "source_score": score,
            "state": state,
            "state_score": score,
        }
    }


def test_hints_are_judged_where_rows_are_labelled() -> None:
    table = {
        "a": hinted(["fire", "gas"], "self", "open"),
        "b": hinted([], "media"),
        "c": hinted(["collapse"], "self", "closed"),
        "d": hinted(["fire"], "self"),
    }
    rows = [
        {"text": "a", "hazards": ["fire"], "source": "self", "state": "open"},
        {"text": "b", "hazards": ["flood_rising"], "source_kind": "official", "state": "unclear"},
        {"text": "c", "hazards": [], "source": "dev-direct"},  # where the row is from, no label
        {"text": "d"},
    ]
    heads = evaluate(rows, Told(table), resamples=5)["heads"]
    assert set(heads) == {"hazards", "source", "state"}
    by_label = {row["label"]: row for row in heads["hazards"]["classes"]}
    assert (heads["hazards"]["rows"], heads["source"]["rows"], heads["state"]["rows"]) == (3, 2, 2)
    assert by_label["fire"]["f1"] == 1.0
    assert by_label["collapse"]["support"] == 0
    assert heads["hazards"]["micro_f1"]["value"] == pytest.approx(2 * 1 / (2 + 3))
    assert heads["source"]["accuracy"]["value"] == 0.5
    assert heads["source"]["ece"] == pytest.approx(0.25)
    assert heads["state"]["accuracy"]["value"] == 1.0


def test_a_model_without_hints_is_not_judged_on_them() -> None:
    rows = [{"text": "a", "hazards": ["fire"], "source_kind": "self", "state": "open", "emotion": "neutral"}]
    assert set(evaluate(rows, Told({}), resamples=5)["heads"]) == {"emotion"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a", "emotion": "joy"}, "row 1: emotion 'joy' is none of angry"),
        ({"text": "a", "need": "pets"}, "row 1: need 'pets'"),
        ({"text": "a", "needs": ["none"]}, "row 1: need 'none'"),
        ({"text": "a", "hazards": ["rain"]}, "row 1: hazard 'rain' is none of dyke_breach"),
        ({"text": "a", "source_kind": "bot"}, "row 1: source_kind 'bot' is none of self"),
        ({"text": "a", "state": "done"}, "row 1: state 'done' is none of open"),
        ({"text": "a", "needs": "rescue"}, "row 1: needs is no list"),
        ({"text": "a", "hazards": {"fire": 1}}, "row 1: hazards is no list"),
        ({"text": "a", "emotion": ["sad"]}, r"row 1: emotion \['sad'\] is none of"),
        ({"text": 3}, "row 1: text is missing"),
        ({"emotion": "sad"}, "row 1: text is missing"),
    ],
)
def test_bad_labels_name_the_row(row: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        evaluate([{"text": "fine"}, row], Told({}))


def test_empty() -> None:
    assert evaluate([], Told({})) == {"rows": 0, "model": None, "heads": {}}


def test_ece_and_interval() -> None:
    assert ece(np.array([1.0, 1.0, 0.5, 0.5]), np.array([True, True, True, False])) == 0.0
    assert ece(np.array([0.9] * 10), np.array([True] * 5 + [False] * 5)) == pytest.approx(0.4)
    truth = np.arange(1000) < 300
    found = interval(lambda index: float(truth[index].mean()), 1000, 500, 1)
    assert found["value"] == 0.3
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * (0.3 * 0.7 / 1000) ** 0.5, rel=0.2)
    assert found == interval(lambda index: float(truth[index].mean()), 1000, 500, 1)


def test_a_label_that_is_a_text_is_not_quoted_whole() -> None:
    with pytest.raises(RecordError) as error:
        evaluate([{"text": "a", "emotion": "someone wrote the whole post here"}], Told({}))
    assert "whole post" not in str(error.value)


def test_reliability_is_what_ece_sums_up() -> None:
    confidence, right = np.array([0.95, 0.99, 1.0, 0.5, 0.01]), np.array([True, True, False, True, False])
    found = reliability(confidence, right)
    assert [(round(row["from"] * 15), row["posts"]) for row in found] == [(0, 1), (7, 1), (14, 3)]
    assert found[2]["confidence"] == pytest.approx(0.98)
    assert found[2]["accuracy"] == pytest.approx(2 / 3)
    assert ece(confidence, right) == pytest.approx((0.01 + 0.5 + 3 * (0.98 - 2 / 3)) / 5)
    assert reliability(np.array([]), np.array([], dtype=bool)) == []
    assert ece(np.array([]), np.array([], dtype=bool)) == 0.0


def test_errors_are_the_surest_wrong_answers() -> None:
    table = {
        "a": {"emotion": "happy", "emotion_score": 0.7},
        "b": {"emotion": "happy", "emotion_score": 0.9},
        "c": {"emotion": "sad", "emotion_score": 0.99},
        "d": {"emotion": "angry", "emotion_score": 0.7},
    }
    rows = [{"text": text, "emotion": "sad"} for text in "abcd"]
    emotion = evaluate(rows, Told(table), resamples=2, errors=2)["heads"]["emotion"]
    assert emotion["errors"] == [
        {"row": 1, "truth": "sad", "answer": "happy", "score": 0.9},
        {"row": 0, "truth": "sad", "answer": "happy", "score": 0.7},
    ]
    assert "errors" not in evaluate(rows, Told(table), resamples=2)["heads"]["emotion"]


def test_errors_of_needs_help_and_hazards() -> None:
    table = {
        "a": call("rescue", "medical"),  # medical is wrong, at .8
        "b": {},  # nothing said, at .9: a call missed
        "c": call("supplies"),  # a need is missed, whose score is not known
        "d": hinted(["fire"]),
    }
    rows = [
        {"text": "a", "needs": ["rescue"]},
        {"text": "b", "needs": ["shelter"]},
        {"text": "c", "needs": ["supplies", "medical"]},
        {"text": "d", "hazards": []},
    ]
    heads = evaluate(rows, Told(table), resamples=2, errors=9)["heads"]
    assert [(row["row"], row["truth"], row["answer"], row["score"]) for row in heads["needs"]["errors"]] == [
        (1, ["shelter"], [], pytest.approx(0.9)),
        (0, ["rescue"], ["rescue", "medical"], pytest.approx(0.8)),
        (2, ["medical", "supplies"], ["supplies"], None),
    ]
    assert [(row["row"], row["truth"], row["answer"]) for row in heads["help"]["errors"]] == [(1, "call", "no call")]
    assert heads["help"]["errors"][0]["score"] == pytest.approx(0.9)
    assert heads["help"]["confusion"] == {"labels": ["no call", "call"], "counts": [[0, 0], [1, 2]]}
    assert heads["hazards"]["errors"] == [{"row": 3, "truth": [], "answer": ["fire"], "score": pytest.approx(0.8)}]
