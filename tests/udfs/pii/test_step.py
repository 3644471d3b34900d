"""The mask step: the contract of steps, exact offsets, nothing unmasked on failure."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RecordError, UsageError
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


def test_a_copy_is_read_once_and_gets_the_same(step, monkeypatch):
    texts = ["王小明在郑州等救援", "下雨了", "王小明在郑州等救援", "电话13512345678", "下雨了"]
    alone = [step.find([text])[0] for text in texts]
    read = []
    identifiers = step.identifiers
    monkeypatch.setattr(step, "identifiers", lambda text: read.append(text) or identifiers(text))
    assert step.find(texts) == alone
    assert sorted(read) == sorted(set(texts))


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


class FindsPlaces:
    """A batched recogniser with known answers, in place of the tagger."""

    def load(self):
        pass

    def analyze_batch(self, texts):
        found = [[] for _ in texts]
        for spans, text in zip(found, texts, strict=True):
            at = text.find("幸福小区")
            if at >= 0:
                spans.append(Span("PLACE", at, at + 4, 0.9))
            at = text.find("王小明")
            if at >= 0:
                spans.append(Span("PERSON", at, at + 3, 0.9))
        return found


TEXT = "王小明13800001234在幸福小区3号楼2单元501"


@pytest.mark.parametrize(
    ("mask_places", "expected", "standing"),
    [
        (False, "<PERSON><CN_MOBILE>在幸福小区<ADDRESS>", ["幸福小区"]),
        (True, "<PERSON><CN_MOBILE>在<PLACE><ADDRESS>", []),
    ],
)
def test_shared_places_stand_and_are_pointed_out_unless_told_otherwise(mask_places, expected, standing):
    step = Mask(names=False, mask_places=mask_places)
    step.open()
    step._batched = [FindsPlaces()]
    row = step.apply(_batch(TEXT)).to_pylist()[0]
    assert row["text"] == expected
    assert [row["text"][p["start"] : p["end"]] for p in row["place_spans"]] == standing


def _allow(tmp_path, **changed):
    entry = {
        "name": "王小明",
        "office": "市长",
        "from": "2026-01-01",
        "until": "2026-12-31",
        "approved_by": "张",
    } | changed
    file = tmp_path / "allow.yaml"
    lines = "".join(f"    {key}: {value}\n" for key, value in entry.items() if value)
    file.write_text(f"office_holders:\n  -\n{lines}", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(("today", "stands"), [("2026-06-01", True), ("2027-01-01", False), ("2025-12-31", False)])
def test_an_office_holder_stands_during_the_term_only(tmp_path, today, stands):
    step = Mask(names=False, allow_list=_allow(tmp_path), today=today)
    step.open()
    step._batched = [FindsPlaces()]
    assert ("王小明" in step.apply(_batch(TEXT)).to_pylist()[0]["text"]) is stands


@pytest.mark.parametrize("key", ["office", "until", "approved_by"])
def test_an_allow_list_without_office_term_or_approval_is_refused(tmp_path, key):
    with pytest.raises(UsageError, match=key):
        Mask(names=False, allow_list=_allow(tmp_path, **{key: ""}), today="2026-06-01").open()
