"""Circuit breaker of automatic approval: when what it sees leaves its bands, every application goes to a person.

``judge`` is a pure function of the state, what happened since it was last closed, and the bands (``schemas.settings``).
Four things have bands: how sure OCR is, how many applications are not approved (too many, and suspiciously few), how
often an officer decides otherwise than the machine, and how long an answer takes. Each is a share of applications
against a limit, and the band is left when as many as were seen, or more, would come with a probability of at most
``doubt`` if the true share stood exactly at the limit (one-sided exact binomial test). So three slow applications open
nothing, and a share that swings about its limit seldom does.

Closed means that the machine may approve. Once open it stays open, whatever comes, until a named person closes it; then
a new *epoch* begins, and nothing of an older epoch is looked at again. Epochs are counted, not timed, so a clock that
is set back makes nobody blind. The whole of an epoch is judged again each time: stopping at the first doubtful look
makes false alarms more frequent than ``doubt``, which is why the limits stand well away from what is normal.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from governance.audit import AuditEntry, Ledger, now_ms
from governance.roles import AccessRefused, Person, authorise
from schemas.applications import APPROVE, REFER, Reading
from schemas.errors import UsageError
from schemas.settings import Bands

CLOSED, OPEN = "closed", "open"
WRITER = "automation"
OPENED, STOPPED, RESUMED = "automation.opened", "automation.stop", "automation.close"
SUBJECT = "automatic approval"
BREAKER = "breaker"
"""In ``State.by``: nobody opened it, the figures did."""
MIN_REASON = 4

NO_DOUBT = frozenset({"audit_sample", "breaker"})
"""Reasons of a referral that say nothing against the application: without them it would have been approved."""


@dataclass(frozen=True)
class Outcome:
    """What the breaker looks at of one application."""

    decision: str
    """What the machine would do alone: see ``would``."""
    seconds: float
    ocr_confidence: float | None = None
    """Mean confidence of the worst page that was read by OCR; None without one."""
    agreed: bool | None = None
    """Whether an officer decided as the machine would; None before a review and where the machine took no side."""
    epoch: int = 0
    """Of the state under which it was decided."""
    at: int = 0
    """When it was decided (ms); for people only, nothing here depends on it."""


class State(msgspec.Struct, frozen=True):
    """Whether the machine may approve, since when and why. JSON by msgspec; ``epoch`` rises with every closing."""

    state: str = CLOSED
    epoch: int = 0
    at: int = 0
    """ms since the epoch of Unix."""
    why: tuple[str, ...] = ()
    """Codes with figures (``referral_high: 80 of 100, limit 0.70``) or what a person gave as the reason."""
    by: str = ""
    """``breaker``, the name of a person, or "" before anything happened."""

    @property
    def automatic(self) -> bool:
        return self.state == CLOSED


@dataclass(frozen=True)
class Band:
    """A share against its limit: ``hits`` of ``of``. ``side``: +1 when more would be wrong, -1 when fewer would."""

    name: str
    hits: int
    of: int
    limit: float
    side: int = 1

    def doubt(self) -> float:
        """Probability of so many hits or more (fewer, for ``side`` -1) if the share stood at the limit."""
        if self.side > 0:
            return _tail(self.of, self.limit, self.hits, self.of)
        return _tail(self.of, self.limit, 0, self.hits)

    def __str__(self) -> str:
        return f"{self.name}: {self.hits} of {self.of}, limit {self.limit:g}"


@dataclass(frozen=True)
class Verdict:
    """``state`` is what holds from now; ``why`` is empty unless it opens now."""

    state: State
    why: tuple[str, ...] = ()

    @property
    def opens(self) -> bool:
        return bool(self.why)


def judge(state: State, history: Sequence[Outcome], bands: Bands, now: int) -> Verdict:
    """Whether automatic approval may go on.

    ``history``: what was decided, oldest first; what belongs to another epoch than ``state`` is ignored, so callers may
    pass too much. Depends on nothing else. Cost: some 0.2 ms for 500 outcomes.
    """
    if not state.automatic:
        return Verdict(state)
    seen = [one for one in history if one.epoch == state.epoch]
    left = [str(band) for band in watched(seen, bands) if band.doubt() <= bands.doubt]
    if not left:
        return Verdict(state)
    return Verdict(State(OPEN, state.epoch, now, tuple(left), BREAKER), tuple(left))


def watched(history: Sequence[Outcome], bands: Bands) -> list[Band]:
    """The bands that there is enough history for, each as far as its limit goes."""
    latest = history[-bands.window :]
    read = [one.ocr_confidence for one in latest if one.ocr_confidence is not None]
    reviews = [one.agreed for one in history if one.agreed is not None][-bands.reviews :]
    found = []
    if len(read) >= bands.minimum:
        # the median lies below when more than half do; `not >=`, here and below, so that not-a-number is no good news
        low = sum(not confidence >= bands.ocr_confidence for confidence in read)
        found.append(Band(f"ocr_confidence below {bands.ocr_confidence:g}", low, len(read), 0.5))
    if len(latest) >= bands.minimum:
        kept = sum(one.decision != APPROVE for one in latest)
        slow = sum(not one.seconds <= bands.p95_seconds for one in latest)
        found += [
            Band("referral_high", kept, len(latest), bands.referral_high),
            Band("referral_low", kept, len(latest), bands.referral_low, -1),
            Band(f"slower than {bands.p95_seconds:g} s", slow, len(latest), 0.05),
        ]
    if len(reviews) >= bands.reviews_minimum:
        found.append(Band("disagreement", reviews.count(False), len(reviews), bands.disagreement))
    return found


def would(decision: str, reasons: Sequence[str]) -> str:
    """What the machine says of the application itself: a referral for the audit sample or an open breaker alone is an
    approval."""
    return APPROVE if decision == REFER and reasons and NO_DOUBT.issuperset(reasons) else decision


def ocr_confidence(reading: Reading) -> float | None:
    """Mean confidence of the lines of the worst page that was read by OCR; None without such a page.

    A page on which OCR found nothing says nothing of its confidence: it is blank, and that is reading's to tell.
    """
    pages = [page.lines for page in reading.pages if page.source == "ocr" and page.lines]
    return min((statistics.fmean(line.confidence for line in lines) for lines in pages), default=None)


def stop(state: State, person: Person, reason: str, now: int) -> State:
    """Open it by hand. Raises AccessRefused, and UsageError without a reason or when it is open already."""
    _may(person, STOPPED, reason, now)
    if not state.automatic:
        raise UsageError("automatic approval is stopped already")
    return State(OPEN, state.epoch, now, (reason.strip(),), person.name)


def close(state: State, person: Person, reason: str, now: int) -> State:
    """Let the machine approve again, in a new epoch. Raises AccessRefused, and UsageError without a reason or when it
    is not open."""
    _may(person, RESUMED, reason, now)
    if state.automatic:
        raise UsageError("automatic approval is not stopped")
    return State(CLOSED, state.epoch + 1, now, (reason.strip(),), person.name)


def note_opening(home: Path, state: State, clock: Callable[[], int] = now_ms) -> AuditEntry:
    """Write that automatic approval stopped: by the breaker, or by the person named in ``state``."""
    action = OPENED if state.by == BREAKER else STOPPED
    return _note(home, action, state.by, {"why": list(state.why), "epoch": state.epoch}, clock)


def note_closing(home: Path, state: State, clock: Callable[[], int] = now_ms) -> AuditEntry:
    """Write who lets the machine approve again and why; before the new state is stored, so that none is unexplained."""
    return _note(home, RESUMED, state.by, {"why": list(state.why), "epoch": state.epoch}, clock)


def note_refusal(
    home: Path, person: Person, action: str, error: AccessRefused, clock: Callable[[], int] = now_ms
) -> AuditEntry:
    """Write that ``stop`` or ``close`` (``action``: STOPPED, RESUMED) was refused."""
    return _note(home, f"{action}.refused", person.name, {"why": str(error)}, clock)


def _may(person: Person, action: str, reason: str, now: int) -> None:
    decision = authorise(person, action, now)
    if not decision:
        raise AccessRefused(decision.reason)
    if not person.name.strip() or len(reason.strip()) < MIN_REASON:
        raise UsageError(f"needs a person and --reason (at least {MIN_REASON} characters): what was found and mended")


def _note(
    home: Path, action: str, actor: str, detail: dict[str, str | int | float | bool | list[str] | None],
    clock: Callable[[], int],
) -> AuditEntry:  # fmt: skip
    with Ledger(home, WRITER, clock) as ledger:
        return ledger.append(actor, action, SUBJECT, detail)


def _tail(of: int, share: float, first: int, last: int) -> float:
    """P(first <= X <= last) for X ~ Binomial(of, share), by logarithms: exact to some 1e-10."""
    if share <= 0:
        return float(first <= 0)
    if share >= 1:
        return float(last >= of)
    up, down = math.log(share), math.log1p(-share)
    whole = math.lgamma(of + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(hits + 1) - math.lgamma(of - hits + 1) + hits * up + (of - hits) * down)
        for hits in range(first, last + 1)
    )
