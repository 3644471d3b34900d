"""The boards as they are committed: what an officer and Grafana rely on. On a store: test_board_statements.py."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dashboards import provisioning, words
from dashboards.boards.frame import TITLES
from dashboards.build import GENERATED, boards
from pipelines.jobs.approval.stored import ALERT_RULE
from udfs import types
from udfs.brief.words import Words
from udfs.decisions import generic

BOARDS = boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in board["panels"]]
OWN_VARIABLES = {"yuqing-topic": ["topic"], "yuqing-policy": ["run"]}
TYPES = {"timeseries", "stat", "table", "bargauge", "geomap"}
"""Those that the local page can draw."""
CHINESE = re.compile("[一-鿿]")
PERSONS = re.compile(r"author|caller_token|phone|repost_of|embedding|\bactor\b|verified_by|\braw\b|\bposts AS p\b")


def each_panel(uid_and_panel: tuple[str, dict[str, Any]]) -> str:
    uid, panel = uid_and_panel
    return f"{uid}-{panel['id']}"


def test_the_committed_files_are_those_of_the_code() -> None:
    committed = {path.stem: json.loads(path.read_text("utf-8")) for path in (GENERATED / "boards").glob("*.json")}
    assert committed == BOARDS


def test_all_boards_are_there() -> None:
    assert {uid: board["title"] for uid, board in BOARDS.items()} == TITLES


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_is_what_the_others_are(uid: str) -> None:
    board = BOARDS[uid]
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names == ["region", "platform", *OWN_VARIABLES.get(uid, [])]
    assert not any(variable["includeAll"] or variable["multi"] for variable in board["templating"]["list"])
    assert board["timezone"] == "Asia/Shanghai"
    assert board["editable"] is False
    assert {link["url"] for link in board["links"]} == {f"/d/{other}" for other in TITLES if other != uid}
    assert all(link["includeVars"] for link in board["links"])
    assert "？" in board["description"]


@pytest.mark.parametrize("uid", BOARDS)
def test_only_the_command_board_reads_as_the_centre(uid: str) -> None:
    wanted = provisioning.CENTRE if uid == "yuqing-command" else provisioning.VIEWER
    found = re.findall(r'"uid": "(yuqing-(?:centre|viewer))"', json.dumps(BOARDS[uid]))
    assert set(found) == {wanted}


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_fill_a_grid_of_24_and_do_not_overlap(uid: str) -> None:
    panels = BOARDS[uid]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = []
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= 24
        cells.append({(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])})
    assert not any(one & other for one, other in combinations(cells, 2))
    assert len(set().union(*cells)) == 24 * max(at["gridPos"]["y"] + at["gridPos"]["h"] for at in panels)


def test_the_five_most_urgent_come_first_and_in_large_type() -> None:
    first = BOARDS["yuqing-command"]["panels"][0]
    assert first["type"] == "stat"
    assert first["gridPos"] | {"h": 0} == {"x": 0, "y": 0, "w": 24, "h": 0}
    assert first["options"]["reduceOptions"] == {"values": True, "calcs": [], "fields": "/^事件$/", "limit": 50}
    assert "LIMIT 5\n" in first["targets"][0]["rawSql"]


@pytest.mark.parametrize("each", PANELS, ids=each_panel)
def test_a_panel_says_in_chinese_which_question_it_answers(each: tuple[str, dict[str, Any]]) -> None:
    panel = each[1]
    assert CHINESE.search(panel["title"])
    assert "？" in panel["description"]
    assert panel["description"].endswith(("？", "。"))
    assert panel["type"] in TYPES
    assert CHINESE.search(panel["fieldConfig"]["defaults"]["noValue"])


@pytest.mark.parametrize("each", PANELS, ids=each_panel)
def test_a_panel_asks_one_statement_as_the_plugin_stores_it(each: tuple[str, dict[str, Any]]) -> None:
    (target,) = each[1]["targets"]
    assert target["datasource"] == each[1]["datasource"]
    assert target["refId"] == "A"
    assert (target["format"], target["queryType"]) in {(0, "timeseries"), (1, "table")}
    assert (target["format"] == 0) == (each[1]["type"] == "timeseries")
    assert "yuqing." not in target["rawSql"]
    assert "FINAL" not in target["rawSql"]
    assert not PERSONS.search(target["rawSql"])


def overridden(panel: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Column -> setting -> value."""
    return {
        override["matcher"]["options"]: {setting["id"]: setting["value"] for setting in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }


@pytest.mark.parametrize("each", PANELS, ids=each_panel)
def test_a_panel_dresses_only_columns_that_it_has(each: tuple[str, dict[str, Any]]) -> None:
    sql = each[1]["targets"][0]["rawSql"]
    for name in overridden(each[1]):
        assert re.search(rf"AS `?{re.escape(name)}`?[,\n ]|^ +{name}$|'{name}'", sql, re.MULTILINE), name


@pytest.mark.parametrize("each", [one for one in PANELS if one[1]["type"] == "table"], ids=each_panel)
def test_an_empty_cell_does_not_say_that_the_whole_table_is_empty(each: tuple[str, dict[str, Any]]) -> None:
    """Grafana writes noValue into empty cells as well as over an empty table."""
    panel = each[1]
    names = set(re.findall(r"AS `([^`]+)`", panel["targets"][0]["rawSql"]))
    dressed = overridden(panel)
    assert names <= set(dressed)
    assert all(settings["noValue"] != panel["fieldConfig"]["defaults"]["noValue"] for settings in dressed.values())


@pytest.mark.parametrize("each", [one for one in PANELS if one[1]["type"] == "timeseries"], ids=each_panel)
def test_a_series_is_named_by_its_label_alone(each: tuple[str, dict[str, Any]]) -> None:
    """Grafana writes "posts weibo" unless the number is named Value."""
    sql = each[1]["targets"][0]["rawSql"]
    split = re.search(r"GROUP BY time, (?!job\b)\w+", sql)
    assert bool(split) == ("AS Value" in sql)


@pytest.mark.parametrize("uid", [uid for uid in BOARDS if uid != "yuqing-command"])
def test_no_other_board_shows_text_or_a_place_below_the_county(uid: str) -> None:
    for panel in BOARDS[uid]["panels"]:
        assert not re.search(r"\b(text_l2|text|place|evidence|v_calls|alerts|episodes)\b(?! AS)", read(panel)), panel[
            "id"
        ]


def read(panel: dict[str, Any]) -> str:
    """The tables and columns of a statement, without its own names in back quotes and literals."""
    return re.sub(r"`[^`]*`|'[^']*'|AS alerts", "", panel["targets"][0]["rawSql"])


def test_a_topic_leads_to_its_board() -> None:
    (topics,) = [panel for panel in BOARDS["yuqing-opinion"]["panels"] if panel["title"] == "热点话题"]
    links = [
        link["url"]
        for override in topics["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "links"
        for link in setting["value"]
    ]
    assert links == ["/d/yuqing-topic?var-topic=${__data.fields.topic_id}&${__url_time_range}"]


def test_nothing_is_fetched_from_the_internet() -> None:
    assert not re.search(r"https?://", json.dumps(BOARDS))
    (chart,) = [panel for _, panel in PANELS if panel["type"] == "geomap"]
    # without a type, or with an empty address, Grafana takes tiles from the internet
    assert chart["options"]["basemap"]["type"] == "xyz"
    assert chart["options"]["basemap"]["config"]["url"].startswith("data:image/png;base64,")


BRIEF = ["need", "hazard", "vulnerable", "state", "standing", "mood", "proposed", "token"]


@pytest.mark.parametrize("family", BRIEF)
def test_words_are_those_of_the_brief(family: str) -> None:
    brief = Words("zh")
    assert {code: brief.code(family, code) for code in words.WORDS[family]} == dict(words.WORDS[family])


@pytest.mark.parametrize("family", BRIEF)
def test_the_brief_has_no_code_more(family: str) -> None:
    from udfs.brief.words import _WORDS

    assert {key.split(".", 1)[1] for key in _WORDS if key.startswith(f"{family}.")} == set(words.WORDS[family])


def test_types_of_application_have_a_name_of_theirs() -> None:
    kinds = {name: types.load(name) for name in types.names()}
    assert set(words.WORDS["application"]) == set(kinds)
    for name, word in words.WORDS["application"].items():
        assert word in (kinds[name].title, *kinds[name].aliases), name


def test_checks_of_every_type_have_a_word() -> None:
    assert set(words.WORDS["check"]) == set(re.findall(r"generic\.\w+", generic.__doc__ or ""))


def test_the_stop_of_automatic_approval_is_said_in_words() -> None:
    assert words.WORDS["rule"][ALERT_RULE] == "自动审批已停止"


@pytest.mark.parametrize(
    ("uid", "kept"),
    [
        ("yuqing-command", {"yuqing-opinion", "yuqing-topic"}),
        ("yuqing-health", set()),
        ("yuqing-approval", set()),
        ("yuqing-policy", set()),
    ],
)
def test_a_link_takes_the_range_along_where_the_other_board_looks_at_the_same_times(uid: str, kept: set[str]) -> None:
    assert {link["url"].removeprefix("/d/") for link in BOARDS[uid]["links"] if link["keepTime"]} == kept


def test_colours_are_of_codes_that_there_are() -> None:
    for family, colours in words.COLOURS.items():
        assert set(colours) <= set(words.WORDS[family]), family


def test_generated_lies_in_the_package() -> None:
    assert Path(GENERATED).is_dir()
