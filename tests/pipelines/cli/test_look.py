"""The local page's server: who gets in, what the page may know, and what a question can and cannot do to the store."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.cli.look.boards import FOLDER, Boards
from pipelines.cli.look.server import LONGEST_BODY, application
from pipelines.services import control
from pipelines.services.look import token_of
from pipelines.store.client import StoreSettings
from schemas.errors import ServiceError
from tests.conftest import Home

PORT = 8600
SELF = f"http://127.0.0.1:{PORT}"
TOKEN = "a-token-of-the-test"
NOW = int(time.time() * 1000)
ASKED = {"board": "b", "from": NOW - 3_600_000, "to": NOW + 3_600_000, "interval_ms": 60_000, "max_points": 100}
SECRET = "secret-of-a-row"


def panel(number: int, sql: str, source: str = "yuqing-viewer", form: int = 1) -> dict[str, Any]:
    target = {"refId": "A", "rawSql": sql, "format": form, "datasource": {"uid": source}}
    return {"id": number, "type": "table", "title": f"title {number}", "targets": [target]}


BOARD = {
    "uid": "b",
    "title": "a board",
    "panels": [
        panel(1, "SELECT 1 AS n, ${region:singlequote} AS region WHERE $__timeFilter(now())"),
        panel(2, "SELECT count() AS n FROM alerts"),
        panel(3, "SELECT count() AS n FROM alerts", "yuqing-centre"),
        panel(4, f"SELECT toUInt8(concat('{SECRET}', toString(number))) AS n FROM numbers(2)"),
        panel(5, "CREATE TABLE made_by_a_page (n UInt8) ENGINE = Memory"),
        panel(6, "SELECT count() AS n FROM posts", "yuqing-centre"),
        panel(7, "SELECT 1 AS n", "another"),
        panel(8, "SELECT sleepEachRow(3) AS n FROM numbers(20) SETTINGS max_execution_time = 60"),
        {"id": 9, "type": "row", "title": "folded", "panels": [panel(10, "SELECT 10 AS n")]},
        panel(11, "SELECT toDateTime(60 * number) AS t, 'a' AS name, number AS n FROM numbers(3) ORDER BY t", form=0),
    ],
    "templating": {
        "list": [
            {
                "name": "region",
                "label": "地区",
                "type": "query",
                "datasource": {"uid": "yuqing-viewer"},
                "query": "SELECT adcode, name FROM (SELECT 'all' AS adcode, '全部' AS name)",
            }
        ]
    },
}


def away(user: str) -> StoreSettings:
    raise ServiceError("ClickHouse is not up: `yuqing up` starts it")


@pytest.fixture
def boards(tmp_path: Path) -> Boards:
    (tmp_path / "b.json").write_text(json.dumps(BOARD))
    return Boards(tmp_path)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the page")
    (folder / "assets" / "index.js").write_text("1")
    return folder


@pytest.fixture
def stranger(boards: Boards, dist: Path) -> TestClient:
    """A browser that was given nothing, at a page whose store is away."""
    return TestClient(
        application(boards, away, token=TOKEN, port=PORT, dist=dist), base_url=SELF, follow_redirects=False
    )


@pytest.fixture
def guest(stranger: TestClient) -> TestClient:
    """The same after the link was opened."""
    assert stranger.get(f"/?token={TOKEN}").status_code == 303
    return stranger


@pytest.fixture
def reader(home: Home, boards: Boards, dist: Path) -> TestClient:
    """A guest of a page whose store is there."""
    app = application(boards, lambda user: control.connection(home.path, user), token=TOKEN, port=PORT, dist=dist)
    client = TestClient(app, base_url=SELF, follow_redirects=False)
    client.get(f"/?token={TOKEN}")
    return client


@pytest.mark.parametrize("path", ["/", "/d/b", "/api/boards", "/api/boards/b", "/api/health", "/assets/index.js"])
def test_without_the_link_nothing(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é"])
def test_a_wrong_token_opens_nothing(stranger: TestClient, token: str) -> None:
    answer = stranger.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_wrong_token_beside_the_right_one_opens_nothing(stranger: TestClient) -> None:
    assert stranger.get(f"/?token={TOKEN}&token=wrong").status_code == 401


def test_the_link_becomes_a_cookie_and_leaves_the_address(stranger: TestClient) -> None:
    answer = stranger.get(f"/d/b?var-region=410100&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/d/b?var-region=410100")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie, "whoever sees the cookie has not got the link"
    assert "the page" in stranger.get("/d/b").text


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/\\evil.example"])
def test_the_link_leads_nowhere_else(stranger: TestClient, path: str) -> None:
    answer = stranger.get(f"{SELF}{path}?token={TOKEN}")
    assert answer.status_code in (303, 404)
    assert not answer.headers.get("location", "/x").startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": f"evil.example:{PORT}"}, 421),
        ({"host": "127.0.0.1:9999"}, 421),
        ({"host": f"localhost:{PORT}"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": SELF}, 200),
    ],
)
def test_hosts_and_origins(guest: TestClient, headers: dict[str, str], status: int) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    answer = guest.get("/api/boards", headers={"cookie": cookie, **headers})
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_form_of_another_page_is_no_question(guest: TestClient) -> None:
    body = json.dumps(ASKED | {"panel": 1})
    assert guest.post("/api/query", content=body, headers={"content-type": "text/plain"}).status_code == 415


@pytest.mark.parametrize("path", ["/", "/assets/index.js", "/api/boards", "/ping", "/nowhere"])
def test_every_answer_states_the_policy(guest: TestClient, path: str) -> None:
    headers = guest.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_ping_says_only_that_it_is_there(stranger: TestClient) -> None:
    assert stranger.get("/ping").text == "Ok."


def test_a_token_is_its_owners_and_stays(tmp_path: Path) -> None:
    first = token_of(tmp_path)
    assert token_of(tmp_path) == first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "keys" / "look").stat().st_mode) == 0o600
    assert token_of(tmp_path / "another") != first


def test_the_page_gets_boards_without_sql(guest: TestClient) -> None:
    assert guest.get("/api/boards").json() == [{"uid": "b", "title": "a board"}]
    board = guest.get("/api/boards/b").text
    assert "SELECT" not in board
    assert json.loads(board)["panels"][0]["targets"] == [{"refId": "A"}]


def test_the_shipped_boards_stand_in_order_without_sql() -> None:
    shipped = Boards(FOLDER)
    uids = [board["uid"] for board in shipped.listed()]
    names = ("command", "opinion", "topic", "health", "approval", "policy")
    assert uids == [f"yuqing-{name}" for name in names]
    for uid in uids:
        assert "SELECT " not in json.dumps(shipped.page(uid))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rawSql": "SELECT 1"}, "rawSql"),
        ({"panel": 99}, "no panel 99"),
        ({"panel": "1"}, "int"),
        ({"panel": None}, "panel is missing"),
        ({"board": "../b"}, "no board"),
        ({"board": "c"}, "no board c"),
        ({"from": NOW, "to": NOW}, "no range"),
        ({"from": 0}, "no range"),
        ({"to": 10**18}, "no range"),
        ({"interval_ms": 0}, "interval_ms"),
        ({"variables": {}}, "region"),
        ({"variables": {"region": "x" * 201}}, "200 characters"),
        ({"variables": {"region": "a\\"}}, "escape"),
        ({"variables": {"region": ["a"]}}, "str"),
        ({"panel": 7}, "another"),
    ],
)
def test_what_is_asked_wrongly(guest: TestClient, change: dict[str, Any], says: str) -> None:
    answer = guest.post("/api/query", json=ASKED | {"panel": 1, "variables": {"region": "all"}} | change)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'"' + b"x" * LONGEST_BODY + b'"'])
def test_what_is_no_question(guest: TestClient, body: bytes) -> None:
    assert guest.post("/api/query", content=body, headers={"content-type": "application/json"}).status_code == 400


def test_a_store_that_is_away_and_comes_back(boards: Boards, dist: Path, guest: TestClient) -> None:
    question = ASKED | {"panel": 1, "variables": {"region": "all"}}
    assert guest.post("/api/query", json=question).status_code == 503
    assert guest.get("/api/health").status_code == 503
    unreachable = StoreSettings("http://127.0.0.1:9", "viewer", "x")
    app = application(boards, lambda user: unreachable, token=TOKEN, port=PORT, dist=dist)
    client = TestClient(app, base_url=SELF)
    client.get(f"/?token={TOKEN}")
    assert client.post("/api/query", json=question).status_code == 503


def test_a_board_that_is_being_written_is_said(guest: TestClient, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"title": ')
    answer = guest.get("/api/boards/b")
    assert answer.status_code == 503
    assert "dashboards build" in answer.json()["error"]


@pytest.mark.services
class TestOnAStore:
    def ask(self, reader: TestClient, number: int, **variables: str) -> Any:
        return reader.post("/api/query", json=ASKED | {"panel": number, "variables": {"region": "all"} | variables})

    def test_values_of_variables_stay_values(self, reader: TestClient) -> None:
        value = "x' OR 1 = 1 -- "
        frame = self.ask(reader, 1, region=value).json()["frames"][0]
        assert [field["name"] for field in frame["schema"]["fields"]] == ["n", "region"]
        assert frame["data"]["values"] == [[1], [value]]

    def test_a_time_series_is_wide(self, reader: TestClient) -> None:
        (frame,) = self.ask(reader, 11).json()["frames"]
        assert frame["schema"]["fields"][1]["labels"] == {"name": "a"}
        assert frame["data"]["values"] == [[0, 60_000, 120_000], [0, 1, 2]]

    def test_a_panel_in_a_folded_row(self, reader: TestClient) -> None:
        assert self.ask(reader, 10).json()["frames"][0]["data"]["values"] == [[10]]

    def test_options(self, reader: TestClient) -> None:
        answer = reader.post("/api/options", json=ASKED | {"variable": "region"})
        assert answer.json() == [{"value": "all", "text": "全部"}]

    def test_each_data_source_is_an_account(self, reader: TestClient) -> None:
        assert self.ask(reader, 3).status_code == 200
        refused = self.ask(reader, 2)
        assert refused.status_code == 502
        assert refused.json()["error"].startswith("面板 2 title 2: ClickHouse error 497")

    @pytest.mark.parametrize(("number", "code"), [(5, 497), (6, 497)])
    def test_nothing_is_written_and_no_base_table_read(self, reader: TestClient, number: int, code: int) -> None:
        assert f"ClickHouse error {code}" in self.ask(reader, number).json()["error"]

    def test_the_limits_of_the_account_stay(self, reader: TestClient) -> None:
        assert "ClickHouse error 452" in self.ask(reader, 8).json()["error"]

    def test_an_error_quotes_no_data(self, reader: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
        answer = self.ask(reader, 4)
        assert answer.status_code == 502
        assert "CANNOT_PARSE" in answer.text
        said = answer.text + "".join(capfd.readouterr())
        assert SECRET not in said

    def test_a_client_serves_again_after_an_error(self, reader: TestClient) -> None:
        for _ in range(8):
            assert self.ask(reader, 4).status_code == 502
        assert self.ask(reader, 10).status_code == 200
        assert reader.get("/api/health").json() == {"store": "up"}
