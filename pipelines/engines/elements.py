"""Work on single elements (texts such as paths), as a Beam pipeline: on Beam's DirectRunner or on a Flink cluster.

    counted = run_elements("approval", folders, work, runner="direct", parallelism=2, home=home)
    counted = run_elements("approval", folders, work, runner="flink://127.0.0.1:8081", parallelism=2, home=home)

    elements -> Create -> Reshuffle -> ParDo(Do(work))

``work`` writes its results itself before ``process`` returns, under keys made of the element: on Flink an element whose
worker died is done again, and nothing is lost. On the DirectRunner nothing is done again; call it again for what is
left.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner

from pipelines.engines.work import ELEMENTS, Work
from schemas.errors import ServiceError, UsageError

DIRECT, FLINK = "direct", "flink://"
_NAMESPACE = "yuqing.elements"


class Do(beam.DoFn):  # type: ignore[misc]  # the base has no types
    """Element -> outcome, counted."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def setup(self) -> None:
        self._work.open()

    def process(self, element: str) -> Iterator[str]:
        outcome = self._work.process(element)
        Metrics.counter(_NAMESPACE, ELEMENTS).inc()
        Metrics.counter(_NAMESPACE, f"outcome:{outcome}").inc()
        yield outcome

    def teardown(self) -> None:
        self._work.close()


def run_elements(
    name: str,
    elements: Sequence[str],
    work: Work,
    *,
    runner: str = DIRECT,
    parallelism: int = 1,
    home: Path,
) -> dict[str, int]:
    """Do ``work`` on every element and return how many had which outcome, with their number as ``elements``.

    ``runner``: ``direct`` or ``flink://host:port`` of a cluster's REST endpoint. ``parallelism`` is the number of
    processes that work at once. Raises what ``work`` raised (direct) or ServiceError with its last line (Flink), and
    UsageError for another runner. On Flink, HOME/runs must be a folder that every worker sees.
    """
    if parallelism < 1:
        raise UsageError(f"parallelism {parallelism}: at least 1")
    if not elements:
        return {ELEMENTS: 0}
    if runner == DIRECT:
        return dict(_direct(name, elements, work, min(parallelism, len(elements))))
    if runner.startswith(FLINK):
        from pipelines.engines.beam_flink import FlinkRunner, FlinkTarget

        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        target = FlinkTarget(name, runner, Path(home), Path(home) / "runs" / f"{name}-{stamp}", parallelism)
        return dict(_run(name, elements, work, FlinkRunner(target)))
    raise UsageError(f"runner {runner!r}: write direct, or flink://host:port of the REST endpoint")


def _direct(name: str, elements: Sequence[str], work: Work, processes: int) -> Counter[str]:
    """One DirectRunner a process, each on its share: Beam's own ``multi_processing`` listens unprotected on every
    interface (gRPC on ``[::]``), and what it listens for is unpickled."""
    if processes == 1:
        return _run(name, elements, work, None)
    shares = [elements[number::processes] for number in range(processes)]
    try:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            running = [pool.submit(_run, name, share, work, None) for share in shares]
            return sum((one.result() for one in running), Counter())
    except BrokenProcessPool:
        raise ServiceError(f"a process of {name} died (killed, out of memory): start it again for the rest") from None


def _run(name: str, elements: Sequence[str], work: Work, runner: PipelineRunner | None) -> Counter[str]:
    options = ["--runner=DirectRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
    pipeline = beam.Pipeline(runner=runner, options=PipelineOptions([*options, f"--job_name={name}"]))
    dealt = pipeline | "elements" >> beam.Create(list(elements), reshuffle=False) | "deal" >> beam.Reshuffle()
    _ = dealt | name >> beam.ParDo(Do(work))
    result = pipeline.run()
    result.wait_until_finish()
    counted = result.metrics().query(MetricsFilter().with_namespace(_NAMESPACE))["counters"]
    return Counter({one.key.metric.name.removeprefix("outcome:"): one.committed for one in counted})
