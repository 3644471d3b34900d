"""`yuqing episodes` as officers type it, on a real store: who may, what is written down, what is printed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from governance.keys import ensure_keys
from governance.people import update_register
from governance.roles import ROLES, Grant
from pipelines.cli import asking
from pipelines.cli.episodes.opening import episodes
from pipelines.services import control
from pipelines.store.client import connect
from pipelines.store.sinks import StorePosts
from tests.conftest import Home
from tests.pipelines.cli.conftest import Typed
from tests.pipelines.store.conftest import build_posts

NOW = 1_790_000_000_000
"""2026-09-21 22:13:20 in Beijing."""
PLACE = "河南省郑州市巩义市某镇某村"
TABLES = ("episode_facts", "episode_events", "episode_posts")
LONG = "aa11" + "0" * 28


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def stored(home: Path, *facts: dict[str, Any]) -> None:
    """Facts as the follower writes them."""
    standard = {
        "version": 1, "kind": "help", "place": PLACE, "level": "village", "adcode": "410181", "lat": 34.7, "lon": 113.0,
        "radius_m": 900, "needs": ["rescue"], "hazards": [], "people": 5, "vulnerable": ["elderly"], "priority": 1,
        "callers": 2, "relays": 3, "posts": 5, "first_at": moment(NOW - 3_600_000), "last_at": moment(NOW - 60_000),
        "last_posted_at": moment(NOW), "proposed": "", "proposed_by": ("", ""), "proposed_at": moment(0), "rank": 1.0,
        "reasons": ["trapped"], "evidence": [], "offers": [],
    }  # fmt: skip
    rows = [standard | one for one in facts]
    with connect(control.connection(home)) as client:
        client.insert("episode_facts", [list(row.values()) for row in rows], column_names=list(rows[0]))


@pytest.fixture(scope="module")
def store(home: Home) -> Iterator[Typed]:
    """Three episodes, one of them with two posts in the store."""
    with connect(control.connection(home.path)) as client:
        for table in TABLES:
            client.command(f"TRUNCATE TABLE {table}")
        client.insert(
            "episode_posts",
            [["weibo", post, LONG, "call", "tel-9", moment(NOW), 1] for post in ("e1", "e2")],
            column_names=["platform", "post_id", "episode_id", "role", "caller_token", "at", "version"],
        )
    sink = StorePosts(control.connection(home.path))
    sink.open()
    texts = ["某村三楼有人被困 <CN_MOBILE>", "=HYPERLINK(1) 转发"]
    views = ["<PLACE>三楼有人被困 <CN_MOBILE>", "=HYPERLINK(1) 转发"]
    keys = {"id": ["e1", "e2"], "platform": ["weibo"] * 2, "phone_tokens": [["tel-9"], ["tel-9"]]}
    sink.apply(build_posts(texts, text_l2=views, **keys))
    sink.close()
    proposal = {"proposed": "closed", "proposed_by": ("weibo", "e9"), "proposed_at": moment(NOW)}
    evidence = {"evidence": [("weibo", "e2"), ("weibo", "e1")], "offers": [("weibo", "o1", 3.5)]}
    stored(
        home.path,
        {"episode_id": LONG, "rank": 9.0, **evidence},
        {"episode_id": "aa22", "rank": 8.0, **proposal},
        {"episode_id": "bb33", "rank": 1.0, "adcode": "420106", "place": "", "priority": 3},
    )
    yield Typed(home.path)
    home.empty()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The commands' clock: NOW, or so many minutes after it."""

    def later(minutes: int) -> None:
        now = (NOW + 60_000 * minutes) * 1_000_000
        monkeypatch.setattr(asking, "time", SimpleNamespace(time_ns=lambda: now))

    later(0)
    return later


def typed(store: Typed, *arguments: str, code: int = 0) -> Any:
    return store.run("episodes", *arguments, code=code)


def ledger(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "audit" / "jobs.jsonl").read_bytes().splitlines()]


COMMANDS = [
    ("episode.see", "list"), ("episode.see", "show", "ab"), ("episode.act", "verify", "ab"),
    ("episode.act", "dispatch", "ab", "--unit", "boats"), ("episode.act", "arrive", "ab"),
    ("episode.act", "close", "ab", "--note", "x"), ("episode.act", "reopen", "ab"),
    ("episode.act", "reject-proposal", "ab"), ("episode.act", "merge", "ab", "cd"),
    ("episode.act", "split", "ab", "--posts", "p1"), ("episode.act", "note", "ab", "x"),
    ("episode.act", "called", "ab"), ("episode.see", "called", "ab", "--look"),
    ("episode.see", "handover", "--from", "0"), ("episode.act", "handover", "--from", "0", "--shift", "x"),
    ("episode.export", "export", "ab", "--as", "cap", "--output", "-"),
]  # fmt: skip


def test_operators_and_rescuers_may_and_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office, tokens = Typed(tmp_path), {}
    ensure_keys(office.path)

    def change(register: Any) -> Any:
        for role in ROLES:
            register, tokens[role] = register.with_person(f"a-{role}")
            register = register.with_grant(f"a-{role}", Grant(role, "founder", 0))
        return register

    update_register(office.path, change)
    assert {command[1] for command in COMMANDS} == {one.name for one in episodes.registered_commands}
    expected = []
    for action, *command in COMMANDS:
        for role in ("viewer", "analyst", "operator", "rescuer", "auditor", "admin"):
            monkeypatch.setenv(asking.TOKEN, tokens[role])
            done = office.run("episodes", *command, code=1)
            if role in ("operator", "rescuer"):
                assert b"ClickHouse is not up" in done.stderr, (role, command)
            else:
                assert b"needs the role" in done.stderr, (role, command)
                expected.append((f"a-{role}", f"{action}.refused"))
    entries = map(json.loads, (office.path / "audit" / "cli.jsonl").read_bytes().splitlines())
    assert [(entry["actor"], entry["action"]) for entry in entries] == expected


@pytest.mark.services
def test_the_list_is_ranked_and_has_no_token(store: Typed, clock: Callable[[int], None]) -> None:
    rows = [json.loads(line) for line in typed(store, "list", "--format", "json").stdout.splitlines()]
    assert [row["episode_id"] for row in rows] == [LONG, "aa22", "bb33"]
    assert not [name for name in rows[0] if "token" in name]
    table = typed(store, "list", "--adcode", "410100").stdout.decode()
    assert re.findall("(?m)^ ([ab]{2}\\d+)", table) == [LONG[:12], "aa22"]
    for word in ("id", "priority", PLACE, "rescue", "unverified", "2026-09-21 14:12:20+00:00"):
        assert word in table
    for wrong in (("--state", "done"), ("--kind", "fire"), ("--adcode", "41")):
        assert wrong[0].encode() in typed(store, "list", *wrong, code=2).stderr


@pytest.mark.services
def test_show_quotes_masked_posts_only_and_is_written_down(store: Typed) -> None:
    shown = typed(store, "show", "aa11").stdout.decode()
    for word in ("<PLACE>三楼有人被困 <CN_MOBILE>", "o1", "trapped", "weibo", "call"):
        assert word in shown
    assert "某村三楼" not in shown
    assert "tel-9" not in shown
    entry = ledger(store.path)[-1]
    assert (entry["action"], entry["subject"]) == ("episode.show", f"episode {LONG}")
    (row,) = [json.loads(line) for line in typed(store, "show", "aa11", "--format", "json").stdout.splitlines()]
    assert [post["post_id"] for post in row["evidence"]] == ["e2", "e1"]
    assert row["numbers"] == 1


@pytest.mark.services
def test_a_night_at_the_desk(store: Typed, clock: Callable[[int], None], tmp_path: Path) -> None:
    """One home, several commands: what is done, refused, written down, and what the next shift reads."""
    stored(store.path, *({"episode_id": f"cc{n}", "rank": 5.0 - n, "adcode": "330106"} for n in (1, 2, 3)))
    typed(store, "verify", "cc1", "--as", "ann", "--note", "phoned the village office")
    done = typed(store, "dispatch", "cc1", "--unit", "3rd company", "--deadline", "30m", "--as", "ann")
    event = re.search(rb"cc1 is dispatched, 3rd company \(event (\w+)\)", done.stderr)
    assert event
    told = typed(store, "dispatch", "cc1", "--unit", "boats", "--as", "bob", code=2).stderr
    assert b"cc1 is dispatched (dispatch 3rd company by ann at 2026-09-21 14:13:20 UTC)" in told
    assert b"only arrive, close; --again" in told
    assert b"has changed since you looked" in typed(store, "arrive", "cc1", "--seen", "none", code=2).stderr
    clock(5)
    typed(store, "arrive", "cc1", "--seen", event[1].decode())
    typed(store, "note", "cc2", "boats wait for light")
    typed(store, "merge", "cc3", "cc2", "--as", "bob")
    assert b"--note is empty" in typed(store, "close", "cc2", "--note", " ", code=2).stderr
    entries = [entry for entry in ledger(store.path) if entry["subject"] in ("episode cc1", "episode cc3")]
    assert [(entry["action"], entry["detail"].get("as")) for entry in entries] == [
        ("episode.verify", "ann"), ("episode.dispatch", "ann"),
        ("episode.arrive", asking.account()), ("episode.merge", "bob"),
    ]  # fmt: skip
    assert (entries[1]["detail"]["unit"], entries[3]["detail"]["into"]) == ("3rd company", "cc2")
    assert "village office" not in json.dumps(entries)  # the ledger holds no free text of a note
    clock(60)
    paper = tmp_path / "note.txt"
    typed(store, "handover", "--from", str(NOW), "--shift", "看好水库", "--as", "ann", "--output", str(paper))
    note = paper.read_text(encoding="utf-8")
    for words in (
        "时段：2026-09-21 22:13 至 2026-09-21 23:13（北京时间）", "交班人：ann", "交班留言：看好水库",
        "cc1　已到达　3rd company　期限09-21 22:43【超期】", "09-21 22:13　cc1　ann　核实：phoned the village office",
        "09-21 22:18　cc3　bob　并入另一起　→ cc2", "aa22　帖文 weibo/e9 称已解决",
    ):  # fmt: skip
        assert words in note, words
    assert "cc3　待核实" not in note  # it is part of another now
    told = typed(store, "export", "cc3", "--as", "ticket-json", "--output", "-", code=2).stderr
    assert b"cc3 was merged into cc2: export that one" in told
    assert "看好水库" in typed(store, "show", "cc1").stdout.decode()


@pytest.mark.services
def test_call_before_phoning_again(store: Typed, clock: Callable[[int], None]) -> None:
    stored(store.path, {"episode_id": "dd1", "adcode": "330106"})
    assert typed(store, "called", "dd1", "--look", "--format", "json").stdout == b""
    typed(store, "called", "dd1", "--as", "ann", "--note", "nobody answered")
    clock(3)
    again = typed(store, "called", "dd1", "--as", "bob", "--format", "json", code=2)
    (call,) = [json.loads(line) for line in again.stdout.splitlines()]
    assert (call["actor"], call["note"], call["at"]) == ("ann", "nobody answered", "2026-09-21T14:13:20Z")
    assert b"somebody has phoned already (called by ann" in again.stderr
    typed(store, "called", "dd1", "--as", "bob", "--again")
    table = typed(store, "called", "dd1", "--look").stdout.decode()
    assert table.index("ann") < table.index("bob")


@pytest.mark.services
def test_proposals_and_splits(store: Typed) -> None:
    typed(store, "reject-proposal", "aa22")
    assert b"no post proposes" in typed(store, "reject-proposal", "aa22", code=2).stderr
    assert b"it has no such post" in typed(store, "split", "aa11", "--posts", "e1,e7", code=2).stderr
    assert b"at least one stays" in typed(store, "split", "aa11", "--posts", "e1,weibo/e2", code=2).stderr
    typed(store, "split", "aa11", "--posts", "e2")
    assert ledger(store.path)[-1]["detail"]["posts"] == ["weibo/e2"]


# arguments, words on stderr
WRONG = [
    (("verify", "aa"), "more than one begins so"),
    (("verify", "zz"), "there is none"),
    (("verify", "张三 13812345678"), "no id of an episode"),
    (("dispatch", "aa11", "--unit", " "), "--unit is empty"),
    (("dispatch", "aa11", "--unit", "x", "--deadline", "2020-01-01T00:00:00+08:00"), "has passed"),
    (("dispatch", "aa11", "--unit", "x", "--deadline", "soon"), "RFC 3339"),
    (("dispatch", "aa11", "--unit", "队长 13812345678"), "--unit holds a CN_MOBILE"),
    (("note", "aa11", "家属电话一三八一二三四五六七八"), "the note holds a CN_MOBILE"),
    (("note", "aa11", " "), "the note is empty"),
    (("note", "aa11", "x" * 2_001), "2,000 fit"),
    (("note", "aa11", "x", "--as", "a\nb"), "--as: a name"),
    (("handover", "--from", "2099-01-01T00:00:00+08:00"), "has not come yet"),
    (("export", "aa11", "aa22", "--as", "cap", "--output", "-"), "one episode"),
    (("export", "aa11", "--as", "cap", "--status", "Actual", "--output", "-"), "--sender is missing"),
    (("export", "aa11", "--as", "cap", "--updates", "/nowhere/x.xml", "--output", "-"), "cannot be read"),
]


@pytest.mark.services
def test_what_is_refused_leaves_no_trace(store: Typed) -> None:
    def events() -> Any:
        return store.one("SELECT count() FROM episode_events")

    before, entries = events(), len(ledger(store.path))
    for arguments, words in WRONG:
        told = typed(store, *arguments, code=2).stderr.decode()
        assert words in told, arguments
        assert "1381234" not in told
        assert "一三八" not in told
    assert (events(), len(ledger(store.path))) == (before, entries)


@pytest.mark.services
def test_exports_are_masked_and_written_down(store: Typed, tmp_path: Path, clock: Callable[[int], None]) -> None:
    table, message = tmp_path / "orders.csv", tmp_path / "cap.xml"
    typed(store, "export", "aa11", "bb33", "--as", "ticket-csv", "--output", str(table))
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    first, second = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"), newline=""))
    assert (first["工单编号"], first["事发地点"], second["区划代码"]) == (f"YQ-{LONG[:16]}", PLACE, "420106")
    assert "<PLACE>三楼有人被困 <CN_MOBILE>" in first["诉求内容"]
    assert first["联系方式"].startswith("原帖留有电话1个，加密存放，需授权查看")
    orders = json.loads(typed(store, "export", "bb33", "--as", "ticket-json", "--output", "-").stdout)
    assert [order["紧急程度"] for order in orders] == ["一般"]
    typed(store, "export", "aa11", "--as", "cap", "--output", str(message))
    clock(10)
    public = ("--status", "Actual", "--scope", "Public", "--sender", "duty@city.example", "--updates", str(message))
    told = typed(store, "export", "aa11", "--as", "cap", *public, "--output", "-").stdout.decode()
    for words in ("<msgType>Update</msgType>", "河南省郑州市巩义市", "<references>draft@yuqing.invalid,yuqing-aa11"):
        assert words in told
    assert "某村" not in told
    assert "三楼" not in told
    entries = [entry for entry in ledger(store.path) if entry["action"] == "episode.export"]
    assert [(entry["subject"], entry["detail"]["as"]) for entry in entries] == [
        (f"episode {LONG}", "ticket-csv"), ("episode bb33", "ticket-csv"), ("episode bb33", "ticket-json"),
        (f"episode {LONG}", "cap"), (f"episode {LONG}", "cap"),
    ]  # fmt: skip
    assert entries[-1]["detail"] == {"as": "cap", "status": "Actual", "scope": "Public"}
