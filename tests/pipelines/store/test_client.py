"""Errors come out as "wait" or "refused", and never with data; retries are bounded."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.jobs.site import Site
from pipelines.store.client import StoreSettings, connect, translated, with_retries
from schemas.errors import StoreError, StoreUnavailable, UsageError
from schemas.settings import Settings, StoreSection


@pytest.mark.parametrize("url", ["", "127.0.0.1:8123", "clickhouse://host:9000", "http://"])
def test_a_url_that_is_none(url):
    with pytest.raises(UsageError, match=r"store\.url"):
        connect(StoreSettings(url))


def test_settings_pickle_and_hide_the_password():
    settings = StoreSettings("http://127.0.0.1:8123", "yuqing", "very-secret")
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert "very-secret" not in repr(settings)


def test_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(StoreUnavailable):
        connect(StoreSettings(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (500, "241", StoreUnavailable),
        (500, "252", StoreUnavailable),
        (503, "745", StoreUnavailable),
        (502, None, StoreUnavailable),
        (503, None, StoreUnavailable),
        (500, "60", StoreError),
        (403, "497", StoreError),
        (404, None, StoreError),
    ],
)
def test_answers_are_translated(status, code, error):
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            if code:
                self.send_header("X-ClickHouse-Exception-Code", code)
            self.end_headers()
            self.wfile.write(b"refused")

        do_GET = do_POST

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with pytest.raises(error):
            connect(StoreSettings(f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.services
@pytest.mark.parametrize(
    ("sql", "settings", "error"),
    [
        ("SELEC 1", {}, StoreError),
        ("SELECT nothing FROM posts", {}, StoreError),
        ("SELECT * FROM no_such_table", {}, StoreError),
        ("SELECT uniqExact(number) FROM numbers(10000000)", {"max_memory_usage": 1_000_000}, StoreUnavailable),
        ("SELECT count() FROM system.numbers WHERE NOT ignore(number)", {"max_execution_time": 0.2}, StoreUnavailable),
    ],
)
def test_errors_of_the_real_server(clickhouse, sql, settings, error):
    with connect(clickhouse) as client, pytest.raises(error, match="query"), translated("query"):
        client.query(sql, settings=settings)


@pytest.mark.services
def test_an_inserts_error_quotes_no_data(clickhouse):
    secret = "三号楼二单元"
    with connect(clickhouse) as client, pytest.raises(StoreError) as caught, translated("insert", detail=False):
        client.raw_insert("posts", ["platform", "post_id", "version"], f"a\tb\t{secret}\n".encode(), fmt="TSV")
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "CANNOT_PARSE" in str(caught.value)


def test_retries_wait_for_the_store_and_give_up_in_time():
    calls = []

    def third_time():
        calls.append(1)
        if len(calls) < 3:
            raise StoreUnavailable("down")
        return "stored"

    assert with_retries(third_time, give_up_after_s=5, first_wait_s=0.001) == "stored"
    assert len(calls) == 3

    def never():
        raise StoreUnavailable("down")

    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        with_retries(never, give_up_after_s=0.2, first_wait_s=0.01)
    assert time.monotonic() - started < 5


def test_refusals_are_not_retried():
    calls = []

    def refused():
        calls.append(1)
        raise StoreError("no such table")

    with pytest.raises(StoreError):
        with_retries(refused, give_up_after_s=5)
    assert len(calls) == 1


def test_a_store_of_ones_own_is_never_asked_as_the_pipeline_in_place_of_a_person(tmp_path):
    site = Site(tmp_path, Settings(store=StoreSection(url="http://store:8123", user="pipe", password="p")))
    assert (site.store.user, site.store.password) == ("pipe", "p")
    with pytest.raises(UsageError, match=r"store\.passwords is missing.* operator"):
        site.store_as("operator")
    (tmp_path / "analyst").write_text("secret\n")
    section = StoreSection(url="http://store:8123", password_file=tmp_path / "analyst", passwords=tmp_path)
    site = Site(tmp_path, Settings(store=section))
    analyst = site.store_as("analyst")
    assert (analyst.user, analyst.password, analyst.url) == ("analyst", "secret", "http://store:8123")
    assert (site.store.user, site.store.password) == ("yuqing", "secret")
    with pytest.raises(UsageError, match=r"store\.passwords: .*operator cannot be read"):
        site.store_as("operator")
