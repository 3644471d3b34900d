"""The tagger of names and places, with the shipped model."""

from __future__ import annotations

import random

import numpy as np
import pytest

from schemas.errors import ModelError
from tests.udfs.pii import identifiers as make
from udfs.checks import check_udf
from udfs.pii import registry
from udfs.pii.names import is_shared, refine_person, refine_place
from udfs.pii.step import Mask
from udfs.pii.tagger import GAP, NameTagger, lay_out


@pytest.fixture(scope="module")
def tagger():
    return NameTagger()


@pytest.fixture(scope="module")
def step():
    step = Mask(mask_places=True)
    step.open()
    return step


def test_the_step_with_names_keeps_the_contract_of_steps():
    check_udf(Mask())


def test_it_is_a_batched_recogniser(tagger):
    assert isinstance(tagger, registry.BatchedRecogniser)


def test_a_text_alone_gives_what_it_gives_in_a_batch(tagger):
    r = random.Random(5)
    texts = [make.han(r, r.randint(0, 80)) + r.choice(["王建国", "张女士说", "", "在人民医院"]) for _ in range(60)]
    batch = tagger.analyze_batch(texts)
    for text, spans in zip(texts, batch, strict=True):
        (alone,) = tagger.analyze_batch([text])
        assert [span[:3] for span in alone] == [span[:3] for span in spans]
        assert np.allclose([span.score for span in alone], [span.score for span in spans], atol=1e-4)


def test_the_gap_is_wider_than_the_reach_of_the_network(tagger):
    probabilities, (start, *_) = tagger.probabilities(["王建国来了", "的" * 20])
    alone, (at, *_) = tagger.probabilities(["王建国来了"])
    assert np.allclose(probabilities[start : start + 5], alone[at : at + 5], atol=1e-5)
    assert GAP > 7


def test_layout_takes_any_text():
    table = np.full(0x10000, 2, np.int32)
    ids, pairs, mask, starts = lay_out(["", "\ud83d", "😀a", "急"], table)
    assert len(ids) == len(pairs) == len(mask) == 4 + GAP * 5
    assert mask.sum() == 4
    assert [int(ids[at]) for at in starts[1:]] == [2, 1, 2]


def test_analyze_is_presidios_interface(tagger):
    results = tagger.analyze("联系人王建国，电话13800001234", ["PERSON"])
    assert [(r.entity_type, r.start, r.end) for r in results] == [("PERSON", 3, 6)]


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="training/pii"):
        NameTagger(tmp_path)


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("张女士说", (0, 1), "张女士"),
        ("张女士说", (0, 3), "张女士"),
        ("张伟老师", (0, 4), "张伟"),
        ("张伟老师", (0, 2), "张伟"),
        ("欧阳女士", (0, 2), "欧阳女士"),
        ("张，", (0, 1), None),
        ("老师好", (0, 2), None),
        ("“王建国”", (0, 5), "王建国"),
        ("abc", (0, 3), None),
        ("阿·卜杜", (0, 4), "阿·卜杜"),
        ("王 建", (0, 3), None),
        ("何林来了", (0, 2), "何林"),
        ("小李还在", (0, 3), "小李"),
    ],
)
def test_where_a_name_ends(text, span, expected):
    refined = refine_person(text, *span)
    assert (refined and text[slice(*refined)]) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("幸福小区", "幸福小区"),
        ("河南省郑州市二七区建设路", "建设路"),
        ("郑州市二七区", None),
        ("孙杏村镇范庄村", "范庄村"),
        ("中国", None),
        ("黄河", None),
        ("嵩山", None),
        ("金水区人民医院", "金水区人民医院"),
        ("河南省人民医院", "河南省人民医院"),
        ("河南省郑州市第一中学", "郑州市第一中学"),
        ("建设路街道", None),
        ("阳光社区", "阳光社区"),
        ("，幸福小区。", "幸福小区"),
    ],
)
def test_what_a_shared_place_is(place, expected):
    refined = refine_place(place, 0, len(place))
    assert (refined and place[slice(*refined)]) == expected


@pytest.mark.parametrize("place", ["河南省", "郑州市", "二七区", "米河镇", "中牟县", "解放路街道"])
def test_provinces_cities_counties_and_towns_are_no_shared_places(place):
    assert not is_shared(place)
