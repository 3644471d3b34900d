"""CSV and Parquet files as columns of text, numbers, booleans and categories. Every error names file, column and line.

CSV (also .gz): UTF-8, comma, a header; the line is counted as if no value had a line break in it. Parquet: the row,
from 1. An empty value, NA and NaN are missing.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray
from pyarrow import csv

from schemas.errors import UsageError
from udfs import lined

Floats = NDArray[np.float64]
MISSING = ("", "NA", "NaN", "nan", "NULL", "null")


class Table:
    """A file; columns are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.file = path.name
        self._path = path
        self._parquet = path.suffix == ".parquet"
        try:
            if self._parquet:
                self.names = list(pyarrow.parquet.read_schema(path).names)
            else:
                with csv.open_csv(path) as reader:
                    self.names = list(reader.schema.names)
        except FileNotFoundError:
            raise UsageError(f"{self.file}: there is no such file in {path.parent.name or 'this folder'}") from None
        except (OSError, pa.ArrowInvalid) as error:
            raise UsageError(f"{self.file}: not readable as {'Parquet' if self._parquet else 'CSV'}: {error}") from None
        self._read: dict[str, pa.Array] = {}

    def load(self, wanted: Mapping[str, lined.Node]) -> None:
        """Reads these columns, all at once. A column that is missing is an error at the line that wants it."""
        for name, node in wanted.items():
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, 1)
                node.fail(f"{self.file} has no column {name!r}" + (f"; is {near[0]!r} meant?" if near else ""))
        names = sorted(set(wanted) - set(self._read))
        if not names:
            return
        try:
            if self._parquet:
                table = pyarrow.parquet.read_table(self._path, columns=names)
            else:
                options = csv.ConvertOptions(
                    include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                )
                table = csv.read_csv(self._path, convert_options=options)
        except (OSError, pa.ArrowInvalid) as error:
            raise UsageError(f"{self.file}: {error}") from None
        for name in names:
            column = table.column(name).combine_chunks()
            self._read[name] = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column

    @property
    def rows(self) -> int:
        """After `load`."""
        return len(next(iter(self._read.values())))

    def fail(self, name: str, row: int, message: str) -> NoReturn:
        where = f"row {row + 1}" if self._parquet else f"line {row + 2}"
        raise UsageError(f"{self.file}, column {name}, {where}: {message}")

    def text(self, name: str) -> pa.Array:
        """As text; whole numbers without ``.0``; what is missing is null."""
        found = self._read[name]
        if pa.types.is_dictionary(found.type):
            found = found.cast(found.type.value_type)
        if not pa.types.is_string(found.type):
            if pa.types.is_floating(found.type):
                found = pc.if_else(pc.is_nan(found), None, found)
            found = found.cast(pa.string())
        found = pc.utf8_trim_whitespace(found)
        found = pc.if_else(pc.is_in(found, pa.array(MISSING)), pa.scalar(None, pa.string()), found)
        return pc.replace_substring_regex(found, r"^(-?\d+)\.0+$", r"\1")

    def numbers(
        self, name: str, missing: float | None = None, low: float | None = None, high: float | None = None
    ) -> Floats:
        """As float64: finite, between the bounds; ``missing`` stands for what is not there, else that is an error."""
        found = self._read[name]
        if pa.types.is_string(found.type) or pa.types.is_dictionary(found.type):
            text = self.text(name)
            try:
                found = text.cast(pa.float64())
            except pa.ArrowInvalid:
                self._no_number(name, text)
        numbers = np.array(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        gone = np.isnan(numbers)
        if missing is not None:
            numbers[gone] = missing
        elif gone.any():
            self.fail(name, int(np.argmax(gone)), "is missing: mend the file, or give `missing:` in the mapping")
        bad = ~np.isfinite(numbers)
        if low is not None:
            bad |= numbers < low
        if high is not None:
            bad |= numbers > high
        if bad.any():
            row = int(np.argmax(bad))
            wanted = f"{'' if low is None else low:}..{'' if high is None else high:}"
            self.fail(name, row, f"{numbers[row]:g} is no finite number in {wanted}")
        return numbers

    def _no_number(self, name: str, text: pa.Array) -> NoReturn:
        for row, value in enumerate(text.to_pylist()):
            try:
                float(value or 0)
            except ValueError:
                self.fail(name, row, f"{value[:40]!r} is no number")
        self.fail(name, 0, "no numbers")

    def weights(self, name: str) -> Floats:
        """Numbers, none missing, NaN, infinite or negative, and not all 0."""
        numbers = self._read[name]
        if not (pa.types.is_floating(numbers.type) or pa.types.is_integer(numbers.type)):
            text = self.text(name)
            if text.null_count:
                self.fail(name, _first_null(text), "the weight is missing or NaN: every record needs one, at least 0")
        else:
            values = np.asarray(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False))
            if np.isnan(values).any():
                row = int(np.argmax(np.isnan(values)))
                self.fail(name, row, "the weight is missing or NaN: every record needs one, at least 0")
        found = self.numbers(name)
        if (found < 0).any():
            row = int(np.argmax(found < 0))
            self.fail(name, row, f"the weight {found[row]:g} is negative: every record needs one, at least 0")
        if len(found) and not found.any():
            self.fail(name, 0, "all weights are 0")
        return found

    def codes(self, name: str, values: Mapping[str, int], missing: int | None = None) -> NDArray[np.int16]:
        """Positions: ``values`` gives that of each value in the file. An unknown value is an error."""
        text = self.text(name)
        places = pc.index_in(text, pa.array(list(values), pa.string()))
        unknown = np.asarray(pc.and_(pc.is_null(places), pc.is_valid(text)).to_numpy(zero_copy_only=False))
        if unknown.any():
            row = int(np.argmax(unknown))
            self.fail(name, row, f"{text[row].as_py()[:40]!r} is none of {', '.join(values)}")
        if text.null_count and missing is None:
            self.fail(name, _first_null(text), "is missing: mend the file, or give `missing:` in the mapping")
        codes = np.array(list(values.values()), dtype=np.int16)
        # what is missing points at a last, additional code
        found = np.append(codes, np.int16(missing or 0))
        positions = pc.fill_null(places, len(codes)).to_numpy(zero_copy_only=False)
        chosen: NDArray[np.int16] = found[positions]
        return chosen

    def numbered(self) -> pa.Array:
        """The rows' own numbers, from 1, as ids of records that have none."""
        return pa.array(np.arange(1, self.rows + 1)).cast(pa.string())

    def keys(self, name: str) -> pa.Array:
        """Ids as text, none missing."""
        text = self.text(name)
        if text.null_count:
            self.fail(name, _first_null(text), "the id is missing")
        return text


def _first_null(values: pa.Array) -> int:
    return int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))


def stable_ids(keys: pa.Array) -> NDArray[np.uint64]:
    """Ids as 64-bit numbers: themselves where all are whole numbers, else 64 bits of BLAKE2b over each text."""
    try:
        numbers = keys.cast(pa.uint64())
    except pa.ArrowInvalid:
        hashes = (hashlib.blake2b(str(key).encode(), digest_size=8) for key in keys.to_pylist())
        return np.array([int.from_bytes(each.digest(), "little") for each in hashes], dtype=np.uint64)
    found: Any = numbers.to_numpy(zero_copy_only=False)
    return np.asarray(found, dtype=np.uint64)
