"""Changes of rules, settings and code: one entry a change, whoever and however many look."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from governance.audit import Follow, Ledger, note_change, verify
from governance.audit.changes import RULES, SETTINGS

FLOOD, QUAKE = {"flood.yaml": "aa"}, {"quake.yaml": "bb"}

CHANGES: list[tuple[dict[str, str], dict[str, str], tuple[list[str], list[str], list[str]] | None]] = [
    (FLOOD, FLOOD, None),
    (FLOOD, {"flood.yaml": "cc"}, ([], ["flood.yaml"], [])),
    (FLOOD, FLOOD | QUAKE, (["quake.yaml"], [], [])),
    (FLOOD | QUAKE, FLOOD, ([], [], ["quake.yaml"])),
    (FLOOD, QUAKE, (["quake.yaml"], [], ["flood.yaml"])),
    ({"a": "x=y"}, {"a": "x=y"}, None),
    ({}, {}, None),
]


@pytest.mark.parametrize(("before", "after", "says"), CHANGES)
def test_an_entry_says_what_changed(tmp_path: Path, before: dict[str, str], after: dict[str, str], says: Any) -> None:
    first = note_change(tmp_path, "ann", RULES, "keyword rules", before)
    assert first is not None
    entry = note_change(tmp_path, "ann", RULES, "keyword rules", after)
    found = entry and tuple(entry.detail[name] for name in ("added", "changed", "removed"))
    assert found == says
    assert verify(tmp_path).ok


def test_actions_and_subjects_are_told_apart(tmp_path: Path) -> None:
    for action, subject in ((RULES, "here"), (SETTINGS, "here"), (RULES, "there")):
        assert note_change(tmp_path, "ann", action, subject, FLOOD)
    for action, subject in ((RULES, "here"), (SETTINGS, "here"), (RULES, "there")):
        assert note_change(tmp_path, "ann", action, subject, FLOOD) is None


def test_workers_that_see_a_change_at_once_write_one_entry(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as workers:
        noted = list(workers.map(lambda _: note_change(tmp_path, "w", RULES, "keyword rules", FLOOD), range(16)))
    assert sum(entry is not None for entry in noted) == 1


def test_a_state_that_does_not_fit_an_entry_is_told_by_its_digest(tmp_path: Path) -> None:
    large = {f"rule-{i}": "x" * 60 for i in range(200)}
    for state, noted in ((FLOOD, True), (large, True), (large, False), (large | {"rule-7": "y"}, True), (FLOOD, True)):
        entry = note_change(tmp_path, "ann", RULES, "keyword rules", state)
        assert (entry is not None) is noted
    assert entry is not None
    assert entry.detail["removed"] == ["names", "sha256"]


def test_following_gives_each_entry_once(tmp_path: Path) -> None:
    with Ledger(tmp_path, "cli", lambda: 1) as cli, Ledger(tmp_path, "vault", lambda: 2) as vault:
        for number in range(3):
            cli.append("ann", "look", f"{number}")
        follow = Follow(tmp_path, {"cli": 0})
        assert [row["seq"] for row in follow.rows(1)] == [1]
        vault.append("bo", "reveal", "weibo/1")
        assert [(row["writer"], row["seq"]) for row in follow.rows(10)] == [("cli", 2), ("vault", 0)]
        assert follow.rows(10) == []
        with (tmp_path / "audit" / "cli.jsonl").open("ab") as torn:
            torn.write(b'{"seq": 3')
        assert follow.rows(10) == []
    assert [row["writer"] for row in Follow(tmp_path).rows()] == ["cli", "cli", "cli", "vault"]
