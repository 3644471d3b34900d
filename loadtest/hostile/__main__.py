"""Feed hostile lines and judge what comes out. Exit 0: nothing found; 1: findings.

    python -m loadtest.hostile --lines 1000000 --seed 1 --output DIR [--command score] [--processes 2]
    python -m loadtest.hostile submit --lines 5000 --home DIR --output DIR      (`submitting`: into a store)

DIR/chunks.jsonl gets a line for each finished chunk; the same call goes on after them. DIR/report.json sums up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtest.hostile import submitting
from loadtest.hostile.chunks import Task, run

CHUNK = 20_000
"""Lines between two starts of the filter: what a stop loses. Its rows and dead letters are all that is held."""


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["submit"]:
        return submitting.main(words[1:])
    parser = argparse.ArgumentParser(prog="python -m loadtest.hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="folder of the report; a second call goes on in it")
    parser.add_argument("--command", choices=("score", "mask", "both"), default="both", help="both: by turns")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=CHUNK)
    parser.add_argument("--slow-s", type=float, default=1.0, help="CPU seconds a line may take")
    given = parser.parse_args(words)
    given.output.mkdir(parents=True, exist_ok=True)
    tasks = [
        Task(
            command=("score", "mask")[number % 2] if given.command == "both" else given.command,
            seed=given.seed,
            chunk=number,
            lines=min(given.chunk, given.lines - number * given.chunk),
            output=given.output,
            slow_s=given.slow_s,
        )
        for number in range(-(-given.lines // given.chunk))
    ]
    log = given.output / "chunks.jsonl"
    done = {_key(chunk): chunk for chunk in map(json.loads, log.read_text().splitlines())} if log.exists() else {}
    results = [done[key] for task in tasks if (key := _key(asdict(task))) in done]
    left = [task for task in tasks if _key(asdict(task)) not in done]
    began = time.monotonic()
    with ProcessPoolExecutor(given.processes) as pool, log.open("a") as file:
        for number, future in enumerate(as_completed([pool.submit(run, task) for task in left]), start=1):
            result = future.result()
            results.append(result)
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
            file.flush()
            found = sum(chunk["findings"] for chunk in results)
            minutes = (time.monotonic() - began) / 60
            print(f"{number} of {len(left)} chunks, {found} findings, {minutes:.1f} min", file=sys.stderr, flush=True)
    report = summed(results)
    (given.output / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps({name: value for name, value in report.items() if name != "first"}, ensure_ascii=False, indent=1))
    return 1 if report["findings"] else 0


def _key(chunk: dict[str, Any]) -> tuple[Any, ...]:
    return chunk["command"], chunk["seed"], chunk["chunk"], chunk["lines"]


def summed(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The report of all chunks."""
    counts = ("lines", "rows", "dead_letters", "blank", "planted", "findings", "restarts")
    report: dict[str, Any] = {name: sum(chunk[name] for chunk in chunks) for name in counts}
    report["cpu_s"] = round(sum(chunk["cpu_s"] for chunk in chunks), 1)
    report["slowest"] = sorted((one for chunk in chunks for one in chunk["slowest"]), reverse=True)[:10]
    report["largest_rss_mb"] = max((chunk["rss_mb"] for chunk in chunks), default=0)
    for name in ("kinds", "found", "reasons"):
        total: Counter[str] = Counter()
        for chunk in chunks:
            total.update(chunk[name])
        report[name] = dict(total.most_common())
    report["first"] = [one for chunk in chunks for one in chunk["first"]][:200]
    return report


if __name__ == "__main__":
    sys.exit(main())
