"""A corpus on the device: word pieces in one flat tensor, labels, batches of like length within a budget of tokens."""

from __future__ import annotations

import io
import json
import lzma
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

Rows = npt.NDArray[np.int64]
POOL = 16_000
"""Rows among which batches of like length are sought."""


class Pieces:
    """Word pieces of many texts. ``start``: pieces put in behind the first (a prefix that a base wants)."""

    def __init__(
        self, tokenizer: Path, texts: list[str], longest: int, pad: int, device: str, start: list[int] | None = None
    ) -> None:
        coder = Tokenizer.from_file(str(tokenizer))
        coder.no_padding()
        coder.enable_truncation(longest)
        parts, lengths = [], []
        for at in range(0, len(texts), 20_000):
            for encoding in coder.encode_batch(texts[at : at + 20_000]):
                ids = encoding.ids if start is None else encoding.ids[:1] + start + encoding.ids[1:]
                parts.append(np.array(ids, np.int32))
                lengths.append(len(ids))
        self._keep(parts, lengths, pad, device)

    @classmethod
    def of(cls, tokens: list[list[int]], pad: int, device: str) -> Pieces:
        """Texts that are word pieces already."""
        made = cls.__new__(cls)
        made._keep([np.array(ids, np.int32) for ids in tokens], [len(ids) for ids in tokens], pad, device)
        return made

    def _keep(self, parts: list[npt.NDArray[np.int32]], lengths: list[int], pad: int, device: str) -> None:
        self.lengths = np.array(lengths)
        self.pad, self.device = pad, device
        self.flat = torch.from_numpy(np.concatenate(parts)).to(device)
        self.size = torch.from_numpy(self.lengths).to(device)
        self.first = torch.from_numpy(np.cumsum(self.lengths) - self.lengths).to(device)

    def padded(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(ids, mask) of ``rows``, int64 [rows, tokens], tokens a multiple of eight."""
        size = self.size[rows]
        longest = -(-int(size.max()) // 8) * 8
        place = torch.arange(longest, device=self.device)
        mask = place < size[:, None]
        index = (self.first[rows][:, None] + place).clamp(max=len(self.flat) - 1)
        ids = torch.where(mask, self.flat[index].long(), self.pad)
        return ids, mask.long()

    def batches(self, rows: Rows, budget: int, draw: np.random.Generator | None) -> Iterator[torch.Tensor]:
        """``rows`` in batches of at most ``budget`` padded tokens; in order of length without ``draw``."""
        order = rows if draw is None else draw.permutation(rows)
        pool = len(order) if draw is None else POOL
        found = []
        for at in range(0, len(order), pool):
            part = order[at : at + pool]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            padded = -(-self.lengths[part] // 8) * 8
            begin = 0
            while begin < len(part):
                end = min(len(part), begin + max(1, budget // int(padded[begin])))
                while (end - begin) * int(padded[end - 1]) > budget and end - begin > 1:
                    end = begin + max(1, budget // int(padded[end - 1]))
                found.append(part[begin:end])
                begin = end
        if draw is not None:
            draw.shuffle(found)  # type: ignore[arg-type]
        for part in found:
            yield torch.from_numpy(part).to(self.device)


class Clock:
    """How far a run is, by steps or by seconds, whichever was given; the learning rate follows."""

    def __init__(self, steps: int | None, seconds: float | None) -> None:
        self.steps, self.seconds = steps, seconds
        self.began, self.step = time.monotonic(), 0

    @property
    def share(self) -> float:
        if self.seconds is not None:
            return (time.monotonic() - self.began) / self.seconds
        return self.step / max(1, self.steps or 1)

    def rate(self, peak: float, warm: float = 0.05) -> float:
        return peak * max(1e-3, min(1.0, self.share / warm, (1 - self.share) / (1 - warm)))


def unpacked(path: Path) -> dict[str, torch.Tensor]:
    """Weights that `packed` wrote to ``path``."""
    return unpacked_bytes(path.read_bytes())


def unpacked_bytes(content: bytes) -> dict[str, torch.Tensor]:
    """Weights from rows of whole numbers with a scale for every 32."""
    found: dict[str, torch.Tensor] = {}
    with np.load(io.BytesIO(lzma.decompress(content))) as arrays:
        for name in arrays.files:
            if name.endswith("|q"):
                whole = arrays[name]
                scale = arrays[f"{name[:-2]}|s"].astype(np.float32)
                values = whole.reshape(-1, 32).astype(np.float32) * scale[:, None]
                found[name[:-2]] = torch.from_numpy(values.reshape(whole.shape))
            elif not name.endswith("|s"):
                found[name] = torch.from_numpy(arrays[name])
    return found


def packed(weights: dict[str, torch.Tensor], levels: int = 127) -> bytes:
    """The inverse of `unpacked_bytes`: matrices in whole numbers up to ``levels`` with a scale for every 32, the rest
    as it is."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, tensor in weights.items():
        value = tensor.detach().float().cpu().numpy()
        if value.ndim == 2 and value.size % 32 == 0 and value.size > 4096:
            parts = value.reshape(-1, 32)
            scale = np.maximum(np.abs(parts).max(1, keepdims=True) / levels, 1e-7).astype(np.float16)
            whole = np.rint(parts / scale.astype(np.float32)).clip(-levels - 1, levels)
            arrays |= {f"{name}|q": whole.astype(np.int8).reshape(value.shape), f"{name}|s": scale[:, 0]}
        else:
            arrays[name] = value.astype(np.float32)
    written = io.BytesIO()
    np.savez(written, **arrays)  # type: ignore[arg-type]
    return lzma.compress(written.getvalue(), preset=1)


def config_of(weights: dict[str, torch.Tensor], heads: int, pad: int) -> dict[str, Any]:
    """Sizes of the BERT encoder that ``weights`` belong to."""
    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
    pieces, hidden = weights["embeddings.word_embeddings.weight"].shape
    return {
        "kind": "transformer",
        "vocab_size": pieces,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        "max_position_embeddings": weights["embeddings.position_embeddings.weight"].shape[0],
        "pad_token_id": pad,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "layer_norm_eps": 1e-12,
    }


def save(path: Path, model: torch.nn.Module, shape: dict[str, Any]) -> None:
    """Weights in half precision with their shape."""
    state = {name: value.detach().half().cpu() for name, value in model.state_dict().items()}
    torch.save({"model": state, "shape": json.dumps(shape)}, path)


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    stored = torch.load(path, weights_only=True, map_location="cpu")
    return {name: value.float() for name, value in stored["model"].items()}, json.loads(stored["shape"])
