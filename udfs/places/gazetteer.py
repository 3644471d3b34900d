"""The table of China's divisions: by code, by parent, with WGS-84 centres and radii.

    gazetteer = Gazetteer.load()
    gazetteer.by_adcode("410103").path      # 河南省郑州市二七区
    gazetteer.children("410100")            # the districts and counties of Zhengzhou

State of September 2026 (Ministry of Civil Affairs); coordinates from GeoNames (CC BY 4.0) and outlines; docs/places.md
has the sources. Load: about 0.15 s and 25 MB, once a process.
"""

from __future__ import annotations

import functools
import gzip
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ModelError

TABLE = Path(__file__).with_name("gazetteer.tsv.gz")
LEVELS = ("province", "city", "county", "town")
TOWN_RADIUS_M = 4_000
"""Radius given to a town whose point is known: about that of the median town's area (60 km2)."""


@dataclass(frozen=True, slots=True)
class Division:
    """A province, city, county or town. ``radius_m``: the circle about the centre that holds 80% of its area."""

    name: str
    """Its own name: 二七区."""
    path: str
    """Its full path from the province: 河南省郑州市二七区."""
    short: str
    """Without its kind: 二七."""
    level: str
    adcode: str | None
    """GB/T 2260; the county's for a town; None where the standard gives none (cities of Taiwan)."""
    lat: float
    lon: float
    radius_m: int
    parent: str | None
    """Code of the division above; None for a province."""
    latin: str = ""
    """Lower-case Latin spelling, for cities that have a well-known one."""
    caution: int = 0
    """How much company the short name needs in a text: 0 none, 1 a place above it, 2 that place right before it."""


class Gazetteer:
    """All divisions, in the table's order (by code). Read-only after ``load``."""

    def __init__(self, divisions: dict[str, Division], towns: dict[str, tuple[Division, ...]], former: dict[str, str]):
        self.divisions = divisions
        """By code; a key that begins with x stands for a division without an official code."""
        self.towns = towns
        """Towns and streets by the code of their county."""
        self.former = former
        """Name given up since 2010 -> code of the division where most of it went."""
        self._children: dict[str | None, list[Division]] = {}
        for division in divisions.values():
            self._children.setdefault(division.parent, []).append(division)

    @classmethod
    @functools.cache
    def load(cls, path: Path = TABLE) -> Gazetteer:
        """Read the shipped table. Raises ModelError when it is missing or damaged."""
        try:
            lines = gzip.decompress(path.read_bytes()).decode().splitlines()
            return cls._parse(lines)
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise ModelError(
                f"{path.name} is missing or damaged ({error!r}); reinstall yuqing or rebuild it"
            ) from error

    @classmethod
    def _parse(cls, lines: list[str]) -> Gazetteer:
        divisions: dict[str, Division] = {}
        towns: dict[str, tuple[Division, ...]] = {}
        former: dict[str, str] = {}
        rows = [line.split("\t") for line in lines if not line.startswith("#")]
        # the parent's path is needed before the child's: provinces first
        given = sorted((row for row in rows if row[0] == "d"), key=lambda row: LEVELS.index(row[2]))
        for _, code, level, parent, name, short, lat, lon, radius, caution, latin in given:
            divisions[code] = Division(
                name=name,
                path=(divisions[parent].path if parent else "") + name,
                short=short,
                level=level,
                adcode=None if code.startswith("x") else code,
                lat=float(lat),
                lon=float(lon),
                radius_m=int(radius),
                parent=parent or None,
                latin=latin,
                caution=int(caution),
            )
        for row in rows:
            if row[0] == "t":
                towns[row[1]] = tuple(_town(entry, row[1], divisions[row[1]]) for entry in row[2].split(";"))
            elif row[0] == "o":
                former[row[1]] = row[2]
        return cls(divisions, towns, former)

    def by_adcode(self, code: str) -> Division:
        """The province, city or county with this code. Raises KeyError."""
        return self.divisions[code]

    def children(self, code: str | None = None) -> list[Division]:
        """What lies directly below: cities (or counties where there are none), a county's towns; None: provinces."""
        return list(self.towns.get(code or "", ())) or list(self._children.get(code, ()))

    def counties(self, code: str) -> list[Division]:
        """All counties of a province or city, or the county itself; a city without counties gives itself."""
        below = [child for child in self._children.get(code, ()) if child.level != "town"]
        if not below:
            return [self.divisions[code]]
        return [county for child in below for county in self.counties(child.adcode or "") if child.adcode]


def _town(entry: str, code: str, county: Division) -> Division:
    """``name`` or ``name:lat:lon``; a town without a point stands at its county's, with the county's radius."""
    name, *point = entry.split(":")
    lat, lon = (float(point[0]), float(point[1])) if point else (county.lat, county.lon)
    return Division(
        name=name,
        path=county.path + name,
        short=bare_town(name),
        level="town",
        adcode=county.adcode,
        lat=lat,
        lon=lon,
        radius_m=TOWN_RADIUS_M if point else county.radius_m,
        parent=code,
    )


def bare_town(name: str) -> str:
    """米河镇 -> 米河."""
    for kind in ("街道", "镇", "乡", "苏木"):
        if name.endswith(kind) and len(name) - len(kind) >= 2:
            return name[: -len(kind)]
    return name
