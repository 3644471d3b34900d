"""`score --explain`: the explanation is of the very decision that stands in the row."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.engines import inline
from pipelines.feeds import files
from pipelines.jobs import opinion
from pipelines.jobs.dead_letters import CountedDeadLetters
from pipelines.jobs.scored import FIELDS, Explainer, KeepRead, scored
from schemas import settings as site_settings
from tests.conftest import lines
from udfs.checks import check_udf

TEXTS = [
    "郑州市二七区马寨镇老房子进水到二楼了，五个大人一个孩子，急需皮划艇，联系13812345678张女士",
    "作业写不完了谁来救救我😂😂",
    "",
    "Trapped on the roof, water is rising, please send a boat! call 555-123-4567",
    "今天在郑州市二七区马寨村吃了烩面，建设路小学旁边那家，开心极了",
    "墙塌了半边，路也断了，村里老人多",
    "新乡已获救，谢谢大家，麻烦联系我删除",
    "我们有两辆卡车，可以往卫辉送水送吃的",
    "央视新闻：河南多地暴雨，消防已转移群众三千人",
    "有人吗，手机快没电了，水还在涨",
    "转发！！卫辉市人民医院缺血透耗材，#河南暴雨互助#",
    "奶奶一个人在家电话打不通，她腿脚不好",
]


DEVELOPMENT = Path(__file__).parents[3] / "training" / "encoder" / "dev_needs.jsonl"


def explained(texts: list[str]) -> list[dict[str, Any]]:
    posts = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    explainer = Explainer(opinion.score(site_settings.load(None), CountedDeadLetters(None)))
    batches = inline.run(explainer.job, files.read_stream(io.BytesIO(lines(*posts)), "test", "-"))
    return [row for batch in batches for row in scored(batch, explainer)]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return explained(TEXTS)


def test_nothing_internal_is_shown(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == len(TEXTS)
    for row in rows:
        assert tuple(row) == (*FIELDS, "explain")
        assert list(row["explain"]) == ["model", "rules", "priority", "thresholds", "versions"]


def check_reasons(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        reasons = row["explain"]["priority"]
        assert reasons[-1].startswith(f"priority {row['priority']}: "), row["id"]
        for head, value in (("source", row["source_kind"]), ("state", row["state"])):
            assert any(reason.startswith(f"{head} {value}: ") for reason in reasons), (row["id"], head)
        named = [reason.split(":")[0].removeprefix("hazard ") for reason in reasons if reason.startswith("hazard ")]
        assert named == row["hazards"], row["id"]


def test_the_reasons_are_those_of_the_decision(rows: list[dict[str, Any]]) -> None:
    check_reasons(rows)


def test_the_reasons_are_those_of_the_decision_on_hard_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.encoder.explain.explain", lambda *given: [])  # the costly half, tested above
    check_reasons(explained([json.loads(line)["text"] for line in DEVELOPMENT.read_bytes().splitlines()]))


def test_the_model_explains_what_it_decided(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        found = row["explain"]["model"]
        said = [(each["head"], each["label"], each["score"]) for each in found]
        assert said[0] == ("sentiment", row["sentiment"], pytest.approx(row["sentiment_score"], abs=1e-3))
        assert said[1] == ("emotion", row["emotion"], pytest.approx(row["emotion_score"], abs=1e-3))
        needs = [need["need"] for need in row["needs"]] or ["none"]
        assert [label for head, label, _ in said if head == "need"] == needs
        assert {each["model"] for each in found} == {row["model"]}


def test_spans_stand_in_the_text_that_is_shown(rows: list[dict[str, Any]]) -> None:
    spans = [(row, span) for row in rows for found in row["explain"]["model"] for span in found["spans"]]
    assert spans
    for row, span in spans:
        assert row["text"][span["start"] : span["end"]] == span["text"] != ""
    hidden = rows[4]
    assert "<PLACE>" in hidden["text"]
    happy = next(found for found in hidden["explain"]["model"] if found["head"] == "emotion")
    assert "开心" in "".join(span["text"] for span in happy["spans"])
    assert "马寨村" not in str(hidden["explain"])


def test_rules_thresholds_and_versions(rows: list[dict[str, Any]]) -> None:
    why = rows[0]["explain"]
    assert {"rule", "category", "term", "critical"} == set(why["rules"][0])
    assert [rule["rule"] for rule in why["rules"]] == [keyword["rule"] for keyword in rows[0]["keywords"]]
    assert {"needs", "help"} <= set(why["thresholds"]["model"])
    assert set(why["thresholds"]["triage"]) >= {"source_from", "state_from", "closed_from"}
    assert why["versions"]["model"] == rows[0]["model"]
    assert all(why["versions"][name] for name in ("rules", "lexicon"))


def test_keep_read_is_a_step() -> None:
    check_udf(KeepRead())
