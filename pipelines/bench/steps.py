"""`bench steps`: CPU time of each step that needs no service, over a feed, in one process.

Only process time is counted (user and system, all threads), so that what else the machine does moves the figures
little. The first batch opens files and imports, and is not counted. Batches are splits of 512 lines.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

from pipelines.bench.machine import description
from pipelines.engines.chain import Chain
from pipelines.engines.splits import LINES, SplitReader, splits_of
from pipelines.feeds.uri import FileSource, GenerateSource, parse
from pipelines.jobs.dead_letters import CountedDeadLetters
from pipelines.jobs.opinion import score
from schemas.errors import UsageError
from schemas.settings import Settings
from schemas.step import Step


class _Timed(Step):
    """A step, and the CPU seconds it has taken so far."""

    def __init__(self, step: Step) -> None:
        self.step, self.seconds = step, 0.0
        self.name, self.reads, self.writes, self.drops = step.name, step.reads, step.writes, step.drops  # type: ignore[misc]  # as the step declares them

    def open(self) -> None:
        self.step.open()

    def apply(self, batch: Any) -> Any:
        began = time.process_time()
        try:
            return self.step.apply(batch)
        finally:
            self.seconds += time.process_time() - began

    def close(self) -> None:
        self.step.close()


def run(settings: Settings, source: str, posts: int) -> dict[str, Any]:
    """Measure ``posts`` of ``source`` (file:// or generate:), in whole batches. Raises UsageError."""
    feed = parse(source)
    if not isinstance(feed, FileSource | GenerateSource):
        raise UsageError(f"bench steps takes a file or a generated feed, not {source}")
    job = score(settings, CountedDeadLetters())
    steps = [_Timed(step) for step in job.steps]
    chain, reader = Chain(steps, job.dead_letters), SplitReader()
    before = description()
    chain.open()
    counted, whole = 0, 0.0
    try:
        for number, split in enumerate(islice(splits_of(feed), -(-posts // LINES) + 1)):
            batch = reader.read(split)
            if number == 0:
                chain.run(batch)
                for step in steps:
                    step.seconds = 0.0
                continue
            began = time.process_time()
            chain.run(batch)
            whole += time.process_time() - began
            counted += batch.num_rows
    finally:
        chain.close()
        reader.close()
    if not counted:
        raise UsageError(
            f"{source} has no more than {LINES} posts: bench steps leaves the first {LINES} out, give more"
        )
    costs = {step.name: 1e6 * step.seconds / counted for step in steps}
    return {
        "machine": before,
        "source": feed.uri,
        "posts": counted,
        "cpu_us_per_post": costs | {"between steps": 1e6 * whole / counted - sum(costs.values())},
        "sum_us": 1e6 * whole / counted,
    }
