"""The mask step: the contract of steps, exact offsets, nothing unmasked on failure."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RecordError
from tests.udfs.pii import identifiers as make
from udfs.checks import check_udf
from udfs.pii.spans import Span, masked, resolve
from udfs.pii.step import Mask


@pytest.fixture(scope="module")
def step():
    step = Mask()
    step.open()
    return step


def _batch(*texts):
    return pa.RecordBatch.from_pydict({"text": list(texts), "language": ["zh"] * len(texts)})


def test_contract_of_steps():
    check_udf(Mask())


def test_text_spans_and_identifiers(step):
    text = "😀联系１３８００００１２３４，QQ:12345678"
    row = step.apply(_batch(text)).to_pylist()[0]
    assert row["text"] == "😀联系<CN_MOBILE>，QQ:<IM_ID>"
    assert [(p["type"], p["start"], p["end"]) for p in row["pii"]] == [("CN_MOBILE", 3, 14), ("IM_ID", 18, 26)]
    assert [i["value"] for i in row["identifiers"]] == ["１３８００００１２３４", "12345678"]


@given(
    st.lists(
        st.one_of(
            st.integers(0, 2**32).map(lambda n: make.mobile(random.Random(n))),
            st.integers(0, 2**32).map(lambda n: make.resident_id(random.Random(n))),
            st.sampled_from(
                ["😀", "👨‍👩‍👧", "1️⃣3️⃣", "ＡＢ１２", "電話", "繁體", " ", "\u200b", "é", "𝟏𝟑𝟖", "@小明 ", "日", "楼"]
            ),
            st.text(max_size=6),
        ),
        max_size=8,
    ).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_offsets_are_exact_and_nothing_else_changes(step, text):
    row = step.apply(_batch(text)).to_pylist()[0]
    at, parts = 0, []
    for span, held in zip(row["pii"], row["identifiers"], strict=True):
        assert at <= span["start"] < span["end"] <= len(text)
        assert held["value"] == text[span["start"] : span["end"]]
        parts += [text[at : span["start"]], f"<{span['type']}>"]
        at = span["end"]
    assert row["text"] == "".join(parts) + text[at:]
    assert [(p["type"], p["start"], p["end"]) for p in row["pii"]] == [
        (i["type"], i["start"], i["end"]) for i in row["identifiers"]
    ]


def test_a_failure_raises_without_the_text(step, monkeypatch):
    def broken(text):
        raise ValueError(f"cannot read {text}")

    monkeypatch.setattr(step._detector, "find", broken)
    with pytest.raises(RecordError) as caught:
        step.apply(_batch("我的秘密13800001234"))
    assert "13800001234" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_missing_text_is_refused(step):
    with pytest.raises(RecordError):
        step.apply(pa.RecordBatch.from_pydict({"text": pa.array([None], pa.string()), "language": ["zh"]}))


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([("A", 0, 4, 0.5), ("A", 0, 4, 0.9)], [("A", 0, 4, 0.9)]),
        ([("URL", 0, 8, 0.6), ("CN_MOBILE", 2, 6, 1.0)], [("URL", 0, 8, 0.6)]),
        ([("USERNAME", 0, 8, 0.7), ("CN_MOBILE", 4, 8, 0.9)], [("USERNAME", 0, 4, 0.7), ("CN_MOBILE", 4, 8, 0.9)]),
        ([("PERSON", 0, 3, 0.9), ("CN_ID", 3, 8, 0.6)], [("PERSON", 0, 3, 0.9), ("CN_ID", 3, 8, 0.6)]),
        ([("A", 0, 5, 0.9), ("B", 3, 8, 0.5)], [("A", 0, 5, 0.9), ("B", 5, 8, 0.5)]),
        ([("B", 0, 8, 0.5), ("A", 2, 4, 0.9)], [("B", 0, 2, 0.5), ("A", 2, 4, 0.9), ("B", 4, 8, 0.5)]),
    ],
)
def test_overlaps_leave_nothing_standing(spans, expected):
    assert resolve("abcdefgh", [Span(*s) for s in spans]) == [Span(*s) for s in expected]


def test_spans_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not fit"):
        masked("abc", [Span("A", 1, 9, 1.0)])
