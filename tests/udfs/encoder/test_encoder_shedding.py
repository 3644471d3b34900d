"""`classify` above capacity: which posts get the light model's labels, what stays the same, and that it is said."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from structlog.testing import capture_logs

from schemas.errors import UsageError
from schemas.records import CLASSIFIED, KEYWORD
from udfs.checks import check_udf
from udfs.encoder.bundle import Bundle, load_bundle
from udfs.encoder.shedding import Overload, SheddingClassify, _suspects, lag_ms
from udfs.encoder.step import Classify

NOW = 1_700_000_000_000
LATE = NOW - 60_000
WHOLE, LIGHT = load_bundle().model, load_bundle("wide").model + "+shed"


@pytest.mark.parametrize(
    ("lags", "states"),
    [
        ([0, 29_999, 30_000, 29_999, 10_000, 9_999, 10_000], "..###.."),
        ([None, 30_000, None, 9_999, None], ".##.."),
        ([10_000, 20_000, 29_999], "..."),
    ],
)
def test_overload_begins_at_one_lag_and_ends_at_a_smaller_one(lags: list[int | None], states: str) -> None:
    overload = Overload(30, 10)
    assert "".join("#" if overload.see(lag) else "." for lag in lags) == states


@pytest.mark.parametrize(("on", "off"), [(10, 10), (10, 11), (0, 0), (10, -1)])
def test_thresholds_in_the_wrong_order_are_refused(on: float, off: float) -> None:
    with pytest.raises(UsageError, match=r"overload\.back_s"):
        Overload(on, off)


@pytest.mark.parametrize(
    ("published", "lag"),
    [
        ([NOW - 5_000], 5_000),
        ([NOW - 4_000, NOW - 5_000, NOW - 9_000_000], 5_000),  # one record with a clock of its own
        ([NOW + 7_000], 0),
        ([0, -1, None, NOW - 5_000], 5_000),  # a record without a time
        ([0, None], None),
        ([], None),
    ],
)
def test_lag_is_the_median_of_what_is_known(published: list[int | None], lag: int | None) -> None:
    batch = pa.RecordBatch.from_pydict({"timestamp": pa.array(published, pa.int64())})
    assert lag_ms(batch, NOW) == lag


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


def batch_of(texts: list[str], published: int = LATE, keywords: list[list[dict[str, Any]]] | None = None) -> Any:
    count = len(texts)
    return pa.RecordBatch.from_pydict(
        {
            "text": pa.array(texts, pa.string()),
            "language": pa.array(["zh"] * count),
            "keywords": pa.array(keywords or [[]] * count, pa.list_(KEYWORD)),
            "timestamp": pa.array([published] * count, pa.int64()),
        }
    )


@pytest.fixture(scope="module")
def opened() -> Iterator[SheddingClassify]:
    """The shipped bundles, loaded once; each test begins with empty caches and a stream that keeps up."""
    step = SheddingClassify(clock=Clock())
    step.open()
    yield step
    step.close()


@pytest.fixture
def step(opened: SheddingClassify) -> SheddingClassify:
    for classify in (opened, opened._light):
        classify._memo.clear()
    opened._overload.on = False
    opened._clock = Clock()
    return opened


@pytest.fixture(scope="module")
def plain() -> Iterator[Classify]:
    step = Classify()
    step.open()
    yield step
    step.close()


def rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = batch.select(CLASSIFIED.names).to_pylist()
    return found


HASHTAG = {"rule": "flood-help", "category": "灾情求助", "term": "求助", "critical": False}
CASES = [
    ("今天的火锅真好吃，朋友们都很开心", [], LIGHT),
    ("又堵车了，气死我了", [], LIGHT),
    ("水到二楼了，奶奶下不来，谁有船", [], WHOLE),
    ("我有两条皮划艇，可以免费去接人", [], WHOLE),
    ("今天的火锅真好吃，朋友们都很开心", [HASHTAG], WHOLE),
    ("车上有孕妇，路不通，谁能帮忙联系一下", [], WHOLE),  # no word of the lexicons: the light model tells
    ("小区旁边的墙塌了，路过的小心", [], WHOLE),
    ("#燃气泄漏# 今天的火锅真好吃，朋友们都很开心", [], WHOLE),
]


@pytest.mark.parametrize(("text", "keywords", "model"), CASES, ids=range(len(CASES)))
def test_only_posts_that_cannot_be_calls_are_shed(step: SheddingClassify, text: str, keywords: Any, model: str) -> None:
    assert rows(step.apply(batch_of([text], keywords=[keywords])))[0]["model"] == model


@pytest.mark.parametrize(
    ("help_score", "needs", "call"),
    [(0.05, [], True), (0.0499, [], False), (0.0, [{"need": "offer", "score": 0.5}], True)],
)
def test_the_light_model_need_not_be_sure(help_score: float, needs: list[dict[str, Any]], call: bool) -> None:
    decided = ("neutral", 0.5, "neutral", 0.5, "none", 0.5, help_score, needs)
    assert _suspects((decided, b"", None)) == call


def test_kept_rows_are_those_of_classify_and_shed_ones_those_of_the_light_model(
    step: SheddingClassify, plain: Classify
) -> None:
    batch = batch_of([text for text, _, _ in CASES], keywords=[keywords for _, keywords, _ in CASES])
    light = Classify("wide")
    light.open()
    whole, wide = rows(plain.apply(batch)), rows(light.apply(batch))
    for at, row in enumerate(rows(step.apply(batch))):
        if row["model"] == LIGHT:
            assert row == wide[at] | {"model": LIGHT}
            assert (row["embedding"], row["hints"], row["needs"]) == ([], None, [])
        else:
            assert row == whole[at]


def test_a_stream_that_keeps_up_sheds_nothing(step: SheddingClassify, plain: Classify) -> None:
    batch = batch_of([text for text, _, _ in CASES], published=NOW - 29_000)
    assert step.apply(batch).equals(plain.apply(batch))


def test_it_comes_back_when_the_stream_does(step: SheddingClassify) -> None:
    text = CASES[0][0]
    models = [
        rows(step.apply(batch_of([text], published=NOW - seconds * 1000)))[0]["model"] for seconds in (29, 30, 10, 9)
    ]
    assert models == [WHOLE] * 4, "a post in the cache costs nothing, so it keeps its labels"
    step._memo.clear()
    models = [
        rows(step.apply(batch_of([f"{text} {seconds}"], published=NOW - seconds * 1000)))[0]["model"]
        for seconds in (29, 30, 10, 9)
    ]
    assert models == [WHOLE, LIGHT, LIGHT, WHOLE]


def test_labels_of_the_light_model_are_not_kept_for_later(step: SheddingClassify) -> None:
    text = CASES[1][0]
    assert rows(step.apply(batch_of([text])))[0]["model"] == LIGHT
    assert rows(step.apply(batch_of([text], published=NOW)))[0]["model"] == WHOLE


def test_begin_and_end_are_said_once_and_without_text(step: SheddingClassify) -> None:
    clock = Clock()
    step._clock = clock
    with capture_logs() as said:
        for text, published in [("早上好呀", NOW), ("晚安朋友们", LATE), ("今天的面真好吃", LATE)]:
            step.apply(batch_of([text], published=published))
        clock.now += 90_000
        for text in ("晚上吃火锅", "明天也吃火锅"):
            step.apply(batch_of([text], published=clock.now))
    assert said == [
        {
            "event": "overload: shedding begins",
            "log_level": "warning",
            "step": "classify",
            "lag_s": 60,
            "model": LIGHT.removesuffix("+shed"),
        },
        {
            "event": "overload: shedding ends",
            "log_level": "warning",
            "step": "classify",
            "seconds": 90,
            "posts": 2,
            "shed": 2,
        },
    ]


def test_a_light_bundle_has_nothing_to_shed(tmp_path: Path, tiny_bundle: Callable[..., Bundle]) -> None:
    step = SheddingClassify(str(tiny_bundle(tmp_path).path), clock=Clock())
    step.open()
    assert {row["model"] for row in rows(step.apply(batch_of(["早上好呀", "晚安"])))} == {"tiny@0.1.0"}


@pytest.mark.parametrize("behind_s", [0, 3_600])
def test_the_contract_of_steps_holds_while_the_stream_keeps_up_and_while_it_does_not(behind_s: int) -> None:
    """The sample's records were published at 1,600,000,000 s. Between the two states a row changes, on purpose."""
    check_udf(SheddingClassify(clock=Clock((1_600_000_000 + behind_s) * 1000)))


def test_pickles_with_its_options() -> None:
    step = pickle.loads(pickle.dumps(SheddingClassify("wide", lag_s=5, back_s=1, cache_size=7)))
    assert (step.bundle, step.cache_size, step._light.cache_size) == ("wide", 7, 7)
    assert step._overload.see(5_000)
