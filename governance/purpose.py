"""Every job says what personal data is processed for, and on which legal basis; without both it does not start.

Purpose limitation and legal basis: Personal Information Protection Law of the PRC (PIPL), articles 6 and 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import UsageError

LAWFUL_BASES: Mapping[str, str] = {
    "consent": "PIPL art. 13(1): the person agreed",
    "contract": "PIPL art. 13(2): needed for a contract with the person, or for staff matters",
    "statutory_duty": "PIPL art. 13(3): needed for a duty or competence given by law",
    "emergency": "PIPL art. 13(4): public health emergencies, or life, health and property in an emergency",
    "public_interest_news": "PIPL art. 13(5): news and supervision by public opinion, within reason",
    "public_information": "PIPL art. 13(6): the person made it public; used within reason",
    "other_law": "PIPL art. 13(7): another law or administrative regulation, to be named in the purpose",
}

MIN_PURPOSE = 12
MAX_PURPOSE = 500
_EMPTY_WORDS = frozenset({"test", "testing", "todo", "none", "n/a", "tbd", "analysis", "分析", "测试", "待定", "无"})


@dataclass(frozen=True)
class Purpose:
    """A job's declared purpose; both go into its audit entry."""

    text: str
    lawful_basis: str
    """One of LAWFUL_BASES, or several with commas between."""

    @property
    def article(self) -> str:
        """The law behind the basis, in words."""
        return "; ".join(LAWFUL_BASES[one] for one in self.lawful_basis.split(", "))


def require_purpose(job: object) -> Purpose:
    """Return the job's purpose (attributes or keys ``purpose``, ``lawful_basis``, ``name``).

    Raises UsageError naming the key when one is missing, says nothing or is unknown.
    """
    name = _get(job, "name") or "this job"
    text = " ".join(str(_get(job, "purpose") or "").split())
    bases = [one.strip() for one in str(_get(job, "lawful_basis") or "").split(",") if one.strip()]
    if not text:
        raise UsageError(
            f"job {name}: `purpose` is missing. Say in one sentence what personal data is processed for, for example: "
            'purpose = "find calls for help in a flood and pass them to rescuers"'
        )
    # a Chinese sentence says as much in half the characters
    weight = sum(2 if ord(char) > 0x2E7F else 1 for char in text)
    if weight < MIN_PURPOSE or len(text) > MAX_PURPOSE or text.casefold().strip(".。 ") in _EMPTY_WORDS:
        raise UsageError(
            f"job {name}: `purpose` ({len(text)} characters) says nothing or too much; one sentence that a person "
            "concerned would understand"
        )
    unknown = [one for one in bases if one not in LAWFUL_BASES]
    if unknown or not bases:
        what = f"`lawful_basis` {unknown[0]!r} is unknown" if unknown else "`lawful_basis` is missing"
        choices = "; ".join(f"{key} ({law})" for key, law in LAWFUL_BASES.items())
        raise UsageError(f"job {name}: {what}. One of: {choices}")
    if "other_law" in bases and not any(mark in text for mark in ("法", "条例", "规定", "Law", "law", "Regulation")):
        raise UsageError(f"job {name}: `lawful_basis` other_law needs the law's name in `purpose`")
    return Purpose(text, ", ".join(bases))


def _get(job: object, key: str) -> Any:
    return job.get(key) if isinstance(job, Mapping) else getattr(job, key, None)
