"""Which Java is taken, and what is said when none fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.services import java
from schemas.errors import ServiceError


def make_java(folder: Path, version: str) -> Path:
    """A Java home that says ``version`` in its release file."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="test"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.mark.parametrize(
    ("version", "major", "fits"),
    [
        ("1.8.0_402", 8, False),
        ("11.0.22", 11, False),
        ("17.0.15", 17, True),
        ("21", 21, True),
        ("25.0.2", 25, False),
        ("unknown", None, False),
    ],
)
def test_only_17_to_21_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: int | None, fits: bool
) -> None:
    home = make_java(tmp_path / "java", version)
    monkeypatch.setattr(java, "_SYSTEM_FOLDER", tmp_path / "none")
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    assert java.java_version(home) == major
    if fits:
        assert java.find_java({"JAVA_HOME": str(home)}) == home
    else:
        with pytest.raises(ServiceError, match=r"make env.*openjdk-17-jre-headless") as raised:
            java.find_java({"JAVA_HOME": str(home)})
        assert f"{home} is {major or 'no Java'}" in str(raised.value)


def test_one_that_does_not_fit_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_java(tmp_path / "a", "11.0.1"), make_java(tmp_path / "b", "17.0.1")
    monkeypatch.setattr(java, "_SYSTEM_FOLDER", tmp_path / "none")
    assert java.find_java({"JAVA_HOME": str(old), "PATH": str(new / "bin")}) == new


def test_a_home_without_a_release_file_is_asked(tmp_path: Path) -> None:
    home = make_java(tmp_path / "java", "17")
    (home / "release").unlink()
    (home / "bin" / "java").write_text("#!/bin/sh\necho 'openjdk version \"21.0.3\" 2024-04-16' >&2\n")
    assert java.java_version(home) == 21


def test_this_machine_has_one() -> None:
    assert (java.find_java() / "bin" / "java").is_file()
