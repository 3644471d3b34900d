"""What Flink hands over at once goes through the chain as one batch, whatever it was cut into; no Flink runs here."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines.engines.flink import _elements_a_batch
from pipelines.engines.flink_udfs import RunGenerated, RunSplits
from pipelines.engines.job import Job
from pipelines.engines.splits import LINES, SplitReader, splits_of
from pipelines.feeds.uri import parse
from pipelines.jobs.dead_letters import CountedDeadLetters


def worker(kind, *more):
    """A worker without Flink's context; the batches that went to its chain."""
    made = kind(Job("j", "p", "l", (), CountedDeadLetters()), "", None, *more)
    taken = []
    made._run, made._reader = taken.append, SplitReader()
    made._counts, made._note = {"dead_letters": 0}, lambda: None
    return made, taken


@pytest.mark.parametrize(
    ("posts", "handed", "rows"), [(1_200, [3], [1_200]), (1_200, [1, 2], [512, 688]), (5, [1], [5])]
)
def test_parts_of_a_generated_feed_become_one_batch(posts, handed, rows):
    uri = parse(f"generate:?posts={posts}&seed=3").uri  # which pins when the feed began
    run, taken = worker(RunGenerated, uri, posts, LINES)
    first = 0
    for count in handed:
        assert list(run.eval(pd.Series(range(first, first + count)))) == [1] * count
        first += count
    assert [batch.num_rows for batch in taken] == rows
    offsets = [offset for batch in taken for offset in batch.column("offset").to_pylist()]
    assert offsets == list(range(posts))
    alone = [SplitReader().read(split).column("raw").to_pylist() for split in splits_of(parse(uri))]
    assert [raw for batch in taken for raw in batch.column("raw").to_pylist()] == [
        raw for part in alone for raw in part
    ]


def test_an_unreadable_split_takes_none_of_its_neighbours_with_it(tmp_path: Path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"id":"{name}","text":"x"}}\n')
    splits = [next(iter(splits_of(parse(f"file://{tmp_path}/{name}.jsonl")))) for name in ("a", "b", "c")]
    (tmp_path / "b.jsonl").unlink()
    run, taken = worker(RunSplits)
    assert list(run.eval(pd.Series(splits))) == [1, 1, 1]
    assert [batch.column("raw").to_pylist() for batch in taken] == [
        [b'{"id":"a","text":"x"}', b'{"id":"c","text":"x"}']
    ]
    assert run._counts["dead_letters"] == run._job.dead_letters.count == 1


@pytest.mark.parametrize(
    ("source", "batch", "elements"),
    [
        ("kafka://127.0.0.1:9/posts", 700, 700),
        ("generate:?posts=10000", 2_048, 4),
        ("generate:?posts=10000", 100, 1),
        # a part of such a feed is what its rate gives: nothing to wait for
        ("generate:?posts=10000&rate=50", 2_048, 1),
        ("generate:", 2_048, 1),
    ],
)
def test_as_many_splits_as_a_batch_holds(source, batch, elements):
    assert _elements_a_batch(parse(source), batch) == elements
