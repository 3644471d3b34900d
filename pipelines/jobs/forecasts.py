"""Early warning over a history: from a file of messages, a hot-search list, or the store's own posts.

A file is JSON lines (``.gz`` is read), a message each. Time: the field named, else the first of ``created_at``,
``time``, ``date``; what has no offset is China's time.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.store import forecasts as store
from schemas.errors import UsageError
from udfs.forecast.models import Forecaster, forecast
from udfs.forecast.outlook import FEWEST, Outlook, outlooks
from udfs.forecast.surges import MINIMUM
from udfs.forecast.themes import Themes
from udfs.forecast.weeks import Panel, Tally

TIME_FIELDS = ("created_at", "time", "date")
BATCH = 512
_MOMENT = re.compile(r"(\d{4})[-/年.](\d{1,2})[-/月.](\d{1,2})")
_EARLIEST = date(1990, 1, 1)
"""An older date is a slip of the pen or a zero: the record has no time."""


@dataclass(frozen=True)
class FileHistory:
    """How a file's records are read. A field that a record lacks leaves it without a theme or district."""

    path: Path
    theme_field: str | None = None
    """Field with the theme; without one, words of the text decide (``themes``)."""
    themes: Path | None = None
    """YAML of themes and their words; without one the shipped."""
    district_field: str | None = None
    district_patterns: tuple[str, ...] = ()
    """Regular expressions; the first match of the first that matches is the district."""
    districts: bool = True
    """Without field and patterns: counties and cities that the text names."""
    time_field: str | None = None
    distinct_field: str | None = None
    """A value of this field counts once a week: for lists that are read out again and again."""
    until: date | None = None
    """Last day that is counted and over."""


@dataclass
class Read:
    """What became of a file's lines."""

    records: int = 0
    undated: int = 0
    repeated: int = 0


def from_file(history: FileHistory, minimum: float = 1.0, most: int = 200) -> tuple[Panel, Read]:
    """Count a file. Raises UsageError for a file or pattern that cannot be read, or one without dated records."""
    read, tally = Read(), Tally()
    theme_of = _themes(history)
    districts_of = _districts(history)
    seen: set[tuple[date, Any]] = set()
    pending: list[tuple[date, dict[str, Any]]] = []

    def count() -> None:
        for (day, record), districts in zip(pending, districts_of([record for _, record in pending]), strict=True):
            tally.add(day, theme_of(record), districts)
        pending.clear()

    for record in _records(history.path):
        read.records += 1
        day = _day(record, history.time_field)
        if day is None or (history.until and day > history.until):
            read.undated += day is None
            continue
        if history.distinct_field:
            once = (day - timedelta(days=day.weekday()), record.get(history.distinct_field))
            if once in seen:
                read.repeated += 1
                continue
            seen.add(once)
        pending.append((day, record))
        if len(pending) == BATCH:
            count()
    count()
    panel = tally.panel(history.until, minimum, most)
    if not panel.weeks:
        raise UsageError(
            f"--source {history.path}: of {read.records} records {read.undated} have no date in "
            f"{history.time_field or ' or '.join(TIME_FIELDS)}; the others do not fill a week"
        )
    return panel, read


def from_store(client: Client, now_ms: int, minimum: float = 1.0, most: int = 200) -> tuple[Panel, dict[Any, int]]:
    """Count what is new in the store, then the series; the second value gives for each the most distinct authors that
    it had in one of the last four whole weeks (21 for more than 20)."""
    store.count_weeks(client, now_ms)
    running = store.monday(now_ms)
    # the day that is running in China is not over
    last_day = datetime.fromtimestamp(now_ms / 1000, store.CHINA).date() - timedelta(days=1)
    tally, authors = Tally(), {}
    for week, theme, district, days, people in store.weekly_counts(client):
        for number, posts in enumerate(days):
            if posts:
                tally.put(week + timedelta(days=number), theme, district, posts)
        if running - timedelta(weeks=4) <= week < running:
            key = (theme, district)
            authors[key] = max(authors.get(key, 0), people)
    return tally.panel(last_day, minimum, most), authors


def forecast_store(
    client: Client,
    now_ms: int,
    level: int = 95,
    minimum: int = MINIMUM,
    most: int = 200,
    forecaster: Forecaster = forecast,
) -> list[Outlook]:
    """Count, forecast and write to ``forecasts``; returns what was written. Doing it again replaces it."""
    panel, authors = from_store(client, now_ms, most=most)
    enough(panel)
    found = list(outlooks(panel, level=level, minimum=minimum, forecaster=forecaster))
    rows = (asdict(one) | {"authors": authors.get((one.theme, one.district), 0)} for one in found)
    store.store_forecasts(client, rows, now_ms)
    return found


def enough(panel: Panel) -> None:
    """Raises UsageError when there are too few weeks to forecast from."""
    if panel.weeks < FEWEST:
        raise UsageError(f"there are {panel.weeks} whole weeks of posts: a forecast needs {FEWEST} at least")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    paths = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
    for each in paths:
        with _opened(each) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield decode(line)
                except msgspec.DecodeError:
                    raise UsageError(f"--source {each}, line {number}: is no JSON object") from None


def _opened(path: Path) -> IO[bytes]:
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rb")  # type: ignore[return-value]  # an IO[bytes] in all that is used of it
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"--source {path}: {error.strerror}") from None


def _day(record: dict[str, Any], field: str | None) -> date | None:
    """The day in China; None when there is no time, or none that can be."""
    names = (field,) if field else TIME_FIELDS
    value = next((record[name] for name in names if record.get(name) not in (None, "")), None)
    if isinstance(value, str) and value.lstrip("-").isdigit():
        value = int(value)
    try:
        if isinstance(value, int | float):
            day = datetime.fromtimestamp(value / 1000, UTC).astimezone(store.CHINA).date()
        elif isinstance(value, str):
            day = _written(value)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return day if day >= _EARLIEST else None


def _written(value: str) -> date:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        matched = _MOMENT.match(value)
        if not matched:
            raise
        return date(*map(int, matched.groups()))
    return moment.astimezone(store.CHINA).date() if moment.tzinfo else moment.date()


def _themes(history: FileHistory) -> Callable[[dict[str, Any]], Sequence[str]]:
    if history.theme_field:
        field = history.theme_field
        # 明星-内地 is 明星, and what follows a line break is the page's
        return lambda record: [one] if (one := _plain(record.get(field)).split("-")[0].strip()) else []
    themes = Themes.load(history.themes) if history.themes else Themes.load()
    return lambda record: [themes.of(_plain(record.get("text") or record.get("title"), whole=True))]


def _districts(history: FileHistory) -> Callable[[list[dict[str, Any]]], Sequence[Sequence[str]]]:
    if history.district_field:
        field = history.district_field
        return lambda records: [[one] if (one := _plain(record.get(field))) else [] for record in records]
    if history.district_patterns:
        try:
            patterns = [re.compile(pattern) for pattern in history.district_patterns]
        except re.error as error:
            raise UsageError(f"--district-pattern {error.pattern!r}: {error.msg}") from None
        return lambda records: [_first(patterns, _plain(record.get("text"), whole=True)) for record in records]
    if not history.districts:
        return lambda records: [[] for _ in records]
    return _named_places()


def _first(patterns: Sequence[re.Pattern[str]], text: str) -> list[str]:
    for pattern in patterns:
        if found := pattern.search(text):
            return [found.group()]
    return []


def _named_places() -> Callable[[list[dict[str, Any]]], Sequence[Sequence[str]]]:
    """Counties that texts name, and their cities; a city named alone is itself."""
    from udfs.places.gazetteer import Gazetteer
    from udfs.places.step import Locate

    locate, gazetteer = Locate(), Gazetteer.load()
    locate.open()

    def districts(records: list[dict[str, Any]]) -> list[list[str]]:
        texts = [_plain(record.get("text") or record.get("title"), whole=True) for record in records]
        regions = [_plain(record.get("region")) for record in records]
        batch = pa.RecordBatch.from_pydict({"text": texts, "region": regions})
        found = []
        for places in locate.apply(batch).column("places").to_pylist():
            names = set()
            for place in places:
                code = place["adcode"]
                while code and (division := gazetteer.divisions.get(code)) and division.level != "province":
                    names.add(division.path)
                    code = division.parent
            found.append(sorted(names))
        return found

    return districts


def _plain(value: Any, whole: bool = False) -> str:
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text if whole else text.split("\n", 1)[0].strip()


def district_name(code: str) -> str:
    """The path of an adcode; a city that the standard has no name for (municipalities') is its province."""
    from udfs.places.gazetteer import Gazetteer

    divisions = Gazetteer.load().divisions
    known = divisions.get(code) or divisions.get(f"{code[:2]}0000")
    return known.path if known else code
