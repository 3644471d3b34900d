"""The table of cases, and generated identifiers in random contexts."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.udfs.pii import identifiers as make
from tests.udfs.pii.cases import NEGATIVE, POSITIVE
from udfs.pii import registry


def _pairs(table):
    return [pytest.param(kind, case, id=f"{kind}-{i}") for kind, cases in table.items() for i, case in enumerate(cases)]


@pytest.mark.parametrize(("kind", "case"), _pairs(POSITIVE))
def test_is_found(find, kind, case):
    text, expected = case
    assert [value for found, value in find(text) if found == kind] == expected


@pytest.mark.parametrize(("kind", "text"), _pairs(NEGATIVE))
def test_stands(find, kind, text):
    assert [value for found, value in find(text) if found == kind] == []


def test_every_type_has_as_many_negatives_as_positives():
    kinds = {recogniser.ENTITY for recogniser in registry.identifier_recognisers()}
    assert kinds == set(POSITIVE) == set(NEGATIVE)
    assert {
        kind: len(NEGATIVE[kind]) - len(POSITIVE[kind]) for kind in kinds if len(NEGATIVE[kind]) < len(POSITIVE[kind])
    } == {}


@pytest.mark.parametrize(("right", "low", "high"), [(True, 1.0, 1.0), (False, 0.4, 0.99)])
@pytest.mark.parametrize("maker", [make.resident_id, make.uscc, make.bank_card])
def test_a_wrong_check_digit_lowers_the_score_and_is_found_all_the_same(detector, maker, right, low, high):
    r = random.Random(7)
    for _ in range(200):
        value = maker(r, right=right)
        scores = [span.score for span in detector.find(f"号{value}号") if span.end - span.start == len(value)]
        assert scores
        assert low <= max(scores) <= high


MAKERS = {
    "CN_MOBILE": (make.mobile, ""),
    "CN_LANDLINE": (make.landline, ""),
    "CN_ID": (make.resident_id, ""),
    "CN_PASSPORT": (make.passport, "护照"),
    "CN_PERMIT": (make.permit, "通行证"),
    "CN_PLATE": (make.plate, ""),
    "CN_USCC": (make.uscc, ""),
    "BANK_CARD": (make.bank_card, ""),
    "EMAIL_ADDRESS": (make.email, ""),
    "IP_ADDRESS": (make.ip_address, ""),
    "URL": (make.url, ""),
}
AROUND = st.text(alphabet="的是我在了人请打找电话急😀，。！：（）「」\n ́\u3000你電", max_size=12)


@pytest.mark.parametrize("kind", MAKERS)
@given(seed=st.integers(0, 2**32), before=AROUND, after=AROUND)
@settings(max_examples=150, deadline=None)
def test_valid_identifiers_are_found_in_any_context(find, kind, seed, before, after):
    maker, word = MAKERS[kind]
    value = maker(random.Random(seed))
    text = before + word + value + after
    covered = [found for _, found in find(text) if value in found or found in value]
    assert any(value in found for found in covered), (kind, value)


DISGUISES = {
    "full width": lambda d: d.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"}),
    "numerals": lambda d: d.translate(str.maketrans("0123456789", "零一二三四五六七八九")),
    "capital numerals": lambda d: d.translate(str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")),
    "3-4-4 spaces": lambda d: f"{d[:3]} {d[3:7]} {d[7:]}",
    "3-4-4 dashes": lambda d: f"{d[:3]}-{d[3:7]}-{d[7:]}",
    "3-4-4 dots": lambda d: f"{d[:3]}.{d[3:7]}.{d[7:]}",
    "3-4-4 点": lambda d: f"{d[:3]}点{d[3:7]}点{d[7:]}",
    "3-4-4 emoji": lambda d: f"{d[:3]}📞{d[3:7]}📞{d[7:]}",
    "each spaced": lambda d: " ".join(d),
    "each dashed": lambda d: "-".join(d),
    "keycaps": lambda d: "".join(c + "\ufe0f\u20e3" for c in d),
    "zero width": lambda d: "\u200b".join(d),
    "country code": lambda d: "+86" + d,
    "run into a date": lambda d: d + "24日晚",
    "run into an hour": lambda d: d + "8点",
    "twice": lambda d: d + d,
    "letter O": lambda d: d.replace("0", "O"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_no_digit_of_a_disguised_mobile_number_is_left(find, disguise, seed):
    r = random.Random(seed)
    number = make.mobile(r)
    if len(set(number)) == 1:
        return
    shown = DISGUISES[disguise](number)
    before = make.han(r, 5)
    # Two more numerals in front make a run of thirteen: without a word for phones no mobile number, in digits neither.
    assume(not before.endswith("一一"))
    text = before + shown + ("" if disguise.startswith("run") else make.han(r, 3))
    covered = "".join(value for kind, value in find(text) if kind == "CN_MOBILE")
    body = shown.removesuffix("24日晚").removesuffix("8点")
    assert covered.count(body[:3]) >= 1
    assert len(covered) >= len(body) - 1
