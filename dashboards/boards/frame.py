"""What every board has: variables, links to the others, time zone, and panels laid out in rows of 24 columns."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos

from dashboards import words
from dashboards.panels import Panel

COLUMNS = 24

TITLES = {
    "yuqing-command": "应急指挥",
    "yuqing-opinion": "舆情总览",
    "yuqing-topic": "话题详情",
    "yuqing-health": "运行状态",
    "yuqing-approval": "审批",
    "yuqing-policy": "政策推演",
}
"""uid -> title of every board, in the order of the links."""
OWN_RANGE = frozenset({"yuqing-health", "yuqing-approval", "yuqing-policy"})
"""Boards of another pace: links to and from them do not carry the range along."""

REGIONS = """
SELECT adcode, name FROM
(
    SELECT 'all' AS adcode, '全部' AS name, 0 AS place
    UNION ALL
    SELECT
        adcode, trim(concat(if(level = 'province', '', if(city = '', province, city)), ' ', name)) AS name, 1 AS place
    FROM v_districts
)
ORDER BY place, adcode
"""
PLATFORMS = f"""
SELECT platform, name FROM
(
    SELECT 'all' AS platform, '全部' AS name, 0 AS place
    UNION ALL
    SELECT platform, {words.word("platform", "platform")} AS name, 1 AS place FROM v_feeds
)
ORDER BY place, platform
"""

Row = tuple[int, Sequence[tuple[int, Panel]]]
"""Height, and panels with their widths (of 24), from left to right."""


@dataclass(frozen=True)
class Frame:
    """What tells one board from another."""

    uid: str
    question: str
    source: DataSourceRef
    since: str
    refresh: str


def board(frame: Frame, rows: Sequence[Row], more: Sequence[dashboard.QueryVariable] = ()) -> dashboard.Dashboard:
    """A board of ``rows``; ``more`` variables come after region and platform."""
    built = (
        dashboard.Dashboard(TITLES[frame.uid])
        .uid(frame.uid)
        .description(frame.question)
        .tags(["yuqing"])
        .timezone("Asia/Shanghai")
        .week_start("monday")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time(f"now-{frame.since}", "now")
        .refresh(frame.refresh)
        .timepicker(dashboard.TimePicker().refresh_intervals(["10s", "30s", "1m", "5m", "15m", "1h"]))
    )
    for variable in (*shared(frame.source), *more):
        built = built.with_variable(variable)
    for uid, title in TITLES.items():
        if uid != frame.uid:
            built = built.link(
                dashboard.DashboardLink(title)
                .type(models.DashboardLinkType.LINK)
                .icon("dashboard")
                .url(f"/d/{uid}")
                .keep_time(not {uid, frame.uid} & OWN_RANGE)
                .include_vars(True)
                .tooltip(f"打开{title}")
            )
    top = 0
    for height, panels in rows:
        left = 0
        for width, panel in panels:
            built = built.with_panel(panel.grid_pos(GridPos(x=left, y=top, w=width, h=height)))
            left += width
        if left != COLUMNS:
            raise ValueError(f"{frame.uid}: a row is {left} columns wide and not {COLUMNS}")
        top += height
    return built


def shared(source: DataSourceRef) -> list[dashboard.QueryVariable]:
    """The two variables of every board. 'all' is a row of the answer: Grafana would not quote a value for "All"."""
    return [
        chosen("region", "地区", REGIONS, source, "只看这个地区；选市或省时，含其下各区县。"),
        chosen("platform", "平台", PLATFORMS, source, "只看这个平台。"),
    ]


def chosen(
    name: str, label: str, sql: str, source: DataSourceRef, question: str, text: str = "全部", value: str = "all"
) -> dashboard.QueryVariable:
    """A variable that the store's answer offers: value, then text."""
    lines = [line.rstrip() for line in sql.strip().splitlines()]
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .description(question)
        .datasource(source)
        .query("\n".join(lines))
        .refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
        .multi(False)
        .include_all(False)
        .allow_custom_value(False)
        .current(models.VariableOption(selected=True, text=text, value=value))
    )
