"""Train the tagger of names and places and write its bundle (tagger.onnx, vocabulary.npz, metrics.json).

Needs torch, onnx and opencc besides the project; no GPU (about ten minutes on one core).

    python -m training.pii.train_tagger --gold zh_ner.jsonl.gz --gold-places ner_weak.jsonl --weak weak.jsonl \
        --output udfs/pii/model
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.pii import corpus
from udfs.pii import tagger
from udfs.pii.tagger import BUCKETS, TAGS

_CHAR, _PAIR, _WIDTH, _LAST = 48, 16, 80, 64
_DILATIONS = (1, 2, 4)
_CHARACTERS_A_STEP = 6_000


def vocabulary(examples: list[corpus.Example], least: int = 3) -> np.ndarray:
    """Return the table from code points to ids: frequent characters, digits and letters as one each, traditional
    characters as their simplified ones (OpenCC)."""
    from opencc import OpenCC

    counts = Counter(char for text, _ in examples for char in text)
    table = np.full(0x10000, tagger.OTHER_ID, np.int32)
    following = tagger.FIRST_ID
    for char, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if (count >= least and ord(char) < 0x10000 and not char.isalnum()) or (
            "\u4e00" <= char <= "\u9fff" and count >= least
        ):
            table[ord(char)] = following
            following += 1
    convert = OpenCC("t2s").convert
    for code in range(0x3400, 0xA000):
        plain = convert(chr(code))
        if plain != chr(code) and len(plain) == 1 and ord(plain) < 0x10000 and table[ord(plain)] != tagger.OTHER_ID:
            table[code] = table[ord(plain)]
    for code in range(0x10000):
        char = chr(code)
        if char.isdigit():
            table[code] = tagger.DIGIT_ID
        elif char.isalpha() and (char.isascii() or 0xFF00 <= code <= 0xFFEF):
            table[code] = tagger.LATIN_ID
        elif 0x2600 <= code < 0x27C0 or 0xD800 <= code < 0xE000:
            table[code] = tagger.EMOJI_ID
    for plain, wide in zip("，！？：；（）", ",!?:;()", strict=True):
        table[ord(wide)] = table[ord(plain)]
    return table


class Network(nn.Module):
    """Embeddings of characters and pairs, three dilated convolutions, seven tags."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.chars = nn.Embedding(characters, _CHAR)
        self.pairs = nn.Embedding(BUCKETS, _PAIR)
        nn.init.normal_(self.chars.weight, std=0.3)
        nn.init.normal_(self.pairs.weight, std=0.1)
        widths = [_CHAR + _PAIR, _WIDTH, _WIDTH, _LAST]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, 3, dilation=d, padding=d)
            for a, b, d in zip(widths[:-1], widths[1:], _DILATIONS, strict=True)
        )
        self.head = nn.Conv1d(_LAST, len(TAGS), 1)

    def forward(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (tags, characters) scores."""
        chars, pair = self.chars(ids), self.pairs(pairs)
        if self.training:
            # whole pairs and characters vanish, so that unknown names are read from what is around them
            pair = pair * (torch.rand(len(ids), 1) > 0.35) / 0.65
            chars = chars * (torch.rand(len(ids), 1) > 0.05)
        x = torch.cat([chars, pair], 1).T * mask
        for layer in self.layers:
            x = torch.relu(layer(x[None])[0]) * mask
            if self.training:
                x = nn.functional.dropout(x, 0.1)
        scores: torch.Tensor = self.head(x[None])[0]
        return scores


def train(
    network: Network,
    examples: list[corpus.Example],
    weights: list[float],
    table: np.ndarray,
    epochs: int,
    seed: int,
    output: Path,
) -> None:
    """Adam with a linear decay; one step sees about 6,000 characters. Writes the network after every epoch."""
    shuffle = random.Random(seed)  # noqa: S311 - a reproducible draw
    total = sum(len(text) for text, _ in examples)
    steps = max(1, epochs * total // _CHARACTERS_A_STEP)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.02, 1 - step / steps))
    importance = torch.tensor([1.0, 1.6, 1.6, 1.2, 1.2, 1.0, 1.0])
    order = list(range(len(examples)))
    done, started = 0, time.time()
    for epoch in range(epochs):
        shuffle.shuffle(order)
        batch: list[int] = []
        size, losses = 0, []
        network.train()
        for i in order:
            batch.append(i)
            size += len(examples[i][0])
            if size < _CHARACTERS_A_STEP:
                continue
            ids, pairs, mask, starts = tagger.lay_out([examples[j][0] for j in batch], table)
            tags = np.zeros(len(ids), np.int64)
            each = np.zeros(len(ids), np.float32)
            for j, start in zip(batch, starts, strict=True):
                tags[start : start + len(examples[j][1])] = examples[j][1]
                each[start : start + len(examples[j][1])] = weights[j]
            scores = network(torch.from_numpy(ids), torch.from_numpy(pairs), torch.from_numpy(mask))
            target = torch.from_numpy(tags)
            loss = nn.functional.cross_entropy(scores.T, target, reduction="none", weight=importance)
            loss = (loss * torch.from_numpy(each)).sum() / each.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            batch, size, done = [], 0, done + 1
        spent = time.time() - started
        print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} steps {done}/{steps} {spent:.0f}s", flush=True)
        export(network.eval(), output)


def export(network: Network, path: Path) -> None:
    """Write the network as ONNX; embeddings as 16-bit floats."""
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    tensors = [
        numpy_helper.from_array(weights["chars.weight"].astype(np.float16), "chars"),
        numpy_helper.from_array(weights["pairs.weight"].astype(np.float16), "pair_table"),
    ]
    nodes = [
        helper.make_node("Gather", ["chars", "ids"], ["c16"]),
        helper.make_node("Gather", ["pair_table", "pairs"], ["p16"]),
        helper.make_node("Concat", ["c16", "p16"], ["x16"], axis=1),
        helper.make_node("Cast", ["x16"], ["x32"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["x32"], ["xt"], perm=[1, 0]),
        helper.make_node("Unsqueeze", ["xt", "zero"], ["xu"]),
        helper.make_node("Mul", ["xu", "mask"], ["h0"]),
    ]
    tensors.append(numpy_helper.from_array(np.array([0], np.int64), "zero"))
    for i, dilation in enumerate(_DILATIONS):
        for part in ("weight", "bias"):
            tensors.append(numpy_helper.from_array(weights[f"layers.{i}.{part}"], f"{part}{i}"))
        nodes += [
            helper.make_node(
                "Conv", [f"h{i}", f"weight{i}", f"bias{i}"], [f"a{i}"],
                kernel_shape=[3], dilations=[dilation], pads=[dilation, dilation],
            ),
            helper.make_node("Relu", [f"a{i}"], [f"r{i}"]),
            helper.make_node("Mul", [f"r{i}", "mask"], [f"h{i + 1}"]),
        ]  # fmt: skip
    for part in ("weight", "bias"):
        tensors.append(numpy_helper.from_array(weights[f"head.{part}"], f"head_{part}"))
    nodes += [
        helper.make_node("Conv", [f"h{len(_DILATIONS)}", "head_weight", "head_bias"], ["scores"], kernel_shape=[1]),
        helper.make_node("Softmax", ["scores"], ["soft"], axis=1),
        helper.make_node("Squeeze", ["soft", "zero"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["probabilities"], perm=[1, 0]),
    ]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT32, ["n"]),
            helper.make_tensor_value_info("pairs", TensorProto.INT32, ["n"]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, "n"]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(TAGS)])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="yuqing")
    model.ir_version = 9
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def starters(examples: list[corpus.Example]) -> np.ndarray:
    """Return the code points that start a person or a shared place in the examples, more than once."""
    counts: Counter[str] = Counter()
    for text, tags in examples:
        counts.update(text[i] for i, tag in enumerate(tags) if tag in (1, 3))
    return np.array(sorted(ord(char) for char, count in counts.items() if count > 1), np.uint32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--gold-places", type=Path, required=True, help="the teacher's labels of the gold texts")
    parser.add_argument("--weak", type=Path, nargs="+", required=True)
    parser.add_argument("--templates", type=int, default=25_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    rows = list(corpus.read(options.gold))
    kept = {row["text"] for row in rows if corpus.held_out(row)}
    gold = {row["text"]: corpus.gold_people(row) for row in rows if row["text"] not in kept}
    examples = list(corpus.weak(options.gold_places, gold))
    weights = [4.0] * len(examples)
    names = [text[a:b] for text, people in gold.items() for a, b in people if 2 <= b - a <= 4]
    for path in options.weak:
        found = [example for example in corpus.weak(path) if example[0] not in kept]
        examples += found
        weights += [1.0] * len(found)
    templates = corpus.Templates(names, options.seed)
    examples += [templates.example() for _ in range(options.templates)]
    weights += [1.0] * options.templates
    table = vocabulary(examples)
    print(f"{len(examples)} texts, {int(table.max()) + 1} characters, {len(names)} names", flush=True)
    network = Network(int(table.max()) + 1)
    options.output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.output / "vocabulary.npz", table=table.astype(np.uint16), starters=starters(examples))
    train(network, examples, weights, table, options.epochs, options.seed, options.output / "tagger.onnx")
    counts = {"gold": len(gold), "weak": len(examples) - len(gold) - options.templates, "templates": options.templates}
    (options.output / "training.json").write_text(
        json.dumps({"texts": counts, "epochs": options.epochs, "seed": options.seed}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
