"""The ONNX backend: an encoder in int8 on one thread of the CPU.

Why a result does not depend on its batch: products with weights are exact in int8, with activation scales fixed
at export; a text is padded to the next multiple of BUCKET tokens and meets only texts of that length, so every other
operation works on one row, or on one text's matrix of the same shape, wherever it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from schemas.errors import ModelError
from udfs.encoder import batching
from udfs.encoder.batching import Floats
from udfs.encoder.pieces import WordPieces

BATCH_TOKENS = 4096
PAD = 1


class OnnxModel:
    """Runs model.onnx: ids and mask, int64 [texts, tokens], to ``logits`` [texts, outputs] and, where the graph has it,
    ``embedding`` [texts, dimensions]."""

    def __init__(self, folder: Path, batch_tokens: int | None = None) -> None:
        """``batch_tokens``: padded tokens that a run may hold at most; bounds memory and changes no result."""
        self.batch_tokens = batch_tokens or BATCH_TOKENS
        self._pieces = WordPieces(folder / "tokenizer.json")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            self._names = [output.name for output in self._session.get_outputs()]
            # a graph need not say how wide its outputs are: one token tells
            widths = [part.shape[1] for part in self._session.run(self._names, _one_token())]
        except Exception as error:  # onnxruntime raises classes of its own that it does not export
            raise ModelError(f"{folder / 'model.onnx'} cannot be run ({type(error).__name__}); make it anew") from error
        if "logits" not in self._names:
            raise ModelError(f"{folder / 'model.onnx'} has no output named logits; export it anew")
        self.outputs: int = widths[self._names.index("logits")]
        self.dimensions: int = widths[self._names.index("embedding")] if "embedding" in self._names else 0
        self._names = ["logits", "embedding"] if self.dimensions else ["logits"]

    def run(self, texts: Sequence[str]) -> tuple[Floats, Floats | None]:
        """Logits and, where there is one, embedding of length one of each text (zeros for a text without a token).

        What of a long text is read the tokenizer's truncation says (its first tokens)."""
        tokens = self._pieces.of(texts)
        done = []
        for batch in batching.equal(tokens, self.batch_tokens):
            ids, mask = batching.padded(tokens, batch, PAD)
            done.append((batch, self._session.run(self._names, {"ids": ids, "mask": mask})))
        logits = batching.scattered(len(texts), self.outputs, [(batch, found[0]) for batch, found in done])
        if not self.dimensions:
            return logits, None
        embedding = batching.scattered(len(texts), self.dimensions, [(batch, found[1]) for batch, found in done])
        return logits, batching.unit(embedding, batching.blank(tokens, self._pieces.marks))


def _one_token() -> dict[str, batching.Ints]:
    return {"ids": np.full((1, batching.BUCKET), PAD), "mask": np.ones((1, batching.BUCKET), dtype=np.int64)}
