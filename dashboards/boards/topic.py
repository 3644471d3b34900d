"""话题详情: one topic. Ids of posts, never their text or author."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels
from dashboards.boards.frame import Frame, chosen
from dashboards.boards.frame import board as framed
from dashboards.panels import CLOCK, Column, Said
from dashboards.query import TOPIC, VIEWER, by_the_hour

FRAME = Frame(
    uid="yuqing-topic",
    question="这个话题说的是什么、多大、在涨还是在退、在哪里？地区和平台筛选只随链接传递，不改变本页。",
    source=VIEWER,
    since="24h",
    refresh="1m",
)

# no filter of time: a link names a topic, and Grafana drops a value that is not among the answers
TOPICS = """
SELECT topic_id, concat(name, '（', toString(posts), ' 帖）') AS name
FROM v_topics
ORDER BY reach DESC, topic_id
LIMIT 1000
"""

FIGURES = f"""
SELECT posts AS `帖数`, reach AS `含转抄`, growth AS `增势`, first_at AS `第一帖`, last_at AS `最后一帖`
FROM v_topics
WHERE topic_id = {TOPIC}
"""

ABOUT = f"""
SELECT name AS `话题`, arrayStringConcat(terms, '、') AS `常用词`
FROM v_topics
WHERE topic_id = {TOPIC}
"""

HOURS = f"""
SELECT hour AS time, sum(posts) AS `新帖`, sum(copies) AS `转抄`
FROM v_topic_hours
WHERE {by_the_hour("hour")} AND topic_id = {TOPIC}
GROUP BY time
ORDER BY time
"""

COUNTIES = f"""
SELECT if(d.name = '', c.adcode, d.name) AS `地区`, c.posts AS `帖子`
FROM
(
    SELECT county.adcode AS adcode, county.posts AS posts
    FROM v_topics ARRAY JOIN counties AS county
    WHERE topic_id = {TOPIC}
) AS c
LEFT JOIN v_districts AS d ON d.adcode = c.adcode
ORDER BY `帖子` DESC, c.adcode
LIMIT 15
"""

MOOD = f"""
SELECT negative AS `负面`, neutral AS `中性`, positive AS `正面`
FROM v_topics
WHERE topic_id = {TOPIC}
"""

POSTS = f"""
SELECT post.platform AS `平台`, post.post_id AS `帖子编号`
FROM v_topics ARRAY JOIN representatives AS post
WHERE topic_id = {TOPIC}
"""


def board() -> dashboard.Dashboard:
    topic = chosen("topic", "话题", TOPICS, VIEWER, "看哪个话题。", text="", value="")
    return framed(
        FRAME,
        [
            (4, [(24, _figures())]),
            (4, [(24, _about())]),
            (10, [(24, _hours())]),
            (10, [(8, _counties()), (8, _mood()), (8, _posts())]),
        ],
        [topic],
    )


def _figures() -> panels.Panel:
    said = Said(
        1,
        "规模",
        "这个话题多大、在涨吗？含转抄数是帖子连同转发和近似转抄；增势是最近一小时与前一小时帖数（各加一）之比。",
        VIEWER,
        "没有这个话题",
    )
    columns = {
        "增势": Column(unit="prefix:×", decimals=1, steps=[(None, "text"), (2, "orange"), (5, "red")]),
        "第一帖": Column(unit=CLOCK),
        "最后一帖": Column(unit=CLOCK),
    }
    return panels.figures(said, FIGURES, columns, times=True, background=False)


def _about() -> panels.Panel:
    said = Said(2, "说的是什么", "哪些词把它和别的话题分开？词按强弱排，不含人名和地名细节。", VIEWER, "没有这个话题")
    return panels.rows(said, ABOUT, {"话题": Column(width=320, wrap=True), "常用词": Column(wrap=True)}, tall=True)


def _hours() -> panels.Panel:
    said = Said(3, "每小时帖数", "它什么时候起来，是新说法还是转抄？", VIEWER, "此时段没有这个话题的帖子")
    columns = {"新帖": Column(colour="blue"), "转抄": Column(colour="#8e8e8e")}
    return panels.series(said, HOURS, stacked=True, as_bars=True, columns=columns, interval="1h")


def _counties() -> panels.Panel:
    said = Said(4, "提到的地区", "它说的是哪里？提到几个地区的帖子各计一次。", VIEWER, "没有提到地区")
    return panels.bars(said, COUNTIES)


def _mood() -> panels.Panel:
    said = Said(5, "情绪", "谈它的人是什么情绪？取整到 5；不足 20 位作者时不给。", VIEWER, "不足 20 位作者")
    columns = {
        "负面": Column(steps=[(None, "red")]),
        "中性": Column(steps=[(None, "#8e8e8e")]),
        "正面": Column(steps=[(None, "green")]),
    }
    return panels.bars(said, MOOD, columns=columns, by_row=False)


def _posts() -> panels.Panel:
    said = Said(
        6,
        "代表帖",
        "哪几帖最能代表它？只有编号；要看原文，由有权的人用 yuqing reveal 并留下记录。",
        VIEWER,
        "没有代表帖",
    )
    return panels.rows(said, POSTS, {"平台": Column(width=120), "帖子编号": Column()})
