"""The `mask` step: identities in a post's text become `<TYPE>`.

It fails closed: whatever goes wrong while one record is masked is raised, so that the caller makes a dead letter of
that record; a text that was not masked to the end never leaves the step. Reasons hold no text.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from schemas.errors import RecordError, YuqingError
from schemas.records import IDENTIFIER, MASKED, PII_SPAN, with_columns
from schemas.step import Step
from udfs.pii.spans import Span, masked, resolve


class Mask(Step):
    """Mask personal data.

    ``recognisers`` names a site's own Presidio recognisers as "module:Class"; ``public_numbers`` a file of numbers
    that stay, besides the shipped one; ``threshold`` is the least score that is masked.
    """

    name = "mask"
    reads = ("text", "language")
    writes = MASKED

    def __init__(
        self,
        *,
        recognisers: Sequence[str] = (),
        public_numbers: str | None = None,
        threshold: float = 0.4,
    ) -> None:
        self._plug_ins = tuple(recognisers)
        self._public_numbers = public_numbers
        self._threshold = threshold

    def open(self) -> None:
        from udfs.pii import registry  # Presidio takes seconds to import
        from udfs.pii.detector import Detector

        self._detector = Detector(
            registry.identifier_recognisers(),
            [registry.plug_in(path) for path in self._plug_ins],
            registry.public_numbers(self._public_numbers),
            self._threshold,
        )

    def find(self, text: str) -> list[Span]:
        """Return the spans of one text, sorted, without overlaps."""
        return resolve(text, self._detector.find(text))

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        batch.column("language")  # declared in reads; recognisers of all languages run, since detection may err
        texts = batch.column("text").to_pylist()
        found: list[list[Span]] = []
        out = []
        for text in texts:
            if text is None:
                raise RecordError("mask: the text is missing")
            try:
                spans = self.find(text)
                out.append(masked(text, spans))
            except (YuqingError, MemoryError):
                raise
            except Exception as error:
                # no chaining: the cause may quote the text
                raise RecordError(f"mask: {type(error).__name__} in a text of {len(text)} characters") from None
            found.append(spans)
        return with_columns(batch, MASKED, {"text": out, "pii": _pii(found), "identifiers": _identifiers(texts, found)})


def _offsets(found: Sequence[Sequence[Span]]) -> pa.Array:
    ends, at = [0], 0
    for spans in found:
        at += len(spans)
        ends.append(at)
    return pa.array(ends, pa.int32())


def _pii(found: Sequence[Sequence[Span]]) -> pa.Array:
    flat = [span for spans in found for span in spans]
    columns = zip(*flat, strict=True) if flat else ((), (), (), ())
    arrays = [pa.array(values, field.type) for values, field in zip(columns, PII_SPAN, strict=True)]
    return pa.ListArray.from_arrays(_offsets(found), pa.StructArray.from_arrays(arrays, fields=list(PII_SPAN)))


def _identifiers(texts: Sequence[str], found: Sequence[Sequence[Span]]) -> pa.Array:
    rows = [
        (span.type, span.start, span.end, text[span.start : span.end])
        for text, spans in zip(texts, found, strict=True)
        for span in spans
    ]
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    arrays = [pa.array(values, field.type) for values, field in zip(columns, IDENTIFIER, strict=True)]
    return pa.ListArray.from_arrays(_offsets(found), pa.StructArray.from_arrays(arrays, fields=list(IDENTIFIER)))
