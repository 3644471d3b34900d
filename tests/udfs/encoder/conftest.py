"""A small bundle made on the spot: random weights, real files, so that tests of the format need no shipped model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from udfs.encoder.bundle import LABELS, MULTI_LABEL, OPTIONAL, Bundle, write_bundle

OUTPUTS = sum(map(len, LABELS.values()))


def _description(hints: bool, **changes: Any) -> dict[str, Any]:
    heads = {}
    for name, labels in (LABELS | (OPTIONAL if hints else {})).items():
        many = name in MULTI_LABEL
        each = len(labels) if many else 1
        heads[name] = {
            "labels": labels,
            "slope": [1.0] * each,
            "offset": [0.0] * each,
            "threshold": [0.5] * each if many else [],
            "abstain": [0.2, 0.4],
        }
    return {"name": "tiny", "version": "0.1.0", "kind": "wide", "heads": heads, **changes}


def _tiny_bundle(
    folder: Path, seed: int = 1, bits: int = 10, outputs: int | None = None, hints: bool = False, **changes: Any
) -> Bundle:
    outputs = outputs or OUTPUTS + (sum(map(len, OPTIONAL.values())) if hints else 0)
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / "wide.npz",
        weights=draw.integers(-127, 128, (1 << bits, outputs)).astype(np.int8),
        scale=np.full(outputs, 0.05, np.float32),
        bias=draw.normal(size=(2, outputs)).astype(np.float32),
        idf=draw.integers(20, 200, 1 << bits).astype(np.uint8),
        fingerprint=draw.integers(1, 1 << 16, 1 << bits).astype(np.uint16),
    )
    (folder / "CARD.md").write_text("A card.\n", encoding="utf-8")
    return write_bundle(folder, _description(hints, **changes))


@pytest.fixture(scope="session")
def tiny_bundle() -> Callable[..., Bundle]:
    """tiny_bundle(folder, seed=, bits=, outputs=, hints=, **changes of the description) -> Bundle.

    ``hints``: with the optional heads."""
    return _tiny_bundle
