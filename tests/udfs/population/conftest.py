from pathlib import Path

import pytest

from schemas.policy import PopulationInfo
from udfs import population

SPEC = "demonstration_city"
SHARD_PEOPLE = 4_000


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PopulationInfo]:
    """A small city of some shards, made once."""
    folder = tmp_path_factory.mktemp("population") / "city"
    return folder, population.synthesise(SPEC, 30_000, 11, folder, SHARD_PEOPLE)
