"""Roles, people, grants: may this person do this now?

Duties are separated: whoever reveals cannot audit, an administrator sees no identifier and does not audit. Two roles
in conflict are refused when they are granted, and should both be active all the same (a file edited by hand), neither
works. Grants expire by themselves. A decision says why, in words fit for the audit entry.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from governance.classes import DataClass
from schemas.errors import UsageError, YuqingError


class AccessRefused(YuqingError):
    """Not allowed; the refusal stands in the audit ledger. The message says what would be needed."""


@dataclass(frozen=True)
class Role:
    """What a role is for and the highest data class it may see."""

    purpose: str
    ceiling: DataClass


ROLES: Mapping[str, Role] = {
    "viewer": Role("looks at dashboards and the brief", DataClass.L2),
    "analyst": Role("asks the views by SQL", DataClass.L2),
    "operator": Role("runs jobs, acknowledges alerts, starts and ends emergencies", DataClass.L2),
    "rescuer": Role("reveals identifiers of people who asked for help, answers requests of persons", DataClass.L4),
    "officer": Role("reviews applications and signs decisions on them, releases intercepted options", DataClass.L4),
    "auditor": Role("verifies and reads the audit ledger, reviews reveals, sets holds", DataClass.L3),
    "admin": Role("people and grants, rules, settings, deployments", DataClass.L2),
}

ACTIONS: Mapping[str, frozenset[str]] = {
    "look": frozenset(ROLES),
    "query.views": frozenset({"analyst", "operator"}),
    "query.base": frozenset({"operator"}),
    "job.operate": frozenset({"operator"}),
    "dlq.retry": frozenset({"operator"}),
    "alert.ack": frozenset({"operator", "rescuer"}),
    "episode.see": frozenset({"operator", "rescuer"}),
    "episode.act": frozenset({"operator", "rescuer"}),
    "episode.export": frozenset({"operator", "rescuer"}),
    "reveal": frozenset({"rescuer"}),
    "reveal.approve": frozenset({"operator", "rescuer"}),
    "emergency.start": frozenset({"operator"}),
    "emergency.approve": frozenset({"operator", "admin"}),
    "emergency.end": frozenset({"operator", "auditor"}),
    "subject.find": frozenset({"rescuer"}),
    "subject.delete": frozenset({"rescuer"}),
    "subject.correct": frozenset({"rescuer"}),
    "hold.set": frozenset({"auditor"}),
    "hold.lift": frozenset({"auditor"}),
    "hold.list": frozenset({"auditor"}),
    "application.see": frozenset({"officer"}),
    "application.review": frozenset({"officer"}),
    "automation.stop": frozenset({"officer", "operator"}),
    "automation.close": frozenset({"officer"}),
    "policy.release": frozenset({"officer"}),
    "policy.tables": frozenset({"analyst", "officer"}),
    "audit.verify": frozenset({"auditor"}),
    "audit.show": frozenset({"auditor"}),
    "reveal.review": frozenset({"auditor"}),
    "access.grant": frozenset({"admin"}),
    "access.list": frozenset({"admin", "auditor"}),
    "keys.rotate": frozenset({"admin"}),
    "keys.list": frozenset({"admin", "auditor"}),
    "rules.change": frozenset({"admin"}),
    "settings.change": frozenset({"admin"}),
    "deploy": frozenset({"admin"}),
}

CONFLICTS: Mapping[frozenset[str], str] = {
    frozenset({"rescuer", "auditor"}): "who reveals cannot audit",
    frozenset({"officer", "auditor"}): "who signs decisions cannot audit them",
    frozenset({"admin", "officer"}): "an administrator sees no identifiers",
    frozenset({"admin", "rescuer"}): "an administrator sees no identifiers",
    frozenset({"admin", "auditor"}): "who grants rights does not audit their use",
}

NOT_ABOUT_ONESELF = frozenset(
    {"audit.show", "reveal.review", "reveal.approve", "emergency.approve", "access.grant", "policy.release"}
)

EMBEDDED_NOTICE = (
    "embedded mode: one account of the operating system holds keys, data and ledger, so no duties are separated"
)


@dataclass(frozen=True)
class Grant:
    """A role from ``since`` until ``until`` (ms, exclusive; None: until revoked)."""

    role: str
    granted_by: str
    since: int
    until: int | None = None

    def active(self, now: int) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True)
class Person:
    """Someone who has shown their own token (``governance.people``), or the one user of an embedded home."""

    name: str
    grants: tuple[Grant, ...] = ()
    embedded: bool = False

    def roles(self, now: int) -> frozenset[str]:
        """Roles that are active now."""
        return frozenset(grant.role for grant in self.grants if grant.active(now))


@dataclass(frozen=True)
class Decision:
    """Allowed or not, and why; true when allowed."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


def authorise(person: Person, action: str, now: int, about: str | None = None) -> Decision:
    """May ``person`` do ``action`` at ``now`` (ms)? ``about``: whose reveal, grant or request it concerns.

    Never raises: what is not known is not allowed.
    """
    allowed_roles = ACTIONS.get(action)
    if allowed_roles is None:
        return Decision(False, f"there is no action {action}")
    if about == person.name and action in NOT_ABOUT_ONESELF:
        return Decision(False, f"{action} needs another person than {person.name}")
    if person.embedded:
        return Decision(True, EMBEDDED_NOTICE)
    active = person.roles(now)
    fitting = active & allowed_roles
    for pair, why in CONFLICTS.items():
        if pair <= active and pair & fitting:
            return Decision(False, f"{person.name} holds {' and '.join(sorted(pair))}: {why}")
    if fitting:
        return Decision(True, f"{person.name} is {min(fitting)}")
    lapsed = [grant for grant in person.grants if grant.role in allowed_roles and not grant.active(now)]
    if lapsed:
        return Decision(False, _not_now(person, max(lapsed, key=lambda grant: grant.since), now))
    return Decision(
        False, f"{action} needs the role {' or '.join(sorted(allowed_roles))}; {person.name} has none of it"
    )


def may_see(person: Person, data_class: str, now: int) -> Decision:
    """May ``person`` see data of ``data_class`` through any of their roles? For L4 an audited reveal comes on top."""
    if person.embedded:
        return Decision(True, EMBEDDED_NOTICE)
    active = person.roles(now)
    for pair, why in CONFLICTS.items():
        if pair <= active:
            return Decision(False, f"{person.name} holds {' and '.join(sorted(pair))}: {why}")
    ceiling = max((ROLES[role].ceiling for role in active if role in ROLES), default=None)
    if ceiling is None or data_class not in list(DataClass) or DataClass(data_class) > ceiling:
        return Decision(False, f"{person.name} is cleared up to {ceiling or 'nothing'}, not {data_class}")
    return Decision(True, f"{person.name} is cleared up to {ceiling}")


def check_grant(person: Person, grant: Grant) -> None:
    """Raises AccessRefused when ``grant`` to ``person`` is from themselves or in conflict with another of their roles,
    UsageError when there is no such role or the time makes no sense."""
    if grant.role not in ROLES:
        raise UsageError(f"there is no role {grant.role!r}; roles are {', '.join(ROLES)}")
    if grant.granted_by == person.name:
        raise AccessRefused(f"{person.name} cannot grant a role to themselves: another admin must")
    if grant.until is not None and grant.until <= grant.since:
        raise UsageError(f"the grant of {grant.role} to {person.name} would end before it begins")
    for other in person.grants:
        why = CONFLICTS.get(frozenset({grant.role, other.role}))
        overlap = (other.until is None or grant.since < other.until) and (
            grant.until is None or other.since < grant.until
        )
        if why and overlap:
            raise AccessRefused(f"{person.name} is {other.role} at that time and cannot be {grant.role}: {why}")


def _not_now(person: Person, grant: Grant, now: int) -> str:
    if now < grant.since:
        return f"the grant of {grant.role} to {person.name} begins at {_utc(grant.since)}"
    return f"the grant of {grant.role} to {person.name} ended at {_utc(grant.until or now)}"


def _utc(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ms / 1000))
