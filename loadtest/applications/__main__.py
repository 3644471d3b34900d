"""Writes OUT/applications/ID/... and OUT/truth.jsonl, one line an application, in order."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

from loadtest.applications import faces
from loadtest.applications.folders import make
from loadtest.applications.plan import KINDS, TYPES, Options

CHUNK = 16


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.applications", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder to write into; must hold no truth.jsonl yet")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument(
        "--split", choices=sorted(faces.FACES), required=True, help="layouts and fonts; never tune on figure"
    )
    parser.add_argument("--types", default=",".join(TYPES), help="names, with commas between")
    parser.add_argument(
        "--kinds", default="text=10,clean=4,poor=4,hostile=1", help="with weights, or names alone for equal ones"
    )
    parser.add_argument("--defective", type=float, default=0.6, help="share of applications with a defect")
    parser.add_argument("--on", type=date.fromisoformat, default=date(2026, 6, 1), help="day of submission")
    parser.add_argument("--processes", type=int, default=1)
    found = parser.parse_args(argv)
    found.types = tuple(found.types.split(","))
    if unknown := set(found.types) - set(TYPES):
        parser.error(f"no such type: {', '.join(sorted(unknown))}; there are {', '.join(TYPES)}")
    weights = dict(kind.split("=") if "=" in kind else (kind, "1") for kind in found.kinds.split(","))
    if unknown := set(weights) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    found.kinds = tuple((name, float(weight)) for name, weight in weights.items())
    if (found.output / "truth.jsonl").exists():
        parser.error(f"{found.output} holds applications already: name another folder")
    return found


def main(argv: list[str] | None = None) -> int:
    found = arguments(argv)
    try:
        faces.check(found.split)
    except faces.FontsMissing as error:
        print(error, file=sys.stderr)
        return 1
    options = Options(found.seed, found.split, found.on, found.types, found.kinds, found.defective)
    found.output.mkdir(parents=True, exist_ok=True)
    with (found.output / "truth.jsonl").open("w", encoding="utf-8") as truth:
        for line in lines(options, found.count, found.output, found.processes):
            truth.write(line + "\n")
    partial_folder = found.output / ".partial"
    if partial_folder.exists():
        partial_folder.rmdir()
    return 0


def lines(options: Options, count: int, output: Path, processes: int) -> Iterator[str]:
    """Lines of truth in order; each comes after its folder is there."""
    work = partial(make, options, output=output)
    if processes == 1:
        yield from map(work, range(count))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(work, range(count), chunksize=CHUNK)


if __name__ == "__main__":
    raise SystemExit(main())
