"""Loading by a mapping: what arrives, and what is refused with file, column and line."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from pyarrow import csv

from schemas.errors import UsageError
from udfs import population

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "households"

MAPPING = """
population: village
title: 村
source: made up
tables:
  person:
    file: people.csv
    id: pid
    part_of: hid
    weight: w
    columns:
      age: {from: age, low: 0, high: 120}
      sex: {from: sex, values: {1: male, 2: female}}
      employed: {from: works, yes: ["1"], no: ["2"], missing: false}
      wage: {from: pay, missing: 0}
  household:
    file: people.csv
    id: hid
    repeated: true
    part_of: region
    weight: hw
    columns:
      household_size: {from: size}
  district:
    file: people.csv
    id: region
    repeated: true
    columns:
      district: {from: region}
"""
PEOPLE = """pid,hid,region,w,hw,size,age,sex,works,pay
1,h1,xihu,2.5,2.5,2,40,1,1,90000
2,h1,xihu,2.5,2.5,2,38,2,2,
3,h2,jiangbei,1,1,1,70,2,,NA
4,h3,xihu,3,3,1,25,1,1,50000.5
"""


def loaded(folder: Path, people: str = PEOPLE, mapping: str = MAPPING, shard_people: int = 50_000) -> population.Shard:
    (folder / "people.csv").write_text(people)
    (folder / "village.yaml").write_text(mapping)
    info = population.load_tables(folder / "village.yaml", folder / "out", shard_people=shard_people)
    assert info.digest == population.digest(folder / "out")
    return population.join([population.read_shard(folder / "out", number) for number in range(info.shards)])


@pytest.mark.parametrize("shard_people", [1, 50_000])
def test_what_arrives(tmp_path: Path, shard_people: int) -> None:
    shard = loaded(tmp_path, shard_people=shard_people)
    info = population.info(tmp_path / "out")
    assert info.counts == {"person": 4, "household": 3, "district": 2}
    assert (info.weight, info.largest_household, info.synthetic) == (9.0, 2, False)
    assert info.shards == (3 if shard_people == 1 else 1)
    by_id = {int(each): place for place, each in enumerate(shard.ids["person"])}
    order = [by_id[each] for each in (1, 2, 3, 4)]
    assert shard.values["age"][order].tolist() == [40, 38, 70, 25]
    assert shard.values["sex"][order].tolist() == [0, 1, 1, 0]
    assert shard.values["employed"][order].tolist() == [True, False, False, True]
    assert shard.values["wage"][order].tolist() == [90000, 0, 0, 50000.5]
    assert shard.weights["person"][order].tolist() == [2.5, 2.5, 1, 3]
    assert sorted(shard.weights["household"].tolist()) == [1, 2.5, 3]
    names = population.columns(info)["district"].categories
    homes = shard.down(shard.values["district"], "district", "person")
    assert [names[code] for code in homes[order]] == ["xihu", "xihu", "jiangbei", "xihu"]


def changed(was: str, becomes: str, of: str = PEOPLE) -> str:
    assert of.count(was) == 1
    return of.replace(was, becomes)


ROW = "4,h3,xihu,3,3,1,25,1,1,50000.5"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("4,h3,xihu,-3,3,1,25,1,1,5", r"people.csv, column w, line 5: the weight -3 is negative"),
        ("4,h3,xihu,NaN,3,1,25,1,1,5", r"column w, line 5: the weight is missing or NaN"),
        ("4,h3,xihu,,3,1,25,1,1,5", r"column w, line 5: the weight is missing or NaN"),
        ("4,h3,xihu,inf,3,1,25,1,1,5", r"column w, line 5: inf is no finite number"),
        ("4,h3,xihu,many,3,1,25,1,1,5", r"column w, line 5: 'many' is no number"),
        ("4,h1,xihu,2.5,9,2,25,1,1,5", r"column hw, line 5: household 'h1' has 9.0 here and 2.5 in an earlier line"),
        ("4,h1,nangang,2.5,2.5,2,25,1,1,5", r"column region, line 5: household 'h1' has"),
        ("2,h3,xihu,3,3,1,25,1,1,5", r"column pid, line 5: the person '2' stands twice"),
        ("4,,xihu,3,3,1,25,1,1,5", r"column hid, line 5: the id is missing"),
        ("4,h3,xihu,3,3,1,old,1,1,5", r"column age, line 5: 'old' is no number"),
        ("4,h3,xihu,3,3,1,,1,1,5", r"column age, line 5: is missing"),
        ("4,h3,xihu,3,3,1,250,1,1,5", r"column age, line 5: 250 is no finite number in 0.0..120"),
        ("4,h3,xihu,3,3,1,25,3,1,5", r"column sex, line 5: '3' is none of 1, 2"),
        ("4,h3,xihu,3,3,1,25,,1,5", r"column sex, line 5: is missing"),
        ("4,h3,xihu,3,3,1,25,1,maybe,5", r"column works, line 5: 'maybe' is none of"),
        ("4,h3,atlantis,3,3,1,25,1,1,5", r"column region, line 5: 'atlantis' is none of dongcheng"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loaded(tmp_path, changed(ROW, row))


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("from: age,", "from: aeg,", r"village.yaml:12: .*people.csv has no column 'aeg'; is 'age' meant"),
        ("weight: hw", "wieght: hw", r"village.yaml:21: .*there is no 'wieght' here"),
        ("1: male", "1: man", r"village.yaml:13: .*'man' is none of male, female"),
        ("    part_of: region\n", "", r"village.yaml:16: .*`part_of` is missing"),
        ("    weight: w\n", "", r"ok"),
        ("    weight: hw\n", "", r"ok"),
    ],
)
def test_wrong_mappings_are_named(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    if said == "ok":
        # persons and households take each other's weights
        shard = loaded(tmp_path, mapping=changed(was, becomes, MAPPING))
        assert shard.weights["person"].sum() == 9.0
        assert (shard.weights["household"][shard.parents["person"]] == shard.weights["person"]).all()
        return
    with pytest.raises(UsageError, match=said):
        loaded(tmp_path, mapping=changed(was, becomes, MAPPING))


def test_no_weights_at_all_and_persons_of_one_household_that_differ(tmp_path: Path) -> None:
    bare = changed("    weight: hw\n", "", MAPPING)
    with pytest.raises(UsageError, match=r"village.yaml:6: .*no weights"):
        loaded(tmp_path, mapping=changed("    weight: w\n", "", bare))
    with pytest.raises(UsageError, match=r"column w, line 3: household 'h1' has two weights, 7 here"):
        loaded(tmp_path, changed("2,h1,xihu,2.5", "2,h1,xihu,7"), bare)


def two_files(folder: Path, households: str, people: str = PEOPLE) -> population.Shard:
    (folder / "homes.csv").write_text(households)
    mapping = MAPPING.replace("file: people.csv\n    id: hid\n    repeated: true", "file: homes.csv\n    id: hid")
    return loaded(folder, people, mapping)


HOMES = "hid,region,hw,size\nh3,xihu,3,1\nh1,xihu,2.5,2\nh2,jiangbei,1,1\n"


def test_households_in_a_file_of_their_own(tmp_path: Path) -> None:
    shard = two_files(tmp_path, HOMES)
    assert (shard.weights["household"][shard.parents["person"]] == shard.weights["person"]).all()


@pytest.mark.parametrize(
    ("households", "said"),
    [
        (HOMES.replace("h2", "h9"), r"people.csv, column hid, line 4: there is no household 'h2' in homes.csv"),
        (HOMES + "h4,xihu,3,1\n", r"homes.csv, column hid, line 5: the household 'h4' has no person in people.csv"),
        (HOMES + "h1,xihu,9,2\n", r"homes.csv, column hid, line 5: the household 'h1' stands twice"),
        (HOMES.replace("h3,xihu,3", "h3,xihu,-1"), r"homes.csv, column hw, line 2: the weight -1 is negative"),
    ],
)
def test_households_that_do_not_fit(tmp_path: Path, households: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        two_files(tmp_path, households)


def test_csv_gz_and_parquet_give_the_same(tmp_path: Path) -> None:
    digests = []
    for name in ("people.csv", "people.csv.gz", "people.parquet"):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / "people.csv").write_text(PEOPLE)
        if name.endswith("gz"):
            (folder / name).write_bytes(gzip.compress(PEOPLE.encode()))
        if name.endswith("parquet"):
            options = csv.ConvertOptions(null_values=["", "NA"], column_types={"hid": pa.string()})
            table = csv.read_csv(folder / "people.csv", convert_options=options)
            # with a hole in it a whole number becomes a float: 1.0 is 1
            assert table.schema.field("works").type == pa.int64()
            table = table.set_column(8, "works", table["works"].cast(pa.float64()))
            pyarrow.parquet.write_table(table, folder / name)
        (folder / "village.yaml").write_text(MAPPING.replace("people.csv", name))
        digests.append(population.load_tables(folder / "village.yaml", folder / "out").digest)
    assert len(set(digests)) == 1


@pytest.mark.parametrize("missing", ["people.csv", "people.parquet"])
def test_a_file_that_is_not_there(tmp_path: Path, missing: str) -> None:
    (tmp_path / "village.yaml").write_text(MAPPING.replace("people.csv", missing))
    with pytest.raises(UsageError, match=rf"{missing}: there is no such file"):
        population.load_tables(tmp_path / "village.yaml", tmp_path / "out")


@pytest.mark.skipif(not DATA.exists(), reason="the EU-SILC files are not here")
@pytest.mark.parametrize(
    ("name", "people", "households", "weight"),
    [
        ("eusilc", 14_827, 6_000, 8_182_222.0),
        ("eusilcS", 11_725, 4_641, 81_820.0),
        ("eusilc13puf", 13_513, 5_977, 8_332_259.94),
    ],
)
def test_eusilc(tmp_path: Path, name: str, people: int, households: int, weight: float) -> None:
    info = population.load_tables(name, tmp_path, data=DATA, shard_people=5_000)
    assert info.counts == {"person": people, "household": households, "district": 9}
    assert info.weight == pytest.approx(weight, abs=0.01)
    assert info.demonstration
    assert info.shards == 3


@pytest.mark.skipif(not DATA.exists(), reason="the EU-SILC files are not here")
def test_eusilc_has_the_poverty_rate_that_laeken_documents(tmp_path: Path) -> None:
    info = population.load_tables("eusilc", tmp_path, data=DATA)
    shard = population.read_shard(tmp_path, 0, ["equivalised_income"])
    assert info.shards == 1
    income = shard.down(shard.values["equivalised_income"], "household", "person").astype(float)
    weight = shard.weights["person"]
    order = np.argsort(income, kind="stable")
    below = np.cumsum(weight[order])
    median = income[order][np.searchsorted(below, below[-1] / 2)]
    assert 100 * weight[income < 0.6 * median].sum() / weight.sum() == pytest.approx(14.44422, abs=1e-4)
