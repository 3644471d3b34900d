"""A short run through the real filter: nothing found; and a filter that hangs, dies or is slow is told of."""

import json
import os
import sys

import pytest

from loadtest.hostile import chunks, feeding
from loadtest.hostile.__main__ import main
from loadtest.hostile.chunks import Task, run


def test_200_lines_through_the_filter(tmp_path):
    arguments = ["--lines", "200", "--seed", "11", "--command", "mask", "--output", str(tmp_path)]
    assert main(arguments) == 0, (tmp_path / "report.json").read_text()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["rows"] + report["dead_letters"] + report["blank"] == report["lines"] == 200
    assert report["planted"] > 60
    before = (tmp_path / "chunks.jsonl").read_text()
    assert main(arguments) == 0
    assert (tmp_path / "chunks.jsonl").read_text() == before, "a second call must not feed again"


STAND_IN = """
import json, sys, time
for number, line in enumerate(sys.stdin.buffer):
    try:
        post = json.loads(line)
        post["text"]
    except Exception:
        continue
    if {when}:
        {what}
    print(json.dumps({{"id": post["id"], "text": post["text"], "pii": []}}), flush=True)
"""


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("sys.exit(9)", "Died: exit 9"),
        ("time.sleep(99)", "Hung"),
        ("t = time.process_time()\n        while time.process_time() - t < 0.4: pass", "one line takes"),
    ],
)
def test_a_filter_that_fails_is_told_of(tmp_path, monkeypatch, what, found):
    """Which faults the watch sees can only be shown with a filter that has them."""
    command = tmp_path / "filter"
    script = STAND_IN.format(when="number == 20" if "process" not in what else "post['id'].endswith('a')", what=what)
    command.write_text(f"#!{sys.executable}\n{script}")
    os.chmod(command, 0o700)
    monkeypatch.setattr(feeding, "YUQING", str(command))
    monkeypatch.setattr(feeding, "PATIENCE_S", 2.0)
    monkeypatch.setattr(chunks, "STEP", 40)
    report = run(Task("mask", 1, 0, 80, tmp_path, slow_s=0.3))
    assert any(found in finding[-1] for finding in report["first"]), report["found"]
