"""A named person lets an intercepted option go on to be weighed beside the others.

The risk gate (``udfs.choice``) intercepts an option that breaches a red line or lies beyond the evidence. That is no
verdict: a person may know why it should be weighed all the same. Who ran the simulation may not be that person, and
what cannot be (a legal threshold is missed) nobody can release. The audit entry is on the disk before a release takes
effect; a refusal is written down too.
"""

from __future__ import annotations

from datetime import UTC, datetime

from governance.audit import AuditEntry, Ledger
from governance.roles import EMBEDDED_NOTICE, AccessRefused, Person, authorise
from schemas.errors import UsageError
from schemas.policy import Release, Simulation

ACTION = "policy.release"
INTERCEPTED = "intercepted"
MIN_REASON = 10
"""Characters: shorter reasons ("同意", "ok") say nothing to whoever reads the report."""
MOST_REASON = 500
"""An audit entry holds 4,096 bytes, a character of Chinese is three."""


def release(
    simulation: Simulation, option: str, reason: str, person: Person, *, submitted_by: str, ledger: Ledger, now: int
) -> Release:
    """The release of ``option``, once its entry stands in ``ledger``.

    ``submitted_by``: who ran the simulation; "" when it is not known. ``now``: ms since the epoch. Guarantees:

    * an option of a run is released once. Asked again for one whose entry stands in the ledger but not in the
      simulation (the command died in between), that first release comes back: its person, reason and time;
    * in embedded mode one account is everybody, so it may release what it ran; the entry then says that no duties were
      separated.

    Raises AccessRefused (no officer, or the one who ran it; written down), and UsageError: no such option, not
    intercepted, released already, a reason of fewer than 10 characters.
    """
    subject = f"{simulation.run}/{option}"
    why = _not_allowed(person, submitted_by, now)
    if why:
        ledger.append(person.name, f"{ACTION}.refused", subject, {"why": why})
        raise AccessRefused(why)
    reason = " ".join(reason.split())
    _check(simulation, option, reason)
    with ledger.exclusive():
        entry = _earlier(ledger, subject)
        if entry is None:
            detail: dict[str, str | int | float | bool | list[str] | None] = {
                "why": reason,
                "submitted_by": submitted_by,
                "findings": sorted({one.code[:60] for one in simulation.findings if one.option == option})[:8],
            }
            if person.embedded:
                detail["notice"] = EMBEDDED_NOTICE
            entry = ledger.append(person.name, ACTION, subject, detail)
    at = datetime.fromtimestamp(entry.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Release(option, entry.actor, str(entry.detail["why"]), at, entry.id)


def _not_allowed(person: Person, submitted_by: str, now: int) -> str:
    """Why not; "" when they may."""
    # in embedded mode everything is about the one account there is
    decision = authorise(person, ACTION, now, None if person.embedded else submitted_by)
    if decision and not person.embedded and not submitted_by.strip():
        return f"{ACTION} needs another person than the one who ran the simulation, and who that was is not known"
    return "" if decision else decision.reason


def _check(simulation: Simulation, option: str, reason: str) -> None:
    states = {one.option: one.state for one in simulation.standings}
    if option not in states:
        raise UsageError(f"run {simulation.run} has no option {option[:80]!r}; it has {', '.join(states)}")
    if states[option] == "released" or any(one.option == option for one in simulation.releases):
        raise UsageError(f"option {option!r} of run {simulation.run} is released already")
    if states[option] != INTERCEPTED:
        can = [name for name, state in states.items() if state == INTERCEPTED]
        raise UsageError(
            f"option {option!r} is {states[option]}; only what is intercepted can be released"
            + (f": {', '.join(can)}" if can else ", and this run has nothing of that kind")
        )
    if not MIN_REASON <= len(reason) <= MOST_REASON:
        raise UsageError(
            f"--reason has {len(reason)} characters; {MIN_REASON} to {MOST_REASON} are wanted: why the option should be"
            " weighed although it was intercepted"
        )


def _earlier(ledger: Ledger, subject: str) -> AuditEntry | None:
    for entry in ledger.newest_first():
        if entry.action == ACTION and entry.subject == subject:
            return entry
    return None
