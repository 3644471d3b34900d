"""A synthesis' specification: YAML of margins, affinities, districts -> Spec. Errors name file and line."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.errors import UsageError
from udfs import lined
from udfs.population.catalogue import catalogue
from udfs.population.ipf import Fit, Floats, Margin, Places, fit
from udfs.population.seeding import sample_weights

SPECS = Path(__file__).with_name("specs")
DIMENSIONS = ("district", "neighbourhood_kind", "household_type", "household_size", "tenure", "income_band")
"""What a record of the fitted table says of a household."""
SIZES = tuple(str(size) for size in range(1, 7))
_DISTRICT = ("fiscal_capacity", "rural_share", "unemployment_rate", "rent_level", "house_price", "ground_level")


@dataclass(frozen=True)
class Spec:
    """A specification that has been checked and fitted."""

    name: str
    title: str
    source: str
    demonstration: str
    geography: Floats
    """District x kind: share of households; sums to 1."""
    districts: dict[str, Floats]
    """Name -> a number for each district."""
    records: dict[str, Places]
    """Dimension -> code of each record of the fitted table."""
    margins: tuple[Margin, ...]
    """Wanted shares of households."""
    fit: Fit
    """``weights``: share of households of each record; sums to 1."""


def names(dimension: str) -> tuple[str, ...]:
    """A dimension's categories, in the order of their codes."""
    return SIZES if dimension == "household_size" else catalogue()[dimension].categories


def find(spec: str | Path) -> Path:
    """A file, or a name of one that is shipped. Raises UsageError with what is shipped."""
    shipped = SPECS / f"{spec}.yaml"
    if "/" not in str(spec) and shipped.exists():
        return shipped
    if not Path(spec).exists():
        known = ", ".join(sorted(path.stem for path in SPECS.glob("*.yaml")))
        raise UsageError(f"{spec}: no such file, and none of those shipped ({known})")
    return Path(spec)


def load(spec: str | Path) -> Spec:
    """Reads, checks and fits. Raises UsageError with file and line; contradicting margins are one."""
    path = find(spec)
    root = lined.read(path)
    top = ("population", "title", "source", "demonstration", "geography", "districts", "sizes", "affinities", "margins")
    root.mapping(allowed=(*top, "sample"), required=top)
    geography = _shares(root["geography"]["shares"], ("district", "neighbourhood_kind"))
    _sums_to_one(root["geography"]["shares"], float(geography.sum()))
    records = _records(root["sizes"])
    weights = _affinities(root["affinities"], records)
    sample = root.get("sample")
    if sample is not None:
        weights = weights * sample_weights(sample, path.parent, records, names)
    margins = [_margin("片区×小区类别", ("district", "neighbourhood_kind"), geography, records)]
    margins += _margins(root["margins"], records, geography)
    fitted = fit(weights, margins)
    if not fitted.reached:
        root["margins"].fail("; ".join(fitted.contradictions))
    return Spec(
        name=root["population"].text(),
        title=root["title"].text(),
        source=root["source"].text(),
        demonstration=root["demonstration"].text(),
        geography=geography,
        districts=_districts(root["districts"]),
        records=records,
        margins=tuple(margins),
        fit=fitted,
    )


def _shares(node: lined.Node, dimensions: tuple[str, ...]) -> Floats:
    """Nested mappings of names -> array; every name of every dimension must stand there."""
    known = names(dimensions[0])
    found = node.mapping(allowed=known, required=known)
    if len(dimensions) == 1:
        return np.array([found[name].number(0, 1) for name in known])
    return np.stack([_shares(found[name], dimensions[1:]) for name in known])


def _sums_to_one(node: lined.Node, total: float) -> None:
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        node.fail(f"the shares sum to {total:g}, not 1")


def _districts(node: lined.Node) -> dict[str, Floats]:
    known = names("district")
    rows = node.mapping(allowed=(*known, "from"), required=known)
    for name in known:
        rows[name].mapping(allowed=_DISTRICT, required=_DISTRICT)
    return {column: np.array([rows[name][column].number() for name in known]) for column in _DISTRICT}


def _records(node: lined.Node) -> dict[str, Places]:
    """Every allowed combination of categories, as codes."""
    types = names("household_type")
    rows = node.mapping(allowed=(*types, "from"), required=types)
    pairs = [
        (code, SIZES.index(str(size.integer(1, len(SIZES)))))
        for code, name in enumerate(types)
        for size in rows[name].list()
    ]
    free = [range(len(names(name))) for name in ("district", "neighbourhood_kind", "tenure", "income_band")]
    codes = [
        (district, kind, type_, size, tenure, band)
        for district, kind, (type_, size), tenure, band in itertools.product(free[0], free[1], pairs, free[2], free[3])
    ]
    table = np.array(codes, dtype=np.int64)
    return {name: table[:, position] for position, name in enumerate(DIMENSIONS)}


def _affinities(node: lined.Node, records: dict[str, Places]) -> Floats:
    weights = np.ones(len(records["district"]))
    for each in node.list():
        each.mapping(allowed=("of", "from", "weights"), required=("of", "weights"))
        first, second = _dimensions(each["of"], (2,))
        factors = np.ones((len(names(first)), len(names(second))))
        for row, line in each["weights"].mapping(allowed=names(first)).items():
            for column, weight in line.mapping(allowed=names(second)).items():
                factors[names(first).index(row), names(second).index(column)] = weight.number(0)
        weights *= factors[records[first], records[second]]
    return weights


def _dimensions(node: lined.Node, lengths: tuple[int, ...]) -> tuple[str, ...]:
    found = tuple(each.text(DIMENSIONS) for each in node.list())
    if len(found) not in lengths or len(set(found)) < len(found):
        node.fail(f"{' or '.join(map(str, lengths))} different names of {', '.join(DIMENSIONS)} are wanted")
    return found


def _margins(node: lined.Node, records: dict[str, Places], geography: Floats) -> list[Margin]:
    found = []
    given_shares = {"district": geography.sum(axis=1), "neighbourhood_kind": geography.sum(axis=0)}
    for each in node.list():
        each.mapping(allowed=("table", "of", "given", "from", "shares"), required=("table", "of", "from", "shares"))
        dimensions = _dimensions(each["of"], (1, 2))
        wanted = _shares(each["shares"], dimensions)
        given = each.get("given")
        if given is None:
            _sums_to_one(each["shares"], float(wanted.sum()))
        else:
            if given.text(given_shares) != dimensions[0] or len(dimensions) != 2:
                given.fail("the first of the two names in `of` is wanted")
            for name, row in zip(names(dimensions[0]), wanted, strict=True):
                _sums_to_one(each["shares"][name], float(row.sum()))
            wanted = wanted * given_shares[dimensions[0]][:, None]
        found.append(_margin(each["table"].text(), dimensions, wanted, records))
    return found


def _margin(table: str, dimensions: tuple[str, ...], wanted: Floats, records: dict[str, Places]) -> Margin:
    cell = np.ravel_multi_index([records[name] for name in dimensions], wanted.shape)
    cells = tuple(
        "×".join(_title(*pair) for pair in zip(dimensions, combination, strict=True))
        for combination in itertools.product(*(range(length) for length in wanted.shape))
    )
    return Margin(table, cells, cell.astype(np.int64), wanted.ravel())


def _title(dimension: str, code: int) -> str:
    return f"{code + 1}人" if dimension == "household_size" else catalogue()[dimension].titles[code]
