"""Everyday commands ask who asks, where people have tokens: a table of who may; refusals stand in the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.keys import ensure_keys
from governance.people import update_register
from governance.roles import ROLES, Grant
from pipelines.cli import asking
from tests.pipelines.cli.conftest import Typed

MAY: list[tuple[tuple[str, ...], set[str]]] = [
    (("submit", "opinion", "--source", "generate:?posts=10"), {"operator"}),
    (("demo", "--posts", "100"), {"operator"}),
    (("replay", "--from", "0", "--to", "1"), {"operator"}),
    (("dlq", "retry"), {"operator"}),
    (("sql", "SELECT 1"), {"operator"}),
    (("sql", "SELECT 1", "--role", "analyst"), {"analyst", "operator"}),
    (("sql", "SELECT 1", "--role", "viewer"), set(ROLES)),
    (("sql", "SELECT 1", "--role", "centre"), {"operator", "rescuer"}),
    (("sql", "SELECT 1", "--role", "auditor"), {"auditor"}),
    (("audit", "list"), {"auditor"}),
    (("audit", "verify"), {"auditor"}),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, dict[str, str]]:
    """A home without services, one person a role, and their tokens."""
    home = Typed(tmp_path_factory.mktemp("home"))
    ensure_keys(home.path)
    tokens = {}

    def change(register: Any) -> Any:
        for role in ROLES:
            register, tokens[role] = register.with_person(f"a-{role}")
            register = register.with_grant(f"a-{role}", Grant(role, "founder", 0))
        return register

    update_register(home.path, change)
    return home, tokens


def refusals(home: Path) -> list[tuple[str, str]]:
    path = home / "audit" / "cli.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(entry["actor"], entry["action"]) for entry in map(json.loads, lines)]


@pytest.mark.parametrize(("command", "allowed"), MAY, ids=[" ".join(command) for command, _ in MAY])
def test_who_may(
    home: tuple[Typed, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    allowed: set[str],
) -> None:
    site, tokens = home
    # what comes after the question is not this test's: the store is asked for, and is not up
    monkeypatch.setattr("pipelines.services.control.up", lambda *_, **__: None)
    for role, token in tokens.items():
        monkeypatch.setenv(asking.TOKEN, token)
        before = refusals(site.path)
        done = site.run(*command, code=None)
        refused = refusals(site.path)[len(before) :]
        if role in allowed:
            assert refused == [], f"{role} was refused: {done.stderr.decode()}"
            assert b"ClickHouse is not up" in done.stderr or done.returncode == 0
        else:
            assert [actor for actor, _ in refused] == [f"a-{role}"]
            assert done.returncode == 1
            assert b"needs the role" in done.stderr


def test_questions_of_people_are_audited_without_their_words(
    home: tuple[Typed, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, tokens = home
    monkeypatch.setenv(asking.TOKEN, tokens["analyst"])
    site.run("sql", "SELECT 'a name'", "--role", "analyst", code=1)
    entry = json.loads((site.path / "audit" / "jobs.jsonl").read_text().splitlines()[-1])
    assert (entry["actor"], entry["action"], entry["subject"]) == ("a-analyst", "sql", "as analyst")
    assert "a name" not in json.dumps(entry)
