"""Runs as the watch sees them: what lives, what ended and how, what nobody answers for. Real folders and a real ledger,
a Flink that answers as told, a clock that is passed in; and one real run at the end."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from governance.audit import Ledger
from pipelines.jobs import health, program
from pipelines.jobs.flink_health import FlinkReader
from pipelines.jobs.health import Health, Sampler
from pipelines.jobs.run import Spec
from pipelines.metrics import declared
from pipelines.services import control
from pipelines.store.client import connect
from pipelines.store.health import LIVE, Look, left_open, write
from tests.conftest import Home

BOUNDED, ENDLESS = "generate:?posts=10&seed=1&rate=1&start=0", "kafka://127.0.0.1:9092/t"
CLUSTER = "flink://127.0.0.1:7"
MINUTE, HOUR = 60_000, 3_600_000


class Site:
    """A home, a clock, and a Flink of which ``jobs`` says what it knows: id -> state; "silent": no answer."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "runs").mkdir()
        self.now = (time.time_ns() // 1_000_000) - 10 * HOUR
        self.jobs: dict[str, str] = {}
        self.silent = False

    def health(self, **seen: int) -> Health:
        return Health(self.home, lambda: self.now, FlinkReader(httpx.MockTransport(self._answer)), seen)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.silent:
            raise httpx.ConnectError("gone")
        job_id = request.url.path.split("/")[2]
        if job_id not in self.jobs:
            return httpx.Response(404)
        if request.url.path.count("/") > 2:
            return httpx.Response(404)
        job = {"state": self.jobs[job_id], "start-time": self.now, "vertices": []}
        return httpx.Response(200, json=job)

    def start(self, run: str, target: str = CLUSTER, source: str = ENDLESS, job_id: str = "", **spec: Any) -> Path:
        """Submit a run; with ``job_id`` as far as Flink's answer."""
        made = Spec("opinion", source, str(self.home), run, target, **spec)
        self.ledger("job.start", run)
        path = made.save()
        self.at(path)
        if job_id:
            (made.folder / "job_id").write_text(job_id)
            self.at(made.folder / "job_id")
        return made.folder

    def at(self, path: Path) -> None:
        os.utime(path, (self.now / 1_000, self.now / 1_000))

    def ledger(self, action: str, run: str, **detail: Any) -> None:
        with Ledger(self.home, "jobs", lambda: self.now, seal_every_ms=None) as ledger:
            ledger.append("someone", action, f"run {run}", detail)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site(tmp_path)
    monkeypatch.setattr(health, "local_clusters", lambda _: iter(["http://127.0.0.1:8081"]))
    return found


def step(site: Site, watched: Health, ms: int = 10_000) -> list[tuple[str, str]]:
    """Look, store, and let time pass -> (run, state)."""
    looks = watched.look()
    watched.written(looks)
    site.now += ms
    return [(look.run, look.state) for look in looks]


def test_a_run_on_a_cluster_from_its_start_to_its_end(site: Site) -> None:
    watched = site.health()
    site.start("a")
    assert step(site, watched) == [], "not submitted yet"
    (site.home / "runs" / "a" / "job_id").write_text("1")
    site.at(site.home / "runs" / "a" / "job_id")
    site.jobs["1"] = "RUNNING"
    assert step(site, watched) == [("a", "running")]
    site.jobs["1"] = "RESTARTING"
    assert step(site, watched) == [("a", "restarting")]
    site.silent = True
    assert step(site, watched) == [("a", "unknown")]
    site.silent, site.jobs["1"] = False, "CANCELED"
    assert step(site, watched) == [("a", "cancelled")]
    assert step(site, watched) == [], "once"


def test_the_end_comes_again_until_it_is_stored(site: Site) -> None:
    watched = site.health()
    site.start("a", job_id="1")
    site.jobs["1"] = "FAILED"
    assert [look.state for look in watched.look()] == ["failed"]
    assert [look.state for look in watched.look()] == ["failed"]


@pytest.mark.parametrize(
    ("source", "end", "expected"),
    [
        (BOUNDED, {"state": "ended", "posts": 10}, "finished"),
        (BOUNDED, {"state": "ended", "savepoint": "/s"}, "stopped"),
        (ENDLESS, {"state": "ended"}, "stopped"),
        (ENDLESS, {"state": "failed", "why": "no disk"}, "failed"),
    ],
)
def test_how_a_run_inside_a_command_ended_stands_in_the_ledger(
    site: Site, source: str, end: dict[str, Any], expected: str
) -> None:
    watched = site.health()
    site.start("a", "local", source, "1")
    site.jobs["1"] = "RUNNING"
    assert step(site, watched) == [("a", "running")]
    site.jobs.clear()
    assert step(site, watched) == [], "its Flink has gone, its command is about to say how it ended"
    site.ledger("job.end", "a", **end)
    assert step(site, watched) == [("a", expected)]


def test_a_job_without_end_that_finished_was_stopped(site: Site) -> None:
    watched = site.health()
    for run, source in (("a", ENDLESS), ("b", BOUNDED)):
        site.start(run, source=source, job_id=run)
        site.jobs[run] = "FINISHED"
    assert sorted(step(site, watched)) == [("a", "stopped"), ("b", "finished")]


@pytest.mark.parametrize("target", ["local", CLUSTER])
def test_the_breaker_is_said(site: Site, target: str) -> None:
    watched = site.health()
    folder = site.start("a", target, job_id="1")
    site.jobs["1"] = "RUNNING"
    assert [look.breaker for look in watched.look()] == [False]
    (folder / "stopped.json").write_text(json.dumps({"why": "2% rejected"}))
    assert [(look.state, look.breaker) for look in watched.look()] == [("running", True)]
    if target == "local":
        site.ledger("job.end", "a", state="failed", why="2% rejected")
    site.jobs["1"] = "CANCELED"
    assert [(look.state, look.breaker) for look in watched.look()] == [("stopped", True)]


def test_a_command_that_was_killed_has_failed_after_two_minutes(site: Site) -> None:
    watched = site.health()
    site.start("a", "local", job_id="1")
    site.jobs["1"] = "RUNNING"
    assert step(site, watched, MINUTE) == [("a", "running")]
    site.jobs.clear()
    assert step(site, watched, MINUTE) == [("a", "unknown")]
    assert step(site, watched, 1) == [("a", "unknown")]
    assert step(site, watched) == [("a", "failed")]
    assert step(site, watched) == []


def test_a_cluster_may_be_silent_for_an_hour(site: Site) -> None:
    watched = site.health()
    site.start("a", job_id="1")
    site.silent = True
    assert step(site, watched, HOUR) == [("a", "unknown")]
    assert step(site, watched, 1) == [("a", "unknown")]
    assert step(site, watched) == [("a", "failed")]


def test_a_job_that_its_cluster_has_forgotten_was_lost(site: Site) -> None:
    watched = site.health(a=site.now - MINUTE, b=site.now - 5 * HOUR)
    site.now -= HOUR
    for run in ("a", "b"):
        site.start(run, job_id=run)
    site.now += HOUR
    assert sorted(step(site, watched)) == [("a", "failed"), ("b", "unknown")]
    assert step(site, watched) == []


def test_runs_of_before_are_no_news(site: Site) -> None:
    for run, state in (("ended", "FINISHED"), ("lives", "RUNNING"), ("seen", "FINISHED")):
        site.start(run, job_id=run)
        site.jobs[run] = state
    site.start("killed", "local", job_id="killed")
    site.now += MINUTE
    watched = site.health(seen=site.now - MINUTE)
    assert sorted(step(site, watched, MINUTE)) == [("lives", "running"), ("seen", "stopped")]
    for _ in range(3):  # two minutes without an answer are over after the second
        assert step(site, watched, MINUTE) == [("lives", "running")]


def test_a_run_that_is_resumed_is_looked_at_again(site: Site) -> None:
    watched = site.health()
    site.start("a", job_id="1")
    site.jobs["1"] = "FINISHED"
    assert step(site, watched) == [("a", "stopped")]
    site.start("a")
    assert step(site, watched) == [], "the job of before is not the one that is coming"
    site.start("a", job_id="2")
    site.jobs["2"] = "RUNNING"
    assert step(site, watched) == [("a", "running")]


def test_a_run_on_beam_has_an_end_only(site: Site) -> None:
    watched = site.health()
    site.start("a", "local", BOUNDED, engine="beam")
    assert step(site, watched) == []
    site.ledger("job.end", "a", state="ended", posts=10)
    assert step(site, watched) == [("a", "finished")]


def test_a_command_that_waits_may_go_before_its_job(site: Site) -> None:
    watched = site.health()
    site.start("a", job_id="1")
    site.jobs["1"] = "RUNNING"
    site.ledger("job.end", "a", state="failed", why="KeyboardInterrupt")
    assert step(site, watched) == [("a", "running")]


def test_what_is_no_run_holds_nothing_up(site: Site) -> None:
    watched = site.health()
    broken = site.home / "runs" / "broken"
    broken.mkdir()
    (broken / "spec.json").write_text("{")
    site.start("a", job_id="1")
    site.jobs["1"] = "RUNNING"
    assert step(site, watched) == [("a", "running")]


def test_a_home_with_many_runs_is_looked_at_in_parts(site: Site) -> None:
    watched = site.health()
    for number in range(health.MOST_RUNS + 5):
        site.start(f"r{number}", job_id=str(number))
        site.jobs[str(number)] = "RUNNING"
        site.now += 1
    looks = watched.look()
    assert len(looks) == health.MOST_RUNS
    assert "r24" in {look.run for look in looks}, "the newest"


def test_names_that_are_said_twice_are_the_same() -> None:
    from pipelines.engines import flink_udfs
    from pipelines.jobs import registry

    assert program.REST_PORTS == health.LOCAL_PORTS
    assert (flink_udfs.JOB_ID, flink_udfs.STOPPED) == (health.JOB_ID, health.STOPPED)
    assert registry.NAMES == declared.JOBS
    assert set(LIVE) < set(declared.STATES)


@pytest.mark.services
def test_rows_are_stored_and_what_they_leave_open_is_found(home: Home) -> None:
    now = time.time_ns() // 1_000_000
    look = Look(now - 5_000, "open", "opinion", "running", 2, 0.25, 0.5, 3.5)
    with connect(control.connection(home.path)) as client:
        client.command("ALTER TABLE job_health DELETE WHERE run IN ('open', 'done') SETTINGS mutations_sync = 1")
        write(client, [look, replace(look, at=now, state="unknown")])
        write(client, [replace(look, run="done"), replace(look, run="done", at=now, state="finished", breaker=True)])
        write(client, [])
        found = left_open(client)
    assert {run: found.get(run) for run in ("open", "done")} == {"open": now - 5_000, "done": None}
    rows = home.rows(
        "SELECT state, restarts, back_pressure, busy, checkpoint_age_s, breaker FROM v_job_health WHERE run = 'open'"
    )
    assert set(rows) <= {("unknown", 2, 0.25, 0.5, 3.5, False), ("running", 2, 0.25, 0.5, 3.5, False)}
    assert ("unknown", 2, 0.25, 0.5, 3.5, False) in rows
    assert home.rows("SELECT DISTINCT breaker FROM job_health WHERE run = 'done' AND state = 'finished'") == [(True,)]


@pytest.mark.services
def test_a_real_run_is_seen_running_and_stopped(flooded: Home, flood_run: dict[str, Any]) -> None:
    """By the watch that `up` started; the run is the one that other tests share."""
    run = next(part for part in flood_run["savepoint"].parts if part.startswith("opinion-"))
    states = f"SELECT state, max(checkpoint_age_s), max(restarts) FROM job_health WHERE run = '{run}' GROUP BY state"
    deadline = time.monotonic() + 60
    while "stopped" not in {state for state, *_ in flooded.rows(states)}:
        assert time.monotonic() < deadline, flooded.rows(states)
        time.sleep(0.5)
    found = {state: rest for state, *rest in flooded.rows(states)}
    assert set(found) <= {"running", "stopped", "unknown"}
    assert found["running"][1] == 0
    assert flooded.one(f"SELECT count() FROM job_health WHERE run = '{run}' AND state = 'stopped'") == 1


def test_the_sampler_survives_what_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    stop = threading.Event()
    tries: list[int] = []

    def broken() -> Any:
        tries.append(1)
        if len(tries) == 3:
            stop.set()
        raise RuntimeError("a bug")

    began = time.monotonic()
    with Sampler(tmp_path, broken, stop, every_s=0.01) as sampler:
        sampler._thread.join(10)
    assert len(tries) == 3
    assert time.monotonic() - began < 5
