"""`yuqing brief` as it is typed: the file, who may have it, and what the ledger says."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from governance.keys import ensure_keys
from governance.people import update_register
from governance.roles import Grant
from tests.conftest import Home
from tests.pipelines.cli.conftest import Typed

FROM, TO = "2032-07-20T18:00:00+08:00", "2032-07-21T02:00:00+08:00"
PERIOD = ("--from", FROM, "--to", TO)


def ledger(home: Path) -> list[dict]:
    path = home / "audit" / "jobs.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@pytest.mark.services
@pytest.mark.parametrize(
    ("name", "options", "starts"),
    [("b.html", (), b"<!DOCTYPE html>"), ("b.docx", (), b"PK"), ("b.txt", ("--format", "html"), b"<!DOCTYPE html>")],
)
def test_a_file_for_its_owner_and_an_entry_in_the_ledger(home: Home, tmp_path, name, options, starts):
    output = tmp_path / name
    output.write_text("an older brief")
    before = len(ledger(home.path))
    Typed(home.path).run("brief", *PERIOD, "--output", str(output), *options)
    assert output.read_bytes().startswith(starts)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [output]
    entries = [entry for entry in ledger(home.path)[before:] if entry["action"] == "brief"]
    assert [(entry["detail"]["places"], entry["detail"]["from"]) for entry in entries] == [(True, 1_973_930_400_000)]


@pytest.mark.services
def test_without_places_and_in_english(home: Home, tmp_path):
    output = tmp_path / "b.html"
    Typed(home.path).run("brief", *PERIOD, "--output", str(output), "--no-places", "--language", "en")
    page = output.read_text()
    assert "places down to the county" in page
    assert "20 Jul 2032 18:00 (UTC+08:00)" in page
    assert "v_calls" not in page
    # so that the same can be asked again
    assert f"yuqing brief --from {FROM} --to {TO} --output FILE.html --language en --no-places" in page


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((*PERIOD, "--output", "b.pdf"), "name it .html or .docx"),
        ((*PERIOD, "--output", "nowhere/b.html"), "the folder is not there"),
        (("--from", TO, "--to", FROM, "--output", "b.html"), "is not after"),
        (("--from", "2032-07-20T18:00:00", "--to", TO, "--output", "b.html"), "the offset is missing"),
        (("--from", FROM, "--to", "tomorrow", "--output", "b.html"), "RFC 3339"),
    ],
)
def test_wrong_usage_writes_nothing(tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    done = Typed(tmp_path / "home").run("brief", *options, code=2)
    assert says in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_a_viewer_gets_no_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = Typed(tmp_path / "home")
    home.path.mkdir()
    ensure_keys(home.path)
    token = tmp_path / "token"

    def add(register):
        register, shown = register.with_person("vera")
        token.write_text(shown)
        return register.with_grant("vera", Grant("viewer", "setup", 0))

    update_register(home.path, add)
    done = home.run("brief", *PERIOD, "--output", "b.html", "--token-file", str(token), code=1)
    assert "needs the role operator or rescuer" in done.stderr.decode()
    entries = [json.loads(line) for line in (home.path / "audit" / "cli.jsonl").read_bytes().splitlines()]
    assert [(entry["actor"], entry["action"]) for entry in entries] == [("vera", "episode.see.refused")]
    # without places she may, and it is the store that is missing here
    again = home.run("brief", *PERIOD, "--output", "b.html", "--no-places", "--token-file", str(token), code=None)
    assert "needs the role" not in again.stderr.decode()
    assert [entry["action"] for entry in ledger(home.path)] == ["brief"]
    assert not Path("b.html").exists()
