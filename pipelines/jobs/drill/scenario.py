"""A scenario: what happens in a drill, as a YAML file.

    title: 暴雨夜
    about: one paragraph for whoever leads the drill
    hours: 2                 # of event time
    posts: 12000
    feed: {emergency: flood, city: "410100", onset: 0.2, share: 0.35}     # keys of `generate:` (docs/feeds.md)
    tasks: [what the centre is to do, in its own words]

`feed.script` is a file beside the scenario. Those that come with the software lie in `scenarios/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.feeds.uri import GenerateSource, parse
from schemas import yaml_files
from schemas.errors import UsageError

SCENARIOS = Path(__file__).parent / "scenarios"
OWN_KEYS = frozenset({"posts", "rate", "event_rate", "minutes", "hours", "start", "seed"})
"""Keys of the feed that follow from hours, posts, speed and seed."""


class Scenario(BaseModel):
    """Plain values, checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1)]
    about: str = ""
    hours: Annotated[float, Field(gt=0, le=24)]
    """Of event time. The longest: alerts are not sent for posts that are older than a day."""
    posts: Annotated[int, Field(ge=100, le=1_000_000)]
    feed: dict[str, str | int | float] = {}
    tasks: tuple[str, ...] = ()

    def source(self, *, seed: int, speed: float, now_ms: int, lead_s: float = 0.0) -> GenerateSource:
        """The feed of a drill whose first post comes `lead_s` after `now_ms`. Event time runs `speed` times as fast as
        the clock; where it is the faster one it meets the clock at the last post, so no post is ever from the future.

        Raises UsageError for a key that the feed does not know.
        """
        event_s = self.hours * 3600
        wall_s = event_s / speed
        keys = {
            "posts": self.posts,
            "rate": f"{self.posts / wall_s:.6f}",
            "event_rate": f"{self.posts / event_s:.6f}",
            "start": round(now_ms + 1000 * (lead_s + min(0.0, wall_s - event_s))),
            "seed": seed,
        }
        source = parse("generate:?" + urlencode(self.feed | keys))
        assert isinstance(source, GenerateSource)  # noqa: S101 - the URI says generate
        return source


def names() -> list[str]:
    """The scenarios that come with the software."""
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load(name: str) -> Scenario:
    """A shipped scenario by its name, or one of your own by the path of its file. Raises UsageError that says which
    names there are, or which key of the file is wrong."""
    path = SCENARIOS / f"{name}.yaml" if name in names() else Path(name)
    if not path.is_file():
        raise UsageError(f"there is no scenario {name!r}: one of {', '.join(names())}, or the path of a YAML file")
    try:
        values = yaml_files.read(path.read_bytes())
        scenario = Scenario.model_validate(values)
    except (OSError, yaml_files.NotYaml) as error:
        raise UsageError(f"scenario {path}: not YAML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"scenario {path}: {key}: {first['msg']}") from None
    if theirs := OWN_KEYS & set(scenario.feed):
        raise UsageError(f"scenario {path}: feed.{min(theirs)} follows from hours, posts, --speed and --seed")
    if script := scenario.feed.get("script"):
        beside = (path.parent / str(script)).absolute()
        scenario = scenario.model_copy(update={"feed": scenario.feed | {"script": str(beside)}})
    return scenario
