"""Optional heads and the embedding, on their way from a model's numbers to columns, through batches and the cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas import records
from schemas.errors import ModelError
from udfs.checks import check_udf
from udfs.encoder import decide, step
from udfs.encoder.bundle import Bundle
from udfs.encoder.model import Encoded
from udfs.encoder.step import Classify

Make = Callable[..., Bundle]
DIMENSIONS = 5
TEXTS = ["水到二楼了", "", "今天的火锅真好吃", "水到二楼了", "前面桥断了", *(f"第{k}条" for k in range(40))]


class FakeModel:
    """Logits and an embedding by a hash of the text; the empty text has no token, so zeros."""

    def __init__(self, outputs: int, dimensions: int = DIMENSIONS) -> None:
        self.outputs, self.dimensions, self.texts = outputs, dimensions, 0

    def encode(self, texts: list[str], languages: list[str]) -> Encoded:
        self.texts += len(texts)
        draws = [np.random.default_rng(list(text.encode()) or 0) for text in texts]
        logits = np.array([draw.normal(0, 3, self.outputs) for draw in draws]).reshape(-1, self.outputs)
        vectors = np.array([draw.normal(size=self.dimensions) for draw in draws]).reshape(-1, self.dimensions)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[[not text for text in texts]] = 0
        return Encoded(logits, vectors)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[FakeModel]:
    """Every step opened in the test gets a fake model; they are collected here."""
    made: list[FakeModel] = []

    def load(bundle: Bundle, batch_tokens: int | None, device: str) -> FakeModel:
        made.append(FakeModel(bundle.size))
        return made[-1]

    monkeypatch.setattr(step, "load_model", load)
    return made


def opened(bundle: Bundle, **options: Any) -> Classify:
    classify = Classify(str(bundle.path), **options)
    classify.open()
    return classify


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": texts, "language": ["zh"] * len(texts)})


def test_columns_with_hints_and_embedding(tmp_path: Path, tiny_bundle: Make, fake: list[FakeModel]) -> None:
    bundle = tiny_bundle(tmp_path, hints=True, embedding={"dimensions": DIMENSIONS})
    found = opened(bundle).apply(batch_of(TEXTS))
    assert found.schema.field("embedding").type == pa.list_(pa.int8())
    assert found.schema.field("hints").type == records.HINTS
    vectors = np.array(found.column("embedding").to_pylist())
    expected = fake[0].encode(TEXTS, []).embedding
    assert expected is not None
    assert vectors.shape == (len(TEXTS), DIMENSIONS)
    assert np.abs(vectors - 127 * expected).max() <= 0.5
    assert not vectors[1].any()
    logits = fake[0].encode(TEXTS, []).logits
    for row, hints in zip(logits, found.column("hints").to_pylist(), strict=True):
        named = [each["hazard"] for each in hints["hazards"]]
        scores = [each["score"] for each in hints["hazards"]]
        assert set(named) == {name for name, logit in zip(records.HAZARDS, row[18:26], strict=True) if logit >= 0}
        assert scores == sorted(scores, reverse=True)
        assert hints["source_kind"] == records.SOURCE_KINDS[int(row[26:32].argmax())]
        assert hints["state"] == records.STATES[int(row[32:36].argmax())]
        assert 1 / 6 <= hints["source_score"] <= 1
        assert 1 / 4 <= hints["state_score"] <= 1


@pytest.mark.parametrize("options", [{"cache_size": 0}, {"cache_size": 3}, {"batch_texts": 2}, {"cache_size": 1000}])
def test_cache_and_batch_change_neither(
    tmp_path: Path, tiny_bundle: Make, fake: list[FakeModel], options: dict[str, int]
) -> None:
    bundle = tiny_bundle(tmp_path, hints=True, embedding={"dimensions": DIMENSIONS})
    plain = opened(bundle).apply(batch_of(TEXTS))
    other = opened(bundle, **options)
    assert other.apply(batch_of(TEXTS)).equals(plain)
    asked = fake[1].texts
    assert other.apply(batch_of(TEXTS)).equals(plain)
    assert (fake[1].texts == asked) == (options.get("cache_size", 20_000) >= len(set(TEXTS)))
    check_udf(Classify(str(bundle.path), **options))


def test_the_cache_is_compact(tmp_path: Path, tiny_bundle: Make, fake: list[FakeModel]) -> None:
    classify = opened(tiny_bundle(tmp_path, hints=True, embedding={"dimensions": DIMENSIONS}))
    classify.apply(batch_of(["水"]))
    ((_, embedding, hints),) = classify._memo._kept.values()
    assert isinstance(embedding, bytes)
    assert len(embedding) == DIMENSIONS
    assert isinstance(hints, tuple)


def test_an_empty_batch_keeps_the_types(tmp_path: Path, tiny_bundle: Make, fake: list[FakeModel]) -> None:
    classify = opened(tiny_bundle(tmp_path, hints=True, embedding={"dimensions": DIMENSIONS}))
    empty = classify.apply(batch_of(["a"]).slice(0, 0))
    assert empty.select(records.CLASSIFIED.names).schema.types == list(records.CLASSIFIED.types)


def test_a_bundle_without_either_says_so_in_every_row(tmp_path: Path, tiny_bundle: Make) -> None:
    found = opened(tiny_bundle(tmp_path)).apply(batch_of(TEXTS))
    assert found.column("embedding").to_pylist() == [[]] * len(TEXTS)
    assert found.column("hints").null_count == len(TEXTS)


def test_the_wide_model_can_have_hints(tmp_path: Path, tiny_bundle: Make) -> None:
    classify = opened(tiny_bundle(tmp_path, hints=True))
    found = classify.apply(batch_of(TEXTS))
    assert found.column("hints").null_count == 0
    assert found.column("embedding").to_pylist() == [[]] * len(TEXTS)
    check_udf(Classify(classify.bundle))
    chances = classify.probabilities(["水"], ["zh"])
    assert chances.source is not None
    assert chances.source.sum() == pytest.approx(1)
    assert classify.decide(chances, 0) == decide.rows(classify._opened(), chances)[0]


def test_a_model_without_the_promised_embedding_is_named(tmp_path: Path, tiny_bundle: Make) -> None:
    bundle = tiny_bundle(tmp_path, embedding={"dimensions": DIMENSIONS})
    with pytest.raises(ModelError, match="embedding"):
        opened(bundle).apply(batch_of(["水"]))


@pytest.mark.parametrize("shape", [None, (2, 3), (1, DIMENSIONS)])
def test_odd_embeddings_are_named(tmp_path: Path, tiny_bundle: Make, shape: tuple[int, int] | None) -> None:
    bundle = tiny_bundle(tmp_path, embedding={"dimensions": DIMENSIONS})
    with pytest.raises(ModelError, match=r"bundle\.json says 5"):
        decide.embeddings(bundle, None if shape is None else np.zeros(shape), 2)


def test_odd_logits_are_named(tmp_path: Path, tiny_bundle: Make) -> None:
    with pytest.raises(ModelError, match="gives 36 outputs, its labels are 18"):
        decide.probabilities(tiny_bundle(tmp_path), np.zeros((1, 36)))


def test_int8_keeps_the_cosine() -> None:
    """What `records.EMBEDDING` promises."""
    draw = np.random.default_rng(1)
    one = draw.normal(size=(5000, 64))
    other = one + draw.random((5000, 1)) * draw.normal(size=one.shape)

    def unit(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    exact = (unit(one) * unit(other)).sum(axis=1)
    kept = [unit(np.rint(unit(rows) * decide.INT8_SCALE).astype(np.int8).astype(float)) for rows in (one, other)]
    gaps = np.abs((kept[0] * kept[1]).sum(axis=1) - exact)
    assert gaps.max() < 0.01
    assert gaps.mean() < 0.0015
