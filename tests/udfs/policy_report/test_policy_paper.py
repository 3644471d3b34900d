"""DOCX: read again by python-docx; it says what the page says."""

from __future__ import annotations

import io
import zipfile

import docx
import msgspec
import pytest

from tests.udfs.policy_report import made_up
from tests.udfs.policy_report.test_policy_page import PARTS, few
from udfs.policy_report import content, document
from udfs.policy_report.blocks import Figure, Table

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def simulation():
    return few(4)


@pytest.fixture(scope="module")
def file(simulation) -> bytes:
    return document(simulation)


@pytest.fixture(scope="module")
def read(file):
    return docx.Document(io.BytesIO(file))


def cells(made) -> list[list[list[str]]]:
    """Text of every cell, by the file's own elements: python-docx takes long for many cells."""
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    return [
        [["".join(t.text or "" for t in cell.iter(f"{word}t")) for cell in row.findall(f"{word}tc")]
         for row in table._tbl.findall(f"{word}tr")]
        for table in made.tables
    ]  # fmt: skip


def test_parts_stand_in_order(read):
    heads = [one.text for one in read.paragraphs if one.style.name == "Heading 1"]
    assert heads == list(PARTS)


def test_every_table_is_that_of_the_page(read, simulation):
    found = cells(read)
    for table in (one for one in content.made(simulation) if isinstance(one, Table)):
        rows = [[cell if isinstance(cell, str) else cell.text + cell.below for cell in row] for row in table.rows]
        assert [list(table.heads), *rows] in found or rows in found, table.title


def test_figures_are_pictures_with_words_beside_them(read, file, simulation):
    drawn = [one for one in content.made(simulation) if isinstance(one, Figure)]
    assert len(read.inline_shapes) == len(drawn) >= 4
    text = "\n".join(one.text for one in read.paragraphs)
    for figure in drawn:
        assert f"{figure.number}　{figure.title}" in text
        assert all(line in text for line in figure.legend)
    with zipfile.ZipFile(io.BytesIO(file)) as parts:
        assert not [name for name in parts.namelist() if b'TargetMode="External"' in parts.read(name)]


def test_forms_are_tables_to_write_in(read):
    forms = [table for table in cells(read) if table[-1][0] == "签名"]
    assert len(forms) == 5
    assert all(row[1] == "" for form in forms for row in form[:-1])
    assert "行政首长：" in forms[-1][-1][1]


def test_a_small_group_is_withheld(read):
    found = cells(read)
    rows = [row for table in found for row in table if "残疾人家庭" in row]
    assert rows
    assert all(set(row[3:]) == {"样本不足"} for row in rows)


def test_the_same_run_gives_the_same_words_and_xml_can_hold_them():
    bad = "a\x00\x0b\ud800\u202eb<w:p>"
    plan = replace(made_up.plan(options=made_up.options()[:2], measures=made_up.MEASURES[:1], groupings=()), title=bad)
    made = made_up.simulation(plan, standings=(), findings=(), releases=(), indices=(), run=bad)
    one, two = document(made), document(made)
    with zipfile.ZipFile(io.BytesIO(one)) as first, zipfile.ZipFile(io.BytesIO(two)) as second:
        assert first.read("word/document.xml") == second.read("word/document.xml")
    assert "ab<w:p>" in "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(one)).paragraphs)
