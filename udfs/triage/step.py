"""The `triage` step: hazards, goods, people, who speaks, state and priority, by rules over masked text, and by what
the model of `classify` hints at where it has heads for it (`merge`).

Every post is read with the need and hazard lexicons; only one that asks, offers, reports a hazard (by rule or by the
model) or fired a critical keyword is read with the rest, since nearly all posts of a feed are everyday talk. Cost:
docs/keywords.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.records import HINTS, TRIAGED, rows_of, values_of, with_columns
from schemas.step import Step
from udfs.keywords.ruleset import Hit
from udfs.triage.evidence import DISASTER, Evidence, Finding, fact_rules, gate_hits, gate_rules
from udfs.triage.hazards import hazards_of
from udfs.triage.items import Item, items_of
from udfs.triage.merge import MERGED, Hints, Merge
from udfs.triage.needs_rules import CONTEXT, strengths
from udfs.triage.people import count_of, vulnerable_of
from udfs.triage.priority import Facts, decide
from udfs.triage.source import UNTOLD, source_of
from udfs.triage.state import NO_CALL, state_of

_ASKS_BY_RULE = 0.4
"""Strength of a need by rule from which goods and people are read although the model named no need."""
_RESCUE_BY_RULE = 0.5
"""Strength of rescue by rule from which a post is a call although the model named no need."""
_UNLIKELY = 0.1
"""`help_score` below which the model rules out a call: of 48 hand-labelled posts in which the rules saw rescue, the
model named no need and `help_score` was lower, not one was urgent."""
_HALF_SURE = 0.45
"""`help_score` from which a post without a need counts as a call if it also names a hazard that leaves no time."""
_FAINT = 0.4
"""Score of every need below which the classifier alone is not believed; thresholds may be lower, for recall."""
_GROUP = 20
_HINTS = tuple(field.name for field in HINTS)
_NO_NEED: frozenset[str] = frozenset()
_UNREAL = {"context_figurative", "context_fiction", "context_drill", "context_past"}
_SETTLED_LEVELS = {"town", "village", "poi"}


class Triaged(NamedTuple):
    """The columns of one post and why."""

    hazards: list[str]
    items: list[Item]
    people: int | None
    vulnerable: list[str]
    source_kind: str
    state: str
    priority: int
    reasons: list[str]


REASONS = pa.schema([pa.field("triage_reasons", pa.list_(pa.string()))])
"""Why a post got its hazards, people, source, state and priority: words of the lexicons, never of the post."""


class Triage(Step):
    """Write hazards, items, people, source_kind, state and priority; with ``reasons`` REASONS too. Reads masked text.

    ``merge`` says how far the model's hints are believed.
    """

    name = "triage"
    reads = ("text", "keywords", "needs", "help_score", "places", "hints")
    writes = TRIAGED

    def __init__(self, merge: Merge = MERGED, reasons: bool = False) -> None:
        self.merge = merge
        if reasons:
            self.writes = pa.schema([*TRIAGED, *REASONS])  # type: ignore[misc]

    def open(self) -> None:
        """Compile the lexicons (about 0.2 s, once a process)."""
        gate_rules()
        fact_rules()

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = [text or "" for text in values_of(batch.column("text"))]
        named = [row or () for row in rows_of(batch.column("needs"), "need", "score")]
        needs = [frozenset(need["need"] for need in row) if row else _NO_NEED for row in named]
        strongest = [max((need["score"] for need in row), default=0.0) for row in named]
        keywords = [row or () for row in rows_of(batch.column("keywords"), "category", "critical")]
        scores = values_of(batch.column("help_score"))
        places = [row or () for row in rows_of(batch.column("places"), "level")]
        hints = _hints(batch.column("hints"))
        gate = gate_hits(tuple(texts))
        reads = [
            at
            for at, hits in enumerate(gate)
            if needs[at] or (scores[at] or 0.0) >= 0.5 or _calls(hits, keywords[at]) or self.merge.calls(hints[at])
        ]
        facts = dict(zip(reads, fact_rules().scan([texts[at] for at in reads]), strict=True))
        rows = [
            triage(
                texts[at],
                gate[at],
                facts.get(at),
                needs[at],
                keywords[at],
                places[at],
                hints[at],
                self.merge,
                scores[at],
                strongest[at],
            )
            for at in range(len(texts))
        ]
        return with_columns(
            batch,
            self.writes,
            {
                "triage_reasons": [row.reasons for row in rows],
                "hazards": [row.hazards for row in rows],
                "items": [row.items for row in rows],
                "people": [{"count": row.people, "vulnerable": row.vulnerable} for row in rows],
                "source_kind": [row.source_kind for row in rows],
                "state": [row.state for row in rows],
                "priority": [row.priority for row in rows],
            },
        )


def _hints(column: pa.StructArray) -> list[Hints]:
    """One value a row; None where the column is null."""
    hazards, *rest = column.flatten()
    fields = [rows_of(hazards, "hazard", "score"), *map(values_of, rest)]
    rows = [dict(zip(_HINTS, values, strict=True)) for values in zip(*fields, strict=True)]
    if not column.null_count:
        return list(rows)
    return [row if there else None for row, there in zip(rows, values_of(column.is_valid()), strict=True)]


def _calls(hits: Sequence[Hit], keywords: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a post is worth reading further although no need was classified."""
    if any(hit["critical"] for hit in keywords) or any(hit.rule.category == "hazard" for hit in hits):
        return True
    found = strengths(hits)
    return bool(found) and max(found.values()) >= _ASKS_BY_RULE


def triage(
    text: str,
    gate: Sequence[Hit],
    facts: Sequence[Hit] | None,
    needs: frozenset[str],
    keywords: Sequence[Mapping[str, Any]] = (),
    places: Sequence[Mapping[str, Any]] = (),
    hints: Hints = None,
    merge: Merge = MERGED,
    help_score: float | None = None,
    need_score: float = 1.0,
) -> Triaged:
    """Return what triage makes of one post from its lexicon hits; ``facts`` None: not worth reading further.

    ``help_score`` None: the model was not asked. ``need_score`` is the strongest need's."""
    if facts is None and not gate:
        return _everyday(UNTOLD, hints, merge)
    evidence = Evidence(text, [*gate, *(facts or ())])
    by_rule = source_of(evidence, text, needs)
    if facts is None:
        return _everyday(by_rule, hints, merge)
    why_model = merge.hazards(hazards_of(evidence, keywords), hints)
    hazards = list(why_model)
    source = merge.source(by_rule, hints)
    state = merge.state(state_of(evidence, needs, hazards), hints, call=bool(needs or hazards))
    asks = needs != {"offer"}
    items, kinds = items_of(evidence, giving="offer" in needs)
    count = count_of(evidence.text) if asks else None
    vulnerable = vulnerable_of(evidence) if asks else []
    ruled = strengths(gate)
    priority, reasons = decide(
        Facts(
            needs=needs,
            hazards=hazards,
            urgency=frozenset(evidence.kinds("urgency")),
            vulnerable=frozenset(vulnerable),
            item_kinds=kinds,
            settled=bool(evidence.of("urgency", "settlement"))
            or any(place["level"] in _SETTLED_LEVELS for place in places),
            source_kind=source.label,
            state=state.label,
            rescue_by_rule=ruled.get("rescue", 0.0) >= _RESCUE_BY_RULE,
            likely=help_score is None or help_score >= _UNLIKELY,
            half_sure=help_score is not None and help_score >= _HALF_SURE,
            faint=bool(needs) and not ruled and need_score < _FAINT,
            disaster=bool(evidence.kinds(DISASTER)),
            unreal=bool(evidence.kinds("unreal")) or not _UNREAL.isdisjoint(evidence.kinds(CONTEXT)),
            group=(count or 0) >= _GROUP,
        )
    )
    words = {hazard: evidence.words("hazard", hazard) or "a critical keyword" for hazard in hazards}
    why = [f"hazard {hazard}: {why_model[hazard] or words[hazard]}" for hazard in hazards]
    why += [f"vulnerable {name}: {evidence.words('vulnerable', name)}" for name in vulnerable]
    why += [f"source {source.label}: {source.why}", f"state {state.label}: {state.why}"]
    why.append(f"priority {priority}: {'; '.join(reasons)}")
    return Triaged(hazards, items, count, vulnerable, source.label, state.label, priority, why)


def _everyday(by_rule: Finding, hints: Hints, merge: Merge) -> Triaged:
    """A post without need and hazard; it may still say who speaks, and that an earlier call was answered."""
    source, state = merge.source(by_rule, hints), merge.state(NO_CALL, hints, call=False)
    why = [f"source {source.label}: {source.why}", f"state {state.label}: {state.why}"]
    return Triaged([], [], None, [], source.label, state.label, 4, [*why, "priority 4: no need and no hazard"])
