"""Measure PERSON on the rows of ``zh_ner`` kept for it: by part, exact and overlapping, and the gate's loss.

python -m training.pii.measure --gold zh_ner.jsonl.gz [--model udfs/pii/model]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.pii import corpus
from udfs.pii.evaluate import evaluate
from udfs.pii.step import Mask
from udfs.pii.tagger import MODEL, NameTagger


def reached(rows: Sequence[dict[str, Any]], mask: Mask) -> float:
    """Return the share of names that a span of any type but PLACE touches: in Weibo NER many are those of @mentions."""
    names = touched = 0
    for row, spans in zip(rows, mask.find([row["text"] for row in rows]), strict=True):
        hidden = [span for span in spans if span.type != "PLACE"]
        names += len(row["pii"])
        touched += sum(any(g["start"] < s.end and s.start < g["end"] for s in hidden) for g in row["pii"])
    return touched / names if names else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=MODEL)
    options = parser.parse_args()
    mask = Mask(names=True, model=str(options.model))
    mask.open()
    tagger = NameTagger(options.model)
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in corpus.read(options.gold):
        if corpus.held_out(row):
            spans = [{"type": "PERSON", "start": a, "end": b} for a, b in corpus.gold_people(row)]
            parts.setdefault(row["source"], []).append({"text": row["text"], "pii": spans})
    parts["all"] = [row for rows in list(parts.values()) for row in rows]
    for source, rows in parts.items():
        report = evaluate(rows, mask)
        person = report["types"].get("PERSON")
        named = [row["text"] for row in rows if row["pii"]]
        shut = sum(not tagger.passes_gate(text) for text in named)
        figures = {
            "posts": len(rows),
            "gate_loses": shut,
            "person": person,
            "reached_as_any_type": reached(rows, mask),
            "speed": report["posts_per_cpu_second"],
        }
        print(source, json.dumps(figures))


if __name__ == "__main__":
    main()
