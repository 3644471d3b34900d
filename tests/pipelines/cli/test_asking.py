"""Who asks: one table over register, token and store; refusals stand in the ledger, what is allowed leaves no trace."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

from governance.people import update_register
from governance.roles import AccessRefused, Grant
from pipelines.cli import asking
from pipelines.cli.asking import allowed
from pipelines.cli.main import Context
from schemas.errors import UsageError
from schemas.settings import Settings

NOTICE = "no duties are separated"
ELSEWHERE = Settings.model_validate({"store": {"url": "http://127.0.0.1:9"}})


def asked(home: Path) -> typer.Context:
    return cast(typer.Context, SimpleNamespace(obj=Context(home)))


def ledger(home: Path) -> list[dict[str, Any]]:
    path = home / "audit" / "cli.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@pytest.fixture
def staffed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Tokens of olga (operator) and aud (auditor), who are in the register of ``tmp_path``."""
    monkeypatch.delenv(asking.TOKEN, raising=False)
    tokens: dict[str, str] = {}

    def add(register: Any) -> Any:
        for name, role in (("olga", "operator"), ("aud", "auditor")):
            register, tokens[name] = register.with_person(name)
            register = register.with_grant(name, Grant(role, "setup", 0))
        return register

    update_register(tmp_path, add)
    return tokens


# whose token, action, about, words of the refusal (None: allowed)
CASES = [
    ("olga", "job.operate", None, None),
    ("olga", "query.base", None, None),
    ("olga", "audit.verify", None, "needs the role auditor"),
    ("aud", "audit.show", "olga", None),
    ("aud", "audit.show", "aud", "another person"),
    ("aud", "job.operate", None, "needs the role operator"),
    ("stranger", "look", None, "nobody's"),
    (None, "look", None, "show yours by --token-file"),
    ("olga", "read.minds", None, "no action"),
]


@pytest.mark.parametrize(("who", "action", "about", "refused"), CASES)
@pytest.mark.parametrize("by_file", [False, True])
def test_people_show_their_tokens(
    tmp_path: Path,
    staffed: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    who: str | None,
    action: str,
    about: str | None,
    refused: str | None,
    by_file: bool,
) -> None:
    file = None
    if who is not None and by_file:
        file = tmp_path / "token"
        file.write_text(staffed.get(who, "yq_mistyped") + "\n")
    elif who is not None:
        monkeypatch.setenv(asking.TOKEN, staffed.get(who, "yq_mistyped"))
    if refused is None:
        assert allowed(asked(tmp_path), action, "job 7", file, about=about).name == who
        assert ledger(tmp_path) == []
    else:
        with pytest.raises(AccessRefused, match=refused):
            allowed(asked(tmp_path), action, "job 7", file, about=about)
        (entry,) = ledger(tmp_path)
        known = who if who in staffed else f"account {asking.account()}"
        assert (entry["actor"], entry["action"], entry["subject"]) == (known, f"{action}.refused", "job 7")
    assert NOTICE not in capsys.readouterr().err


@pytest.mark.parametrize(("action", "notice"), [("job.operate", False), ("alert.ack", False), ("audit.show", True)])
def test_an_embedded_home_knows_the_account_and_says_so_where_identities_are_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str, notice: bool
) -> None:
    person = allowed(asked(tmp_path), action, "x", about=asking.account())
    assert (person.name, person.embedded) == (asking.account(), True)
    assert (NOTICE in capsys.readouterr().err) is notice
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_its_own_demands_people_where_identities_are_touched(
    tmp_path: Path, staffed: dict[str, str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert allowed(asked(empty), "job.operate", "x", settings=ELSEWHERE).name == asking.account()  # to begin with
    with pytest.raises(AccessRefused, match="yuqing people add"):
        allowed(asked(empty), "audit.verify", "x", settings=ELSEWHERE)
    assert [entry["action"] for entry in ledger(empty)] == ["audit.verify.refused"]


def test_a_token_file_that_cannot_be_read_is_said(tmp_path: Path, staffed: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="FileNotFoundError"):
        allowed(asked(tmp_path), "look", "x", tmp_path / "none")


def test_a_register_that_others_lock_away_lets_nobody_in(tmp_path: Path, staffed: dict[str, str]) -> None:
    (tmp_path / "access.json").unlink()
    (tmp_path / "access.json").mkdir()  # what cannot be read is not an empty register
    with pytest.raises(UsageError, match="IsADirectoryError"):
        allowed(asked(tmp_path), "look", "x")
