"""The deep model on a small ONNX graph built here: batches, buckets, the sum with the wide model, damage."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest

from schemas.errors import ModelError
from udfs.encoder import batching
from udfs.encoder.batching import BUCKET, Floats
from udfs.encoder.bundle import BUNDLES, Bundle, load_bundle
from udfs.encoder.deep import DeepModel
from udfs.encoder.load import load_model
from udfs.encoder.onnx_model import OnnxModel
from udfs.encoder.step import Classify
from udfs.encoder.wide import WideModel

ENCODERS = [path.parent.name for path in BUNDLES.glob("*/bundle.json") if load_bundle(path.parent).kind == "encoder"]
TEXTS = [
    "",
    "水",
    "水到二楼了,奶奶下不来",
    "help us",
    "急" * 300,
    *(f"第{i}条,今天天气{'好' * (i % 30)}" for i in range(80)),
]


@pytest.fixture(scope="module", params=ENCODERS)
def model(request: pytest.FixtureRequest) -> DeepModel:
    model = load_model(load_bundle(str(request.param)))
    assert isinstance(model, DeepModel)
    return model


def test_a_text_has_the_same_logits_in_every_batch(model: DeepModel) -> None:
    """Bit for bit: the padded length of a text and the arithmetic on it do not depend on its neighbours."""
    together = model.deep(TEXTS)
    assert np.array_equal(together, np.concatenate([model.deep([text]) for text in TEXTS]))
    assert np.array_equal(together[::-1], model.deep(TEXTS[::-1]))
    assert isinstance(model.backend, OnnxModel)
    model.backend.batch_tokens, usual = BUCKET, model.backend.batch_tokens
    assert np.array_equal(together, model.deep(TEXTS))
    model.backend.batch_tokens = usual


def test_a_text_has_the_same_embedding_in_every_batch(model: DeepModel) -> None:
    together = model.backend.run(TEXTS)[1]
    if together is None:
        assert model.backend.dimensions == 0
        return
    assert np.array_equal(together, np.concatenate([model.backend.run([text])[1] for text in TEXTS]))
    assert np.allclose(np.linalg.norm(together[1:], axis=1), 1)


def test_logits_are_the_mixture(model: DeepModel) -> None:
    languages = ["zh"] * len(TEXTS)
    assert model.wide is not None
    shared = model.wide.outputs
    deep = model.deep(TEXTS)
    expected = model.mix[0] * model.wide.logits(TEXTS, languages) + model.mix[1] * deep[:, :shared]
    logits = model.encode(TEXTS, languages).logits
    assert np.array_equal(logits[:, :shared], expected)
    assert np.array_equal(logits[:, shared:], deep[:, shared:])


class Made:
    """A backend that gives five logits and an embedding."""

    outputs = 5
    dimensions = 2

    def run(self, texts: Sequence[str]) -> tuple[Floats, Floats | None]:
        return np.tile(np.arange(5.0), (len(texts), 1)), np.ones((len(texts), 2))


def test_outputs_beyond_the_wide_model_are_the_encoders_alone(tmp_path: Path) -> None:
    wide = WideModel.load(_wide(tmp_path, outputs=3))
    encoded = DeepModel(tmp_path, Made(), [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]).encode(["水"], ["zh"])
    assert np.array_equal(encoded.logits[:, :3], wide.logits(["水"], ["zh"]) + np.array([0.0, 2.0, 4.0]))
    assert np.array_equal(encoded.logits[:, 3:], [[3.0, 4.0]])
    assert encoded.embedding is not None


def test_without_a_mixture_there_is_no_wide_model(tmp_path: Path) -> None:
    assert np.array_equal(DeepModel(tmp_path, Made()).encode(["水"], ["zh"]).logits, [[0.0, 1.0, 2.0, 3.0, 4.0]])


def test_a_wide_model_with_more_outputs_than_the_encoder_is_named(tmp_path: Path) -> None:
    _wide(tmp_path, outputs=6)
    with pytest.raises(ModelError, match="has 6 outputs, the encoder 5"):
        DeepModel(tmp_path, Made(), [[1.0] * 6] * 2)


def _wide(folder: Path, outputs: int) -> Path:
    draw = np.random.default_rng(1)
    np.savez_compressed(
        folder / "wide.npz",
        weights=draw.integers(-127, 128, (1 << 10, outputs)).astype(np.int8),
        scale=np.full(outputs, 0.05, np.float32),
        bias=draw.normal(size=(2, outputs)).astype(np.float32),
        idf=draw.integers(20, 200, 1 << 10).astype(np.uint8),
        fingerprint=draw.integers(1, 1 << 16, 1 << 10).astype(np.uint16),
    )
    return folder / "wide.npz"


def test_cuda_is_refused_where_it_cannot_be() -> None:
    with pytest.raises(ModelError, match="runs on the CPU only"):
        load_model(load_bundle(ENCODERS[0]), device="cuda")


def test_embeddings_have_length_one_or_are_of_nothing() -> None:
    rows = batching.unit(np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0]]), np.array([False, True, False]))
    assert np.allclose(rows, [[0.6, 0.8], [0.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize("split", [batching.equal, batching.sorted_by_length])
@pytest.mark.parametrize("budget", [1, 8, 40, 10_000])
def test_batches_hold_every_text_once_within_the_budget(split: Callable[..., Any], budget: int) -> None:
    tokens = [[7] * count for count in (3, 0, 17, 8, 9, 1, 64, 16, 3)]
    batches = list(split(tokens, budget))
    assert sorted(row for batch in batches for row in batch.rows) == [0, 2, 3, 4, 5, 6, 7, 8]
    for batch in batches:
        assert len(batch.rows) == 1 or len(batch.rows) * batch.length <= budget
        assert max(len(tokens[row]) for row in batch.rows) <= batch.length
        ids, mask = batching.padded(tokens, batch, 1)
        assert mask.sum(axis=1).tolist() == [len(tokens[row]) for row in batch.rows]
        assert (ids == np.where(mask, 7, 1)).all()


def test_both_parts_take_part(model: DeepModel) -> None:
    assert model.wide is not None
    assert (model.mix >= 0).all()
    assert model.mix[1].sum() > 0


def test_one_thread(model: DeepModel) -> None:
    assert isinstance(model.backend, OnnxModel)
    options = model.backend._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


@pytest.mark.parametrize("name", ENCODERS)
def test_empty_batch(name: str) -> None:
    step = Classify(name)
    step.open()
    empty = pa.RecordBatch.from_pydict({"text": pa.array([], pa.string()), "language": pa.array([], pa.string())})
    assert step.apply(empty).num_rows == 0


def test_a_broken_graph_is_named(tmp_path: Path, tiny_bundle: Callable[..., Bundle]) -> None:
    tiny_bundle(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    (tmp_path / "tokenizer.json").write_text(
        (BUNDLES / ENCODERS[0] / "tokenizer.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    with pytest.raises(ModelError, match=r"model\.onnx cannot be run"):
        OnnxModel(tmp_path)
    assert onnxruntime.get_available_providers()


def test_a_wrong_mixture_is_named() -> None:
    folder = load_bundle(ENCODERS[0]).path
    with pytest.raises(ModelError, match="mix is not 2 x 18"):
        DeepModel(folder, OnnxModel(folder), [[1.0] * 3] * 2)
