"""Nothing that was planted stands anywhere in clear: what ran well, what failed, and what people did afterwards.

`flooded` is the real job over posts and broken lines with planted values in text, author, url, region and extra. Here
more is broken: a step that quotes the post in its exception, a store that quotes the row in its own,
a query that fails on a value. Then every table, every file of the home and everything that was said is searched
for each planted value in each form in which it might have been written.

Not searched: the feed, which holds them by right, and ClickHouse's own files, which are compressed: what is in them is
read through SQL.
"""

from __future__ import annotations

import base64
import json
import time
import traceback
import unicodedata
import urllib.parse

import pyarrow as pa
import pytest
from structlog.testing import capture_logs

from pipelines.engines.chain import Chain
from pipelines.jobs.opinion import opinion
from pipelines.jobs.site import Site
from pipelines.services import control
from pipelines.store.client import connect
from pipelines.store.sinks import DeadLetterSink
from schemas.errors import StoreError
from schemas.records import DEAD_LETTER, RAW
from schemas.step import Step
from tests.pipelines.jobs.conftest import PLANTED
from udfs.parse import Parse

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

NUMERALS = str.maketrans("零一二三四五六七八九", "0123456789")


def forms(value: str) -> set[bytes]:
    """How a value might stand in a file: as it is, without separators, in ASCII digits, escaped, encoded."""
    plain = unicodedata.normalize("NFKC", value)
    written = {value, plain, "".join(plain.split())}
    if any(character in value for character in "零一二三四五六七八九"):
        written.add(plain.translate(NUMERALS))
    found = set()
    for text in written:
        raw = text.encode()
        found |= {raw, json.dumps(text)[1:-1].encode(), urllib.parse.quote(text).encode(), text.encode("utf-16-le")}
        found |= {text.encode("utf-16-be"), raw.hex().encode(), base64.b64encode(raw)[: len(raw) // 3 * 4]}
        found.add("".join(f"\\x{byte:02x}" for byte in raw).encode() if not text.isascii() else raw)
    return found


NEEDLES = {name: forms(value) for name, value in PLANTED.items()}


def planted_in(content: bytes) -> set[str]:
    """Names of the planted values that stand in ``content``."""
    return {name for name, needles in NEEDLES.items() if any(needle in content for needle in needles)}


def raw_batch(text: str) -> pa.RecordBatch:
    post = {"id": "careless", "text": text, "author": PLANTED["author"], "url": PLANTED["url"]}
    row = {"source": "leaks", "partition": "leaks", "offset": 0, "timestamp": 0, "ingested_at": 0}
    return pa.RecordBatch.from_pylist([row | {"raw": json.dumps(post, ensure_ascii=False).encode()}], schema=RAW)


class Careless(Step):
    """Fails before anything is masked, and quotes what it failed on, as libraries do."""

    name = "careless"
    reads = ("text", "author", "url")
    writes = pa.schema([("text", pa.string())])

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        raise ValueError(f"cannot process {batch.to_pylist()}")


EVERYTHING = "，".join(PLANTED.values())


@pytest.fixture(scope="module")
def broken(home, flood_run):
    """Break things in the home of the flood; returns what was said: name -> bytes."""
    site = Site(home.path)
    said: dict[str, bytes] = {"the job": flood_run["stdout"]}
    with capture_logs() as logged:
        chain = Chain((Parse(), Careless()), opinion(site).dead_letters)
        chain.open()
        assert chain.run(raw_batch(EVERYTHING)).num_rows == 0
        chain.close()
    said["the log of a step that fails"] = repr(logged).encode()
    said["a store that refuses the row"] = refused(site)
    for name, code, *arguments in COMMANDS:
        done = home.run(*arguments, stdin=PLANTED["mobile"].encode(), code=code)
        said[name] = done.stderr if name in BY_RIGHT else done.stdout + done.stderr
        if name in BY_RIGHT:
            assert PLANTED["mobile"].encode() in done.stdout, "the vault holds what was planted"
    return said


COMMANDS = (
    ("reveal", 0, "reveal", "call-1", "--reason", "a boat is on its way", "--platform", "weibo"),
    ("subject find", 0, "subject", "find", "-", "--reason", "asked for by the person"),
    ("query that fails on a value", 1, "sql", "--role", "analyst", "SELECT toUInt64(text_l2) FROM v_posts"),
)
BY_RIGHT = {"reveal"}
"""Whose stdout is the one place where a planted value belongs."""


def refused(site: Site) -> bytes:
    """What the sink says when ClickHouse refuses a row and quotes it: rows in clear, as if nothing had been masked."""
    letter = {"source": "leaks", "partition": "leaks", "offset": 1, "step": "", "reason": EVERYTHING}
    dead = pa.RecordBatch.from_pylist([letter | {"raw": EVERYTHING.encode()}], schema=DEAD_LETTER)
    sink = DeadLetterSink(site.store, seal=lambda raw, *_: raw)
    with connect(site.store) as client:
        client.command("ALTER TABLE dead_letters ADD CONSTRAINT leaks CHECK reason = ''")
        try:
            with pytest.raises(Exception, match="VIOLATED_CONSTRAINT") as quoted:
                client.command(f"INSERT INTO dead_letters (reason) VALUES ('{PLANTED['mail']}')")
            assert PLANTED["mail"] in str(quoted.value), "the server does quote the row"
            sink.open()
            with pytest.raises(StoreError) as caught:
                sink.write(dead)
        finally:
            client.command("ALTER TABLE dead_letters DROP CONSTRAINT leaks")
    sink.close()
    return "".join(traceback.format_exception(caught.value)).encode()


def test_the_search_finds_each_value_in_the_feed_and_in_each_form(flood_run):
    assert planted_in(flood_run["feed"]) == set(PLANTED)
    for name, needles in NEEDLES.items():
        for needle in needles:
            assert name in planted_in(b"before " + needle + b" after")
    assert planted_in(b"13987650124 13987650125 13987650126") >= {
        "mobile with spaces", "mobile in full width", "mobile in numerals",
    }  # fmt: skip


def test_no_table_holds_a_planted_value(flooded, broken):
    leaks, rows = {}, 0
    with connect(control.connection(flooded.path)) as client:
        deadline = time.monotonic() + 60
        while True:  # the log of queries becomes a table with its first flush, which may be another thread's just now
            client.command("SYSTEM FLUSH LOGS")
            if client.query("EXISTS TABLE system.query_log").first_row[0] or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        tables = client.query(
            # names with a dot: a view that is being refreshed has a table for as long as that takes
            "SELECT database, name FROM system.tables WHERE engine NOT IN ('MaterializedView') AND "
            "NOT startsWith(name, '.') AND (database = 'yuqing' OR (database = 'system' AND endsWith(name, '_log')))"
        ).result_rows
        for database, table in tables:
            content = client.raw_query(f"SELECT * FROM {database}.`{table}`", fmt="RowBinary")
            rows += len(content)
            if found := planted_in(content):
                leaks[table] = found
            if table == "posts":
                assert b"call-disguised" in content, "the search reads what is stored"
    searched = {name for _, name in tables}
    assert searched >= {"posts", "pii_vault", "dead_letters", "audit_log", "alert_hits", "v_posts", "query_log"}
    assert rows
    assert leaks == {}


def test_no_file_of_the_home_holds_a_planted_value(flooded, broken, flood_run):
    deadline = time.monotonic() + 60
    while not (flooded.path / "alerts.jsonl").exists():  # the notifier delivers in its own time
        assert time.monotonic() < deadline, "no alert was delivered"
        time.sleep(0.2)
    leaks, read = {}, set()
    for path in flooded.path.rglob("*"):
        inside = path.relative_to(flooded.path)
        if not path.is_file() or inside.parts[:2] == ("clickhouse", "data") or inside.parts[0] == "kafka":
            continue
        read.add(str(inside))
        if found := planted_in(path.read_bytes()):
            leaks[str(inside)] = found
    assert (flood_run["savepoint"] / "_metadata").is_file()
    for wanted in (
        "savepoints/",
        "worker-",
        "spec.json",
        "audit/",
        "logs/",
        "alerts.jsonl",
        "command.log",
        "server.log",
    ):
        assert any(wanted in name for name in read), f"no {wanted} among the files that were read"
    assert leaks == {}


def test_nothing_that_was_said_holds_a_planted_value(broken):
    assert all(broken.values())
    assert {name: found for name, content in broken.items() if (found := planted_in(content))} == {}
