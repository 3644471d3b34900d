"""舆情总览: what people talk about and in what mood, as counts. No text, no place below the county, no author."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels, words
from dashboards.boards.frame import Frame
from dashboards.boards.frame import board as framed
from dashboards.panels import CLOCK, Column, Said
from dashboards.query import REGION, VIEWER, by_the_hour, counted, in_cells, in_region, on_platform

FRAME = Frame(
    uid="yuqing-opinion",
    question="大家在谈什么、情绪如何、哪里和哪个平台在变？只有计数，不含原文和作者。",
    source=VIEWER,
    since="24h",
    refresh="1m",
)

SMALL = "情绪按小时计，只计至少 20 位作者的格子，取整到 5；其余归入“未计入”。"

# Cells of few authors are missing, so shares of what is left would lie: a county where only the angry are many enough
# would be angry by 100%. All posts are counted elsewhere, and shares are of them.
_MENTIONS = f"({REGION} = 'all' OR arrayExists(county -> {in_region('county.adcode')}, counties))"

FIGURES = f"""
SELECT
    (SELECT sum(posts) FROM v_post_counts WHERE $__timeFilter(minute) AND {counted()} AND {on_platform()}) AS `帖子`,
    if(whole = 0, NULL, least(1, negative / whole)) AS `负面占比（至少）`,
    (SELECT count() FROM v_topics WHERE $__timeFilter(last_at) AND posts >= 3 AND {_MENTIONS}) AS `三帖以上的话题`,
    (SELECT count() FROM v_forecasts
     WHERE warning AND step = 1 AND week >= toMonday(($__toTime), 'Asia/Shanghai') - 7
        AND {in_region("district")}) AS `超出预测`
FROM
(
    SELECT
        (SELECT sum(posts) FROM v_post_counts
         WHERE {by_the_hour("minute")} AND {counted()} AND {on_platform()}) AS whole,
        (SELECT sum(posts) FROM v_sentiment
         WHERE {by_the_hour("hour")} AND sentiment = 'negative'
            AND {in_cells()} AND {on_platform()}) AS negative
)
"""

_HOURS = f"""
    SELECT toStartOfHour(minute) AS hour, sum(posts) AS everything
    FROM v_post_counts
    WHERE {by_the_hour("minute")} AND {counted()} AND {on_platform()}
    GROUP BY hour
"""

_MOODS = f"""
    SELECT hour, sumIf(posts, sentiment = 'negative') AS negative, sumIf(posts, sentiment = 'neutral') AS neutral,
        sumIf(posts, sentiment = 'positive') AS positive
    FROM v_sentiment
    WHERE {by_the_hour("hour")} AND {in_cells()} AND {on_platform()}
    GROUP BY hour
"""

SHARES = f"""
SELECT hour AS time, negative / whole AS `负面`, neutral / whole AS `中性`, positive / whole AS `正面`,
    (whole - negative - neutral - positive) / whole AS `未计入`
FROM
(
    SELECT a.hour AS hour, m.negative AS negative, m.neutral AS neutral, m.positive AS positive,
        greatest(a.everything, m.negative + m.neutral + m.positive) AS whole
    FROM ({_HOURS}) AS a
    LEFT JOIN ({_MOODS}) AS m ON m.hour = a.hour
)
ORDER BY time
"""

COUNTS = f"""
SELECT hour AS time, {words.word("sentiment", "mood")} AS sentiment, sum(posts) AS Value
FROM v_sentiment
WHERE {by_the_hour("hour")} AND {in_cells()} AND {on_platform()}
GROUP BY time, sentiment
ORDER BY time, sentiment
"""

REGIONS = f"""
SELECT d.name AS `地区`, least(1, n.negative / a.everything) AS `负面占比（至少）`
FROM
(
    SELECT adcode, sum(posts) AS negative
    FROM v_sentiment
    WHERE {by_the_hour("hour")} AND sentiment = 'negative' AND adcode != ''
        AND {in_region()} AND {on_platform()}
    GROUP BY adcode
) AS n
INNER JOIN
(
    SELECT key, sum(posts) AS everything
    FROM v_post_counts
    WHERE {by_the_hour("minute")} AND dimension = 'adcode'
        AND {in_region("key")} AND {on_platform()}
    GROUP BY key
) AS a ON a.key = n.adcode
INNER JOIN v_districts AS d ON d.adcode = n.adcode
ORDER BY `负面占比（至少）` DESC, n.adcode
LIMIT 15
"""

BY_PLATFORM = f"""
SELECT {words.word("n.platform", "platform")} AS `平台`, least(1, n.negative / a.everything) AS `负面占比（至少）`
FROM
(
    SELECT platform, sum(posts) AS negative
    FROM v_sentiment
    WHERE {by_the_hour("hour")} AND sentiment = 'negative'
        AND {in_cells()} AND {on_platform()}
    GROUP BY platform
) AS n
INNER JOIN
(
    SELECT platform, sum(posts) AS everything
    FROM v_post_counts
    WHERE {by_the_hour("minute")} AND {counted()} AND {on_platform()}
    GROUP BY platform
) AS a ON a.platform = n.platform
ORDER BY `负面占比（至少）` DESC, n.platform
"""

EMOTIONS = f"""
SELECT {words.word("emotion", "mood")} AS `情绪`, sum(posts) AS `帖子`
FROM v_emotion
WHERE {by_the_hour("hour")} AND {in_cells()} AND {on_platform()}
GROUP BY emotion
ORDER BY `帖子` DESC, emotion
"""

TOPICS = f"""
SELECT
    name AS `话题`,
    posts AS `帖数`,
    reach AS `含转抄`,
    growth AS `增势`,
    if(negative IS NULL, NULL, negative / greatest(1, negative + neutral + positive)) AS `负面占比`,
    last_at AS `最后一帖`,
    first_at AS `第一帖`,
    topic_id
FROM v_topics
WHERE $__timeFilter(last_at) AND {_MENTIONS}
ORDER BY reach DESC, topic_id
LIMIT 20
"""

VOLUME = f"""
SELECT $__timeInterval(minute) AS time, {words.word("platform", "platform")} AS source, sum(posts) AS Value
FROM v_post_counts
WHERE $__timeFilter(minute) AND {counted()} AND {on_platform()}
GROUP BY time, source
ORDER BY time, source
"""


def _keys(dimension: str, name: str) -> str:
    return f"""
SELECT key AS `{name}`, sum(posts) AS `帖子`
FROM v_keywords
WHERE {by_the_hour("hour")} AND dimension = '{dimension}' AND {on_platform()}
GROUP BY key
ORDER BY `帖子` DESC, key
LIMIT 12
"""


DISTRICTS = f"""
SELECT d.name AS `地区`, sum(c.posts) AS `帖子`
FROM v_post_counts AS c
INNER JOIN v_districts AS d ON d.adcode = c.key
WHERE $__timeFilter(c.minute) AND c.dimension = 'adcode' AND {in_region("c.key")} AND {on_platform("c.platform")}
GROUP BY c.key, d.name
ORDER BY `帖子` DESC, c.key
LIMIT 15
"""

FORECASTS = f"""
SELECT
    f.week AS `周`,
    if(f.theme = '', '全部帖子', f.theme) AS `主题`,
    if(f.district = '', '全部地区', if(d.name = '', f.district, d.name)) AS `地区`,
    f.observed AS `实际`,
    f.expected AS `预测`,
    concat(toString(round(f.lower95)), ' – ', toString(round(f.upper95))) AS `95% 区间`,
    f.days AS `已过天数`,
    toUInt8(f.warning) AS `超出`
FROM v_forecasts AS f
LEFT JOIN v_districts AS d ON d.adcode = f.district
WHERE f.step = 1 AND f.observed IS NOT NULL AND f.week >= toMonday(($__toTime), 'Asia/Shanghai') - 7
    AND {in_region("f.district")}
ORDER BY f.warning DESC, f.week DESC, f.observed / greatest(1, f.upper95) DESC, f.theme, f.district
LIMIT 20
"""

MOODS = {
    "负面": Column(colour="red"),
    "中性": Column(colour="#8e8e8e"),
    "正面": Column(colour="green"),
}
_SHARE = [(None, "green"), (0.3, "yellow"), (0.5, "orange"), (0.7, "red")]


def board() -> dashboard.Dashboard:
    return framed(
        FRAME,
        [
            (4, [(24, _figures())]),
            (9, [(12, _shares()), (12, _counts())]),
            (11, [(24, _topics())]),
            (11, [(8, _regions()), (8, _by_platform()), (8, _emotions())]),
            (9, [(14, _volume()), (10, _districts())]),
            (10, [(7, _categories()), (7, _rules()), (10, _forecasts())]),
        ],
    )


def _figures() -> panels.Panel:
    said = Said(
        1,
        "此时段",
        f"此时段有多少帖子、至少多少是负面、几个话题在谈、几项超出预测（本周和上周）？{SMALL}",
        VIEWER,
    )
    columns = {
        "负面占比（至少）": Column(unit="percentunit", decimals=0, steps=[(None, "text"), *_SHARE[1:]]),
        "超出预测": Column(steps=[(None, "green"), (1, "red")]),
    }
    return panels.figures(said, FIGURES, columns, background=False)


def _shares() -> panels.Panel:
    said = Said(2, "情绪占比", f"负面情绪在上升吗？占全部帖子的份额。{SMALL}", VIEWER, "此时段没有帖子")
    columns = {**MOODS, "未计入": Column(colour="#4a4a4a")}
    return panels.series(said, SHARES, unit="percentunit", stacked=True, columns=columns, interval="1h", largest=1)


def _counts() -> panels.Panel:
    said = Said(3, "情绪帖数", f"各种情绪每小时有多少帖？{SMALL}", VIEWER, "没有一个小时凑足 20 位作者")
    return panels.series(said, COUNTS, stacked=True, as_bars=True, columns=MOODS, interval="1h")


def _topics() -> panels.Panel:
    said = Said(
        4,
        "热点话题",
        "哪些话题传得最广、长得最快？点话题名看详情；增势是最近一小时与前一小时帖数（各加一）之比；"
        "不足 20 位作者的话题不给情绪；不随平台筛选变化。",
        VIEWER,
        "此时段没有话题（话题作业未运行，或没有成组的帖子）",
    )
    columns = {
        "话题": Column(
            link=("话题详情", "/d/yuqing-topic?var-topic=${__data.fields.topic_id}&${__url_time_range}"),
        ),
        "帖数": Column(width=90),
        "含转抄": Column(width=200, bar=True, colour="blue"),
        "增势": Column(
            width=100, unit="prefix:×", decimals=1, paint="text", steps=[(None, "text"), (2, "orange"), (5, "red")]
        ),
        "负面占比": Column(
            width=110,
            unit="percentunit",
            decimals=0,
            paint="text",
            steps=[(None, "text"), *_SHARE[1:]],
            none="不足 20 人",
        ),
        "最后一帖": Column(width=120, unit=CLOCK),
        "第一帖": Column(width=120, unit=CLOCK),
        "topic_id": Column(hidden=True),
    }
    return panels.rows(said, TOPICS, columns)


def _regions() -> panels.Panel:
    said = Said(
        5,
        "各地区负面占比（至少）",
        f"哪些地区的情绪最差？最差的在前，人少的地区不在内。{SMALL}",
        VIEWER,
        "没有一个地区凑足 20 位作者",
    )
    return panels.bars(said, REGIONS, unit="percentunit", steps=_SHARE, largest=1, columns=_PERCENT)


def _by_platform() -> panels.Panel:
    said = Said(6, "各平台负面占比（至少）", f"哪个平台的情绪最差？{SMALL}", VIEWER, "没有一个平台凑足 20 位作者")
    return panels.bars(said, BY_PLATFORM, unit="percentunit", steps=_SHARE, largest=1, columns=_PERCENT)


_PERCENT = {"负面占比（至少）": Column(decimals=0)}


def _emotions() -> panels.Panel:
    said = Said(7, "情绪构成", f"人们是怕、是怒、是悲还是喜？{SMALL}", VIEWER, "没有一个小时凑足 20 位作者")
    return panels.bars(said, EMOTIONS, colour="purple")


def _volume() -> panels.Panel:
    said = Said(
        8,
        "各平台发帖量",
        "哪个平台的量在涨？按发帖时间计；选了市或省时，提到几个区县的帖子在各处各计一次。",
        VIEWER,
        "此时段没有帖子",
    )
    return panels.series(said, VOLUME, stacked=True, as_bars=True, interval="5m")


def _districts() -> panels.Panel:
    said = Said(
        9, "提到最多的地区", "帖子在说哪里？只提到市的归在市名下，不提地点的不计。", VIEWER, "此时段没有提到地点的帖子"
    )
    return panels.bars(said, DISTRICTS)


def _categories() -> panels.Panel:
    said = Said(10, "关键词类别", "命中最多的是哪些类别？不随地区筛选变化。", VIEWER, "此时段没有命中关键词")
    return panels.bars(said, _keys("category", "类别"), colour="orange")


def _rules() -> panels.Panel:
    said = Said(
        11,
        "关键词规则",
        "命中最多的是哪些规则？规则的词表见 schemas/rules；不随地区筛选变化。",
        VIEWER,
        "此时段没有命中关键词",
    )
    return panels.bars(said, _keys("rule", "规则"), colour="orange")


def _forecasts() -> panels.Panel:
    said = Said(
        12,
        "超出预测的数量",
        "哪些主题在哪里多得反常？超出在前，本周未完时只会更多；每周不足 20 位作者的序列不给；不随平台筛选变化。",
        VIEWER,
        "还没有预测（历史不足，或预警作业未运行）",
    )
    columns = {
        "周": Column(width=105, unit="time:MM-DD"),
        "主题": Column(width=110),
        "地区": Column(width=110),
        "实际": Column(width=75),
        "预测": Column(width=75, decimals=0),
        "95% 区间": Column(width=120),
        "已过天数": Column(width=85),
        "超出": Column(width=75, words="warning", paint="background"),
    }
    return panels.rows(said, FORECASTS, columns)
