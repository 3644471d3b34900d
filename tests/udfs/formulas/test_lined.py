"""YAML with lines: what is read, what is refused, and where the error says it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UsageError
from udfs import lined

SCALARS = [
    ("1", 1),
    ("-2", -2),
    ("1_000", 1000),
    ("1.5", 1.5),
    (".5", 0.5),
    ("1e3", 1000.0),
    ("true", True),
    ("false", False),
    ("on", "on"),
    ("yes", "yes"),
    ("2026-01-31", "2026-01-31"),
    ("null", None),
    ("~", None),
    ('"1"', "1"),
    ("'true'", "true"),
    ("0x10", "0x10"),
    ("1:30", "1:30"),
    ("9" * 5000, "9" * 5000),
    ("'!!python/object:os.system x'", "!!python/object:os.system x"),
    ("!!python/object:os.system x", "x"),
]


@pytest.mark.parametrize(("written", "value"), SCALARS, ids=[written[:20] for written, _ in SCALARS])
def test_scalars(written: str, value: object) -> None:
    found = lined.parse(f"a: {written}\n".encode(), "f.yaml")["a"].value
    assert found == value
    assert type(found) is type(value)


REFUSED = [
    ("", "f.yaml:1: the file is empty"),
    ("a: 1\nb: 2\na: 3\n", "f.yaml:3: 'a' stands twice (line 1 too)"),
    ("a: &x 1\nb: *x\n", "f.yaml:1: anchors and aliases"),
    ("a: 1\nb: [1, 2\n", "f.yaml:3: not readable as YAML"),
    ("a: 1\n\tb: 2\n", "f.yaml:2: not readable as YAML"),
    ("? [1, 2]\n: 3\n", "f.yaml:1: a name is wanted as key"),
    ("a: " + "[" * 50 + "]" * 50, "f.yaml:1: nested deeper than 40"),
    ("a: 1\n---\nb: 2\n", "f.yaml:2: not readable as YAML"),
    ("a: " + "x" * lined.LARGEST, "at most 1048576 are read"),
]


@pytest.mark.parametrize(("written", "message"), REFUSED, ids=[message[7:40] for _, message in REFUSED])
def test_refused(written: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        lined.parse(written.encode(), "f.yaml")
    assert message in str(error.value)


def test_not_utf8_names_the_line() -> None:
    with pytest.raises(UsageError, match=r"f\.yaml:2: not UTF-8"):
        lined.parse(b"a: 1\nb: \xff\n", "f.yaml")


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read"):
        lined.read(tmp_path / "none.yaml")


READS = [
    (lambda node: node["b"].number(0, 3), "f.yaml:2: b: 5 lies outside 0..3"),
    (lambda node: node["b"].integer(6), "f.yaml:2: b: 5 lies outside 6.."),
    (lambda node: node["b"].text(), "f.yaml:2: b: text is wanted, not 5"),
    (lambda node: node["b"].boolean(), "f.yaml:2: b: true or false is wanted, not 5"),
    (lambda node: node["a"].number(), "f.yaml:1: a: a number is wanted, not 'x'"),
    (lambda node: node["a"].date(), "f.yaml:1: a: 'x' is no date"),
    (lambda node: node["a"].text(("y", "z")), "f.yaml:1: a: 'x' is none of y, z"),
    (lambda node: node["c"].mapping(("e",)), "f.yaml:4: c.d: there is no 'd' here; there are e"),
    (lambda node: node["c"]["d"].list()[1].integer(), "f.yaml:4: c.d[2]: a whole number is wanted, not 1.5"),
    (lambda node: node["q"], "'q' is missing"),
    (lambda node: node["e"].number(), "f.yaml:5: e: inf is no finite number"),
]


@pytest.mark.parametrize(("read", "message"), READS, ids=[message[:40] for _, message in READS])
def test_reading_the_wrong_thing_names_line_and_name(read, message: str) -> None:
    root = lined.parse(b"a: x\nb: 5\nc:\n  d: [1, 1.5]\ne: .inf\n", "f.yaml")
    with pytest.raises(UsageError) as error:
        read(root)
    assert message in str(error.value)
