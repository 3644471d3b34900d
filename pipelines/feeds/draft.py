"""A generated post with all that is known of it, before it becomes a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pipelines.feeds.cities import City
from pipelines.feeds.grammar import Segment, segment


@dataclass(frozen=True)
class Facts:
    """What is true of every post made from the same wording. Values are those of the contract's scored post; None where
    the contract leaves the answer open."""

    kind: str
    """Subject of an everyday post (food, trap, ...), or call, copy, forward, near_copy, update, offer, news, ..."""
    sentiment: str
    """What is meant, not what is said."""
    emotion: str
    language: str = "zh"
    needs: tuple[str, ...] = ()
    """Strongest first."""
    hazards: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    source_kind: str = "other"
    state: str | None = None
    priority: int | None = 4
    sarcasm: bool = False


class Draft(NamedTuple):
    facts: Facts
    marked: str
    """The text with the signs of `grammar` around its identifiers and places."""
    platform: str
    author: str
    region: str | None = None
    place: str | City | None = None
    """Adcode of the smallest division that the text names; or a city of which it names at most one division."""
    people: int | None = None
    episode: str | None = None
    """After the seed: its number, behind that of its incident where a script has several."""
    incident: str | None = None
    """Name of the scripted incident."""
    copy_of: int | None = None
    """Index of the post whose content it repeats."""
    repost: bool = False
    """It says so in `repost_of`."""
    first: bool = False
    """It opens its episode."""

    @property
    def text(self) -> Segment:
        """The text as it is posted, and where its marked parts are."""
        return segment(self.marked)
