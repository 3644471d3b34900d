"""One episode as it is remembered: what its posts say together, without any of their text."""

from __future__ import annotations

import msgspec

from udfs.episodes.site import Site

MOST_EVIDENCE = 20
MOST_CALLERS = 500
"""Callers that are told apart; more are as urgent as this."""

PostKey = tuple[str, str]
"""(platform, post_id)"""


class Episode(msgspec.Struct):
    """Times are ms since the epoch. ``site`` None: no post names a place. Tokens of callers are only compared."""

    episode_id: str
    kind: str
    site: Site | None = None
    needs: list[str] = []
    hazards: list[str] = []
    items: list[str] = []
    people: int | None = None
    vulnerable: list[str] = []
    priority: int = 4
    caller_tokens: list[str] = []
    phones: dict[str, str] = {}
    """Number token -> author token of its first post."""
    relays: int = 0
    posts: int = 0
    first_at: int = 0
    last_at: int = 0
    last_call_at: int = 0
    first_posted_at: int = 0
    last_posted_at: int = 0
    taken_at: int = 0
    """Store time of its last post: what is taken up again longest ago is forgotten first."""
    claims: int = 0
    denials: int = 0
    official: bool = False
    """An authority claims the hazard."""
    proposed: str = ""
    proposed_by: PostKey = ("", "")
    proposed_at: int = 0
    evidence: list[tuple[int, int, str, str]] = []
    """(weight, time, platform, post_id) of at most MOST_EVIDENCE posts: own calls before relays, new before old."""
    keys: list[str] = []
    """Under which it is found."""
    related: list[str] = []
    """Episodes elsewhere that share a number with it."""
    also: list[Site] = []
    """Other places that people put into it by a merge."""

    @property
    def sites(self) -> list[Site]:
        """All places it has; none yet where no post names one."""
        return [*([self.site] if self.site else ()), *self.also]

    @property
    def callers(self) -> int:
        return len(self.caller_tokens)

    @property
    def reachable(self) -> bool:
        """Whether a place below the county or a number is known."""
        return bool(self.phones) or (self.site is not None and (self.site.deep or self.site.level == "town"))

    @property
    def standing(self) -> str:
        """Of a hazard: unverified, official (an authority claims it and nobody denies it), or contested."""
        if self.kind != "hazard":
            return ""
        if self.denials:
            return "contested"
        return "official" if self.official else "unverified"

    def add_evidence(self, weight: int, at: int, key: PostKey) -> None:
        """Keep the best posts: heavier ones first, of equal ones the newest, and the first of all."""
        self.evidence.append((weight, at, *key))
        if len(self.evidence) > MOST_EVIDENCE:
            first = self.evidence[0]
            rest = sorted(self.evidence[1:], key=lambda e: (e[0], e[1], e[2], e[3]), reverse=True)
            self.evidence = [first, *rest[: MOST_EVIDENCE - 1]]

    def add_caller(self, token: str) -> None:
        """Count a number or poster once; nothing is counted beyond MOST_CALLERS."""
        if token and token not in self.caller_tokens and len(self.caller_tokens) < MOST_CALLERS:
            self.caller_tokens.append(token)
