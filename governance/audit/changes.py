"""Changes of rules, settings and what is deployed: an entry whenever the state differs from the one last recorded.

The writer is ``changes``, for all processes of a home: the newest entry of an action says what is in force. That is
asked and answered under the writer's lock, so ten workers that take up an edited rule file write one entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from governance.audit.journal import canonical
from governance.audit.ledger import AuditEntry, Ledger, now_ms

WRITER = "changes"
_WHOLE = 2_000
"""Bytes of a state that stands whole in its entry: its names may all stand there twice more."""
RULES, SETTINGS, DEPLOY = "rules.change", "settings.change", "deploy"


def note_change(
    home: Path,
    actor: str,
    action: str,
    subject: str,
    state: Mapping[str, str],
    clock: Callable[[], int] = now_ms,
) -> AuditEntry | None:
    """Record ``state`` (name -> value or digest; no secret, no post) unless it is what was last recorded.

    The entry holds the whole state, and by name what was ``added``, ``changed`` and ``removed``; of a state that does
    not fit an entry (some 60 names) its digest and the number of names. Returns None when nothing differs. Raises
    OSError for a full disk.
    Cost: 0.1 ms, and a look through the entries of this writer back to the last of this action.
    """
    whole = canonical(dict(state))
    if len(whole) > _WHOLE:
        state = {"sha256": hashlib.sha256(whole).hexdigest(), "names": str(len(state))}
    with Ledger(home, WRITER, clock) as ledger, ledger.exclusive():
        same = (entry for entry in ledger.newest_first() if (entry.action, entry.subject) == (action, subject))
        before = next(map(_state, same), None)
        if before == state:
            return None
        known = before or {}
        return ledger.append(
            actor,
            action,
            subject,
            {
                "state": [f"{name}={value}" for name, value in sorted(state.items())],
                "added": sorted(state.keys() - known.keys()) if before is not None else [],
                "changed": sorted(name for name in state.keys() & known.keys() if state[name] != known[name]),
                "removed": sorted(known.keys() - state.keys()),
            },
        )


def _state(entry: AuditEntry) -> dict[str, str]:
    held = entry.detail.get("state")
    pairs = (item.partition("=") for item in held) if isinstance(held, list) else ()
    return {name: value for name, _, value in pairs}
