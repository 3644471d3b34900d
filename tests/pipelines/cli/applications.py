"""Made-up applications for tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.applications import faces
from loadtest.applications.__main__ import main

TYPE = "temporary_road_occupation"


def made(folder: Path, count: int, seed: int) -> Path:
    """``folder`` with applications with text layers, half of them with a defect; skips where fonts are missing."""
    try:
        faces.check("tune")
    except faces.FontsMissing as missing:
        pytest.skip(str(missing))
    options = {"output": folder, "count": count, "seed": seed, "split": "tune", "types": TYPE, "kinds": "text"}
    options["defective"] = 0.5
    assert main([word for name, value in options.items() for word in (f"--{name}", str(value))]) in (0, None)
    return folder
