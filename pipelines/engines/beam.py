"""The Beam engine: bounded sources in batches. Splits are elements; a worker reads one and runs the chain over it.

Delivery: Beam retries a bundle as a whole; sinks are idempotent, so a retried split changes nothing in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from governance.breaker import CircuitBreaker
from pipelines.engines.chain import Chain
from pipelines.engines.job import Job
from pipelines.engines.splits import SplitReader, splits_of, unreadable
from pipelines.feeds.lines import SourceError
from pipelines.feeds.uri import FileSource, GenerateSource


class RunSplit(beam.DoFn):  # type: ignore[misc]  # the base has no types
    """Split (text) -> number of posts that came through."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._posts = Metrics.counter("yuqing", "posts")
        self._stored = Metrics.counter("yuqing", "stored")
        self._dead = Metrics.counter("yuqing", "dead_letters")

    def setup(self) -> None:
        self._chain = Chain(self._job.steps, self._job.dead_letters, CircuitBreaker())
        self._chain.open()
        self._reader = SplitReader()

    def process(self, split: str) -> Iterator[int]:
        try:
            batch = self._reader.read(split)
        except SourceError as error:
            self._job.dead_letters.write(unreadable(split, error))
            self._dead.inc()
            return
        stored = self._chain.run(batch).num_rows
        self._posts.inc(batch.num_rows)
        self._stored.inc(stored)
        self._dead.inc(batch.num_rows - stored)
        yield stored

    def teardown(self) -> None:
        self._reader.close()
        self._chain.close()


def run(job: Job, source: FileSource | GenerateSource, arguments: Sequence[str] = ()) -> dict[str, int]:
    """Run a bounded source to its end on the runner that `arguments` name (DirectRunner without any).

    Returns posts, stored and dead_letters as the workers counted them. Raises what a worker raised.
    """
    pipeline = beam.Pipeline(options=PipelineOptions([*arguments]))
    _ = (
        pipeline
        | "splits" >> beam.Create(list(splits_of(source)), reshuffle=True)
        | job.name >> beam.ParDo(RunSplit(job))
    )
    result = pipeline.run()
    result.wait_until_finish()
    counted = result.metrics().query(MetricsFilter().with_namespace("yuqing"))["counters"]
    return {"posts": 0, "stored": 0, "dead_letters": 0} | {c.key.metric.name: c.committed for c in counted}
