"""Occlusion finds the words that matter, and says where they stand."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import ModelError
from udfs.encoder.bundle import Bundle
from udfs.encoder.explain import MAX_UNITS, explain, thresholds
from udfs.encoder.step import Classify


@pytest.fixture(scope="module")
def step() -> Classify:
    shipped = Classify()
    shipped.open()
    return shipped


@pytest.mark.parametrize(
    ("text", "language", "head", "telling"),
    [
        ("今天去爬山了，哈哈哈太开心了", "zh", "emotion", "开心"),
        ("这家店的服务员气死我了", "zh", "emotion", "气死"),
        ("我们在老桥这里，被困屋顶，请派冲锋舟", "zh", "need", "冲锋舟"),
        ("I watched it on Sunday and it was a wonderful evening", "en", "sentiment", "wonderful"),
    ],
)
def test_the_telling_words_are_named(step: Classify, text: str, language: str, head: str, telling: str) -> None:
    found = next(each for each in explain(step, text, language) if each.head == head)
    start = text.index(telling)
    assert any(span.start < start + len(telling) and start < span.end for span in found.spans[:2])


def test_what_is_explained_is_what_is_decided(step: Classify) -> None:
    text = "水涨到二楼，老人出不来，急需冲锋舟和饮用水"
    found = explain(step, text)
    decided = step.decide(step.probabilities([text], ["zh"]), 0)
    assert [each.label for each in found[:2]] == [decided[0], decided[2]]
    needs = [each.label for each in found if each.head == "need"]
    assert needs == ([need["need"] for need in decided[-1]] or ["none"])
    asks = [each for each in found if each.head == "help"]
    assert [each.label for each in asks] == ["call" if set(needs) - {"offer", "none"} else "no call"]
    assert asks[0].score == pytest.approx(decided[6], abs=1e-4)
    assert asks[0].threshold == thresholds(step)["help"]["help"]
    assert {each.model for each in found} == {step.model}


@pytest.mark.parametrize(
    "text", ["", " ", "水", "水灾", "<CN_MOBILE>", "😂" * 10, "急" * 21_845, "a" * 65_536, "水 " * 2000]
)
def test_awkward_texts(text: str, tmp_path: Path, tiny_bundle: Callable[..., Bundle]) -> None:
    step = Classify(str(tiny_bundle(tmp_path).path))
    step.open()
    for each in explain(step, text):
        assert all(0 <= span.start < span.end <= len(text) and span.weight > 0 for span in each.spans)
        assert len(each.spans) <= min(5, MAX_UNITS)
        assert each.to_dict()["method"] == "occlusion"


def test_hazards_that_the_model_names_are_explained(tmp_path: Path, tiny_bundle: Callable[..., Bundle]) -> None:
    step = Classify(str(tiny_bundle(tmp_path, seed=3, hints=True).path))
    step.open()
    seen = 0
    for text in ("水涨到二楼", "墙倒了，路断了", "gas leak near the bridge", ""):
        batch = pa.RecordBatch.from_pydict({"text": [text], "language": ["zh"]})
        hints = step.apply(batch).column("hints").to_pylist()[0]
        named = {each["hazard"]: each["score"] for each in hints["hazards"]}
        found = [each for each in explain(step, text) if each.head == "hazard"]
        assert {each.label: each.score for each in found} == pytest.approx(named, abs=1e-3)
        assert all(each.threshold is not None and each.score >= each.threshold for each in found)
        seen += len(found)
    assert seen


def test_a_step_that_is_not_open_is_an_error() -> None:
    with pytest.raises(ModelError, match="open"):
        thresholds(Classify())
