"""Queues replayed: who is served in which year, for all replicates of a bootstrap at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.policy import Queue
from udfs.outcomes.tally import Rows

Floats = NDArray[np.float64]

NEVER = -1
# capacities and loads are sums of floats: a year of 1000 holds ten loads of 100 that add up to 1000.0000000000001
_SLACK = 1e-9


def replay(queue: Queue, rows: Rows, times: Floats, scale: float = 1.0) -> NDArray[np.int64]:
    """[replicates, rows]: position of the year of being served, or NEVER.

    times: [replicates, rows], how often a replicate has each neighbourhood (its copies are served together, 0: it is
    not there and uses nothing); scale: of the capacities. Highest order first, ties by id; each whole, in the first
    year whose remaining capacity holds its load; with ``carry`` what a year leaves is added to the next.
    Cost: rows x years steps over all replicates, of those still waiting.
    """
    replicates = len(times)
    # a row for each neighbourhood while it is worked out: its replicates lie side by side
    served = np.full((len(rows.ids), replicates), NEVER, dtype=np.int64)
    taking = np.flatnonzero(rows.takes)
    sequence = taking[np.lexsort((rows.ids[taking], -rows.order[taking]))]
    if replicates == 1:
        _one(queue, times[0] * rows.load, sequence, served[:, 0], scale)
        return served.T
    left = np.zeros(replicates)
    loads = np.ascontiguousarray((times * rows.load).T)
    for year, capacity in enumerate(queue.capacity):
        left = left + capacity * scale if queue.carry else np.full(replicates, capacity * scale)
        slack = _SLACK * capacity * scale
        waiting = []
        for row in sequence:
            load, year_of = loads[row], served[row]
            fits = load <= left + slack
            if year:
                fits &= year_of == NEVER
            year_of[fits] = year
            left = left - load * fits
            if (year_of == NEVER).any():
                waiting.append(row)
        sequence = np.asarray(waiting, dtype=np.int64)
        left = np.maximum(left, 0.0)
    return np.ascontiguousarray(served.T)


def _one(queue: Queue, loads: Floats, sequence: NDArray[np.int64], served: NDArray[np.int64], scale: float) -> None:
    """The same for one replicate, in plain numbers: ten times as fast as arrays of one. Fills ``served``."""
    waiting = [(int(row), float(loads[row])) for row in sequence]
    left = 0.0
    for year, capacity in enumerate(queue.capacity):
        left = capacity * scale + (left if queue.carry else 0.0)
        slack = _SLACK * capacity * scale
        later = []
        for row, load in waiting:
            if load <= left + slack:
                served[row] = year
                left -= load
            else:
                later.append((row, load))
        waiting = later
        left = max(left, 0.0)
