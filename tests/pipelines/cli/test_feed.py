"""`yuqing feed`: the lines of a source and what is known of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipelines.feeds.generate import line, truth
from pipelines.feeds.uri import GenerateSource, parse
from tests.pipelines.cli.conftest import Typed


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path / "home")


URI = "generate:?posts=3000&seed=4&start=0&bad=.1"


def test_lines_and_truth_of_a_generated_feed(typed: Typed, tmp_path: Path) -> None:
    source = parse(URI)
    assert isinstance(source, GenerateSource)
    whole = typed.run("feed", URI, "--truth", str(tmp_path / "t.jsonl")).stdout.splitlines()
    assert whole == [line(source, at) for at in range(3000)]
    known = [json.loads(one) for one in (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    assert known == [truth(source, at) for at in range(3000)]
    typed.run("feed", URI, "--first", "1500", "--posts", "1200", "-o", str(tmp_path / "p.jsonl.gz"))
    assert gzip.decompress((tmp_path / "p.jsonl.gz").read_bytes()).splitlines() == whole[1500:2700]
    assert typed.run("feed", URI, "--first", "2999", "--posts", "10").stdout.splitlines() == whole[2999:]
    assert typed.run("feed", URI, "--posts", "0").stdout == b""


def test_lines_of_files_and_folders(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = [b'{"id": "%d"}' % at for at in range(1300)]
    (tmp_path / "in" / "a.jsonl").write_bytes(b"\n".join(lines[:700]) + b"\n")
    (tmp_path / "in" / "b.jsonl").write_bytes(b"\n".join(lines[700:]) + b"\n")
    assert typed.run("feed", f"dir://{tmp_path}/in").stdout.splitlines() == lines
    found = typed.run("feed", f"file://{tmp_path}/in/a.jsonl", "--first", "500", "--posts", "100").stdout
    assert found.splitlines() == lines[500:600]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["generate:?rate=5"], "add --posts N"),
        (["kafka://127.0.0.1:9092/t"], "for Kafka use submit"),
        (["file:///nothere.jsonl", "--truth", "t"], "only a generated feed"),
        (["file:///nothere.jsonl"], "nothere.jsonl"),
        (["nonsense"], "must be written as a URI"),
    ],
)
def test_what_cannot_be_written_is_refused(typed: Typed, arguments: list[str], remedy: str) -> None:
    assert remedy in typed.run("feed", *arguments, code=2).stderr.decode()
