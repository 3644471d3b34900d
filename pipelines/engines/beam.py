"""The Beam engine: bounded sources in batches. Splits are elements; a worker reads one and runs the chain over it.

Delivery: Beam retries a bundle as a whole; sinks are idempotent, so a retried split changes nothing in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from governance.breaker import CircuitBreaker
from pipelines.engines.chain import Chain
from pipelines.engines.job import Job
from pipelines.engines.splits import SplitReader, splits_of, unreadable
from pipelines.feeds.lines import SourceError
from pipelines.feeds.uri import FileSource, GenerateSource


class RunSplit(beam.DoFn):  # type: ignore[misc]
    """Split (text) -> number of posts that came through."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._chain = Chain(self._job.steps, self._job.dead_letters, CircuitBreaker())
        self._chain.open()
        self._reader = SplitReader()

    def process(self, split: str) -> Iterator[int]:
        try:
            batch = self._reader.read(split)
        except SourceError as error:
            self._job.dead_letters.write(unreadable(split, error))
        else:
            yield self._chain.run(batch).num_rows

    def teardown(self) -> None:
        self._reader.close()
        self._chain.close()


def run(job: Job, source: FileSource | GenerateSource, arguments: Sequence[str] = ()) -> Any:
    """Run a bounded source to its end on the runner that `arguments` name (DirectRunner without any)."""
    options = PipelineOptions([*arguments], pipeline_type_check=True)
    pipeline = beam.Pipeline(options=options)
    _ = (
        pipeline
        | "splits" >> beam.Create(list(splits_of(source)), reshuffle=True)
        | job.name >> beam.ParDo(RunSplit(job))
    )
    result = pipeline.run()
    result.wait_until_finish()
    return result
