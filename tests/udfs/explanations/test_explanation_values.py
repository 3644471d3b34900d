"""How values are written, compared, hidden and cut out of pages."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.udfs.explanations.made_up import KIND, column, decision, spec
from udfs.explanations import pictures, values
from udfs.explanations.pictures import Wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("41010519900101123X", "41010*********123X"),
        ("6222020200112233445", "62220**********3445"),
        ("12345678", "12****78"),
        ("1234", "1**4"),
        ("123", "1**"),
        ("12", "**"),
        ("", ""),
    ],
)
def test_masked(text, expected):
    assert values.masked(text) == expected


@pytest.mark.parametrize(
    ("of", "value", "expected"),
    [
        (spec("", "amount"), 500000.0, "500,000 元"),
        (spec("", "amount"), 1234.5, "1,234.5 元"),
        (spec("", "area"), 96.25, "96.25 平方米"),
        (spec("", "area", unit="亩"), 3, "3 亩"),
        (spec("", "number", unit="米"), 12, "12 米"),
        (spec("", "number"), 12, "12"),
        (spec("", "percent"), 66.67, "66.67%"),
        (spec("", "date"), "2026-03-05", "2026年3月5日"),
        (spec("", "date"), "9999-12-31", "长期"),
        (spec("", "date"), "2026-3", "2026-3"),
        (spec("", "choice", choices={"road": ("行车道", "车行道")}), "road", "行车道"),
        (spec("", "choice", choices={True: ("同意",), False: ("不同意",)}), False, "不同意"),
        (spec("", "choice", choices={"road": ("行车道",)}), "river", "river"),
        (spec("", "text"), True, "是"),
        (column("", "amount"), 5, "5 元"),
        (None, 0.1 + 0.2, "0.3"),
        (None, float("nan"), "nan"),
        (None, None, ""),
        (None, ["a"], "['a']"),
    ],
)
def test_written(of, value, expected):
    assert values.written(of, value) == expected


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(1.0, "100.0%"), (0.99999, ">99.9%"), (0.9994, "99.9%"), (0.713, "71.3%"), (0.0, "0.0%"), (1.7, "100.0%")],
)
def test_share(confidence, expected):
    assert values.share(confidence) == expected


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("证号410105190001011234。", True),
        ("41010519900230123x", True),
        ("914101050000123456", False),  # a credit code: no date of birth in it
        ("X410105190001011234", False),  # part of something longer
        ("410105190013011234", False),  # month 13
        ("20260305", False),
    ],
)
def test_what_looks_like_an_identity_number_is_hidden_in_any_text(text, hidden):
    veil = values.Veil(KIND, decision(extraction=decision().extraction.__class__((), {})).extraction)
    assert ("*" in veil(text)) is hidden


# -- pieces of pages ---------------------------------------------------------------------------------------------------
def page(width: int = 1000, height: int = 1400) -> Image.Image:
    return Image.new("RGB", (width, height), "white")


@pytest.mark.parametrize(
    "box",
    [(0.4, 0.5, 0.6, 0.52), (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.02, 0.01), (0.98, 0.99, 1.0, 1.0), (-3.0, 0.2, 9.0, 0.3),
     (0.3, 0.30001, 0.30001, 0.3000101)],
)  # fmt: skip
def test_a_piece_has_a_size_that_fits_the_page_of_the_report(box):
    made = pictures.cut([Wanted(("a", 1, 0), box)], lambda *_: page(), {})
    (snippet,) = made.values()
    assert 0 < snippet.width <= pictures.WIDTH
    assert 0 < snippet.height <= pictures.HEIGHT


def test_pictures_may_be_bytes_and_are_not_painted_on():
    stored = io.BytesIO()
    page().save(stored, "PNG")
    given = page()
    hidden = {("a", 1, 0): [(0.1, 0.1, 0.9, 0.9)]}
    wanted = [Wanted(("a", 1, 0), (0.4, 0.5, 0.6, 0.52))]
    assert pictures.cut(wanted, lambda *_: stored.getvalue(), hidden) == pictures.cut(wanted, lambda *_: given, hidden)
    assert given.getcolors() == [(1_400_000, (255, 255, 255))]


def test_only_so_many_snippets_are_made_and_each_place_gives_one():
    wanted = [Wanted(("a", 1, 0), (0.1, n / 200, 0.2, n / 200 + 0.004)) for n in range(pictures.MOST + 20)]
    made = pictures.cut(wanted + wanted, lambda *_: page(), {})
    assert [snippet.number for snippet in made.values()] == list(range(1, pictures.MOST + 1))


def test_a_hidden_box_is_painted_over_to_its_edges():
    dark = page()
    box = (0.4, 0.5, 0.6, 0.52)
    dark.paste((200, 0, 0), (400, 700, 600, 728))
    made = pictures.cut([Wanted(("a", 1, 0), (0.2, 0.49, 0.3, 0.53))], lambda *_: dark, {("a", 1, 0): [box]})
    assert made
    pictures._hatch(dark, [box])
    assert not [colour for _, colour in dark.getcolors() or () if colour == (200, 0, 0)]
