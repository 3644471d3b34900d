"""The `triage` step: hazards, goods, people, who speaks, state and priority, by rules over masked text.

Every post is read with the need and hazard lexicons; only one that asks, offers, reports a hazard or fired a critical
keyword is read with the rest, since nearly all posts of a feed are everyday talk. Cost: docs/keywords.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.records import TRIAGED, with_columns
from schemas.step import Step
from udfs.keywords.ruleset import Hit
from udfs.triage.evidence import Evidence, fact_rules, gate_rules
from udfs.triage.hazards import hazards_of
from udfs.triage.items import Item, items_of
from udfs.triage.needs_rules import strengths
from udfs.triage.people import count_of, vulnerable_of
from udfs.triage.priority import Facts, decide
from udfs.triage.source import source_of
from udfs.triage.state import state_of

_ASKS_BY_RULE = 0.4
"""Strength of a need by rule from which goods and people are read although the model named no need."""
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


class Triage(Step):
    """Write hazards, items, people, source_kind, state and priority. Reads masked text."""

    name = "triage"
    reads = ("text", "keywords", "needs", "help_score", "places")
    writes = TRIAGED

    def open(self) -> None:
        """Compile the lexicons (about 0.2 s, once a process)."""
        gate_rules()
        fact_rules()

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = [text or "" for text in batch.column("text").to_pylist()]
        needs = [frozenset(need["need"] for need in row or ()) for row in batch.column("needs").to_pylist()]
        keywords = [row or () for row in batch.column("keywords").to_pylist()]
        scores = batch.column("help_score").to_pylist()
        places = [row or () for row in batch.column("places").to_pylist()]
        gate = gate_rules().scan(texts)
        reads = [
            at for at, hits in enumerate(gate) if needs[at] or (scores[at] or 0.0) >= 0.5 or _calls(hits, keywords[at])
        ]
        facts = dict(zip(reads, fact_rules().scan([texts[at] for at in reads]), strict=True))
        rows = [
            triage(texts[at], gate[at], facts.get(at), needs[at], keywords[at], places[at]) for at in range(len(texts))
        ]
        return with_columns(
            batch,
            TRIAGED,
            {
                "hazards": [row.hazards for row in rows],
                "items": [row.items for row in rows],
                "people": [{"count": row.people, "vulnerable": row.vulnerable} for row in rows],
                "source_kind": [row.source_kind for row in rows],
                "state": [row.state for row in rows],
                "priority": [row.priority for row in rows],
            },
        )


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
) -> Triaged:
    """Return what triage makes of one post from its lexicon hits; ``facts`` None: not worth reading further."""
    if facts is None and not gate:
        return Triaged([], [], None, [], "other", "unclear", 4, ["no need and no hazard"])
    evidence = Evidence(text, [*gate, *(facts or ())])
    hazards = hazards_of(evidence, keywords)
    source_kind, source_reason = source_of(evidence, text, needs)
    if facts is None:
        return Triaged([], [], None, [], source_kind, "unclear", 4, [source_reason, "no need and no hazard"])
    state, state_reason = state_of(evidence, needs, hazards)
    asks = needs != {"offer"}
    items, kinds = items_of(evidence, giving="offer" in needs)
    count = count_of(evidence.text) if asks else None
    vulnerable = vulnerable_of(evidence) if asks else []
    priority, reasons = decide(
        Facts(
            needs=needs,
            hazards=hazards,
            urgency=frozenset(evidence.kinds("urgency")),
            vulnerable=frozenset(vulnerable),
            item_kinds=kinds,
            settled=bool(evidence.of("urgency", "settlement"))
            or any(place["level"] in _SETTLED_LEVELS for place in places),
            source_kind=source_kind,
            state=state,
        )
    )
    why = [f"hazard {hazard}: {evidence.words('hazard', hazard) or 'a critical keyword'}" for hazard in hazards]
    why += [f"vulnerable {name}: {evidence.words('vulnerable', name)}" for name in vulnerable]
    why += [f"source {source_kind}: {source_reason}", f"state {state}: {state_reason}"]
    why.append(f"priority {priority}: {'; '.join(reasons)}")
    return Triaged(hazards, items, count, vulnerable, source_kind, state, priority, why)


def explain(
    text: str,
    needs: Sequence[str] = (),
    keywords: Sequence[Mapping[str, Any]] = (),
    places: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Return why triage decided as it did, in lexicon words only; ``needs`` are the names in the post's `needs`."""
    gate = gate_rules().scan([text])[0]
    facts = fact_rules().scan([text])[0] if needs or _calls(gate, keywords) else None
    return triage(text, gate, facts, frozenset(needs), keywords, places).reasons
