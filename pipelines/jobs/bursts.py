"""The follower ``bursts``: counts calls a series and minute, and raises an alert where there are far more than usual,
or none where there should be some in an emergency. The method is in ``udfs.bursts`` and docs/bursts.md.

Its clock is the time at which the store got a post, so that history that is read again teaches the baseline as it did
the first time; once it has caught up that is the wall clock. Posts of a replay (generation > 0) are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from pipelines.store import bursts as store
from pipelines.store.alerts import copy_group
from pipelines.store.bursts import Alert, Evidence
from pipelines.store.sinks import now_ms
from udfs.bursts.detector import FRESH, Detector, Found
from udfs.bursts.keys import MINUTE_MS, RULE, Series, sightings
from udfs.places.gazetteer import Gazetteer

LAG_MS = 60_000
"""Caught up: the newest post taken was stored less than this ago, or nothing was taken for as long."""


def critical_rules(folders: Sequence[Path] = ()) -> frozenset[str]:
    """Ids of the keyword rules that may raise an alert alone, of ``folders`` or the shipped ones."""
    from udfs.keywords.rules import check_rules, read_files
    from udfs.keywords.step import shipped_rules

    rules = check_rules(read_files(list(folders) or [shipped_rules()]))
    return frozenset(rule.id for rule in rules.rules if rule.critical)


class Bursts:
    """A follower (``pipelines.jobs.following``). ``rules``: folders of keyword rules, the shipped ones by default."""

    name = "bursts"
    reads = (
        *("created_at", "keywords", "needs", "hazards", "adcodes", "state", "priority"),
        *("phone_tokens", "author_token", "text"),
    )

    def __init__(self, rules: Sequence[Path] = (), clock: Callable[[], int] = now_ms) -> None:
        self._rules, self._clock = rules, clock

    def open(self, client: Client, state: bytes | None) -> None:
        """Begin from a snapshot, or anew; a snapshot of an older version begins anew too. Raises ValueError."""
        self._client = client
        self._critical = critical_rules(self._rules)
        self._detector = Detector(self._critical)
        self._alerts: dict[Series, str] = {}
        self._now = self._taken_at = 0
        if state is None:
            return
        held = msgspec.msgpack.decode(state, strict=False)
        if self._detector.restore(held["detector"]):
            self._alerts = {Series(*series): alert for series, alert in held["alerts"]}
            self._now = held["now"]

    def take(self, posts: pa.RecordBatch) -> None:
        """Count ``posts``, and write what they raise; returns after the acknowledgement."""
        posts = posts.filter(pc.equal(posts.column("generation"), 0))
        for part in _by_stored_minute(posts):
            self._now = max(self._now, part.column("stored_at")[-1].as_py())
            minute = self._now // MINUTE_MS
            created = [None if ms is None else ms // MINUTE_MS for ms in part.column("created_at").to_pylist()]
            self._detector.count(part.column("post_id").to_pylist(), created, minute)
            for sighting in sightings(part, copy_group, self._critical):
                self._detector.take(sighting, minute)
            self._write(self._detector.tick(minute))
        self._taken_at = self._clock()

    def tick(self, now_ms: int) -> None:
        """Close minutes, look for silences. Nothing while it reads what was stored long ago: that has its own clock."""
        if now_ms - self._now > LAG_MS and now_ms - self._taken_at <= LAG_MS:
            return
        self._now = max(self._now, now_ms)
        self._write(self._detector.tick(self._now // MINUTE_MS))

    def finish(self) -> None:
        """Nothing waits longer than a tick."""

    def state(self) -> bytes:
        """Counts, hashes of what was seen, ids of the evidence; no text."""
        alerts = [[list(series), alert] for series, alert in self._alerts.items()]
        return msgspec.msgpack.encode({"detector": self._detector.state(), "alerts": alerts, "now": self._now})

    def _write(self, found: Iterable[Found]) -> None:
        for one in found:
            store.insert(self._client, self._rows(one), self._clock())

    def _rows(self, found: Found) -> list[tuple[Alert, Evidence]]:
        rule, place = rule_name(found), found.series.place
        start, until = found.start * MINUTE_MS, (found.until + 1) * MINUTE_MS - 1
        if found.first or found.series not in self._alerts:
            self._alerts[found.series] = store.same_alert(self._client, rule, place, start, until)
            self._alerts = dict(list(self._alerts.items())[-10_000:])
        alert = Alert(
            alert_id=self._alerts[found.series],
            rule=rule,
            priority=found.priority,
            place=place_name(place),
            adcode=place,
            reasons=reasons(found) if found.first else (),
            notify=self._clock() - until <= FRESH * MINUTE_MS,
        )
        if found.kind == "silence":
            return [(alert, Evidence("", "", self._now << 16, start, (), ""))]
        return [(alert, post) for post in store.evidence(self._client, found.posts)]


def _by_stored_minute(posts: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    minutes = [stored // MINUTE_MS for stored in posts.column("stored_at").to_pylist()]
    first = 0
    for n in range(1, len(minutes) + 1):
        if n == len(minutes) or minutes[n] != minutes[first]:
            yield posts.slice(first, n - first)
            first = n


def rule_name(found: Found) -> str:
    """burst:calls, burst:RULE, burst:need:NEED, burst:topic:ID, or silence."""
    if found.kind == "silence":
        return "silence"
    kind, name, _ = found.series
    return f"burst:{name}" if kind == RULE else f"burst:{kind}:{name}" if name else f"burst:{kind}"


def reasons(found: Found) -> tuple[str, ...]:
    """Numbers that a person can check; never text of a post."""
    minutes = found.until - found.start + 1
    if found.kind == "silence":
        return (f"{found.observed} posts in {minutes} min", f"expected {found.expected:.1f}", "emergency in the city")
    told = (f"{found.series.kind} {found.series.name}".strip(), f"observed {found.observed} in {minutes} min")
    return (*told, f"expected {found.expected:.1f}", *((f"copies {found.copies}",) if found.copies else ()))


def place_name(adcode: str) -> str:
    """Full path of a county or city; "" for the whole feed or a code that the gazetteer does not have."""
    division = Gazetteer.load().divisions.get(adcode) if adcode else None
    return division.path if division else ""
