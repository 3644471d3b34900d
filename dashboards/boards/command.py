"""应急指挥: what is needed where, now, for whoever is on duty. The only board that names places and shows masked text.

Open episodes do not depend on the range of time: an old call that nobody has answered must not slide off the wall.
Neither do they depend on the platform: the same call comes from several.
"""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels, words
from dashboards.boards.frame import Frame
from dashboards.boards.frame import board as framed
from dashboards.panels import CLOCK, MINUTES, Column, Said
from dashboards.query import CENTRE, OPEN, counted, in_region, on_platform

FRAME = Frame(
    uid="yuqing-command",
    question="现在哪里、需要什么、最急的是哪几件？未结束的事件不随时间范围和平台筛选变化。",
    source=CENTRE,
    since="6h",
    refresh="10s",
)

WAITED = "greatest(0, dateDiff('minute', first_at, now()))"

PLACE_IN_LINE = "row_number() OVER (ORDER BY e.rank DESC, e.episode_id)"

# the path without the province and city that the whole wall is about
PLACE = """if(e.place = '', '地点不详',
        if(startsWith(e.place, concat(d.province, d.city)) AND length(e.place) > length(concat(d.province, d.city)),
            substring(e.place, length(concat(d.province, d.city)) + 1), e.place))"""

NEEDED = f"""arrayStringConcat(arrayFilter(said -> said != '',
        [{words.words("e.needs", "need")}, {words.words("e.hazards", "hazard")}]), '；')"""

PEOPLE = f"""concat(if(e.people IS NULL, '人数不详', concat(toString(e.people), ' 人')),
        if(empty(e.vulnerable), '', concat('（', {words.words("e.vulnerable", "vulnerable")}, '）')))"""

TOP_FIVE = f"""
SELECT
    concat(toString({PLACE_IN_LINE}), '. ', {words.word("e.state", "state")}, ' · 等待 ',
        toString({WAITED}), ' 分钟 · 求助者 ', toString(e.callers)) AS `序号`,
    concat('P', toString(e.priority), ' ', {NEEDED}, ' · ', {PLACE}, ' · ', {PEOPLE}) AS `事件`
FROM
(
    SELECT * FROM episodes WHERE {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 5
) AS e
LEFT JOIN v_districts AS d ON d.adcode = e.adcode
ORDER BY e.rank DESC, e.episode_id
"""

COUNTS = f"""
SELECT
    countIf(priority = 1) AS `P1 危及生命`,
    countIf(priority = 2) AS `P2 断粮断药或滞留`,
    countIf(priority = 3) AS `P3 物资人力险情`,
    countIf(state = 'unverified') AS `待核实`,
    countIf(deadline IS NOT NULL AND deadline < now() AND state != 'arrived') AS `已超时限`,
    maxOrNullIf({WAITED}, priority = 1 AND state = 'unverified' AND calls = 0) AS `最久未答 P1`
FROM episodes
WHERE {OPEN} AND {in_region()}
"""

EPISODES = f"""
WITH (SELECT groupArray((platform, post_id)) FROM (
    SELECT evidence[1].1 AS platform, evidence[1].2 AS post_id
    FROM episodes WHERE {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 50
)) AS first_posts
SELECT
    {PLACE_IN_LINE} AS `序`,
    e.priority AS `级别`,
    {NEEDED} AS `需要`,
    {PLACE} AS `地点`,
    {PEOPLE} AS `人数`,
    e.state AS `状态`,
    {WAITED} AS `已等待`,
    {words.shortened("c.said", 60)} AS `原文（已遮蔽）`,
    e.callers AS `求助者`,
    e.relays AS `转发`,
    e.owner AS `承办`,
    e.deadline AS `时限`,
    e.last_at AS `最后消息`,
    {words.why("e.reasons")} AS `其他依据`,
    arrayStringConcat(arrayMap(post -> concat(post.1, '/', post.2), arraySlice(e.evidence, 1, 3)), ' ') AS `证据帖`,
    e.first_at AS `首次消息`,
    e.episode_id AS `事件编号`
FROM
(
    SELECT * FROM episodes WHERE {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 50
) AS e
LEFT JOIN v_districts AS d ON d.adcode = e.adcode
LEFT JOIN
(
    SELECT platform, post_id, {words.spoken("any(text_l2)")} AS said FROM v_calls
    WHERE (platform, post_id) IN (SELECT one.1, one.2 FROM (SELECT arrayJoin(first_posts) AS one))
    GROUP BY platform, post_id
) AS c ON c.platform = e.evidence[1].1 AND c.post_id = e.evidence[1].2
ORDER BY e.rank DESC, e.episode_id
"""

MAP = f"""
SELECT any(d.name) AS `地区`, any(d.lat) AS lat, any(d.lon) AS lon, count() AS `未结束`, min(e.priority) AS `最急`,
    concat(`地区`, ' ', toString(`未结束`)) AS `标注`
FROM episodes AS e
INNER JOIN v_districts AS d ON d.adcode = e.adcode
WHERE e.state != 'closed' AND e.merged_into = '' AND {in_region("e.adcode")}
GROUP BY e.adcode
ORDER BY `最急`, `未结束` DESC
"""

NO_COUNTY = f"""
SELECT countIf(adcode = '') AS `不知区县`, countIf(place = '') AS `不知地点`
FROM episodes
WHERE {OPEN}
"""

# `alerts` has no code of its district, only the path
ALERT_PLACE = """(${region:singlequote} = 'all' OR startsWith(place,
        (SELECT concat(province, if(level = 'province', '', concat(city, name))) FROM v_districts
         WHERE adcode = ${region:singlequote} LIMIT 1)))"""

# a scalar is worked out once, a table of WITH again wherever it is named
ALERTS = f"""
WITH
    (SELECT groupArray((alert_id, last_at, priority, place, reasons, callers, posts, state, rule)) FROM (
        SELECT * FROM alerts WHERE $__timeFilter(last_at) AND {ALERT_PLACE} ORDER BY last_at DESC, alert_id LIMIT 30
    )) AS latest,
    (SELECT groupArray((alert_id, post.1, post.2)) FROM (
        SELECT alert_id, argMax((platform, post_id), at) AS post FROM alert_posts
        WHERE alert_id IN (SELECT arrayJoin(latest).1) GROUP BY alert_id
    )) AS last_posts
SELECT
    a.last_at AS `时间`,
    a.priority AS `级别`,
    if(a.place = '', '地点不详', a.place) AS `地点`,
    {words.alert_reasons("a.reasons")} AS `依据`,
    {words.shortened("c.said", 60)} AS `原文（已遮蔽）`,
    a.callers AS `求助者`,
    a.posts AS `帖数`,
    a.state AS `状态`,
    a.rule AS `规则`,
    if(p.post_id = '', '', concat(p.platform, '/', p.post_id)) AS `证据帖`,
    a.alert_id AS `告警编号`
FROM
(
    SELECT one.1 AS alert_id, one.2 AS last_at, one.3 AS priority, one.4 AS place, one.5 AS reasons, one.6 AS callers,
        one.7 AS posts, one.8 AS state, one.9 AS rule
    FROM (SELECT arrayJoin(latest) AS one)
) AS a
LEFT JOIN
(
    SELECT one.1 AS alert_id, one.2 AS platform, one.3 AS post_id FROM (SELECT arrayJoin(last_posts) AS one)
) AS p ON p.alert_id = a.alert_id
LEFT JOIN
(
    SELECT platform, post_id, {words.spoken("any(text_l2)")} AS said FROM v_calls
    WHERE (platform, post_id) IN (SELECT one.2, one.3 FROM (SELECT arrayJoin(last_posts) AS one))
    GROUP BY platform, post_id
) AS c ON c.platform = p.platform AND c.post_id = p.post_id
ORDER BY a.last_at DESC, a.alert_id
"""

NEEDS = f"""
SELECT {words.word("need", "need")} AS `需要`, count() AS `未结束`
FROM episodes ARRAY JOIN needs AS need
WHERE {OPEN} AND need != 'offer' AND {in_region()}
GROUP BY need
ORDER BY `未结束` DESC, need
"""

ARRIVALS = f"""
SELECT
    $__timeInterval(minute) AS time, {words.word("platform", "platform")} AS source,
    sum(posts) * 60 / greatest($__interval_s, 60) AS Value
FROM v_post_counts
WHERE $__timeFilter(minute) AND {counted()} AND {on_platform()}
GROUP BY time, source
ORDER BY time, source
"""

CALLS = f"""
SELECT $__timeInterval(minute) AS time, {words.word("key", "need")} AS need,
    sum(posts) * 60 / greatest($__interval_s, 60) AS Value
FROM v_post_counts
WHERE $__timeFilter(minute) AND dimension = 'need' AND key != 'offer' AND {on_platform()}
GROUP BY time, need
ORDER BY time, need
"""

FEEDS = f"""
SELECT
    {words.word("platform", "platform")} AS `平台`,
    greatest(0, dateDiff('second', last_created_at, now64(3))) / 60 AS `距最新一帖`
FROM v_feeds
WHERE {on_platform()}
ORDER BY `距最新一帖` DESC, platform
"""

HAZARDS = f"""
SELECT
    {words.words("e.hazards", "hazard")} AS `险情`,
    {PLACE} AS `地点`,
    e.standing AS `说法`,
    e.claims AS `说有`,
    e.denials AS `说没有`,
    e.priority AS `级别`,
    e.last_at AS `最后消息`,
    e.state AS `状态`,
    e.episode_id AS `事件编号`
FROM
(
    SELECT * FROM episodes WHERE kind = 'hazard' AND {OPEN} AND {in_region()} ORDER BY rank DESC, episode_id LIMIT 30
) AS e
LEFT JOIN v_districts AS d ON d.adcode = e.adcode
ORDER BY e.rank DESC, e.episode_id
"""

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
            (9, [(8, _arrivals()), (8, _calls()), (4, _feeds()), (4, _no_county())]),
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
    return panels.lines_of_text(said, TOP_FIVE, "事件", {"P1": "red", "P2": "orange", "P3": "yellow"})


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
    return panels.figures(said, COUNTS, columns)


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
        "需要": Column(width=190, wrap=True),
        "地点": Column(width=230, wrap=True),
        "人数": Column(width=130, wrap=True),
        "状态": _STATE,
        "已等待": Column(width=95, unit=MINUTES),
        "最后消息": Column(width=110, unit=CLOCK),
        "求助者": Column(width=70),
        "转发": Column(width=60),
        "承办": Column(width=90, wrap=True, none="无人承办"),
        "时限": Column(width=110, unit=CLOCK, none="未定"),
        "其他依据": Column(width=160, wrap=True),
        "原文（已遮蔽）": Column(width=480, wrap=True, none="没有可看的原文"),
        "证据帖": Column(width=170, wrap=True),
        "首次消息": Column(width=110, unit=CLOCK),
        "事件编号": Column(width=150),
    }
    return panels.rows(said, EPISODES, columns, tall=True)


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
    return panels.points(said, MAP, size="未结束", colour="最急", label="标注", columns=columns)


def _needs() -> panels.Panel:
    said = Said(
        5,
        "需要什么",
        "未结束的求助里，各类需要各有多少件？一件可有几种需要，各计一次。",
        CENTRE,
        "没有未结束的求助",
    )
    return panels.bars(said, NEEDS, colour="orange")


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
    return panels.rows(said, HAZARDS, columns, tall=True)


def _arrivals() -> panels.Panel:
    said = Said(
        7,
        "每分钟发帖数",
        "帖子来得多快，是突增还是断了？按发帖时间计；选了市或省时，提到几个区县的帖子在各处各计一次。",
        CENTRE,
        "此时段没有帖子",
    )
    return panels.series(said, ARRIVALS, stacked=True, as_bars=True)


def _calls() -> panels.Panel:
    said = Said(
        8,
        "每分钟求助帖",
        "求助在增加还是减少，求的是什么？含转发，一帖可有几种需要；不随地区筛选变化。",
        CENTRE,
        "此时段没有求助帖",
    )
    return panels.series(said, CALLS, stacked=True, as_bars=True)


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
        FEEDS,
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
        said, NO_COUNTY, {"不知区县": Column(steps=steps), "不知地点": Column(steps=steps)}, background=False
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
        "地点": Column(width=260, wrap=True),
        "依据": Column(width=240, wrap=True),
        "原文（已遮蔽）": Column(width=480, wrap=True, none="没有可看的原文"),
        "求助者": Column(width=70),
        "帖数": Column(width=60),
        "状态": Column(width=80, words="alert", paint="text"),
        "规则": Column(width=170),
        "证据帖": Column(width=150),
        "告警编号": Column(width=150),
    }
    return panels.rows(said, ALERTS, columns, tall=True)
