"""A Beam pipeline on the cluster that runs PyFlink jobs: beside one, through a worker's death, and when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest

from pipelines.engines.beam_flink import FlinkRunner, FlinkTarget
from pipelines.engines.elements import Do, run_elements
from pipelines.services import flink, flink_rest
from pipelines.services.registry import Registry
from schemas.errors import ServiceError
from tests.conftest import Home
from tests.pipelines.engines.on_beam.marking import Mark, done, marks

pytestmark = pytest.mark.services

ELEMENTS = [str(number) for number in range(24)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A cluster whose workers can import the tests."""
    registry = Registry(tmp_path_factory.mktemp("beam"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[4]))
        try:
            with registry.locked():
                flink.start(registry)
            yield registry
        finally:
            flink.stop_cluster(registry, grace=5)


def address(cluster: Registry) -> str:
    service = cluster.running(flink.JOBMANAGER)
    assert service is not None
    return "flink://" + service.url.removeprefix("http://")


@pytest.mark.timeout(600)
def test_it_runs_beside_an_opinion_job_and_outlives_its_workers(clean: Home, cluster: Registry, tmp_path: Path) -> None:
    target = address(cluster)
    rest = target.replace("flink", "http")
    said = clean.run("submit", "opinion", "--source", "generate:?posts=600", "--target", target, "--parallelism", "1")
    opinion = said.stdout.decode().strip()
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    expected = run_elements("marks", ELEMENTS, Mark(here), home=cluster.home)

    counted = run_elements(
        "marks", ELEMENTS, Mark(there, die="17", seconds=0.1), runner=target, parallelism=2, home=cluster.home
    )

    assert counted == expected == {"elements": 24, "even": 12, "odd": 12}
    assert set(done(there)) == set(done(here)) == set(ELEMENTS), "an element was lost"
    assert len(marks(there, "died")) >= 2, "the element whose worker died was not done again"
    assert flink_rest.wait_for(rest, opinion, timeout=120) == "FINISHED"
    assert clean.rows("SELECT count(), uniqExact(post_id) FROM posts FINAL") == [(600, 600)]
    assert {job.name: job.state for job in flink_rest.list_jobs(rest)} == {"opinion": "FINISHED", "marks": "FINISHED"}


def test_an_error_that_no_restart_mends_is_told(cluster: Registry, tmp_path: Path) -> None:
    folder = cluster.home / "runs" / "stumbling"
    once = {"restart-strategy.type": "none"}
    pipeline = beam.Pipeline(
        runner=FlinkRunner(FlinkTarget("stumbling", address(cluster), cluster.home, folder, 1, once))
    )
    dealt = pipeline | beam.Create(["1", "2"], reshuffle=False) | beam.Reshuffle()
    _ = dealt | beam.ParDo(Do(Mark(tmp_path, stumble="2")))
    with pytest.raises(ServiceError, match=r"is FAILED: .*ValueError: element 2 cannot be done"):
        pipeline.run().wait_until_finish()
