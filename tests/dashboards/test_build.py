"""`dashboards build`: files follow the code, and `--check` says when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboards import build
from pipelines.cli.main import app

CONTENT = {"boards/a.json": "{}\n", "provisioning/x/b.yaml": "字\n"}


def test_the_same_code_gives_the_same_bytes() -> None:
    assert build.files() == build.files()


def test_all_rooms_of_the_generated_folder_are_written() -> None:
    assert {name.split("/")[0] for name in build.files()} == {"api", "boards", "provisioning"}


@pytest.mark.parametrize(
    ("name", "there", "differ"),
    [
        ("as the code makes them", CONTENT, []),
        ("none", {}, ["boards/a.json", "provisioning/x/b.yaml"]),
        ("changed by hand", CONTENT | {"boards/a.json": "{ }\n"}, ["boards/a.json"]),
        ("a board that no code makes", CONTENT | {"boards/old.json": "{}\n"}, ["boards/old.json"]),
        ("a folder that is not ours", CONTENT | {"notes/mine.txt": "x"}, []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_differing_names_what_differs_and_writing_puts_it_right(
    tmp_path: Path, name: str, there: dict[str, str], differ: list[str]
) -> None:
    for path, text in there.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert build.differing(CONTENT, tmp_path) == differ
    assert build.write(CONTENT, tmp_path) == differ
    assert build.differing(CONTENT, tmp_path) == []
    assert (tmp_path / "notes/mine.txt").exists() == ("notes/mine.txt" in there)


def test_check_names_the_files_writes_nothing_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right = build.files()
    path = build.GENERATED / "boards/yuqing-topic.json"
    before = path.read_bytes()
    monkeypatch.setattr(build, "files", lambda: right | {"boards/yuqing-topic.json": "{}\n"})
    done = CliRunner().invoke(app, ["dashboards", "build", "--check"])
    assert done.exit_code == 1
    assert done.stdout.splitlines() == ["boards/yuqing-topic.json"]
    assert path.read_bytes() == before


def test_what_is_committed_is_what_the_code_makes() -> None:
    done = CliRunner().invoke(app, ["dashboards", "build", "--check"])
    assert (done.exit_code, done.stdout) == (0, "")
