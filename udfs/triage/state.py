"""How a call stands: open, partly answered, closed, or not to be told.

"如已获救联系我删" is a condition, not an answer: the lexicon's `done` words do not count behind a condition, a wish or
a negation. Done together with what remains is partial.
"""

from __future__ import annotations

from udfs.triage.evidence import Evidence


def state_of(evidence: Evidence, needs: frozenset[str], hazards: list[str]) -> tuple[str, str]:
    """Return the state and why."""
    kinds = evidence.kinds("state")
    done = kinds.get("done") or kinds.get("withdrawn")
    if done:
        kind = "done" if kinds.get("done") else "withdrawn"
        if kinds.get("partly") or kinds.get("under_way") or (kinds.get("remaining") and not kinds.get("withdrawn")):
            return "partial", f"answered ({evidence.words('state', kind)}), but not for all"
        return "closed", f"answered: {evidence.words('state', kind)}"
    for kind in ("partly", "under_way"):
        if kinds.get(kind) and (needs or hazards):
            return "partial", f"under way: {evidence.words('state', kind)}"
    if kinds.get("doubtful"):
        return "unclear", f"asks how it went: {evidence.words('state', 'doubtful')}"
    if kinds.get("rumoured") and not needs:
        return "unclear", f"hearsay: {evidence.words('state', 'rumoured')}"
    if needs or hazards:
        return "open", "nothing says it was answered"
    return "unclear", "no call and no hazard"
