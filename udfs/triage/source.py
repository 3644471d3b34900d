"""Who speaks: the person concerned, someone passing a call on, a volunteer, the media, an authority."""

from __future__ import annotations

import re

from udfs.keywords.quoted import TAIL, quoted_spans
from udfs.triage.evidence import Evidence, Finding

_HEADLINE = re.compile(r"^\s*(?:#[^#]{1,40}#\s*)*【[^】]{4,60}】")
_ASKED = re.compile(r"【[^】]*(?:求|紧急|急|扩散|救|寻|物资|志愿|help|urgent|sos)[^】]*】")
_PASSED_ON = re.compile(
    r"^\s*(?:#[^#]{1,40}#\s*)*(?:【转】|帮转|转发|代发|代转|帮发|转[:,。!\s]|扩\s|转自|扩散[:!]?\s*【|帮扩|帮忙扩散|朋友发来|核实过了|刚打过电话|rt\b|fwd)"
)

_OPENING = 400
UNTOLD = Finding("other", "nothing says who speaks", evident=False)


def source_of(evidence: Evidence, text: str, needs: frozenset[str]) -> Finding:
    """Return the source kind. ``needs`` are the needs the post is classified with."""
    kinds = evidence.kinds("source")
    first_person = bool(kinds.get("self"))
    spans = quoted_spans(text)
    if spans and spans[-1].kind == TAIL:
        return Finding("relay", "a forwarded tail")
    opening = evidence.text[:_OPENING].lstrip()
    if _PASSED_ON.search(opening):
        return Finding("relay", "begins as a forward")
    official = len(kinds.get("official", []))
    if official > bool(kinds.get("media")) and not first_person and not kinds.get("relay"):
        return Finding("official", f"words of an authority: {evidence.words('source', 'official')}")
    headline = bool(_HEADLINE.search(opening)) and not _ASKED.search(opening)
    if not first_person and (len(kinds.get("media", [])) > 1 or (kinds.get("media") and not needs) or headline):
        return Finding(
            "media", f"words of the media: {evidence.words('source', 'media')}" if not headline else "a headline"
        )
    if kinds.get("volunteer") and (not first_person or "offer" in needs):
        return Finding("volunteer", f"words of volunteers: {evidence.words('source', 'volunteer')}")
    if first_person:
        # everyday talk is in the first person too: without a call that alone does not say who speaks
        return Finding("self", f"first person: {evidence.words('source', 'self')}", evident=bool(needs))
    if kinds.get("media"):
        return Finding("media", f"words of the media: {evidence.words('source', 'media')}")
    if "offer" in needs and len(needs) == 1:
        return Finding("volunteer", "offers help", evident=False)
    if needs and kinds.get("relay"):
        return Finding("relay", f"words of someone who passes on: {evidence.words('source', 'relay')}")
    if needs - {"offer"}:
        return Finding("self", "asks without naming another source", evident=False)
    return UNTOLD
