"""Building the page: which Node is taken, when it is built again, and what is said when it cannot be."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pipelines.services import page
from schemas.errors import ServiceError


def node(folder: Path, version: str, *, npm: bool = True) -> Path:
    """A Node that only says its version."""
    (folder / "bin").mkdir(parents=True)
    if npm:
        script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        script.parent.mkdir(parents=True)
        script.write_text("")
    made = folder / "bin" / "node"
    made.write_text(f'#!/bin/sh\necho "{version}"\n')
    made.chmod(0o755)
    return made


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of dashboards/render, with a page that is built."""
    folder = tmp_path / "render"
    (folder / "src" / "panels").mkdir(parents=True)
    for name in page._BUILT_FROM:
        (folder / name).write_text(name)
    (folder / "src" / "panels" / "stat.jsx").write_text("a")
    monkeypatch.setattr(page, "SOURCES", folder)
    monkeypatch.setattr(page, "DIST", folder / "dist")
    (folder / "dist").mkdir()
    (folder / "dist" / page._MADE).write_text(page.stamp())
    return folder


@pytest.mark.parametrize(
    ("said", "version"),
    [("v20.19.0", (20, 19)), ("v22.3.1", (22, 3)), ("v9.1.0", (9, 1)), ("20.19.0", None), ("", None)],
)
def test_version(tmp_path: Path, said: str, version: tuple[int, int] | None) -> None:
    assert page.node_version(node(tmp_path, said)) == version


def test_no_node_is_no_version(tmp_path: Path) -> None:
    assert page.node_version(tmp_path / "node") is None


@pytest.mark.parametrize(
    ("machine", "npm", "taken"),
    [("v20.19.0", True, "machine"), ("v20.18.9", True, "packaged"), ("v24.0.0", False, "packaged")],
)
def test_the_machines_node_if_it_is_new_enough_and_has_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, npm: bool, taken: str
) -> None:
    nodes = {
        "machine": node(tmp_path / "machine", machine, npm=npm),
        "packaged": node(tmp_path / "packaged", "v22.20.0"),
    }
    monkeypatch.setattr(page, "_candidates", lambda: list(nodes.values()))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    if Path("/usr/share/nodejs/npm").exists() and not npm:
        pytest.skip("this machine has Debian's npm, which serves any Node")
    assert page.find_node() == nodes[taken]


def test_without_any_node_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_candidates", list)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))  # an environment without uv
    said: list[str] = []
    with pytest.raises(ServiceError, match=r"install Node 20\.19 or newer with npm"):
        page.find_node(said.append)
    assert "is not on this machine" in said[0]


def test_a_page_that_is_there_is_not_built_again(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "find_node", lambda _: pytest.fail("no Node is needed"))
    assert page.build() == sources / "dist"


@pytest.mark.parametrize("name", ["src/panels/stat.jsx", "src/new.jsx", "package-lock.json", "index.html"])
def test_a_changed_source_is(sources: Path, name: str) -> None:
    assert page.is_built()
    (sources / name).write_text("b")
    assert not page.is_built()


def test_only_a_checkout_has_the_sources(sources: Path) -> None:
    (sources / "package.json").unlink()
    with pytest.raises(ServiceError, match="in a checkout of yuqing"):
        page.build()


def test_what_failed_is_told_by_its_last_lines_and_the_old_page_stays(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sources / "src" / "new.jsx").write_text("b")
    failing = node(tmp_path / "n", "v22.0.0")
    failing.write_text('#!/bin/sh\nfor i in $(seq 30); do echo "line $i"; done\nexit 7\n')
    monkeypatch.setattr(page, "find_node", lambda _: failing)
    with pytest.raises(ServiceError, match=r"npm ci failed with exit code 7:(?s:.*)line 16(?s:.*)line 30") as told:
        page.build()
    assert "line 15" not in str(told.value)
    assert (sources / "dist" / page._MADE).is_file()


def test_what_takes_too_long_is_ended(sources: Path) -> None:
    with pytest.raises(ServiceError, match="sleeper took more than 0 s"):
        page._run(["/bin/sleep", "20"], "sleeper", 0.2)


def test_built_aside_and_swapped_in(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sources / "src" / "new.jsx").write_text("b")
    working = node(tmp_path / "n", "v22.0.0")
    working.write_text(
        "#!/bin/sh\ncase $1 in\n*npm-cli.js) mkdir node_modules ;;\n*) mkdir $4; echo new > $4/index.html ;;\nesac\n"
    )
    monkeypatch.setattr(page, "find_node", lambda _: working)
    said: list[str] = []
    assert (page.build(said.append) / "index.html").read_text() == "new\n"
    assert page.is_built()
    assert len(said) == 2
    assert not (sources / "dist.new").exists()
    (sources / "src" / "newer.jsx").write_text("c")
    shutil.rmtree(sources / "dist")
    page.build(said.append)
    assert len(said) == 3, "packages are fetched once for a lock"
