"""One chunk of hostile lines through one filter: fed, timed, checked. A filter that dies or hangs is started again."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from loadtest.hostile.checking import Finding, leaks, step_findings
from loadtest.hostile.feeding import Died, Filter, Hung
from loadtest.hostile.lines import Line, lines

STEP = 128
"""Lines between two measurements of time; a step that takes longer than a line may is fed again line by line."""
FIRST = 50
"""Findings of a chunk that are told one by one; all are counted."""


@dataclass(frozen=True)
class Task:
    command: str
    seed: int
    chunk: int
    lines: int
    output: Path
    slow_s: float


@dataclass
class _Tally:
    findings: list[Finding] = field(default_factory=list)
    slow: list[tuple[float, str, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0
    rss: int = 0


def run(task: Task) -> dict[str, Any]:
    """Feed and check a chunk; what is left of it is this summary. `kinds` counts lines, `found` findings."""
    tally = _Tally()
    numbered = enumerate(lines(task.lines, task.seed, task.chunk))
    more = True
    while more:
        more = _session(task, numbered, tally)
        tally.counts["restarts"] += more
    found = Counter(f"{finding.kind}: {_shape(finding.what)}" for finding in tally.findings)
    return {
        "command": task.command,
        "seed": task.seed,
        "chunk": task.chunk,
        "lines": task.lines,
        **{name: tally.counts[name] for name in ("rows", "dead_letters", "blank", "planted", "restarts")},
        "findings": len(tally.findings),
        "cpu_s": round(tally.cpu_s, 2),
        "rss_mb": tally.rss >> 20,
        "slowest": sorted(tally.slow, reverse=True)[:5],
        "kinds": dict(tally.kinds),
        "reasons": dict(tally.reasons),
        "found": dict(found),
        "first": [
            [task.command, task.seed, task.chunk, finding.line, finding.kind, finding.what]
            for finding in tally.findings[:FIRST]
        ],
    }


Fed = tuple[int, list[tuple[int, Line]], list[dict[str, Any]]]
"""Number of the step's first line as the filter counts, its lines with their numbers in the chunk, its rows."""


def _session(task: Task, numbered: Iterator[tuple[int, Line]], tally: _Tally) -> bool:
    """One life of a filter. Whether lines are left, because it died or hung over them: those of its step are told."""
    name = f"{task.command}-{task.seed}-{task.chunk}"
    dead_file, log = task.output / f"{name}.dead.jsonl", task.output / f"{name}.log"
    fed: list[Fed] = []
    broken = ""
    with Filter(task.command, task.output / "home", dead_file, log) as running:
        running.feed([b""])
        while step := list(islice(numbered, STEP)):
            first = running.lines
            try:
                rows, cpu = running.feed([line.raw for _, line in step])
            except (Hung, Died) as error:
                broken = f"{type(error).__name__}: {error}"
                tally.findings += [Finding(step[0][0], "step", f"{broken} (in {STEP} lines from here)")]
                break
            tally.cpu_s += cpu
            fed.append((first, step, rows))
            if cpu > task.slow_s:
                tally.findings += _slow(task, step, running, tally)
        tally.rss = max(tally.rss, running.memory() if not broken else 0)
        if not broken and (code := running.finish()):
            tally.findings.append(Finding(task.lines, "end", f"exit code {code}"))
    _check(fed, dead_file, log, tally, whole=not broken)
    dead_file.unlink(missing_ok=True)
    if not tally.findings:
        log.unlink()
    return bool(broken)


def _slow(task: Task, step: Sequence[tuple[int, Line]], running: Filter, tally: _Tally) -> list[Finding]:
    """The lines to blame for a slow step: each is fed alone."""
    found = []
    for number, line in step:
        _, cpu = running.feed([line.raw])
        if cpu > task.slow_s / 10:
            tally.slow.append((round(cpu, 2), line.kind, number))
        if cpu > task.slow_s:
            found.append(Finding(number, line.kind, f"one line takes {cpu:.1f} s"))
    return found


def _check(fed: Sequence[Fed], dead_file: Path, log: Path, tally: _Tally, whole: bool) -> None:
    """Compare. Of a filter that was killed the dead letters may not be written: rows are looked at, no more."""
    said = dead_file.read_bytes() if dead_file.exists() else b""
    letters = [json.loads(line) for line in said.splitlines()] if whole else []
    by_line = {letter["line"] - 1: letter for letter in letters}
    planted = []
    for first, step, rows in fed:
        dead = {number: by_line[first + at] for at, (number, _) in enumerate(step) if first + at in by_line}
        tally.reasons.update(_shape(f"{letter['step']}: {letter['reason']}") for letter in dead.values())
        tally.counts["rows"] += len(rows)
        tally.counts["dead_letters"] += len(dead)
        tally.counts["blank"] += sum(line.expected.blank for _, line in step)
        tally.kinds.update(_family(line.kind) for _, line in step)
        if whole:
            tally.findings += step_findings(step, rows, dead)
        planted += [one for _, line in step for one in line.planted]
    tally.counts["planted"] += len(planted)
    for where, content in (("dead letters", said), ("log", log.read_bytes())):
        for kind, count in leaks(content, planted).items():
            tally.findings.append(Finding(0, where, f"{count} times {kind} stands there"))


def _shape(words: str) -> str:
    """Words without their numbers, for counting."""
    return re.sub(r"[0-9]+", "N", words)


def _family(kind: str) -> str:
    return kind if kind == "post" else "case" if "_" in kind else "mutated"
