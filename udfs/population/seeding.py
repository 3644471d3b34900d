"""The sample that margins are fitted to, when a file gives it: how often what goes with what among real households.

sample:                       # in a specification; the file lies beside it
  file: survey.csv.gz
  id: db030                   # when a household has several rows: its first one counts
  weight: db090               # without: 1
  columns:
    household_size: {from: hsize, cuts: [2, 3, 4, 5, 6]}
    income_band: {from: eqIncome, quantiles: true}
    tenure: {from: ten, values: {1: owner_occupied, 2: rented, 3: public_rental}}
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from udfs import lined
from udfs.population.ipf import Floats, Places
from udfs.population.tables import Table

Names = Callable[[str], tuple[str, ...]]


def sample_weights(node: lined.Node, folder: Path, records: dict[str, Places], names: Names) -> Floats:
    """For each record the weighted number of the sample's households in its cell, by the dimensions that the sample
    has; the others are left as they are. A cell without any gets half of the least weight, so that a small sample
    forbids nothing. Raises UsageError with file and line."""
    node.mapping(allowed=("file", "id", "weight", "columns"), required=("file", "columns"))
    table = Table(folder / node["file"].text())
    columns = node["columns"].mapping(allowed=tuple(records))
    if not columns:
        node["columns"].fail(f"at least one of {', '.join(records)} is wanted")
    wanted = {node[key].text(): node[key] for key in ("id", "weight") if key in node}
    wanted |= {column["from"].text(): column["from"] for column in columns.values()}
    table.load(wanted)
    rows = _households(table, node)
    weight = table.weights(node["weight"].text()) if "weight" in node else np.ones(table.rows)
    shape = tuple(len(names(name)) for name in columns)
    codes = [_codes(table, name, column, rows, weight, names) for name, column in columns.items()]
    counts: Floats = np.bincount(
        np.ravel_multi_index(codes, shape), weights=weight[rows], minlength=int(np.prod(shape))
    ).astype(np.float64)
    counts[counts == 0] = weight[rows][weight[rows] > 0].min() / 2
    found: Floats = counts[np.ravel_multi_index([records[name] for name in columns], shape)]
    return found


def _households(table: Table, node: lined.Node) -> Places:
    if "id" not in node:
        return np.arange(table.rows)
    encoded = table.keys(node["id"].text()).dictionary_encode()
    _, first = np.unique(np.asarray(encoded.indices.to_numpy(zero_copy_only=False)), return_index=True)
    return np.sort(first)


def _codes(table: Table, name: str, node: lined.Node, rows: Places, weight: Floats, names: Names) -> NDArray[np.int64]:
    """Of each household its category of the dimension ``name``."""
    node.mapping(allowed=("from", "values", "cuts", "quantiles"), required=("from",))
    known, source = names(name), node["from"].text()
    if "values" in node:
        given = {value: known.index(category.text(known)) for value, category in node["values"].items()}
        return table.codes(source, given)[rows].astype(np.int64)
    if "cuts" in node:
        cuts = node["cuts"].numbers()
        if len(cuts) != len(known) - 1 or list(cuts) != sorted(set(cuts)):
            node["cuts"].fail(f"{len(known) - 1} rising numbers are wanted, between {', '.join(known)}")
        return np.digitize(table.numbers(source)[rows], cuts)
    if "quantiles" in node and node["quantiles"].boolean():
        numbers, weights = table.numbers(source)[rows], weight[rows]
        order = np.argsort(numbers, kind="stable")
        # the middle of each household's share of the line from 0 to 1
        passed = np.cumsum(weights[order]) - weights[order] / 2
        codes = np.empty(len(rows), dtype=np.int64)
        codes[order] = np.minimum(passed / weights.sum() * len(known), len(known) - 1).astype(np.int64)
        return codes
    return table.codes(source, {category: place for place, category in enumerate(known)})[rows].astype(np.int64)
