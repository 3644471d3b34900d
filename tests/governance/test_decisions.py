"""Model decisions in the ledger: every batch is proven, folded or not, and kill -9 loses none."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from governance.audit import Decisions, Ledger, RecordDecisions, untaken, verify
from governance.audit.decisions import take
from schemas.errors import JobError
from udfs.checks import check_udf, sample_batch


def batch(ids: list[str], **columns: list[Any]) -> Any:
    return sample_batch(["text of a post"] * len(ids), {"id": ids, "offset": list(range(len(ids))), **columns})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, "worker", lambda: 1_700_000_000_000, durable=False)


def entries(home: Path, writer: str = "worker") -> list[tuple[str, Any]]:
    with Ledger(home, writer, lambda: 1_700_000_000_000, durable=False, seal_every_ms=None) as ledger:
        return [(entry.subject, entry.detail.get("posts")) for entry in ledger.newest_first()]


def test_an_entry_says_which_model_decided_what(ledger: Ledger, tmp_path: Path) -> None:
    entry = Decisions(ledger, "opinion", 0).record(batch(["a", "b", "c"], priority=[1, 4, 4]), now=7)
    assert entry is not None
    assert (entry.actor, entry.action, entry.subject) == ("opinion", "model.batch", "none@0")
    assert {name: value for name, value in entry.detail.items() if name != "digest"} == {
        "posts": 3,
        "batches": 1,
        "since": 7,
        "first": "sample/0/0",
        "last": "sample/0/2",
        "priorities": ["1:1", "4:2"],
    }
    assert "text of a post" not in (tmp_path / "audit" / "worker.jsonl").read_text()


CHANGES: list[tuple[dict[str, list[Any]], bool]] = [
    ({}, True),
    ({"text": ["x", "y"]}, True),
    ({"need": ["rescue", "none"]}, False),
    ({"sentiment": ["negative", "neutral"]}, False),
    ({"priority": [4, 1]}, False),
    ({"id": ["b", "a"]}, False),
    ({"platform": ["weibo", "douyin"]}, False),
]


@pytest.mark.parametrize(("change", "same"), CHANGES)
def test_the_digest_changes_with_every_decision(ledger: Ledger, change: dict[str, list[Any]], same: bool) -> None:
    decisions = Decisions(ledger, "opinion", 0)
    change = dict(change)
    ids = change.pop("id", ["a", "b"])
    one = decisions.record(batch(["a", "b"]), 0)
    two = decisions.record(batch(ids, **change), 0)
    assert one is not None
    assert two is not None
    assert (one.detail["digest"] == two.detail["digest"]) is same


def test_folded_batches_give_the_digest_of_one_batch(ledger: Ledger) -> None:
    folded = Decisions(ledger, "opinion", fold_ms=1000)
    assert folded.record(batch(["a"]), 0) is None
    assert folded.record(batch(["b"]), 999) is None
    entry = folded.record(batch(["c"]), 1000)
    folded.close()
    whole = Decisions(ledger, "opinion", 0).record(batch(["a", "b", "c"]), 0)
    assert entry is not None
    assert whole is not None
    assert (entry.detail["digest"], entry.detail["posts"]) == (whole.detail["digest"], 3)


def test_another_model_begins_another_entry_and_close_writes_the_rest(ledger: Ledger, tmp_path: Path) -> None:
    folded = Decisions(ledger, "opinion")
    folded.record(batch(["a"], model=["old@1"]), 0)
    folded.record(batch(["b"], model=["new@2"]), 1)
    folded.record(batch([]), 2)
    folded.close()
    folded.close()
    assert entries(tmp_path) == [("new@2", 1), ("old@1", 1)]
    assert verify(tmp_path).ok


KILLED = """
import os, signal, sys
from pathlib import Path
from governance.audit import Decisions, Ledger
from udfs.checks import sample_batch

ledger = Ledger(Path(sys.argv[1]), "worker", lambda: 1_700_000_000_000, durable=False)
decisions = Decisions(ledger, "opinion")
for ids in (["a"], ["b", "c"]):
    decisions.record(sample_batch(["x"] * len(ids), {"id": ids}), 0)
if sys.argv[2] == "after the entry":
    os.ftruncate = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    decisions.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["before the entry", "after the entry"])
def test_what_a_killed_worker_decided_is_recorded_once(tmp_path: Path, moment: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    assert untaken(tmp_path) == ["worker"]
    ledger = Ledger(tmp_path, "worker", lambda: 1_700_000_000_001, durable=False)
    Decisions(ledger, "opinion").close()
    ledger.close()
    assert entries(tmp_path) == [("none@0", 3)]
    assert untaken(tmp_path) == []
    assert verify(tmp_path).ok


def test_a_damaged_draft_is_noted(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "audit" / "worker.draft").write_bytes(b'{"actor": "opin')
    Decisions(ledger, "opinion")
    entry = next(ledger.newest_first())
    assert (entry.action, entry.detail) == ("audit.recovered", {"draft_bytes": 15})


def test_workers_at_once_take_writers_of_their_own_and_later_ones_the_same_again(tmp_path: Path) -> None:
    held = [take(tmp_path, "opinion", "run") for _ in range(3)]
    assert [ledger.writer for ledger, _ in held] == ["opinion-0", "opinion-1", "opinion-2"]
    ledger, decisions = held[1]
    decisions.close()
    ledger.close()
    assert take(tmp_path, "opinion", "run")[0].writer == "opinion-1"
    with pytest.raises(JobError, match="are there that many workers"):
        take(tmp_path, "opinion", "run", most=3)


def test_the_step(tmp_path: Path) -> None:
    step = pickle.loads(pickle.dumps(RecordDecisions(tmp_path, "opinion", "opinion-1", fold_ms=0)))
    step.open()
    rows = batch(["a", "b"])
    assert step.apply(rows) is rows
    step.close()
    step.close()
    assert entries(tmp_path, "opinion-0") == [("none@0", 2)]
    check_udf(RecordDecisions(tmp_path, "opinion"))


def test_a_ledger_that_cannot_be_written_is_no_records_fault(tmp_path: Path) -> None:
    step = RecordDecisions(tmp_path, "opinion", fold_ms=0)
    step.open()
    assert step._ledger is not None
    os.close(step._ledger._journal._handle)
    with pytest.raises(JobError, match="cannot be written"):
        step.apply(batch(["a"]))


def test_a_ledger_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file")
    with pytest.raises(JobError, match="cannot be opened"):
        RecordDecisions(tmp_path, "opinion").open()
