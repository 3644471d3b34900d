"""How a call stands: open, partly answered, closed, or not to be told.

"如已获救联系我删" is a condition, not an answer: the lexicon's `done` words do not count behind a condition, a wish or
a negation. Done together with what remains is partial.
"""

from __future__ import annotations

from collections.abc import Sequence

from udfs.triage.evidence import Evidence, Finding

NO_CALL = Finding("unclear", "no call and no hazard", evident=False)


def state_of(evidence: Evidence, needs: frozenset[str], hazards: Sequence[str]) -> Finding:
    """Return the state."""
    kinds = evidence.kinds("state")
    done = kinds.get("done") or kinds.get("withdrawn")
    if done:
        kind = "done" if kinds.get("done") else "withdrawn"
        if kinds.get("partly") or kinds.get("under_way") or (kinds.get("remaining") and not kinds.get("withdrawn")):
            return Finding("partial", f"answered ({evidence.words('state', kind)}), but not for all")
        # "the water has gone, but nobody has come": words of an answer in a post that still asks are no proof
        return Finding("closed", f"answered: {evidence.words('state', kind)}", evident=not needs - {"offer"})
    for kind in ("partly", "under_way"):
        if kinds.get(kind) and (needs or hazards):
            return Finding("partial", f"under way: {evidence.words('state', kind)}")
    if kinds.get("doubtful"):
        return Finding("unclear", f"asks how it went: {evidence.words('state', 'doubtful')}")
    if kinds.get("rumoured") and not needs:
        return Finding("unclear", f"hearsay: {evidence.words('state', 'rumoured')}")
    if needs or hazards:
        return Finding("open", "nothing says it was answered", evident=False)
    return NO_CALL
