"""One small flood, run once for all tests that ask what came of it: `flooded`."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Home, lines

PLANTED = {
    "mobile": "13987650123",
    "mobile with spaces": "139 8765 0124",
    "mobile in full width": "１３９８７６５０１２５",
    "mobile in numerals": "一三九八七六五零一二六",
    "identity": "110105194912310021",
    "mail": "planted.person@example.org",
    "wechat": "wx_planted_9527",
    "mention": "@邬植桐在路上",
    "household": "17号楼3单元1204室",
    "author": "planted-author-77",
    "author's name": "邬植桐的日记",
    "url": "https://example.org/planted/post/1",
    "region": "植树巷植字第九号院",
    "extra": "planted-extra-value",
    "name of an extra field": "plantedextrafield",
    "broken": "plantedbroken13612340000",
}
"""Values that must stand nowhere in clear, as they are written in the feed."""

FILE = "flood.jsonl"
POST_IDS = ("call-1", "call-2", "call-disguised", "call-old", "day-1")
BROKEN = (
    (b'{"id":"b","text":"%s', "not JSON: truncated"),
    (b'{"id":"b","text":"x","url":"%s" "x"}', "not JSON: malformed at byte 54"),
    (b'["%s"]', "not an object: the line holds a JSON array"),
    (b'{"id":{"%s":1},"text":"x"}', "wrong type: id must be a string, not object"),
    (b'{"id":"b","text":"x","author":["%s"]}', "wrong type: author must be a string, not array"),
    (
        b'{"id":"b","text":"x","created_at":"%s"}',
        "wrong type: created_at must be RFC 3339 with an offset, or epoch milliseconds",
    ),
    (b'{"id":"b","text":"x","likes":"%s"}', "wrong type: likes must be a whole number, not string"),
    (b'{"id":"b","text":"%s\xff"}', "invalid UTF-8 at byte 42"),
    (b'{"id":"b","text":"%s\\u0000"}', "NUL in a string"),
    (b'{"id":"b","text":"' + b"x" * 70_000 + b'%s"}', "over-long line: more than 65536 bytes"),
)
"""Lines that cannot be posts, with a planted value in each, and what is said of them."""


def flood(now_ms: int) -> bytes:
    """The feed: calls for help, copies and old ones, an everyday post, broken lines."""
    water = "郑州市二七区马寨镇水磨村房子进水到二楼了，被困三个大人一个孩子，急需皮划艇救援，电话"
    call = {
        "id": "call-1",
        "platform": "weibo",
        "author": PLANTED["author"],
        "url": PLANTED["url"],
        "region": PLANTED["region"],
        "created_at": now_ms - 60_000,
        "text": f"{water}{PLANTED['mobile']}，身份证{PLANTED['identity']}，微信号{PLANTED['wechat']}",
        "note": PLANTED["extra"],
        PLANTED["name of an extra field"]: {"deep": [PLANTED["extra"]]},
    }
    relay = call | {
        "id": "call-2",
        "author": PLANTED["author's name"],
        "created_at": now_ms - 30_000,
        "text": "帮转！" + call["text"],
    }
    old = call | {"id": "call-old", "created_at": now_ms - 40 * 86_400_000, "text": f"{water}13700001111"}
    disguised = call | {
        "id": "call-disguised",
        "text": f"{PLANTED['mention']} 荥阳市高村乡有老人缺药，住{PLANTED['household']}，"
        f"电话{PLANTED['mobile with spaces']}、{PLANTED['mobile in full width']}，{PLANTED['mobile in numerals']}",
    }
    everyday = {"id": "day-1", "platform": "weibo", "author": "x", "text": f"今天的面真好吃，发到{PLANTED['mail']}"}
    broken = [line % PLANTED["broken"].encode() + b"\n" for line, _ in BROKEN]
    return lines(call, relay, old, disguised, everyday) + b"".join(broken)


@pytest.fixture(scope="session")
def flood_run(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Run the opinion job on the flood until all is stored and `up`'s watch has seen it run; stop with a savepoint."""
    home.empty()
    inbox = tmp_path_factory.mktemp("inbox")
    feed = flood(time.time_ns() // 1_000_000)
    (inbox / f".{FILE}").write_bytes(feed)
    (inbox / f".{FILE}").rename(inbox / FILE)
    job = home.start("submit", "opinion", "--source", f"dir://{inbox}", "--parallelism", "1")
    began = f"fromUnixTimestamp64Milli({time.time_ns() // 1_000_000})"
    seen = f"SELECT count() > 0 FROM job_health WHERE job = 'opinion' AND state = 'running' AND at >= {began}"
    counts = f"SELECT (SELECT count() FROM posts FINAL), (SELECT count() FROM dead_letters FINAL), ({seen})"
    deadline = time.monotonic() + 240
    while home.rows(counts) != [(len(POST_IDS), len(BROKEN), True)]:  # the watch looks each ten seconds
        assert job.poll() is None, (home.path / "command.log").read_text()[-3000:]
        assert time.monotonic() < deadline, f"stored so far: {home.rows(counts)}"
        time.sleep(0.3)
    job.send_signal(signal.SIGTERM)
    out, _ = job.communicate(timeout=240)
    assert job.returncode == 0, (home.path / "command.log").read_text()[-3000:]
    return {"feed": feed, "stdout": out, "savepoint": Path(out.decode().strip())}


@pytest.fixture
def flooded(home: Home, flood_run: dict[str, object]) -> Home:
    """The session's home with the flood in it."""
    if home.one("SELECT count() FROM posts FINAL WHERE post_id = 'call-1'") == 0:
        pytest.fail("another test has emptied the store: tests that use `flooded` must run one after the other")
    return home


def objects(done: object) -> list[dict[str, object]]:
    """The JSON lines that a command printed."""
    return [json.loads(line) for line in done.stdout.splitlines()]  # type: ignore[attr-defined]
