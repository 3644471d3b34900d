"""Worked policies as data: a folder each with ``rules.yaml``, ``cases.yaml`` and an example ``plan.yaml``.

Whoever simulates asks here for the folder of a shipped rule set by its name (`folder`); what the files mean is said in
docs/rules-language.md and docs/plans.md, what each policy assumes in docs/policies.md.
"""

from __future__ import annotations

from pathlib import Path

from schemas.errors import UsageError

NAMES = ("neighbourhood_renovation", "cash_benefit", "flood_relief")
"""The rule sets that are shipped."""

__all__ = ["NAMES", "folder"]


def folder(name: str) -> Path:
    """The folder of a shipped rule set. Raises UsageError for a name that is not among `NAMES`."""
    if name not in NAMES:
        raise UsageError(f"there is no rule set {name!r}; shipped are {', '.join(NAMES)}")
    return Path(__file__).parent / name
