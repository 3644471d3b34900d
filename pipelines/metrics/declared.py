"""Every metric of the services, declared once. Names follow Prometheus' conventions (unit last, counters ``_total``).

Counting costs a dictionary look-up until ``endpoint.serve`` has opened the metrics of a service in this process: the
same code runs in commands and in Flink's workers, where nobody reads them (what workers count Flink has).

**Labels are closed.** A label's values are declared, and any other value is counted as ``other``: so no place, keyword,
id or word of a post can become one, and the number of series has a bound that stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

NOTIFIER, WATCH = "notifier", "watch"
BOTH = (NOTIFIER, WATCH)
OTHER = "other"

JOBS = ("opinion",)
STATES = ("running", "restarting", "finished", "failed", "cancelled", "stopped", "unknown")
CHANNELS = ("webhook", "file", "apprise")
FOLLOWERS = ("episodes", "bursts")
PRIORITIES = ("1", "2", "3", "4")
LANES = ("burst",)

ALL: dict[str, Declared] = {}
"""By name, in the order of declaration."""


class Declared:
    """One metric. ``services``: on whose endpoints it stands; ``labels``: name -> values that it may have."""

    kind: ClassVar[str]

    def __init__(self, name: str, help: str, services: Sequence[str], **labels: Sequence[str]) -> None:
        if name in ALL:
            raise ValueError(f"metric {name} is declared twice")
        self.name, self.help, self.services, self.labels = name, help, tuple(services), labels
        self._live: Any = None
        ALL[name] = self

    def open(self, registry: Any) -> None:
        """Begin to count, at 0 for every value that is declared: a series that appears late hides its first event."""
        self._live = self._make(registry)
        for values in self.combinations():
            self._live.labels(**values)

    def close(self) -> None:
        self._live = None

    @property
    def counts(self) -> bool:
        """Whether this process serves it. For what costs something to find out."""
        return self._live is not None

    def combinations(self) -> Iterator[dict[str, str]]:
        """Every set of label values; none for a metric without labels."""
        found: list[dict[str, str]] = [{}]
        for label, values in self.labels.items():
            found = [{**one, label: value} for one in found for value in values]
        yield from (found if self.labels else ())

    def _make(self, registry: Any) -> Any:
        raise NotImplementedError

    def _at(self, labels: Mapping[str, object]) -> Any:
        if self._live is None or not self.labels:
            return self._live
        texts = {label: str(labels[label]) for label in self.labels}
        return self._live.labels(**{k: v if v in self.labels[k] else OTHER for k, v in texts.items()})


class Counter(Declared):
    """Only grows, from the start of the process."""

    kind = "counter"

    def add(self, amount: float = 1, **labels: object) -> None:
        if (live := self._at(labels)) is not None:
            live.inc(amount)

    def _make(self, registry: Any) -> Any:
        from prometheus_client import Counter as Live

        return Live(self.name, self.help, tuple(self.labels), registry=registry)


class Gauge(Declared):
    """What is, at the last look."""

    kind = "gauge"

    def set(self, value: float, **labels: object) -> None:
        if (live := self._at(labels)) is not None:
            live.set(value)

    def _make(self, registry: Any) -> Any:
        from prometheus_client import Gauge as Live

        return Live(self.name, self.help, tuple(self.labels), registry=registry)


class Histogram(Declared):
    """Seconds; ``buckets`` are upper bounds."""

    kind = "histogram"

    def __init__(
        self, name: str, help: str, services: Sequence[str], buckets: Sequence[float], **labels: Sequence[str]
    ) -> None:
        super().__init__(name, help, services, **labels)
        self.buckets = tuple(buckets)

    def observe(self, seconds: float, **labels: object) -> None:
        if (live := self._at(labels)) is not None:
            live.observe(seconds)

    def _make(self, registry: Any) -> Any:
        from prometheus_client import Histogram as Live

        return Live(self.name, self.help, tuple(self.labels), buckets=self.buckets, registry=registry)


class OfProcess(Declared):
    """What the kernel says of the process; ``endpoint`` adds prometheus-client's own collector for all of them."""

    kind = "process"

    def open(self, registry: Any) -> None:
        """Nothing to make."""


# alerts on their way to people
ALERTS_DELIVERED = Counter(
    "yuqing_alerts_delivered_total", "Alerts that a channel accepted.", (NOTIFIER,), channel=CHANNELS
)
DELIVERIES_FAILED = Counter(
    "yuqing_alert_deliveries_failed_total",
    "Alerts in requests that a channel refused or did not answer; each is tried again.",
    (NOTIFIER,),
    channel=CHANNELS,
)
DELIVERY_SECONDS = Histogram(
    "yuqing_alert_delivery_seconds",
    "From the first post of an alert in the store to its acceptance; quiet hours and outages count.",
    (NOTIFIER,),
    (0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 3_600),
    channel=CHANNELS,
)
ALERTS_WAITING = Gauge(
    "yuqing_alerts_waiting",
    "Alerts that were due at the last look and are not delivered (down, quiet hours, limit).",
    (NOTIFIER,),
    channel=CHANNELS,
)

# followers of the store
POSTS_TAKEN = Counter(
    "yuqing_follower_posts_total", "Posts taken; posts since the last snapshot count again.", (WATCH,),
    follower=FOLLOWERS,
)  # fmt: skip
FOLLOWER_LAG = Gauge(
    "yuqing_follower_lag_seconds", "Age in the store of the last post taken; 0 when nothing is left to take.", (WATCH,)
)
TICKS = Counter("yuqing_follower_ticks_total", "Rounds of a clock that goes once a second.", (WATCH,))
FOLLOWER_FAILURES = Counter(
    "yuqing_follower_failures_total", "Errors of a follower itself, not of the store.", (WATCH,), follower=FOLLOWERS
)
POSTS_LEFT_OUT = Counter(
    "yuqing_follower_posts_left_out_total", "Posts at which a follower fails alone.", (WATCH,), follower=FOLLOWERS
)
FOLLOWER_STARTS = Counter(
    "yuqing_follower_starts_total", "Starts from the snapshot: the first, and after each error.", (WATCH,)
)
SNAPSHOT_AT = Gauge(
    "yuqing_follower_snapshot_timestamp_seconds", "When the last snapshot was written; 0 before the first.", (WATCH,)
)
OPEN_EPISODES = Gauge(
    "yuqing_open_episodes", "Episodes in memory that no post says are closed.", (WATCH,), priority=PRIORITIES
)
ALERTS_WRITTEN = Counter(
    "yuqing_alert_hits_written_total",
    "Rows of alert_hits by lane; the lanes of the stream (rules, needs) are written by its workers, not here.",
    (WATCH,),
    lane=LANES,
)

# jobs, as table job_health has them
JOB_RUNS = Gauge("yuqing_job_runs", "Runs at the last look, by job and state.", (WATCH,), job=JOBS, state=STATES)
JOB_RESTARTS = Gauge("yuqing_job_restarts", "Restarts since the start, the most of all runs.", (WATCH,), job=JOBS)
JOB_BACK_PRESSURE = Gauge(
    "yuqing_job_back_pressure_ratio", "Share of the time that the most waiting vertex waited, 0 to 1.", (WATCH,),
    job=JOBS,
)  # fmt: skip
JOB_BUSY = Gauge(
    "yuqing_job_busy_ratio", "Share of the time that the busiest vertex worked, 0 to 1.", (WATCH,), job=JOBS
)
JOB_CHECKPOINT_AGE = Gauge(
    "yuqing_job_checkpoint_age_seconds", "Since the last completed checkpoint, the oldest of all runs.", (WATCH,),
    job=JOBS,
)  # fmt: skip
JOB_BREAKER_STOPS = Counter(
    "yuqing_job_breaker_stops_total", "Runs that the circuit breaker stopped.", (WATCH,), job=JOBS
)
JOB_LOOKS_FAILED = Counter(
    "yuqing_job_looks_failed_total", "Looks at the jobs that failed as a whole (the store is away, say).", (WATCH,)
)

# the store's client
STORE_ERRORS = Counter(
    "yuqing_store_errors_total",
    "Requests to ClickHouse that failed: unavailable may succeed later, refused was understood.",
    BOTH,
    outcome=("unavailable", "refused"),
    # those that an operator can do something about; the log has the code of every one
    code=("none", "60", "159", "202", "241", "243", "252", "394", "497", "516"),
)
STORE_AWAY = Counter("yuqing_store_reconnects_total", "Times that the service lost the store and connected anew.", BOTH)
INSERTED_ROWS = Counter("yuqing_store_insert_rows_total", "Rows in inserts that were acknowledged.", BOTH)
INSERT_SECONDS = Histogram(
    "yuqing_store_insert_seconds", "Of one acknowledged insert.", BOTH, (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
)

for _name, _help in (
    ("process_cpu_seconds_total", "CPU time, user and system."),
    ("process_resident_memory_bytes", "Resident memory."),
    ("process_virtual_memory_bytes", "Virtual memory."),
    ("process_start_time_seconds", "Start, seconds since the epoch."),
    ("process_open_fds", "Open file descriptors."),
    ("process_max_fds", "The limit of open file descriptors."),
):
    OfProcess(_name, _help, BOTH)


def of_service(service: str) -> list[Declared]:
    """The metrics on the endpoint of a service."""
    return [one for one in ALL.values() if service in one.services]


@contextmanager
def counting(service: str, registry: Any) -> Iterator[None]:
    """Count the metrics of ``service`` into a prometheus-client registry."""
    mine = of_service(service)
    for one in mine:
        one.open(registry)
    try:
        yield
    finally:
        for one in mine:
            one.close()
