"""Folders and forms of applications: whatever stands in them, an application comes out."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.jobs.approval.folders import (
    FORM,
    Form,
    applications,
    duplicate_key,
    earlier,
    fingerprint,
    form_of,
)
from schemas.errors import UsageError


def folder_with(tmp_path: Path, form: bytes | str, name: str = "a-1") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / FORM).write_bytes(form if isinstance(form, bytes) else form.encode())
    return folder


@pytest.mark.parametrize(
    ("content", "identity", "kind", "fields"),
    [
        ('{"type": "t", "fields": {"x": 1}}', "a-1", "t", {"x": 1}),
        ('{"type": "t", "declared": {"x": 1}}', "a-1", "t", {"x": 1}),
        ('{"type": "t", "declared_fields": {"x": 1}}', "a-1", "t", {"x": 1}),
        ('{"type": "加装电梯", "id": "沪-2026.7"}', "沪-2026.7", "加装电梯", {}),
        ('{"type": "t", "application_id": 17}', "17", "t", {}),
    ],
)
def test_forms(tmp_path: Path, content: str, identity: str, kind: str, fields: dict[str, object]) -> None:
    form = form_of(folder_with(tmp_path, content))
    assert (form.id, form.type, dict(form.fields), form.problem) == (identity, kind, fields, "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "无法解析"),
        ("{", "无法解析"),
        (b"\xff\xfe{}", "无法解析"),
        ("[" * 100_000, "无法解析"),
        ("[1]", "应为 JSON 对象"),
        ("{}", "缺少 type"),
        ('{"type": 3}', "缺少 type"),
        ('{"type": "t", "id": "../../etc"}', "id 应为"),
        ('{"type": "t", "id": ""}', "id 应为"),
        ('{"type": "t", "id": "a\\n"}', "id 应为"),
        ('{"type": "t", "fields": []}', "fields 应为"),
        ('{"type": "t", "submitted_at": "yesterday"}', "submitted_at"),
        ('{"type": "t", "submitted_at": 1e40}', "submitted_at"),
        ('{"type": "t", "fields": {"x": "' + "y" * (1 << 20) + '"}}', "超过 1 MiB"),
    ],
)
def test_a_form_that_cannot_be_used_says_why_and_quotes_nothing(
    tmp_path: Path, content: bytes | str, words: str
) -> None:
    form = form_of(folder_with(tmp_path, content))
    assert words in form.problem
    assert "etc" not in form.problem
    assert "yesterday" not in form.problem


def test_a_missing_form_a_link_and_a_pipe_are_no_forms(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "缺少" in form_of(tmp_path / "none").problem
    (tmp_path / "link").mkdir()
    (tmp_path / "elsewhere.json").write_text('{"type": "t"}')
    (tmp_path / "link" / FORM).symlink_to(tmp_path / "elsewhere.json")
    assert "不是普通文件" in form_of(tmp_path / "link").problem
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / FORM)
    assert "不是普通文件" in form_of(tmp_path / "pipe").problem


@pytest.mark.parametrize(
    ("submitted", "day"),
    [
        ('"2026-06-01T23:30:00+08:00"', date(2026, 6, 1)),
        ('"2026-06-01T16:30:00Z"', date(2026, 6, 2)),  # past midnight in China
        ('"2026-06-01"', date(2026, 6, 1)),
        ('"2026-06-01T23:30:00"', date(2026, 6, 1)),
        ("1780300000000", date(2026, 6, 1)),
        ("null", date(2030, 1, 1)),
    ],
)
def test_rules_are_those_of_the_day_of_submission_in_china(tmp_path: Path, submitted: str, day: date) -> None:
    form = form_of(folder_with(tmp_path, f'{{"type": "t", "submitted_at": {submitted}}}'))
    assert form.day(date(2030, 1, 1)) == day


def test_where_applications_lie(tmp_path: Path) -> None:
    two, one = folder_with(tmp_path, "{}", "2"), folder_with(tmp_path, "{}", "1")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a file").touch()
    assert applications(tmp_path) == [one, two]
    assert applications(one) == [one]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no application"):
        applications(tmp_path / "empty")
    with pytest.raises(UsageError, match="no such folder"):
        applications(tmp_path / "gone")


def test_a_fingerprint_follows_content_names_and_versions_and_nothing_else(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "{}")
    (folder / "sub").mkdir()
    (folder / "sub" / "scan.png").write_bytes(b"1")
    base = fingerprint(folder, "rules 1")
    assert fingerprint(folder, "rules 1") == base
    os.utime(folder / "sub" / "scan.png", (1, 1))
    assert fingerprint(folder, "rules 1") == base
    assert fingerprint(folder, "rules 2") != base
    assert fingerprint(folder, "rules", " 1") != base
    (folder / "sub" / "scan.png").write_bytes(b"2")
    changed = fingerprint(folder, "rules 1")
    assert changed != base
    (folder / "sub" / "scan.png").rename(folder / "sub" / "other.png")
    assert fingerprint(folder, "rules 1") not in (base, changed)
    os.mkfifo(folder / "pipe")  # would never end if it were read
    assert fingerprint(folder, "rules 1") != base


def form(identity: str, day: int | None = None, **fields: object) -> Form:
    moment = None if day is None else datetime(2026, 6, day, tzinfo=UTC)
    return Form(identity, "t", moment, fields)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"x": "中山路 1号"}, {"x": "中山路1号"}, True),
        ({"x": "ＡＢ１"}, {"x": "ab1"}, True),
        ({"x": "1"}, {"x": "2"}, False),
        ({"x": 1}, {"x": "1"}, True),
    ],
)
def test_the_same_thing_typed_otherwise_is_the_same(
    one: dict[str, object], other: dict[str, object], same: bool
) -> None:
    assert (duplicate_key("t", form("a", **one), ["x"]) == duplicate_key("t", form("b", **other), ["x"])) is same


def test_what_is_not_declared_is_no_duplicate() -> None:
    assert duplicate_key("t", form("a"), ["x"]) == duplicate_key("t", form("a", x=" "), ["x"]) == ""
    assert duplicate_key("t", form("a", x="1"), []) == ""
    assert duplicate_key("t", form("a", x="1"), ["x"]) != duplicate_key("u", form("a", x="1"), ["x"])


def test_the_later_of_two_is_the_duplicate_in_whatever_order_they_are_found() -> None:
    found = [
        ("late", "k", datetime(2026, 6, 3, tzinfo=UTC)),
        ("timeless", "k", None),
        ("first", "k", datetime(2026, 6, 1, tzinfo=UTC)),
        ("other", "", datetime(2026, 6, 1, tzinfo=UTC)),
    ]
    told = earlier(found)
    assert told == {"first": [], "late": ["first"], "timeless": ["first", "late"]}
    assert earlier(reversed(found)) == told
