"""Hypothesis asks of each target what `python -m tests.fuzz` asks for longer; and the inputs that once broke them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import yaml_files
from tests.fuzz.targets import TARGETS

EXAMPLES = {"mask": 60, "formula": 60, "rule-set": 25, "plan-file": 40, "rules-file": 40, "settings-override": 40}
_WORDS = """
" \\u0000 \\ud83d \\ { } [ ] : , - &a *a !!map !!set !!int !!binary <<: ? | > % # ~ null true 1e999 .nan .inf -.inf
2021-02-30 2021-13-01T99:99:99 0x 0b 1:99 @ // 1- = & %41 %zz ' ( ) ** + sum( chance( if else and not $w
""".split()
_PIECES = st.one_of(
    st.sampled_from([word.encode() for word in _WORDS]),
    st.sampled_from(
        [b"\n", b"\n  ", b": ", b"- ", b"9" * 40, b"9" * 5000, b"\xff", b"\xed\xa0\x80", b"\xc2\x85", b"\0"]
    ),
    st.binary(max_size=6),
    st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@st.composite
def _changed(draw, seeds):
    """A seed with some of its bytes replaced, or bytes of its own."""
    data = draw(st.one_of(st.sampled_from(seeds), st.binary(max_size=80)))
    for _ in range(draw(st.integers(0, 4))):
        start, length = draw(st.integers(0, len(data))), draw(st.sampled_from((0, 0, 1, 5, 40)))
        data = data[:start] + draw(_PIECES) * draw(st.sampled_from((1, 1, 1, 70))) + data[start + length :]
    return data


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_any_bytes(name):
    target, seeds = TARGETS[name]
    target(seeds()[0])

    @settings(
        max_examples=EXAMPLES.get(name, 100),
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(_changed(seeds()))
    def ask(data):
        target(data)

    ask()


NINES = b"9" * 5_000
BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b", ".join([b"*%c" % (name - 1)] * 9)) for name in range(ord("b"), ord("i"))
)
BROKE = [
    # a name for the case, the target, the input that once broke it
    ("a date that does not exist", "settings-file", b"rules: 2021-02-30"),
    ("a tag that does not fit", "settings-file", b"flink: !!int x"),
    ("a time that is none", "settings-file", b"flink: !!timestamp x"),
    ("a key that is a number", "settings-file", b".inf: {folders: [a]}"),
    ("a value of 5,000 digits", "settings-file", b"overload: {lag_s: 30, back_s: " + NINES + b"}"),
    ("a value of millions", "settings-file", BOMB + b"overload: {lag_s: *h}"),
    ("thousands of unknown keys", "settings-file", b"".join(b"k%d: 1\n" % number for number in range(3_000))),
    ("deep lists", "settings-file", b"flink: " + b"[" * 20_000),
    ("a date that does not exist", "rules-file", b"lists: {w: [2021-02-30]}"),
    ("a mapping that is a list", "rules-file", b"rules: !!map [1]"),
    ("deep lists", "rules-file", b"rules: " + b"[" * 20_000),
    (
        "a number of 5,000 digits",
        "rules-file",
        b"rules: [{id: a, category: c, terms: [ab], min_hits: " + NINES[:4_000] + b"}]",
    ),
    ("a value of millions", "rules-file", BOMB + b"rules: [{id: *h}]"),
]


@pytest.mark.parametrize(
    ("name", "data"), [case[1:] for case in BROKE], ids=[f"{case[1]}: {case[0]}" for case in BROKE]
)
def test_what_once_broke(name, data):
    TARGETS[name][0](data)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"a: 1\nb: [", 3, "did not find expected node content"),
        (b"a: 1\nb: 2021-02-30\n", 2, "a value cannot be read as timestamp; put it in quotes"),
        (b"a: 1\nb: !!int x\n", 2, "a value cannot be read as int; put it in quotes"),
        (b"a: 1\n\na: 2\n", 3, "key 'a' is written twice"),
        (b"a: 1\nb: !!map [1]\n", 2, "a mapping of names is wanted"),
        (b"a: 1\nb: &c 2\n", 2, "anchors and aliases are not read: write it out"),
        (b"a: \xff\n", 1, "byte 3 is not UTF-8; save the file as UTF-8"),
        (b"a:\n " + b"[" * 41, 2, "nested deeper than 40"),
        (b"a: " + b"x" * (8 << 20), None, "8388611 bytes; at most 8388608 are read"),
    ],
)
def test_yaml_that_is_wrong_is_told_with_its_line(content, line, problem):
    with pytest.raises(yaml_files.NotYaml) as error:
        yaml_files.read(content, aliases=False)
    assert (error.value.line, error.value.problem) == (line, problem)
