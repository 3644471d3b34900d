"""Hostile lines are what they say, the second reading of the contract agrees with its cases, the checks find."""

import hashlib
import json

import pytest

from loadtest.hostile.cases import CASES
from loadtest.hostile.checking import leaks, step_findings
from loadtest.hostile.lines import Line, lines
from loadtest.hostile.planted import Planted
from loadtest.hostile.reference import Expected, expected
from loadtest.hostile.texts import CANARY

ID = b"0123456789abcdef"


@pytest.mark.parametrize(("name", "raw", "reason"), CASES, ids=[name for name, _, _ in CASES])
def test_the_second_reading_agrees_with_a_written_case(name, raw, reason):
    found = expected(raw.replace(b"@", ID, 1).removesuffix(b"\r"))
    assert found.blank == (name[0] == "b")
    if name[0] == "y":
        assert (found.row, found.id) == (True, ID.decode())
    if name[0] == "n":
        assert not found.row
        assert any(begin.startswith(reason) for begin in found.reasons)


def test_lengths_are_what_the_cases_say():
    sizes = {name: len(raw.replace(b"@", ID, 1)) for name, raw, _ in CASES if "_bytes_6" in name}
    assert sizes == {"y_bytes_65535": 65_535, "y_bytes_65536": 65_536, "n_bytes_65537": 65_537}


def test_a_chunk_is_the_same_again_and_others_are_others():
    assert list(lines(200, 5, 3)) == list(lines(200, 5, 3))
    assert list(lines(200, 5, 3)) != list(lines(200, 5, 4))
    ids = [line.expected.id for chunk in (0, 1) for line in lines(500, 5, chunk) if line.expected.row]
    assert len(ids) == len(set(ids))


def test_lines_hold_no_line_end_and_planted_values_stand_where_they_say():
    kinds = set()
    for line in lines(1500, 7):
        assert b"\n" not in line.raw
        for one in line.planted:
            kinds.add(one.kind)
            assert line.expected.text[one.start : one.end] == one.text
    assert len(kinds) == 16


def _post(text, *planted):
    raw = json.dumps({"id": "a", "text": text}).encode()
    return Line(raw, "post", Expected(row=True, id="a", text=text), tuple(planted))


PHONE = Planted("mobile", "13800001234", 2, 13)
SPAN = {"type": "CN_MOBILE", "start": 2, "end": 13, "score": 1.0}
GOOD = {"id": "a", "text": "电话<CN_MOBILE>", "pii": [SPAN]}
BAD_LINE = Line(b"{", "n_one_brace", Expected(row=False, reasons=("not JSON",)))
LETTER = {"line": 1, "step": "parse", "reason": "not JSON: truncated", "sha256": hashlib.sha256(b"{").hexdigest()}
POST = _post("电话13800001234", PHONE)


@pytest.mark.parametrize(
    ("line", "rows", "dead", "found"),
    [
        (POST, [GOOD], {}, None),
        (POST, [], {}, "neither a row nor a dead letter"),
        (POST, [GOOD, GOOD], {}, "1 rows more than lines"),
        (POST, [GOOD | {"id": "b"}], {}, "another id"),
        (POST, [GOOD | {"text": "电话13800001234"}], {}, "not the input with its spans"),
        (POST, [{"id": "a", "text": "电话13800001234", "pii": []}], {}, "11 of 11 characters of a mobile stand"),
        (POST, [{"id": "a", "text": "电话<X>34", "pii": [SPAN | {"type": "X", "end": 11}]}], {}, "2 of 11 characters"),
        (POST, [GOOD | {"pii": [SPAN, SPAN]}], {}, "overlaps or lies outside"),
        (POST, [GOOD | {"pii": [SPAN | {"end": 14}]}], {}, "overlaps or lies outside"),
        (POST, [], {0: LETTER}, "where due was a row"),
        (POST, [], {0: LETTER | {"step": "mask"}}, "step mask rejects it"),
        (BAD_LINE, [], {0: LETTER}, None),
        (BAD_LINE, [GOOD], {}, "where a dead letter was due"),
        (BAD_LINE, [], {0: LETTER | {"reason": "missing id"}}, "where due was not JSON"),
        (BAD_LINE, [], {0: LETTER | {"sha256": "0" * 64}}, "SHA-256 is of something else"),
        (Line(b"", "b_blank", Expected(row=False, blank=True)), [], {}, None),
        (Line(b"", "b_blank", Expected(row=False, blank=True)), [], {0: LETTER}, "dead letter of a blank line"),
    ],
)
def test_the_check_finds(line, rows, dead, found):
    said = [finding.what for finding in step_findings([(0, line)], rows, dead)]
    assert any(found in what for what in said) if found else not said


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (b'{"line":1,"sha256":"' + b"13800001234".rjust(64, b"0") + b'"}', {}),
        ("error in 电话13800001234".encode(), {"mobile": 1}),
        (f"error in {CANARY}".encode(), {"post text": 1}),
        (repr(CANARY.encode("unicode_escape")).replace("\\\\", "\\").encode(), {"post text": 1}),
    ],
)
def test_what_stands_beside_the_rows_is_searched(said, found):
    assert leaks(said, [PHONE]) == found
