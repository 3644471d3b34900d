"""A small flood from the command line: alerts from the first call, what each role may see, and no leak anywhere."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.conftest import lines

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

PLANTED = {
    "mobile": "13987650123",
    "identity": "110105194912310021",
    "mail": "planted.person@example.org",
    "wechat": "wx_planted_9527",
    "author": "planted-author-77",
    "url": "https://example.org/planted/post/1",
    "extra": "planted-extra-value",
    "broken": "plantedbroken13612340000",
}
"""Values that must stand nowhere in clear."""


def posts(now_ms):
    flood = "郑州市二七区马寨镇水磨村房子进水到二楼了，被困三个大人一个孩子，急需皮划艇救援，电话"
    call = {
        "id": "call-1",
        "platform": "weibo",
        "author": PLANTED["author"],
        "url": PLANTED["url"],
        "created_at": now_ms - 60_000,
        "text": f"{flood}{PLANTED['mobile']}，身份证{PLANTED['identity']}，微信号{PLANTED['wechat']}",
        "note": PLANTED["extra"],
    }
    relay = {
        **call,
        "id": "call-2",
        "author": "another",
        "created_at": now_ms - 30_000,
        "text": "帮转！" + call["text"],
    }
    old = {**call, "id": "call-old", "created_at": now_ms - 40 * 86_400_000, "text": f"{flood}13700001111"}
    everyday = {"id": "day-1", "platform": "weibo", "text": f"今天的面真好吃，发到{PLANTED['mail']}", "author": "x"}
    return [call, relay, old, everyday]


@pytest.fixture(scope="module")
def flooded(home, tmp_path_factory):
    home.empty()
    path = tmp_path_factory.mktemp("feed") / "flood.jsonl"
    broken = b'{"id":"b","text":"' + PLANTED["broken"].encode()
    path.write_bytes(lines(*posts(time.time_ns() // 1_000_000)) + broken + b"\n")
    home.said = home.run("submit", "opinion", "--source", f"file://{path}", "--parallelism", "1")
    return home


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_line_is_a_row_or_a_dead_letter(flooded):
    assert flooded.one("SELECT count() FROM posts FINAL") == 4
    letters = objects(flooded.run("dlq", "list", "--format", "json"))
    assert [(letter["offset"], letter["step"], letter["reason"]) for letter in letters] == [
        (4, "parse", "not JSON: truncated")
    ]


def test_the_alert_stands_from_the_first_call_and_its_repeat_raises_the_count(flooded):
    alerts = objects(flooded.run("alerts", "list", "--format", "json"))
    urgent = [alert for alert in alerts if alert["priority"] == 1 and alert["posts"] == 2]
    assert len(urgent) == 1, alerts
    assert "水磨村" in urgent[0]["place"]
    assert "rescue" in urgent[0]["needs"]
    assert urgent[0]["callers"] == 1  # the relay carries the same number


def test_only_what_is_new_is_delivered_and_each_once(flooded):
    outbox = flooded.path / "alerts.jsonl"
    wanted = {row[0] for row in flooded.rows("SELECT DISTINCT alert_id FROM alert_hits FINAL WHERE notify = 1")}
    deadline = time.monotonic() + 60
    sent: list[dict[str, object]] = []
    while time.monotonic() < deadline:
        sent = [json.loads(line) for line in outbox.read_bytes().splitlines()] if outbox.exists() else []
        if wanted <= {message["alert_id"] for message in sent}:
            break
        time.sleep(0.5)
    ours = [message for message in sent if message["alert_id"] in wanted]
    assert len({message["idempotency_key"] for message in ours}) == len(ours) == len(wanted)
    old = {row[0] for row in flooded.rows("SELECT alert_id FROM alert_hits FINAL WHERE post_id = 'call-old'")}
    assert old, "the old call is counted"
    assert not old & {message["alert_id"] for message in sent}, "an old call was sent"


def test_an_alert_is_acknowledged_by_the_start_of_its_id(flooded):
    first = objects(flooded.run("alerts", "list", "--format", "json"))[0]["alert_id"]
    flooded.run("alerts", "ack", first[:16], "--note", "unit 3 goes", "--as", "officer")
    states = {alert["alert_id"]: alert["state"] for alert in objects(flooded.run("alerts", "list", "--format", "json"))}
    assert states[first] == "acknowledged"
    assert b"there is none" in flooded.run("alerts", "ack", "nonsense", code=2).stderr


def test_a_test_message_goes_out(flooded):
    assert b"delivered by" in flooded.run("alerts", "test").stderr


@pytest.mark.parametrize(
    ("role", "query", "allowed"),
    [
        ("operator", "SELECT count() FROM posts FINAL", True),
        ("operator", "SELECT post_id, priority FROM posts FINAL", True),
        ("operator", "SELECT text FROM posts", False),
        ("operator", "SELECT author_token FROM posts", False),
        ("operator", "SELECT * FROM pii_vault", False),
        ("operator", "SELECT raw FROM dead_letters", False),
        ("analyst", "SELECT * FROM v_posts", True),
        ("analyst", "SELECT * FROM v_sentiment", True),
        ("analyst", "SELECT count() FROM posts", False),
        ("analyst", "SELECT * FROM pii_vault", False),
        ("operator", "INSERT INTO posts (post_id) VALUES ('x')", False),
        ("analyst", "DROP TABLE posts", False),
        ("operator", "SELECT * FROM file('/etc/passwd', 'LineAsString')", False),
        ("analyst", "SELECT * FROM url('http://127.0.0.1:1', 'LineAsString', 'line String')", False),
    ],
)
def test_roles(flooded, role, query, allowed):
    done = flooded.run("sql", "--role", role, query, code=None)
    assert (done.returncode == 0) is allowed, done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_formats_of_sql(flooded):
    csv = flooded.run("sql", "SELECT count(), 'a,b' FROM posts FINAL", "--format", "csv").stdout
    assert csv == b'4,"a,b"\n'
    assert json.loads(flooded.run("sql", "SELECT 1 AS one", "--format", "json").stdout) == [{"one": 1}]


def test_nothing_that_was_planted_stands_anywhere_in_clear(flooded):
    haystacks = {"stdout": flooded.said.stdout, "stderr": flooded.said.stderr}
    for table in ("posts", "dead_letters", "alert_hits", "alert_deliveries", "pii_vault", "v_posts", "v_alerts"):
        haystacks[table] = repr(flooded.rows(f"SELECT * FROM {table}")).encode()
    for folder in ("logs", "runs"):
        for path in (flooded.path / folder).rglob("*"):
            if path.is_file():
                haystacks[str(path.relative_to(flooded.path))] = path.read_bytes()
    haystacks["alerts.jsonl"] = (flooded.path / "alerts.jsonl").read_bytes()
    found = [
        f"{name} in {where}"
        for where, content in haystacks.items()
        for name, value in PLANTED.items()
        if value.encode() in content
    ]
    assert not found


def test_what_was_masked_is_in_the_vault(flooded):
    types = {row[0] for row in flooded.rows("SELECT DISTINCT type FROM pii_vault WHERE post_id = 'call-1'")}
    assert {"CN_MOBILE", "CN_ID", "IM_ID"} <= types
    tokens = {
        row[0] for row in flooded.rows("SELECT token FROM pii_vault WHERE type = 'CN_MOBILE' AND post_id != 'call-old'")
    }
    assert len(tokens) == 1, "the same number has one token in every post"


def test_the_home_is_closed_to_others(flooded):
    for path in (flooded.path / "keys", *(flooded.path / "keys").iterdir()):
        assert Path(path).stat().st_mode & 0o077 == 0, f"{path.name} can be read by others"
