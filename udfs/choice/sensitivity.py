"""Which assumption moves the ranking: Sobol' indices by Saltelli's design.

The first-order index is the part of the variance that an assumption brings alone (Saltelli et al. 2010, table 2, b),
the total index the part that it has a hand in (Jansen 1999; the same table, f). Estimates of small indices may be
slightly below 0. Intervals are 80 %, by bootstrap over the base samples. scipy.stats has the estimators, but its
bootstrap takes no seed; tests hold these against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.policy import Assumption, Index, Plan, Standing
from udfs.choice.draws import Floats, filled, points, uncertain
from udfs.choice.ranking import scaled
from udfs.choice.weighing import DrawValues, normalised, signed

LEAD = "lead"
TARGETS = 3
"""Scores of so many options at the head of the ranking are explained, besides the lead of the first."""
RESAMPLES = 500
_PURPOSE, _BOOTSTRAP = 2, 4


@dataclass(frozen=True)
class Design:
    """What is to be evaluated: ``base`` rows of A, as many of B, then of A with one column after another from B."""

    names: tuple[str, ...]
    """Of the assumptions that are varied."""
    base: int
    samples: list[dict[str, float]]
    """``base * (len(names) + 2)`` of them, of all assumptions; none when nothing is varied."""
    seed: int


def design(assumptions: Sequence[Assumption], base: int, seed: int) -> Design:
    """``base``: a power of 2. The same seed gives the same to the bit."""
    varied = uncertain(assumptions)
    names = tuple(one.name for one in varied)
    if not varied:
        return Design((), base, [], seed)
    both = points(2 * len(varied), base, seed, _PURPOSE)
    a, b = both[:, : len(varied)], both[:, len(varied) :]
    blocks = [a, b]
    for place in range(len(varied)):
        mixed = a.copy()
        mixed[:, place] = b[:, place]
        blocks.append(mixed)
    return Design(names, base, filled(assumptions, varied, np.concatenate(blocks)), seed)


def indices(
    plan: Plan,
    made: Design,
    central: Mapping[str, Mapping[str, float]],
    rows: DrawValues,
    standings: Sequence[Standing],
) -> list[Index]:
    """Of the scores of the options at the head, and of the lead of the first over the second.

    ``central``: option -> measure -> value under the central assumptions, of every ranked option and on the people of
    the samples: a measure is scaled from its worst to its best value there. ``rows``: the same for each sample of the
    design, of the first ``TARGETS`` options at least. So a sample costs three options, not all of them, and a score
    above 1 is better than the best was. A target without a value in some sample has no indices.
    """
    ranked = sorted((one for one in standings if one.rank), key=lambda one: one.rank)
    counted = [measure for measure in plan.measures if measure.aim and measure.weight > 0]
    if not rows or not ranked or not counted:
        return []
    names = [one.option for one in ranked]
    scale = signed([central], names, counted)[0]
    names = names[:TARGETS]
    found = (scaled(signed(rows, names, counted), scale) * normalised(counted)).sum(axis=-1)
    targets = {f"score:{name}": found[:, place] for place, name in enumerate(names)}
    if len(names) > 1:
        targets[LEAD] = found[:, 0] - found[:, 1]
    return sobol(made, targets)


def sobol(made: Design, targets: Mapping[str, Floats]) -> list[Index]:
    """``targets``: name -> a value for each sample of the design. Nothing varies: indices are 0.

    Raises ValueError: another number of values than samples.
    """
    found = []
    for target, values in targets.items():
        if len(values) != len(made.samples):
            raise ValueError(f"{target}: {len(values)} values for {len(made.samples)} samples")
        if not made.names or not np.isfinite(values).all():
            continue
        table = np.asarray(values, dtype=np.float64).reshape(len(made.names) + 2, made.base)
        first, total = _estimated(table)
        rng = np.random.default_rng([_BOOTSTRAP, made.seed])
        # one after the other: all at once would take gigabytes with many assumptions
        again = [_estimated(table[:, rng.integers(0, made.base, made.base)])[1] for _ in range(RESAMPLES)]
        low, high = np.quantile(again, (0.1, 0.9), axis=0)
        found += [
            Index(target, name, float(first[place]), float(total[place]), float(low[place]), float(high[place]))
            for place, name in enumerate(made.names)
        ]
    return found


def _estimated(table: Floats) -> tuple[Floats, Floats]:
    """(d + 2, base) -> first-order and total indices, (d,)."""
    a, b, mixed = table[0], table[1], table[2:]
    mean, variance = table[:2].mean(), table[:2].var()
    # what differs by rounding only does not vary
    if variance <= 1e-24 * max(mean**2, 1e-300):
        return np.zeros(len(mixed)), np.zeros(len(mixed))
    first = np.mean((b - mean) * (mixed - a), axis=1) / variance
    total = np.mean((a - mixed) ** 2, axis=1) / (2 * variance)
    return first, total
