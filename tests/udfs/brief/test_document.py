"""DOCX: read again by python-docx; its pictures by their own bytes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import replace

import docx
import pytest

from tests.udfs.brief.made_up import at, empty_night, episodes, flood_night
from udfs.brief import areamap, document, pictures
from udfs.brief.content import Quote
from udfs.brief.raster import Canvas
from udfs.brief.words import Words


def text_of(content: bytes) -> str:
    made = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in made.paragraphs] + cells)


@pytest.fixture(scope="module")
def night():
    return document.render(flood_night())


def test_the_parts_of_the_page_are_all_there(night):
    text = text_of(night)
    for words in (
        "灾情舆情简报", "最急的五件事", "米河镇上柳村", "救援、医疗；水位上涨", "【未核实】", "无人承办",
        "01:25 已超时",
        "时间线", "事件清单", "说没有 2", "缺什么、有什么", "登封市", "负面 34%", "隧道 被困 救援", "〔住址〕", "供水",
        "软件不知道的", "encoder@1.2.0", "WHERE 1 < {end:Int64}", "■ P1",
    ):  # fmt: skip
        assert words in text, words


def test_three_panels_and_a_map(night):
    with zipfile.ZipFile(io.BytesIO(night)) as parts:
        pictures_ = [name for name in parts.namelist() if name.endswith(".png")]
        assert len(pictures_) == 4
        # nothing is fetched when it is opened
        assert not [name for name in parts.namelist() if b'TargetMode="External"' in parts.read(name)]


def test_what_xml_cannot_hold_is_left_out():
    bad = "a\x00\x0b\ud800\u202eb<w:p>"
    one = replace(episodes()[0], place=bad, quotes=(Quote("weibo", "1", at(1), bad),))
    assert "ab<w:p>" in text_of(document.render(replace(flood_night(), episodes=(one,), by=bad)))


def test_an_empty_night_and_english():
    assert "本时段没有帖子" in text_of(document.render(empty_night()))
    assert "The five most urgent" in text_of(document.render(flood_night(), "en"))


def pixels(png: bytes) -> list[bytes]:
    """Rows of grey values; checks lengths and sums of the chunks."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at_ = {}, 8
    while at_ < len(png):
        (length,), kind = struct.unpack(">I", png[at_ : at_ + 4]), png[at_ + 4 : at_ + 8]
        data = png[at_ + 8 : at_ + 8 + length]
        assert struct.unpack(">I", png[at_ + 8 + length : at_ + 12 + length])[0] == zlib.crc32(kind + data)
        found[kind], at_ = data, at_ + 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", found[b"IHDR"][:10])
    assert (depth, colour) == (8, 0)
    rows = zlib.decompress(found[b"IDAT"])
    assert len(rows) == (width + 1) * height
    return [rows[n * (width + 1) + 1 : (n + 1) * (width + 1)] for n in range(height)]


def test_shapes():
    canvas = Canvas(20, 10)
    canvas.rect(-5, 8, 5, 30)
    canvas.polygon([(10, 0), (14, 4), (10, 8), (6, 4)], 100)
    canvas.disc(17, 5, 2, 50)
    canvas.write(0, 0, "1?", 1)
    rows = pixels(canvas.png())
    assert rows[9] == b"\0" * 5 + b"\xff" * 15
    assert rows[4][10] == rows[4][7] == 100
    assert rows[1][7] == 255
    assert rows[5][17] == 50
    assert rows[1][17] == 255
    assert [row[2] for row in rows[:7]] == [0] * 7  # the stem of the 1


def test_a_panel_is_black_where_the_bars_are():
    brief = flood_night()
    values = [0] * 47 + [10]
    rows = pixels(pictures.panel(brief.bins, brief.bin_ms, values, Words()))
    middle = rows[70]
    assert set(middle[200:1300]) == {255}
    assert middle[1345] == 60


def test_the_map_has_its_marks_where_the_drawing_has_them():
    brief = flood_night()
    layout = areamap.lay_out(brief.districts, brief.around)
    rows = pixels(pictures.area(layout, [one.adcode for one in brief.districts]))
    for spot in layout.spots:
        value = rows[round(spot.y * 2)][round(spot.x * 2)]
        expected = {1: 30, 2: 110, 3: 200, 4: 255}[spot.district.priority]
        assert value == (expected if spot.district.open else 255), spot.district.name
