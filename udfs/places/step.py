"""The step ``locate``: which places a post is about, to adcode and coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from schemas import records
from schemas.errors import ModelError
from schemas.step import Step
from udfs.places.gazetteer import Gazetteer
from udfs.places.lexicon import COUNTY, Lexicon
from udfs.places.matching import Matcher, Span
from udfs.places.shared import TOWN, Anchor, Shared, find_shared, kind_of, may_hold_shared

PLACE_SPANS = "place_spans"
"""Optional column, list<struct<start: int32, end: int32, kind: string>> of the masked text: shared places that the PII
tagger found, kind village, road or poi. They go before those found by rule."""

_REGIONS_KEPT = 20_000
"""Region fields repeat (a few thousand values); this many resolved ones are remembered, then forgotten together."""
_LONGEST_NAME = 40
_KINDS = "省市区县州旗盟镇乡道"


class Locate(Step):
    """Adds ``places``: those of the text in its order, else the one of the region field with start and end -1.

    The text wins over the region field, which says where the account is, not where the need is; the field still
    decides between namesakes. Shared places (village, road, poi) stand beside the division they lie in, so that the
    division is still there when they are masked. Cost: see docs/places.md.
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
        matcher = self._matcher
        if matcher is None:
            raise ModelError("locate was used before open()")
        texts = [text or "" for text in records.values_of(batch.column("text"))]
        regions = records.values_of(batch.column("region"))
        tagged: Sequence[Any] = [None] * len(texts)
        if PLACE_SPANS in batch.schema.names:
            tagged = records.rows_of(batch.column(PLACE_SPANS), "start", "end")
        places = [
            _places(matcher, text, self._region(matcher, region or ""), spans or (), starts)
            for text, region, spans, starts in zip(texts, regions, tagged, matcher.lexicon.starts(texts), strict=True)
        ]
        return records.with_columns(batch, records.LOCATED, {"places": places})

    def _region(self, matcher: Matcher, region: str) -> tuple[int, ...]:
        nodes = self._regions.get(region)
        if nodes is None:
            if len(self._regions) >= _REGIONS_KEPT:
                self._regions.clear()
            nodes = self._regions[region] = matcher.region(region[:200])
        return nodes


def _places(
    matcher: Matcher, text: str, region: tuple[int, ...], tagged: Sequence[Any], starts: Sequence[int]
) -> list[dict[str, Any]]:
    found, mentions = matcher.read(text, region, starts)
    if not found and not region and not tagged:
        return []
    shared = [
        Shared(s["start"], s["end"], kind_of(text[s["start"] : s["end"]]))
        for s in tagged
        if 0 <= s["start"] < s["end"] <= len(text)
        # a tag inside a division's name (马寨 in 马寨镇) is that division
        and not any(start <= s["start"] and s["end"] <= end for _, start, end in mentions)
    ]
    by_rule: list[Shared] = []
    if may_hold_shared(text):
        by_rule = find_shared(text, [_anchor(matcher, text, *mention) for mention in mentions])
    shared += [one for one in by_rule if not any(one.start < s.end and s.start < one.end for s in shared)]
    placed = [_division(matcher, *span) for span in found or [(node, -1, -1) for node in region]]
    if not shared:
        return placed
    shared.sort(key=lambda one: one.start)
    below = _name_shared(matcher, text, shared, mentions, region)
    towns = [place["name"] for place in below if place["level"] == TOWN]
    placed = [place for place in placed if not any(town.startswith(place["name"]) for town in towns)] + below
    # those of the region field (start -1) go last
    return sorted(placed, key=lambda place: place["start"] if place["start"] >= 0 else len(text))


def _name_shared(
    matcher: Matcher, text: str, shared: list[Shared], mentions: list[Span], region: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Each shared place under the division named last before it, else the post's deepest, else the region field's."""
    depth, nodes = matcher.lexicon.depth, matcher.lexicon.nodes
    deepest = max((node for node, _, _ in mentions), key=lambda node: depth[node], default=region[0] if region else -1)
    placed: list[dict[str, Any]] = []
    names: set[str] = set()
    for one in shared:
        before = [span for span in mentions if span[1] <= one.start]
        node, start, end = before[-1] if before else (deepest, -1, -1)
        if node < 0 or not matcher.lexicon.narrow(node):
            continue  # 解放路 of a whole province says nothing
        division = nodes[node]
        inner = (
            end
            if one.start == start and end < one.end and not text.endswith(nodes[node].short, start, end)
            else one.start
        )
        own = text[inner : one.end].strip()
        town = placed[-1] if placed and placed[-1]["level"] == TOWN and placed[-1]["end"] <= one.start else None
        above = town["name"] if town and town["name"].startswith(division.path) else division.path
        name = above + own
        if name in names or "<" in name or one.end - one.start > _LONGEST_NAME:
            continue
        names.add(name)
        place = _division(matcher, node, one.start, one.end)
        exact = depth[node] >= COUNTY or node in matcher.lexicon.bare_towns
        placed.append(place | {"name": name, "level": one.kind, "adcode": division.adcode if exact else None})
    return placed


def _anchor(matcher: Matcher, text: str, node: int, start: int, end: int) -> Anchor:
    lexicon = matcher.lexicon
    bare = text[end - 1] not in _KINDS or text.endswith(lexicon.nodes[node].short, start, end)
    return Anchor(
        start,
        end,
        lexicon.narrow(node),
        deep=lexicon.depth[node] >= COUNTY,
        county=lexicon.depth[node] == COUNTY,
        bare=bare,
    )


def _division(matcher: Matcher, node: int, start: int, end: int) -> dict[str, Any]:
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
