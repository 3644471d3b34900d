"""The deep model: a small encoder in ONNX beside the n-gram model; its logits are added to the wide model's.

Why a result does not depend on its batch: products with weights are exact in int8, with activation scales fixed
at export; a text is padded to the next multiple of BUCKET tokens and meets only texts of that length, so every other
operation works on one row, or on one text's matrix of the same shape, wherever it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from schemas.errors import ModelError
from udfs.encoder.wide import WideModel

Floats = npt.NDArray[np.float64]
BUCKET = 8
PAD = 1


class DeepModel:
    """Sum of wide and deep logits, output by output: ``mix[0] * wide + mix[1] * deep`` (mix: [2, outputs])."""

    def __init__(self, folder: Path, mix: Sequence[Sequence[float]], batch_tokens: int = 4096) -> None:
        """``batch_tokens``: padded tokens that a run may hold at most; bounds memory and changes no result."""
        self.wide = WideModel.load(folder / "wide.npz")
        self.mix = np.array(mix, dtype=np.float64)
        self.batch_tokens = batch_tokens
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own that it does not export
            raise ModelError(f"{folder / 'model.onnx'} cannot be run ({type(error).__name__}); make it anew") from error
        if self.mix.shape != (2, self.wide.outputs):
            raise ModelError(f"{folder / 'bundle.json'}: mix is not 2 x {self.wide.outputs}; retrain it (make models)")

    @property
    def outputs(self) -> int:
        return self.wide.outputs

    def logits(self, texts: Sequence[str], languages: Sequence[str]) -> Floats:
        """Logits [texts, outputs] of normalised ``texts``."""
        return np.asarray(self.wide.logits(texts, languages) * self.mix[0] + self.deep(texts) * self.mix[1])

    def deep(self, texts: Sequence[str]) -> Floats:
        """The encoder's logits alone. What of a long text is read the tokenizer's truncation says (first tokens)."""
        tokens = [self._tokenizer.encode(text).ids for text in texts]  # encode_batch would start threads of its own
        buckets: dict[int, list[int]] = {}
        for row, ids in enumerate(tokens):
            buckets.setdefault(-(-len(ids) // BUCKET) * BUCKET, []).append(row)
        result = np.zeros((len(texts), self.outputs))
        for length, rows in buckets.items():
            size = max(1, self.batch_tokens // length)
            for at in range(0, len(rows), size):
                part = rows[at : at + size]
                result[part] = self._run([tokens[row] for row in part], length)
        return result

    def _run(self, tokens: list[list[int]], length: int) -> Floats:
        ids = np.full((len(tokens), length), PAD, dtype=np.int64)
        mask = np.zeros((len(tokens), length), dtype=np.int64)
        for row, encoding in enumerate(tokens):
            ids[row, : len(encoding)] = encoding
            mask[row, : len(encoding)] = 1
        (logits,) = self._session.run(["logits"], {"ids": ids, "mask": mask})
        return np.asarray(logits, dtype=np.float64)
