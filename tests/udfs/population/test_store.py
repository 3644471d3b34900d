"""Shards on disk, parts of them, samples."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import UsageError
from schemas.policy import PopulationInfo
from udfs import population

City = tuple[Path, PopulationInfo]


def test_the_digest_is_of_what_lies_there(city: City, tmp_path: Path) -> None:
    folder, info = city
    assert population.digest(folder) == info.digest
    copy = tmp_path / "copy"
    shards = (population.read_shard(folder, number) for number in range(info.shards))
    told = {"name": info.name, "title": "t", "source": "s", "synthetic": True}
    again = population.write(copy, shards, **told)
    assert again.digest == info.digest
    assert again.counts == info.counts
    assert copy.stat().st_mode & 0o077 == 0, "a folder that was made here is its owner's"
    swapped = (population.read_shard(folder, number) for number in reversed(range(info.shards)))
    assert population.write(tmp_path / "swapped", swapped, **told).digest != info.digest
    with pytest.raises(UsageError, match="has a population already"):
        population.write(copy, [], **told)


def test_only_what_is_asked_for_is_read(city: City) -> None:
    folder, _ = city
    shard = population.read_shard(folder, 1, ["floors", "age", "sex"])
    assert set(shard.values) == {"floors", "age", "sex"} == set(shard.columns)
    assert shard.size("neighbourhood") > 0
    assert shard.values["age"].dtype == np.float32
    for array in (shard.values["age"], shard.weights["person"], shard.ids["unit"], shard.parents["person"]):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("number", "names", "said"),
    [(0, ["age", "shoe_size"], "no column shoe_size"), (99, [], "has shards 0 to"), (-1, [], "has shards 0 to")],
)
def test_what_is_not_there(city: City, number: int, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        population.read_shard(city[0], number, names)


def test_a_reader_of_shards_starts_light(city: City) -> None:
    # a worker reads shards and no more: pandas and scipy would take longer to import than a shard to compute
    code = (
        "import sys; from pathlib import Path; from udfs import population; "
        "population.read_shard(Path(sys.argv[1]), 0); print(sorted({'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(city[0])], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_without_a_population_and_a_damaged_one(city: City, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"population\.json is missing"):
        population.info(tmp_path)
    (tmp_path / "population.json").write_text("{}")
    with pytest.raises(UsageError, match="not a population's description"):
        population.info(tmp_path)
    (tmp_path / "population.json").write_bytes((city[0] / "population.json").read_bytes())
    with pytest.raises(UsageError, match=r"person/00000.arrow: cannot be read"):
        population.read_shard(tmp_path, 0)


@pytest.mark.parametrize("people", [1, 5_000, 12_000, 10**9])
def test_a_sample_is_whole_clusters(city: City, people: int) -> None:
    folder, info = city
    names = ["age", "people_in_neighbourhood", "district", "fiscal_capacity"]
    found = population.sample(folder, people, 5, names)
    size = found.size("person")
    assert min(people, info.counts["person"]) <= size <= people + 3_000
    # each neighbourhood has all its people
    inside = np.bincount(found.above("person", "neighbourhood"), minlength=found.size("neighbourhood"))
    assert (inside == found.values["people_in_neighbourhood"]).all()
    assert len(np.unique(found.ids["district"])) == found.size("district")
    for low, parent in found.parents.items():
        high = found.entities[found.entities.index(low) + 1]
        assert np.bincount(parent, minlength=found.size(high)).min() >= 1
    # the same person has the same values as in the population
    everyone = {}
    for number in range(info.shards):
        shard = population.read_shard(folder, number, ["age", "district"])
        codes = shard.down(shard.values["district"], "district", "person")
        everyone |= dict(zip(shard.ids["person"].tolist(), zip(shard.values["age"], codes, strict=True), strict=True))
    codes = found.down(found.values["district"], "district", "person")
    for identity, age, code in zip(found.ids["person"].tolist(), found.values["age"], codes, strict=True):
        assert everyone[identity] == (age, code)


def test_a_sample_hangs_on_its_seed_and_grows(city: City) -> None:
    folder, _ = city
    ids = {
        (people, seed): set(population.sample(folder, people, seed, ()).ids["neighbourhood"].tolist())
        for people, seed in ((5_000, 1), (5_000, 2), (15_000, 1))
    }
    assert ids[5_000, 1] != ids[5_000, 2]
    assert ids[5_000, 1] < ids[15_000, 1]
    with pytest.raises(UsageError, match="at least 1"):
        population.sample(folder, 0, 1)


def test_a_subset_and_the_rest_are_the_whole(city: City) -> None:
    shard = population.read_shard(city[0], 0)
    chosen = np.arange(shard.size("neighbourhood")) % 2 == 0
    parts = [population.subset(shard, chosen), population.subset(shard, ~chosen)]
    together = population.join(parts)
    assert together.entities == shard.entities
    order = np.argsort(together.ids["person"])
    plain = np.argsort(shard.ids["person"])
    for name in ("age", "wage"):
        assert (together.values[name][order] == shard.values[name][plain]).all()
    for name in ("dwelling_value", "floors", "green_share", "fiscal_capacity"):
        entity = shard.columns[name].entity
        ours = together.down(together.values[name], entity, "person")[order]
        assert (ours == shard.down(shard.values[name], entity, "person")[plain]).all(), name
    with pytest.raises(ValueError, match="a boolean for each neighbourhood"):
        population.subset(shard, np.ones(99, dtype=bool))
