"""应急指挥: what is needed where, now, for whoever is on duty. The only board that names places and shows masked text.

Open episodes do not depend on the range of time: an old call that nobody has answered must not slide off the wall.
Neither do they depend on the platform: the same call comes from several.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels
from dashboards.boards import command_statements as statements
from dashboards.boards.frame import Frame
from dashboards.boards.frame import board as framed
from dashboards.panels import CLOCK, MINUTES, Column, Said
from dashboards.query import CENTRE

FRAME = Frame(
    uid="yuqing-command",
    question="现在哪里、需要什么、最急的是哪几件？未结束的事件不随时间范围和平台筛选变化。",
    source=CENTRE,
    since="6h",
    refresh="10s",
)

_PRIORITY = Column(width=60, words="priority", paint="background", centred=True)
_STATE = Column(width=80, words="state", paint="text")
_SOME = [(None, "green"), (1, "red")]


def board() -> dashboard.Dashboard:
    return framed(
        FRAME,
        [
            (11, [(24, _top_five())]),
            (4, [(24, _counts())]),
            (13, [(24, _episodes())]),
            (12, [(10, _map()), (5, _needs()), (9, _hazards())]),
            (9, [(7, _arrivals()), (7, _calls()), (6, _feeds()), (4, _no_county())]),
            (12, [(24, _alerts())]),
        ],
    )


def _top_five() -> panels.Panel:
    said = Said(
        1,
        "最急的五件事",
        "现在最该先办的五件事是什么、在哪里、多少人？按紧急程度排序；帖中所说未经核实，是否属实由人判定。",
        CENTRE,
        "没有未结束的事件",
    )
    return panels.lines_of_text(said, statements.TOP_FIVE, "事件", {"P1": "red", "P2": "orange", "P3": "yellow"})


def _counts() -> panels.Panel:
    said = Said(
        2,
        "未结束的事件",
        "还有多少件没有了结，多少件没人核实，最久的 P1 等了多久？没有求助不等于没有人需要帮助。",
        CENTRE,
        "无",
    )
    columns = {
        "P1 危及生命": Column(steps=_SOME),
        "P2 断粮断药或滞留": Column(steps=[(None, "green"), (1, "orange")]),
        "P3 物资人力险情": Column(steps=[(None, "green"), (1, "#b58900")]),
        "待核实": Column(steps=[(None, "green"), (1, "orange"), (20, "red")]),
        "已超时限": Column(steps=_SOME),
        "最久未答 P1": Column(unit=MINUTES, steps=[(None, "green"), (5, "orange"), (15, "red")]),
    }
    return panels.figures(said, statements.COUNTS, columns)


def _episodes() -> panels.Panel:
    said = Said(
        3,
        "未结束事件清单（前 50 件）",
        "每一件需要什么、在哪里、谁在办、为什么排在前面？人数取帖中所说的最大值，等待从帖中所写的最早时间算起；"
        "原文已遮蔽身份和共享地点，办理用 yuqing episodes 和事件编号。",
        CENTRE,
        "没有未结束的事件",
    )
    columns = {
        "序": Column(width=45),
        "级别": _PRIORITY,
        "需要": Column(width=150, wrap=True),
        "地点": Column(width=190, wrap=True),
        "人数": Column(width=110, wrap=True),
        "状态": _STATE,
        "已等待": Column(width=95, unit=MINUTES),
        "最后消息": Column(width=110, unit=CLOCK),
        "求助者": Column(width=70),
        "转发": Column(width=60),
        "承办": Column(width=90, wrap=True, none="无人承办"),
        "时限": Column(width=110, unit=CLOCK, none="未定"),
        "其他依据": Column(width=160, wrap=True),
        "原文（已遮蔽）": Column(width=400, wrap=True, none="没有可看的原文"),
        "证据帖": Column(width=170, wrap=True),
        "首次消息": Column(width=110, unit=CLOCK),
        "事件编号": Column(width=150),
    }
    return panels.rows(said, statements.EPISODES, columns, tall=True)


def _map() -> panels.Panel:
    said = Said(
        4,
        "各地区未结束事件",
        "未结束的事件集中在哪些地区？圆越大件数越多，颜色是其中最急的级别；圆在地区的代表点上，不是事发点。",
        CENTRE,
        "没有能落到地区的事件",
    )
    columns = {
        "最急": Column(steps=[(None, "red"), (2, "orange"), (3, "#b58900"), (4, "blue")], words="priority"),
    }
    return panels.points(said, statements.MAP, size="未结束", colour="最急", label="标注", columns=columns)


def _needs() -> panels.Panel:
    said = Said(
        5,
        "需要什么",
        "未结束的求助里，各类需要各有多少件？一件可有几种需要，各计一次。",
        CENTRE,
        "没有未结束的求助",
    )
    return panels.bars(said, statements.NEEDS, colour="orange")


def _hazards() -> panels.Panel:
    said = Said(
        6,
        "险情与传言",
        "有哪些险情在传，是否已有官方发布或有人否认？“未证实”不等于假，“官方已发布”也只是帖中所见。",
        CENTRE,
        "没有未结束的险情",
    )
    columns = {
        "险情": Column(width=110, wrap=True),
        "地点": Column(width=180, wrap=True),
        "说法": Column(width=100, words="standing", paint="text"),
        "说有": Column(width=60),
        "说没有": Column(width=70),
        "级别": _PRIORITY,
        "最后消息": Column(width=110, unit=CLOCK),
        "状态": _STATE,
        "事件编号": Column(width=150),
    }
    return panels.rows(said, statements.HAZARDS, columns, tall=True)


def _arrivals() -> panels.Panel:
    said = Said(
        7,
        "每分钟发帖数",
        "帖子来得多快，是突增还是断了？按发帖时间计；选了市或省时，提到几个区县的帖子在各处各计一次。",
        CENTRE,
        "此时段没有帖子",
    )
    return panels.series(said, statements.ARRIVALS, stacked=True, as_bars=True)


def _calls() -> panels.Panel:
    said = Said(
        8,
        "每分钟求助帖",
        "求助在增加还是减少，求的是什么？含转发，一帖可有几种需要；不随地区筛选变化。",
        CENTRE,
        "此时段没有求助帖",
    )
    return panels.series(said, statements.CALLS, stacked=True, as_bars=True)


def _feeds() -> panels.Panel:
    said = Said(
        9,
        "距最新一帖",
        "各平台的数据断了没有？平台长时间没有新帖，可能是采集断了，不是没人发帖。",
        CENTRE,
        "还没有收到过帖子",
    )
    return panels.bars(
        said,
        statements.FEEDS,
        unit=MINUTES,
        steps=[(None, "green"), (10, "orange"), (30, "red")],
        columns={"距最新一帖": Column(decimals=1)},
        largest=60,
    )


def _no_county() -> panels.Panel:
    said = Said(
        10,
        "不在图上的事件",
        "有多少件说不出区县，因而不在图上？这些事件在清单里仍有；不随地区筛选变化。",
        CENTRE,
    )
    steps = [(None, "text"), (1, "orange")]
    return panels.figures(
        said, statements.NO_COUNTY, {"不知区县": Column(steps=steps), "不知地点": Column(steps=steps)}, background=False
    )


def _alerts() -> panels.Panel:
    said = Said(
        11,
        "告警",
        "此时段最新的告警是什么、凭什么？原文已遮蔽身份和共享地点；告警只保留到最后一帖后七天。",
        CENTRE,
        "此时段没有告警",
    )
    columns = {
        "时间": Column(width=110, unit=CLOCK),
        "级别": _PRIORITY,
        "地点": Column(width=200, wrap=True),
        "依据": Column(width=210, wrap=True),
        "原文（已遮蔽）": Column(width=400, wrap=True, none="没有可看的原文"),
        "求助者": Column(width=70),
        "帖数": Column(width=60),
        "状态": Column(width=80, words="alert", paint="text"),
        "规则": Column(width=150),
        "证据帖": Column(width=150),
        "告警编号": Column(width=150),
    }
    return panels.rows(said, statements.ALERTS, columns, tall=True)
