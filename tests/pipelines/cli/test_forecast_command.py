"""`yuqing forecast` on a small file: the one test that goes all the way to statsforecast."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from tests.pipelines.cli.conftest import Typed

MONDAY = date(2026, 1, 5)


@pytest.fixture
def messages(tmp_path):
    """Twelve weeks of ten to sixteen messages about one district; in the thirteenth 60 in two days."""
    records = []
    for week in range(12):
        for number in range(10 + week % 7):
            records.append((MONDAY + timedelta(weeks=week, days=number % 7), "甲区停水，供水公司不来"))
    records += [(MONDAY + timedelta(weeks=12, days=number % 2), "甲区停水，供水公司不来") for number in range(60)]
    path = tmp_path / "messages.jsonl"
    lines = [json.dumps({"time": f"{day}", "text": text}, ensure_ascii=False) + "\n" for day, text in records]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_file_is_forecast_and_its_running_week_warns(tmp_path, messages):
    home = Typed(tmp_path / "home")
    target = tmp_path / "out.json"
    done = home.run(
        "forecast", "--source", str(messages), "--district-pattern", "[甲乙]区", "--most", "2",
        "--format", "json", "--output", str(target),
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert json.loads(target.read_text(encoding="utf-8"))["forecasts"] == rows
    assert [row["week"] for row in rows[:5]] == [str(MONDAY + timedelta(weeks=week)) for week in range(11, 16)]
    assert [row["warning"] for row in rows[:5]] == [False, True, False, False, False]
    assert rows[1]["observed"] == 60
    assert rows[1]["days"] == 2
    assert rows[1]["lower95"] < rows[1]["expected"] < rows[1]["upper95"] < 60
    assert "12 whole weeks" in done.stderr.decode()
    table = home.run(
        "forecast", "--source", str(messages), "--no-districts", "--most", "1", "--warnings"
    ).stdout.decode()
    shown = [line.split() for line in table.splitlines() if "(all)" in line]
    assert [row[0] for row in shown] == ["!", "(all)"]


WRONG = [
    (["--level", "90"], b"--level 90"),
    (["--until", "soon"], b"--until 'soon'"),
    (["--themes", "/nowhere.yaml"], b"themes /nowhere.yaml"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_usage_is_named(tmp_path, messages, options, message):
    done = Typed(tmp_path / "home").run("forecast", "--source", str(messages), *options, code=2)
    assert message in done.stderr


def test_too_few_weeks_are_wrong_usage(tmp_path, messages):
    done = Typed(tmp_path / "home").run(
        "forecast", "--source", str(messages), "--no-districts", "--until", "2026-02-15", code=2
    )
    assert b"6 whole weeks" in done.stderr
