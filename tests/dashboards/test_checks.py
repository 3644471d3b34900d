"""`dashboards check`, the part that needs no store: a good board passes, and each broken one is told."""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboards.build import GENERATED
from dashboards.checks import Problem, questions, static, without_words
from dashboards.shapes import against_schemas, differences, seconds, through_types
from pipelines.cli.dashboards import dashboards as command
from pipelines.store.roles import readable
from schemas.errors import UsageError
from schemas.tables import data_classes

TABLES = frozenset(data_classes())
READABLE = {account: frozenset(readable(account)) for account in ("centre", "viewer")}
BOARDS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((GENERATED / "boards").glob("*.json"))]
RULES = json.loads((GENERATED / "api" / "rules.json").read_text(encoding="utf-8"))
SCHEMAS = Path(os.environ.get("YUQING_GRAFANA_SCHEMAS", Path(__file__).parents[3] / "shared" / "grafana" / "schemas"))

GOOD = "SELECT minute AS time, posts FROM v_metrics WHERE $__timeFilter(minute) ORDER BY time"


def board(sql: str = GOOD, source: str = "yuqing-viewer", uid: str = "yuqing-health", **panel: Any) -> dict[str, Any]:
    target = {"refId": "A", "datasource": {"uid": source}, "rawSql": sql, "format": 0}
    variable = {
        "name": "platform",
        "type": "query",
        "datasource": {"uid": source},
        "query": "SELECT platform, platform AS name FROM v_feeds",
    }
    whole = {"id": 1, "type": "timeseries", "title": "发帖", "description": "每分钟多少帖？", "targets": [target]}
    return {"uid": uid, "panels": [whole | panel], "templating": {"list": [variable]}}


def told(*boards: dict[str, Any], rules: dict[str, Any] | None = None) -> list[Problem]:
    return static(boards, rules or {}, tables=TABLES, readable=READABLE)


def test_what_is_committed_has_no_problem() -> None:
    assert told(*BOARDS, rules=RULES) == []
    assert through_types(BOARDS, RULES) == []


def test_a_good_board_has_no_problem() -> None:
    assert told(board()) == []


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT minute, posts FROM v_nothing ORDER BY minute", "table v_nothing does not exist"),
        ("SELECT minute, posts FROM metrics_minute ORDER BY minute", "viewer may not read metrics_minute"),
        ("SELECT created_at, 1 FROM posts ORDER BY created_at", "viewer may not read posts"),
        ("SELECT a.last_at FROM v_feeds AS f JOIN alerts AS a ON 1 ORDER BY 1", "viewer may not read alerts"),
        ("SELECT (SELECT max(at) FROM alert_hits) AS t, posts FROM v_metrics ORDER BY t", "may not read alert_hits"),
        ("SELECT created_at FROM posts FINAL ORDER BY created_at", "FINAL reads a whole base table"),
        ("SELECT * FROM url('http://x', 'CSV') ORDER BY 1", "table function url"),
        ("SELECT minute, posts FROM v_metrics", "a time series without ORDER BY"),
        (
            "SELECT t, posts FROM (SELECT minute AS t, posts FROM v_metrics ORDER BY t) WHERE posts FROM v",
            "without ORDER",
        ),
        ("SELECT minute, posts FROM v_metrics WHERE author_token = '' ORDER BY 1", "names author_token"),
        ("SELECT minute, any(caller_token) FROM v_metrics GROUP BY 1 ORDER BY 1", "names caller_token"),
        ("SELECT minute, phone_tokens FROM v_metrics ORDER BY 1", "names phone_tokens"),
        ("SELECT minute, url FROM v_metrics ORDER BY 1", "names url"),
        ("SELECT minute, posts AS 作者 FROM v_metrics ORDER BY 1", "names 作者"),
        ("SELECT minute, posts FROM v_metrics WHERE $__timefilter(minute) ORDER BY 1", r"\$__timefilter is unknown"),
        ("SELECT minute, posts FROM v_metrics WHERE x = '$region' ORDER BY 1", r"\$region is no form"),
        ("SELECT minute, posts FROM v_metrics WHERE x = ${topic:singlequote} ORDER BY 1", "topic is not on this board"),
        (
            "SELECT minute, posts FROM v_metrics WHERE minute < $__toTime AND posts IN (1, 2) ORDER BY 1",
            r"\$__toTime with a bracket somewhere after it",
        ),
        ("", "no statement"),
    ],
)
def test_a_broken_statement_is_told(sql: str, what: str) -> None:
    problems = told(board(sql))
    assert re.search(what, "; ".join(problem.what for problem in problems)), problems
    assert {(problem.board, problem.panel) for problem in problems} == {("yuqing-health", "1 发帖")}
    assert all(problem.remedy for problem in problems)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT minute, posts FROM v_metrics WHERE minute < ($__toTime) AND posts IN (1, 2) ORDER BY 1",
        "SELECT minute, posts FROM v_metrics WHERE minute < $__toTime() AND posts IN (1, 2) ORDER BY 1",
        "SELECT f(minute < $__toTime), posts FROM v_metrics WHERE posts IN (1, 2) ORDER BY 1",
        "SELECT minute, 'from posts FINAL by author_token' FROM v_metrics -- FROM posts\nORDER BY 1",
        "WITH whole AS (SELECT minute, posts FROM v_metrics) SELECT minute, posts FROM whole ORDER BY 1",
        "SELECT last_at, authors, callers, need FROM v_alerts ARRAY JOIN needs AS need ORDER BY 1",
        "SELECT minute FROM v_metrics WHERE platform = ${platform:singlequote} ORDER BY 1",
    ],
)
def test_what_only_looks_broken_is_not_told(sql: str) -> None:
    assert told(board(sql)) == []


def test_a_source_is_one_of_ours_and_places_are_for_one_board() -> None:
    assert "none of ours" in told(board(source="other"))[0].what
    assert "has places" in told(board(source="yuqing-centre"))[0].what
    assert told(board(source="yuqing-centre", uid="yuqing-command")) == []


def test_a_panel_says_its_question_and_has_a_number_of_its_own() -> None:
    assert [problem.what for problem in told(board(description=" "))] == ["no description"]
    twice = board()
    twice["panels"] *= 2
    assert "the number 1 is used twice" in [problem.what for problem in told(twice)]


def test_panels_of_a_folded_row_and_variables_are_asked_too() -> None:
    folded = board()
    folded["panels"] = [{"id": 9, "type": "row", "panels": board("SELECT 1 FROM posts")["panels"]}]
    folded["templating"]["list"][0]["query"] = {"rawSql": "SELECT platform FROM feeds"}
    assert [(p.panel, p.what) for p in told(folded)] == [
        ("1 发帖", "viewer may not read posts"),
        ("1 发帖", "a time series without ORDER BY"),
        ("variable platform", "viewer may not read feeds"),
    ]


def test_a_rule_has_no_variables() -> None:
    rules = copy.deepcopy(RULES)
    rules["groups"][0]["rules"][0]["data"][0]["model"]["rawSql"] += " AND adcode = ${region:singlequote}"
    assert [(p.board, p.panel, p.what) for p in told(rules=rules)] == [
        ("alert rules", "yuqing-priority-1-call", "variable region in an alert rule")
    ]
    assert len(questions([], rules)) == 7


def test_words_and_comments_are_no_names() -> None:
    assert "posts" not in without_words(r"SELECT 'it\'s posts', 'a''posts' -- posts" + "\n/* posts */")


# shapes ---


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda b: b.update(refreshh="10s"), "refreshh"),
        (lambda b: b["panels"][0].update(gridpos=1), "panels/0/gridpos"),
        (
            lambda b: b["panels"][0]["fieldConfig"]["defaults"].update(colour="red"),
            "panels/0/fieldConfig/defaults/colour",
        ),
        (lambda b: b.pop("schemaVersion"), "schemaVersion"),
        (lambda b: b["templating"].update(list=3), "Dashboard cannot be made"),
    ],
)
def test_what_the_sdks_types_do_not_know_is_told(change: Any, where: str) -> None:
    broken = copy.deepcopy(BOARDS[0])
    change(broken)
    assert any(where in problem.panel for problem in through_types([broken], {}))


def test_rules_too_go_through_the_types() -> None:
    broken = copy.deepcopy(RULES)
    broken["groups"][0]["rules"][0]["keepFiring"] = "5m"
    broken["groups"][0]["rules"][0]["data"][2]["model"]["limit"] = 3
    broken["policies"]["wait"] = "1s"
    assert [problem.panel for problem in through_types([], broken)] == [
        "rules/0/keepFiring",
        "wait",
        "yuqing-priority-1-call/limit",
    ]


def test_differences_are_paths() -> None:
    assert differences({"a": [1, {"b": 2}], "c": 1}, {"a": [1, {"b": 3}], "d": 1}) == ["a/1/b", "c", "d"]
    assert differences({"a": 1}, {"a": True}) == ["a"]
    assert differences([1], [1, 2]) == ["all of it"]


def small_schemas(folder: Path) -> Path:
    """Four schemas in the form of Grafana's, of a size to read."""
    anything = {"type": "object", "additionalProperties": {}, "description": "of the plugin"}
    strict = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"uid": {"type": "string"}, "panels": {"type": "array"}, "templating": anything},
    }
    definitions = {"dashboard": {"Dashboard": strict, "Panel": {}}, "alerting": {}, "expr": {}, "timeseries": {}}
    for name, defined in definitions.items():
        defined = defined or {"Options": {}, "FieldConfig": {"type": "object", "required": ["drawStyle"]}}
        (folder / f"{name}.schema.json").write_text(json.dumps({"definitions": defined}))
    return folder


def test_schemas_are_strict_but_for_anything(tmp_path: Path) -> None:
    folder = small_schemas(tmp_path)
    found = against_schemas([board() | {"templating": 5, "tags": []}], {}, folder)
    assert [(p.panel, p.what) for p in found] == [
        ("Dashboard", "Additional properties are not allowed ('tags' was unexpected)"),
        ("1 发帖", "FieldConfig: 'drawStyle' is a required property"),
    ]
    (folder / "expr.schema.json").unlink()
    with pytest.raises(UsageError, match=r"expr.schema.json cannot be read"):
        against_schemas([], {}, folder)


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="Grafana's schemas are not at hand (YUQING_GRAFANA_SCHEMAS)")
def test_what_is_committed_fits_grafanas_schemas() -> None:
    assert against_schemas(BOARDS, RULES, SCHEMAS) == []
    broken = copy.deepcopy(BOARDS[0])
    broken["panels"][0]["gridPos"]["w"] = "wide"
    rules = copy.deepcopy(RULES)
    rules["groups"][0]["rules"][0]["noDataState"] = "Fine"
    rules["groups"][0]["rules"][0]["data"][2]["model"]["conditions"] = {}
    found = against_schemas([broken], rules, SCHEMAS)
    assert [(p.board, p.panel, p.what.split(":")[0]) for p in found] == [
        (BOARDS[0]["uid"], f"{broken['panels'][0]['id']} {broken['panels'][0]['title']}", "gridPos/w"),
        ("alert rules", "rules/0/noDataState", "'Fine' is not one of ['OK', 'Alerting', 'NoData', 'KeepLast']"),
        ("alert rules", "yuqing-priority-1-call", "conditions"),
    ]


def test_durations() -> None:
    assert (seconds("10s"), seconds("1h30m"), seconds("500ms")) == (10, 5_400, 0.5)
    with pytest.raises(UsageError, match="'5 min' is no duration"):
        seconds("5 min")


def test_the_command_lists_problems_and_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "rules.json").write_text("{}")
    arguments = ["check", "--generated", str(tmp_path), "--format", "json"]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    (tmp_path / "boards" / "a.json").write_text(json.dumps(board("SELECT 1 FROM posts ORDER BY 1")))
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == 1
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert {
        "board": "yuqing-health",
        "panel": "1 发帖",
        "what": "viewer may not read posts",
        "remedy": "read a view that it may (store/roles.py)",
    } in lines
