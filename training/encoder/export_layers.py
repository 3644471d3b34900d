"""A trained transformer (or funnel) to int8 ONNX.

Every product with a weight becomes MatMulIntegerToFloat: activations are quantised with a scale and zero point found on
calibration texts, so they are the same in every batch (dynamic quantisation is not: its scale is the batch's maximum).
Before that, channels that are large everywhere are divided out of the activations into the weights (SmoothQuant, Xiao
et al., 2023), else the few large ones of a pretrained encoder leave no steps for the rest. Weights take 7 bits: with 8,
CPUs without VNNI add pairs of products in 16 bits and saturate, so that results would differ between machines.
Embedding rows become int8 with one scale a row.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

from training.encoder import outputs
from training.encoder.architectures import build

log = logging.getLogger(__name__)
Feed = dict[str, npt.NDArray[np.int64]]
STEPS = 63
"""Largest whole number of a weight."""
SMOOTH = 0.8
"""How much of the activations' unevenness the weights take over: for the twelve layers of e5 a half left a mean gap of
.117 of a logit to float32, .65 one of .062, .8 one of .052."""


def plain(weights: dict[str, torch.Tensor], shape: dict[str, Any], path: Path) -> None:
    """float32 ONNX of a network; attention, layer norm and GELU of a transformer as one operator each."""
    model = build(shape, outputs.OUTPUTS, outputs.DIMENSIONS)
    model.load_state_dict(weights)
    model.eval()
    if shape["kind"] == "transformer":
        model.encoder.config._attn_implementation = "eager"
    torch.onnx.export(
        model,
        (torch.full((2, 16), 5), torch.ones(2, 16, dtype=torch.long)),
        str(path),
        input_names=["ids", "mask"],
        output_names=["logits", "embedding"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in ("ids", "mask")},
        opset_version=17,
        dynamo=False,
    )
    if shape["kind"] != "transformer":
        return
    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False
    found = optimizer.optimize_model(
        str(path),
        model_type="bert",
        num_heads=shape["num_attention_heads"],
        hidden_size=shape["hidden_size"],
        optimization_options=options,
        opt_level=0,
    )
    log.info("fused: %s", {k: v for k, v in found.get_fused_operator_statistics().items() if v})
    _split_norms(found.model.graph)
    found.save_model_to_file(str(path))


def _split_norms(graph: onnx.GraphProto) -> None:
    """SkipLayerNormalization as an addition and a norm: on a CPU the two together take a third of its time."""
    nodes = []
    for node in graph.node:
        if node.op_type != "SkipLayerNormalization":
            nodes.append(node)
            continue
        first, second, scale, shift, *bias = node.input
        total = f"{node.output[0]}_sum"
        if bias:
            nodes.append(helper.make_node("Add", [first, bias[0]], [f"{total}_bias"]))
            first = f"{total}_bias"
        nodes.append(helper.make_node("Add", [first, second], [total]))
        norm = helper.make_node("LayerNormalization", [total, scale, shift], [node.output[0]], axis=-1)
        norm.attribute.extend(a for a in node.attribute if a.name == "epsilon")
        nodes.append(norm)
    del graph.node[:]
    graph.node.extend(nodes)


def targets(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Products of an activation with a weight."""
    weights = {tensor.name: tensor.dims for tensor in graph.initializer}
    return [
        node
        for node in graph.node
        if node.op_type in ("MatMul", "Attention") and node.input[1] in weights and weights[node.input[1]][0] >= 64
    ]


def observed(
    model: onnx.ModelProto, names: list[str], feeds: list[Feed]
) -> dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Lowest and highest value of every channel of each named activation."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    for name in names:
        probe.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    found: dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = {}
    for feed in feeds:
        real = feed["mask"].astype(bool)
        for name, value in zip(names, session.run(names, feed), strict=True):
            rows = value[real] if value.shape[:2] == real.shape else value.reshape(-1, value.shape[-1])
            low, high = rows.min(0), rows.max(0)
            if name in found:
                low, high = np.minimum(low, found[name][0]), np.maximum(high, found[name][1])
            found[name] = low, high
    return found


def quantised(path: Path, feeds: list[Feed], smooth: float = SMOOTH) -> onnx.ModelProto:
    """The graph with weights and embedding in int8."""
    model = onnx.load(path)
    graph = model.graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    chosen = targets(graph)
    span = observed(model, sorted({node.input[0] for node in chosen}), feeds)
    heavy: dict[str, npt.NDArray[np.float32]] = {}
    for node in chosen:  # one set of factors an activation, whatever products read it
        rows = np.abs(weights[node.input[1]]).max(axis=1)
        heavy[node.input[0]] = np.maximum(heavy.get(node.input[0], np.zeros_like(rows)), rows)
    factors = {}
    for name, (low, high) in span.items():
        large = np.maximum(np.abs(low), np.abs(high))
        factor = np.maximum(large, 1e-5) ** smooth / np.maximum(heavy[name], 1e-5) ** (1 - smooth)
        factors[name] = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    done: set[str] = set()
    nodes = []
    for node in graph.node:
        if any(node is product for product in chosen):
            nodes += _activation(graph, node.input[0], span, factors, done) + _product(graph, node, weights, factors)
        elif node.op_type == "Gather" and node.input[0] in weights and len(weights[node.input[0]]) > 2000:
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


def _activation(
    graph: onnx.GraphProto,
    source: str,
    span: dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]],
    factors: dict[str, npt.NDArray[np.float32]],
    done: set[str],
) -> list[onnx.NodeProto]:
    """Nodes that even ``source`` out and quantise it, the first time it is read."""
    if source in done:
        return []
    done.add(source)
    factor = factors[source]
    low = min(0.0, float((span[source][0] / factor).min()))
    high = max(0.0, float((span[source][1] / factor).max()))
    scale = max((high - low) / 255, 1e-8)
    even = _constant(graph, f"{source}_even", (1 / factor).astype(np.float32))
    step = _constant(graph, f"{source}_scale", np.array(scale, np.float32))
    zero = _constant(graph, f"{source}_zero", np.array(round(-low / scale), np.uint8))
    return [
        helper.make_node("Mul", [source, even], [f"{source}_evened"]),
        helper.make_node("QuantizeLinear", [f"{source}_evened", step, zero], [f"{source}_int8"]),
    ]


def _product(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    weights: dict[str, npt.NDArray[Any]],
    factors: dict[str, npt.NDArray[np.float32]],
) -> list[onnx.NodeProto]:
    source, name = node.input[0], node.output[0]
    weight = weights[node.input[1]] * factors[source][:, None]
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-8) / STEPS
    small = _constant(graph, f"{name}_weight", np.clip(np.rint(weight / scale), -STEPS, STEPS).astype(np.int8))
    scales = _constant(graph, f"{name}_weight_scale", scale.astype(np.float32))
    zeros = _constant(graph, f"{name}_weight_zero", np.zeros(weight.shape[1], np.int8))
    number, zero = f"{source}_scale", f"{source}_zero"
    if node.op_type == "Attention":
        inputs = [f"{source}_int8", small, node.input[2], number, scales, node.input[3], zero, zeros]
        product = helper.make_node("QAttention", inputs, [name], domain="com.microsoft")
        kept = ("num_heads", "mask_filter_value", "unidirectional")
        product.attribute.extend(a for a in node.attribute if a.name in kept)
    else:
        inputs = [f"{source}_int8", small, number, scales, zero, zeros]
        product = helper.make_node("MatMulIntegerToFloat", inputs, [name], domain="com.microsoft")
    return [product]


def _rows(graph: onnx.GraphProto, node: onnx.NodeProto, weights: dict[str, npt.NDArray[Any]]) -> list[onnx.NodeProto]:
    table, name = weights[node.input[0]], node.output[0]
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-8) / 127
    rows = _constant(graph, f"{name}_rows", np.rint(table / scale).astype(np.int8))
    scales = _constant(graph, f"{name}_scales", scale.astype(np.float32))
    return [
        helper.make_node("Gather", [rows, node.input[1]], [f"{name}_int8"]),
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [scales, node.input[1]], [f"{name}_scale"]),
        helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
    ]


def smaller(
    weights: dict[str, torch.Tensor], shape: dict[str, Any], feeds: list[Feed], smooth: float
) -> onnx.ModelProto:
    """The network in int8; what that changed is logged."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "plain.onnx"
        plain(weights, shape, path)
        model = quantised(path, feeds, smooth)
        exact = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        small = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        pairs = [(exact.run(["logits"], feed)[0], small.run(["logits"], feed)[0]) for feed in feeds]
        gap = np.concatenate([np.abs(a - b) for a, b in pairs])
        log.info("int8 against float32: mean gap of logits %.4f, largest %.3f", gap.mean(), gap.max())
        return model
