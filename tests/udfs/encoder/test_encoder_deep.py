"""The deep model on a small ONNX graph built here: batches, buckets, the sum with the wide model, damage."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest

from schemas.errors import ModelError
from udfs.encoder.bundle import BUNDLES, Bundle, load_bundle
from udfs.encoder.deep import BUCKET, DeepModel
from udfs.encoder.step import Classify

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
    bundle = load_bundle(str(request.param))
    return DeepModel(bundle.path, bundle.meta["mix"])


def test_a_text_has_the_same_logits_in_every_batch(model: DeepModel) -> None:
    """Bit for bit: the padded length of a text and the arithmetic on it do not depend on its neighbours."""
    together = model.deep(TEXTS)
    assert np.array_equal(together, np.concatenate([model.deep([text]) for text in TEXTS]))
    assert np.array_equal(together[::-1], model.deep(TEXTS[::-1]))
    narrow = DeepModel(load_bundle(ENCODERS[0]).path, model.mix.tolist(), batch_tokens=BUCKET)
    assert np.array_equal(together, narrow.deep(TEXTS))


def test_logits_are_the_mixture(model: DeepModel) -> None:
    languages = ["zh"] * len(TEXTS)
    expected = model.mix[0] * model.wide.logits(TEXTS, languages) + model.mix[1] * model.deep(TEXTS)
    assert np.array_equal(model.logits(TEXTS, languages), expected)


def test_both_parts_take_part(model: DeepModel) -> None:
    assert (model.mix >= 0).all()
    assert model.mix[1].sum() > 0


def test_one_thread(model: DeepModel) -> None:
    options = model._session.get_session_options()
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
        DeepModel(tmp_path, [[1.0] * 18] * 2)
    assert onnxruntime.get_available_providers()


def test_a_wrong_mixture_is_named() -> None:
    with pytest.raises(ModelError, match="mix is not 2 x 18"):
        DeepModel(load_bundle(ENCODERS[0]).path, [[1.0] * 3] * 2)
