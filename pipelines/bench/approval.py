"""Approval against known truth: fields, decisions, wrong automatic approvals by error, time.

``FOLDER/applications`` and ``FOLDER/truth.jsonl`` come from the generator (``python -m loadtest.applications``). The
decisions are those of `yuqing approve`, kept in a file of lines, so that a long run may be stopped and go on.

What is counted: a field is right when its normalised value equals the truth (width, spaces and brackets apart; numbers
to a thousandth); a field that the documents do not show does not count. A wrong automatic approval is one of an
application that has a defect. Bounds are exact (Clopper and Pearson 1934).
"""

from __future__ import annotations

import math
import re
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pipelines.bench import machine
from pipelines.jobs.approval.approver import Approver, Decided
from pipelines.jobs.approval.cases import Cases
from pipelines.jobs.approval.files import approve_all
from pipelines.jobs.approval.folders import CHINA, form_of
from pipelines.jobs.approval.lines import Lines
from schemas.applications import APPROVE, DECISIONS
from schemas.errors import UsageError
from schemas.settings import Settings

TRUTH, APPLICATIONS = "truth.jsonl", "applications"
_BRACKETS = str.maketrans("()[]【】〔〕", "（）（）（）（）")


def truth_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Truth by application. Raises UsageError for a folder that the generator did not make."""
    path = folder / TRUTH
    try:
        rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
        return {row["id"]: row for row in rows}
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: no truth ({type(error).__name__}); make it by `python -m loadtest.applications --output DIR`"
        ) from None


class _Unstopped:
    """No breaker: what is measured is the machine alone, defects are far more frequent here than in life."""

    def automatic(self) -> bool:
        return True

    def observe(self, decided: Decided) -> None:
        pass


def measure(
    folder: Path, settings: Settings, secret: bytes, part: tuple[int, int], reports: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    """Decide on every application of ``folder`` that is not decided yet, then count over all that is.

    ``part``: (k, n), the k-th of n parts, so that n processes may share a folder; each has a file of its own,
    ``decisions-K-N.jsonl``. Raises UsageError as `truth_of` and `approve` do.
    """
    truth = truth_of(folder)
    k, n = part
    began = time.monotonic()
    output = folder / f"decisions-{k}-{n}.jsonl"
    cases = Cases(folder / "reports") if reports else None
    decided = 0

    def done(one: Decided) -> None:
        nonlocal decided
        decided += 1
        if decided % 50 == 0:
            say(f"{decided} decided, {decided / (time.monotonic() - began):.2f} a second")

    with Lines(output) as lines, Approver(settings, secret) as approver:
        folders = sorted(path for path in (folder / APPLICATIONS).iterdir() if path.is_dir())
        found = [(path, form_of(path)) for path in folders]
        approve_all(
            found, lines, cases, approver, _Unstopped(), datetime.now(CHINA).date(),
            only={form.id for _, form in found[k - 1 :: n]}, done=done,
        )  # fmt: skip
    wall = time.monotonic() - began
    rows = [row for path in sorted(folder.glob("decisions-*.jsonl")) for row in Lines(path).rows()]
    figures = report(truth, rows)
    return figures | {
        "run": {
            "decided": decided,
            "seconds": round(wall, 1),
            "part": f"{k}/{n}",
            "readers": settings.approval.readers,
        },
        "machine": machine.description(),
    }


def report(truth: Mapping[str, dict[str, Any]], lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of the decisions ``lines`` on applications whose truth is known; others are counted as unknown."""
    kinds: dict[str, _Kind] = defaultdict(_Kind)
    types: dict[str, _Kind] = defaultdict(_Kind)
    defects: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: list[dict[str, Any]] = []
    unknown = 0
    for line in lines:
        fact = truth.get(line["application_id"])
        if fact is None:
            unknown += 1
            continue
        for counted in (kinds[fact["kind"]], types[fact["type"]]):
            counted.add(fact, line)
        for defect in fact["defects"]:
            rule = defect["rule"]
            defects[rule]["applications"] += 1
            defects[rule]["right"] += line["decision"] == fact["expected"]
            defects[rule]["named"] += _names(line, rule)
            defects[rule]["approved"] += line["decision"] == APPROVE
        if line["decision"] == APPROVE and fact["expected"] != APPROVE:
            rules = sorted({defect["rule"] for defect in fact["defects"]})
            wrong.append({"application": fact["id"], "kind": fact["kind"], "defects": rules})
    everything = _Kind.sum(kinds.values())
    return {
        "applications": everything.applications,
        "unknown": unknown,
        "kinds": {name: kind.figures() for name, kind in sorted(kinds.items())},
        "types": {name: kind.figures() for name, kind in sorted(types.items())},
        "approvals": {
            "automatic": everything.decisions[APPROVE],
            "by_kind": {name: kind.decisions[APPROVE] for name, kind in sorted(kinds.items())},
            "wrong": len(wrong),
            "wrong_share": len(wrong) / max(everything.decisions[APPROVE], 1),
            "wrong_upper_95": upper(len(wrong), everything.decisions[APPROVE]),
            "of_those_to_approve": everything.right_approvals / max(everything.to_approve, 1),
            "which": wrong[:50],
        },
        "decisions": {f"{expected}->{given}": n for (expected, given), n in sorted(everything.confusion.items())},
        "defects": {rule: dict(counts) for rule, counts in sorted(defects.items())},
        "fields": {
            name: {"n": n, "right": right, "share": right / n} for name, (n, right) in sorted(everything.fields.items())
        },
        "seconds": everything.figures()["seconds"],
    }


class _Kind:
    """Counts of one kind or type."""

    def __init__(self) -> None:
        self.applications = self.right_decisions = self.to_approve = self.right_approvals = 0
        self.decisions: Counter[str] = Counter(dict.fromkeys(DECISIONS, 0))
        self.confusion: Counter[tuple[str, str]] = Counter()
        self.fields: dict[str, tuple[int, int]] = {}
        self.cells = self.cells_right = self.rows = self.rows_right = self.pages = self.pages_right = 0
        self.seconds: list[float] = []

    def add(self, fact: Mapping[str, Any], line: Mapping[str, Any]) -> None:
        self.applications += 1
        self.decisions[line["decision"]] += 1
        self.confusion[fact["expected"], line["decision"]] += 1
        self.right_decisions += fact["expected"] == line["decision"]
        if fact["expected"] == APPROVE:
            self.to_approve += 1
            self.right_approvals += line["decision"] == APPROVE
        self.seconds.append(line["seconds"])
        for name, value in fact.get("fields", {}).items():
            found = (line["fields"].get(name) or {}).get("value")
            n, right = self.fields.get(name, (0, 0))
            self.fields[name] = (n + 1, right + same(value, found))
        self._documents(fact.get("documents", {}), line.get("documents", []))
        for name, rows in fact.get("tables", {}).items():
            self._table(rows, (line["fields"].get(name) or {}).get("value") or [])

    def _documents(self, truth: Mapping[str, list[str]], found: list[Mapping[str, Any]]) -> None:
        """Pages whose documents are the true ones; `a+b` are two papers on a page, a blank page belongs to none."""
        for file, pages in truth.items():
            for number, there in enumerate(pages, 1):
                read = {one["document"] for one in found if one["file"] == file and number in one["pages"]}
                if there != "blank":
                    self.pages += 1
                    self.pages_right += read == set(there.split("+"))

    def _table(self, rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
        columns = sorted({column for row in rows for column in row})
        for column in columns:
            there, got = _values(rows, column), _values(found, column)
            self.cells += max(sum(there.values()), sum(got.values()))
            self.cells_right += sum((there & got).values())
        whole = Counter(tuple(plain(row.get(column)) for column in columns) for row in rows)
        read = Counter(tuple(plain(row.get(column)) for column in columns) for row in found)
        self.rows += max(len(rows), len(found))
        self.rows_right += sum((whole & read).values())

    @classmethod
    def sum(cls, parts: Iterable[_Kind]) -> _Kind:
        total = cls()
        for part in parts:
            for name in ("applications", "right_decisions", "to_approve", "right_approvals"):
                setattr(total, name, getattr(total, name) + getattr(part, name))
            for name in ("cells", "cells_right", "rows", "rows_right", "pages", "pages_right"):
                setattr(total, name, getattr(total, name) + getattr(part, name))
            total.decisions.update(part.decisions)
            total.confusion.update(part.confusion)
            total.seconds += part.seconds
            for name, (n, right) in part.fields.items():
                before = total.fields.get(name, (0, 0))
                total.fields[name] = (before[0] + n, before[1] + right)
        return total

    def figures(self) -> dict[str, Any]:
        n, right = (sum(column) for column in zip(*self.fields.values(), strict=True)) if self.fields else (0, 0)
        return {
            "applications": self.applications,
            "fields": n,
            "field_accuracy": right / n if n else math.nan,
            "table_cells": self.cells,
            "cell_accuracy": self.cells_right / self.cells if self.cells else math.nan,
            "table_rows": self.rows,
            "row_accuracy": self.rows_right / self.rows if self.rows else math.nan,
            "pages": self.pages,
            "document_accuracy": self.pages_right / self.pages if self.pages else math.nan,
            "decisions_right": self.right_decisions / max(self.applications, 1),
            "approved_of_those_to_approve": self.right_approvals / max(self.to_approve, 1),
            "seconds": {
                "p50": round(float(np.percentile(self.seconds, 50)), 3) if self.seconds else math.nan,
                "p95": round(float(np.percentile(self.seconds, 95)), 3) if self.seconds else math.nan,
                "max": round(max(self.seconds, default=math.nan), 3),
            },
        }


def _names(line: Mapping[str, Any], rule: str) -> bool:
    """Whether the decision names the defect: its check did not pass, or a reason speaks of it."""
    return any(check["rule"] == rule and check["passed"] is not True for check in line["checks"])


def _values(rows: list[dict[str, Any]], column: str) -> Counter[str]:
    return Counter(plain(row[column]) for row in rows if row.get(column) is not None)


def same(truth: object, found: object) -> bool:
    """Whether a found value is the true one."""
    return plain(truth) == plain(found)


def plain(value: object) -> str:
    """A value without what does not matter."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, int | float):
        return f"{value:.3f}"
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(value))).casefold().translate(_BRACKETS)
    return f"{float(text):.3f}" if re.fullmatch(r"-?\d{1,12}(\.\d+)?", text) and len(text) < 12 else text


def upper(wrong: int, of: int, confidence: float = 0.95) -> float:
    """Upper bound of a share, one-sided, exact (Clopper and Pearson): 0 of 3,000 is at most 0.1 %."""
    from scipy.stats import beta

    if of == 0:
        return 1.0
    return 1.0 if wrong >= of else float(beta.ppf(confidence, wrong + 1, of - wrong))


def show(figures: Mapping[str, Any]) -> None:
    """The figures as tables."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # a pipe has no width: a row stays a line there
    console = Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False)
    heads = (
        "kind",
        "n",
        "fields",
        "right",
        "cells",
        "right",
        "rows",
        "pages",
        "decision",
        "approved",
        "p50 s",
        "p95 s",
    )
    table = Table(*heads, box=SIMPLE_HEAD, pad_edge=False)
    for name, kind in (*figures["kinds"].items(), *figures["types"].items()):
        shares = ("row_accuracy", "document_accuracy", "decisions_right", "approved_of_those_to_approve")
        table.add_row(
            name, str(kind["applications"]), str(kind["fields"]), f"{kind['field_accuracy']:.2%}",
            str(kind["table_cells"]), f"{kind['cell_accuracy']:.2%}", *(f"{kind[share]:.2%}" for share in shares),
            f"{kind['seconds']['p50']:.2f}", f"{kind['seconds']['p95']:.2f}",
        )  # fmt: skip
    console.print(table)
    approvals = figures["approvals"]
    console.print(
        f"automatic approvals {approvals['automatic']} "
        f"({', '.join(f'{kind} {n}' for kind, n in approvals['by_kind'].items())}), wrong {approvals['wrong']} "
        f"({approvals['wrong_share']:.3%}, at most {approvals['wrong_upper_95']:.3%} with 95 % confidence), "
        f"{approvals['of_those_to_approve']:.1%} of what is to be approved"
    )
    for one in approvals["which"]:
        console.print(f"  wrong: {one['application']} ({one['kind']}): {', '.join(one['defects'])}")
    table = Table("defect", "n", "decision right", "named", "approved", box=SIMPLE_HEAD, pad_edge=False)
    for rule, counts in figures["defects"].items():
        table.add_row(rule, *(str(counts[name]) for name in ("applications", "right", "named", "approved")))
    console.print(table)
    table = Table("field", "n", "right", box=SIMPLE_HEAD, pad_edge=False)
    for name, counts in sorted(figures["fields"].items(), key=lambda pair: pair[1]["share"]):
        if counts["share"] < 1:
            table.add_row(name, str(counts["n"]), f"{counts['share']:.2%}")
    console.print(table)
