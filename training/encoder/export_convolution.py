"""A trained `Convolution` to an ONNX graph of its own, in which hardly anything but the products is left.

What a convolution sees of a word piece does not depend on where it stands: the norm of its embedding is a constant,
and so is that norm times the weights. So the table [pieces, hidden] and the weights [hidden, filters x 10] are
factored anew, at the best rank for their product (Eckart & Young, 1936; pieces count as often as they occur), and the
table is stored as the uint8 numbers that the products take: looking a piece up is all that happens before the first
product. A piece of padding is the zero point. Convolutions of width k read k neighbours side by side, in uint8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]
WIDTHS = (1, 2, 3, 4)
STEPS = 63
"""Largest whole number of a weight: see `export`."""
ZERO = 128
PAD = 1


class Graph:
    """Nodes and constants under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def product(self, source: str, weight: Floats, scale: float, zero: int, name: str, bias: Floats) -> str:
        """MatMulIntegerToFloat of a uint8 activation; ``scale``: its step."""
        step = np.maximum(np.abs(weight).max(axis=0), 1e-12) / STEPS
        whole = np.clip(np.rint(weight / step), -STEPS, STEPS).astype(np.int8)
        inputs = [
            source,
            self.constant(f"{name}_weight", whole),
            self.constant(f"{name}_scale", np.array(scale, np.float32)),
            self.constant(f"{name}_weight_scale", step.astype(np.float32)),
            self.constant(f"{name}_zero", np.array(zero, np.uint8)),
            self.constant(f"{name}_weight_zero", np.zeros(weight.shape[1], np.int8)),
            self.constant(f"{name}_bias", bias.astype(np.float32)),
        ]
        return self.add("MatMulIntegerToFloat", inputs, name, domain="com.microsoft")


def normed(table: Floats, scale: Floats, shift: Floats) -> Floats:
    """LayerNorm of every row."""
    centred = table - table.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) * scale + shift


def factored(table: Floats, weights: Floats, often: Floats, rank: int) -> tuple[Floats, Floats]:
    """(table [pieces, rank], weights [rank, columns]) whose product is nearest to ``table @ weights``."""
    share = np.sqrt(often + 1.0)[:, None]
    _, triangle = np.linalg.qr((table * share).astype(np.float64))
    left, values, _ = np.linalg.svd(triangle @ weights.astype(np.float64), full_matrices=False)
    # table @ base spans the best subspace; base comes from the triangle's own left vectors
    base, *_ = np.linalg.lstsq(triangle, left[:, :rank] * values[:rank], rcond=None)
    small = table.astype(np.float64) @ base
    fitted, *_ = np.linalg.lstsq(small * share, (table * share) @ weights.astype(np.float64), rcond=None)
    return small.astype(np.float32), fitted.astype(np.float32)


def even(table: Floats, weights: Floats, often: Floats) -> tuple[npt.NDArray[np.uint8], Floats, float]:
    """``table`` in uint8 under one step, and the weights that go with it: every column fills the range; the few rows
    that are larger still are cut off."""
    seen = np.repeat(np.arange(len(table)), np.minimum(often, 50).astype(np.int64))
    largest = np.quantile(np.abs(table[seen]), 0.9999, axis=0) + 1e-9
    step = 1.0 / 127
    whole = np.clip(np.rint(table / largest / step) + ZERO, 0, 255).astype(np.uint8)
    whole[PAD] = ZERO
    return whole, weights * largest[:, None].astype(np.float32), step


def pooled(table: Floats, weights: list[Floats], bias: Floats, texts: list[list[int]]) -> Floats:
    """[texts, 2 x filters x widths]: maxima and means, in float32, for the range of the last products."""
    found = []
    for ids in texts:
        states = np.concatenate([table[ids], np.zeros((3, table.shape[1]), np.float32)])
        active = []
        for width, weight in zip(WIDTHS, weights, strict=True):
            near = np.concatenate([states[k : k + len(ids)] for k in range(width)], axis=1)
            active.append(near @ weight)
        done = np.maximum(np.concatenate(active, axis=1) + bias, 0)
        found.append(np.concatenate([done.max(axis=0), done.mean(axis=0)]))
    return np.array(found)


def convolution(
    weights: dict[str, Floats], filters: int, texts: list[list[int]], often: Floats, rank: int
) -> onnx.ModelProto:
    """The whole graph. ``texts``: token ids of calibration texts; ``often``: how often each piece occurs."""
    table = normed(weights["word_embeddings.weight"], weights["norm.weight"], weights["norm.bias"])
    products, bias = weights["products.weight"].T, weights["bias"]
    table, products = factored(table, products, often, rank)
    whole, products, step = even(table, products, often)
    known = (whole.astype(np.float32) - ZERO) * step
    parts, at = [], 0
    for width in WIDTHS:  # rows of a width: the weights of its first piece, its second, ...
        part = [products[:, at + k * filters : at + (k + 1) * filters] for k in range(width)]
        parts.append(np.concatenate(part, axis=0))
        at += width * filters
    graph = Graph()
    graph.add("Gather", [graph.constant("table", whole), "ids"], "states")
    graph.constant("pads", np.array([0, 0, 0, 0, 3, 0], np.int64))
    graph.constant("blank", np.array(ZERO, np.uint8))
    graph.add("Pad", ["states", "pads", "blank"], "longer")
    near = ["states"]
    for k in range(1, 4):
        begin = graph.constant(f"from_{k}", np.array([k], np.int64))
        end = graph.constant(f"to_{k}", np.array([k - 3 or np.iinfo(np.int64).max], np.int64))
        axis = graph.constant(f"axis_{k}", np.array([1], np.int64))
        near.append(graph.add("Slice", ["longer", begin, end, axis], f"after_{k}"))
    graph.add("Cast", ["mask"], "mask_float", to=TensorProto.FLOAT)
    graph.constant("last", np.array([-1], np.int64))
    graph.constant("tokens", np.array([1], np.int64))
    graph.add("Unsqueeze", ["mask_float", "last"], "there")
    graph.add("ReduceSum", ["mask_float", "tokens"], "count", keepdims=1)
    largest, total = [], []
    for number, (width, part) in enumerate(zip(WIDTHS, parts, strict=True)):
        source = "states" if width == 1 else graph.add("Concat", near[:width], f"near_{width}", axis=2)
        own = bias[number * filters : (number + 1) * filters]
        name = graph.product(source, part, step, ZERO, f"product_{width}", own)
        graph.add("Relu", [name], f"active_{width}")
        graph.add("Mul", [f"active_{width}", "there"], f"seen_{width}")
        largest.append(graph.add("ReduceMax", [f"seen_{width}"], f"max_{width}", axes=[1], keepdims=0))
        total.append(graph.add("ReduceSum", [f"seen_{width}", "tokens"], f"sum_{width}", keepdims=0))
    graph.add("Concat", largest, "largest", axis=1)
    graph.add("Concat", total, "total", axis=1)
    graph.add("Div", ["total", "count"], "average")
    graph.add("Concat", ["largest", "average"], "pooled", axis=1)
    seen = pooled(known, parts, bias, texts)
    for name, rows in _heads(weights).items():
        # the maxima and means of a text, evened out: a filter that is always large leaves no steps for the rest
        factor = np.sqrt(np.maximum(seen.max(axis=0), 1e-4) / np.maximum(np.abs(rows["weight"]).max(axis=1), 1e-4))
        scale = float((seen / factor).max()) / 255
        graph.add("Mul", ["pooled", graph.constant(f"{name}_even", (1 / factor).astype(np.float32))], f"{name}_evened")
        graph.constant(f"{name}_step", np.array(scale, np.float32))
        graph.constant(f"{name}_none", np.array(0, np.uint8))
        graph.add("QuantizeLinear", [f"{name}_evened", f"{name}_step", f"{name}_none"], f"{name}_whole")
        graph.product(f"{name}_whole", rows["weight"] * factor[:, None], scale, 0, name, rows["bias"])
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("ids", "mask")]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None]) for name in ("logits", "embedding")
    ]
    body = helper.make_graph(graph.nodes, "convolution", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=8)


def _heads(weights: dict[str, Floats]) -> dict[str, dict[str, Floats]]:
    """Logits and embedding over maxima and means at once."""
    both = {}
    for name in ("logits", "embedding"):
        rows = np.concatenate([weights[f"{part}.{name}.weight"].T for part in ("largest", "average")])
        bias = np.zeros(rows.shape[1], np.float32)
        for part in ("largest", "average"):
            bias = bias + weights.get(f"{part}.{name}.bias", np.float32(0))
        both[name] = {"weight": rows, "bias": bias}
    return both
