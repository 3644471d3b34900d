"""A synthetic city: the same for the same seed, whole neighbourhoods, margins met, people who could be."""

from pathlib import Path

import numpy as np
import pytest

from schemas.errors import UsageError
from schemas.policy import PopulationInfo
from udfs import population
from udfs.population import spec as specs
from udfs.population.fitting import errors
from udfs.population.synthesis import Got, shards

from .conftest import SHARD_PEOPLE, SPEC

City = tuple[Path, PopulationInfo]


def whole(city: City) -> population.Shard:
    folder, info = city
    return population.join([population.read_shard(folder, number) for number in range(info.shards)])


def test_the_catalogue_is_what_is_made(city: City) -> None:
    _, info = city
    assert population.columns(info) == population.catalogue()
    assert len(info.columns) >= 105
    assert info.entities == ("person", "household", "unit", "building", "neighbourhood", "district")
    assert 29_000 < info.counts["person"] < 33_000
    assert info.weight == info.counts["person"]
    assert info.synthetic
    assert info.demonstration


@pytest.mark.parametrize(("seed", "same"), [(11, True), (12, False)])
def test_the_seed_decides(city: City, seed: int, same: bool) -> None:
    folder, _ = city
    spec = specs.load(SPEC)
    first = next(shards(spec, 30_000, seed, SHARD_PEOPLE))
    assert (population.digest_of(first) == population.digest_of(population.read_shard(folder, 0))) is same


def test_a_shard_does_not_depend_on_how_many_follow(city: City) -> None:
    folder, info = city
    assert info.shards >= 6
    fewer = list(shards(specs.load(SPEC), 17_000, 11, SHARD_PEOPLE))
    for number in range(len(fewer) - 1):
        there = population.read_shard(folder, number)
        assert population.digest_of(fewer[number]) == population.digest_of(there), number


def test_nobody_is_cut_and_everyone_has_a_home(city: City) -> None:
    folder, info = city
    seen: dict[str, set[int]] = {entity: set() for entity in info.entities}
    for number in range(info.shards):
        shard = population.read_shard(folder, number)
        for low, parent in shard.parents.items():
            high = info.entities[info.entities.index(low) + 1]
            # every record has its parent here, and every parent has somebody
            assert np.bincount(parent, minlength=shard.size(high)).min() >= 1, (number, low)
        for entity in info.entities[:-1]:
            ids = set(shard.ids[entity].tolist())
            assert len(ids) == shard.size(entity)
            assert not ids & seen[entity], (number, entity)
            seen[entity] |= ids
        size = np.bincount(shard.parents["person"], minlength=shard.size("household"))
        assert (size == shard.values["household_size"]).all()
        assert len(np.unique(shard.parents["household"])) == shard.size("unit") == shard.size("household")
        units = np.bincount(shard.above("unit", "neighbourhood"), minlength=shard.size("neighbourhood"))
        assert (units == shard.values["households_in_neighbourhood"]).all()
        assert (shard.values["floor"] <= shard.down(shard.values["floors"], "building", "unit")).all()


def test_the_margins_are_met(city: City) -> None:
    _, info = city
    found = errors(info)
    # so few people are 24 neighbourhoods: their lumps show
    assert found["家庭人数"][1] < 0.08
    households = info.counts["household"]
    for table in found:
        assert sum(row["got"] for row in info.fit if row["table"] == table) == pytest.approx(households)
    assert "家庭人数: 6 cells, TAE" in population.fit_text(info)


def test_given_the_neighbourhoods_there_are_the_margins_are_met_to_a_household_or_so() -> None:
    spec = specs.load(SPEC)
    got = Got(spec)
    for _ in shards(spec, 12_000, 3, SHARD_PEOPLE, got):
        pass
    group = spec.records["district"] * 4 + spec.records["neighbourhood_kind"]
    made = np.bincount(group, weights=got.counts)
    of_group = np.bincount(group, weights=spec.fit.weights, minlength=len(made))[group]
    share = np.divide(spec.fit.weights, of_group, out=np.zeros_like(of_group), where=of_group > 0)
    for margin in spec.margins:
        off = np.abs(margin.got(share * made[group]) - margin.got(got.counts))
        # 4 shards of up to 24 groups, each less than 1 off in any run of cells
        assert off.max() < 25, margin.table
        assert off.sum() / got.counts.sum() < 0.02, margin.table


def test_people_and_dwellings_that_could_be(city: City) -> None:
    shard = whole(city)
    value, age = shard.values, shard.values["age"]
    household = shard.parents["person"]
    for column in shard.columns.values():
        if column.kind == "number":
            assert np.isfinite(value[column.name]).all(), column.name
        if column.kind == "category":
            assert value[column.name].min() >= 0, column.name
            assert value[column.name].max() < len(column.categories), column.name
        if column.unit.startswith("CNY") and column.name != "disposable_income":
            assert value[column.name].min() >= 0, column.name
        if column.name.startswith(("trust", "satisfaction", "concern")) or column.name.endswith(("condition", "share")):
            assert 0 <= value[column.name].min() <= value[column.name].max() <= 1, column.name
    assert not (value["employed"] & value["retired"]).any()
    assert not (value["employed"] & (age < 16)).any()
    assert ((value["wage"] > 0) <= value["employed"]).all()
    assert not (value["student"] & (age < 6)).any()
    fourteen = np.bincount(household, weights=age >= 14)
    scale = 1 + 0.5 * (fourteen - 1) + 0.3 * (value["household_size"] - fourteen)
    assert value["equivalised_income"] == pytest.approx(value["disposable_income"] / scale, rel=1e-5)
    assert (value["lives_alone_elderly"] == ((value["household_size"] == 1) & (value["elderly_60"] == 1))).all()
    # who rents does not own, who is high up is dry
    assert ((value["rent_paid"] > 0) == ~value["owner"]).all()
    assert (value["flood_depth"][value["floor"] > 3] == 0).all()
    assert (value["flood_depth"][value["ground_floor"]] > 0).any()


def test_what_policies_look_at_has_the_shape_it_should(city: City) -> None:
    shard = whole(city)
    value = shard.values
    income = shard.down(value["equivalised_income"], "household", "person")
    assert income.mean() > 1.1 * np.median(income)  # skewed
    wage, education = value["wage"], value["education"]
    by_education = [np.median(wage[(education == level) & (wage > 0)]) for level in (2, 3, 4)]
    assert by_education == sorted(by_education)
    spouse, head = value["role"] == 1, value["role"] == 0
    pair = np.zeros(shard.size("household"), dtype=bool)
    pair[shard.parents["person"][spouse]] = True
    heads = education[head & pair[shard.parents["person"]]]
    assert np.corrcoef(heads, education[spouse])[0, 1] > 0.25
    old = shard.down(value["old_neighbourhood"], "neighbourhood", "household")
    assert value["elderly_60"][old].mean() > 1.2 * value["elderly_60"][~old].mean()
    old_building = shard.down(value["old_neighbourhood"], "neighbourhood", "building")
    assert value["has_lift"][old_building].mean() < 0.1 < 0.6 < value["has_lift"][~old_building].mean()


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("1: 0.25, 2: 0.30", "1: 0.35, 2: 0.30", r"city.yaml:\d+: margins\[1\].shares: the shares sum to 1.1"),
        ("1: 0.25, 2: 0.30", "1: 0.30, 2: 0.25", r"city.yaml:\d+: margins: the margins contradict .*人"),
        ("of: [household_size]", "of: [shoe_size]", r"'shoe_size' is none of district"),
        ("sharing: [2, 3, 4]", "sharing: [2, 3, 9]", r"9 lies outside 1..6"),
    ],
)
def test_a_wrong_specification_names_its_line(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    text = specs.find(SPEC).read_text(encoding="utf-8")
    path = tmp_path / "city.yaml"
    path.write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        specs.load(path)
