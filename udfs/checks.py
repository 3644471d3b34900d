"""The checks that every step must pass; the test double of the project, shipped so that a site can check its own steps.

``check_udf(step)`` proves the guarantees of ``schemas.step`` on awkward texts. It raises AssertionError naming the
guarantee that does not hold and the position of the row, never the text.
"""

from __future__ import annotations

import io
import logging
import math
import pickle
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pyarrow as pa

from schemas import records
from schemas.step import ERROR, Step

MARKER = "绝密标记QZX"
"""Stands in some texts; must never come back in a log line or an exception."""

AWKWARD_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "水涨到二楼了，家里有老人和孩子，请来救援 13800138000",
    "作业太多了救救我😂😂",
    "#河南暴雨互助# //@某人:转发",
    "Trapped on the roof near the bridge, please send a boat http://example.com @someone",
    "混合 mixed ＦＵＬＬ　ｗｉｄｔｈ １３８００１３８０００ 繁體字 かな 한글 العربية",
    "👨‍👩‍👧‍👦🇨🇳🏳️‍🌈" * 40,
    "\u202e\u200b\ufeff\u0301 ​",
    "<CN_MOBILE> <ADDRESS> <PLACE> <",
    "\t\r\n\x01\x7f",
    "😀" * 16_000,
    "急" * 21_845,
    "a" * 65_536,
    "1" * 5_000,
    "@#/:" * 2_000,
    MARKER + "被困在郑州市二七区，请联系13900139000",
)


def sample_batch(
    texts: Sequence[str] = AWKWARD_TEXTS, columns: Mapping[str, Sequence[Any]] | None = None
) -> pa.RecordBatch:
    """Return a batch that has every column of ``schemas.records``, with ``texts`` as posts and plain values elsewhere.

    ``columns`` replaces the values of single columns.
    """
    n = len(texts)
    given = dict(columns or {})
    values: dict[str, Any] = {
        "source": ["sample"] * n,
        "partition": ["0"] * n,
        "offset": list(range(n)),
        "timestamp": [1_600_000_000_000] * n,
        "ingested_at": [1_600_000_000_500] * n,
        "raw": [b"{}"] * n,
        "id": [f"sample-{i}" for i in range(n)],
        "text": list(texts),
        "platform": ["weibo"] * n,
        "created_at": [1_600_000_000_000] * n,
        "updated_at": [1_600_000_000_000] * n,
        "region": ["河南 郑州"] * n,
        "likes": [0] * n,
        "reposts": [0] * n,
        "comments": [0] * n,
        "extra": ["{}"] * n,
        "author": ["someone"] * n,
        "language": ["zh"] * n,
        "author_token": ["t"] * n,
        "sentiment": ["neutral"] * n,
        "sentiment_score": [0.5] * n,
        "emotion": ["neutral"] * n,
        "emotion_score": [0.5] * n,
        "need": ["none"] * n,
        "need_score": [0.0] * n,
        "help_score": [0.0] * n,
        "model": ["none@0"] * n,
        "source_kind": ["self"] * n,
        "state": ["open"] * n,
        "priority": [4] * n,
    } | given
    batch = pa.RecordBatch.from_pydict({"source": values["source"]}, schema=pa.schema([("source", pa.string())]))
    for schema in (
        records.RAW,
        records.POST,
        records.LANGUAGE,
        records.MASKED,
        records.SEALED,
        records.MATCHED,
        records.LOCATED,
        records.CLASSIFIED,
        records.TRIAGED,
    ):
        filled: dict[str, Sequence[Any]] = {}
        for field in schema:
            empty: Any = [] if pa.types.is_list(field.type) else {} if pa.types.is_struct(field.type) else None
            filled[field.name] = values.get(field.name, [empty] * n)
        batch = records.with_columns(batch, schema, filled)
    return batch


def check_udf(step: Step, batch: pa.RecordBatch | None = None) -> None:
    """Prove the contract of ``schemas.step`` for a step that is not opened yet. Raises AssertionError."""
    batch = sample_batch() if batch is None else batch
    missing = [name for name in step.reads if name not in batch.schema.names]
    assert not missing, f"{step.name}: the batch lacks {missing}; pass one that has them"  # noqa: S101
    step = pickle.loads(pickle.dumps(step))  # noqa: S301
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stdout(said), redirect_stderr(said):
            step.open()
            _check_results(step, batch)
            step.close()
            step.close()
    finally:
        logging.getLogger().removeHandler(handler)
    _require(MARKER not in said.getvalue(), step, "text of a post appeared in a log line")


def _check_results(step: Step, batch: pa.RecordBatch) -> None:
    whole = step.apply(batch)
    _check_shape(step, batch, whole)
    _check_shape(step, batch.slice(0, 0), step.apply(batch.slice(0, 0)))
    rows = _rows(step, whole)
    for i in range(batch.num_rows):
        one = _rows(step, step.apply(batch.slice(i, 1)))
        _require(_same(one[0], rows[i]), step, f"row {i} alone differs from row {i} in a batch")
    backwards = pa.array(range(batch.num_rows - 1, -1, -1))
    turned = _rows(step, step.apply(batch.take(backwards)))
    _require(_same(turned[::-1], rows), step, "the order of the batch changes results")
    _require(_same(_rows(step, step.apply(batch)), rows), step, "state leaks from one batch into the next")
    for name in step.reads:
        try:
            step.apply(records.without_columns(batch, [name]))
        except Exception as error:  # a missing column must fail; how is the step's business
            _require(MARKER not in str(error), step, "text of a post stands in an exception")


def _check_shape(step: Step, before: pa.RecordBatch, after: pa.RecordBatch) -> None:
    _require(after.num_rows == before.num_rows, step, f"{before.num_rows} rows in, {after.num_rows} out")
    for field in step.writes:
        _require(field.name in after.schema.names, step, f"column {field.name} is declared but not written")
        _require(after.schema.field(field.name).type == field.type, step, f"column {field.name} has another type")
    written = {field.name for field in step.writes}
    for name in before.schema.names:
        if name in step.drops:
            _require(name not in after.schema.names, step, f"column {name} should be gone")
        elif name not in written:
            _require(name in after.schema.names, step, f"column {name} was lost")
            _require(after.column(name).equals(before.column(name)), step, f"column {name} was changed")
    declared = written | set(before.schema.names) | {ERROR}
    extra = [name for name in after.schema.names if name not in declared]
    _require(not extra, step, f"columns {extra} are written but not declared")


def _rows(step: Step, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    names = [field.name for field in step.writes]
    if ERROR in batch.schema.names and ERROR not in names:
        names.append(ERROR)
    rows: list[dict[str, Any]] = batch.select(names).to_pylist()
    return rows


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _require(holds: bool, step: Step, what: str) -> None:
    if not holds:
        raise AssertionError(f"{step.name}: {what}")
