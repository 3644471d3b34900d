"""How figures are written, what stands for better and worse, the frontier, axes and drawings: tables."""

from __future__ import annotations

import math
import struct
import zlib

import pytest

from schemas.policy import Assumption
from tests.udfs.policy_report import made_up
from udfs.policy_report import charts, compare, drawing, groups, written
from udfs.policy_report.drawing import Drawing, Label, Mark, Rect, Stroke
from udfs.policy_report.sources import distribution

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "low", "high", "places", "sign", "expected"),
    [
        (3.2, 2.9, 3.6, 1, False, "3.2（2.9—3.6）"),
        (1234.5, 1000, 2000, 2, False, "1,234.50（1,000.00—2,000.00）"),
        (-3.2, -3.6, -2.9, 1, False, "−3.2（−3.6 至 −2.9）"),
        (0.4, -0.1, 0.9, 1, True, "+0.4（−0.1 至 +0.9）"),
        (-0.04, -0.04, -0.04, 1, True, "0.0"),
        (NAN, 1, 2, 1, False, "—"),
        (math.inf, 1, 2, 1, False, "—"),
        (3.2, NAN, NAN, 1, False, "3.2"),
        (3.2, 3.2, 3.2, 1, False, "3.2"),
    ],
)
def test_intervals(value, low, high, places, sign, expected):
    assert written.interval(value, low, high, places, sign) == expected


@pytest.mark.parametrize(
    ("unit", "values", "expected"),
    [
        ("亿元", [1234.5], 2),
        ("%", [0.01], 1),
        ("1", [0.31, 0.62], 2),
        ("1", [0.3106, 0.3142], 4),  # else they would read the same
        ("CNY/year", [46_190, 46_591], 0),
        ("year", [12.0, 30.0], 1),
        ("1", [NAN], 2),
        ("1", [], 2),
        ("1", [0.0], 2),
        ("1", [0.00031], 4),
    ],
)
def test_places_serve_a_column(unit, values, expected):
    assert written.places(unit, values) == expected


@pytest.mark.parametrize(
    ("unit", "value", "change"),
    [("1", "", ""), ("%", "%", "个百分点"), ("CNY", "元", "元"), ("CNY/m2/year", "元/平方米/年", "元/平方米/年"),
     ("亿元", "亿元", "亿元"), ("kWh", "kWh", "kWh")],
)  # fmt: skip
def test_units(unit, value, change):
    assert (written.unit_word(unit), written.change_word(unit)) == (value, change)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-07-02T09:30:00+08:00", "2026-07-02 09:30:00 +08:00"),
        ("2026-07-02T01:12:00.123456Z", "2026-07-02 01:12:00 UTC"),
        ("2026-07-02T01:12:00", "2026-07-02 01:12:00"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_moments(at, expected):
    assert written.moment(at) == expected


@pytest.mark.parametrize(
    ("change", "low", "high", "aim", "expected"),
    [
        (1, 0.5, 1.5, "more", "▲"),
        (1, 0.5, 1.5, "less", "▼"),
        (-1, -1.5, -0.5, "more", "▼"),
        (-1, -1.5, -0.5, "less", "▲"),
        (1, -0.1, 2, "more", "≈"),
        (1, 0.5, 1.5, "", ""),
        (NAN, 0, 0, "more", ""),
        (1, NAN, NAN, "more", "▲"),
        (0, 0, 0, "more", "≈"),
    ],
)
def test_direction(change, low, high, aim, expected):
    one = made_up.result("a", "all", "all", "m", "1", 0, change, 0)
    one = type(one)(*(getattr(one, name) for name in ("option", "grouping", "group", "measure", "unit", "value", "low",
                                                      "high")), change, low, high, 1.0, 50)  # fmt: skip
    assert groups.direction(one, aim) == expected


@pytest.mark.parametrize(
    ("points", "aim", "expected"),
    [
        ([(1, 1), (2, 3), (3, 2), (4, 4)], "more", [(1, 1), (2, 3), (4, 4)]),
        ([(1, 9), (2, 3), (3, 5)], "less", [(1, 9), (2, 3)]),
        ([(1, 1), (1, 2)], "more", [(1, 2)]),
        ([(1, 2), (1, 1)], "less", [(1, 1)]),
        ([(1, 2), (2, 2)], "more", [(1, 2)]),
        ([], "more", []),
        ([(1, 1)], "", []),
    ],
)
def test_frontier(points, aim, expected):
    assert compare.frontier(points, aim) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (-0.13, 0.31, ["-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3", "0.4"]),
        (0.31, 0.33, ["0.310", "0.315", "0.320", "0.325", "0.330"]),
        (0, 12_345, ["0", "2,500", "5,000", "7,500", "10,000", "12,500"]),
        (5, 5, ["5"]),
    ],
)
def test_axes(low, high, expected):
    marks = drawing.steps(low, high)
    assert [drawing.tick(mark, marks) for mark in marks] == expected


@pytest.mark.parametrize(
    ("kind", "numbers", "low", "high", "expected"),
    [
        ("normal", (0.5, 0.1), None, None, "正态（均值 0.5，标准差 0.1）"),
        ("uniform", (1, 2), None, None, "均匀（低 1，高 2）"),
        ("triangular", (1, 2, 3), 0, 9, "三角（低 1，众数 2，高 3），截于 0 至 9"),
        ("beta", (2, 5), None, 0.9, "贝塔（a 2，b 5），不高于 0.9"),
        ("fixed", (), 0, 1, "固定"),
        ("other", (1,), None, None, "other"),
    ],
)
def test_distributions(kind, numbers, low, high, expected):
    assert distribution(Assumption("a", "a", "1", 0.5, kind, numbers, low, high)) == expected


def pixels(png: bytes) -> list[bytes]:
    found, at = {}, 8
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        found[kind], at = png[at + 8 : at + 8 + length], at + 12 + length
    width, height = struct.unpack(">II", found[b"IHDR"][:8])
    rows = zlib.decompress(found[b"IDAT"])
    return [rows[n * (width + 1) + 1 : (n + 1) * (width + 1)] for n in range(height)]


@pytest.mark.parametrize(
    ("shape", "inked"),
    [
        (Rect(10, 10, 20, 5, 60), True),
        (Stroke(5, 5, 40, 20), True),
        (Stroke(5, 5, 40, 5), True),
        (Mark("disc", 20, 20), True),
        (Mark("ring", 20, 20), True),
        (Mark("square", 20, 20), True),
        (Mark("frame", 20, 20), True),
        (Mark("diamond", 20, 20), True),
        (Mark("cross", 20, 20), True),
        (Label(20, 20, "12.5", "middle"), True),
        (Label(20, 20, "方案 3", "middle", digits="3"), True),
        (Label(20, 20, "方案 3", "middle"), False),  # a picture holds no words
        (Label(20, 20, "方案 3", "middle", digits=""), False),
    ],
)
def test_a_shape_is_drawn_in_both(shape, inked):
    made = Drawing("x", 40, (shape,), 60)
    assert any(value < 200 for row in pixels(drawing.png(made)) for value in row) == inked
    assert drawing.svg(made).count("<") > 2


def test_a_negative_tick_is_drawn_with_its_minus():
    plus, minus = (pixels(drawing.png(Drawing("x", 20, (Label(10, 15, text),), 60))) for text in ("5", "−5"))
    assert sum(row.count(30) for row in minus) > sum(row.count(30) for row in plus)


def test_parts_of_a_bar_add_up_and_what_is_received_hangs_below():
    amounts = {("a", "2026", "x"): 2.0, ("a", "2026", "y"): 1.0, ("a", "2026", "z"): -1.0}
    made = charts.stacked([("a", "1")], ["2026"], ["x", "y", "z"], amounts, "亿元")
    x, y, z = (shape for shape in made.shapes if isinstance(shape, Rect))
    assert x.height == pytest.approx(2 * y.height, rel=0.01)
    assert y.height == pytest.approx(z.height, rel=0.01)
    assert y.y + y.height == pytest.approx(x.y)  # on the first
    assert z.y == pytest.approx(x.y + x.height)  # below the axis
    assert len({x.shade, y.shade, z.shade}) == 3


def test_what_may_not_be_shown_has_no_mark():
    rows = [charts.Row("a", "1"), charts.Row("b", "2")]
    own = [charts.Row("", "", 1.0, 0.5, 1.5), charts.Row("", "", said="样本不足")]
    made = charts.panels(rows, [("方案 1", "1", own)], "x")
    assert sum(isinstance(shape, Mark) for shape in made.shapes) == 1
    assert any(isinstance(shape, Label) and shape.text == "样本不足" for shape in made.shapes)
