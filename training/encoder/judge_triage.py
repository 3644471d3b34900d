"""Which decides better, triage's rules, the model, or both merged: on the hand-labelled posts.

    python -m training.encoder.judge_triage [--bundle NAME_OR_FOLDER] [--rows FILE] [--part all|calibrate|test]
        [--needs model|gold] [--errors HEAD]

Every post goes through the steps of the filter `score` from parse to triage; `--needs gold` puts the labelled needs in
place of the model's, which tells triage's mistakes from the classifier's. Rows need any of the labels `hazards` (a
list), `source` (or `source_kind`), `state` and `priority`; each figure is over the rows that have its label. A bundle
without heads for hints shows the rules three times. Thresholds may be chosen on the `calibrate` half only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.records import HAZARDS, RAW, SOURCE_KINDS, STATES
from schemas.step import Step
from training.encoder import data, needs
from udfs.encoder.step import Classify
from udfs.keywords.step import Match
from udfs.language import Language
from udfs.parse import Parse
from udfs.pii.step import Mask
from udfs.places.step import Locate
from udfs.triage.merge import MERGED, MODEL_ALONE, RULES_ALONE, Merge
from udfs.triage.step import Triage

ASKED = {"rules alone": RULES_ALONE, "model alone": MODEL_ALONE, "merged": MERGED}
_LABELS = {"source_kind": SOURCE_KINDS, "state": STATES}
Row = dict[str, Any]


def labelled(file: Path, part: str = "all") -> list[Row]:
    """Rows of ``file`` of one half, with `source_kind` for either name of that label. Raises ValueError for a label
    that the contract does not have."""
    rows: list[Row] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        row["source_kind"] = row.get("source_kind", row.get("source"))
        half = "calibrate" if data.part_of(data.prepare(row["text"]), 0.4) != "train" else "test"  # as needs.developed
        unknown = set(row.get("hazards") or ()) - set(HAZARDS)
        unknown |= {row[key] for key, names in _LABELS.items() if row.get(key) is not None and row[key] not in names}
        if unknown or row.get("priority") not in (None, 1, 2, 3, 4):
            raise ValueError(f"{file.name}:{number}: {sorted(unknown) or row['priority']} is no label of the contract")
        if part in ("all", half):
            rows.append(row)
    return rows


def classified(texts: Sequence[str], bundle: str | None) -> pa.RecordBatch:
    """``texts`` after every step of `score` before triage."""
    values: Row = {
        "source": ["hand"] * len(texts),
        "partition": ["dev"] * len(texts),
        "offset": range(len(texts)),
        "timestamp": [0] * len(texts),
        "ingested_at": [0] * len(texts),
        "raw": [json.dumps({"id": str(k), "text": text}).encode() for k, text in enumerate(texts)],
    }
    batch = pa.RecordBatch.from_pydict({key: pa.array(values[key], RAW.field(key).type) for key in RAW.names})
    steps: tuple[Step, ...] = (Parse(), Language(), Mask(), Match(), Locate(), Classify(bundle))
    for step in steps:
        step.open()
        batch = step.apply(batch)
        step.close()
    return batch


def with_gold_needs(batch: pa.RecordBatch, truth: Sequence[Row]) -> pa.RecordBatch:
    """Return ``batch`` with the labelled needs for those that were classified; `help_score` and hints stay."""
    at = batch.schema.get_field_index("needs")
    field = batch.schema.field(at)
    needs = [[{"need": need, "score": 0.9} for need in row["needs"]] for row in truth]
    return batch.set_column(at, field, pa.array(needs, field.type))


def triaged(batch: pa.RecordBatch, merge: Merge) -> list[Row]:
    step = Triage(merge)
    step.open()
    rows: list[Row] = step.apply(batch).select(Triage.writes.names).to_pylist()
    return rows


def figures(truth: Sequence[Row], said: Sequence[Row]) -> dict[str, float]:
    """Name -> figure, as far as ``truth`` is labelled; 0 to 1."""
    found: dict[str, float] = {}
    pairs = [(set(row["hazards"]), set(answer["hazards"])) for row, answer in _with("hazards", truth, said)]
    if pairs:
        hits = sum(len(true & told) for true, told in pairs)
        found["hazards: micro-F1"] = 2 * hits / max(1, sum(len(true) + len(told) for true, told in pairs))
        found["hazards: precision"] = hits / max(1, sum(len(told) for _, told in pairs))
        found["hazards: recall"] = hits / max(1, sum(len(true) for true, _ in pairs))
    for key in ("source_kind", "state"):
        labels = [(row[key], answer[key]) for row, answer in _with(key, truth, said)]
        if labels:
            found[f"{key}: accuracy"] = _accuracy(labels)
            classes = sorted({true for true, _ in labels})
            found[f"{key}: macro-F1"] = sum(_f1(labels, each) for each in classes) / len(classes)
            found |= {f"{key} {each} ({sum(t == each for t, _ in labels)}): F1": _f1(labels, each) for each in classes}
    levels = [(row["priority"], answer["priority"]) for row, answer in _with("priority", truth, said)]
    if levels:
        first = sum(true == told == 1 for true, told in levels)
        found["priority: accuracy"] = _accuracy(levels)
        found["priority 1: recall"] = first / max(1, sum(true == 1 for true, _ in levels))
        found["priority 1: precision"] = first / max(1, sum(told == 1 for _, told in levels))
    return found


def _with(key: str, truth: Sequence[Row], said: Sequence[Row]) -> list[tuple[Row, Row]]:
    return [pair for pair in zip(truth, said, strict=True) if pair[0].get(key) is not None]


def _accuracy(pairs: Sequence[tuple[Any, Any]]) -> float:
    return sum(true == told for true, told in pairs) / len(pairs)


def _f1(pairs: Sequence[tuple[Any, Any]], label: Any) -> float:
    both = sum(true == told == label for true, told in pairs)
    return 2 * both / max(1, sum((true == label) + (told == label) for true, told in pairs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", help="a shipped bundle's name or a folder; the default is the shipped default")
    parser.add_argument("--rows", type=Path, default=needs.DEV, help="JSON lines with text and labels")
    parser.add_argument("--part", choices=("all", "calibrate", "test"), default="all")
    parser.add_argument("--needs", choices=("model", "gold"), default="model", help="whose needs triage is given")
    parser.add_argument("--errors", choices=(*_LABELS, "hazards", "priority"), help="list what merged gets wrong there")
    arguments = parser.parse_args()
    rows = labelled(arguments.rows, arguments.part)
    batch = classified([row["text"] for row in rows], arguments.bundle)
    if arguments.needs == "gold":
        batch = with_gold_needs(batch, rows)
    answers = {name: triaged(batch, merge) for name, merge in ASKED.items()}
    table = {name: figures(rows, said) for name, said in answers.items()}
    print(f"{len(rows)} posts, model {batch.column('model')[0]}")
    print(f"{'':34}" + "".join(f"{name:>13}" for name in table))
    for figure in table["merged"]:
        print(f"{figure:34}" + "".join(f"{each[figure]:13.3f}" for each in table.values()))
    if arguments.errors:
        for row, answer in _with(arguments.errors, rows, answers["merged"]):
            if answer[arguments.errors] != row[arguments.errors]:
                print(f"{row[arguments.errors]} -> {answer[arguments.errors]}\t{row['text']}")


if __name__ == "__main__":
    main()
