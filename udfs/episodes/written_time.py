"""When a post was written, as its own words say: copies of a call travel for days, and keep the time of the call.

A time is read as of Beijing (UTC+8) and placed in the past of ``created_at``: "14:20更新" posted at 2:00 is of the day
before.
Of several times in a text the latest counts. What is no time of writing is left alone: times to come ("明天8点前送到"),
opening hours and ranges (9:00-18:00), when somebody was last heard of ("昨晚10点失联"), last year's, deadlines.
"""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from udfs.triage.numerals import parse_number

BEIJING = timezone(timedelta(hours=8))
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SLACK_MS = 10 * MINUTE_MS
"""A time that is later than the posting by no more than this is a clock that goes wrong, not a time to come."""
OLDEST_MS = 14 * DAY_MS
"""A time further back is history, not the age of a call."""
LONGEST = 1_000
"""Characters that are read."""


@dataclass(frozen=True)
class WrittenTime:
    """``ms`` since the epoch, never later than the posting; the true time lies within ``precision_ms`` of it.

    ``dated``: it names a day, so that a copy of any later day gives the same time. A relative one ("两小时前", "14:20")
    holds for the day on which it was first posted.
    """

    ms: int
    precision_ms: int
    dated: bool


_N = "[0-9一二两三四五六七八九十]{1,3}"
_PERIODS = {  # hours they span; where a clock time follows, hours below 12 move by 12 from noon on
    "凌晨": (0, 6), "清晨": (5, 8), "清早": (5, 8), "早上": (6, 9), "早晨": (6, 9), "早": (6, 9), "晨": (5, 8), "上午": (8, 12),
    "中午": (11, 13), "下午": (13, 18), "傍晚": (17, 20), "晚上": (18, 24), "晚间": (18, 24), "夜里": (20, 24), "夜间": (20, 24),
    "半夜": (0, 4), "深夜": (22, 24), "晚": (18, 24),
}  # fmt: skip
_PERIOD = "|".join(sorted(_PERIODS, key=len, reverse=True))
_DAYS_AGO = {"今天": 0, "今日": 0, "今": 0, "昨天": 1, "昨日": 1, "昨": 1, "前天": 2}

_POINT = re.compile(
    rf"""
    (?=[\d今昨前凌清早晨上中下傍晚夜半深一二两三四五六七八九十])
    (?:(?P<year>20\d\d)[年./-]\s?)?
    (?:(?:(?P<month>\d{{1,2}})\s?[月./-]\s?)(?P<day>\d{{1,2}})(?P<ri>[日号])?|(?P<lone>\d{{1,2}})[日号](?![楼线])
      |(?P<word>今天|今日|昨天|昨日|前天|[今昨](?=早|晨|晚|夜|凌晨)))?
    [\s,，(（]{{0,2}}(?P<period>{_PERIOD})?\s?
    (?:(?P<hour>{_N})(?:\s?[:：]\s?(?P<minute>[0-5]\d)(?::[0-5]\d)?|(?P<dian>[点時时])(?P<part>半|一刻|{_N}分?)?(?!间))
      |(?P<compact>(?<!\d)(?:[01]\d|2[0-3])[0-5]\d(?=更新|核实|发布|最新)))?
    """,
    re.VERBOSE,
)
_AGO = re.compile(rf"(?P<number>{_N}|半|几)(?P<more>多)?个?(?P<half>半)?(?P<unit>分钟|小时|钟头|天)(?:之?前|以前)")
_NOW = re.compile(r"刚刚|刚才|此刻|刚发来|just now")
_ENGLISH_AGO = re.compile(r"\b(?P<number>\d{1,3}|an?) (?P<unit>minute|min|hour|hr)s? ago\b", re.IGNORECASE)
_UNITS_MS = {"分": MINUTE_MS, "小": HOUR_MS, "钟": HOUR_MS, "天": DAY_MS, "m": MINUTE_MS, "h": HOUR_MS}

_OTHERWISE_BEFORE = re.compile(r"(?:去年|前年|明天|明日|明早|明晚|后天|每天|每日|出生于?|生于|到期|[\d.:/-])$")
_OTHERWISE_AFTER = re.compile(
    r"^(?:[:.]?\d|分?\s?(?:之?前(?!的?消息)|以前|[-~—至到]\s?(?:[\d次明]|凌晨|早|晚|中午|下午)|以后|之后|后(?!续)|起|开始|营业|比|级|型|岁|生|毫米|公里|路|医院)"
    r"|[^。！!？?;；\n]{0,10}(?:失联|走失|失踪|联系不上|最后一次|出门|至今|到现在|以来|开始|停电|断电|截止|开会|上班|发车|预计|将))"
)
_CUT = re.compile(r"[。！!？?;；\n]")


def written_time(text: str, created_ms: int) -> WrittenTime | None:
    """The latest time of writing that ``text`` names, or None: then `created_at` is the best there is.

    Cost: about 20 us for a call of 150 characters.
    """
    text = unicodedata.normalize("NFKC", text[:LONGEST])
    found = [*_points(text, created_ms), *_relative(text, created_ms)]
    if not found:
        return None
    dated = [one for one in found if one.dated]
    # a day that is named outweighs "刚刚": that is where the post was copied from, days ago
    return max(dated or found, key=lambda one: (one.ms, -one.precision_ms))


def _relative(text: str, created_ms: int) -> Iterator[WrittenTime]:
    if _NOW.search(text):
        yield WrittenTime(created_ms, 10 * MINUTE_MS, dated=False)
    for match in [*_AGO.finditer(text), *_ENGLISH_AGO.finditer(text)]:
        number = match["number"]
        count = 1.0 if number in ("a", "an", "A", "An") else parse_number(number)
        if not count:
            continue
        if match.groupdict().get("half"):
            count += 0.5
        unit = _UNITS_MS[match["unit"][0].lower()]
        ago = int(count * unit)
        if ago <= OLDEST_MS:
            yield WrittenTime(created_ms - ago, max(unit // 2, ago // 4), dated=False)


def _points(text: str, created_ms: int) -> Iterator[WrittenTime]:
    for match in _POINT.finditer(text):
        if len(match.group().strip()) < 2:
            continue
        before, after = text[max(0, match.start() - 4) : match.start()], text[match.end() : match.end() + 24]
        if _OTHERWISE_BEFORE.search(before) or _OTHERWISE_AFTER.search(_first_clause(after)):
            continue
        point = _point(match, created_ms)
        if point is not None and created_ms - OLDEST_MS <= point.ms <= created_ms + SLACK_MS:
            yield WrittenTime(min(point.ms, created_ms), point.precision_ms, point.dated)


def _first_clause(after: str) -> str:
    end = _CUT.search(after)
    return after[: end.start()] if end else after


def _point(match: re.Match[str], created_ms: int) -> WrittenTime | None:
    posted = datetime.fromtimestamp(created_ms / 1000, BEIJING)
    clock = _clock(match)
    period = match["period"]
    dotted = match["month"] is not None and match["ri"] is None
    if clock is None and period is not None and not (match["word"] or match["lone"] or match["month"]):
        return None  # "孩子们晚上都在发烧"
    if clock is None and (period is None or dotted):
        # a day alone says little: of today nothing, of another day its noon
        if match["month"] is None or match["ri"] is None or period is not None:
            return None
        clock, precision = (12, 0), 12 * HOUR_MS
    elif clock is None:
        assert period is not None  # noqa: S101  (the case above)
        first, last = _PERIODS[period]
        clock, precision = ((first + last) // 2, 0), (last - first) * HOUR_MS // 2
    else:
        precision = 30 * MINUTE_MS if match["dian"] and not match["part"] else 5 * MINUTE_MS
    day = _day(match, posted)
    if day is None:
        return None
    at, dated = day
    hour, minute = clock
    ms = int((at + timedelta(hours=hour, minutes=minute)).timestamp() * 1000)
    if match["dian"] is None and match["minute"] is None and match["compact"] is None and ms > created_ms:
        if ms - precision > created_ms:
            return None  # "今晚" of a post of the morning is to come
        ms = created_ms  # it is that part of the day now
    if not dated and match["word"] is None and match["lone"] is None and ms > created_ms + SLACK_MS:
        ms -= DAY_MS  # "23:40更新", posted after midnight
    if match["ri"] and clock == (12, 0) and precision == 12 * HOUR_MS and at.date() == posted.date():
        return None
    return WrittenTime(ms, precision, dated)


def _clock(match: re.Match[str]) -> tuple[int, int] | None:
    if match["compact"]:
        return int(match["compact"][:2]), int(match["compact"][2:])
    if match["hour"] is None:
        return None
    value = parse_number(match["hour"])
    if value is None or value > 24:
        return None
    hour, part = int(value), match["part"]
    minute = int(match["minute"] or 0)
    if part == "半":
        minute = 30
    elif part == "一刻":
        minute = 15
    elif part:
        minute = int(parse_number(part.removesuffix("分")) or 0)
    if minute > 59:
        return None
    period = match["period"]
    alone = all(match[name] is None for name in ("period", "word", "minute", "month", "lone", "part"))
    if alone and not match["hour"].isdigit():
        return None  # "三点建议", "一点也不"
    if period and hour < 12:
        first, _ = _PERIODS[period]
        if first >= 13 or (period == "中午" and hour < 3):
            hour += 12
    if period in ("晚上", "晚", "夜里", "夜间", "深夜", "半夜") and hour == 12:
        hour = 24 if period != "半夜" else 0
    return hour, minute


def _day(match: re.Match[str], posted: datetime) -> tuple[datetime, bool] | None:
    """Midnight of the day that is meant, and whether it is named as a date."""
    midnight = posted.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["word"]:
        return midnight - timedelta(days=_DAYS_AGO[match["word"]]), False
    try:
        if match["month"]:
            year = int(match["year"]) if match["year"] else posted.year
            day = midnight.replace(year=year, month=int(match["month"]), day=int(match["day"]))
            if not match["year"] and day > midnight + timedelta(days=1):
                day = day.replace(year=year - 1)  # 31 December, posted in January
            return day, True
        if match["lone"]:
            day = midnight.replace(day=int(match["lone"]))
            if day > midnight:
                before = midnight.replace(day=1) - timedelta(days=1)
                day = before.replace(day=int(match["lone"]))
            return day, True
    except ValueError:
        return None
    return midnight, False


def iso(ms: int) -> str:
    """For tests and logs: the time in Beijing, to the minute."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(BEIJING).strftime("%m-%d %H:%M")
