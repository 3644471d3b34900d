"""Elements on Beam's DirectRunner, in this process and in several."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engines.elements import run_elements
from schemas.errors import ServiceError, UsageError
from tests.pipelines.engines.on_beam.marking import Mark, done, marks

ELEMENTS = [str(number) for number in range(9)]


@pytest.mark.parametrize(("processes", "elements"), [(1, ELEMENTS), (2, ELEMENTS), (4, ["0"]), (1, [])])
def test_every_element_is_done_once_and_counted(tmp_path: Path, processes: int, elements: list[str]) -> None:
    counted = run_elements("marks", elements, Mark(tmp_path), parallelism=processes, home=tmp_path)
    even, odd = (len(elements) + 1) // 2, len(elements) // 2
    assert counted == {name: n for name, n in {"even": even, "odd": odd}.items() if n} | {"elements": len(elements)}
    assert done(tmp_path) == dict.fromkeys(elements, 1)
    used = min(processes, len(elements))
    assert len(set(marks(tmp_path, "opened"))) == len(set(marks(tmp_path, "closed"))) == used


def test_what_the_work_raises_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="element 3 cannot be done"):
        run_elements("marks", ELEMENTS, Mark(tmp_path, stumble="3"), home=tmp_path)


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="a process of marks died"):
        run_elements("marks", ELEMENTS, Mark(tmp_path, die="3"), parallelism=2, home=tmp_path)


WRONG = [("spark", 1, "runner 'spark'"), ("direct", 0, "parallelism 0"), ("flink://somewhere", 1, "flink://host:port")]


@pytest.mark.parametrize(("runner", "parallelism", "told"), WRONG)
def test_wrong_arguments_are_named(tmp_path: Path, runner: str, parallelism: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        run_elements("marks", ELEMENTS, Mark(tmp_path), runner=runner, parallelism=parallelism, home=tmp_path)


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="up --flink"):
        run_elements("marks", ELEMENTS, Mark(tmp_path), runner="flink://127.0.0.1:7", home=tmp_path)
