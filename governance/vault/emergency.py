"""Emergency sessions: a region and some hours in which open calls for help may be revealed in batches.

The audit ledger is their only record: what is not written there did not begin. They end by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from governance.audit import AuditEntry, Ledger
from governance.classes import DAY_MS
from governance.roles import AccessRefused, Person, authorise
from governance.vault.policy import RevealPolicy
from governance.vault.rows import VaultStore
from schemas.errors import UsageError, YuqingError

HOUR_MS = 3_600_000
START, END, LAPSED = "emergency.start", "emergency.end", "emergency.lapsed"
_LOOK_BACK_MS = 60 * DAY_MS  # longest session is 30 days; one that lapsed unseen is still found


@dataclass(frozen=True)
class Emergency:
    """A session; ``id`` is that of its audit entry. ``region``: adcode prefix (2, 4 or 6 digits)."""

    id: str
    region: str
    since: int
    until: int
    started_by: str
    approved_by: str

    def covers(self, adcode: str, now: int) -> bool:
        return self.since <= now < self.until and adcode.startswith(self.region)


class Emergencies:
    """Starts, finds and ends sessions. ``ledger`` must be the vault's own writer."""

    def __init__(self, store: VaultStore, ledger: Ledger, policy: RevealPolicy, clock: Callable[[], int]) -> None:
        self._store, self._ledger, self._policy, self._clock = store, ledger, policy, clock

    def start(self, person: Person, region: str, hours: int, approved_by: Person, reason: str) -> Emergency:
        """Begin a session for ``region`` (adcode: 41, 4101, 410105, or in six digits 410000, 410100).

        Raises AccessRefused, audited, unless another authorised person approved; UsageError for wrong arguments.
        """
        prefix = region_prefix(region)
        if not 1 <= hours <= self._policy.emergency_max_hours:
            raise UsageError(f"--hours is {hours}; the policy allows 1 to {self._policy.emergency_max_hours}")
        if not reason.strip():
            raise UsageError("an emergency needs a reason")
        now = self._clock()
        for decision in (
            authorise(person, START, now),
            authorise(approved_by, "emergency.approve", now, about=person.name),
        ):
            if not decision:
                self._ledger.append(person.name, "emergency.refused", f"region {prefix}", {"why": decision.reason})
                raise AccessRefused(decision.reason)
        until = now + hours * HOUR_MS
        entry = self._ledger.append(
            person.name,
            START,
            f"region {prefix}",
            {"region": prefix, "until": until, "approved_by": approved_by.name, "reason": reason},
        )
        self._ledger.seal()
        return _emergency(entry)

    def active(self, adcodes: tuple[str, ...] = ()) -> list[Emergency]:
        """Sessions that run now; with ``adcodes`` those that cover one of them."""
        now = self._clock()
        running = [one for one in self._unended() if one.since <= now < one.until]
        return [one for one in running if any(one.covers(code, now) for code in adcodes)] if adcodes else running

    def end(self, person: Person, emergency_id: str, reason: str) -> int:
        """End a session early. From now its region's vault values live N days at most, unless held.

        Returns how many values got a nearer end. Raises AccessRefused (audited) or UsageError for an unknown id.
        """
        found = next((one for one in self._unended() if one.id == emergency_id), None)
        if found is None:
            raise UsageError(f"no emergency {emergency_id!r} is running; see `yuqing emergency list`")
        decision = authorise(person, END, self._clock())
        if not decision:
            self._ledger.append(person.name, "emergency.refused", emergency_id, {"why": decision.reason})
            raise AccessRefused(decision.reason)
        return self._close(found, person.name, END, reason)

    def close_lapsed(self) -> int:
        """Do for sessions whose time ran out what ``end`` does; any command may call it. Returns how many."""
        now = self._clock()
        lapsed = [one for one in self._unended() if one.until <= now]
        for one in lapsed:
            self._close(one, "clock", LAPSED, "its time ran out")
        return len(lapsed)

    def _close(self, emergency: Emergency, actor: str, action: str, reason: str) -> int:
        # 1. values first, entry last: killed in between, the session is still unended and closing it again is harmless
        now = self._clock()
        ended = min(now, emergency.until)
        expires_at = ended + self._policy.expire_days_after_emergency * DAY_MS
        rows = self._store.rows_in_region(emergency.region, emergency.since, ended)
        sooner = [row.expiring(expires_at) for row in rows if expires_at < row.expires_at]
        if sooner:
            self._store.put(sooner)
        # 2.
        self._ledger.append(
            actor, action, emergency.id, {"reason": reason, "values": len(sooner), "expires_at": expires_at}
        )
        return len(sooner)

    def _unended(self) -> list[Emergency]:
        """Sessions without an end entry, newest first."""
        ended: set[str] = set()
        found = []
        for entry in recent(self._ledger, self._clock() - _LOOK_BACK_MS):
            if entry.action in (END, LAPSED):
                ended.add(entry.subject)
            elif entry.action == START and entry.id not in ended:
                found.append(_emergency(entry))
        return found


def region_prefix(region: str) -> str:
    """``410100`` -> ``4101``: the digits that all adcodes of the region share. Raises UsageError for anything else."""
    if not re.fullmatch(r"[1-9]\d(\d\d){0,2}", region):
        raise UsageError(f"--region is {region!r}; give the adcode of a province, city or county, such as 410100")
    while len(region) > 2 and region.endswith("00"):
        region = region[:-2]
    return region


def recent(ledger: Ledger, since: int) -> Iterator[AuditEntry]:
    """Entries of the ledger's writer from now back to ``since`` (ms), newest first."""
    for entry in ledger.newest_first():
        if entry.at < since:
            return
        yield entry


def _emergency(entry: AuditEntry) -> Emergency:
    detail = entry.detail
    until = detail["until"]
    if not isinstance(until, int):
        raise YuqingError(f"audit entry {entry.id} has no end time: run `yuqing audit verify`")
    return Emergency(entry.id, str(detail["region"]), entry.at, until, entry.actor, str(detail["approved_by"]))
