"""What happens in a generated feed, and where: incidents, each with a hazard, an onset, a share of the posts.

After its onset an incident is cut into blocks of `Plan.block` posts; in each of them one post, its place drawn from the
seed, is the first call of a new episode. So the first call of any episode, and whether a post is one, are known without
making the posts before it, and a copy knows what it copies. Where there are several incidents, incident j has its first
calls at indices of its own (j modulo their number), so that none takes another's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.feeds import counters
from pipelines.feeds.cities import CITIES, City, find_city
from pipelines.feeds.curve import times
from pipelines.feeds.uri import EMERGENCIES, GenerateSource
from schemas import yaml_files
from schemas.errors import UsageError

_ONSET_SECONDS = 600
"""Event time before the emergency of an unbounded feed."""
_UNBOUNDED_BLOCK = 400
_MAX_EPISODES = 300
"""In a bounded feed: the night in mind had a few hundred real calls among a million posts an hour."""
PASSED_ON = 0.36
"""Of an incident's posts; `emergency` draws by it."""
HAZARDS = tuple(name for name in EMERGENCIES if name != "none")


@dataclass(frozen=True, eq=False)
class Plan:
    """Where in a feed one incident is."""

    seed: int
    city: City
    onset: int
    """Index of the first post of the incident, which is a call."""
    block: int
    """Posts from one new episode to the next, on average; a multiple of `stride`."""
    share: float = 0.3
    end: int = 2**62
    """The first index after it."""
    hazard: str = "flood"
    county: str | None = None
    """Adcode, where all of it is in one county."""
    name: str | None = None
    number: int | None = None
    """Among the incidents of a script."""
    stride: int = 1
    disguised: float = 0.0
    bar: int = field(init=False)
    """`share` in 2**20ths."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "bar", round(self.share * 2**20))

    @property
    def key(self) -> tuple[object, ...]:
        """What its draws depend on."""
        return (self.seed,) if self.number is None else (self.seed, "incident", self.number)

    def first_call(self, number: int) -> int:
        """Index of the post that opens episode `number`."""
        # the emergency begins with a call, so that a feed of a hundred posts has one too
        return self.onset + number * self.block + (_shift(self, number) if number else 0)


@lru_cache(maxsize=4096)
def _shift(where: Plan, number: int) -> int:
    return counters.word(counters.base(*where.key, "call"), number) % (where.block // where.stride) * where.stride


def plan(source: GenerateSource) -> Plan | None:
    """The first incident of a feed; None where there is none."""
    return next(iter(plans(source)), None)


@lru_cache(maxsize=64)
def plans(source: GenerateSource) -> tuple[Plan, ...]:
    """The incidents of a feed in the order of their script. Raises UsageError for a script that is not one."""
    if source.script:
        return _scripted(source)
    if source.emergency == "none" or not source.share:
        return ()
    if source.posts is None:
        onset, block = times(source).index(_ONSET_SECONDS), _UNBOUNDED_BLOCK
    else:
        onset = int(source.posts * source.onset)
        block = (source.posts - onset) // _MAX_EPISODES
    # first calls are at most an eighth of the emergency's posts
    block = min(max(40, math.ceil(8 / source.share), block), 2**24)
    city = find_city(source.city)
    return (
        Plan(source.seed, city, onset, block, source.share, hazard=source.emergency, disguised=source.disguised),
    )  # fmt: skip


# -- scripts -----------------------------------------------------------------------------------------------------------
_KEYS = {"hazard", "name", "onset", "onset_minutes", "place", "share", "posts", "minutes", "spread"}


def _scripted(source: GenerateSource) -> tuple[Plan, ...]:
    """The incidents of a script: a YAML list under `episodes`. See docs/feeds.md."""
    where = f"script {source.script}"
    try:
        script = yaml_files.read(Path(source.script).read_bytes())
    except (OSError, yaml_files.NotYaml) as error:
        raise UsageError(f"{where}: {error}; write YAML with a list `episodes`") from None
    entries = script.get("episodes") if isinstance(script, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{where}: no list `episodes`; write episodes: [{{hazard: fire, onset: 0.5}}]")
    found = tuple(_incident(source, entry, at, len(entries), f"{where}, episode {at + 1}") for at, entry in
                  enumerate(entries))  # fmt: skip
    for one in found:
        together = sum(other.share for other in found if other.onset <= one.onset < other.end)
        if together > 1:
            raise UsageError(
                f"{where}: at the onset of {one.name} the shares sum up to {together:.2f}; make them 1 or less"
            )
    return found


def _incident(source: GenerateSource, entry: Any, at: int, of: int, where: str) -> Plan:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: {entry!r} is no mapping; write hazard: fire")
    if unknown := sorted(map(str, set(entry) - _KEYS)):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    hazard = entry.get("hazard")
    if hazard not in HAZARDS:
        raise UsageError(f"{where}: hazard {hazard!r} is unknown; one of {', '.join(HAZARDS)}")
    name = str(entry.get("name", f"{hazard}-{at + 1}"))
    city, county = _place(source, entry.get("place"), where)
    share = _number(entry, "share", 0.3, 1e-6, 1, where)
    onset = _onset(source, entry, where)
    end = 2**62
    if "posts" in entry and "minutes" in entry:
        raise UsageError(f"{where}: posts and minutes say the same thing; give one of them")
    if "posts" in entry:
        end = onset + math.ceil(_number(entry, "posts", 1, 1, 2**53, where) / share)
    elif "minutes" in entry:
        began = int(times(source).at(onset)[0]) - source.start
        end = times(source).index(began / 1000 + 60 * _number(entry, "minutes", 1, 1e-3, 1e7, where))
    last = min(end, source.posts if source.posts is not None else end)
    if "spread" in entry:
        block = math.ceil(_number(entry, "spread", 0, 0, 1e6, where) / (PASSED_ON * share))
    else:
        block = (last - onset) // 30 if last < 2**62 else _UNBOUNDED_BLOCK
    # at least four posts for each first call, and as many incidents as there are take turns
    block = min(max(math.ceil(4 / share), block), 2**24)
    block = math.ceil(block / of) * of
    onset += (at - onset) % of
    return Plan(source.seed, city, onset, block, share, max(end, onset + 1), hazard, county, name, at, of,
                source.disguised)  # fmt: skip


def _onset(source: GenerateSource, entry: dict[str, Any], where: str) -> int:
    if ("onset" in entry) == ("onset_minutes" in entry):
        raise UsageError(f"{where}: give one of onset (a share of the feed) and onset_minutes")
    if "onset_minutes" in entry:
        return times(source).index(60 * _number(entry, "onset_minutes", 0, 0, 1e7, where))
    if source.posts is None:
        raise UsageError(f"{where}: onset is a share of a feed that does not end; write onset_minutes")
    return int(source.posts * _number(entry, "onset", 0, 0, 1, where))


def _place(source: GenerateSource, place: object, where: str) -> tuple[City, str | None]:
    """City, and adcode of the county where one is named."""
    if place is None:
        return find_city(source.city), None
    for city in CITIES:
        if str(place) in (city.adcode, city.name, city.short):
            return city, None
        for adcode, name in city.counties:
            if str(place) in (adcode, name, city.name + name, city.short + name):
                return city, adcode
    known = ", ".join(f"{city.short} ({city.adcode})" for city in CITIES)
    raise UsageError(f"{where}: place {place!r} is unknown; one of {known} or a county of theirs, as name or adcode")


def _number(entry: dict[str, Any], key: str, default: float, least: float, most: float, where: str) -> float:
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UsageError(f"{where}: {key} {value!r} must be a number from {least:g} to {most:g}")
    return value
