"""The way of a stream: what became of each line is judged, and what must not be left behind is found where it is."""

import hashlib

import pytest

from loadtest.hostile.__main__ import main
from loadtest.hostile.lines import Line
from loadtest.hostile.planted import Planted
from loadtest.hostile.reference import Expected
from loadtest.hostile.submitting import _left_behind, line_findings
from loadtest.hostile.texts import CANARY
from loadtest.outside import Outside
from pipelines.services import control
from pipelines.store.client import connect

POST = Line(b"{}", "post", Expected(row=True, id="a", text="x"), (Planted("mobile", "13800001234", 0, 11),))
BAD = Line(b"{", "n_brace", Expected(row=False, reasons=("not JSON",)))
BLANK = Line(b"", "b_blank", Expected(row=False, blank=True))
LETTER = {"step": "parse", "reason": "not JSON: truncated", "sha256": hashlib.sha256(b"{").hexdigest()}


@pytest.mark.parametrize(
    ("rows", "letters", "found"),
    [
        ({0: "a"}, {1: LETTER}, []),
        ({}, {1: LETTER}, ["neither a row nor a dead letter"]),
        ({0: "a"}, {}, ["neither a row nor a dead letter"]),
        ({0: "b"}, {1: LETTER}, ["another id"]),
        ({0: "a", 1: "a"}, {}, ["a row, where a dead letter"]),
        ({0: "a", 2: "a"}, {1: LETTER}, ["a row, where a dead letter or nothing"]),
        ({0: "a"}, {1: LETTER, 2: LETTER}, ["a dead letter of a blank line", "something else"]),
        ({0: "a", 1: "c"}, {1: LETTER}, ["a row and a dead letter"]),
        ({0: "a", 9: "c"}, {1: LETTER}, ["no such line"]),
        ({0: "a"}, {1: LETTER | {"step": "mask"}}, ["step mask rejects it"]),
        ({0: "a"}, {1: LETTER | {"sha256": "0"}}, ["something else"]),
    ],
)
def test_each_line_is_judged(rows, letters, found):
    told = [finding.what for finding in line_findings([POST, BAD, BLANK], rows, letters)]
    assert len(told) == len(found)
    assert all(words in one for words, one in zip(found, told, strict=True))


@pytest.mark.services
def test_what_is_left_behind_is_found(clean, tmp_path):
    """A text column, a list of texts, a letter's reason, a log: each is read."""
    log = clean.path / "logs" / "of-a-test.log"
    with connect(control.connection(clean.path)) as client:
        client.insert("posts", [["p", "b", ["13800001234"]]], column_names=["platform", "post_id", "phone_tokens"])
        client.insert("dead_letters", [["f", 1, "call 13800001234"]], column_names=["source", "offset", "reason"])
    log.write_text(f"{CANARY} and more\n")
    try:
        found = [(finding.kind, finding.what) for finding in _left_behind(Outside(clean.path), [POST])]
    finally:
        log.unlink()
    assert found == [
        ("dead_letters", "a mobile stands there"),
        ("posts", "a mobile stands there"),
        ("dlq list", "1 times mobile stands there"),
        ("/logs/of-a-test.log", "1 times post text stands there"),
    ]
    arguments = ["submit", "--lines", "5", "--home", str(clean.path), "--output", str(tmp_path)]
    assert main(arguments) == 2, "a home that holds posts would be judged by rows of others"
    assert not (tmp_path / "hostile.jsonl").exists()
