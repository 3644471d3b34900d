"""The ledger's copy in the store: complete, once, and good for finding what was done to the files."""

from __future__ import annotations

import json
import threading
from functools import partial
from pathlib import Path

import pytest

from governance.audit import Ledger, verify
from pipelines.store.audit import LedgerCopy, copied_entries
from pipelines.store.client import connect
from pipelines.store.notify import service

pytestmark = pytest.mark.services


def test_a_copy_that_fails_asks_again_how_far_it_came_and_holds_up_no_alert(
    clickhouse_server, rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = "copy-fails"
    monkeypatch.setattr(service, "COPY_LEDGER_S", 0.0)
    rounds: list[int] = []
    stop = threading.Event()

    class Deliveries:
        def __init__(self, *_: object, **__: object) -> None: ...

        def close(self) -> None: ...

        def round(self, _: object) -> None:
            rounds.append(1)
            if len(rounds) == 2:  # the first copy met a folder that it cannot read
                (tmp_path / "audit" / "damaged.jsonl").rmdir()
            if len(rounds) == 4:
                stop.set()

    monkeypatch.setattr(service, "Dispatcher", Deliveries)
    with Ledger(tmp_path, writer, lambda: 1_700_000_000_000) as ledger:
        ledger.append("ann", "look", "dashboard")
    (tmp_path / "audit" / "damaged.jsonl").mkdir()
    connection = partial(connect, clickhouse_server.settings("notifier"))
    service.run(connection, [], stop, 0.01, tmp_path)
    assert len(rounds) == 4
    assert rows(f"SELECT seq FROM audit_log WHERE writer = '{writer}'") == [(0,)]


def test_a_copy_goes_on_where_it_stopped_and_shows_what_was_altered(clickhouse_server, rows, tmp_path: Path) -> None:
    writer = "copy-test"  # the table is shared by all tests of the session
    with Ledger(tmp_path, writer, lambda: 1_700_000_000_000) as ledger:
        for number in range(3):
            ledger.append("ann", "look", f"dashboard {number}", {"reason": "值班"})
        with connect(clickhouse_server.settings("notifier")) as client:
            assert LedgerCopy(client, tmp_path).round() == 3
            again = LedgerCopy(client, tmp_path)
            assert again.round() == 0
            ledger.append("bo", "look", "dashboard 3")
            assert (again.round(), again.round()) == (1, 0)
    found = rows(f"SELECT seq, actor, subject, detail FROM audit_log WHERE writer = '{writer}' ORDER BY seq")
    assert [row[:3] for row in found[:2]] == [(0, "ann", "dashboard 0"), (1, "ann", "dashboard 1")]
    assert json.loads(found[0][3]) == {"reason": "值班"}
    copies = [entry for entry in copied_entries(clickhouse_server.settings()) if entry["writer"] == writer]
    assert verify(tmp_path, exported=copies).ok
    path = tmp_path / "audit" / f"{writer}.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"seq":1,' not in line))
    assert "copy-test/1: removed" in str(verify(tmp_path, exported=copies).problems[0])
