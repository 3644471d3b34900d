"""A trained network to ONNX with int8 weights and constant activation scales (torch environment; see README.md).

    python -m training.encoder.export --run RUN --name NAME --base PACKED --corpus CORPUS --wide WIDE --output BUNDLE

The embedding is evened out first, then `export_convolution` or `export_layers` writes the graph. Writes model.onnx,
tokenizer.json, wide.npz.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer

from training.encoder import outputs, tensors
from training.encoder.architectures import build
from training.encoder.corpus import Corpus
from training.encoder.export_convolution import convolution
from training.encoder.export_layers import SMOOTH, Feed, smaller

EVEN = 0.25
EVENED = 3000
"""Texts of either language on which the embedding is evened out."""
CALIBRATION = 400
COUNTED = 20_000
"""Texts on which pieces are counted."""


def evened(
    weights: dict[str, torch.Tensor], shape: dict[str, Any], tokenizer: Tokenizer, texts: list[str]
) -> dict[str, torch.Tensor]:
    """Weights whose embedding is centred and nearly whitened over ``texts``: what all posts share (language, genre,
    length) tells no topics apart. Each principal axis keeps EVEN of its logarithm; folded into the embedding's own
    product."""
    heads = [name.removesuffix(".embedding.weight") for name in weights if name.endswith(".embedding.weight")]
    weights = dict(weights)
    for head in heads:
        weights.setdefault(f"{head}.embedding.bias", torch.zeros(outputs.DIMENSIONS))
    model = build(shape, outputs.OUTPUTS, outputs.DIMENSIONS)
    model.load_state_dict(weights)
    model.eval()
    found = []
    with torch.inference_mode():
        for feed in batches(tokenizer, sorted(texts, key=len), 64):
            found.append(model(torch.from_numpy(feed["ids"]), torch.from_numpy(feed["mask"]))[1])
    rows = torch.cat(found).double()
    middle = rows.mean(0)
    values, axes = torch.linalg.eigh(torch.cov(rows.t()))
    fold = axes / values.clamp(min=1e-9).sqrt() ** (1 - EVEN)
    for head in heads:
        weights[f"{head}.embedding.weight"] = (fold.t() @ weights[f"{head}.embedding.weight"].double()).float()
        bias = fold.t() @ (weights[f"{head}.embedding.bias"].double() - middle / len(heads))
        weights[f"{head}.embedding.bias"] = bias.float()
    return weights


def int8(
    weights: dict[str, torch.Tensor],
    shape: dict[str, Any],
    tokenizer: Tokenizer,
    texts: list[str],
    more: list[str],
    rank: int,
    smooth: float,
) -> onnx.ModelProto:
    """The network in int8. ``texts`` tell the activations' ranges, ``more`` beside them how often a piece occurs;
    ``rank`` is for a convolution, ``smooth`` for the rest."""
    if shape["kind"] != "convolution":
        return smaller(weights, shape, batches(tokenizer, texts), smooth)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts + more)]
    often = np.bincount(np.concatenate(ids), minlength=shape["pieces"]).astype(np.float32)
    arrays = {name: value.numpy() for name, value in weights.items()}
    return convolution(arrays, shape["filters"], ids[: len(texts)], often, rank)


def batches(tokenizer: Tokenizer, texts: list[str], size: int = 16) -> list[Feed]:
    """Padded batches of ``texts`` for a session."""
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")  # noqa: S106
    found = []
    for at in range(0, len(texts), size):
        encodings = tokenizer.encode_batch(texts[at : at + size])
        ids, mask = [e.ids for e in encodings], [e.attention_mask for e in encodings]
        found.append({"ids": np.array(ids), "mask": np.array(mask)})
    tokenizer.no_padding()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "base", "corpus", "wide", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--longest", type=int, default=64, help="pieces read of a text")
    parser.add_argument("--rank", type=int, default=320, help="width that a convolution's table is cut to")
    parser.add_argument("--smooth", type=float, default=SMOOTH)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    given.output.mkdir(parents=True, exist_ok=True)
    weights = tensors.unpacked(given.run / f"{given.name}.xz")
    shape = json.loads((given.run / f"{given.name}.json").read_text(encoding="utf-8"))
    shape.pop("steps", None)
    corpus = Corpus.load(given.corpus)
    train = np.flatnonzero((corpus.part == 0) | (corpus.need_part == 0))
    order = np.random.default_rng(9).permutation(train)
    texts = [corpus.texts[row] for row in order[:CALIBRATION]]
    more = [corpus.texts[row] for row in order[CALIBRATION:COUNTED]]
    tokenizer = Tokenizer.from_file(str(given.base.with_suffix(".json")))
    tokenizer.enable_truncation(given.longest)
    told = [order[corpus.english[order] == english][:EVENED] for english in (False, True)]
    weights = evened(weights, shape, tokenizer, [corpus.texts[row] for row in np.concatenate(told)])
    model = int8(weights, shape, tokenizer, texts, more, given.rank, given.smooth)
    onnx.save(model, given.output / "model.onnx")
    tokenizer.save(str(given.output / "tokenizer.json"))
    shutil.copy(given.wide / "wide.npz", given.output / "wide.npz")


if __name__ == "__main__":
    main()
