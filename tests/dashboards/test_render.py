"""Every shipped board, drawn with Grafana's own components in headless Chromium, fed by a store through the local page.

The store is that of `bench dashboards`: the one set of data that fills every panel of every board. Screenshots are kept
in build/screenshots. Skipped, saying why, where Node or Chromium are missing.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from pipelines.bench import dashboards as bench
from pipelines.cli.look.boards import FOLDER, Boards
from pipelines.cli.look.server import application
from pipelines.services import look, page
from pipelines.services.registry import Registry
from pipelines.store.client import StoreSettings, connect
from pipelines.store.migrate import migrate
from pipelines.store.query import refresh_roll_ups
from schemas.errors import ServiceError
from tests.conftest import Home
from tests.pipelines.store.conftest import Server, new_server

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

POSTS = 60_000
"""As in the bench's own test: enough that one county has twenty authors of one mood in an hour."""
TOKEN = "token-of-the-visitor"
SHOTS = page.CHECKOUT / "build" / "screenshots"
FIRST_SCREEN = 1000
UIDS = [path.stem for path in sorted(FOLDER.glob("*.json"))]
MADE_UP = (
    {
        "id": 1,
        "type": "table",
        "title": "one that the store refuses",
        "sql": "SELECT count() AS n FROM posts",
    },
    {"id": 2, "type": "stat", "title": "one that has no rows", "sql": "SELECT 1 AS n WHERE 0"},
    {"id": 3, "type": "heatmap", "title": "one of a type that nobody draws", "sql": "SELECT 1 AS n"},
    {"id": 4, "type": "geomap", "title": "one that lacks what its type needs", "sql": "SELECT 1 AS n"},
    {"id": 5, "type": "table", "title": "one that is well", "sql": "SELECT '<b id=\"run\">bold</b>' AS text"},
)


@pytest.fixture(scope="module")
def built() -> Path:
    """The page, built once unless it is there already: half a minute of one core, and npm's packages before that."""
    node = shutil.which("node")
    if node is None and page._packaged_node() is None:
        pytest.skip("no Node on this machine: `make look` installs one")
    return page.build()


@pytest.fixture(scope="module")
def chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, or name it in CHROMIUM")
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = new_server(tmp_path_factory.mktemp("look") / "clickhouse")
    server.start()
    try:
        migrate(server.settings())
        with connect(server.settings()) as client:
            bench.fill(client, POSTS, lambda _: None)
        refresh_roll_ups(server.settings())
        yield server
    finally:
        server.kill()


class Pages:
    """The local page over a store, and a visitor who looks at its boards."""

    def __init__(self, store: Server, folder: Path, chromium: str) -> None:
        self.away = False
        self.refused = threading.Event()
        self._store, self._chromium = store, chromium
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        app = application(Boards(folder), self._connection, token=TOKEN, port=self._port)
        self._server = uvicorn.Server(uvicorn.Config(app, port=self._port, access_log=False, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.02)

    def _connection(self, user: str) -> StoreSettings:
        if self.away:
            self.refused.set()
            raise ServiceError("the store is away")
        return self._store.settings(user)

    def visit(self, shots: Path, *uids: str) -> dict[str, dict[str, Any]]:
        shots.mkdir(parents=True, exist_ok=True)
        link = f"http://127.0.0.1:{self._port}/?token={TOKEN}"
        command = [str(page.find_node()), str(page.SOURCES / "visit.mjs"), link, str(shots), *uids]
        environ = {**os.environ, "CHROMIUM": self._chromium, "PATIENCE_MS": "120000"}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=600, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return {found["uid"]: found for found in map(json.loads, done.stdout.splitlines())}

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)


@pytest.fixture(scope="module")
def visited(built: Path, chromium: str, store: Server) -> dict[str, dict[str, Any]]:
    pages = Pages(store, FOLDER, chromium)
    try:
        return pages.visit(SHOTS, *UIDS)
    finally:
        pages.close()


def test_every_board_is_there(visited: dict[str, dict[str, Any]]) -> None:
    assert UIDS
    assert sorted(visited) == UIDS
    for uid in UIDS:
        drawn = {panel["id"] for panel in visited[uid]["panels"]}
        board = json.loads((FOLDER / f"{uid}.json").read_text("utf-8"))
        assert drawn == {panel["id"] for panel in board["panels"] if panel["type"] != "row"}
        assert (SHOTS / f"{uid}.png").stat().st_size > 20_000
        assert TOKEN not in visited[uid]["address"]


@pytest.mark.parametrize("uid", UIDS)
def test_the_console_is_silent_and_all_came_in_time(visited: dict[str, dict[str, Any]], uid: str) -> None:
    found = visited[uid]
    assert (found["said"], found["notices"], found["timedOut"]) == ([], [], False)


@pytest.mark.parametrize("uid", UIDS)
def test_no_panel_is_empty_or_in_error(visited: dict[str, dict[str, Any]], uid: str) -> None:
    panels = visited[uid]["panels"]
    assert {p["title"]: (p["state"], p["text"][:200]) for p in panels if p["state"] != "ok"} == {}
    assert [p["title"] for p in panels if p["type"] == "timeseries" and not p["canvases"]] == []
    assert [p["title"] for p in panels if len(p["text"].strip()) <= len(p["title"])] == [], "a frame without a content"


def test_the_five_most_urgent_stand_in_the_first_screen(visited: dict[str, dict[str, Any]], store: Server) -> None:
    """A duty officer names them within a minute: so without scrolling, in order, each with its place."""
    with connect(store.settings("centre")) as client:
        sql = "SELECT place FROM episodes WHERE state != 'closed' AND merged_into = '' ORDER BY rank DESC LIMIT 5"
        places = [row[0] for row in client.query(sql).result_rows]
    top = next(panel for panel in visited["yuqing-command"]["panels"] if panel["id"] == 1)
    assert top["bottom"] <= FIRST_SCREEN
    assert top["rows"] == 5
    assert len(places) == 5
    shown = [line for line in top["text"].splitlines() if line.startswith("P")]
    assert len(shown) == 5, top["text"]


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    folder = tmp_path / "boards"
    folder.mkdir()
    board = {
        "uid": "made-up",
        "title": "made up",
        "time": {"from": "now-1h", "to": "now"},
        "panels": [
            {
                **{key: value for key, value in panel.items() if key != "sql"},
                "gridPos": {"x": 0, "y": 6 * index, "w": 12, "h": 6},
                "targets": [
                    {"refId": "A", "rawSql": panel["sql"], "format": 1, "datasource": {"uid": "yuqing-viewer"}}
                ],
            }
            for index, panel in enumerate(MADE_UP)
        ],
    }
    (folder / "made-up.json").write_text(json.dumps(board))
    return folder


def test_what_is_wrong_is_seen(built: Path, chromium: str, store: Server, made_up: Path, tmp_path: Path) -> None:
    """The checks above can fail: a panel in error says so in itself, an empty one too, and the others stay."""
    pages = Pages(store, made_up, chromium)
    try:
        found = pages.visit(tmp_path, "made-up")["made-up"]
        states = {panel["id"]: panel["state"] for panel in found["panels"]}
        assert states == {1: "error", 2: "empty", 3: "error", 4: "error", 5: "ok"}
        text = {panel["id"]: panel["text"] for panel in found["panels"]}
        assert "ClickHouse error 497" in text[1]
        assert "暂无数据" in text[2]
        assert "heatmap" in text[3]
        assert "<b id=" in text[5], "what the store holds is text, never part of the page"
        assert any("502" in line for line in found["said"])
    finally:
        pages.close()


def test_a_store_that_is_away_is_said_and_comes_back(built: Path, chromium: str, store: Server, tmp_path: Path) -> None:
    pages = Pages(store, FOLDER, chromium)
    pages.away = True

    def come_back() -> None:
        pages.refused.wait(120)
        pages.away = False

    threading.Thread(target=come_back, daemon=True).start()
    try:
        found = pages.visit(tmp_path, "yuqing-topic")["yuqing-topic"]
    finally:
        pages.close()
    assert found["sawAway"]
    assert any("503" in line for line in found["said"])
    assert (found["notices"], found["timedOut"]) == ([], False)
    assert {panel["state"] for panel in found["panels"]} == {"ok"}


def test_up_look(built: Path, home: Home) -> None:
    """As an operator types it: the page is up beside the other services, the link opens it, it stops alone."""
    link = home.run("up", "--look").stdout.decode().strip()
    try:
        (row,) = (row for row in status(home) if row["service"] == "look")
        assert row["state"] == "up"
        assert link.startswith(f"{row['url']}/?token=")
        assert home.run("up", "--look").stdout.decode().strip() == link, "a second call changes nothing"
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            assert "<title>舆情</title>" in client.get(link).text
            assert [board["uid"] for board in client.get(f"{row['url']}/api/boards").json()]
        assert httpx.get(row["url"], trust_env=False).status_code == 401
        log = Path(row["log"]).read_text()
        assert "token" not in log
    finally:
        look.stop_server(Registry(home.path))
    assert not any(row["service"] == "look" for row in status(home))


def status(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in home.run("status", "--format", "json").stdout.splitlines()]
