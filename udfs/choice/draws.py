"""Draws of what is not known: quantile functions of the assumptions at points of scrambled Sobol' sequences.

The points fill the space of the assumptions more evenly than independent draws (Sobol' 1967; scrambled by
scipy.stats.qmc after Owen and Matousek), so intervals settle with fewer runs. The same seed gives the same draws to the
bit, and draw k does not depend on how many follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from schemas.policy import Assumption

Floats = NDArray[np.float64]

_EDGE = 2.0**-33
"""Half a step of the sequence: a point on the edge of the cube would be an infinite quantile."""
_DRAWS = 1


def draws(assumptions: Sequence[Assumption], count: int, seed: int) -> list[dict[str, float]]:
    """``count`` draws of all assumptions; fixed ones have their central value in each."""
    varied = uncertain(assumptions)
    return filled(assumptions, varied, points(len(varied), count, seed, _DRAWS))


def uncertain(assumptions: Sequence[Assumption]) -> tuple[Assumption, ...]:
    """Those that are not fixed."""
    return tuple(one for one in assumptions if one.distribution != "fixed")


def filled(assumptions: Sequence[Assumption], varied: Sequence[Assumption], uniforms: Floats) -> list[dict[str, float]]:
    """Rows of ``uniforms`` (number, len(varied)) as values of all assumptions."""
    central = {one.name: one.central for one in assumptions}
    columns = {one.name: quantile(one, uniforms[:, place]).tolist() for place, one in enumerate(varied)}
    return [central | {name: values[number] for name, values in columns.items()} for number in range(len(uniforms))]


def points(dimensions: int, count: int, seed: int, purpose: int) -> Floats:
    """(count, dimensions) in (0, 1); ``purpose`` keeps two uses of one seed apart."""
    # imported here: scipy.stats takes half a second, and whoever only ranks does not need it
    from scipy.stats import qmc

    if not dimensions or not count:
        return np.zeros((count, dimensions))
    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng([purpose, seed]))
    found = sequence.random_base2((count - 1).bit_length())[:count]
    return np.asarray(np.clip(found, _EDGE, 1 - _EDGE), dtype=np.float64)


def quantile(assumption: Assumption, uniform: Floats) -> Floats:
    """Values at ``uniform`` in (0, 1) of the distribution, cut to ``low`` and ``high``: as if drawn again until inside.

    Raises ValueError: a distribution that is not known.
    """
    if assumption.distribution == "fixed":
        return np.full(len(uniform), assumption.central)
    below, above = _DISTRIBUTIONS[assumption.distribution](*assumption.numbers)
    low = -np.inf if assumption.low is None else assumption.low
    high = np.inf if assumption.high is None else assumption.high
    first, last = below(np.array([low, high]))
    if last <= first:
        # the limits lie so far out in a tail that nothing is left between them: the value next to the rest
        return np.full(len(uniform), np.clip(above(np.array([0.5]))[0], low, high))
    return np.asarray(np.clip(above(first + (last - first) * uniform), low, high), dtype=np.float64)


_Pair = tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]
"""Distribution function and quantile function."""


def _normal(mean: float, sd: float) -> _Pair:
    return lambda x: special.ndtr((x - mean) / sd), lambda u: mean + sd * special.ndtri(u)


def _uniform(low: float, high: float) -> _Pair:
    return lambda x: np.clip((x - low) / (high - low), 0, 1), lambda u: low + (high - low) * u


def _triangular(low: float, mode: float, high: float) -> _Pair:
    turn = (mode - low) / (high - low)

    def below(x: Floats) -> Floats:
        inside = np.clip(x, low, high)
        rising = (inside - low) ** 2 / ((high - low) * max(mode - low, 1e-300))
        falling = 1 - (high - inside) ** 2 / ((high - low) * max(high - mode, 1e-300))
        return np.where(inside < mode, rising, falling)

    def above(u: Floats) -> Floats:
        rising = low + np.sqrt(u * (high - low) * (mode - low))
        falling = high - np.sqrt((1 - u) * (high - low) * (high - mode))
        return np.where(u < turn, rising, falling)

    return below, above


def _beta(a: float, b: float) -> _Pair:
    return lambda x: special.betainc(a, b, np.clip(x, 0, 1)), lambda u: special.betaincinv(a, b, u)


_DISTRIBUTIONS: dict[str, Callable[..., _Pair]] = {
    "normal": _normal,
    "uniform": _uniform,
    "triangular": _triangular,
    "beta": _beta,
}
