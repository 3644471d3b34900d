"""The output form of `yuqing score`: the contract's "A scored post, out", with `--explain` why each decision fell."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from schemas.settings import Settings

FIELDS = (
    "id", "text", "language", "sentiment", "sentiment_score", "emotion", "emotion_score", "need", "need_score",
    "help_score", "needs", "hazards", "items", "people", "source_kind", "state", "priority", "keywords", "places",
    "pii", "model",
)  # fmt: skip
_INTERNAL = {"keywords": ("critical",), "places": ("start", "end")}
"""Parts of a column that the contract does not show."""
_PLACES = 4
"""Decimals of a score: more would only show the noise of float32."""


def scored(batch: pa.RecordBatch, explainer: Explainer | None = None) -> list[dict[str, Any]]:
    """Rows in the contract's form and order of keys."""
    rows: list[dict[str, Any]] = batch.select(FIELDS).to_pylist()
    for row in rows:
        for name, hidden in _INTERNAL.items():
            for part in row[name]:
                for key in hidden:
                    del part[key]
        for name in ("sentiment_score", "emotion_score", "need_score", "help_score"):
            row[name] = round(row[name], _PLACES)
        for name in ("needs", "pii"):
            for part in row[name]:
                part["score"] = round(part["score"], _PLACES)
        if explainer is not None:
            row["explain"] = explainer.explain(row)
    return rows


class Explainer:
    """What each decision of a row rests on. Costs many forward passes a post: for a look at some posts, not a feed."""

    def __init__(self, settings: Settings) -> None:
        from udfs.encoder.explain import Explain

        from udfs.keywords.step import Match

        bundle = settings.model.bundle
        self._model = Explain(str(bundle) if bundle else None)
        self._rules = Match(settings.rules.folders or None)
        self._rules.open()

    def explain(self, row: dict[str, Any]) -> dict[str, Any]:
        """Tokens that carried each head, rules that fired, reasons of the priority, versions."""
        from udfs.triage.explain import explain as triage_reasons

        return {
            "tokens": self._model.explain(row["text"], row["language"]),
            "rules": [keyword["rule"] for keyword in row["keywords"]],
            "priority": triage_reasons(row),
            "versions": {"model": row["model"], "rules": self._rules.rules.version},
        }
