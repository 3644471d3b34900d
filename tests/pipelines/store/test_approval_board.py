"""What the panels of the board 审批 say, on a real store and as the account that Grafana has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards import words
from dashboards.boards import approval, command_statements
from dashboards.macros import Window, expand
from governance.automation import CLOSED, OPEN, State
from pipelines.store.applications import ApplicationStore
from pipelines.store.bursts import Alert, Evidence, insert
from pipelines.store.client import StoreSettings, connect

pytestmark = pytest.mark.services

TYPE = "board"
NIGHT = datetime(2091, 3, 1, 17, 30, tzinfo=UTC)
"""Half past one of the second in China: the first hours of a day, in a time that no other test writes to."""
Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def ask(as_user: Callable[[str], Client]) -> Ask:
    def asked(sql: str, end: datetime = NIGHT, days: float = 7) -> list[tuple[Any, ...]]:
        end_ms = round(end.timestamp() * 1000)
        window = Window(end_ms - round(days * 86_400_000), end_ms, 3_600_000)
        return [tuple(row) for row in as_user("viewer").query(expand(sql, window)).result_rows]

    return asked


@pytest.fixture
def write(clickhouse: StoreSettings) -> Iterator[Callable[..., None]]:
    """Writes one application, with what an officer said of it, of a type of these tests' own; takes all back."""
    with connect(clickhouse) as client:
        number = iter(range(1000))

        def one(
            at: datetime, decision: str = "approve", *, officer: str = "", agreed: bool | None = None, **columns: Any
        ) -> None:
            identity = f"board-{next(number)}"
            row = {
                "application_id": identity, "version": round(at.timestamp() * 1000), "type": TYPE, "decided_at": at,
                "decision": decision, "alone": decision, "automatic": True, "seconds": 1.0, "fingerprint": identity,
            } | columns  # fmt: skip
            client.insert("applications", [list(row.values())], column_names=list(row))
            if officer:
                said = {
                    "application_id": identity, "at": at + timedelta(minutes=1), "type": TYPE,
                    "fingerprint": identity, "decision": officer, "agreed": agreed,
                }  # fmt: skip
                client.insert("application_reviews", [list(said.values())], column_names=list(said))

        yield one
        client.command(f"DELETE FROM applications WHERE type = '{TYPE}'")
        client.command(f"DELETE FROM application_reviews WHERE type = '{TYPE}'")


def mine(rows: list[tuple[Any, ...]], place: int = 0) -> list[tuple[Any, ...]]:
    """Those of these tests' type; other tests write too."""
    return [row for row in rows if row[place] == TYPE]


def test_today_begins_at_midnight_in_china(ask: Ask, write: Callable[..., None]) -> None:
    midnight = NIGHT.replace(hour=16, minute=0)
    write(midnight - timedelta(minutes=1))
    write(midnight)
    write(midnight, "refer", audit_sample=True)
    write(midnight, "refer", automatic=False)
    write(NIGHT, "propose_reject")
    write(NIGHT + timedelta(hours=2))
    assert ask(approval.TODAY) == [(4, 1, 2, 1, 1, 1)]
    assert ask(approval.TODAY, days=0.01) == [(4, 1, 2, 1, 1, 1)], "the length of the range changes nothing"
    assert ask(approval.TODAY, end=midnight - timedelta(minutes=1)) == [(1, 1, 0, 0, 0, 0)]


def test_shares_are_of_all_types_together(ask: Ask, write: Callable[..., None]) -> None:
    for decision in ("approve", "approve", "refer", "propose_reject"):
        write(NIGHT, decision)
    write(NIGHT, "refer", type="board")
    write(NIGHT - timedelta(days=8), "refer")
    ((_, *shares),) = ask(approval.SHARES)
    assert shares == [0.4, 0.4, 0.2]


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((), []),
        ((1,), [(1, 1, 0, 0, 1)]),
        ((2, 25, 71, 73, 200), [(5, 1, 2, 2, 200)]),
    ],
)
def test_what_waits_and_how_long(ask: Ask, write: Callable[..., None], hours: tuple[int, ...], said: object) -> None:
    # half an hour past a whole one, so that the hour that is told is that of the test
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for back in hours:
        write(now - timedelta(hours=back), "refer" if back % 2 else "propose_reject")
    write(now - timedelta(hours=400), "approve")
    write(now - timedelta(hours=300), "refer", officer="supplement")
    found = [row[1:] for row in mine(ask(approval.WAITING, end=NIGHT, days=0.01))]
    assert found == said or found == [tuple(x + (i == 4) for i, x in enumerate(row)) for row in said]


def test_why_applications_are_not_approved(ask: Ask, write: Callable[..., None]) -> None:
    checks = {
        "check_rules": ["generic.missing", "capital.sum", "scope.permit"],
        "check_outcomes": ["supplement", "supplement", "reject"],
        "check_versions": ["1", "2024-07-01", "1"],
    }
    first = NIGHT.replace(hour=0)  # 08:00 of the first in China
    write(first, "refer", **checks, check_results=["failed", "failed", "passed"])
    write(first, "refer", **checks, check_results=["failed", "unjudged", "passed"])
    write(
        NIGHT, "refer", **(checks | {"check_versions": ["1", "2023", "1"]}), check_results=["passed"] * 2 + ["failed"]
    )
    assert mine(ask(approval.REASONS), 1) == [
        ("capital.sum", TYPE, "supplement", 1, 1),
        ("缺少材料", TYPE, "supplement", 2, 0),
        ("scope.permit", TYPE, "reject", 1, 0),
    ]
    assert mine(ask(approval.REASONS, days=0.01), 1) == [("scope.permit", TYPE, "reject", 1, 0)]


def test_agreement_is_of_those_where_the_machine_took_a_side(ask: Ask, write: Callable[..., None]) -> None:
    write(NIGHT, "refer", officer="approve")
    assert mine(ask(approval.AGREEMENT)) == [(TYPE, 1, 0, 0, None)]
    write(NIGHT, "refer", officer="approve", agreed=True)
    write(NIGHT, "propose_reject", officer="reject", agreed=True)
    write(NIGHT, "propose_reject", officer="approve", agreed=False)
    write(NIGHT, "refer")
    assert mine(ask(approval.AGREEMENT)) == [(TYPE, 4, 3, 2, pytest.approx(2 / 3))]


def test_times_and_scans_are_those_of_the_worst_type(ask: Ask, write: Callable[..., None]) -> None:
    for seconds in (1.0, 2.0, 9.0):
        write(NIGHT, seconds=seconds, ocr_confidence=1 - seconds / 10)
    write(NIGHT, seconds=4.0)
    write(NIGHT + timedelta(minutes=40), seconds=99.0)  # in the next hour
    ((_, p50, p95),) = ask(approval.SECONDS)
    assert (p50, p95) == (4, 9)
    ((_, scans),) = ask(approval.SCANS)
    assert scans == pytest.approx(0.8)


def test_the_audit_sample_and_its_share(ask: Ask, write: Callable[..., None]) -> None:
    for number in range(8):
        write(NIGHT, "refer" if number == 3 else "approve", audit_sample=number == 3)
    assert mine(ask(approval.SAMPLE)) == [(TYPE, 1, 0.125)]


def test_whether_the_machine_may_approve_goes_by_epochs_not_by_the_clock(ask: Ask, clickhouse: StoreSettings) -> None:
    epoch, at = 1_000_000, round(NIGHT.timestamp() * 1000)
    try:
        with ApplicationStore(clickhouse) as store:
            store.set_state(State(OPEN, epoch, at, ("referral_high: 80 of 100, limit 0.7",), "breaker"))
            ((state, since),) = ask(approval.STATE)
            assert (state, since.replace(tzinfo=UTC)) == ("open", NIGHT)
            store.set_state(State(CLOSED, epoch + 1, at - 60_000, ("found and mended",), "ofelia"))  # set back
            assert ask(approval.STATE)[0][0] == "closed"
            # not who: that is nobody's business on a wall
            assert [row[1:] for row in ask(approval.HISTORY)][:2] == [("closed", "person"), ("open", "breaker")]
    finally:
        with connect(clickhouse) as client:
            client.command(f"DELETE FROM automation_state WHERE epoch >= {epoch}")
    assert set(words.WORDS["automation"]) == {CLOSED, OPEN}


def test_a_stop_is_no_bare_rule_on_the_command_board(
    as_user: Callable[[str], Client], clickhouse: StoreSettings
) -> None:
    at = round(datetime.now(UTC).timestamp() * 1000)
    alert = Alert("boardstop", "approval-stopped", 3, "", "", ("referral_high: 80 of 100, limit 0.7",), notify=False)
    with connect(clickhouse) as client:
        try:
            insert(client, [(alert, Evidence("approval", "", at, at, (), ""))], at)
            sql = expand(
                command_statements.ALERTS,
                Window(at - 60_000, at + 60_000, 60_000),
                {"region": "all", "platform": "all"},
            )
            rows = [row for row in as_user("centre").query(sql).result_rows if "boardstop" in row]
            assert [row[8] for row in rows] == ["自动审批已停止"]
        finally:
            client.command("DELETE FROM alert_hits WHERE alert_id = 'boardstop'")
