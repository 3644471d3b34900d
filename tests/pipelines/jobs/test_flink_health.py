"""What is read out of Flink's answers, which are shortened copies of real ones, and what a bad answer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pipelines.jobs.flink_health import FlinkReader, Gone, NoAnswer, read
from pipelines.store.health import Look

NOW = 1_700_000_100_000
BLANK = Look(NOW, "run-1", "opinion", "unknown")
JOB = {"state": "RUNNING", "start-time": NOW - 60_000, "vertices": [{"id": "v1"}, {"id": "v2"}]}
RESTARTS = [{"id": "numRestarts", "value": "3"}]


def pressure(ratio: Any, busy: Any) -> dict[str, Any]:
    return {
        "status": "ok",
        "subtasks": [{"subtask": 0, "ratio": 0.0, "busyRatio": 0.1}, {"ratio": ratio, "busyRatio": busy}],
    }


def checkpoints(total: int, completed: int | None) -> dict[str, Any]:
    latest = None if completed is None else {"latest_ack_timestamp": completed}
    return {"counts": {"total": total}, "latest": {"completed": latest, "restored": None}}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            (JOB, RESTARTS, checkpoints(9, NOW - 4_000), [pressure(0.4, "NaN"), pressure(0.1, 0.9)]),
            Look(NOW, "run-1", "opinion", "running", 3, 0.4, 0.9, 4.0),
        ),
        # none came through yet: the age is that of the job
        ((JOB, RESTARTS, checkpoints(11, None), []), Look(NOW, "run-1", "opinion", "running", 3, 0, 0, 60.0)),
        # none was asked for, or the job makes none
        ((JOB, [], checkpoints(0, None), []), Look(NOW, "run-1", "opinion", "running")),
        ((JOB, None, None, [None]), Look(NOW, "run-1", "opinion", "running")),
        # a clock of another machine may be ahead, a share above 1 by rounding
        (
            (JOB, [{"value": "NaN"}], checkpoints(1, NOW + 5_000), [pressure(1.01, -1.0)]),
            Look(NOW, "run-1", "opinion", "running", 0, 1.0, 0.1, 0.0),
        ),
    ],
)
def test_what_is_read(answers: tuple[Any, ...], expected: Look) -> None:
    assert read(*answers, BLANK) == expected


@pytest.mark.parametrize(
    ("state", "expected", "ended"),
    [
        ("CREATED", "running", False),
        ("INITIALIZING", "running", False),
        ("RUNNING", "running", False),
        ("CANCELLING", "running", False),
        ("FAILING", "restarting", False),
        ("RESTARTING", "restarting", False),
        ("FINISHED", "finished", True),
        ("CANCELED", "cancelled", True),
        ("FAILED", "failed", True),
        ("SUSPENDED", "failed", True),
    ],
)
def test_every_state_of_flink_has_a_name(state: str, expected: str, ended: bool) -> None:
    look = read(JOB | {"state": state}, None, None, [], BLANK)
    assert (look.state, look.ended) == (expected, ended)


Answer = Callable[[httpx.Request], httpx.Response]


def reader(answer: Answer) -> tuple[FlinkReader, list[str]]:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return answer(request)

    return FlinkReader(httpx.MockTransport(handle)), asked


def test_a_job_that_runs_costs_a_request_a_vertex_and_three() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/checkpoints"):
            return httpx.Response(404)
        return httpx.Response(200, json=RESTARTS if path.endswith("/metrics") else JOB if path == "/jobs/a" else {})

    flink, asked = reader(answer)
    assert flink.look("http://f:1", "a", BLANK).restarts == 3
    assert asked == [
        *("/jobs/a", "/jobs/a/metrics", "/jobs/a/checkpoints"),
        *("/jobs/a/vertices/v1/backpressure", "/jobs/a/vertices/v2/backpressure"),
    ]


def test_a_job_that_is_not_there_is_gone() -> None:
    flink, _ = reader(lambda _: httpx.Response(404))
    with pytest.raises(Gone):
        flink.look("http://f:1", "a", BLANK)
    assert not flink.knows("http://f:1", "a")


def slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow")


@pytest.mark.parametrize(
    "answer",
    [slow, lambda _: httpx.Response(503), lambda _: httpx.Response(200, text="<html>")],
    ids=["slow", "503", "html"],
)
def test_a_cluster_that_does_not_answer_is_asked_once_a_round(answer: Answer) -> None:
    flink, asked = reader(answer)
    with flink.round():
        for _ in range(3):
            with pytest.raises(NoAnswer):
                flink.look("http://f:1", "a", BLANK)
    assert len(asked) == 1
    with flink.round(), pytest.raises(NoAnswer):
        flink.look("http://f:1", "a", BLANK)
    assert len(asked) == 2


def test_a_round_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    flink, asked = reader(lambda _: httpx.Response(200, json=JOB | {"vertices": []}))
    monkeypatch.setattr(FlinkReader, "ROUND_S", 0.0)
    with flink.round(), pytest.raises(NoAnswer):
        flink.look("http://f:1", "a", BLANK)
    assert asked == []
