"""Any bytes, and what each part may do with them: a result that holds together, or a declared error. Else: Broken."""

from __future__ import annotations

import functools
import os
import random
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from loadtest.hostile.planted import planted
from loadtest.hostile.reference import expected
from pipelines.feeds import uri as uris
from schemas import settings
from schemas.errors import UsageError
from schemas.records import RAW
from tests.udfs.formulas import economy
from tests.udfs.plans import cases
from udfs import formulas, plans
from udfs.keywords.rules import check_rules, read_files
from udfs.keywords.ruleset import RuleSet, load_rules
from udfs.keywords.step import shipped_rules
from udfs.parse import Parse
from udfs.pii.spans import masked
from udfs.pii.step import Mask

SLOW_S = 1.0
"""CPU seconds one input may take."""


class Broken(AssertionError):
    """A part did with an input what it must not. The message holds no planted value."""


@contextmanager
def _in_time():
    began = time.process_time()
    yield
    if (took := time.process_time() - began) > SLOW_S:
        raise Broken(f"took {took:.1f} s")


@contextmanager
def _only_usage_errors(*names: str, typed: int = 0):
    """UsageError is right, if its message says where: one of the regular expressions ``names``.

    ``typed``: characters of a command line, which an error may repeat; what a file holds it must not.
    """
    try:
        with _in_time():
            yield
    except UsageError as error:
        said = str(error)
        if not any(re.search(name, said) for name in names):
            raise Broken(f"an error that does not say where: {said[:200]!r}") from None
        if len(said) > 4_000 + 4 * typed:
            raise Broken(f"an error of {len(said)} characters") from None


def _batch(raw: bytes) -> pa.RecordBatch:
    row = {"source": "s", "partition": "p", "offset": 0, "timestamp": 1_700_000_000_000, "ingested_at": 0, "raw": raw}
    return pa.RecordBatch.from_pylist([row], schema=RAW)


# -- posts -----------------------------------------------------------------------------------------------------------
@functools.cache
def _parser() -> Parse:
    step = Parse()
    step.open()
    step.apply(_batch(b"{}"))  # the first batch imports
    return step


def parse(data: bytes) -> None:
    """A line is the row or the dead letter that the second reading of the contract says."""
    want, step = expected(data), _parser()
    with _in_time():
        row = step.apply(_batch(data)).to_pylist()[0]
    reason = row["error"]
    if reason is None:
        if not want.row:
            raise Broken(f"a row, where due was {want.reasons}")
        if (row["id"], row["text"]) != (want.id, want.text):
            raise Broken("another id or text")
    elif not (want.blank or any(reason.startswith(begin) for begin in want.reasons)):
        raise Broken(f"dead letter {reason!r}, where due was {'a row' if want.row else want.reasons}")


@functools.cache
def _mask() -> Mask:
    step = Mask()
    step.open()
    step.find(["张女士13800001234"])  # the first text imports
    return step


def mask(data: bytes) -> None:
    """Whatever stands around it, no letter or digit of a planted identifier survives; nothing else changes."""
    r = random.Random(data[:4])
    around = data[4:].decode("utf-8", "ignore")
    at = r.randint(0, len(around))
    one = planted(r)
    before = around[:at] + "\n"
    text = before + one.text + "\n" + around[at:]
    step = _mask()
    with _in_time():
        spans = step.find([text])[0]
    end = 0
    for span in spans:
        if not end <= span.start < span.end <= len(text):
            raise Broken("spans overlap or lie outside")
        end = span.end
    hidden = {place for span in spans for place in range(span.start, span.end)}
    left = [
        place for place in range(one.start, one.end) if one.text[place].isalnum() and place + len(before) not in hidden
    ]
    if left:
        raise Broken(f"{len(left)} of {one.end - one.start} characters of a {one.kind} stand")
    kept = [span for span in spans if span.type != "PLACE"]
    masked(text, kept)


# -- keywords --------------------------------------------------------------------------------------------------------
def rules_file(data: bytes) -> None:
    """A rule file is rules that scan, or an error that names the file."""
    path = Path("fuzz.yaml")
    with _only_usage_errors(r"fuzz\.yaml", r"^rules: "):
        checked = check_rules([(path, data)])
        rules = RuleSet(checked)
        text = data.decode("utf-8", "ignore")
        for found, given in zip(rules.scan([text, "被困 help"]), [text, "被困 help"], strict=True):
            _check_hits(found, given)


def _check_hits(found, text: str) -> None:
    for hit in found:
        if not 0 <= hit.start < hit.end <= len(text):
            raise Broken(f"a hit at {hit.start}-{hit.end} of a text of {len(text)}")


@functools.cache
def _shipped() -> RuleSet:
    return load_rules(shipped_rules())


def matcher(data: bytes) -> None:
    """Hits lie in the text, and a text's are the same alone and among others."""
    texts = [part.decode("utf-8", "ignore").replace("\0", "") for part in data.split(b"\0")][:8]
    rules = _shipped()
    with _in_time():
        together = rules.scan(texts)
    for found, text in zip(together, texts, strict=True):
        _check_hits(found, text)
        if rules.scan([text])[0] != found:
            raise Broken("other hits alone than among others")


# -- settings --------------------------------------------------------------------------------------------------------
@functools.cache
def _folder() -> Path:
    """A folder for what must be a file; it goes with the process."""
    found = tempfile.TemporaryDirectory(prefix="yuqing-fuzz-")
    _KEPT.append(found)
    return Path(found.name)


_KEPT: list[tempfile.TemporaryDirectory] = []


def settings_file(data: bytes) -> None:
    """A settings file is settings, or an error that names the file or the key."""
    path = _folder() / "settings.yaml"
    path.write_bytes(data)
    with _only_usage_errors(r"settings\.yaml", r"setting \S"):
        settings.load(path)


def settings_override(data: bytes) -> None:
    """So are `--set` and the environment: the first line is an override, the second a variable's name and value."""
    first, _, second = data.decode("utf-8", "ignore").partition("\n")
    name, _, value = second.partition("=")
    variable = "YUQING_" + re.sub(r"[^A-Z_]", "", name.upper())
    before = dict(os.environ)
    try:
        os.environ[variable] = value.replace("\0", "")
        with _only_usage_errors(r"--set", r"setting \S", r"environment YUQING_", typed=len(repr(second + first))):
            settings.load(overrides=[first])
    finally:
        os.environ.clear()
        os.environ.update(before)


# -- policies --------------------------------------------------------------------------------------------------------
def plan_file(data: bytes) -> None:
    """A plan file is a plan, or an error with file and line."""
    path = _folder() / "plan.yaml"
    path.write_bytes(data)
    with _only_usage_errors(r"^plan\.yaml:(\d+:)? "):
        plans.load(path, cases.RULES, cases.COLUMNS, cases.ENTITIES)


def rule_set(data: bytes) -> None:
    """A rule set compiles, or an error says file and line."""
    with _only_usage_errors(r"^rules\.yaml:(\d+:)? "):
        read = formulas.ruleset.parse(data.decode("utf-8", "surrogatepass" if data[:1] == b"\xed" else "replace"))
        formulas.compile(read, economy.COLUMNS, economy.ON, economy.ENTITIES)


def formula(data: bytes) -> None:
    """A formula compiles and computes over a small economy, or an error says where. Nothing of it runs as Python."""
    text = data.decode("utf-8", "ignore").replace("'", "''")
    kind = "boolean" if len(data) % 2 else ""
    with _only_usage_errors(r"^rules\.yaml:(\d+:)? "):
        program = economy.program(economy.one(" ".join(text.split()), kind=kind))
        program.start(economy.shard(), 1).values({}, {}, ["x"])


# -- sources ---------------------------------------------------------------------------------------------------------
def uri(data: bytes) -> None:
    """A source URI is a source whose own `uri` reads back as the same, or an error that names `--source`."""
    text = data.decode("utf-8", "ignore").replace("script", "scrypt")  # a script is a file, which would be read
    with _only_usage_errors(r"^--source ", typed=len(repr(text))):
        found = uris.parse(text, lambda: 1_700_000_000_000)
        again = uris.parse(found.uri, lambda: 1_700_000_000_000)
        if again != found:
            raise Broken("the source's own URI reads as another source")


_PLAN = cases.PLAN.encode()
_RULES = (economy.HEAD + "variables:\n" + economy.one("wage * rate", unit="CNY/year")).encode()


def _shipped_rules() -> list[bytes]:
    return [content[:4_000] for _, content in read_files([shipped_rules()])]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "parse": (
        parse,
        lambda: [
            b'{"id":"1","text":"x","likes":3,"created_at":"2021-07-20T20:00:00+08:00","e":[1.5,{"a":null}]}',
            b'{"id":"1","text":"\\ud83d\\ude00\\n","updated_at":1626782400000}',
        ],
    ),
    "mask": (
        mask,
        lambda: [
            ("\0\0\0" + str(number) + text).encode()
            for number, text in enumerate(
                ("电话138，0000，1234 微信a_1 建设路128号院", "@a 12:30 3号楼 http://t.cn/a 张女士")
            )
        ],
    ),
    "rules-file": (
        rules_file,
        lambda: [
            b"lists:\n  w: [a, b]\nrules:\n- id: a-b\n  category: c\n  terms: [help, $w]\n  variants: {help: [hilfe]}\n"
            b"  exclude: {before: [no], within: 3}\n  near: [x]\n  within: 9\n  all_of: [[a], [b]]\n  min_hits: 1\n"
            b"  single_characters: true\n  critical: true\n  priority: 1\n  weight: 0.5\n",
            *_shipped_rules()[:2],
        ],
    ),
    "matcher": (matcher, lambda: ["我们被困在二楼，救命！#暴雨#\0//@a: 没有被困 救 命".encode()]),
    "settings-file": (
        settings_file,
        lambda: [
            b"flink: {parallelism: 2, configuration: {a.b: c}}\nstore: {url: 'http://a:1', password: x}\n"
            b"alerts: {webhook: 'http://b', max_age_hours: 3}\noverload: {lag_s: 30, back_s: 10}\nrules: {folders: [a]}"
        ],
    ),
    "settings-override": (
        settings_override,
        lambda: [b"flink.parallelism=2\nFLINK__PARALLELISM=3", b"rules.folders=a,b\nALERTS__CHANNELS=[]"],
    ),
    "plan-file": (plan_file, lambda: [_PLAN]),
    "rule-set": (rule_set, lambda: [_RULES]),
    "formula": (
        formula,
        lambda: [
            b"wage * rate + grant if retired else clip(wage, 0, 1e3)",
            b"age >= 18 and not retired",
            b"tax(wage, bands) - step(age, ladder)",
            b'sum(wage) / quantity(5, "CNY/year") ** 2 if scope in ("basic", "full") else chance(rate) or normal()',
        ],
    ),
    "uri": (
        uri,
        lambda: [
            b"kafka://a:9092,b:1/topic?group=g&start=earliest&end=latest",
            b"file:///a/b%20c.jsonl.gz?name=x",
            b"dir://../a",
            b"generate:?posts=9&rate=2&seed=3&start=2021-07-20T20:00:00%2B08:00&manners=weibo:6&skew=place:0.5",
        ],
    ),
}
"""Name -> (target, seeds of its corpus)."""
