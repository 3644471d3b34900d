"""The file of decisions as a register: it only grows, the last line of an application counts, nothing is lost."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from pipelines.jobs.approval.lines import Lines, line_of
from schemas.applications import Check, Decision, Document, Evidence, Extraction, Field, Found
from schemas.errors import UsageError


def row(identity: str, decision: str = "refer", **more: Any) -> dict[str, Any]:
    return {
        "application_id": identity, "decision": decision, "final": False, "decided_by": "machine", "fingerprint": "f",
        **more,
    }  # fmt: skip


def test_the_last_line_of_an_application_counts(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with Lines(path) as lines:
        lines.append(row("a"))
        lines.append(row("b"))
    with Lines(path) as lines:
        assert set(lines.held) == {"a", "b"}
        lines.append(row("a", "approve"))
        assert lines.held["a"].decision == "approve"
    assert [(one["application_id"], one["decision"]) for one in Lines(path).rows()] == [
        ("a", "approve"),
        ("b", "refer"),
    ]
    assert len(path.read_bytes().splitlines()) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_was_cut_off_goes_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "out.jsonl"
    with Lines(path) as lines:
        lines.append(row("a"))
        lines.append(row("b"))
    path.write_bytes(path.read_bytes()[:-cut])
    with Lines(path) as lines:
        assert set(lines.held) == {"a"}
        lines.append(row("c"))
    assert [one["application_id"] for one in Lines(path).rows()] == ["a", "c"]


@pytest.mark.parametrize("content", ["words\n", "{}\n", "[]\n", '{"application_id": "a"}\n'])
def test_a_file_of_something_else_stays_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(UsageError, match="line 1 is no decision"), Lines(path):
        pass
    assert path.read_text() == content


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with Lines(path) as lines:
        lines.append(row("a"))
        with pytest.raises(UsageError, match="another process writes it"), Lines(path):
            pass
        lines.append(row("b"))
    with Lines(path) as lines:
        assert set(lines.held) == {"a", "b"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--output"), Lines(tmp_path / "gone" / "out.jsonl"):
        pass


def decision(name: str = "approve") -> Decision:
    cell = Found("甲", "甲", 0.9, "a.pdf", 1, box=(0.1, 0.2, 0.3, 0.4))
    other = Found(5, "5", 0.7, "a.pdf", 1, box=(0.5, 0.3, 0.6, 0.5))
    fields = {
        "name": Field("name", Found("云州公司", "云州公司", 0.98765, "a.pdf", 2, box=(0.123456, 0, 1, 1))),
        "gone": Field("gone", None),
        "people": Field("people", None, rows=({"who": cell, "share": other},)),
    }
    evidence = Evidence("name", "云州公司", "a.pdf", 2, box=(0, 0, 1, 1))
    checks = (Check("sum", "合计", False, "supplement", "不符", "请核对", (evidence,), "《公司法》", "2024-07-01"),)
    documents = (Document("form", "a.pdf", (1, 2)),)
    return Decision(
        "a-1", "t", name, 0.9, (), checks, ("请核对",), Extraction(documents, fields), "f", "t@1", "m", "2026-06-01"
    )  # fmt: skip


def test_the_line_has_what_the_contract_names() -> None:
    line = line_of(decision(), 1.23456, "r.html")
    promised = "application_id decision confidence fields checks supplement final decided_by seconds report"
    assert set(promised.split()) <= set(line)
    assert line["fields"]["name"] == {
        "value": "云州公司", "confidence": 0.9877, "file": "a.pdf", "page": 2, "box": [0.1235, 0, 1, 1]
    }  # fmt: skip
    assert line["fields"]["gone"] is None
    assert line["fields"]["people"] == {
        "value": [{"who": "甲", "share": 5}], "confidence": 0.7, "file": "a.pdf", "page": 1, "box": [0.1, 0.2, 0.6, 0.5]
    }  # fmt: skip
    assert set(line["checks"][0]) >= {"rule", "passed", "reason", "evidence", "legal_basis"}


@pytest.mark.parametrize(("name", "final"), [("approve", True), ("refer", False), ("propose_reject", False)])
def test_only_an_approval_is_final_without_an_officer(name: str, final: bool) -> None:
    line = line_of(decision(name), 1, "")
    assert (line["final"], line["decided_by"]) == (final, "machine")
