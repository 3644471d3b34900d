"""`people` as the founder of a register, an admin and the persons themselves type it; no store is needed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from pipelines.cli import asking
from tests.pipelines.cli.conftest import Typed

NOW_NS = 1_790_000_000_000_000_000
HOUR_NS = 3_600_000_000_000


class Staff:
    """A home, and the tokens that were printed in it."""

    def __init__(self, path: Path) -> None:
        self.home, self.tokens = Typed(path), dict[str, str]()

    def run(self, who: str | None, *arguments: str, code: int = 0) -> Any:
        given = {} if who is None else {asking.TOKEN: self.tokens.get(who, who)}
        with mock.patch.dict(os.environ, given):
            return self.home.run(*arguments, code=code)

    def people(self, who: str | None, *arguments: str, code: int = 0) -> Any:
        return self.run(who, "people", *arguments, code=code)

    def joins(self, name: str, *roles: str) -> None:
        """An admin (adam) adds a person with roles, who gets a token of their own."""
        given = self.people("adam", "add", name).stdout.decode().strip()
        for role in roles:
            self.people("adam", "grant", name, role)
        self.tokens[name] = self.people(given, "token").stdout.decode().strip()

    def listed(self, who: str = "adam") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.people(who, "list", "--format", "json").stdout.splitlines()]

    def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home.path / "audit" / "cli.jsonl").read_bytes().splitlines()]

    def actions(self) -> list[tuple[str, str, str]]:
        return [(entry["actor"], entry["action"], entry["subject"]) for entry in self.ledger()]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the commands' clock, in hours after NOW_NS."""

    def hours(count: int) -> None:
        monkeypatch.setattr(asking, "time", SimpleNamespace(time_ns=lambda: NOW_NS + count * HOUR_NS))

    return hours


@pytest.fixture
def staff(tmp_path: Path, at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> Staff:
    monkeypatch.delenv(asking.TOKEN, raising=False)
    at(0)
    staff = Staff(tmp_path / "home")
    staff.tokens["adam"] = staff.people(None, "add", "adam").stdout.decode().strip()
    return staff


def test_the_account_adds_the_first_person_who_is_admin(staff: Staff) -> None:
    assert staff.tokens["adam"].startswith("yq_")
    (row,) = staff.listed()
    assert staff.actions()[-1] == ("adam", "access.list", "people")
    founder = f"account {asking.account()}"
    assert (row["name"], row["token"], row["role"], row["state"]) == ("adam", "own", "admin", "active")
    assert (row["until"], row["granted_by"]) == (None, founder)
    assert staff.actions()[0] == (founder, "access.found", "person adam")
    # from now on the account is nobody
    assert b"show yours" in staff.people(None, "add", "eve", code=1).stderr
    assert b"show yours" in staff.people(None, "list", code=1).stderr
    assert staff.actions()[-2:] == [
        (founder, "access.grant.refused", "person eve"),
        (founder, "access.list.refused", "people"),
    ]


def test_a_site_with_a_store_of_its_own_begins_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUQING_STORE__URL", "http://127.0.0.1:9")
    staff = Staff(tmp_path / "home")
    assert b"nobody is in the register" in staff.people(None, "list", code=1).stderr
    staff.tokens["adam"] = staff.people(None, "add", asking.account()).stdout.decode().strip()  # may have that name
    assert [row["role"] for row in staff.listed()] == ["admin"]


def test_a_token_is_shown_once_and_kept_as_a_hash(staff: Staff) -> None:
    staff.joins("rita", "rescuer")
    for path in staff.home.path.rglob("*"):
        if path.is_file():
            assert not any(token.encode() in path.read_bytes() for token in staff.tokens.values()), path.name
    assert (staff.home.path / "access.json").stat().st_mode & 0o077 == 0


def test_a_token_that_an_admin_made_opens_one_door_only(staff: Staff) -> None:
    given = staff.people("adam", "add", "bea").stdout.decode().strip()
    staff.people("adam", "grant", "bea", "admin")
    assert b"adam made this token and knows it" in staff.people(given, "add", "eve", code=1).stderr
    assert staff.actions()[-1] == ("bea", "access.grant.refused", "person eve")
    assert [row["token"] for row in staff.listed() if row["name"] == "bea"] == ["made by adam"]
    own = staff.people(given, "token", "bea").stdout.decode().strip()
    assert staff.actions()[-1] == ("bea", "access.token", "person bea")
    assert b"nobody's" in staff.people(given, "token", code=1).stderr  # whoever comes second finds out
    staff.people(own, "add", "eve")
    assert [row["token"] for row in staff.listed() if row["name"] == "bea"] == ["own"]


def test_people_renew_their_own_tokens_and_nobody_else_s(staff: Staff) -> None:
    staff.joins("rita", "rescuer")
    before = staff.tokens["rita"]
    staff.tokens["rita"] = staff.people("rita", "token").stdout.decode().strip()
    assert b"nobody's" in staff.people(before, "token", code=1).stderr
    assert b"needs the role admin" in staff.people("rita", "token", "adam", code=1).stderr
    assert b"nobody is called" in staff.people("adam", "token", "nobody", code=2).stderr
    assert b"show yours" in staff.people(None, "token", code=1).stderr
    assert b"in the register" in staff.people("adam", "add", "rita", code=2).stderr


def test_a_locked_token_is_useless_until_an_admin_makes_a_new_one(staff: Staff) -> None:
    staff.joins("rita", "rescuer")
    staff.people("adam", "lock", "rita", "--reason", "phone stolen")
    assert staff.ledger()[-1]["detail"] == {"reason": "phone stolen"}
    assert b"nobody's" in staff.people("rita", "token", code=1).stderr
    assert {row["token"] for row in staff.listed() if row["name"] == "rita"} == {"locked"}
    given = staff.people("adam", "token", "rita").stdout.decode().strip()
    staff.tokens["rita"] = staff.people(given, "token").stdout.decode().strip()
    assert staff.people("rita", "token").stdout


# what adam types, exit code, words on stderr; a refusal (1) is in the ledger, wrong usage (2) is not
WRONG = [
    (("grant", "rita", "auditor"), 1, "who reveals cannot audit"),
    (("grant", "rita", "admin"), 1, "an administrator sees no identifiers"),
    (("grant", "adam", "operator"), 1, "another person than adam"),
    (("revoke", "adam", "admin"), 1, "another person than adam"),
    (("lock", "adam"), 1, "another person than adam"),
    (("grant", "rita", "emperor"), 2, "no role 'emperor'"),
    (("grant", "nobody", "viewer"), 2, "nobody is called"),
    (("grant", "rita", "viewer", "--until", "2020-01-01T00:00:00Z"), 2, "end before it begins"),
    (("grant", "rita", "viewer", "--until", "tomorrow"), 2, "RFC 3339"),
    (("grant", "rita", "viewer", "--days", "1", "--until", "2099-01-01T00:00:00Z"), 2, "one of the two"),
    (("grant", "rita", "viewer", "--days", "0"), 2, "--days"),
    (("revoke", "rita", "operator"), 2, "no grant of 'operator'"),
    (("add", "a b"), 2, "no person's name"),
]


def test_what_an_admin_may_not_do(staff: Staff) -> None:
    staff.joins("rita", "rescuer")
    register = (staff.home.path / "access.json").read_bytes()
    for arguments, code, words in WRONG:
        before = len(staff.ledger())
        assert words in staff.people("adam", *arguments, code=code).stderr.decode(), arguments
        refused = [(entry["actor"], entry["action"], entry["subject"]) for entry in staff.ledger()[before:]]
        expected = [("adam", "access.grant.refused", f"person {arguments[1]}")] if code == 1 else []
        assert refused == expected, arguments
    assert (staff.home.path / "access.json").read_bytes() == register


def test_the_last_admin_cannot_be_taken_away(staff: Staff) -> None:
    staff.joins("bea", "admin")
    staff.people("bea", "revoke", "adam", "admin", "--reason", "left the office")
    assert b"ended at" in staff.people("adam", "add", "eve", code=1).stderr
    given = staff.people("bea", "add", "cyd").stdout.decode().strip()
    staff.people("bea", "grant", "cyd", "admin", "--days", "2")
    staff.tokens["cyd"] = staff.people(given, "token").stdout.decode().strip()
    for what in (("revoke", "bea", "admin"), ("lock", "bea")):
        assert b"nobody could grant a role any more" in staff.people("cyd", *what, code=1).stderr
        assert staff.actions()[-1] == ("cyd", "access.grant.refused", "person bea")
    staff.people("bea", "revoke", "cyd", "admin")


@pytest.mark.parametrize("end", [("--days", "1"), ("--until", str(NOW_NS // 1_000_000 + 24 * 3_600_000))])
def test_a_grant_ends_by_itself(staff: Staff, at: Callable[[int], None], end: tuple[str, str]) -> None:
    staff.joins("aud")
    staff.people("adam", "grant", "aud", "auditor", *end)
    for hour, code in ((0, 0), (23, 0), (24, 1)):
        at(hour)
        done = staff.people("aud", "list", code=code)
        assert (b"ended at 2026-09-22" in done.stderr) is bool(code)
    assert [row["state"] for row in staff.listed() if row["name"] == "aud"] == ["ended"]
    # what has ended is in the way of nothing
    staff.people("adam", "grant", "aud", "rescuer")
    staff.people("adam", "revoke", "aud", "rescuer")
    at(25)
    states = [(row["role"], row["state"]) for row in staff.listed() if row["name"] == "aud"]
    assert states == [("auditor", "ended"), ("rescuer", "ended")]
    granted = [entry["detail"]["until"] for entry in staff.ledger() if entry["action"] == "access.grant"]
    assert granted[0] == NOW_NS // 1_000_000 + 24 * 3_600_000


def test_what_cannot_be_written_down_does_not_happen(staff: Staff) -> None:
    register = (staff.home.path / "access.json").read_bytes()
    with (
        mock.patch("governance.audit.Ledger.append", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OSError, match="No space"),
    ):
        staff.people("adam", "add", "eve")
    assert (staff.home.path / "access.json").read_bytes() == register


def test_the_ledger_of_people_holds(staff: Staff) -> None:
    staff.joins("aud", "auditor")
    assert staff.run("aud", "audit", "verify").stdout.startswith(b"intact: ")
