"""Source URIs, as the contract writes them, to frozen descriptions.

    kafka://host:port[,host:port]/topic[?group=G&start=S&end=E]   see `KafkaSource`
    dir:///path[?name=N]                    a folder into which finished files are renamed; unbounded
    file:///path.jsonl[.gz][?name=N]        one file; bounded
    generate:[?posts=N&rate=R&seed=S&...]   a generated feed, see `GenerateSource`

Paths: `file:///a/b` is absolute; `file:a/b`, `file://./a` and `file://../a` are relative to the working directory,
`file:~/a` to the home. Chinese and other characters may stand as they are; `?` is written %3F and `%` %25. A time is
RFC 3339 with an offset, or epoch milliseconds. Everything wrong is a `UsageError` that names the value and the remedy.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from pipelines.feeds.pace import Clock, wall_ms
from schemas.errors import UsageError

FORMS = "kafka://host:port/topic, dir:///path, file:///path.jsonl[.gz], generate:?posts=N&rate=R&seed=S"
DEFAULT_EVENT_RATE = 1_000_000 / 3600
"""Posts a second of event time of an unbounded feed without a rate: a million an hour, the night to be survived."""
DEFAULT_MINUTES = 60.0
"""Event time of a bounded feed without a rate."""


@dataclass(frozen=True)
class KafkaSource:
    """A Kafka topic. Unbounded, unless `end` is given."""

    brokers: str
    """host:port, several of them joined by commas: Kafka's bootstrap.servers."""
    topic: str
    group: str = "yuqing"
    start: str | int = "committed"
    """committed (earliest where nothing is committed), earliest, latest, or epoch ms."""
    end: str | int | None = None
    """None, "latest" (as of the start of the job), or epoch ms; exclusive."""

    @property
    def bounded(self) -> bool:
        return self.end is not None

    @property
    def uri(self) -> str:
        return f"kafka://{self.brokers}/{self.topic}" + _query(
            {
                "group": self.group if self.group != "yuqing" else None,
                "start": self.start if self.start != "committed" else None,
                "end": self.end,
            }
        )


@dataclass(frozen=True)
class FolderSource:
    """A folder of JSON-lines files; new ones are renamed into it. Unbounded."""

    path: Path
    """Absolute."""
    name: str = ""
    """The `source` of its records; "" stands for the folder's own path."""

    bounded = False

    @property
    def uri(self) -> str:
        return f"dir://{_quote_path(self.path)}" + _query({"name": self.name or None})


@dataclass(frozen=True)
class FileSource:
    """One JSON-lines file, gzip or not. Bounded."""

    path: Path
    """Absolute."""
    name: str = ""
    """The `source` of its records; "" stands for the path of the folder in which the file lies."""

    bounded = True

    @property
    def uri(self) -> str:
        return f"file://{_quote_path(self.path)}" + _query({"name": self.name or None})


@dataclass(frozen=True)
class GenerateSource:
    """A generated feed: a pure function of these values. `uri` gives them all, `start` too, so that a resumed job goes
    on with the very same feed.

    With `rate` the feed is delivered at that rate; without, as fast as it is read. Event time runs from `start` at
    `event_rate`: `rate` by default, or such that `posts` fill `minutes` (or `hours`). Without `posts` the feed is
    unbounded, unless rate and minutes give the number. The default `start` is now for a paced or unbounded feed;
    otherwise such that the last post is now.
    """

    start: int
    """Epoch ms of post 0."""
    event_rate: float
    """Posts a second of event time."""
    posts: int | None = None
    rate: float | None = None
    seed: int = 1
    emergency: str = "flood"
    """One of `EMERGENCIES`; not looked at where there is a `script`."""
    city: str = "410100"
    """Adcode of the city in which it happens."""
    onset: float = 0.4
    """Where in a bounded feed the emergency begins, as a share of it; an unbounded one has it after 10 minutes."""
    share: float = 0.3
    """Share of the emergency in the posts after the onset."""
    bad: float = 0.0
    """Share of malformed lines."""
    manners: str = ""
    """Shares of the manners in which ordinary posts are written, as "weibo:6,douyin:3"; "": the plain mixture."""
    copies: float = 0.0
    """Share of copies and near-copies in the ordinary posts."""
    sarcasm: float = 0.0
    """Share of ordinary posts (of those with a manner) that mean the opposite of what they say."""
    disguised: float = 0.0
    """Share of mobile numbers and chat accounts that are written so that a pattern misses them."""
    long: float = 0.0
    """Share of ordinary posts of 2,000 to 20,000 characters."""
    skew: str = ""
    """Shares of ordinary posts of one place, one author, one topic, as "place:0.5,author:0.1"."""
    curve: str = "flat"
    """flat, or day: density and subjects by the hour."""
    script: str = ""
    """Absolute path of a script of episodes, which stands in place of `emergency`."""
    script_hash: str = ""
    """The first 16 hexadecimal digits of its SHA-256: another script is another feed."""

    @property
    def bounded(self) -> bool:
        return self.posts is not None

    @property
    def uri(self) -> str:
        values: dict[str, object] = {"posts": self.posts, "rate": self.rate, "seed": self.seed, "start": self.start}
        if self.event_rate != self.rate:
            values["event_rate"] = repr(self.event_rate)
        values |= {"emergency": self.emergency, "city": self.city, "onset": self.onset, "share": self.share}
        # what `manners` sets by itself is written out where it is 0, too
        for key in ("bad", "copies", "sarcasm", "disguised", "long"):
            value = getattr(self, key)
            values[key] = value if value or (self.manners and key in _WITH_MANNERS) else None
        values |= {"manners": self.manners or None, "skew": self.skew or None}
        values["curve"] = self.curve if self.curve != "flat" else None
        values |= {"script": _quote_path(Path(self.script)) if self.script else None}
        return "generate:" + _query(values | {"script_hash": self.script_hash or None})


Source = KafkaSource | FolderSource | FileSource | GenerateSource


def parse(uri: str, clock: Clock = wall_ms) -> Source:
    """Read a source URI. Nothing outside is touched: whether a file or a broker is there shows when it is read.
    Only the script of a generated feed is read here, because the feed is a function of what it says."""
    if secret := re.match(r"(\w+://)[^/]*@", uri):
        # not echoed: what stands before an @ is a password more often than not
        raise UsageError(f"--source {secret[1]}...@: no user or password in a URI; write {secret[1]}host:port/...")
    scheme, colon, rest = uri.partition(":")
    reader = _READERS.get(scheme.lower())
    if not colon or reader is None:
        raise UsageError(f"--source {uri!r}: {_unknown_scheme(uri, scheme if colon else '')}; one of {FORMS}")
    body, _, query = rest.partition("?")
    return reader(uri, body, _options(uri, query), clock)


def _unknown_scheme(uri: str, scheme: str) -> str:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+$", scheme):
        return f"unknown scheme {scheme!r}"
    return f"a path must be written as a URI, here file://{_quote_path(Path(uri).absolute())}" if uri else "it is empty"


# -- kafka -----------------------------------------------------------------------------------------------------------
def _kafka(uri: str, body: str, options: dict[str, str], clock: Clock) -> KafkaSource:
    del clock
    form = "write kafka://host:port/topic"
    if not body.startswith("//"):
        raise UsageError(f"--source {uri!r}: two slashes are missing; {form}")
    brokers, _, topic = body[2:].partition("/")
    for broker in brokers.split(","):
        host, _, port = broker.rpartition(":")
        if not host:
            raise UsageError(f"--source {uri!r}: broker {broker!r} is not host:port; {form}")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise UsageError(f"--source {uri!r}: port {port!r} is not a number from 1 to 65535; {form}")
    topic = _unquote(uri, topic)
    # the broker's own rule: 249 of these characters, but neither "." nor ".."
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic) or topic in (".", ".."):
        raise UsageError(
            f"--source {uri!r}: {topic!r} is not a topic name (1 to 249 letters, digits, '.', '_', '-'); {form}"
        )
    _only(uri, options, ("group", "start", "end"))
    group = options.get("group", "yuqing")
    if not group:
        raise UsageError(f"--source {uri!r}: group is empty; leave it out for 'yuqing'")
    start: str | int = options.get("start", "committed")
    if start not in ("committed", "earliest", "latest"):
        start = _time(uri, "start", str(start), "committed, earliest, latest")
    end: str | int | None = options.get("end")
    if end not in (None, "latest"):
        end = _time(uri, "end", str(end), "latest")
    if isinstance(start, int) and isinstance(end, int) and end <= start:
        raise UsageError(f"--source {uri!r}: end must be later than start")
    return KafkaSource(brokers, topic, group, start, end)


# -- files -----------------------------------------------------------------------------------------------------------
def _path(uri: str, body: str) -> Path:
    scheme = uri.partition(":")[0]
    if body.startswith("//"):
        host = body[2:].partition("/")[0]
        if host not in ("", "localhost", ".", "..", "~"):
            raise UsageError(
                f"--source {uri!r}: {host!r} stands where a host would; "
                f"write {scheme}:{body[2:]} (relative) or {scheme}:///{body[2:]} (absolute)"
            )
        body = body[2 + len("localhost") :] if host == "localhost" else body[2:]
    path = _unquote(uri, body)
    if not path:
        raise UsageError(f"--source {uri!r}: the path is missing; write {scheme}:///path")
    if "\0" in path:
        raise UsageError(f"--source {uri!r}: a path cannot hold NUL; take %00 out")
    # not resolve(): a link keeps the name that the operator gave it
    return Path(os.path.abspath(os.path.expanduser(path)))


def _file(uri: str, body: str, options: dict[str, str], clock: Clock) -> FileSource:
    del clock
    _only(uri, options, ("name",))
    return FileSource(_path(uri, body), options.get("name", ""))


def _folder(uri: str, body: str, options: dict[str, str], clock: Clock) -> FolderSource:
    del clock
    _only(uri, options, ("name",))
    return FolderSource(_path(uri, body), options.get("name", ""))


# -- generate --------------------------------------------------------------------------------------------------------
EMERGENCIES = ("flood", "fire", "power", "food", "shortage", "rumour", "crush", "none")
MANNERS = ("weibo", "douyin", "rss", "twitter")
SKEWS = ("place", "author", "topic")
_WITH_MANNERS = {"copies": 0.05, "sarcasm": 0.03, "disguised": 0.1}
"""What a feed with manners has unless told otherwise."""
_SHARES = ("onset", "share", "bad", "copies", "sarcasm", "disguised", "long")
_GENERATE_KEYS = (
    "posts", "rate", "seed", "start", "minutes", "hours", "event_rate", "emergency", "city", *_SHARES,
    "manners", "skew", "curve", "script", "script_hash",
)  # fmt: skip


def _generate(uri: str, body: str, options: dict[str, str], clock: Clock) -> GenerateSource:
    if body.strip("/"):
        raise UsageError(f"--source {uri!r}: {body!r} must not stand there; write generate:?posts=N&rate=R&seed=S")
    _only(uri, options, _GENERATE_KEYS)
    posts = _whole(uri, options, "posts", 1, 2**53)
    rate = _number(uri, options, "rate", 1e-6, 1e6)
    seed = _whole(uri, options, "seed", -(2**63), 2**63 - 1)
    event_rate = _number(uri, options, "event_rate", 1e-6, 1e6)
    times = [key for key in ("minutes", "hours", "event_rate") if key in options]
    if len(times) > 1:
        raise UsageError(f"--source {uri!r}: {' and '.join(times)} say the same thing; give one of them")
    minutes = _number(uri, options, "minutes", 1e-3, 1e7)
    if (hours := _number(uri, options, "hours", 1e-4, 1e5)) is not None:
        minutes = hours * 60
    if minutes is not None:
        if posts is None and rate is None:
            raise UsageError(f"--source {uri!r}: {times[0]} needs posts or rate; add &posts=N or &rate=R")
        if posts is None:
            posts = max(1, round((rate or 0) * minutes * 60))
        event_rate = posts / (minutes * 60)
    elif event_rate is None:
        event_rate = rate or (DEFAULT_EVENT_RATE if posts is None else posts / (DEFAULT_MINUTES * 60))
    if "start" in options:
        start = _time(uri, "start", options["start"], "")
    else:
        start = clock() if rate or posts is None else clock() - round(posts / event_rate * 1000)
    emergency = options.get("emergency", "flood")
    if emergency not in EMERGENCIES:
        raise UsageError(f"--source {uri!r}: emergency={emergency!r} is unknown; one of {', '.join(EMERGENCIES)}")
    from pipelines.feeds.cities import find_city  # late: the table is wanted for generated feeds only

    try:
        city = find_city(options.get("city", GenerateSource.city)).adcode
    except KeyError as error:
        raise UsageError(f"--source {uri!r}: city={options['city']!r} is unknown; {error.args[0]}") from None
    manners = _weights(uri, options, "manners", MANNERS, 1000)
    shares: dict[str, float] = dict(_WITH_MANNERS) if manners else {}
    shares |= {key: value for key in _SHARES if (value := _number(uri, options, key, 0, 1)) is not None}
    skew = _weights(uri, options, "skew", SKEWS, 1)
    curve = options.get("curve", "flat")
    if curve not in ("flat", "day"):
        raise UsageError(f"--source {uri!r}: curve={curve!r} is unknown; flat or day")
    script, script_hash = _script(uri, options)
    return GenerateSource(
        start, event_rate, posts, rate, 1 if seed is None else seed, emergency=emergency, city=city, **shares,
        manners=manners, skew=skew, curve=curve, script=script, script_hash=script_hash,
    )  # fmt: skip


def _weights(uri: str, options: Mapping[str, str], key: str, names: tuple[str, ...], most: float) -> str:
    """`a:6,b:3` in one way of writing; "" where the key is not given."""
    found: dict[str, float] = {}
    for pair in filter(None, options.get(key, "").split(",")):
        name, _, number = pair.partition(":")
        if name not in names or name in found:
            remedy = f"each of {', '.join(names)} at most once, as {names[0]}:0.5"
            raise UsageError(f"--source {uri!r}: {key} has {name!r}; write {remedy}")
        value = _number(uri, {f"{key} {name}": number or "1"}, f"{key} {name}", 0, most)
        found[name] = value or 0
    if key in options and not sum(found.values()):
        raise UsageError(f"--source {uri!r}: {key}={options[key]!r} is nothing; write {key}={names[0]}:0.5")
    return ",".join(f"{name}:{value:g}" for name, value in found.items())


def _script(uri: str, options: Mapping[str, str]) -> tuple[str, str]:
    """Absolute path and hash of the script, which must be there and the one that a written hash speaks of."""
    if not options.get("script"):
        return "", ""
    path = os.path.abspath(os.path.expanduser(options["script"]))
    try:
        found = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UsageError(f"--source {uri!r}: script {path} cannot be read: {error.strerror}") from None
    if options.get("script_hash", found) != found:
        raise UsageError(f"--source {uri!r}: script {path} has changed, so it is another feed; take script_hash out")
    return path, found


_READERS: Mapping[str, Callable[[str, str, dict[str, str], Clock], Source]] = {
    "kafka": _kafka,
    "dir": _folder,
    "file": _file,
    "generate": _generate,
}


# -- parts of a URI --------------------------------------------------------------------------------------------------
def _unquote(uri: str, text: str) -> str:
    """Percent-decode. Bytes that are not UTF-8 become surrogate escapes, as the operating system's file names do."""
    if wrong := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", text):
        raise UsageError(f"--source {uri!r}: {wrong.group()!r} is not a percent code; write '%' as %25")
    return os.fsdecode(unquote_to_bytes(os.fsencode(text)))


def _quote_path(path: Path) -> str:
    # Han characters stay readable; what would end the path or be taken for a code is written as one
    name = os.fsencode(path)
    try:
        return re.sub(r"[%?\x00-\x20]", lambda found: f"%{ord(found.group()):02X}", name.decode())
    except UnicodeDecodeError:
        return quote(name)


def _query(values: Mapping[str, object]) -> str:
    pairs = [f"{key}={quote(str(value), safe=':+,')}" for key, value in values.items() if value is not None]
    return "?" + "&".join(pairs) if pairs else ""


def _options(uri: str, query: str) -> dict[str, str]:
    """`a=1&b=2` to a dictionary. '+' is itself, not a space: it stands in the offset of a time."""
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--source {uri!r}: {pair!r} has no value; write {pair}=VALUE")
        if key in options:
            raise UsageError(f"--source {uri!r}: {key} stands there twice; leave one")
        options[key] = _unquote(uri, value)
    return options


def _only(uri: str, options: Mapping[str, str], known: tuple[str, ...]) -> None:
    for key in options:
        if key not in known:
            raise UsageError(f"--source {uri!r}: unknown option {key!r}; known are {', '.join(known)}")


def _whole(uri: str, options: Mapping[str, str], key: str, least: int, most: int) -> int | None:
    if key not in options:
        return None
    text = options[key]
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise UsageError(f"--source {uri!r}: {key}={text!r} must be a whole number from {least} to {most}")
    return int(text)


def _number(uri: str, options: Mapping[str, str], key: str, least: float, most: float) -> float | None:
    if key not in options:
        return None
    text = options[key]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UsageError(f"--source {uri!r}: {key}={text!r} must be a number from {least:g} to {most:g}")
    return value


def _time(uri: str, key: str, text: str, words: str) -> int:
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        remedy = f"{words + ', or ' if words else ''}a time as 2021-07-20T20:00:00+08:00 or in epoch milliseconds"
        raise UsageError(f"--source {uri!r}: {key}={text!r} is not understood; write {remedy}")
    return round(moment.timestamp() * 1000)
