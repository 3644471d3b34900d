"""The columns of a record on its way from the feed to the store, as Arrow types.

Times are int64 milliseconds since the epoch, UTC. Offsets in text are Python string offsets (code points).
Nested values are Arrow lists and structs, so a batch crosses a process border without being re-encoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# -- what a source yields ---------------------------------------------------------------------------------------
RAW = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),  # kafka topic, or the file's folder, or "generate"
        pa.field("partition", pa.string(), nullable=False),  # kafka partition, or the file's name, or the seed
        pa.field("offset", pa.int64(), nullable=False),  # kafka offset, or the line's number from 0
        pa.field("timestamp", pa.int64(), nullable=False),  # kafka timestamp, or the file's time
        pa.field("ingested_at", pa.int64(), nullable=False),  # when the reader handed the record on
        pa.field("raw", pa.binary(), nullable=False),
    ]
)

# -- parse: the contract's "A post, in" ------------------------------------------------------------------------
POST = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("text", pa.string()),  # as posted; `mask` replaces it
        pa.field("platform", pa.string()),
        pa.field("author", pa.string()),
        pa.field("created_at", pa.int64()),
        pa.field("updated_at", pa.int64()),  # created_at when absent
        pa.field("url", pa.string()),
        pa.field("region", pa.string()),
        pa.field("repost_of", pa.string()),
        pa.field("likes", pa.int64()),
        pa.field("reposts", pa.int64()),
        pa.field("comments", pa.int64()),
        pa.field("extra", pa.string()),  # unknown fields as a JSON object, "{}" when there are none
    ]
)

LANGUAGE = pa.schema([pa.field("language", pa.string())])  # zh, en, und

# -- mask ------------------------------------------------------------------------------------------------------
PII_SPAN = pa.struct([("type", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("score", pa.float32())])
"""Offsets are those of the *input* text; spans are sorted and do not overlap."""
IDENTIFIER = pa.struct([("type", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("value", pa.string())])
"""The text of a masked span, on its way to the vault; `seal` drops the column right after `mask`."""
PLACE_SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("score", pa.float32())])
"""A shared place that still stands; offsets are those of the *masked* text, as in `places`. `locate` names it."""
MASKED = pa.schema(
    [
        pa.field("text", pa.string()),  # every identity is `<TYPE>`; shared places still stand
        pa.field("pii", pa.list_(PII_SPAN)),
        pa.field("identifiers", pa.list_(IDENTIFIER)),
        pa.field("place_spans", pa.list_(PLACE_SPAN)),
    ]
)

# -- seal: identities become tokens, plain values go ------------------------------------------------------------
SEALED = pa.schema(
    [
        pa.field("author_token", pa.string()),  # keyed hash; "" without an author
        pa.field("phone_tokens", pa.list_(pa.string())),  # keyed hashes of the phone numbers in the text
    ]
)

# -- match -----------------------------------------------------------------------------------------------------
KEYWORD = pa.struct([("rule", pa.string()), ("category", pa.string()), ("term", pa.string()), ("critical", pa.bool_())])
"""`critical` is true when this hit alone may raise an alert (a critical rule's term outside hashtags and tails)."""
MATCHED = pa.schema([pa.field("keywords", pa.list_(KEYWORD))])

# -- locate ----------------------------------------------------------------------------------------------------
PLACE = pa.struct(
    [
        ("name", pa.string()),  # full path from the province
        ("level", pa.string()),  # province city county town village road poi
        ("adcode", pa.string()),  # the county's at county level and below; null if unknown
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("radius_m", pa.int32()),
        ("start", pa.int32()),  # span in the masked text; -1 when the place comes from the region field
        ("end", pa.int32()),
    ]
)
LOCATED = pa.schema([pa.field("places", pa.list_(PLACE))])

# -- classify and triage ---------------------------------------------------------------------------------------
NEED = pa.struct([("need", pa.string()), ("score", pa.float32())])
ITEM = pa.struct([("name", pa.string()), ("quantity", pa.float64()), ("unit", pa.string())])
PEOPLE = pa.struct([("count", pa.int32()), ("vulnerable", pa.list_(pa.string()))])
HAZARD = pa.struct([("hazard", pa.string()), ("score", pa.float32())])
HINTS = pa.struct(
    [
        ("hazards", pa.list_(HAZARD)),  # over the model's thresholds, strongest first
        ("source_kind", pa.string()),  # the likeliest, and its probability
        ("source_score", pa.float32()),
        ("state", pa.string()),
        ("state_score", pa.float32()),
    ]
)
"""What the model thinks `triage` should know; internal: neither stored nor shown. Null when the model cannot tell."""
EMBEDDING = pa.list_(pa.int8())
"""A vector of length one, times 127, rounded; [] when the model has none, zeros for a text without a token.

int8, because every post carries one: 64 bytes instead of 256 for 64 dimensions. The cosine of two vectors (divide by
their own lengths, which rounding moves a little off 127) changes by 0.0015 on average and less than 0.01.
"""
CLASSIFIED = pa.schema(
    [
        pa.field("sentiment", pa.string()),
        pa.field("sentiment_score", pa.float32()),
        pa.field("emotion", pa.string()),
        pa.field("emotion_score", pa.float32()),
        pa.field("need", pa.string()),
        pa.field("need_score", pa.float32()),
        pa.field("help_score", pa.float32()),
        pa.field("needs", pa.list_(NEED)),  # strongest first
        pa.field("model", pa.string()),
        pa.field("embedding", EMBEDDING),
        pa.field("hints", HINTS),
    ]
)
TRIAGED = pa.schema(
    [
        pa.field("hazards", pa.list_(pa.string())),
        pa.field("items", pa.list_(ITEM)),
        pa.field("people", PEOPLE),
        pa.field("source_kind", pa.string()),
        pa.field("state", pa.string()),
        pa.field("priority", pa.int8()),
    ]
)

# -- render ----------------------------------------------------------------------------------------------------
RENDERED = pa.schema(
    [
        pa.field("text", pa.string()),  # what is stored; shared places only where a need or hazard justifies them
        pa.field("text_l2", pa.string()),  # every shared place is `<PLACE>` too
        pa.field("pii", pa.list_(PII_SPAN)),  # with the PLACE spans that render masked
    ]
)

# -- a record that cannot be processed --------------------------------------------------------------------------
DEAD_LETTER = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("partition", pa.string()),
        pa.field("offset", pa.int64()),
        pa.field("step", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.binary()),
    ]
)
"""`raw` is in clear: whoever writes it down encrypts it or leaves it out."""

SENTIMENTS = ("negative", "neutral", "positive")
EMOTIONS = ("angry", "fear", "happy", "neutral", "sad", "surprise")
NEEDS = ("rescue", "medical", "supplies", "shelter", "transport", "missing_person", "other_help", "offer")
HAZARDS = ("dyke_breach", "collapse", "landslide", "flood_rising", "electric", "gas", "fire", "road_cut")
SOURCE_KINDS = ("self", "relay", "volunteer", "media", "official", "other")
STATES = ("open", "partial", "closed", "unclear")
PLACE_LEVELS = ("province", "city", "county", "town", "village", "road", "poi")


def with_columns(batch: pa.RecordBatch, schema: pa.Schema, values: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
    """Return ``batch`` with the columns of ``schema`` set from ``values`` (name -> one value a row, or an array).

    Replaced columns keep their place, new ones go to the end. Cost: one pass over the new values, no copy of the rest.
    """
    names = list(batch.schema.names)
    arrays = list(batch.columns)
    fields = list(batch.schema)
    for field in schema:
        column = values[field.name]
        array = column if isinstance(column, pa.Array) else pa.array(column, field.type)
        if len(array) != batch.num_rows:
            raise ValueError(f"column {field.name} has {len(array)} values for {batch.num_rows} rows")
        if field.name in names:
            at = names.index(field.name)
            arrays[at], fields[at] = array, field
        else:
            names.append(field.name)
            arrays.append(array)
            fields.append(field)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def values_of(column: pa.Array) -> list[Any]:
    """Return what ``column.to_pylist()`` does. Cost: 0.1 microseconds a short string or number instead of 1.

    pyarrow makes a scalar object of every value on its way to Python; its way to numpy does not.
    """
    kind = column.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    plain = pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_boolean(kind)
    if plain or (number and not column.null_count):  # numpy makes floats of whole numbers beside a null
        return list(column.to_numpy(zero_copy_only=False).tolist())
    return list(column.to_pylist())


def rows_of(column: pa.ListArray, *names: str) -> list[Sequence[dict[str, Any]] | None]:
    """Return what ``column.to_pylist()`` does for a column of lists of structs, with the fields ``names`` alone.

    Cost: that of the structs; a row without any costs nothing (to_pylist takes 2 to 30 microseconds a post).
    Empty rows are one shared tuple.
    """
    structs = column.flatten()  # heeds slices, and leaves out what stands under a null
    fields = [values_of(pc.struct_field(structs, name)) for name in names]
    made = [dict(zip(names, values, strict=True)) for values in zip(*fields, strict=True)]
    rows: list[Sequence[dict[str, Any]] | None] = []
    at = 0
    for length in pc.list_value_length(column).to_pylist() if column.null_count else values_of(column.value_lengths()):
        if length:
            rows.append(made[at : at + length])
            at += length
        else:
            rows.append(None if length is None else ())
    return rows


def without_columns(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Return ``batch`` less ``names`` (those that are not there are ignored)."""
    gone = set(names)
    keep = [i for i, name in enumerate(batch.schema.names) if name not in gone]
    return pa.RecordBatch.from_arrays(
        [batch.column(i) for i in keep], schema=pa.schema([batch.schema.field(i) for i in keep])
    )
