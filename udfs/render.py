"""The `render` step: the text that is stored, and the text that views may show.

Places that many people share (village, estate, school, road) stand in the stored text only when the post asks for
help, offers it or reports a hazard: then a rescuer needs them. Otherwise they become `<PLACE>`. The text for views
(`text_l2`) never holds them. Province, city, county and town are public and stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from schemas.records import RENDERED, with_columns
from schemas.step import Step

SHARED_LEVELS = frozenset({"village", "road", "poi"})
_TOKEN = "<PLACE>"  # noqa: S105 - a mask, no secret


class Render(Step):
    """Decide which shared places stand. Cost: about 2 microseconds for a post without any."""

    name = "render"
    reads = ("text", "pii", "places", "needs", "hazards")
    writes = RENDERED

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        stored, views, spans = [], [], []
        columns = (batch.column(name).to_pylist() for name in self.reads)
        for text, pii, places, needs, hazards in zip(*columns, strict=True):
            shared = _shared_spans(places or (), len(text))
            hidden = _replace(text, shared) if shared else text
            justified = bool(needs or hazards)
            stored.append(text if justified else hidden)
            views.append(hidden)
            spans.append(pii if justified or not shared else _with_places(pii or [], shared))
        return with_columns(batch, self.writes, {"text": stored, "text_l2": views, "pii": spans})


def _shared_spans(places: Sequence[dict[str, Any]], length: int) -> list[tuple[int, int]]:
    """Spans of shared places in the masked text, sorted, overlapping ones merged."""
    found = sorted((p["start"], p["end"]) for p in places if p["level"] in SHARED_LEVELS and p["start"] >= 0)
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if not start < end <= length:
            raise ValueError(f"place span {start}-{end} lies outside a text of {length} characters")
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _replace(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], _TOKEN]
        at = end
    return "".join([*parts, text[at:]])


def _with_places(pii: Sequence[dict[str, Any]], shared: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Add PLACE spans in offsets of the input text, which `mask` made longer or shorter at every span before them."""
    spans = list(pii)
    for start, end in shared:
        spans.append(
            {"type": "PLACE", "start": _input_offset(pii, start), "end": _input_offset(pii, end), "score": 1.0}
        )
    return sorted(spans, key=lambda span: span["start"])


def _input_offset(pii: Sequence[dict[str, Any]], masked: int) -> int:
    shift = 0  # input offset = masked offset + shift, right of the spans passed so far
    for span in pii:
        token = len(span["type"]) + 2
        if span["start"] - shift + token > masked:
            break
        shift += (span["end"] - span["start"]) - token
    return masked + shift
