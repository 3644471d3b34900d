"""Features of every value found on made-up applications, with whether it is the true one.

Refuses the split whose figures are published. A value whose field the truth does not know is left out. Stopped and
started again it goes on with the applications that are not in the output yet.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.errors import UsageError
from udfs import types
from udfs.extraction import Record, extract_with_records, normalise, same
from udfs.reading import Reader


def truths(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of truth.jsonl. Raises UsageError for the split of the figures."""
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] != "tune":
            raise UsageError(f"{folder}: split {row['split']}: weights are fitted on the split tune only")
        if row["kind"] != "hostile":
            yield row


def judged(kind: types.Type, truth: dict[str, Any], records: list[Record]) -> Iterator[dict[str, Any]]:
    """A line a record whose truth is known. A cell is right when the column has its value."""
    for record in records:
        spec = kind.fields[record.field]
        if record.column:
            column = spec.columns[record.column]
            rows = truth["tables"].get(record.field, ())
            known = [(column, row[record.column]) for row in rows if record.column in row]
        else:
            known = [(spec, truth["fields"][record.field])] if record.field in truth["fields"] else []
        if known:
            right = any(same(one.kind, record.value, normalise(one.kind, value, one.choices)) for one, value in known)
            yield {
                "application": truth["id"],
                "field": ".".join(filter(None, (record.field, record.column))),
                "features": record.features,
                "correct": right,
            }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--part", default="1/1", help="k/n: the k-th of n parts")
    parser.add_argument("--readers", type=int, default=1)
    given = parser.parse_args(arguments)
    k, n = map(int, given.part.split("/"))
    done = set()
    if given.output.exists():
        done = {json.loads(line)["application"] for line in given.output.read_text().splitlines()}
    with Reader(processes=given.readers) as reader, given.output.open("a") as output:
        for at, truth in enumerate(truths(given.folder)):
            if at % n != k - 1 or truth["id"] in done:
                continue
            folder = given.folder / "applications" / truth["id"]
            form = json.loads((folder / "application.json").read_text(encoding="utf-8"))["fields"]
            began = time.monotonic()
            kind = types.load(truth["type"])
            _, records = extract_with_records(kind, form, reader.read(folder))
            lines = list(judged(kind, truth, records))
            output.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            output.flush()
            wrong = sorted({line["field"] for line in lines if not line["correct"]})
            sys.stderr.write(f"{truth['id']} {truth['kind']} {time.monotonic() - began:.1f} s wrong: {wrong}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
