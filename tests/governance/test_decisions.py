"""Model decisions in the ledger: each batch is proven, folded or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.audit import Decisions, Ledger, verify
from udfs.checks import sample_batch


def batch(ids: list[str], **columns: list[Any]) -> Any:
    return sample_batch(["text of a post"] * len(ids), {"id": ids, "offset": list(range(len(ids))), **columns})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, "worker", lambda: 1_700_000_000_000, durable=False)


def test_an_entry_a_batch_says_which_model_decided_what(ledger: Ledger, tmp_path: Path) -> None:
    entry = Decisions(ledger, "opinion").record(batch(["a", "b", "c"], priority=[1, 4, 4]), now=0)
    assert entry is not None
    assert (entry.actor, entry.action, entry.subject) == ("opinion", "model.batch", "none@0")
    assert {name: entry.detail[name] for name in ("posts", "first", "last", "priorities")} == {
        "posts": 3,
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
    decisions = Decisions(ledger, "opinion")
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
    whole = Decisions(ledger, "opinion").record(batch(["a", "b", "c"]), 0)
    assert entry is not None
    assert whole is not None
    assert (entry.detail["digest"], entry.detail["posts"]) == (whole.detail["digest"], 3)
    assert folded.flush() is None


def test_another_model_begins_another_entry_and_flush_writes_the_rest(ledger: Ledger, tmp_path: Path) -> None:
    folded = Decisions(ledger, "opinion", fold_ms=10_000)
    folded.record(batch(["a"], model=["old@1"]), 0)
    folded.record(batch(["b"], model=["new@2"]), 1)
    folded.record(batch([]), 2)
    folded.flush()
    assert [(e.subject, e.detail["posts"]) for e in ledger.newest_first()] == [("new@2", 1), ("old@1", 1)]
    assert verify(tmp_path).ok
