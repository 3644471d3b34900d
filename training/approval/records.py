"""Features of every value found on made-up applications, with whether it is the true one.

Refuses the split whose figures are published. A value whose field the truth does not know is left out. Stopped and
started again it goes on with the applications that are not in the output yet.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.errors import UsageError
from udfs import types
from udfs.extraction import Record, extract_with_records
from udfs.reading import Reader


def plain(value: object) -> str:
    """A value without what does not matter: width, spaces, trailing zeros."""
    if isinstance(value, bool) or value is None:
        return str(value).casefold()
    if isinstance(value, int | float):
        return f"{value:.3f}"
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(value))).casefold()


def truths(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of truth.jsonl. Raises UsageError for the split of the figures."""
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] != "tune":
            raise UsageError(f"{folder}: split {row['split']}: weights are fitted on the split tune only")
        if row["kind"] != "hostile":
            yield row


def judged(truth: dict[str, Any], records: list[Record]) -> Iterator[dict[str, Any]]:
    """A line a record whose truth is known. A cell is right when the column has its value."""
    for record in records:
        if record.column:
            rows = truth["tables"].get(record.field, ())
            known = {plain(row[record.column]) for row in rows if record.column in row}
        elif record.field in truth["fields"]:
            known = {plain(truth["fields"][record.field])}
        else:
            continue
        yield {
            "application": truth["id"],
            "field": ".".join(filter(None, (record.field, record.column))),
            "features": record.features,
            "correct": plain(record.value) in known,
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
            _, records = extract_with_records(types.load(truth["type"]), form, reader.read(folder))
            lines = list(judged(truth, records))
            output.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            output.flush()
            wrong = sorted({line["field"] for line in lines if not line["correct"]})
            sys.stderr.write(f"{truth['id']} {truth['kind']} {time.monotonic() - began:.1f} s wrong: {wrong}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
