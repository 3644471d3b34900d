"""`dashboards check --store` on a home that is up. Every statement is asked in store/test_dashboards_on_store.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboards.build import GENERATED
from tests.conftest import Home

pytestmark = pytest.mark.services


def test_a_board_is_asked_of_the_home_and_a_broken_one_is_told(home: Home, tmp_path: Path) -> None:
    for folder in ("boards", "api"):
        (tmp_path / folder).mkdir()
    (tmp_path / "api" / "rules.json").write_text("{}")
    board = json.loads((GENERATED / "boards" / "yuqing-health.json").read_text(encoding="utf-8"))
    board["panels"] = board["panels"][:1]
    file = tmp_path / "boards" / "yuqing-health.json"
    file.write_text(json.dumps(board), encoding="utf-8")
    arguments = ("dashboards", "check", "--store", "--generated", str(tmp_path), "--format", "json")
    done = home.run(*arguments)
    assert done.stdout == b""
    assert b"1 dashboards, 3 statements, 0 problems" in done.stderr
    board["panels"][0]["targets"][0]["rawSql"] = "SELECT no_such_column FROM v_feeds"
    file.write_text(json.dumps(board), encoding="utf-8")
    told = [json.loads(line) for line in home.run(*arguments, code=1).stdout.splitlines()]
    assert [problem["board"] for problem in told] == ["yuqing-health"]
    assert "no_such_column" in told[0]["what"]
