"""The memo of `classify`: what it answers, forgets and counts, and that no result changes by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import ModelError, UsageError
from schemas.settings import load
from udfs.checks import check_udf
from udfs.encoder.bundle import Bundle
from udfs.encoder.memo import DEFAULT, Memo
from udfs.encoder.shedding import SheddingClassify
from udfs.encoder.step import Classify

Make = Callable[..., Bundle]

# size, batches of texts -> texts the model saw per batch, (texts, remembered, folded)
CASES: list[tuple[int, list[str], list[str], tuple[int, int, int]]] = [
    (0, ["aab", "ab"], ["ab", "ab"], (5, 0, 1)),  # 0 folds copies of a batch and remembers nothing
    (2, ["aab", "ab"], ["ab", ""], (5, 2, 1)),
    (2, ["aab", "aacc"], ["ab", "c"], (7, 2, 2)),
    (2, ["ab", "a", "c", "b"], ["ab", "", "c", "b"], (5, 1, 0)),  # asked for again, a outlives b
    (1, ["abc", "c", "a"], ["abc", "", "a"], (5, 1, 0)),  # more new ones than it holds: the last stays
    (9, ["", "a", ""], ["", "a", ""], (1, 0, 0)),
]


@pytest.mark.parametrize(("size", "batches", "asked", "counts"), CASES)
def test_answers_copies_and_counts_them(
    size: int, batches: list[str], asked: list[str], counts: tuple[int, int, int]
) -> None:
    memo: Memo[str, str] = Memo(size)
    seen: list[str] = []

    def model(keys: Sequence[str]) -> list[str]:
        seen[-1] += "".join(keys)
        return [key.upper() for key in keys]

    for batch in batches:
        seen.append("")
        assert memo.answers(list(batch), model) == {key: key.upper() for key in batch}
        assert len(memo) <= size
    assert seen == asked
    assert memo.counted() == dict(zip(("texts", "remembered", "folded"), counts, strict=True))
    memo.clear()
    assert memo.counted() == {"texts": 0, "remembered": 0, "folded": 0}
    assert "a" not in memo


def test_a_batch_that_fails_counts_and_keeps_nothing() -> None:
    memo: Memo[str, str] = Memo(5)
    memo.answers(["a"], list)

    def broken(keys: Sequence[str]) -> list[str]:
        raise ModelError("no")

    with pytest.raises(ModelError):
        memo.answers(["a", "b", "b"], broken)
    assert "b" not in memo
    assert memo.counted() == {"texts": 1, "remembered": 0, "folded": 0}
    with pytest.raises(ValueError, match="zip"):  # a model that forgets a text is no answer for the others
        memo.answers(["b", "c"], lambda keys: ["b"])
    assert "b" not in memo


@pytest.mark.parametrize("memo", [0, 1, 1000])
def test_steps_keep_their_contract_and_give_the_same_bits(memo: int, tmp_path: Path, tiny_bundle: Make) -> None:
    path = str(tiny_bundle(tmp_path).path)
    check_udf(Classify(path, cache_size=memo))
    texts = ["水到二楼了", "谁有船", "水到二楼了", "", "谁有船", "好"]
    rows = pa.RecordBatch.from_pydict({"text": texts, "language": ["zh"] * len(texts)})
    plain, step = Classify(path, cache_size=0), Classify(path, cache_size=memo)
    for each in (plain, step):
        each.open()
    for batch in (rows, rows.slice(2), rows.slice(0, 3), rows):
        assert step.apply(batch).equals(plain.apply(batch))
    # batches have 6, 4, 3, 6 texts, of which 4, 4, 2, 4 are distinct; of each a memo of 1 keeps the last new one
    assert (
        step.counted()
        == {
            0: {"texts": 19, "remembered": 0, "folded": 5},
            1: {"texts": 19, "remembered": 4, "folded": 4},
            1000: {"texts": 19, "remembered": 13, "folded": 2},
        }[memo]
    )


def test_the_setting_reaches_the_job_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    from pipelines.jobs.opinion import opinion
    from pipelines.jobs.site import Site

    for live in (False, True):
        for overrides, size in (((), DEFAULT), (("model.memo=7",), 7), (("model.memo=0",), 0)):
            job = opinion(Site(tmp_path, load(overrides=("store.url=http://127.0.0.1:1", *overrides)), live=live))
            step = next(step for step in job.steps if isinstance(step, Classify))
            assert step.cache_size == size
            assert isinstance(step, SheddingClassify) == live
    with pytest.raises(UsageError, match=r"model\.memo"):
        load(overrides=("model.memo=-1",))
    with pytest.raises(UsageError, match=r"model\.memo is -1"):
        Memo(-1)
