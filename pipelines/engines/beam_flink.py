"""A Beam runner for the Flink cluster that PyFlink jobs use; docs/beam.md says why it is not Beam's own FlinkRunner.

    pipeline -> cut (here) -> elements as files, the stage as bytes -> a PyFlink job whose operator runs the stage

Delivery: an element is a bundle. A worker or TaskManager that dies costs a restart from the last checkpoint: elements
since then are done again, none is lost, and counters count each element once. The run's folder is read and written by
the workers, so they must all see it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import structlog
from apache_beam.metrics.execution import MetricKey, MetricResult
from apache_beam.metrics.metric import MetricResults
from apache_beam.metrics.metricbase import MetricName
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners import runner
from apache_beam.transforms import environments

from pipelines.engines.beam_run_folder import CONFIGURATION, JOB_ID, STAGE, read_counted, write_elements
from pipelines.engines.beam_stage import cut
from pipelines.services import flink_rest
from pipelines.services.flink import environment
from pipelines.services.flink_configuration import flink_home
from schemas.errors import ServiceError, UsageError

FILES_PER_SLOT = 32
"""Elements are dealt out in this many files a slot, so that slots end together though elements differ in length."""
log = structlog.get_logger()
_PROGRAM = Path(__file__).with_name("beam_flink_program.py")


@dataclass(frozen=True)
class FlinkTarget:
    """Where and how: ``address`` is ``flink://host:port`` of REST, ``folder`` a new folder of this run."""

    name: str
    address: str
    home: Path
    folder: Path
    parallelism: int
    configuration: dict[str, str] = field(default_factory=dict)
    """Flink's own keys, passed on as they are."""

    @property
    def rest(self) -> str:
        host, colon, port = self.address.removeprefix("flink://").rpartition(":")
        if not colon or not host or not port.isdigit():
            raise UsageError(f"runner {self.address!r}: write flink://host:port of the REST endpoint")
        return f"http://{host}:{port}"


class FlinkRunner(runner.PipelineRunner):  # type: ignore[misc]  # the base has no types
    """``Pipeline(runner=FlinkRunner(target))``. For pipelines of the one shape that ``beam_stage`` describes."""

    def __init__(self, target: FlinkTarget) -> None:
        self._target = target

    def default_environment(self, options: PipelineOptions) -> environments.Environment:
        return environments.EmbeddedPythonEnvironment.default()

    def run_portable_pipeline(
        self, pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> FlinkPipelineResult:
        """Submit and return. Raises ServiceError when no cluster answers or it refuses, JobError for another shape."""
        target = self._target
        if not flink_rest.answers(target.rest):
            raise ServiceError(f"no Flink cluster answers at {target.rest}; `yuqing up --flink` starts one here")
        parts = cut(pipeline)
        _write(target, parts.descriptor)
        write_elements(target.folder, parts.elements, min(len(parts.elements), target.parallelism * FILES_PER_SLOT))
        job_id = _submit(target)
        log.info("submitted", job=target.name, job_id=job_id, elements=len(parts.elements))
        return FlinkPipelineResult(target, job_id, len(parts.elements))


class FlinkPipelineResult(runner.PipelineResult):  # type: ignore[misc]  # the base has no types
    """The job of a pipeline. ``metrics`` has user counters once it is done."""

    def __init__(self, target: FlinkTarget, job_id: str, elements: int) -> None:
        super().__init__(runner.PipelineState.RUNNING)
        self.job_id = job_id
        self._target, self._elements = target, elements

    def wait_until_finish(self, duration: int | None = None) -> str:
        """Return once the job is done. ``duration``: at most so many ms, then ServiceError; the job goes on.

        Raises ServiceError with the last line of what a worker raised when Flink gave up, or when an element has no
        result. Ctrl-C cancels the job.
        """
        timeout = duration / 1000 if duration else 10.0**9
        try:
            state = flink_rest.wait_for(self._target.rest, self.job_id, timeout=timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise
        if state != "FINISHED":
            self._state = runner.PipelineState.FAILED
            causes = flink_rest.exceptions(self._target.rest, self.job_id, 1)
            raise ServiceError(f"job {self.job_id} is {state}{': ' + causes[0] if causes else ''}")
        absent = self._elements - len(self._counted())
        if absent:
            raise ServiceError(
                f"job {self.job_id} is {state}, but {absent} of {self._elements} elements left no trace in "
                f"{self._target.folder}: do all workers see that folder?"
            )
        self._state = runner.PipelineState.DONE
        return str(self._state)

    def cancel(self) -> None:
        flink_rest.request_cancel(self._target.rest, self.job_id)
        self._state = runner.PipelineState.CANCELLED

    def metrics(self) -> MetricResults:
        total: Counter[tuple[str, str, str]] = Counter()
        for counted in self._counted().values():
            for step, namespace, name, value in counted:
                total[step, namespace, name] += value
        return _Counters(total)

    def _counted(self) -> dict[int, Any]:
        return read_counted(self._target.folder)


class _Counters(MetricResults):  # type: ignore[misc]  # the base has no types
    def __init__(self, counters: Counter[tuple[str, str, str]]) -> None:
        self._counters = [
            MetricResult(MetricKey(step, MetricName(namespace, name)), value, value)
            for (step, namespace, name), value in counters.items()
        ]

    def query(self, filter: Any = None) -> dict[str, list[MetricResult]]:
        counters = [one for one in self._counters if self.matches(filter, one.key)]
        return {self.COUNTERS: counters, self.DISTRIBUTIONS: [], self.GAUGES: [], self.STRINGSETS: []}


def _write(target: FlinkTarget, descriptor: bytes) -> None:
    target.folder.mkdir(parents=True, mode=0o700)
    values = {
        "pipeline.name": target.name,
        "parallelism.default": str(target.parallelism),
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        # one element is one bundle, done before the next is taken
        "python.fn-execution.arrow.batch.size": "1",
        "python.fn-execution.bundle.size": "1",
        "execution.checkpointing.interval": "5s",
        "execution.checkpointing.timeout": "10min",
        "execution.checkpointing.dir": (target.folder / "checkpoints").as_uri(),
        # a worker that dies now and then is no reason to give up; an error that comes back each time is
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.max-failures-per-interval": "6",
        "restart-strategy.failure-rate.failure-rate-interval": "10min",
        "restart-strategy.failure-rate.delay": "5s",
    }
    (target.folder / CONFIGURATION).write_bytes(msgspec.json.encode(values | target.configuration))
    (target.folder / STAGE).write_bytes(descriptor)


def _submit(target: FlinkTarget) -> str:
    """Run the program under Flink's own client; return the job's id."""
    address = target.rest.removeprefix("http://")
    flink = str(flink_home() / "bin" / "flink")
    python = ("-pyexec", sys.executable, "-pyclientexec", sys.executable)
    done = subprocess.run(  # noqa: S603 - our own command line
        [flink, "run", "-d", "-m", address, *python, "-py", str(_PROGRAM), str(target.folder)],
        env=os.environ | environment(target.home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    noted = target.folder / JOB_ID
    if done.returncode or not noted.exists():
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith("Caused by: ")]
        raise ServiceError(f"Flink refused {target.name}: {(causes or lines or ['no reason given'])[-1][:300]}")
    return noted.read_text()
