"""The tagger of names and places, with the shipped model."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from schemas.errors import ModelError
from tests.udfs.pii import identifiers as make
from udfs.checks import check_udf
from udfs.pii import registry
from udfs.pii.names import SURNAME_AND_TITLE, is_shared, refine_person, refine_place
from udfs.pii.step import Mask
from udfs.pii.tagger import (
    AROUND,
    GAP,
    LONGEST,
    MODEL,
    POSSIBLE,
    READ_MOST,
    SURE,
    NameTagger,
    doubtful,
    end_to_end,
    lay_out,
    pieces,
)


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


def layout(*texts: str) -> tuple[np.ndarray, np.ndarray]:
    """What is asked about and the mask of texts laid end to end: ! is a character asked about, _ any other."""
    mask = np.zeros(GAP + sum(len(text) + GAP for text in texts), np.float32)
    asked = mask > 0
    at = GAP
    for text in texts:
        mask[at : at + len(text)] = 1
        asked[at : at + len(text)] = [char == "!" for char in text]
        at += len(text) + GAP
    return asked, mask


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        (["", "___"], []),
        (["_" * 40], []),
        (["!__"], [(0, 0, 3)]),
        (["_" * 30 + "!" + "_" * 30], [(0, 30 - AROUND, 31 + AROUND)]),
        (["_" * 30 + "!"], [(0, 30 - AROUND, 31)]),
        (["!" + "_" * 2 * AROUND + "!"], [(0, 0, 2 * AROUND + 2)]),
        (["!" + "_" * 2 * AROUND + "_!"], [(0, 0, AROUND + 1), (0, AROUND + 2, 2 * AROUND + 3)]),
        (["__!", "___", "!_"], [(0, 0, 3), (2, 0, 2)]),
        (["", "!", "", "_!"], [(1, 0, 1), (3, 0, 2)]),
    ],
)
def test_the_second_network_reads_around_possible_names_and_in_no_other_text(texts, expected):
    begins = np.cumsum([GAP, *[len(text) + GAP for text in texts]])
    found = pieces(*layout(*texts))
    owners = [int(np.searchsorted(begins, piece.start, "right")) - 1 for piece in found]
    assert [(i, p.start - begins[i], p.stop - begins[i]) for i, p in zip(owners, found, strict=True)] == expected
    assert all(piece.opens == piece.start and piece.closes == piece.stop for piece in found)


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1, 2 * LONGEST - 2 * AROUND, 500])
def test_a_long_stretch_is_read_in_pieces_and_each_character_decided_once_with_its_surroundings(length):
    found = pieces(*layout("!" * length))
    assert [at for piece in found for at in range(piece.opens, piece.closes)] == list(range(GAP, GAP + length))
    assert max(piece.stop - piece.start for piece in found) <= LONGEST
    assert all(a.closes == b.opens == a.stop - AROUND == b.start + AROUND for a, b in pairwise(found))


def test_padding_changes_nothing(tagger):
    texts = ["孙丽", "昨天王建国来了", "联系人李小明，他和陈芳一起在学校门口等着，旁边还有张女士和她的孩子"]
    together, starts = tagger.probabilities(texts)
    for text, start in zip(texts, starts, strict=True):
        alone, (at,) = tagger.probabilities([text])
        assert np.allclose(together[start : start + len(text)], alone[at : at + len(text)], atol=1e-4)
    assert together[starts[1] + 2 : starts[1] + 5, 1:3].sum(1).min() > 0.5


def test_the_second_network_decides_about_people(tagger, monkeypatch):
    text = "联系人王建国在幸福小区门口"
    monkeypatch.setattr("udfs.pii.tagger.SURE", 2)
    assert {span.type for span in tagger.analyze_batch([text])[0]} == {"PERSON", "PLACE"}
    monkeypatch.setattr(tagger, "_second", lambda ids, **_: np.zeros((*ids.shape, 3), np.float32))
    assert {span.type for span in tagger.analyze_batch([text])[0]} == {"PLACE"}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("王建国来了", "王建国"),
        ("@王建国 来了", ""),
        ("@王建国：陈芳", "陈芳"),
        ("＠王建国", ""),
        ("a@王建国，陈芳@李四", "陈芳"),
        ("@" + "一二三四五六七八九十王建国", "王建国"),
        ("王建国@", "王建国"),
    ],
)
def test_the_second_network_is_asked_where_the_first_doubts_but_not_about_mentions(text, asked):
    points, mask, (start,) = end_to_end([text])
    chance = [(POSSIBLE + SURE) / 2 if char in "王建国陈芳李四" else 0 for char in text]
    person = np.concatenate([np.zeros(start), chance, np.zeros(len(mask) - start - len(text))]).astype(np.float32)
    found = doubtful(person, points)
    assert "".join(text[at - start] for at in np.flatnonzero(found)) == asked
    assert not doubtful(np.where(person > 0, SURE + 0.01, 0), points).any()
    assert not doubtful(np.where(person > 0, POSSIBLE / 2, 0), points).any()


def test_a_name_of_which_the_first_network_is_sure_stays(tagger, monkeypatch):
    monkeypatch.setattr("udfs.pii.tagger.SURE", 0.06)
    monkeypatch.setattr(tagger, "_second", lambda ids, **_: np.zeros((*ids.shape, 3), np.float32))
    assert [span[:3] for span in tagger.analyze_batch(["联系人王建国在门口"])[0]] == [("PERSON", 3, 6)]


def test_of_a_text_of_nothing_but_names_the_second_network_reads_no_more_than_it_may(tagger, monkeypatch):
    read = []
    second = tagger._second

    def counted(ids, lengths, mask):
        read.append(int(lengths.sum()))
        return second(ids=ids, lengths=lengths, mask=mask)

    monkeypatch.setattr(tagger, "_second", counted)
    texts = ["李先生一" * 5000, "昨天王建国来了"]
    names, other = tagger.analyze_batch(texts)
    assert sum(read) <= READ_MOST + len(texts[1])
    masked = {at for span in names if span.type == "PERSON" for at in range(span.start, span.end)}
    shown = [at for at in range(len(texts[0])) if at % 4 == 0 and at not in masked]
    assert len(shown) == 0, f"{len(shown)} names stand, the first at {min(shown)}"
    assert [span[:3] for span in other] == [("PERSON", 2, 5)], "another text of the batch is read as ever"


def test_a_lower_probability_finds_all_that_a_higher_does_and_more():
    r = random.Random(8)
    texts = [make.han(r, r.randint(5, 30)) + r.choice(["王建国", "小陈说", "孙"]) + make.han(r, 9) for _ in range(150)]
    eager, careful = (
        [{at for span in spans if span.type == "PERSON" for at in range(span.start, span.end)} for spans in found]
        for found in (
            NameTagger(person_from=0.02).analyze_batch(texts),
            NameTagger(person_from=0.9).analyze_batch(texts),
        )
    )
    assert sum(map(len, eager)) > sum(map(len, careful)) > 0
    assert all(spans or not few for spans, few in zip(eager, careful, strict=True))


def test_the_tagger_has_presidios_interface(tagger):
    from udfs.pii.presidio import PresidioNames

    results = PresidioNames(tagger).analyze("联系人王建国，电话13800001234", ["PERSON"])
    assert [(r.entity_type, r.start, r.end) for r in results] == [("PERSON", 3, 6)]


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="training/pii"):
        NameTagger(tmp_path)
    for name in ("vocabulary.npz", "tagger.onnx", "person.npz"):
        (tmp_path / name).write_bytes((MODEL / name).read_bytes())
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
        ("常女士说", (0, 1), "常女士"),
        ("洪大爷的", (0, 1), "洪大爷"),
    ],
)
def test_where_a_name_ends(text, span, expected):
    refined = refine_person(text, *span)
    assert (refined and text[slice(*refined)]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("电话（万先生）", "万先生"),
        ("医疗对接：尚医生", "尚医生"),
        ("联系常女士", "常女士"),
        ("赖大爷走散了", "赖大爷"),
        ("语文老师", None),
        ("时尚女士", None),
        ("和女士说好", None),
        ("向老师学习", None),
        ("公安同学", None),
        ("洪水来了", None),
        ("常老，师", None),
    ],
)
def test_a_surname_and_a_title_that_are_no_part_of_another_word(text, expected):
    match = SURNAME_AND_TITLE.search(text)
    assert (match and match[0]) == expected


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
