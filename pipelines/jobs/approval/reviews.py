"""What officers decided, against what the machine said.

Agreement is counted where the machine took a side: an approval, a proposed rejection, and an application that was
referred for the audit sample or because automatic approval was stopped, and would have been approved. To any other
referral every answer is right, so none counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from governance.applications import agrees
from governance.automation import would
from schemas.applications import APPROVE, REFER, REJECT, Decision, Review
from schemas.errors import UsageError


def agreed(decision: Decision, review: Review) -> bool | None:
    """Whether the officer decided as the machine would have; None where the machine took no side."""
    return agrees(would(decision.decision, decision.reasons), review.decision)


def check(decision: Decision, review: Review) -> None:
    """Raises UsageError for a review of another application or of inputs that have changed since."""
    if review.application_id != decision.application_id:
        raise UsageError(f"the review is of {review.application_id!r}, not of {decision.application_id!r}")
    if review.fingerprint != decision.fingerprint:
        raise UsageError(
            f"application {decision.application_id} was decided anew since this form was made: look at it again "
            "(`yuqing approve form`)"
        )


def reviewed_line(row: dict[str, Any], review: Review, same: bool | None, report: str) -> dict[str, Any]:
    """The line of a decision after the officer's: final unless the applicant is to mend something."""
    decision = {APPROVE: APPROVE, REJECT: REJECT}.get(review.decision, REFER)
    changed = {change.field: change.after for change in review.changes if change.field in row["fields"]}
    fields = {
        name: (field or {}) | {"value": changed[name], "confidence": 1.0} if name in changed else field
        for name, field in row["fields"].items()
    }
    return row | {
        "decision": decision,
        "fields": fields,
        "final": decision != REFER,
        "decided_by": review.officer,
        "report": report,
        "proposed": row.get("proposed", row["decision"]),
        "reviewed_at": review.at,
        "review": {
            "decision": review.decision,
            "agreed": same,
            "reason": review.reason,
            "changes": len(review.changes),
            "overruled": [one.rule for one in review.overruled],
        },
    }


def agreement(pairs: Iterable[tuple[str, bool | None]]) -> list[dict[str, Any]]:
    """By type: reviews, those where the machine took a side, agreed, and the share with its 95 % interval (Wilson).

    ``pairs``: (type, agreed).
    """
    counts: dict[str, list[int]] = {}
    for kind, same in pairs:
        held = counts.setdefault(kind, [0, 0, 0])
        held[0] += 1
        if same is not None:
            held[1] += 1
            held[2] += same
    return [
        {"type": kind, "reviews": n, "compared": compared, "agreed": same, **_share(same, compared)}
        for kind, (n, compared, same) in sorted(counts.items())
    ]


def _share(same: int, of: int) -> dict[str, float | None]:
    """Wilson (1927), 95 %."""
    if not of:
        return {"share": None, "low": None, "high": None}
    z = 1.959964
    share = same / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * (share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5
    return {
        "share": round(share, 4),
        "low": round(max(middle - half, 0.0), 4),
        "high": round(min(middle + half, 1.0), 4),
    }
