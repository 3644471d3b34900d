"""The deep model: an encoder, alone or beside the n-gram model, whatever runs it.

One class serves both backends: ONNX in int8 on the CPU (`onnx_model`) and torch on CUDA or the CPU (`torch_model`).
The wide model's logits are added to the encoder's (wide and deep: Cheng et al., 2016).

A text's row depends on that text and its language only. Bit for bit on the ONNX path, whose docstring says why; in
torch up to rounding: about 1e-6 of a logit in float32, and what docs/models.md gives for bfloat16 on CUDA.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from schemas.errors import ModelError
from udfs.encoder.batching import Floats
from udfs.encoder.model import Encoded
from udfs.encoder.wide import WideModel


class Backend(Protocol):
    """What runs the encoder: an `OnnxModel` or a `TorchModel`."""

    @property
    def outputs(self) -> int: ...

    @property
    def dimensions(self) -> int:
        """Of the embedding; 0 when there is none."""
        ...

    def run(self, texts: Sequence[str]) -> tuple[Floats, Floats | None]:
        """Logits [texts, outputs]; embedding [texts, dimensions], rows of length one or zero, or None."""
        ...


class DeepModel:
    """Encoder and, where ``mix`` is given, wide model: ``mix[0] * wide + mix[1] * encoder``, output by output.

    The wide model may have fewer outputs than the encoder; those beyond are the encoder's alone.
    """

    def __init__(self, folder: Path, backend: Backend, mix: Sequence[Sequence[float]] | None = None) -> None:
        """``mix``: [2, outputs of the wide model in ``folder``]; None: there is no wide model.

        Raises ModelError when they do not fit."""
        self.backend = backend
        self.wide: WideModel | None = None
        self.mix = np.zeros((2, 0))
        if mix is None:
            return
        self.wide = WideModel.load(folder / "wide.npz")
        self.mix = np.array(mix, dtype=np.float64)
        if self.mix.shape != (2, self.wide.outputs):
            raise ModelError(f"{folder / 'bundle.json'}: mix is not 2 x {self.wide.outputs}; retrain it (make models)")
        if self.wide.outputs > backend.outputs:
            raise ModelError(
                f"{folder / 'wide.npz'} has {self.wide.outputs} outputs, the encoder {backend.outputs}; retrain it"
            )

    @property
    def outputs(self) -> int:
        return self.backend.outputs

    def encode(self, texts: Sequence[str], languages: Sequence[str]) -> Encoded:
        """Logits and embedding of normalised ``texts``."""
        logits, embedding = self.backend.run(texts)
        if self.wide is not None:
            shared = self.wide.outputs
            logits[:, :shared] = self.wide.logits(texts, languages) * self.mix[0] + logits[:, :shared] * self.mix[1]
        return Encoded(logits, embedding)

    def deep(self, texts: Sequence[str]) -> Floats:
        """The encoder's logits alone."""
        return self.backend.run(texts)[0]
