"""The `mask` step: identities in a post's text become `<TYPE>`.

It fails closed: whatever goes wrong while one record is masked is raised, so that the caller makes a dead letter of
that record; a text that was not masked to the end never leaves the step. Reasons hold no text.

Shared places (village, estate, school, road) are no identities: `render` decides about them when it knows whether the
post asks for help. They are only pointed out, in `place_spans`; with ``mask_places`` they are masked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from schemas.errors import RecordError, YuqingError
from schemas.records import IDENTIFIER, MASKED, PII_SPAN, PLACE_SPAN, values_of, with_columns
from schemas.step import Step
from udfs.pii.spans import Span, masked, resolve


class Mask(Step):
    """Mask personal data.

    ``names`` turns the tagger of names and places on; ``mask_places`` masks shared places too (`yuqing mask`);
    ``recognisers`` names a site's own Presidio recognisers as "module:Class"; ``public_numbers`` is a file of numbers
    that stay, besides the shipped one; ``allow_list`` a file of office holders whose names stay (``today``, as
    2026-01-31, decides whose term counts; default: the day of `open`); ``threshold`` is the least score that is
    masked; ``model`` the folder of another tagger.
    """

    name = "mask"
    reads = ("text", "language")
    writes = MASKED

    def __init__(
        self,
        *,
        names: bool = True,
        mask_places: bool = False,
        recognisers: Sequence[str] = (),
        public_numbers: str | None = None,
        allow_list: str | None = None,
        today: str | None = None,
        threshold: float = 0.4,
        model: str | None = None,
    ) -> None:
        self._names = names
        self._mask_places = mask_places
        self._plug_ins = tuple(recognisers)
        self._public_numbers = public_numbers
        self._allow_list = allow_list
        self._today = today
        self._threshold = threshold
        self._model = model

    def open(self) -> None:
        from udfs.pii import registry  # the recognisers' patterns take half a second to compile
        from udfs.pii.detector import Detector

        self._detector = Detector(
            registry.identifier_recognisers(),
            [registry.plug_in(path) for path in self._plug_ins],
            registry.public_numbers(self._public_numbers),
            self._threshold,
        )
        self._batched = registry.batched_recognisers(self._model) if self._names else []
        self._allowed = registry.allowed_names(self._allow_list, self._today)

    @property
    def masks_places(self) -> bool:
        """Whether shared places are masked here."""
        return self._mask_places

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of each text, shared places too, sorted and without overlaps; copies share a list."""
        distinct = list(dict.fromkeys(texts))
        if len(distinct) < len(texts):  # reposts: what a text holds does not depend on the others
            known = dict(zip(distinct, self.find(distinct), strict=True))
            return [known[text] for text in texts]
        found = [self.identifiers(text) for text in texts]
        for recogniser in self._batched:
            for spans, more in zip(found, recogniser.analyze_batch(texts), strict=True):
                spans.extend(more)
        return [self._settled(text, spans) for text, spans in zip(texts, found, strict=True)]

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        batch.column("language")  # declared in reads; recognisers of all languages run, since detection may err
        texts = values_of(batch.column("text"))
        if None in texts:
            raise RecordError("mask: the text is missing")
        try:
            found = self.find(texts)
        except (YuqingError, MemoryError):
            raise
        except Exception as error:
            # no chaining: the cause may quote the text
            raise RecordError(f"mask: the tagger failed with {type(error).__name__}") from None
        out, hidden, places = [], [], []
        for text, spans in zip(texts, found, strict=True):
            if self._mask_places or not spans:
                kept, shown = spans, []
            else:
                kept = [span for span in spans if span.type != "PLACE"]
                shown = [span for span in spans if span.type == "PLACE"] if len(kept) < len(spans) else []
            out.append(masked(text, kept) if kept else text)
            hidden.append(kept)
            places.append(_in_masked_text(kept, shown))
        values = {
            "text": out,
            "pii": _lists(hidden, PII_SPAN, [tuple(span) for spans in hidden for span in spans]),
            "identifiers": _lists(hidden, IDENTIFIER, _values(texts, hidden)),
            "place_spans": _lists(places, PLACE_SPAN, [place for shown in places for place in shown]),
        }
        return with_columns(batch, self.writes, values)

    def identifiers(self, text: str) -> list[Span]:
        """Return the accepted spans of the identifier recognisers alone; they may overlap."""
        try:
            return self._detector.find(text)
        except (YuqingError, MemoryError):
            raise
        except Exception as error:
            raise RecordError(f"mask: {type(error).__name__} in a text of {len(text)} characters") from None

    def _settled(self, text: str, spans: list[Span]) -> list[Span]:
        if self._allowed:
            spans = [s for s in spans if s.type != "PERSON" or text[s.start : s.end] not in self._allowed]
        return resolve(text, spans) if len(spans) > 1 else spans


Place = tuple[int, int, float]


def _in_masked_text(kept: Sequence[Span], shown: Sequence[Span]) -> list[Place]:
    """Offsets of ``shown`` after ``kept`` became tokens; both sorted, no overlaps between them."""
    places, shift, at = [], 0, 0
    for place in shown:
        while at < len(kept) and kept[at].start < place.start:
            shift += len(kept[at].type) + 2 - (kept[at].end - kept[at].start)
            at += 1
        places.append((place.start + shift, place.end + shift, place.score))
    return places


def _values(texts: Sequence[str], found: Sequence[Sequence[Span]]) -> list[tuple[str, int, int, str]]:
    return [
        (span.type, span.start, span.end, text[span.start : span.end])
        for text, spans in zip(texts, found, strict=True)
        for span in spans
    ]


def _lists(rows: Sequence[Sequence[Any]], kind: pa.StructType, flat: Sequence[tuple[Any, ...]]) -> pa.Array:
    """One list a row, of structs of ``kind``, built from all their values at once."""
    ends, at = [0], 0
    for row in rows:
        at += len(row)
        ends.append(at)
    columns = zip(*flat, strict=True) if flat else ((),) * kind.num_fields
    arrays = [pa.array(values, field.type) for values, field in zip(columns, kind, strict=True)]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.StructArray.from_arrays(arrays, fields=list(kind)))
