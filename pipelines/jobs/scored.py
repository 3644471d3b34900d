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
        if explainer is not None:
            row["explain"] = explainer.explain(row)
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


class Explainer:
    """What each decision of a row rests on. Costs many forward passes a post: for a look at some posts, not a feed.

    It looks at the text as shown, in which shared places of everyday posts are masked.
    """

    def __init__(self, settings: Settings) -> None:
        from udfs.encoder.step import Classify
        from udfs.keywords.step import Match

        model = settings.model
        self._classify = Classify(str(model.bundle) if model.bundle else None, device=model.device)
        self._classify.open()
        self._match = Match(settings.rules.folders or None)
        self._match.open()

    def explain(self, row: dict[str, Any]) -> dict[str, Any]:
        """Tokens that carried each head, rules that fired, reasons of the priority, versions of model and rules."""
        from udfs.encoder.explain import explain as tokens
        from udfs.triage.step import explain as reasons

        needs = [need["need"] for need in row["needs"]]
        return {
            "model": [found.to_dict() for found in tokens(self._classify, row["text"], row["language"])],
            "rules": [keyword["rule"] for keyword in row["keywords"]],
            "priority": reasons(row["text"], needs, row["keywords"], row["places"]),
            "versions": {"model": row["model"], "rules": self._match.rules.version},
        }
