"""The comparison of rules, model and both: figures against counts by hand, and one run over real steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.encoder.judge_triage import ASKED, classified, figures, labelled, triaged


def row(hazards: list[str], source_kind: str, state: str, priority: int) -> dict[str, Any]:
    return {"hazards": hazards, "source_kind": source_kind, "state": state, "priority": priority}


def test_figures() -> None:
    truth: list[dict[str, Any]] = [
        row(["fire"], "self", "open", 1),
        row([], "media", "unclear", 4),
        row(["gas", "fire"], "self", "open", 1),
        {"text": "not labelled", "source_kind": None},
    ]
    said = [
        row(["fire"], "self", "open", 1),
        row(["collapse"], "self", "unclear", 1),
        row(["gas"], "self", "closed", 2),
        row(["gas"], "other", "open", 1),
    ]
    found = figures(truth, said)
    assert found["hazards: micro-F1"] == pytest.approx(4 / 6)
    assert found["hazards: precision"] == pytest.approx(2 / 3)
    assert found["hazards: recall"] == pytest.approx(2 / 3)
    assert found["source_kind: accuracy"] == pytest.approx(2 / 3)
    assert found["source_kind: macro-F1"] == pytest.approx((2 * 2 / 5 + 0) / 2)
    assert found["state: accuracy"] == pytest.approx(2 / 3)
    assert found["state: macro-F1"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["priority: accuracy"] == pytest.approx(1 / 3)
    assert found["priority 1: recall"] == 0.5
    assert found["priority 1: precision"] == 0.5


def test_rows_are_read_by_either_name_and_bad_labels_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"text": f"第{k}条", "source": "self", "hazards": []} for k in range(40)]
    rows.append({"text": "a", "source_kind": "media"})
    file.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    assert [each["source_kind"] for each in labelled(file)] == ["self"] * 40 + ["media"]
    halves = [len(labelled(file, part)) for part in ("calibrate", "test")]
    assert sum(halves) == 41
    assert min(halves) > 0
    for bad in ({"source": "bot"}, {"state": "done"}, {"hazards": ["rain"]}, {"priority": 5}):
        file.write_text(json.dumps({"text": "a", **bad}), encoding="utf-8")
        with pytest.raises(ValueError, match=r"rows\.jsonl:1: .* is no label"):
            labelled(file)


def test_posts_run_through_every_step() -> None:
    batch = classified(["前面桥断了，绕行", "早安"], "wide")
    for merge in ASKED.values():
        answers = triaged(batch, merge)
        assert [answer["hazards"] for answer in answers] == [["road_cut"], []]
        assert answers[0]["priority"] < answers[1]["priority"] == 4
