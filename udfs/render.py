"""The `render` step: the text that is stored, and the text that views may show.

Places that many people share (village, estate, school, road) stand in the stored text only when the post asks for
help, offers it or reports a hazard: then a rescuer needs them. Otherwise they become `<PLACE>`. The text for views
(`text_l2`) never holds them. Province, city, county and town are public and stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.records import PII_SPAN, RENDERED, rows_of, values_of, with_columns
from schemas.step import Step

SHARED_LEVELS = frozenset({"village", "road", "poi"})
_TOKEN = "<PLACE>"  # noqa: S105 - a mask, no secret


class Render(Step):
    """Decide which shared places stand. Cost: about 2 microseconds for a post without any."""

    name = "render"
    reads = ("text", "pii", "places", "needs", "hazards")
    writes = RENDERED

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = values_of(batch.column("text"))
        places = rows_of(batch.column("places"), "level", "start", "end")
        asking, hazards = (_filled(batch.column(name)) for name in ("needs", "hazards"))
        views = list(texts)
        masked: dict[int, list[tuple[int, int]]] = {}  # row -> shared places that its stored text loses
        stored = list(texts)
        for row, found in enumerate(places):
            shared = _shared_spans(found, len(texts[row])) if found else []
            if shared:
                views[row] = _replace(texts[row], shared)
                if not (asking[row] or hazards[row]):
                    stored[row] = views[row]
                    masked[row] = shared
        pii = batch.column("pii")
        if masked:  # most batches have a few such rows: only theirs become Python objects
            rows = sorted(masked)
            spans = [_with_places(each or [], masked[row]) for row, each in zip(rows, _spans(pii, rows), strict=True)]
            pii = _replaced(pii, rows, pa.array(spans, pii.type))
        return with_columns(batch, self.writes, {"text": stored, "text_l2": views, "pii": pii})


def _filled(column: pa.ListArray) -> list[bool]:
    """Whether each list holds anything."""
    return values_of(pc.fill_null(pc.greater(pc.list_value_length(column), 0), False))


def _spans(column: pa.ListArray, rows: Sequence[int]) -> list[Sequence[dict[str, Any]] | None]:
    return rows_of(column.take(pa.array(rows)), *(field.name for field in PII_SPAN))


def _replaced(column: pa.ListArray, rows: Sequence[int], new: pa.ListArray) -> pa.ListArray:
    """``column`` with the lists of ``rows`` from ``new``."""
    take = np.arange(len(column))
    take[rows] = np.arange(len(column), len(column) + len(rows))
    return pa.concat_arrays([column, new]).take(pa.array(take))


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
