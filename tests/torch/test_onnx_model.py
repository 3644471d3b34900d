"""The ONNX backend on a graph with an embedding, built here: only this environment has onnx."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from schemas.errors import ModelError
from tests.torch.conftest import TEXTS
from udfs.encoder.onnx_model import OnnxModel

pytestmark = pytest.mark.torch
OUTPUTS, DIMENSIONS, HIDDEN = 20, 4, 6


def graph(path: Path, name: str = "logits", embedding: bool = True) -> None:
    """Masked sum of token vectors, and one product for each output; of whole numbers, so that sums are exact."""
    draw = np.random.default_rng(3)
    shapes = {"table": (400, HIDDEN), "heads": (HIDDEN, OUTPUTS), "directions": (HIDDEN, DIMENSIONS)}
    weights = {
        key: numpy_helper.from_array(draw.integers(-5, 6, shape).astype(np.float32), key)
        for key, shape in shapes.items()
    }
    axis = {key: numpy_helper.from_array(np.array([at], np.int64), key) for key, at in (("one", 1), ("two", 2))}
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["vectors"]),
        helper.make_node("Cast", ["mask"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["flat", "two"], ["weights"]),
        helper.make_node("Mul", ["vectors", "weights"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "one"], ["sum"], keepdims=0),
        helper.make_node("MatMul", ["sum", "heads"], [name]),
        helper.make_node("MatMul", ["sum", "directions"], ["embedding"]),
    ]
    inputs = [helper.make_tensor_value_info(key, TensorProto.INT64, ["texts", "tokens"]) for key in ("ids", "mask")]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", "outputs"]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", "dimensions"]),
    ]
    made = helper.make_graph(nodes, "tiny", inputs, outputs[: 1 + embedding], [*weights.values(), *axis.values()])
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    (tmp_path / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    return tmp_path


def test_logits_and_embedding(folder: Path) -> None:
    graph(folder / "model.onnx")
    model = OnnxModel(folder)
    assert (model.outputs, model.dimensions) == (OUTPUTS, DIMENSIONS)
    logits, embedding = model.run(TEXTS)
    assert embedding is not None
    assert logits.shape == (len(TEXTS), OUTPUTS)
    assert not embedding[TEXTS.index("")].any()
    assert np.allclose(np.linalg.norm(embedding[1:], axis=1), 1)
    alone = [model.run([text]) for text in TEXTS]
    assert np.array_equal(logits, np.concatenate([part[0] for part in alone]))
    assert np.array_equal(embedding, np.concatenate([part[1] for part in alone]))


def test_without_an_embedding_there_is_none(folder: Path) -> None:
    graph(folder / "model.onnx", embedding=False)
    model = OnnxModel(folder)
    assert (model.dimensions, model.run(TEXTS)[1]) == (0, None)


def test_a_graph_without_logits_is_named(folder: Path) -> None:
    graph(folder / "model.onnx", name="scores")
    with pytest.raises(ModelError, match="no output named logits"):
        OnnxModel(folder)
