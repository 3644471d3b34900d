"""Iterative proportional fitting: weights for sample records so that weighted counts reach given margins.

Deming & Stephan (1940), "On a least squares adjustment of a sampled frequency table when the expected marginal totals
are known"; convergence: Fienberg (1970). Where the margins say nothing, the odds ratios of the sample survive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Margin:
    """``wanted[c]`` is to be the weight of the records whose ``cell`` is c."""

    table: str
    cells: tuple[str, ...]
    """Names."""
    cell: Places
    """Of each record."""
    wanted: Floats

    def got(self, weights: Floats) -> Floats:
        got: Floats = np.bincount(self.cell, weights=weights, minlength=len(self.wanted)).astype(np.float64)
        return got


@dataclass(frozen=True)
class Fit:
    weights: Floats
    rounds: int
    error: float
    """Largest distance of a cell from its margin, as a share of the total."""
    contradictions: tuple[str, ...]
    """Why the margins cannot be reached, in words; empty: they are, within the tolerance."""

    @property
    def reached(self) -> bool:
        return not self.contradictions


def fit(sample: Floats, margins: Sequence[Margin], tolerance: float = 1e-9, rounds: int = 1000) -> Fit:
    """Weights from ``sample`` (initial weights, at least 0; 0 stays 0) for ``margins``.

    Stops when every cell is within ``tolerance`` (share of the total) of its margin, or after ``rounds``. It never
    fails on margins that contradict (different totals, cells that no record can fill, margins over the same people that
    exclude each other): it says so in ``contradictions`` with the tables and cells, and the weights are the last
    round's. Raises ValueError: weights or margins negative or not finite, or of the wrong length.
    """
    weights = np.array(sample, dtype=np.float64)
    _check(weights, margins)
    total = float(margins[0].wanted.sum())
    said = _impossible(weights, margins, total)
    error, round_ = np.inf, 0
    for round_ in range(1, rounds + 1):  # noqa: B007
        for margin in margins:
            got = margin.got(weights)
            factor = np.divide(margin.wanted, got, out=np.zeros_like(got), where=got > 0)
            weights *= factor[margin.cell]
        error = max(float(np.abs(margin.got(weights) - margin.wanted).max()) for margin in margins) / total
        if error <= tolerance or said:
            break
    if error > tolerance and not said:
        said = [_worst(weights, margins, total)]
    return Fit(weights, round_, error, tuple(said))


def _check(weights: Floats, margins: Sequence[Margin]) -> None:
    if not margins:
        raise ValueError("no margins: nothing to fit")
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise ValueError("the sample's weights must be finite, at least 0, and not all 0")
    for margin in margins:
        if len(margin.cell) != len(weights) or len(margin.cells) != len(margin.wanted):
            raise ValueError(f"margin {margin.table}: lengths of records, cells and numbers differ")
        if not np.isfinite(margin.wanted).all() or (margin.wanted < 0).any() or margin.wanted.sum() <= 0:
            raise ValueError(f"margin {margin.table}: numbers must be finite, at least 0, and not all 0")


def _impossible(weights: Floats, margins: Sequence[Margin], total: float) -> list[str]:
    """What cannot be reached whatever the weights."""
    said = []
    for margin in margins:
        if abs(float(margin.wanted.sum()) - total) > 1e-6 * total:
            said.append(
                f"{margin.table} sums to {margin.wanted.sum():g}, {margins[0].table} to {total:g}: "
                "margins must have one total"
            )
        for place in np.flatnonzero((margin.wanted > 0) & (margin.got(weights) <= 0)):
            said.append(f"{margin.table}, {margin.cells[place]}: no record of the sample is in this cell")
    return said


def _worst(weights: Floats, margins: Sequence[Margin], total: float) -> str:
    """The cells that are farthest off after the last round: the circle of proportions goes on for ever."""
    rows = [
        (abs(float(got - wanted)), margin.table, cell, float(wanted), float(got))
        for margin in margins
        for cell, wanted, got in zip(margin.cells, margin.wanted, margin.got(weights), strict=True)
    ]
    off = sorted(rows, reverse=True)[:3]
    return "the margins contradict each other, or need more rounds: " + "; ".join(
        f"{table}, {cell}: wanted {wanted / total:.4%}, got {got / total:.4%}" for _, table, cell, wanted, got in off
    )
