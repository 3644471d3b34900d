"""A generated post with all that is known of it, before it becomes a line."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.feeds.grammar import Segment


@dataclass(frozen=True)
class Draft:
    """Values are those of the contract's scored post; None where the contract leaves the answer open."""

    kind: str
    """Subject of an everyday post (food, trap, ...), or call, copy, forward, near_copy, update, offer, news, ..."""
    sentiment: str
    emotion: str
    text: Segment
    platform: str
    author: str
    language: str = "zh"
    region: str | None = None
    needs: tuple[str, ...] = ()
    """Strongest first."""
    hazards: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    people: int | None = None
    adcode: str | None = None
    """Of the smallest division that the text names: a county, else a city."""
    source_kind: str = "other"
    state: str | None = None
    priority: int | None = 4
    episode: int | None = None
    copy_of: int | None = None
    """Index of the post whose content it repeats."""
    repost: bool = False
    """It says so in `repost_of`."""
