"""`bench bursts`: how soon a burst of calls is raised, and how often one is raised that is none.

Background: a feed scored by the job's own steps, played in its own order at so many posts an hour on average (more by
day than by night, as its own times say), over again when it ends, each time as other posts. Into it come episodes from
the grammar of the generated feed: so many calls of distinct callers from one county, spread over ``spread`` minutes.
Then only the detector is run, second by second of event time: what the stream and the store take is not in the delay.

A burst belongs to an episode when half of its evidence does. Of the others, one counts as a **false alarm** when fewer
than half of its evidence posts are calls or reports by another witness than the one that counted them:

* a burst of a need (which the model found) is checked against the keyword rules and the post itself: a critical term
  fired, or a phone number stands in it;
* a burst of a keyword rule is checked against the model: it sees a need for help or a hazard;
* a burst of calls (either of them counts there) needs both in each post.

Every alarm that is no single episode's is counted too (``alarms_an_hour``): also one for the whole feed or a city, of
calls of several episodes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.bench import bursts_feed
from pipelines.bench.machine import description
from pipelines.feeds import generate
from pipelines.feeds.cities import CITIES, City
from pipelines.feeds.emergency import episode, plan
from pipelines.feeds.grammar import Dice
from pipelines.feeds.uri import FileSource, GenerateSource, parse
from pipelines.jobs.bursts import critical_rules
from schemas.errors import RecordError, UsageError
from schemas.records import RAW
from schemas.settings import Settings
from udfs.bursts.detector import Detector, Found
from udfs.bursts.keys import CALLS, NEED, NOT_HELP, RULE, Sighting, sightings

SIZES = (5, 10, 20, 50)
BACKGROUNDS = (10_000, 100_000, 300_000)
START = 1_577_836_800  # 2020-01-01 00:00 UTC, 08:00 in China
HOUR = 3_600
PLATFORM = "weibo"


@dataclass(frozen=True)
class Trial:
    """A cell's row: ``each`` episodes of every size, in ``hours`` after ``warm_up`` hours without any."""

    sizes: Sequence[int] = SIZES
    each: int = 10
    hours: float = 6
    warm_up: float = 6
    spread: float = 30
    """Minutes from an episode's first call to its last."""
    seed: int = 1


class Background:
    """A scored feed that can be played at any rate, without end."""

    def __init__(self, table: pa.Table, critical: frozenset[str]) -> None:
        self.posts = table.num_rows
        self.at: dict[int, Sighting] = {}
        self.calls: set[tuple[str, str]] = set()
        """(post id, witness) where the witness takes the post for a call: keywords or model."""
        rows = {post_id: row for row, post_id in enumerate(table.column("post_id").to_pylist())}
        created = table.column("created_at").to_pylist()
        for batch in table.to_batches(max_chunksize=10_000):
            for sighting in sightings(batch, _no_text, critical):
                self.at[rows[sighting.post_id]] = sighting
            self.calls |= _witnesses(batch)
        by_hour = Counter((ms // 3_600_000 + 8) % 24 for ms in created if ms is not None)
        mean = sum(by_hour.values()) / 24
        self.day = [max(0.05, by_hour[hour] / mean) for hour in range(24)]

    def seconds(self, posts_an_hour: float, hours: float) -> Iterator[tuple[int, int, int]]:
        """(second, first post, post after the last) of each second of event time."""
        done, exact = 0, 0.0
        for second in range(START, START + round(hours * HOUR)):
            exact += posts_an_hour / HOUR * self.day[(second // HOUR + 8) % 24]
            yield second, done, int(exact)
            done = int(exact)

    def sighting(self, number: int, minute: int) -> Sighting | None:
        """Post ``number`` of the endless feed; None when it counts nowhere. Each round has other posts and texts."""
        lap, row = divmod(number, self.posts)
        found = self.at.get(row)
        if found is None:
            return None
        salt = lap * 0x9E3779B97F4A7C15 & (1 << 63) - 1
        return found._replace(
            post_id=f"{found.post_id}~{lap}",
            minute=minute,
            post=found.post ^ salt,
            caller=found.caller and found.caller ^ salt,
            copy=found.copy and found.copy ^ salt,
        )


def run(
    data: Path | None,
    settings: Settings,
    trial: Trial = Trial(),
    backgrounds: Sequence[int] = BACKGROUNDS,
    keep: Path | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Score, play, report. ``data``: JSON lines of real posts; without it a generated feed of ordinary days."""
    critical = critical_rules(settings.rules.folders)
    if data is None:
        say("no --data: the background is generated, which has no false friends; its false alarms say little")
        feed = parse("generate:?posts=6000&seed=11&emergency=none&start=1577836800000&hours=24")
    else:
        feed = parse(f"file://{data.absolute()}")
    assert isinstance(feed, FileSource | GenerateSource)  # noqa: S101 - for mypy: files and feeds only
    background = Background(bursts_feed.scored(feed, settings, keep, say), critical)
    calls = episodes(settings, trial)
    report: dict[str, Any] = {"machine": description(), "background": data.name if data else "generated"}
    report["posts"], report["trial"] = background.posts, msgspec.to_builtins(trial)
    report["first_calls"] = _first_calls(calls)
    for posts_an_hour in backgrounds:
        say(f"{posts_an_hour:,} posts an hour")
        report[f"{posts_an_hour}_an_hour"] = play(background, calls, posts_an_hour, trial, critical)
    return report


def play(
    background: Background,
    calls: Sequence[pa.Table],
    posts_an_hour: int,
    trial: Trial,
    critical: frozenset[str],
    show: Callable[[Found, int], None] = lambda found, second: None,
) -> dict[str, Any]:
    """One background: ``calls`` are the episodes, in the order of ``trial.sizes``."""
    injected, owner, times = _schedule(calls, trial, critical)
    detector = Detector(critical)
    raised: dict[int, int] = {}
    alarms: list[tuple[int, Found]] = []
    began, posts = time.process_time(), 0
    for second, first, last in background.seconds(posts_an_hour, trial.warm_up + trial.hours):
        minute = second // 60
        detector.count(map(str, range(first, last)), [minute] * (last - first), minute)
        posts += last - first
        for number in range(first, last):
            sighting = background.sighting(number, minute)
            if sighting is not None:
                detector.take(sighting, minute)
        for sighting in injected.pop(second, ()):
            detector.take(sighting, minute)
        for found in detector.tick(minute):
            if not found.first:
                continue
            show(found, second)
            owners = Counter(owner.get(post_id, -1) for _, post_id in found.posts)
            number, most = owners.most_common(1)[0] if owners else (-1, 0)
            if number >= 0 and 2 * most >= len(found.posts):
                raised.setdefault(number, second)
            else:
                alarms.append((second, found))
    report: dict[str, Any] = {"by_size": {}, "silences": 0}
    for at, size in enumerate(trial.sizes):
        numbers = range(at * trial.each, (at + 1) * trial.each)
        report["by_size"][str(size)] = _delays([raised.get(n) for n in numbers], [times[n] for n in numbers])
    warm = START + trial.warm_up * HOUR
    for name, since, until, hours in (("warm_up", 0.0, warm, trial.warm_up), ("after", warm, 1e12, trial.hours)):
        here = [found for second, found in alarms if since <= second < until and found.kind == "burst"]
        false = [found for found in here if is_false(found, background, owner)]
        report[name] = {"alarms_an_hour": len(here) / hours, "false_alarms_an_hour": len(false) / hours}
    report["silences"] = sum(found.kind == "silence" for _, found in alarms)
    report["series"] = len(detector.baseline.rows)
    report["snapshot_mib"] = len(msgspec.msgpack.encode(detector.state())) / 2**20
    report["us_a_post"] = 1e6 * (time.process_time() - began) / max(1, posts)
    return report


def is_false(found: Found, background: Background, injected: Container[str] = ()) -> bool:
    """See the module text; injected posts are calls. A topic's burst has no second witness: it counts as false."""
    witnesses = {NEED: ("keywords",), RULE: ("model",), CALLS: ("keywords", "model")}.get(found.series.kind, ("none",))
    posts = [post_id.partition("~")[0] for _, post_id in found.posts]
    held = [
        post_id in injected or all((post_id, witness) in background.calls for witness in witnesses) for post_id in posts
    ]
    return 2 * sum(held) < len(held)


def _witnesses(batch: pa.RecordBatch) -> set[tuple[str, str]]:
    calls = set()
    for row in batch.select(["post_id", "keywords", "needs", "hazards", "phone_tokens"]).to_pylist():
        if row["phone_tokens"] or any(hit["critical"] for hit in row["keywords"] or ()):
            calls.add((row["post_id"], "keywords"))
        if row["hazards"] or any(need["need"] not in NOT_HELP for need in row["needs"] or ()):
            calls.add((row["post_id"], "model"))
    return calls


def _delays(raised: Sequence[int | None], times: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Seconds from the fifth call, in event time; before it is below zero."""
    delays = [at - when[min(4, len(when) - 1)] for at, when in zip(raised, times, strict=True) if at is not None]
    report: dict[str, Any] = {"episodes": len(raised), "raised": len(delays)}
    if delays:
        report |= {f"p{q}_s": float(np.percentile(delays, q)) for q in (50, 95)}
        report["within_60_s"] = sum(delay <= 60 for delay in delays) / len(raised)
    return report


def _schedule(
    calls: Sequence[pa.Table], trial: Trial, critical: frozenset[str]
) -> tuple[dict[int, list[Sighting]], dict[str, int], list[list[int]]]:
    """(second -> what comes in it, post id -> its episode, seconds of each episode's calls)."""
    injected: dict[int, list[Sighting]] = {}
    owner: dict[str, int] = {}
    times: list[list[int]] = []
    room = trial.hours * HOUR - trial.spread * 60
    order = sorted(range(len(calls)), key=lambda n: Dice(trial.seed, "order", n).below(2**30))
    for n, table in enumerate(calls):
        dice = Dice(trial.seed, "times", n)
        begin = START + round(trial.warm_up * HOUR + room * order.index(n) / len(calls))
        when = sorted(begin + dice.below(round(trial.spread * 60)) for _ in range(table.num_rows))
        times.append(when)
        found = {s.post_id: s for batch in table.to_batches() for s in sightings(batch, _no_text, critical)}
        for second, post_id in zip(when, table.column("post_id").to_pylist(), strict=True):
            owner[post_id] = n
            if post_id in found:
                injected.setdefault(second, []).append(found[post_id]._replace(minute=second // 60))
    return injected, owner, times


def episodes(settings: Settings, trial: Trial) -> list[pa.Table]:
    """The scored calls of each episode, in the order of ``trial.sizes``; all callers are distinct."""
    # a county each: two episodes in one county within minutes would be one burst
    counties = [(city, county) for city in CITIES for county, _ in city.counties]
    dice = Dice(trial.seed, "counties")
    sizes = [size for size in trial.sizes for _ in range(trial.each)]
    if len(sizes) > len(counties):
        raise UsageError(f"{len(sizes)} episodes are more than the {len(counties)} counties of the grammar's cities")
    where = [counties.pop(dice.below(len(counties))) for _ in sizes]
    raw = [_calls(size, trial.seed * 1_000 + n, *where[n]) for n, size in enumerate(sizes)]
    table = bursts_feed.score_raw(raw, settings)
    if table.num_rows != sum(batch.num_rows for batch in raw):
        raise RecordError("a generated call became a dead letter")
    first = np.cumsum([0, *(batch.num_rows for batch in raw)])
    return [table.slice(first[n], batch.num_rows) for n, batch in enumerate(raw)]


def _calls(size: int, seed: int, city: City, county: str) -> pa.RecordBatch:
    """First calls of ``size`` generated episodes of ``county``, as they come."""
    source = parse(f"generate:?seed={seed}&city={city.adcode}&start={START * 1000}")
    assert isinstance(source, GenerateSource)  # noqa: S101 - for mypy: the URI is one
    where = plan(source)
    assert where is not None  # noqa: S101 - the feed has a flood
    first: list[int] = []
    number = 0
    while len(first) < size:
        told = episode(where, number)
        if told.adcode == county:
            first.append(told.first_call)
        number += 1
    lines = [generate.line(source, index) for index in first]
    return pa.RecordBatch.from_pydict(
        {
            "source": [generate.SOURCE] * size,
            "partition": [str(seed)] * size,
            "offset": first,
            "timestamp": [START * 1000] * size,
            "ingested_at": [START * 1000] * size,
            "raw": lines,
        },
        schema=RAW,
    )


def _first_calls(calls: Sequence[pa.Table]) -> dict[str, Any]:
    """Of the injected calls: how many the stream itself tells at once, by a critical term or by priority 1."""
    rows = [row for table in calls for row in table.select(["keywords", "needs", "hazards", "priority"]).to_pylist()]
    rules = [any(hit["critical"] for hit in row["keywords"] or ()) for row in rows]
    needs = [row["priority"] == 1 and bool(row["needs"] or row["hazards"]) for row in rows]
    both = [one or other for one, other in zip(rules, needs, strict=True)]
    shares = {"by_rules": sum(rules), "by_needs": sum(needs), "by_either": sum(both)}
    return {"calls": len(rows), **{name: found / len(rows) for name, found in shares.items()}}


def _no_text(text: str) -> str:
    raise AssertionError("the scored feed has no text: its near-copy groups are a column")
