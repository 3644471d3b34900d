"""Where a pipeline is cut, what is refused, and what a part does with bundles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.transforms import environments

from pipelines.engines.beam_run_folder import COUNTED, ELEMENTS, read_counted, write_elements
from pipelines.engines.beam_stage import Bundles, cut
from pipelines.engines.elements import Do
from schemas.errors import JobError
from tests.pipelines.engines.on_beam.marking import Mark, done, marks

Build = Callable[[beam.Pipeline], Any]


def planned(build: Build) -> Any:
    pipeline = beam.Pipeline()
    build(pipeline)
    return pipeline.to_runner_api(default_environment=environments.EmbeddedPythonEnvironment.default())


def dealt(pipeline: beam.Pipeline, *elements: Any) -> Any:
    return pipeline | beam.Create(elements, reshuffle=False) | beam.Reshuffle()


def grouped(pipeline: beam.Pipeline) -> Any:
    return dealt(pipeline, ("a", 1), ("b", 2)) | beam.GroupByKey() | beam.Map(len)


def side_input(pipeline: beam.Pipeline) -> Any:
    side = pipeline | "side" >> beam.Create([7])
    return dealt(pipeline, 1, 2) | beam.Map(lambda one, other: one + other, beam.pvalue.AsSingleton(side))


def dealt_twice(pipeline: beam.Pipeline) -> Any:
    return dealt(pipeline, 1, 2) | beam.Map(str) | "again" >> beam.Reshuffle() | beam.Map(len)


REFUSED: list[tuple[str, Build]] = [
    ("executable_stage", lambda pipeline: pipeline | beam.Create([1, 2], reshuffle=False) | beam.Map(str)),
    ("group_by_key", grouped),
    ("impulse", side_input),
    ("reshuffle -> executable_stage -> reshuffle", dealt_twice),
]


@pytest.mark.parametrize(("named", "build"), REFUSED, ids=[named for named, _ in REFUSED])
def test_a_pipeline_of_another_shape_is_refused_by_its_steps(named: str, build: Build) -> None:
    with pytest.raises(JobError, match=named):
        cut(planned(build))


@pytest.mark.parametrize("elements", [("1",), ("1", "2", "3"), ("路", "x" * 70_000, "")])
def test_every_element_is_dealt_out_once(elements: tuple[str, ...]) -> None:
    parts = cut(planned(lambda pipeline: dealt(pipeline, *elements) | beam.Map(str)))
    assert len(parts.elements) == len(set(parts.elements)) == len(elements)


def test_a_part_is_set_up_once_and_counts_each_bundle_alone(tmp_path: Path) -> None:
    parts = cut(planned(lambda pipeline: dealt(pipeline, "1", "2", "3") | "do" >> beam.ParDo(Do(Mark(tmp_path)))))
    with Bundles(parts.descriptor) as bundles:
        counted = [{name: n for _, _, name, n in bundles.run(one)[1] if n} for one in parts.elements]
    assert counted == [
        {"elements": 1, "outcome:odd": 1},
        {"elements": 1, "outcome:even": 1},
        {"elements": 1, "outcome:odd": 1},
    ]
    assert done(tmp_path) == {"1": 1, "2": 1, "3": 1}
    assert (len(marks(tmp_path, "opened")), len(marks(tmp_path, "closed"))) == (1, 1)


def test_what_a_step_raises_comes_out(tmp_path: Path) -> None:
    parts = cut(planned(lambda pipeline: dealt(pipeline, "1", "2") | beam.ParDo(Do(Mark(tmp_path, stumble="2")))))
    with Bundles(parts.descriptor) as bundles, pytest.raises(ValueError, match="element 2 cannot be done"):
        bundles.run(parts.elements[0] + parts.elements[1])


LINES: list[tuple[str, dict[str, bytes], dict[int, Any]]] = [
    ("nothing", {}, {}),
    ("two workers", {"1": b"[0,[]]\n", "2": b'[1,[["s","n","c",1]]]\n'}, {0: [], 1: [["s", "n", "c", 1]]}),
    ("done again", {"1": b"[0,[]]\n", "2": b"[0,[]]\n"}, {0: []}),
    ("killed while writing", {"1": b'[0,[]]\n[1,[["s"'}, {0: []}),
]


@pytest.mark.parametrize(("files", "found"), [line[1:] for line in LINES], ids=[line[0] for line in LINES])
def test_lines_of_bundles(tmp_path: Path, files: dict[str, bytes], found: dict[int, Any]) -> None:
    for name, content in files.items():
        (tmp_path / COUNTED.replace("*", name)).write_bytes(content)
    assert read_counted(tmp_path) == found


def test_elements_are_dealt_to_files_evenly(tmp_path: Path) -> None:
    write_elements(tmp_path, [bytes([number]) for number in range(7)], 3)
    lines = [path.read_text().splitlines() for path in sorted((tmp_path / ELEMENTS).iterdir())]
    assert [len(one) for one in lines] == [3, 2, 2]
    assert sorted(int(line.split()[0]) for one in lines for line in one) == list(range(7))
