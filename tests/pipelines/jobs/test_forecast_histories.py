"""Histories from files: which day, theme and district a record has, and what is not counted."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta

import numpy as np
import pytest

from pipelines.jobs.forecasts import FileHistory, district_name, enough, from_file
from schemas.errors import UsageError

MONDAY = date(2026, 3, 2)


def write(path, records):
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def week(**fields):
    return [{"time": f"{MONDAY + timedelta(days=day):%Y/%m/%d} 08:00:00", **fields} for day in range(7)]


def series(path, **options):
    panel, read = from_file(FileHistory(path, **options))
    return {one.key: one.weekly.tolist() for one in panel.series}, panel, read


TIMES = [
    ("2026/3/8 0:30:00", MONDAY),
    ("2026-03-08 23:59:59", MONDAY),
    ("2026年3月8日", MONDAY),
    ("2026-03-08T20:00:00+08:00", MONDAY),
    ("2026-03-08T17:00:00Z", MONDAY + timedelta(weeks=1)),  # Monday 01:00 in China
    (1772985600000, MONDAY + timedelta(weeks=1)),  # 2026-03-08 16:00 UTC, Monday in China
    ("1772985599999", MONDAY),
    ("1900/1/1", None),
    ("next week", None),
    ("2026-13-45", None),
    ("", None),
]


@pytest.mark.parametrize(("written", "monday"), TIMES)
def test_days_are_chinas_however_they_are_written(tmp_path, written, monday):
    records = [{"time": str(MONDAY + timedelta(days=day))} for day in range(14)] + [{"time": written}]
    found, panel, read = series(write(tmp_path / "a.jsonl", records), districts=False)
    assert panel.first == MONDAY
    expected = [7 + (monday == MONDAY), 7 + (monday == MONDAY + timedelta(weeks=1))]
    assert found["", ""] == expected
    assert read.undated == (monday is None)


def test_themes_and_districts_from_fields(tmp_path):
    records = week(kind="明星-内地", area="甲区") + week(kind="社会\n   页面", area=None)
    found, _, _ = series(write(tmp_path / "a.jsonl.gz", records), theme_field="kind", district_field="area")
    assert found == {
        ("", ""): [14],
        ("明星", ""): [7],
        ("社会", ""): [7],
        ("", "甲区"): [7],
        ("明星", "甲区"): [7],
    }


def test_themes_by_words_and_districts_by_the_first_pattern_that_matches(tmp_path):
    records = week(text="K市K3区的公交线路又停了") + week(text="K市的公交站台") + week(text="没有地名")
    patterns = ("[A-Z][0-9]+区", "[A-Z]市")
    found, _, _ = series(write(tmp_path / "a.jsonl", records), district_patterns=patterns)
    assert found == {
        ("", ""): [21],
        ("交通运输", ""): [14],
        ("其他", ""): [7],
        ("", "K3区"): [7],
        ("", "K市"): [7],
        ("交通运输", "K3区"): [7],
        ("交通运输", "K市"): [7],
    }


def test_districts_are_the_counties_that_a_text_names_and_their_cities(tmp_path):
    found, _, _ = series(write(tmp_path / "a.jsonl", week(text="郑州市二七区马寨镇停水")))
    assert {district for _, district in found} == {"", "河南省郑州市", "河南省郑州市二七区"}


def test_a_line_of_a_list_that_is_read_again_counts_once_a_week(tmp_path):
    records = [record | {"title": "某事"} for record in week()] * 3 + [{"time": str(MONDAY + timedelta(weeks=1))}]
    found, _, read = series(write(tmp_path / "a.jsonl", records), distinct_field="title", districts=False)
    assert found["", ""] == [1]
    assert read.repeated == 20


def test_a_folder_is_all_its_files_and_a_last_day_ends_it(tmp_path):
    for number in range(4):
        records = [{"time": str(MONDAY + timedelta(weeks=number, days=day))} for day in range(7)]
        write(tmp_path / f"{number}.jsonl", records)
    found, panel, _ = series(tmp_path, districts=False, until=MONDAY + timedelta(days=22))
    assert found["", ""] == [7, 7, 7]
    assert (panel.running, panel.running_days) == ({("", ""): 2, ("其他", ""): 2}, 2)


WRONG = [
    ("no json\n", {}, r"line 1: is no JSON object"),
    ('{"text": "x"}\n', {}, r"of 1 records 1 have no date in created_at or time or date"),
    ('{"time": "2026-03-02"}\n', {"district_patterns": ("[",)}, r"--district-pattern"),
]


@pytest.mark.parametrize(("text", "options", "message"), WRONG)
def test_what_cannot_be_counted_is_said(tmp_path, text, options, message):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        from_file(FileHistory(path, **({"districts": False} | options)))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        from_file(FileHistory(tmp_path / "none.jsonl", districts=False))


def test_too_few_weeks_are_said(tmp_path):
    panel, _ = from_file(FileHistory(write(tmp_path / "a.jsonl", week()), districts=False))
    assert panel.holes.tolist() == [np.False_]
    with pytest.raises(UsageError, match="1 whole weeks of posts: a forecast needs 9"):
        enough(panel)


@pytest.mark.parametrize(
    ("code", "name"), [("410103", "河南省郑州市二七区"), ("410100", "河南省郑州市"), ("110100", "北京市"), ("x", "x")]
)
def test_districts_of_the_store_have_names(code, name):
    assert district_name(code) == name
