"""The step `classify`: the contract of steps, consistency of its columns, the cache."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from schemas import records
from schemas.errors import ModelError, UsageError
from udfs.checks import check_udf
from udfs.encoder.bundle import BUNDLES, Bundle
from udfs.encoder.step import Classify

Make = Callable[..., Bundle]
SHIPPED = sorted(path.parent.name for path in BUNDLES.glob("*/bundle.json"))
POSTS = [
    "水到二楼了，奶奶下不来，谁有船",
    "今天的火锅真好吃，开心",
    "气死我了，又堵车",
    "Trapped on the roof, water is rising, please send a boat",
    "我有两条皮划艇，可以免费去接人",
    "",
    "<CN_MOBILE>",
]


def batch_of(texts: list[str | None], language: str = "zh") -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "id": pa.array(map(str, range(len(texts)))),
            "text": pa.array(texts, pa.string()),
            "language": pa.array([language] * len(texts), pa.string()),
        }
    )


def opened(bundle: str | None, **options: int) -> Classify:
    step = Classify(bundle, **options)
    step.open()
    return step


@pytest.mark.parametrize("bundle", SHIPPED)
def test_shipped_bundles_keep_the_contract_of_steps(bundle: str) -> None:
    check_udf(Classify(bundle))


@pytest.mark.parametrize(
    "options", [{"cache_size": 0}, {"cache_size": 2}, {"batch_texts": 1}, {"batch_texts": 3, "cache_size": 5}]
)
def test_cache_and_batch_change_no_result(tmp_path: Path, options: dict[str, int], tiny_bundle: Make) -> None:
    path = str(tiny_bundle(tmp_path).path)
    texts = [*POSTS, *POSTS[::-1], *(f"第{i}条" for i in range(40)), *POSTS]
    plain = opened(path).apply(batch_of(texts))
    assert opened(path, **options).apply(batch_of(texts)).equals(plain)
    step = opened(path, **options)
    one_by_one = [step.apply(batch_of([text])).select(records.CLASSIFIED.names).to_pylist()[0] for text in texts]
    assert one_by_one == plain.select(records.CLASSIFIED.names).to_pylist()


def test_cache_is_bounded_and_forgets_the_oldest(tmp_path: Path, tiny_bundle: Make) -> None:
    step = opened(str(tiny_bundle(tmp_path).path), cache_size=2)
    step.apply(batch_of(["一", "二", "三"]))
    assert [step.holds((text, "zh")) for text in "一二三四"] == [False, True, True, False]
    step.apply(batch_of(["二"]))
    step.apply(batch_of(["四"]))
    assert [step.holds((text, "zh")) for text in "一二三四"] == [False, True, False, True]


@pytest.mark.parametrize("bundle", [*SHIPPED, "tiny"])
def test_columns_agree_with_one_another(bundle: str, tmp_path: Path, tiny_bundle: Make) -> None:
    path = str(tiny_bundle(tmp_path).path) if bundle == "tiny" else bundle
    step = opened(path)
    assert step.loaded is not None
    from_help = step.loaded.heads["help"].threshold[0]
    texts = [*POSTS, *(chr(0x4E00 + 37 * i) * 3 + chr(0x5000 + 91 * i) for i in range(120))]
    for row in step.apply(batch_of(texts)).to_pylist():
        names = [need["need"] for need in row["needs"]]
        scores = [need["score"] for need in row["needs"]]
        assert row["sentiment"] in records.SENTIMENTS
        assert row["emotion"] in records.EMOTIONS
        assert set(names) <= set(records.NEEDS)
        assert len(names) == len(set(names))
        assert scores == sorted(scores, reverse=True)
        assert row["need"] == (names[0] if names else "none")
        if names:
            assert row["need_score"] == scores[0]
        asks = any(name != "offer" for name in names)
        assert asks == (row["help_score"] >= from_help) or abs(row["help_score"] - from_help) < 1e-4
        assert all(0 <= row[key] <= 1 for key in ("sentiment_score", "emotion_score", "need_score", "help_score"))
        assert row["model"] == step.loaded.model


def test_null_text_and_language_are_read_as_empty_and_chinese(tmp_path: Path, tiny_bundle: Make) -> None:
    step = opened(str(tiny_bundle(tmp_path).path))
    nulls = batch_of([None]).set_column(2, "language", pa.array([None], pa.string()))
    assert (
        step.apply(nulls).to_pylist()[0]["sentiment_score"]
        == step.apply(batch_of([""])).to_pylist()[0]["sentiment_score"]
    )


def test_language_picks_the_prior(tmp_path: Path, tiny_bundle: Make) -> None:
    step = opened(str(tiny_bundle(tmp_path).path))
    chinese, english, other = (step.apply(batch_of([""], code)).to_pylist()[0] for code in ("zh", "en", "und"))
    assert chinese["help_score"] == other["help_score"] != english["help_score"]


def test_wrong_options_and_bundles_are_named(tmp_path: Path, tiny_bundle: Make) -> None:
    with pytest.raises(UsageError, match=r"model\.memo is -1"):
        Classify(cache_size=-1)
    with pytest.raises(UsageError, match="batch_texts is 0"):
        Classify(batch_texts=0)
    with pytest.raises(UsageError, match="batch_tokens is 0"):
        Classify(batch_tokens=0)
    with pytest.raises(ModelError, match="open"):
        Classify().apply(batch_of(["a"]))
    tiny_bundle(tmp_path, outputs=5)
    with pytest.raises(ModelError, match="5 outputs, its labels are 18"):
        opened(str(tmp_path))


def test_pickles_before_open_and_after(tmp_path: Path, tiny_bundle: Make) -> None:
    step = pickle.loads(pickle.dumps(Classify(str(tiny_bundle(tmp_path).path))))
    step.open()
    assert step.apply(batch_of(["水"])).num_rows == 1
    step.close()
    step.close()


TELLING = [
    ("水已经淹到胸口，我和奶奶被困在屋顶，求救援，请派冲锋舟", "zh", {"need": "rescue"}),
    ("孩子奶粉没了，断水断电两天，急需饮用水和食物", "zh", {"need": "supplies"}),
    ("哈哈哈今天太开心了，火锅好好吃", "zh", {"sentiment": "positive", "emotion": "happy", "need": "none"}),
    ("作业太多了救救我😂", "zh", {"need": "none"}),
    ("气死我了，这什么破服务，垃圾", "zh", {"sentiment": "negative", "emotion": "angry", "need": "none"}),
    ("What a wonderful day, I love it!", "en", {"sentiment": "positive", "need": "none"}),
]


@pytest.mark.parametrize("bundle", SHIPPED)
def test_shipped_bundles_know_plain_cases(bundle: str) -> None:
    step = opened(bundle)
    for text, language, expected in TELLING:
        found = step.apply(batch_of([text], language)).to_pylist()[0]
        assert {key: found[key] for key in expected} == expected, TELLING.index((text, language, expected))
