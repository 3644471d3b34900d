"""A small flood from the command line: alerts from the first call, and what each role may see."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.pipelines.jobs.conftest import BROKEN, FILE, POST_IDS, objects

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


def test_every_line_is_a_row_or_a_dead_letter(flooded):
    ours = f"SELECT post_id FROM posts FINAL WHERE partition = '{FILE}' ORDER BY post_id"
    assert tuple(row[0] for row in flooded.rows(ours)) == POST_IDS
    letters = [row for row in objects(flooded.run("dlq", "list", "--format", "json")) if row["partition"] == FILE]
    assert {(letter["offset"], letter["step"], letter["reason"]) for letter in letters} == {
        (len(POST_IDS) + number, "parse", reason) for number, (_, reason) in enumerate(BROKEN)
    }


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
        # each costs a start of the command; tests/pipelines/store/test_data_classes.py asks the rest of the server
        ("operator", "SELECT post_id, priority FROM posts FINAL", True),
        ("operator", "SELECT text FROM posts", False),
        ("operator", "SELECT * FROM pii_vault", False),
        ("operator", "INSERT INTO posts (post_id) VALUES ('x')", False),
        ("operator", "SELECT * FROM file('/etc/passwd', 'LineAsString')", False),
        ("analyst", "SELECT * FROM v_posts", True),
        ("analyst", "SELECT count() FROM posts", False),
        ("viewer", "SELECT * FROM alerts", False),
        ("centre", "SELECT place FROM alerts", True),
        ("auditor", "SELECT actor, action FROM audit_log", True),
    ],
)
def test_roles(flooded, role, query, allowed):
    done = flooded.run("sql", "--role", role, query, code=None)
    assert (done.returncode == 0) is allowed, done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_formats_of_sql(flooded):
    csv = flooded.run(
        "sql", "SELECT count(), 'a,b' FROM posts FINAL WHERE post_id = 'call-1'", "--format", "csv"
    ).stdout
    assert csv == b'1,"a,b"\n'
    assert json.loads(flooded.run("sql", "SELECT 1 AS one", "--format", "json").stdout) == [{"one": 1}]


def test_what_was_masked_is_in_the_vault(flooded):
    types = {row[0] for row in flooded.rows("SELECT DISTINCT type FROM pii_vault WHERE post_id = 'call-1'")}
    assert {"CN_MOBILE", "CN_ID", "IM_ID"} <= types
    query = "SELECT token FROM pii_vault WHERE type = 'CN_MOBILE' AND post_id IN ('call-1', 'call-2')"
    tokens = {row[0] for row in flooded.rows(query)}
    assert len(tokens) == 1, "the same number has one token in every post"


def test_the_home_is_closed_to_others(flooded):
    for path in (flooded.path / "keys", *(flooded.path / "keys").iterdir()):
        assert Path(path).stat().st_mode & 0o077 == 0, f"{path.name} can be read by others"
