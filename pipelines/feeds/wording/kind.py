"""What the wording of one kind of emergency consists of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pipelines.feeds.draft import Facts


@dataclass(frozen=True)
class Situation:
    """What has happened to the callers, and what follows from it by the contract's definitions."""

    weight: int
    needs: tuple[str, ...]
    priority: int
    templates: tuple[str, ...]
    hazards: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    home: bool = True
    """It happened at the callers' home: a household detail may stand in the address."""
    emotion: str = "fear"


@dataclass(frozen=True)
class Echo:
    """What else is said of it, by people who call for nothing."""

    kind: str
    sentiment: str
    emotion: str
    weight: int
    templates: tuple[str, ...]
    needs: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    source_kind: str = "other"
    platform: str = ""

    @property
    def priority(self) -> int:
        return 3 if self.needs or self.hazards else 4

    @cached_property
    def facts(self) -> Facts:
        return Facts(
            self.kind,
            self.sentiment,
            self.emotion,
            language="en" if self.kind == "english" else "zh",
            needs=self.needs,
            hazards=self.hazards,
            source_kind=self.source_kind,
            state="open" if self.needs else None,
            priority=self.priority,
        )


Spots = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of places, and templates of the household detail behind them."""


@dataclass(frozen=True)
class Kind:
    """Templates; the slots of a call stand in `flood`."""

    situations: tuple[Situation, ...]
    echoes: tuple[Echo, ...]
    tags: tuple[str, ...]
    openings: tuple[str, ...]
    still: tuple[str, ...]
    """Openings of a call that is made again."""
    closed: tuple[str, ...]
    partial: tuple[str, ...]
    unclear: tuple[str, ...]
    homes: tuple[Spots, ...]
    public: tuple[Spots, ...]
    closings: tuple[str, ...]
    where: tuple[str, ...]
    contacts: tuple[str, ...]
    copied: tuple[str, ...]
    forwarded: tuple[str, ...]
    towns: tuple[str, ...]
    form_parts: tuple[str, str, str, str] | None = None
    """What volunteers write, where they do: heading, place, between, tail."""
    call: str = "call"
    denies: Facts | None = None
    """Who says that it is over is an office, which denies it."""

    @property
    def form(self) -> bool:
        return self.form_parts is not None

    @cached_property
    def drawn(self) -> tuple[Situation, ...]:
        return tuple(one for one in self.situations for _ in range(one.weight))

    @cached_property
    def echoed(self) -> tuple[Echo, ...]:
        return tuple(one for one in self.echoes for _ in range(one.weight))

    def templates(self) -> list[str]:
        """Every template, for the count of forms and for the tests."""
        own = [text for one in self.situations for text in one.templates]
        own += [text for one in self.echoes for text in one.templates]
        parts = (
            self.tags, self.openings, self.still, self.closed, self.partial, self.unclear, self.closings, self.where,
            self.contacts, self.copied, self.forwarded, self.form_parts or (),
        )  # fmt: skip
        return own + [text for part in parts for text in part]
