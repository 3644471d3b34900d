"""What a model is to the step `classify`, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row a text, in the order given."""

    logits: Floats
    """[texts, outputs]: every output of the bundle's heads, in the order of its heads, before calibration."""
    embedding: Floats | None
    """[texts, dimensions], rows of length one; None when the model gives none."""


class Model(Protocol):
    """Encodes normalised texts; the row of a text must depend on that text and its language only."""

    def encode(self, texts: list[str], languages: list[str]) -> Encoded: ...
