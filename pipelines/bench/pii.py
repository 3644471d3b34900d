"""`bench pii`: masking on posts with gold spans, measured and shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines.bench import labelled, machine
from schemas.errors import UsageError
from udfs.pii.evaluate import evaluate
from udfs.pii.step import Mask

SECONDS = 2.0
"""CPU-seconds that either speed is measured for, at least."""


def measure(data: Path, step: Mask, *, seconds: float = SECONDS) -> dict[str, Any]:
    """Return what `udfs.pii.evaluate` says of ``step`` (opened) on ``data``, with the machine.

    ``leaking_lines`` are lines of the file. Raises UsageError, with the line, for a row without a text or with a span
    that does not lie in it; texts are never quoted.
    """
    rows = labelled.read(data)
    for number, row in rows:
        _check(f"--data {data}, line {number}", row)
    report = evaluate([row for _, row in rows], step, seconds=seconds)
    report["leaking_lines"] = [rows[at][0] for at in report.pop("leaking_posts")]
    characters = sum(len(row["text"]) for _, row in rows) / len(rows) if rows else 0.0
    return {"data": data.name, "characters_a_post": characters} | report | {"machine": machine.description()}


def _check(where: str, row: dict[str, Any]) -> None:
    text, spans = row.get("text"), row.get("pii") or []
    if not isinstance(text, str):
        raise UsageError(f'{where}: no text; write {{"text": ..., "pii": [{{"type": ..., "start": ..., "end": ...}}]}}')
    for span in spans if isinstance(spans, list) else [None]:
        held = span if isinstance(span, dict) else {}
        start, end = held.get("start"), held.get("end")
        if not (isinstance(held.get("type"), str) and isinstance(start, int) and isinstance(end, int)):
            raise UsageError(f"{where}: pii must be a list of objects with type, start and end")
        if not 0 <= start < end <= len(text):
            raise UsageError(f"{where}: span {start}-{end} does not lie in a text of {len(text)} characters")


def show(report: dict[str, Any], file: Any = None) -> None:
    """Print ``report`` of `measure` to ``file`` (stdout)."""
    out = file or sys.stdout
    # a pipe has no width: a row stays a line there
    console = Console(file=out, width=None if out.isatty() else 1_000, markup=False, highlight=False, emoji=False)
    speeds = report["posts_per_cpu_second"]
    console.print(f"{report['data']}: {report['posts']:,} posts, {report['characters_a_post']:.0f} characters a post")
    console.print(f"identifiers alone         {speeds['identifiers']:>9,.0f} posts a CPU-second")
    console.print(f"with names and addresses  {speeds['everything']:>9,.0f} posts a CPU-second")
    console.print(
        f"post-level leak rate      {report['leak_rate']:>9.4f}  "
        f"({len(report['leaking_lines']):,} of {report['posts_with_gold']:,} posts with gold spans)"
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    names = ("type", "gold", "found", "precision", "recall", "F1", "overlap P", "overlap R", "overlap F1", "covered")
    for at, name in enumerate(names):
        table.add_column(name, justify="right" if at else "left", no_wrap=True)
    for kind, scores in report["types"].items():
        figures = [scores[how][figure] for how in ("exact", "overlap") for figure in ("precision", "recall", "f1")]
        cells = [f"{figure:.3f}" for figure in (*figures, scores["covered"])]
        table.add_row(kind, f"{scores['gold']:,}", f"{scores['found']:,}", *cells)
    console.print(table)
    if report["leaking_lines"]:
        shown = ", ".join(map(str, report["leaking_lines"][:20]))
        more = len(report["leaking_lines"]) - 20
        console.print(f"lines that leak: {shown}{f' and {more:,} more (--format json lists all)' if more > 0 else ''}")
