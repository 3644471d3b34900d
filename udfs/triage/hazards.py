"""Hazards a post reports, in the contract's names and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.records import HAZARDS
from udfs.triage.evidence import Evidence

CATEGORY_HAZARDS: Mapping[str, str] = {
    "堤坝险情": "dyke_breach",
    "火情": "fire",
    "燃气泄漏": "gas",
    "漏电触电": "electric",
}
"""Keyword category -> hazard: a critical hit of a site's own rule counts as evidence too."""


def hazards_of(evidence: Evidence, keywords: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Return the hazards named in the post, and those its critical keywords stand for."""
    found = set(evidence.kinds("hazard"))
    found.update(
        CATEGORY_HAZARDS[hit["category"]] for hit in keywords if hit["critical"] and hit["category"] in CATEGORY_HAZARDS
    )
    return [hazard for hazard in HAZARDS if hazard in found]
