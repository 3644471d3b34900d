"""The breaker as a home keeps it: every worker sees it, it opens once, a person closes it, and the ledger says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from governance.automation import State
from governance.roles import AccessRefused, Grant, Person
from pipelines.jobs.approval.approver import Decided
from pipelines.jobs.approval.automation import Automation
from pipelines.jobs.approval.folders import Form
from schemas.applications import Decision, Extraction, Reading, Review
from schemas.errors import JobError, UsageError
from schemas.settings import ApprovalSection, Bands

SETTINGS = ApprovalSection(bands=Bands(minimum=10, window=100))
OFFICER = Person("olga", (Grant("officer", "adam", 0),))
OPERATOR = Person("otto", (Grant("operator", "adam", 0),))


def decision(identity: str, name: str = "approve", reasons: tuple[str, ...] = ()) -> Decision:
    return Decision(identity, "t", name, 1.0, reasons, (), (), Extraction((), {}), "f", "t@1", "m", "2026-06-01")


def decided(identity: str, name: str = "approve", seconds: float = 1.0, reasons: tuple[str, ...] = ()) -> Decided:
    return Decided(Form(identity), Path("x"), decision(identity, name, reasons), None, Reading((), "m"), seconds)


def actions(home: Path) -> list[str]:
    path = home / "audit" / "automation.jsonl"
    return [json.loads(line)["action"] for line in path.read_text().splitlines()] if path.exists() else []


def test_slow_answers_stop_it_for_every_process_and_are_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    opened: list[State] = []
    one = Automation(tmp_path, SETTINGS, told.append, opened.append)
    other = Automation(tmp_path, SETTINGS)
    for at in range(40):
        one.observe(decided(f"a{at}", "approve" if at % 2 else "refer", 60.0, () if at % 2 else ("check:x",)))
    assert not other.automatic()
    assert len(told) == len(opened) == 1
    assert "slower than" in told[0]
    assert actions(tmp_path) == ["automation.opened"]


def test_the_same_application_decided_again_counts_once(tmp_path: Path) -> None:
    automation = Automation(tmp_path, SETTINGS)
    for _ in range(200):
        automation.observe(decided("a", seconds=60.0))
    assert automation.automatic()


def test_what_was_approved_but_for_the_open_breaker_keeps_it_open_without_counting_as_referred(tmp_path: Path) -> None:
    automation = Automation(tmp_path, SETTINGS)
    for at in range(60):
        name, reasons = ("refer", ("breaker",)) if at % 5 else ("refer", ("check:x",))
        automation.observe(decided(f"a{at}", name, reasons=reasons))
    assert automation.automatic()


def test_officers_who_decide_otherwise_stop_it(tmp_path: Path) -> None:
    automation = Automation(tmp_path, SETTINGS)
    for at in range(8):
        automation.observe(decided(f"a{at}"))
        review = Review(f"a{at}", "f", "olga", "2026-06-02T00:00:00Z", "reject", "not so", signed=True)
        automation.observe_review(decision(f"a{at}"), review)
    assert not automation.automatic()
    assert any("disagreement" in why for why in automation.state().why)


def test_a_referral_is_no_side_to_disagree_with(tmp_path: Path) -> None:
    automation = Automation(tmp_path, SETTINGS)
    for at in range(20):
        review = Review(f"a{at}", "f", "olga", "2026-06-02T00:00:00Z", "reject", "so", signed=True)
        automation.observe_review(decision(f"a{at}", "refer", ("check:x",)), review)
    assert automation.automatic()


def test_stopped_by_hand_and_closed_by_an_officer_with_a_reason(tmp_path: Path) -> None:
    automation = Automation(tmp_path, SETTINGS)
    automation.stop(OPERATOR, "the scanner is broken")
    assert not automation.automatic()
    with pytest.raises(AccessRefused):
        automation.close(OPERATOR, "it is mended")
    with pytest.raises(UsageError, match="reason"):
        automation.close(OFFICER, "")
    assert not automation.automatic()
    state = automation.close(OFFICER, "the scanner is mended")
    assert (state.epoch, automation.automatic()) == (1, True)
    assert actions(tmp_path) == ["automation.stop", "automation.close.refused", "automation.close"]


def test_a_damaged_state_approves_nothing(tmp_path: Path) -> None:
    automation = Automation(tmp_path, SETTINGS)
    automation.observe(decided("a"))
    (tmp_path / "approval" / "automation.json").write_text("{")
    with pytest.raises(JobError, match="nothing may be approved"):
        automation.automatic()
    with pytest.raises(JobError):
        automation.observe(decided("b"))
