"""What `bench accuracy` prints for people: a head's figures, classes, confusion, calibration, wrong answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Report = dict[str, Any]
_HEADLINES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "macro_recall": "macro-recall",
    "recall": "recall",
    "precision": "precision",
    "specificity": "specificity",
    "false_per_10000": "false calls in 10,000",
    "ece": "calibration error (ECE)",
}


def show(report: Report, file: Any = None) -> None:
    """Print ``report`` of `accuracy.measure` to ``file`` (stdout)."""
    out = file or sys.stdout
    # a pipe has no width: a row stays a line there
    console = Console(file=out, width=None if out.isatty() else 1_000, markup=False, highlight=False, emoji=False)
    languages = ", ".join(f"{name} {count:,}" for name, count in report["languages"].items())
    how = "masked first" if report["masked"] else "texts as given"
    console.print(f"{report['data']}: {report['rows']:,} rows ({languages}), {how}; model {report['model']}")
    for head in report["unjudged"]:
        console.print(f"{head}: rows are labelled, but this model has no such head")
    for head, found in report["heads"].items():
        console.print()
        console.print(Text(_title(head, found), style="bold"))
        for title, table in _tables(head, found):
            if title:
                console.print(Text(title, style="italic"))
            console.print(table)


def _title(head: str, found: Report) -> str:
    notes = [f"{found['rows']:,} rows"]
    if "calls" in found:
        notes.append(f"{found['calls']:,} of them ask for help")
    if found.get("two_way"):
        notes.append("labelled in two ways: neutral answers folded by emotion, so not calibrated")
    return f"{head}: {'; '.join(notes)}"


def _tables(head: str, found: Report) -> Iterator[tuple[str, Table]]:
    """Titles, which no table's width breaks, and tables."""
    yield "", _table(("figure", "value", "95% interval"), _headlines(found))
    if "classes" in found:
        rows = [
            (row["label"], *(f"{row[name]:.3f}" for name in ("precision", "recall", "f1")), f"{row['support']:,}")
            for row in found["classes"]
        ]
        yield "per class", _table(("class", "precision", "recall", "F1", "support"), rows)
    if "confusion" in found:
        labels, counts = found["confusion"]["labels"], found["confusion"]["counts"]
        rows = [(label, *(f"{count:,}" for count in row)) for label, row in zip(labels, counts, strict=True)]
        yield "confusion: a row is the truth, a column the answer", _table((f"{head} is", *labels), rows)
    if "reliability" in found:
        rows = [
            (
                f"{row['from']:.2f}-{row['to']:.2f}",
                f"{row['confidence']:.3f}",
                f"{row['accuracy']:.3f}",
                f"{row['posts']:,}",
            )
            for row in found["reliability"]
        ]
        name = "calibration: how sure answers are, how many are right (15 bins, empty ones left out)"
        yield name, _table(("bin", "confidence", "accuracy", "posts"), rows)
    if "errors" in found:
        rows = [
            (str(row["line"]), _label(row["truth"]), _label(row["answer"]), _score(row["score"]), _plain(row["text"]))
            for row in found["errors"]
        ]
        # the text stands last and folds; figures do not
        yield "wrong answers, the surest first", _table(("line", "truth", "answer", "score", "masked text"), rows, 3)


def _headlines(found: Report) -> list[tuple[str, str, str]]:
    rows = []
    for name, shown in _HEADLINES.items():
        value = found.get(name)
        if value is None:
            continue
        if name == "false_per_10000":
            low, high = (1e4 * (1 - found["specificity"][end]) for end in ("high", "low"))
            rows.append((shown, f"{value:,.1f}", f"{low:,.1f} - {high:,.1f}"))
        elif isinstance(value, dict):
            rows.append((shown, f"{value['value']:.3f}", f"{value['low']:.3f} - {value['high']:.3f}"))
        else:
            rows.append((shown, f"{value:.3f}", ""))
    return rows


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], figures: int | None = None) -> Table:
    """A table whose columns are figures after the first; with ``figures``, only that one is."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(names):
        right = at == figures if figures is not None else at > 0
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "masked text", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _label(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _plain(text: str) -> str:
    """One line without control characters: a post must not steer a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
