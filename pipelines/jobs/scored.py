"""The output form of `yuqing score`: the contract's "A scored post, out", with `--explain` why each decision fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, TypeVar

import pyarrow as pa

from pipelines.engines.job import Job
from schemas.records import with_columns
from schemas.step import Step
from udfs.encoder.step import Classify
from udfs.keywords.step import Match
from udfs.render import SHARED_LEVELS, Render
from udfs.triage.step import REASONS, Triage

FIELDS = (
    "id", "text", "language", "sentiment", "sentiment_score", "emotion", "emotion_score", "need", "need_score",
    "help_score", "needs", "hazards", "items", "people", "source_kind", "state", "priority", "keywords", "places",
    "pii", "model",
)  # fmt: skip
_INTERNAL = {"keywords": ("critical",), "places": ("start", "end")}
"""Parts of a column that the contract does not show."""
_PLACES = 4
"""Decimals of a score: more would only show the noise of float32."""


_READ = "text_read"
"""Internal column of an explained job: the masked text that match, classify and triage read."""
_WHY = (_READ, *REASONS.names)
"""Internal columns that an explanation needs; never shown."""
_PLACE = "<PLACE>"


def scored(batch: pa.RecordBatch, explainer: Explainer | None = None) -> list[dict[str, Any]]:
    """Rows in the contract's form and order of keys; with ``explainer``, whose job made the batch, `explain` too."""
    rows: list[dict[str, Any]] = batch.select(FIELDS if explainer is None else [*FIELDS, *_WHY]).to_pylist()
    for row in rows:
        if explainer is not None:
            why = {name: row.pop(name) for name in _WHY}
            row["explain"] = explainer.explain(row, *why.values())
        for name, hidden in _INTERNAL.items():
            for part in row[name]:
                for key in hidden:
                    del part[key]
        for name in ("sentiment_score", "emotion_score", "need_score", "help_score"):
            row[name] = round(row[name], _PLACES)
        for name in ("needs", "pii"):
            for part in row[name]:
                part["score"] = round(part["score"], _PLACES)
    return rows


class KeepRead(Step):
    """Keep the text that the decisions were made from, before `render` hides shared places of everyday posts."""

    name: ClassVar[str] = "keep_read"
    reads: ClassVar[tuple[str, ...]] = ("text",)
    writes: ClassVar[pa.Schema] = pa.schema([pa.field(_READ, pa.string())])

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return with_columns(batch, self.writes, {_READ: batch.column("text")})


_S = TypeVar("_S", bound=Step)


class Explainer:
    """What each decision of a row rests on. Costs many forward passes a post: for a look at some posts, not a feed.

    It asks the very steps of ``job`` (opened by then, in this process), about the very text they read, so it cannot
    contradict what was decided. `job` is the job to run: the given one, with reasons of triage and the text as read.
    """

    def __init__(self, job: Job) -> None:
        steps: list[Step] = []
        for step in job.steps:
            if isinstance(step, Render):
                steps.append(KeepRead())
            steps.append(Triage(step.merge, reasons=True) if isinstance(step, Triage) else step)
        self.job = replace(job, steps=tuple(steps))
        self._classify, self._match, self._triage = self._step(Classify), self._step(Match), self._step(Triage)

    def _step(self, kind: type[_S]) -> _S:
        return next(step for step in self.job.steps if isinstance(step, kind))

    def explain(self, row: dict[str, Any], read: str, reasons: list[str]) -> dict[str, Any]:
        """Why ``row`` says what it says: ``read`` is the text that was read, ``reasons`` are those of triage.

        * `model`: for each head what was decided, its score and threshold, and the `spans` of the shown text that
          carried it: offsets, words, and log-odds given;
        * `rules`: the keyword rules that fired, with category, term, and whether alone they may raise an alert;
        * `priority`: why triage chose hazards, source, state and priority, by rule or by the model;
        * `thresholds`: those of the model's labels, and from where on triage believes the model;
        * `versions`: of the model, the keyword rules and the triage lexicon.
        """
        from udfs.encoder.explain import explain as tokens
        from udfs.encoder.explain import thresholds

        model = [found.to_dict() for found in tokens(self._classify, read, row["language"])]
        hidden = _hidden(row["places"]) if row["text"] != read else []
        for found in model:
            found["spans"] = [_shown(span, hidden, row["text"]) for span in found["spans"]]
        merge = {name: value for name, value in asdict(self._triage.merge).items() if isinstance(value, float)}
        limits = thresholds(self._classify)
        return {
            "model": model,
            "rules": [dict(keyword) for keyword in row["keywords"]],
            "priority": reasons,
            "thresholds": {"model": {head: _rounded(held) for head, held in limits.items()}, "triage": merge},
            "versions": {"model": row["model"], "rules": self._match.rules.version, "lexicon": _lexicon_version()},
        }


def _rounded(held: dict[str, float]) -> dict[str, float]:
    return {label: round(value, _PLACES) for label, value in held.items()}


def _lexicon_version() -> str:
    from udfs.triage.evidence import fact_rules, gate_rules

    return f"{gate_rules().version[:12]}+{fact_rules().version[:12]}"


def _hidden(places: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Spans of the read text that `render` made `<PLACE>`, sorted, overlapping ones as one."""
    hidden: list[tuple[int, int]] = []
    for start, end in sorted((p["start"], p["end"]) for p in places if p["level"] in SHARED_LEVELS and p["start"] >= 0):
        if hidden and start < hidden[-1][1]:
            hidden[-1] = (hidden[-1][0], max(end, hidden[-1][1]))
        else:
            hidden.append((start, end))
    return hidden


def _shown(span: dict[str, Any], hidden: Sequence[tuple[int, int]], text: str) -> dict[str, Any]:
    """``span`` of the read text where it stands in ``text``, the shown one; what touches a hidden place covers it."""

    def moved(offset: int, last: bool) -> int:
        shift = 0
        for start, end in hidden:
            if offset >= end:
                shift += len(_PLACE) - (end - start)
            elif offset > start:
                return start + shift + (len(_PLACE) if last else 0)
        return offset + shift

    start, end = moved(span["start"], False), moved(span["end"], True)
    return {"start": start, "end": end, "text": text[start:end], "weight": span["weight"]}
