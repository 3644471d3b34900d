"""The approval job on Beam: on the DirectRunner and on the Flink cluster of `up --flink`, into the store, resumable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.applications import PLATFORM
from pipelines.services import control
from pipelines.services.flink import JOBMANAGER
from pipelines.services.registry import Registry
from pipelines.store.client import connect
from tests.conftest import Home
from tests.pipelines.cli import applications

pytestmark = pytest.mark.services
COUNT = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six made-up applications with text layers."""
    return applications.made(tmp_path_factory.mktemp("made") / "out", COUNT, seed=8)


def rows(home: Home, sql: str) -> list[dict[str, Any]]:
    with connect(control.connection(home.path)) as client:
        return list(client.query(sql).named_results())


def expected(made: Path) -> dict[str, str]:
    facts = map(json.loads, (made / "truth.jsonl").read_text(encoding="utf-8").splitlines())
    return {fact["id"]: fact["expected"] for fact in facts}


DECISIONS = (
    "SELECT application_id, decision, fingerprint, check_results FROM applications FINAL ORDER BY application_id"
)


@pytest.mark.timeout(600)
def test_both_runners_decide_alike_and_nothing_twice(home: Home, made: Path) -> None:
    source = ("submit", "approval", "--source", f"dir://{made}/applications", "--set", "approval.audit_share=0")
    assert "--engine beam" in home.run(*source, "--dry-run").stdout.decode()
    assert "approval is a Beam job" in home.run(*source, "--engine", "flink", code=2).stderr.decode()
    done = home.run(*source, "--parallelism", "1")
    assert f"{COUNT} applications" in done.stderr.decode()
    direct = rows(home, DECISIONS)
    assert {row["application_id"]: row["decision"] for row in direct} == expected(made)
    again = home.run(*source, "--parallelism", "1")
    assert "0 applications in" in again.stderr.decode()
    assert f"{COUNT} decided before" in again.stderr.decode()
    sealed = rows(home, f"SELECT count() AS n FROM pii_vault FINAL WHERE platform = '{PLATFORM}'")[0]["n"]
    assert sealed > COUNT
    # the same on the cluster, from nothing
    with connect(control.connection(home.path)) as client:
        client.command("TRUNCATE TABLE applications")
    home.run("up", "--flink", timeout=180)
    target = Registry(home.path).running(JOBMANAGER).url.replace("http://", "flink://")
    done = home.run(*source, "--target", target, "--parallelism", "1", timeout=240)
    assert f"{COUNT} applications" in done.stderr.decode()
    assert rows(home, DECISIONS) == direct


def test_what_officers_see_of_the_job_is_sealed_and_audited(home: Home, made: Path, tmp_path: Path) -> None:
    name = next(name for name, decision in sorted(expected(made).items()) if decision == "approve")
    sealed = home.path / "approval" / "cases" / f"{name}.html.sealed"
    assert b"<html" not in sealed.read_bytes()
    refused = home.run("approve", "show", name, code=1)
    assert "--reason" in refused.stderr.decode()
    report = tmp_path / "report.html"
    home.run("approve", "show", name, "--reason", "a hearing", "-o", str(report))
    assert name in report.read_text(encoding="utf-8")
    form = json.loads(home.run("approve", "form", name, "--reason", "my desk").stdout)
    filled = tmp_path / "form.json"
    filled.write_text(json.dumps(form | {"decision": "approve"}))
    assert "as the machine" in home.run("approve", "review", str(filled)).stderr.decode()
    listed = [json.loads(line) for line in home.run("approve", "list", "--format", "json").stdout.splitlines()]
    assert {row["application_id"] for row in listed} >= set(expected(made))
    assert next(row for row in listed if row["application_id"] == name)["final"]
    agreed = home.run("approve", "agreement", "--format", "json").stdout.splitlines()
    assert [json.loads(line)["agreed"] for line in agreed] == [1]
    ledger = "".join(path.read_text() for path in (home.path / "audit").glob("*.jsonl"))
    assert "application.see.refused" in ledger
    assert "application.decided" in ledger
    assert "application.review" in ledger
    seen = home.run("sql", "--role", "analyst", "SELECT count() FROM v_applications", "--format", "csv").stdout
    assert int(seen) == COUNT
    home.run("sql", "--role", "analyst", "SELECT application_id FROM applications", code=1)


def test_a_stop_is_an_alert_and_stands_in_the_store(home: Home) -> None:
    home.run("approve", "automation", "stop", "--reason", "the scanner of Mr Li is broken")
    try:
        (alert,) = rows(home, "SELECT priority, reasons, notify FROM alert_hits FINAL WHERE rule = 'approval-stopped'")
        assert (alert["priority"], alert["reasons"], alert["notify"]) == (3, [], 1)
        assert rows(home, "SELECT state FROM v_automation ORDER BY at DESC LIMIT 1") == [{"state": "open"}]
    finally:
        home.run("approve", "automation", "close", "--reason", "the scanner is mended")
    assert rows(home, "SELECT count() AS n FROM automation_state FINAL WHERE state = 'closed'") == [{"n": 1}]
