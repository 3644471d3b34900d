"""A trained student to ONNX with int8 weights and constant activation scales (torch environment; see README.md).

    python -m training.encoder.export --run RUN --data DATA --wide udfs/encoder/bundles/wide --output BUNDLE

Every product with a weight becomes MatMulIntegerToFloat: activations are quantised with a scale and zero point found on
calibration texts, so they are the same in every batch (dynamic quantisation is not: its scale is the batch's maximum).
Embedding rows become int8 with one scale a row. Writes model.onnx, tokenizer.json, wide.npz.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from training.encoder import data, needs
from training.encoder.student import Convolution, Student

log = logging.getLogger(__name__)
CLIPPED = 0.0
"""Share of activations beyond the quantised range on either side. None: some dimensions of the embedding are always
large, and cutting them off costs far more than a coarser step."""


def plain(run: Path, folder: Path) -> Path:
    """float32 ONNX of the student; attention, layer norm and GELU of a transformer as one operator each."""
    state = torch.load(run / "student.pt", weights_only=True)
    filters = state["config"].get("filters")
    if filters:
        rows = state["model"]["word_embeddings.weight"]
        model: torch.nn.Module = Convolution(torch.nn.Embedding(*rows.shape), filters)
    else:
        config = BertConfig(**state["config"])
        config._attn_implementation = "eager"
        model = Student(BertModel(config, add_pooling_layer=False))
    model.load_state_dict(state["model"])
    model.eval()
    path = folder / "plain.onnx"
    torch.onnx.export(
        model,
        (torch.full((2, 16), 5), torch.ones(2, 16, dtype=torch.long)),
        str(path),
        input_names=["ids", "mask"],
        output_names=["logits"],
        dynamic_axes={"ids": {0: "batch", 1: "tokens"}, "mask": {0: "batch", 1: "tokens"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    if filters:
        return path
    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False
    found = optimizer.optimize_model(
        str(path),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=options,
        opt_level=0,
    )
    log.info("fused: %s", {k: v for k, v in found.get_fused_operator_statistics().items() if v})
    found.save_model_to_file(str(path))
    return path


def ranges(
    graph: onnx.ModelProto, names: list[str], batches: list[dict[str, npt.NDArray[np.int64]]]
) -> dict[str, tuple[float, float]]:
    """Low and high quantile of each named activation over ``batches``."""
    probe = onnx.ModelProto()
    probe.CopyFrom(graph)
    for name in names:
        probe.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    lows: dict[str, list[float]] = {name: [] for name in names}
    highs: dict[str, list[float]] = {name: [] for name in names}
    for feed in batches:
        real = feed["mask"].astype(bool)
        for name, value in zip(names, session.run(names, feed), strict=True):
            kept = value[real] if value.shape[:2] == real.shape else value
            low, high = np.quantile(kept, (CLIPPED, 1 - CLIPPED))
            lows[name].append(float(low))
            highs[name].append(float(high))
    return {name: (min(lows[name]), max(highs[name])) for name in names}


def quantised(path: Path, batches: list[dict[str, npt.NDArray[np.int64]]]) -> onnx.ModelProto:
    """The graph with weights and embedding in int8."""
    model = onnx.load(path)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    targets = [
        node
        for node in graph.node
        if node.op_type in ("MatMul", "Attention")
        and node.input[1] in weights
        and numpy_helper.to_array(weights[node.input[1]]).shape[0] >= 64
    ]
    span = ranges(model, sorted({node.input[0] for node in targets}), batches)
    done: set[str] = set()
    nodes = []
    for node in graph.node:
        if node in targets:
            nodes += _product(graph, node, weights, span, done)
        elif node.op_type == "Gather" and node.input[0] in weights and weights[node.input[0]].dims[0] > 2000:
            nodes += _rows(graph, node, weights)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    if not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def _constant(graph: onnx.GraphProto, name: str, value: npt.NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    return name


def _product(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    weights: dict[str, onnx.TensorProto],
    span: dict[str, tuple[float, float]],
    done: set[str],
) -> list[onnx.NodeProto]:
    source, name = node.input[0], node.output[0]
    nodes = []
    if source not in done:
        low, high = min(0.0, span[source][0]), max(0.0, span[source][1])
        scale = (high - low) / 255
        _constant(graph, f"{source}_scale", np.array(scale, np.float32))
        _constant(graph, f"{source}_zero", np.array(round(-low / scale), np.uint8))
        nodes.append(
            helper.make_node("QuantizeLinear", [source, f"{source}_scale", f"{source}_zero"], [f"{source}_int8"])
        )
        done.add(source)
    weight = numpy_helper.to_array(weights[node.input[1]])
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-8) / 127
    small = _constant(graph, f"{name}_weight", np.clip(np.rint(weight / scale), -127, 127).astype(np.int8))
    scales = _constant(graph, f"{name}_weight_scale", scale.astype(np.float32))
    zeros = _constant(graph, f"{name}_weight_zero", np.zeros(weight.shape[1], np.int8))
    number, zero = f"{source}_scale", f"{source}_zero"
    if node.op_type == "Attention":
        mask = node.input[3]
        inputs = [f"{source}_int8", small, node.input[2], number, scales, mask, zero, zeros]
        product = helper.make_node("QAttention", inputs, [name], domain="com.microsoft")
        product.attribute.extend(
            a for a in node.attribute if a.name in ("num_heads", "mask_filter_value", "unidirectional")
        )
    else:
        inputs = [f"{source}_int8", small, number, scales, zero, zeros]
        product = helper.make_node("MatMulIntegerToFloat", inputs, [name], domain="com.microsoft")
    return [*nodes, product]


def _rows(graph: onnx.GraphProto, node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> list[onnx.NodeProto]:
    table, name = numpy_helper.to_array(weights[node.input[0]]), node.output[0]
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-8) / 127
    rows = _constant(graph, f"{name}_rows", np.rint(table / scale).astype(np.int8))
    scales = _constant(graph, f"{name}_scales", scale.astype(np.float32))
    return [
        helper.make_node("Gather", [rows, node.input[1]], [f"{name}_int8"]),
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [scales, node.input[1]], [f"{name}_scale"]),
        helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
    ]


def feeds(tokenizer: Tokenizer, texts: list[str], size: int = 16) -> list[dict[str, npt.NDArray[np.int64]]]:
    """Padded batches of ``texts`` for a session."""
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")  # noqa: S106
    found = []
    for at in range(0, len(texts), size):
        encodings = tokenizer.encode_batch(texts[at : at + size])
        found.append(
            {"ids": np.array([e.ids for e in encodings]), "mask": np.array([e.attention_mask for e in encodings])}
        )
    tokenizer.no_padding()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "data", "wide", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    given.output.mkdir(parents=True, exist_ok=True)
    texts = [row.text for row in data.labelled(given.data, "zh_emotion") if row.part == "train"][:160]
    texts += [row.text for row in data.labelled(given.data, "en_sentiment") if row.part == "train"][:40]
    texts += [row.text for row in needs.written(60, 99)]
    tokenizer = Tokenizer.from_file(str(given.run / "tokenizer.json"))
    batches = feeds(tokenizer, texts)
    with tempfile.TemporaryDirectory() as scratch:
        path = plain(given.run, Path(scratch))
        model = quantised(path, batches)
        exact = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        small = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        pairs = [(exact.run(["logits"], feed)[0], small.run(["logits"], feed)[0]) for feed in batches]
        gap = np.concatenate([np.abs(a - b) for a, b in pairs])
        log.info("int8 against float32: mean gap of logits %.4f, largest %.3f", gap.mean(), gap.max())
        onnx.save(model, given.output / "model.onnx")
    shutil.copy(given.run / "tokenizer.json", given.output / "tokenizer.json")
    shutil.copy(given.wide / "wide.npz", given.output / "wide.npz")


if __name__ == "__main__":
    main()
