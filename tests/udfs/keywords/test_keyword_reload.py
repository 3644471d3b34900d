"""A changed rule file takes effect without a restart; a broken one does not."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import UsageError
from udfs.keywords.step import Match


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


RULE = "rules:\n- {{id: r, category: c, terms: [{term}]}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(RULE.format(term="被困"), "utf-8")
    return tmp_path


def fired(step: Match, text: str = "被困，断电") -> list[str]:
    batch = pa.RecordBatch.from_pydict({"text": [text]})
    return [hit["term"] for hit in step.apply(batch).column("keywords").to_pylist()[0]]


def opened(folder: Path) -> tuple[Match, Clock]:
    clock = Clock()
    step = Match(folder, clock)
    step.open()
    return step, clock


def test_an_edit_takes_effect_after_a_second(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step, clock = opened(folder)
    first = step.rules.version
    (folder / "a.yaml").write_text(RULE.format(term="断电"), "utf-8")
    clock.now = 0.9
    assert fired(step) == ["被困"]
    clock.now = 1.0
    assert fired(step) == ["断电"]
    assert step.rules.version != first
    captured = capsys.readouterr()
    assert "a.yaml (1 rules" in captured.err
    assert step.rules.version[:12] in captured.err
    assert captured.out == ""


def test_a_new_file_and_a_removed_one(folder: Path) -> None:
    step, clock = opened(folder)
    (folder / "b.yaml").write_text("rules:\n- {id: q, category: c, terms: [断电]}\n", "utf-8")
    clock.now = 1
    assert fired(step) == ["被困", "断电"]
    (folder / "a.yaml").unlink()
    clock.now = 2
    assert fired(step) == ["断电"]


def test_a_broken_edit_keeps_the_old_rules_and_is_said_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step, clock = opened(folder)
    (folder / "a.yaml").write_text("rules: [", "utf-8")
    for second in range(1, 6):
        clock.now = second
        os.utime(folder / "a.yaml", ns=(second, second))  # touched again: still the same contents
        assert fired(step) == ["被困"]
    assert capsys.readouterr().err.count("refused") == 1
    (folder / "a.yaml").write_text(RULE.format(term="断电"), "utf-8")
    clock.now = 6
    assert fired(step) == ["断电"]


def test_the_folder_may_vanish_for_a_while(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step, clock = opened(folder)
    aside = folder.with_name("aside")
    folder.rename(aside)
    for second in (1, 2, 3):
        clock.now = second
        assert fired(step) == ["被困"]
    assert capsys.readouterr().err.count("refused") == 1
    aside.rename(folder)
    clock.now = 4
    assert fired(step) == ["被困"]


def test_a_touch_compiles_nothing(folder: Path) -> None:
    step, clock = opened(folder)
    before = step.rules
    os.utime(folder / "a.yaml", ns=(5, 5))
    clock.now = 1
    fired(step)
    assert step.rules is before


def test_same_size_and_time_is_seen(folder: Path) -> None:
    step, clock = opened(folder)
    stat = (folder / "a.yaml").stat()
    (folder / "a.yaml").write_text(RULE.format(term="断电"), "utf-8")
    os.utime(folder / "a.yaml", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    clock.now = 1
    assert fired(step) == ["断电"]


def test_wrong_rules_at_the_start_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [", "utf-8")
    with pytest.raises(UsageError, match=r"a\.yaml"):
        Match(tmp_path).open()


def test_no_text_of_a_post_in_the_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step, clock = opened(folder)
    (folder / "a.yaml").write_text("rules: [", "utf-8")
    clock.now = 1
    fired(step, "被困在绝密之地")
    captured = capsys.readouterr()
    assert "绝密" not in captured.err + captured.out
