"""`bench throughput`: the whole opinion job on Flink against the same chain in a plain loop on the same cores.

* end to end: Flink, store and all steps; posts / (last row stored - first record read), so without the start-up of a
  JVM and of workers, which is given beside it;
* inline: the very same chain, sinks and all, in as many processes as Flink has workers;
* cost per step: seconds inside each step / records, as the Flink workers counted them;
* latency: from the reader handing a record on to its row's `stored_at`, in bulk and at a steady rate.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.bench.machine import PeakMemory, description
from pipelines.engines.splits import SplitReader, splits_of
from pipelines.feeds.uri import FileSource, GenerateSource, parse
from pipelines.jobs import registry
from pipelines.jobs.run import Spec, new_run, remembered
from pipelines.jobs.site import Site
from pipelines.store import query
from schemas import settings as site_settings

MILLION_AN_HOUR = 1_000_000 / 3600
"""Posts a second that the mission asks for: 278."""


def run(home: Path, source: str, parallelism: int, rate: float, seconds: int, start: Any, say: Any) -> dict[str, Any]:
    """Measure and return the report. `start(spec)` runs a spec; `rate` 0 leaves the steady run out."""
    feed = parse(source)
    if not isinstance(feed, FileSource | GenerateSource):
        raise TypeError(f"bench throughput takes a file or a generated feed, not {source}")
    report: dict[str, Any] = {"machine": description(), "source": feed.uri, "parallelism": parallelism}
    say("inline: the same chain in a loop")
    report["inline"] = _inline(home, list(splits_of(feed)), parallelism)
    say("end to end: Flink")
    with PeakMemory(home) as memory:
        report["end_to_end"] = end_to_end(home, feed.uri, parallelism, start)
    report["ratio"] = report["end_to_end"]["posts_per_s"] / report["inline"]["posts_per_s"]
    report["peak_memory_mib"] = {"all": memory.mib} | memory.by_process
    if rate:
        say(f"steady: {rate:.0f} posts/s for {seconds} s")
        steady = parse(f"generate:?posts={round(rate * seconds)}&rate={rate:g}&seed=7")
        report["steady"] = end_to_end(home, steady.uri, parallelism, start) | {"rate": rate}
    return report


def end_to_end(home: Path, source: str, parallelism: int, start: Any) -> dict[str, Any]:
    began_ms = time.time_ns() // 1_000_000
    spec = Spec(job="opinion", source=source, home=str(home), run=new_run("bench"), parallelism=parallelism)
    began = time.monotonic()
    counts = start(spec)
    whole = time.monotonic() - began
    found = query.measured(Site(home, site_settings.load()).store, began_ms)
    span = max(0.001, (found["last_stored_at"] - found["first_ingested_at"]) / 1000)
    costs = {name: 1e6 * seconds / rows for name, (rows, seconds) in counts["costs"].items() if rows}
    return {
        "posts": found["posts"],
        "dead_letters": counts["dead_letters"],
        "posts_per_s": found["posts"] / span,
        "seconds": span,
        "seconds_with_start_up": whole,
        "latency_s": {name: value / 1000 for name, value in found["latency_ms"].items()},
        "cost_per_step_us": costs,
        "audit_share": costs["record"] / sum(costs.values()),
        "model_results_remembered": remembered(counts["counted"]),
    }


def _inline(home: Path, splits: Sequence[str], processes: int) -> dict[str, Any]:
    """The chain in `processes` loops; time counts from when all have loaded their models."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Barrier(processes + 1), context.Barrier(processes + 1)
    done: Any = context.Queue()
    workers = [
        context.Process(target=_loop, args=(home, splits[at::processes], ready, go, done)) for at in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait(timeout=300)
    began = time.monotonic()
    go.wait(timeout=60)
    ended = [done.get(timeout=3600) for _ in workers]
    posts, cpu, texts, saved = (sum(column) for column in zip(*ended, strict=True))
    seconds = time.monotonic() - began
    for worker in workers:
        worker.join()
    return {
        "posts": posts,
        "posts_per_s": posts / seconds,
        "posts_per_cpu_s": posts / cpu,
        "processes": processes,
        "model_results_remembered": saved / texts if texts else None,
    }


def _loop(home: Path, splits: Sequence[str], ready: Any, go: Any, done: Any) -> None:
    site = replace(Site(home, site_settings.load()), generation=0)
    reader = SplitReader()
    posts = 0
    with registry.build("opinion", site).opened(breaker=False) as chain:
        ready.wait(timeout=300)
        go.wait(timeout=60)
        cpu = time.process_time()
        for split in splits:
            batch = reader.read(split)
            chain.run(batch)
            posts += batch.num_rows
        cpu = time.process_time() - cpu
        seen = chain.counted()["classify"]
    done.put((posts, cpu, seen["texts"], seen["remembered"] + seen["folded"]))
