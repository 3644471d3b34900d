"""What a run is: schedule, feed, way in and job, from a YAML file and options over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from loadtest.load import schedule
from loadtest.load.schedule import Burst, Schedule
from schemas.errors import UsageError

KEYS = ("none", "one", "id", "author", "region", "platform")
"""What a Kafka record's key is: none (dealt evenly), one (all to one partition), or a field of the post."""
WAYS = ("kafka", "dir")


@dataclass(frozen=True)
class Plan:
    """One run. Plain values."""

    rows: tuple[dict[str, Any], ...]
    """The schedule as `schedule.read` takes it."""
    bursts: tuple[Burst, ...] = ()
    warm_up_s: float = 0.0
    """At the first rate, before the schedule; offered and counted, but in no percentile."""
    source: str = "generate:?"
    """What `yuqing feed` gets; posts and seed are added to a generated one."""
    seed: int = 0
    """Of the generated feed; 0: from the run's name, so that no two runs have the same posts."""
    way: str = "kafka"
    partitions: int = 4
    key: str = "none"
    file_s: float = 0.5
    """dir: seconds of posts in one file."""
    parallelism: int | None = None
    settings: tuple[str, ...] = ()
    """`--set` of the job."""
    late_s: float = 1.0
    """More than 1% of posts sent later than this after they were due: the run's figures do not hold."""
    settle_s: float = 120.0
    """How long to wait, after the last post, while nothing new is stored."""

    schedule: Schedule = field(init=False)

    def __post_init__(self) -> None:
        whole = schedule.read([dict(row) for row in self.rows], "schedule").with_bursts(self.bursts)
        object.__setattr__(self, "schedule", whole.after(self.warm_up_s))
        for name, known in (("way", WAYS), ("key", KEYS)):
            if getattr(self, name) not in known:
                raise UsageError(f"{name}: {getattr(self, name)!r} is none of {', '.join(known)}")
        for name in ("warm_up_s", "settle_s", "late_s", "file_s", "partitions"):
            if not getattr(self, name) >= 0 or (name in ("file_s", "partitions", "late_s") and not getattr(self, name)):
                raise UsageError(f"{name}: {getattr(self, name)!r} is too small")

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        values = asdict(self)
        del values["schedule"]
        return values | {"posts": self.schedule.posts, "seconds": self.schedule.seconds}


_NAMES = {one.name for one in fields(Plan) if one.init} - {"rows"} | {"schedule"}


def read(file: Path | None, options: Mapping[str, Any]) -> Plan:
    """The plan of `file` (YAML; keys as in Plan, `schedule` for the rows) with `options` that are not None over it.

    `options` may have `rate` and `seconds` in place of a schedule. Raises UsageError that names the key.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}; name a plan that is there") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: not YAML: {str(error).splitlines()[0]}") from None
        if not isinstance(values, dict):
            raise UsageError(f"{file}: must hold keys and values; known are {', '.join(sorted(_NAMES))}")
        if unknown := set(values) - _NAMES:
            raise UsageError(f"{file}: unknown key {min(unknown)!r}; known are {', '.join(sorted(_NAMES))}")
    given = {name: value for name, value in options.items() if value is not None}
    rate, seconds = given.pop("rate", None), given.pop("seconds", None)
    values |= given
    rows = values.pop("schedule", None)
    if rate is not None or seconds is not None:
        if rate is None or seconds is None:
            raise UsageError("--rate and --seconds belong together: give both, or a plan with a schedule")
        rows = [{"constant": rate, "seconds": seconds}]
    if rows is None:
        raise UsageError("no schedule: give --rate and --seconds, or a plan with `schedule`")
    bursts = values.pop("bursts", ()) or ()
    try:
        read_bursts = tuple(Burst.read(one) if isinstance(one, str) else Burst(**one) for one in bursts)
        settings = tuple(str(one) for one in values.pop("settings", ()) or ())
        return Plan(rows=tuple(rows), bursts=read_bursts, settings=settings, **values)
    except TypeError as error:
        raise UsageError(f"{file or 'options'}: {error}") from None


def constant(plan: Plan, rate: float, seconds: float) -> Plan:
    """The same at a constant rate without bursts."""
    return replace(plan, rows=({"constant": rate, "seconds": seconds},), bursts=())
