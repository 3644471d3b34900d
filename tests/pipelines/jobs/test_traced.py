"""What the ledger says of jobs: purpose first, start before the work, an end however it ends, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from governance.audit import verify
from governance.keys import ensure_keys
from pipelines.engines.job import Job
from pipelines.jobs import opinion, registry, traced
from pipelines.jobs.dead_letters import CountedDeadLetters
from pipelines.jobs.replay import stored_job
from pipelines.jobs.run import Spec
from pipelines.jobs.site import Site
from schemas.errors import JobError, StoreUnavailable, UsageError
from schemas.settings import load
from udfs.keywords.step import Match

SECRET = "https://hooks.example/very-secret"


def entries(home: Path, writer: str) -> list[dict]:
    path = home / "audit" / f"{writer}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    ensure_keys(tmp_path)
    return Spec(job="opinion", source="generate:?posts=1", home=str(tmp_path), run="opinion-1")


def job(purpose: str = opinion.PURPOSE, lawful_basis: str = opinion.LAWFUL_BASIS) -> Job:
    return Job("opinion", purpose, lawful_basis, (), CountedDeadLetters())


def test_start_stands_in_the_ledger_before_the_work_and_the_end_after_it(spec: Spec, tmp_path: Path) -> None:
    with traced.recorded(spec, job(), load(), "ann") as ended:
        (start,) = entries(tmp_path, "jobs")
        assert (start["actor"], start["action"], start["subject"]) == ("ann", "job.start", "run opinion-1")
        assert start["detail"]["lawful_basis"] == opinion.LAWFUL_BASIS
        ended({"posts": 1, "savepoint": None})
    assert entries(tmp_path, "jobs")[1]["detail"] == {"start": "jobs/0", "state": "ended", "posts": 1}
    assert [entry["action"] for entry in entries(tmp_path, "changes")] == ["settings.change", "deploy"]
    assert verify(tmp_path).ok


@pytest.mark.parametrize(("error", "why"), [(StoreUnavailable("the store is away"), "the store is away"),
                                            (ValueError("text of a post"), "ValueError"),
                                            (KeyboardInterrupt(), "KeyboardInterrupt")])  # fmt: skip
def test_a_failure_is_an_end_too(spec: Spec, tmp_path: Path, error: BaseException, why: str) -> None:
    with pytest.raises(type(error)), traced.recorded(spec, job(), load(), "ann"):
        raise error
    assert entries(tmp_path, "jobs")[1]["detail"] == {"start": "jobs/0", "state": "failed", "why": why}


@pytest.mark.parametrize("declared", [("", "emergency"), (opinion.PURPOSE, ""), (opinion.PURPOSE, "because")])
def test_a_job_without_purpose_or_basis_does_not_start(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: tuple[str, str]
) -> None:
    with pytest.raises(UsageError, match=r"purpose|lawful_basis"), traced.recorded(spec, job(*declared), load(), "ann"):
        raise AssertionError("it started")
    assert entries(tmp_path, "jobs") == []
    monkeypatch.setattr(opinion, "opinion", lambda site: job(*declared))
    with pytest.raises(UsageError, match=r"purpose|lawful_basis"):
        registry.build("opinion", Site(tmp_path))


def test_settings_are_told_by_name_and_secrets_by_keyed_hash(spec: Spec, tmp_path: Path) -> None:
    traced.note_state(tmp_path, load(None, ["flink.parallelism=3"]), "ann")
    traced.note_state(tmp_path, load(None, ["flink.parallelism=3"]), "bo")
    traced.note_state(tmp_path, load(None, ["flink.parallelism=4", f"alerts.webhook={SECRET}"]), "bo")
    first, second = (entry for entry in entries(tmp_path, "changes") if entry["action"] == "settings.change")
    assert (first["actor"], second["actor"]) == ("ann", "bo")
    assert second["detail"]["changed"] == ["alerts.webhook", "flink.parallelism"]
    assert "flink.parallelism=4" in second["detail"]["state"]
    assert SECRET not in (tmp_path / "audit" / "changes.jsonl").read_text()


def test_a_rule_change_is_in_the_ledger_before_it_is_in_force(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    edit = "rules:\n- {{id: {0}, category: 测试, critical: false, priority: 3, terms: [{0}]}}\n".format
    (rules / "a.yaml").write_text(edit("one"))
    times = iter(range(0, 100, 2))
    step = Match(rules, clock=lambda: float(next(times)), changed=traced.NoteRules(tmp_path))
    step.open()
    (rules / "b.yaml").write_text(edit("two"))
    step._followed.refresh()
    first, second = entries(tmp_path, "changes")
    assert (first["action"], second["detail"]["added"], second["detail"]["changed"]) == (
        "rules.change", ["b.yaml"], ["version"],
    )  # fmt: skip
    (tmp_path / "audit" / "changes.jsonl").unlink()
    (tmp_path / "audit" / "changes.jsonl").mkdir()
    (rules / "c.yaml").write_text(edit("three"))
    before = step.rules.version
    with pytest.raises(JobError, match="audit ledger"):
        step._followed.refresh()
    assert step.rules.version == before


def test_a_replay_settles_what_people_decided_and_records_what_the_model_decides(tmp_path: Path) -> None:
    settings = load(None, ["store.url=http://127.0.0.1:1"])
    names = [step.name for step in opinion.opinion(Site(tmp_path, settings, generation=1)).steps]
    assert names[names.index("seal") + 1] == "settle"
    live = [step.name for step in opinion.opinion(Site(tmp_path, settings)).steps]
    assert [name for name in names if name != "settle"] == live
    assert live.index("triage") + 1 == live.index("record")
    stored = [step.name for step in stored_job(Site(tmp_path, settings, generation=1)).steps]
    assert "record" in stored
    assert "settle" not in stored
