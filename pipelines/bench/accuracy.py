"""`bench accuracy`: the model on labelled posts, in the contract's labels. The figures are `udfs.encoder.evaluate`'s.

A row is a JSON object with `text` and any of `sentiment`, `emotion`, `needs` (or `need`), `hazards`, `source_kind`,
`state`; public sets that have one label only call it `label`, and ``label_head`` says which of these it is. Texts are
masked first, as in the job, since that is what the model is made for and a labelled file may hold raw posts; a text
that is masked already comes out as it was. `language` is detected where a row does not say.

Errors name the line of the file and never the post.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from pipelines.bench import labelled
from schemas.errors import RecordError, UsageError
from schemas.step import Step
from udfs.encoder.evaluate import check, evaluate

Report = dict[str, Any]
LABEL_HEADS = ("sentiment", "emotion", "need")
HEADS = {
    "sentiment": ("sentiment",),
    "emotion": ("emotion",),
    "needs": ("needs", "need"),
    "hazards": ("hazards",),
    "source": ("source_kind",),
    "state": ("state",),
}
"""Head -> the fields that label it. `help` follows from needs."""
_BATCH = 512


def measure(
    data: Path,
    classify: Step,
    *,
    label_head: str | None = None,
    mask: bool = True,
    errors: int = 0,
    errors_file: Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Report:
    """Judge ``classify`` (opened) on the file ``data``.

    Returns what `evaluate` does, with `data`, `masked`, `languages` (name -> rows), and `unjudged`, the labelled heads
    that this model does not have. With ``errors``, each head has `errors`: at most that many {line, truth, answer,
    score, text}, the surest first; the text is masked, shared places too, whatever ``mask`` says. ``errors_file`` gets
    every wrong answer of every head as JSON lines, without texts.

    Raises UsageError with the line and the remedy for a row that cannot be judged, or when nothing is labelled.
    """
    rows = _rows(data, label_head)
    lines = [number for number, _ in rows]
    posts = _prepared(data, rows, mask)
    every = len(posts) if errors_file else errors
    report = evaluate(posts, classify, resamples=resamples, seed=seed, errors=every)
    for found in report["heads"].values():
        for wrong in found.get("errors", ()):
            wrong["line"] = lines[wrong.pop("row")]
    if errors_file:
        _write(errors_file, report["heads"])
    _show(report["heads"], errors, {line: post["text"] for line, post in zip(lines, posts, strict=True)})
    labels = [
        head for head, fields in HEADS.items() if any(post.get(name) is not None for post in posts for name in fields)
    ]
    return {
        "data": data.name,
        "masked": mask,
        "languages": dict(Counter(post["language"] for post in posts).most_common()),
        "unjudged": [head for head in labels if head not in report["heads"]],
        **report,
    }


def _rows(data: Path, label_head: str | None) -> list[tuple[int, dict[str, Any]]]:
    """Checked rows with their lines; `label` stands where the contract has it."""
    rows = labelled.read(data)
    labels = 0
    for number, row in rows:
        if label_head is not None and row.get("label") is not None:
            row[label_head] = row["label"]
        try:
            check(row)
        except RecordError as error:
            raise UsageError(
                f"--data {data}, line {number}: {error}; correct it, or leave a label out where it is unknown"
            ) from None
        language = row.get("language")
        if language is not None and not isinstance(language, str):
            raise UsageError(f"--data {data}, line {number}: language is no string; write zh or en, or leave it out")
        labels += any(row.get(name) is not None for fields in HEADS.values() for name in fields)
    if not labels:
        remedy = "give rows one of " + ", ".join(name for fields in HEADS.values() for name in fields)
        if label_head is None and any(row.get("label") is not None for _, row in rows):
            remedy = f"rows have a field `label`: say what it is with --label-head {'|'.join(LABEL_HEADS)}"
        raise UsageError(f"--data {data}: no row is labelled; {remedy}")
    return rows


def _prepared(data: Path, rows: Sequence[tuple[int, dict[str, Any]]], mask: bool) -> list[dict[str, Any]]:
    """The rows with their language, and with the text that the model shall see."""
    from udfs.language import Language
    from udfs.pii.step import Mask

    steps: list[Step] = [Language(), Mask()] if mask else [Language()]
    for step in steps:
        step.open()
    posts = []
    for at in range(0, len(rows), _BATCH):
        part = rows[at : at + _BATCH]
        try:
            texts, languages = _through(steps, [row["text"] for _, row in part])
        except (RecordError, UnicodeEncodeError):
            raise UsageError(f"--data {data}, line {_to_blame(steps, part)}: {_UNMASKED}") from None
        for (_, row), text, language in zip(part, texts, languages, strict=True):
            posts.append(row | {"text": text, "language": row.get("language") or language})
    for step in steps:
        step.close()
    return posts


_UNMASKED = "the text cannot be read or masked (a lone surrogate?); take the line out"


def _through(steps: Sequence[Step], texts: Sequence[str]) -> tuple[list[str], list[str]]:
    batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())})
    for step in steps:
        batch = step.apply(batch)
    return batch.column("text").to_pylist(), batch.column("language").to_pylist()


def _to_blame(steps: Sequence[Step], part: Sequence[tuple[int, dict[str, Any]]]) -> int:
    """The first line whose text does not come through alone; the part's first if each does."""
    for number, row in part:
        try:
            _through(steps, [row["text"]])
        except (RecordError, UnicodeEncodeError):
            return number
    return part[0][0]


def _write(path: Path, heads: Report) -> None:
    """Every wrong answer; lines instead of texts, so that the file is no new place where posts lie."""
    encode = msgspec.json.Encoder().encode
    rows = [
        {"head": head, "line": wrong["line"], **wrong} for head, found in heads.items() for wrong in found["errors"]
    ]
    try:
        path.write_bytes(b"".join(encode(row) + b"\n" for row in rows))
    except OSError as error:
        raise UsageError(f"--errors-file {path}: {error.strerror}; name a file in a folder that exists") from None


def _show(heads: Report, errors: int, texts: dict[int, str]) -> None:
    """Leave ``errors`` wrong answers a head, with their masked texts."""
    for found in heads.values():
        found["errors"] = found.get("errors", [])[:errors]
    shown = sorted({wrong["line"] for found in heads.values() for wrong in found["errors"]})
    masked: dict[int, str] = {}
    if shown:
        from udfs.language import Language
        from udfs.pii.step import Mask

        steps: list[Step] = [Language(), Mask(mask_places=True)]
        for step in steps:
            step.open()
        masked = dict(zip(shown, _through(steps, [texts[line] for line in shown])[0], strict=True))
    for found in heads.values():
        for wrong in found["errors"]:
            wrong["text"] = masked[wrong["line"]]
        if not errors:
            del found["errors"]
