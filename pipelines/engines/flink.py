"""The Flink engine: a job as a Table program. Must run in a process that may start a JVM (`pipelines.jobs.program`).

Where the splits come from decides the shape of the program:

    file       manifests (splits as lines, written by the client) -> RunSplits
    generate   datagen sequence of part numbers, at the feed's rate -> RunGenerated
               (without end: ticks -> Number, keyed state)
    dir        ticks -> Enumerate (keyed state: files seen)         -> RunSplits
    kafka      Flink's own connector, raw bytes                     -> RunRecords

In each a single Python operator runs the whole chain, so a post crosses the border between Java and Python once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyflink.common import Configuration, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.state import ValueStateDescriptor
from pyflink.table import DataTypes, StreamTableEnvironment, TableResult
from pyflink.table.udf import udf

from pipelines.engines.flink_udfs import RunGenerated, RunRecords, RunSplits
from pipelines.engines.job import Job
from pipelines.engines.splits import LINES, encode, splits_of
from pipelines.feeds import folder
from pipelines.feeds.uri import FileSource, FolderSource, GenerateSource, KafkaSource, Source

SCANS_PER_SECOND = 2
"""How often a dir:// source looks for new files."""
MANIFESTS_PER_SLOT = 4
"""A file's splits are dealt to Flink in this many consecutive runs a slot: enough to keep slots evenly busy at the
end, few enough that a gzip reader seldom has to skip."""


@dataclass(frozen=True)
class Options:
    """How a job runs on Flink; every value can be set with `--set`."""

    run_folder: Path
    """Belongs to this run: manifests, counts of the workers, checkpoints."""
    parallelism: int
    batch: int = 1024
    """Most posts a model sees and an insert holds at once: Kafka records, or as many whole splits as are not more."""
    bundle_ms: int = 500
    """Longest wait for a batch to fill: what a post waits at low rates."""
    checkpoint_s: float = 5.0
    restore_from: str | None = None
    rest: str | None = None
    """The cluster's REST endpoint, where a worker can ask for a stop; None where somebody watches."""
    jars: tuple[Path, ...] = ()
    configuration: dict[str, str] = field(default_factory=dict)
    """Flink's own keys, passed on as they are."""
    kafka: dict[str, str] = field(default_factory=dict)
    """Properties of Kafka's client. Flink's plan keeps them and its REST may show them: no secret may be among them
    (`pipelines.services.kafka_access.flink` writes those to a file and gives its place)."""


def execute(job: Job, source: Source, options: Options) -> TableResult:
    """Submit the job and return at once. Raises what Flink's client raises."""
    environment = StreamExecutionEnvironment.get_execution_environment(_configuration(job, source, options))
    if options.jars:
        # not pipeline.jars: that would drop flink-python.jar
        environment.add_jars(*(path.as_uri() for path in options.jars))
    tables = StreamTableEnvironment.create(environment)
    function, query = _plan(job, source, options, tables)
    tables.create_temporary_function("run_chain", udf(function, result_type=DataTypes.BIGINT(), func_type="pandas"))
    tables.execute_sql("CREATE TEMPORARY TABLE done (n BIGINT) WITH ('connector' = 'blackhole')")
    return tables.execute_sql(f"INSERT INTO done {query}")


def _configuration(job: Job, source: Source, options: Options) -> Configuration:
    elements = _elements_a_batch(source, options.batch)
    values = {
        "pipeline.name": job.name,
        "parallelism.default": str(options.parallelism),
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        # gathered until the batch is full or bundle_ms has passed
        "python.fn-execution.arrow.batch.size": str(elements),
        "python.fn-execution.bundle.size": str(elements),
        "python.fn-execution.bundle.time": str(options.bundle_ms),
        "execution.checkpointing.interval": f"{round(options.checkpoint_s * 1000)}ms",
        "execution.checkpointing.dir": (options.run_folder / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (options.run_folder / "savepoints").as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.timeout": "10min",
        # a full disk must not stop the rows: a restart then goes back further, and rows are written over themselves
        "execution.checkpointing.tolerable-failed-checkpoints": "1000000",
        # a damaged one must not be the end: `resume` then takes the one before
        "execution.checkpointing.num-retained": "3",
        # a store that is down must not fail the job for good: restart for ever, ever more slowly
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1s",
        "restart-strategy.exponential-delay.max-backoff": "30s",
        "table.local-time-zone": "UTC",
        "taskmanager.numberOfTaskSlots": str(options.parallelism),
    }
    if options.restore_from:
        values["execution.state-recovery.path"] = options.restore_from
    configuration = Configuration()
    for key, value in (values | options.configuration).items():
        configuration.set_string(key, value)
    return configuration


def _elements_a_batch(source: Source, batch: int) -> int:
    """Kafka records, or splits, that go to the chain together. A feed at a rate has parts as large as it wants them,
    and none waits for the next."""
    if isinstance(source, KafkaSource):
        return batch
    if isinstance(source, GenerateSource) and (source.rate is not None or source.posts is None):
        return 1
    return max(1, batch // LINES)


def _plan(job: Job, source: Source, options: Options, tables: Any) -> tuple[Any, str]:
    """Create the source table; return the UDF's object and the SELECT that feeds it."""
    run, rest = str(options.run_folder), options.rest
    if isinstance(source, FileSource):
        manifests = write_manifests(source, options.run_folder / "splits", options.parallelism * MANIFESTS_PER_SLOT)
        _create(tables, "split STRING", connector="filesystem", path=manifests.as_uri(), format="raw")
        return RunSplits(job, run, rest), "SELECT run_chain(split) FROM feed"
    if isinstance(source, GenerateSource):
        return RunGenerated(job, run, rest, source.uri, source.posts, _generated(tables, source)), (
            "SELECT run_chain(part) FROM feed"
        )
    if isinstance(source, FolderSource):
        _enumerated(tables, source)
        return RunSplits(job, run, rest), "SELECT run_chain(split) FROM feed"
    _kafka(tables, source, options.kafka)
    return RunRecords(job, run, rest), (
        "SELECT run_chain(topic, kafka_partition, kafka_offset, kafka_time, message) FROM feed"
    )


def _create(tables: Any, columns: str, **options: str) -> None:
    given = ", ".join(f"'{key}' = '{_quoted(value)}'" for key, value in options.items())
    tables.execute_sql(f"CREATE TEMPORARY TABLE feed ({columns}) WITH ({given})")


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def write_manifests(source: FileSource, folder_of_run: Path, count: int) -> Path:
    """Write the splits of a file as at most `count` files of consecutive lines; return their folder.

    A run that is resumed finds its manifests and keeps them: Flink's state points into them.
    """
    if folder_of_run.exists():
        return folder_of_run
    splits = list(splits_of(source))
    aside = folder_of_run.with_name(folder_of_run.name + ".tmp")
    aside.mkdir(parents=True, exist_ok=True)
    size = max(1, -(-len(splits) // count))
    for number, first in enumerate(range(0, max(1, len(splits)), size)):
        lines = splits[first : first + size]
        (aside / f"{number:06d}").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    aside.replace(folder_of_run)
    return folder_of_run


def _generated(tables: Any, source: GenerateSource) -> int:
    """Create the table of part numbers; return the posts in a part."""
    size = LINES
    rate: dict[str, str] = {}
    if source.rate is not None:
        # 2 to 5 parts a second, whichever comes nearest to the rate in whole posts; an insert costs the store tens of
        # ms however small it is, and what is small is merged again and again
        parts = min(range(5, 1, -1), key=lambda n: abs(max(1, round(source.rate / n)) * n - source.rate))
        size = max(1, round(source.rate / parts))
        rate = {"rows-per-second": str(max(1, round(source.rate / size)))}
    else:
        rate = {"rows-per-second": "1000000"}
    if source.posts is None:
        _ticks(tables, float(rate["rows-per-second"]) if source.rate else 100)
        _from_ticks(tables, Number(), Types.LONG(), "number parts", "part")
        return size
    # datagen holds the whole sequence in memory, so this is for bounded feeds: 2 million parts for a thousand million
    end = max(0, -(-source.posts // size) - 1)
    sequence = {"fields.part.kind": "sequence", "fields.part.start": "0", "fields.part.end": str(end)}
    _create(tables, "part BIGINT", connector="datagen", **rate, **sequence)
    return size


class Number(KeyedProcessFunction):  # type: ignore[misc]
    """Ticks -> 0, 1, 2, ... The next number is Flink state."""

    def open(self, runtime_context: RuntimeContext) -> None:
        self._next = runtime_context.get_state(ValueStateDescriptor("next", Types.LONG()))

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[int]:
        number = self._next.value() or 0
        self._next.update(number + 1)
        yield number


class Enumerate(KeyedProcessFunction):  # type: ignore[misc]
    """Ticks -> splits of the files that are new. The files seen are Flink state, so a restart reads none twice."""

    def __init__(self, source: FolderSource) -> None:
        self._source = source

    def open(self, runtime_context: RuntimeContext) -> None:
        self._seen = runtime_context.get_state(ValueStateDescriptor("seen", Types.PICKLED_BYTE_ARRAY()))

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        seen = self._seen.value() or {}
        splits, state = folder.scan(self._source.path, seen, source=self._source.name, lines_per_split=LINES)
        if state != seen:
            self._seen.update(state)
        for split in splits:
            yield encode(split)


def _enumerated(tables: Any, source: FolderSource) -> None:
    _ticks(tables, SCANS_PER_SECOND)
    _from_ticks(tables, Enumerate(source), Types.STRING(), "enumerate files", "split")


def _ticks(tables: Any, per_second: float) -> None:
    tables.execute_sql(
        "CREATE TEMPORARY TABLE ticks (tick INT) WITH ('connector' = 'datagen', "
        f"'rows-per-second' = '{round(per_second)}', 'fields.tick.kind' = 'random')"
    )


def _from_ticks(tables: Any, function: KeyedProcessFunction, result: Any, name: str, column: str) -> None:
    """Make the table `feed` of what `function` yields for each tick; its state is that of a single key."""
    found = (
        tables.to_data_stream(tables.from_path("ticks"))
        .key_by(lambda row: 0, key_type=Types.INT())
        .process(function, output_type=result)
        .uid(name)
        .name(name)
        .force_non_parallel()
        .rebalance()
    )
    tables.create_temporary_view("feed", tables.from_data_stream(found).alias(column))


_START = {"earliest": "earliest-offset", "latest": "latest-offset", "committed": "group-offsets"}


def _kafka(tables: Any, source: KafkaSource, access: Mapping[str, str]) -> None:
    options = {f"properties.{key}": value for key, value in access.items()} | {
        "connector": "kafka",
        "topic": source.topic,
        "properties.bootstrap.servers": source.brokers,
        "properties.group.id": source.group,
        # committed offsets, or the beginning where none are committed
        "properties.auto.offset.reset": "earliest",
        "format": "raw",
    }
    if isinstance(source.start, int):
        options |= {"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": str(source.start)}
    else:
        options["scan.startup.mode"] = _START[source.start]
    if source.end == "latest":
        options["scan.bounded.mode"] = "latest-offset"
    elif source.end is not None:
        options |= {"scan.bounded.mode": "timestamp", "scan.bounded.timestamp-millis": str(source.end)}
    _create(
        tables,
        "message BYTES, topic STRING METADATA VIRTUAL, kafka_partition INT METADATA FROM 'partition' VIRTUAL, "
        "kafka_offset BIGINT METADATA FROM 'offset' VIRTUAL, "
        "kafka_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
        **options,
    )
