"""Hostile lines by the way of a stream: through `yuqing submit opinion` into the store of a home that holds no posts.

    python -m loadtest.hostile submit --lines 5000 --seed 1 --home DIR --output DIR

Asked of every line: one row or one dead letter at its number, as in the filters; nothing where it is blank. Asked of
what is left behind: no planted identifier in any column of any table that holds text, nor in what `dlq list` says, the
logs, the ledger and the folders of runs; no post's text in these either.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest.hostile.checking import Finding, dead_findings, leaks
from loadtest.hostile.lines import Line, lines
from loadtest.outside import Outside
from schemas.errors import UsageError

Row = dict[str, Any]
FILES = ("logs", "runs", "audit")
"""Folders of a home in which no text of a post may stand."""


def main(arguments: list[str]) -> int:
    """Exit code 0: nothing found; 1: findings, which OUTPUT/submit.json names by line."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.hostile submit", description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, required=True, help="a home whose store is up, without posts in it")
    parser.add_argument("--output", type=Path, required=True, help="folder of the file of lines and the report")
    given = parser.parse_args(arguments)
    given.output.mkdir(parents=True, exist_ok=True)
    try:
        report = submitted(Outside(given.home.resolve()), given.output.resolve(), given.lines, given.seed)
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    (given.output / "submit.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps({name: value for name, value in report.items() if name != "first"}, ensure_ascii=False, indent=1))
    return 1 if report["findings"] else 0


def submitted(home: Outside, output: Path, count: int, seed: int) -> dict[str, Any]:
    """Write the lines, run the job to its end, judge. Raises UsageError for a home that has posts, Failed where the job
    ends badly."""
    if "clickhouse" not in home.services():
        raise UsageError(f"--home {home.home}: no store runs there; `yuqing --home {home.home} up` starts one")
    if home.ask("SELECT count() FROM posts")[0][0]:
        raise UsageError(
            f"--home {home.home}: its store has posts already, and every row is looked at: take a new home"
        )
    sent = list(lines(count, seed))
    file = output / "hostile.jsonl"
    file.write_bytes(b"".join(line.raw + b"\n" for line in sent))
    home.run("submit", "opinion", "--source", f"file://{file}", "--wait", timeout_s=3_600)
    rows = dict(home.ask("SELECT offset, post_id FROM posts FINAL"))
    found = home.ask("SELECT offset, step, reason, sha256 FROM dead_letters FINAL")
    letters = {letter[0]: dict(zip(("step", "reason", "sha256"), letter[1:], strict=True)) for letter in found}
    findings = [*line_findings(sent, rows, letters), *_left_behind(home, sent)]
    return {
        "lines": count,
        "seed": seed,
        "rows": len(rows),
        "dead_letters": len(letters),
        "blank": sum(line.expected.blank for line in sent),
        "planted": sum(len(line.planted) for line in sent),
        "findings": len(findings),
        "found": dict(Counter(f"{finding.kind}: {finding.what}" for finding in findings).most_common(50)),
        "first": [[finding.line, finding.kind, finding.what] for finding in findings[:100]],
    }


def line_findings(sent: Sequence[Line], rows: Mapping[int, str], letters: Mapping[int, Row]) -> Iterator[Finding]:
    """What became of each line, against what must: ids of rows and dead letters by the number of their line."""
    for number, line in enumerate(sent):
        want = line.expected
        if number in rows and number in letters:
            yield Finding(number, line.kind, "a row and a dead letter came of it")
        elif number in letters:
            yield from dead_findings(number, line, letters[number])
        elif number in rows:
            if not want.row:
                yield Finding(number, line.kind, "a row, where a dead letter or nothing was due")
            elif rows[number] != want.id:
                yield Finding(number, line.kind, "the row has another id")
        elif not want.blank:
            yield Finding(number, line.kind, "neither a row nor a dead letter came of it")
    for number in sorted({*rows, *letters} - set(range(len(sent)))):
        yield Finding(number, "store", "there is no such line")


def _left_behind(home: Outside, sent: Sequence[Line]) -> Iterator[Finding]:
    """Planted identifiers in the store; these or any post's text in files and in what is said of dead letters."""
    planted = [one for line in sent for one in line.planted]
    for table, words in texts_of(home):
        for one in planted:
            if len(one.text) > 4 and one.text in words:
                yield Finding(0, table, f"a {one.kind} stands there")
    said = home.run("dlq", "list", "--limit", "100000", "--format", "json").stdout.encode()
    files = (
        (str(path), path.read_bytes()) for name in FILES for path in (home.home / name).rglob("*") if path.is_file()
    )
    for where, content in (("dlq list", said), *files):
        for kind, times in leaks(content, planted).items():
            yield Finding(0, where.removeprefix(str(home.home)), f"{times} times {kind} stands there")


_COLUMNS = """SELECT table, groupArray(name) FROM system.columns
WHERE database = 'yuqing' AND position(type, 'String') > 0
  AND table IN (SELECT name FROM system.tables WHERE database = 'yuqing' AND total_rows > 0)
GROUP BY table ORDER BY table"""


def texts_of(home: Outside) -> Iterator[tuple[str, str]]:
    """Each table that has rows, with all that stands in its columns of text, lists and tuples of it too."""
    for table, columns in home.ask(_COLUMNS):
        whole = ", ".join(f"toString(`{name}`)" for name in columns)
        words = home.ask(f"SELECT {whole} FROM `{table}`")  # noqa: S608 - names from system.columns
        yield table, "\n".join(word for row in words for word in row)
