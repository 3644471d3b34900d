"""Points in polygons, centres and radii, on plain numpy: enough for a gazetteer, no GIS stack needed.

Coordinates are degrees, longitude first, as in GeoJSON. Distances are metres on a sphere (error below 0.6%).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
METRES_A_DEGREE = 111_195.0


class Shape:
    """The outline of a division: all rings of all parts, even-odd rule (so holes are holes)."""

    def __init__(self, geometries: list[dict[str, Any]]) -> None:
        rings: list[Array] = []
        for geometry in geometries:
            parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
            rings += [np.asarray(ring, dtype=np.float64)[:, :2] for part in parts for ring in part]
        starts = [ring[:-1] for ring in rings]
        ends = [ring[1:] for ring in rings]
        self.a = np.concatenate(starts)
        self.b = np.concatenate(ends)
        self.low = self.a.min(axis=0)
        self.high = self.a.max(axis=0)

    def contains(self, points: Array) -> npt.NDArray[np.bool_]:
        """Which of ``points`` (n x 2) lie inside: ray casting, n x edges comparisons."""
        inside = np.zeros(len(points), dtype=bool)
        near = np.nonzero(((points >= self.low) & (points <= self.high)).all(axis=1))[0]
        for chunk in np.array_split(near, max(1, len(near) // 256)):
            x = points[chunk, 0][:, None]
            y = points[chunk, 1][:, None]
            above = self.a[:, 1] > y
            crosses = above != (self.b[:, 1] > y)
            rise = np.where(self.b[:, 1] == self.a[:, 1], 1.0, self.b[:, 1] - self.a[:, 1])
            at = self.a[:, 0] + (y - self.a[:, 1]) / rise * (self.b[:, 0] - self.a[:, 0])
            inside[chunk] = (crosses & (x < at)).sum(axis=1) % 2 == 1
        return inside

    def sample(self, side: int = 48) -> Array:
        """Points of a regular grid that lie inside: the area, for means and quantiles."""
        for n in (side, side * 4):
            lon = np.linspace(self.low[0], self.high[0], n + 2)[1:-1]
            lat = np.linspace(self.low[1], self.high[1], n + 2)[1:-1]
            grid = np.stack(np.meshgrid(lon, lat), axis=-1).reshape(-1, 2)
            found: Array = grid[self.contains(grid)]
            if len(found) >= 20:
                break
        area: Array = found if len(found) else self.a
        return area


def centre(area: Array) -> Array:
    """The sampled point nearest to the mean, so that a crescent's centre lies in the crescent."""
    weights = np.cos(np.radians(area[:, 1]))
    mean = (area * weights[:, None]).sum(axis=0) / weights.sum()
    nearest: Array = area[int(np.argmin(distances(mean, area)))]
    middle: Array = nearest if distances(mean, nearest[None])[0] > 2_000 else mean
    return middle


def distances(origin: Array, points: Array) -> Array:
    """Metres from ``origin`` to each of ``points``; equirectangular, good to 1% within a province."""
    scale = np.cos(np.radians((origin[1] + points[:, 1]) / 2))
    east: Array = (points[:, 0] - origin[0]) * scale * METRES_A_DEGREE
    north: Array = (points[:, 1] - origin[1]) * METRES_A_DEGREE
    metres: Array = np.hypot(east, north)
    return metres


def radius(origin: Array, area: Array, share: float = 0.8) -> int:
    """The circle about ``origin`` that holds ``share`` of the area, in metres, to three digits."""
    metres = float(np.quantile(distances(origin, area), share))
    digits = max(0, len(str(int(metres))) - 3)
    return int(round(metres / 10**digits) * 10**digits)
