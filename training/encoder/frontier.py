"""The table that the README shows: accuracy against speed of the shipped bundles, from their own figures.

python -m training.encoder.frontier
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from udfs.encoder.bundle import BUNDLES, DEFAULT

ROWS = (
    ("emotion, everyday Weibo", "macro_f1", "emotion macro-F1, everyday Weibo (2,798)"),
    ("emotion, epidemic Weibo", "macro_f1", "emotion macro-F1, epidemic Weibo (911)"),
    ("sentiment, three-way Weibo", "macro_f1", "three-way sentiment, macro-F1 (3,482)"),
    ("sentiment, two-way Weibo", "accuracy", "two-way sentiment, accuracy (1,056)"),
    ("sentiment, English tweets", "macro_recall", "English sentiment, macro-recall (4,994)"),
    ("help, hand-written", "recall", "calls for help, hand-written: recall (91 of 228)"),
    ("help, hand-written", "precision", "the same: precision"),
    ("help, everyday Weibo", "false_per_10000", "false calls in 10,000 everyday posts (7,246)"),
)
"""Test set and figure in bundle.json, and how the row is called."""


def _shown(figure: str, value: float) -> str:
    if figure == "false_per_10000":
        return f"{value:.1f}"
    return f"{value:.3f}".removeprefix("0")


def table(folder: Path = BUNDLES) -> str:
    """Markdown; a column a bundle of ``folder``, slowest first."""
    found: list[dict[str, Any]] = [json.loads(file.read_text("utf-8")) for file in folder.glob("*/bundle.json")]
    found.sort(key=lambda meta: meta["speed"]["posts_per_cpu_second"])
    names = [f"`{m['name']}@{m['version']}`" + (" (default)" if m["name"] == DEFAULT else "") for m in found]
    sizes = [sum(file.stat().st_size for file in (folder / m["name"]).iterdir()) / 1e6 for m in found]
    processor = found[0]["speed"]["processor"]
    lines = [
        ["", *names],
        ["---"] * (len(found) + 1),
        [f"posts of 39 characters per CPU-second ({processor})"]
        + [f"{m['speed']['posts_per_cpu_second']:,}" for m in found],
    ]
    lines += [[name, *(_shown(key, m["measured"][of][key]) for m in found)] for of, key, name in ROWS]
    lines.append(["size, MB", *(f"{size:.0f}" for size in sizes)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines).replace("|  |", "| |")


if __name__ == "__main__":
    print(table())
