"""The step ``locate``: which places a post is about, to adcode and coordinates."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from schemas import records
from schemas.errors import ModelError
from schemas.step import Step
from udfs.places.gazetteer import Gazetteer
from udfs.places.lexicon import Lexicon
from udfs.places.matching import Matcher

_REGIONS_KEPT = 20_000
"""Region fields repeat (a few thousand values); this many resolved ones are remembered, then forgotten together."""


class Locate(Step):
    """Adds ``places``: those of the text in its order, else the one of the region field with start and end -1.

    The text wins over the region field, which is where the account says it is, not where the need is; the field still
    decides between namesakes. Cost: see docs/places.md.
    """

    name = "locate"
    reads = ("text", "region")
    writes = records.LOCATED

    def __init__(self) -> None:
        self._matcher: Matcher | None = None
        self._regions: dict[str, tuple[int, ...]] = {}

    def open(self) -> None:
        """Load the gazetteer and index its names: about 0.6 s, 60 MB."""
        self._matcher = Matcher(Lexicon(Gazetteer.load()))

    def close(self) -> None:
        """Let go of the index."""
        self._matcher = None
        self._regions.clear()

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One list of places a row; a null text has none of its own."""
        if self._matcher is None:
            raise ModelError("locate was used before open()")
        texts = batch.column("text").to_pylist()
        regions = batch.column("region").to_pylist()
        places = [self._places(text or "", region or "") for text, region in zip(texts, regions, strict=True)]
        return records.with_columns(batch, records.LOCATED, {"places": places})

    def _places(self, text: str, region: str) -> list[dict[str, Any]]:
        matcher = self._matcher
        if matcher is None:
            raise ModelError("locate was used before open()")
        nodes = self._regions.get(region)
        if nodes is None:
            if len(self._regions) >= _REGIONS_KEPT:
                self._regions.clear()
            nodes = self._regions[region] = matcher.region(region[:200])
        found = matcher.places(text, nodes)
        if not found:
            found = [(node, -1, -1) for node in nodes]
        return [self._place(matcher, *place) for place in found]

    @staticmethod
    def _place(matcher: Matcher, node: int, start: int, end: int) -> dict[str, Any]:
        division = matcher.lexicon.nodes[node]
        return {
            "name": division.path,
            "level": division.level,
            "adcode": division.adcode,
            "lat": division.lat,
            "lon": division.lon,
            "radius_m": division.radius_m,
            "start": start,
            "end": end,
        }
