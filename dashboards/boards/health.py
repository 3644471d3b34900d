"""运行状态: whether yuqing itself keeps up, for operators. Counts only."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels, words
from dashboards.boards.frame import Frame
from dashboards.boards.frame import board as framed
from dashboards.panels import CLOCK, MINUTES, Column, Said
from dashboards.query import VIEWER, on_platform

FRAME = Frame(
    uid="yuqing-health",
    question="系统跟得上吗、丢了什么、哪里要人去看？地区筛选不改变本页，平台筛选只改变标明的图。",
    source=VIEWER,
    since="1h",
    refresh="30s",
)

FIGURES = """
SELECT
    m.posts AS `入库`, m.dead_letters AS `死信`, m.worst AS `最差 p95 延迟`, l.lag AS `最大滞后`,
    s.shed AS `降级帖`, h.breakers AS `熔断`, h.restarts AS `重启`
FROM
(
    SELECT sum(posts) AS posts, sum(dead_letters) AS dead_letters, maxOrNull(latency_p95_ms) AS worst
    FROM v_metrics WHERE $__timeFilter(minute)
) AS m
CROSS JOIN (SELECT maxOrNull(lag_max_ms) AS lag FROM v_stream_lag WHERE $__timeFilter(minute)) AS l
CROSS JOIN (SELECT sum(posts) AS shed FROM v_shed WHERE $__timeFilter(minute)) AS s
CROSS JOIN
(
    SELECT sumOrNull(broke) AS breakers, sumOrNull(again) AS restarts FROM
    (
        SELECT run, max(breaker) AS broke, max(restarts) - min(restarts) AS again
        FROM v_job_health WHERE $__timeFilter(minute) GROUP BY run
    )
) AS h
"""

RATE = """
SELECT $__timeInterval(minute) AS time, sum(posts) / greatest($__interval_s, 60) AS `每秒入库`
FROM v_metrics
WHERE $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""

LATENCY = """
SELECT $__timeInterval(minute) AS time, max(latency_p50_ms) AS p50, max(latency_p95_ms) AS p95,
    max(latency_p99_ms) AS p99
FROM v_metrics
WHERE $__timeFilter(minute) AND posts > 0
GROUP BY time
ORDER BY time
"""

LAG = """
SELECT $__timeInterval(minute) AS time, max(lag_max_ms) AS `最大滞后`
FROM v_stream_lag
WHERE $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""

PRESSURE = """
SELECT $__timeInterval(minute) AS time, job, max(back_pressure) AS `反压`, max(busy) AS `忙碌`
FROM v_job_health
WHERE $__timeFilter(minute)
GROUP BY time, job
ORDER BY time, job
"""

JOBS = """
SELECT
    job AS `作业`, run AS `运行`, argMax(state, minute) AS `状态`, max(restarts) - min(restarts) AS `重启`,
    toUInt8(max(breaker)) AS `熔断`, argMax(checkpoint_age_s, minute) / 60 AS `距上次检查点`,
    max(minute) AS `最后一次查看`
FROM v_job_health
WHERE $__timeFilter(minute)
GROUP BY job, run
ORDER BY `最后一次查看` DESC, run
LIMIT 20
"""

LETTERS = """
SELECT step AS `步骤`, reason AS `原因`, state AS `状态`, sum(dead_letters) AS `条数`, max(minute) AS `最后一条`
FROM v_dead_letters
WHERE $__timeFilter(minute)
GROUP BY step, reason, state
ORDER BY `条数` DESC, step, reason, state
LIMIT 30
"""

LETTERS_BY_TIME = """
SELECT $__timeInterval(minute) AS time, sum(dead_letters) AS `死信`
FROM v_metrics
WHERE $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""

SHED = """
SELECT $__timeInterval(m.minute) AS time, sum(s.posts) AS `降级帖`
FROM v_metrics AS m
LEFT JOIN v_shed AS s ON s.minute = m.minute
WHERE $__timeFilter(m.minute)
GROUP BY time
ORDER BY time
"""

MODELS = f"""
SELECT if(key = '', '无模型', key) AS `模型`, sum(posts) AS `帖子`
FROM v_post_counts
WHERE $__timeFilter(minute) AND dimension = 'model' AND {on_platform()}
GROUP BY key
ORDER BY `帖子` DESC, key
"""

FEEDS = f"""
SELECT
    {words.word("platform", "platform")} AS `平台`,
    greatest(0, dateDiff('second', last_created_at, now64(3))) / 60 AS `距最新一帖`,
    greatest(0, dateDiff('second', last_stored_at, now64(3))) / 60 AS `距最近入库`
FROM v_feeds
WHERE {on_platform()}
ORDER BY `距最新一帖` DESC, platform
"""

ALERTS = f"""
SELECT $__timeInterval(first_at) AS time, {words.word("priority", "priority")} AS priority, count() AS Value
FROM v_alerts
WHERE $__timeFilter(first_at)
GROUP BY time, priority
ORDER BY time, priority
"""

# the first colour is that of no data too, and no data is not good news
_SOME = [(None, "text"), (0, "green"), (1, "red")]
_A_FEW = [(None, "text"), (0, "green"), (1, "orange")]
_LATENCY = [(None, "text"), (0, "green"), (5_000, "orange"), (30_000, "red")]
_LATENCY_LINES = [(None, "green"), (5_000, "orange"), (30_000, "red")]
_WAITED = [(None, "green"), (10, "orange"), (30, "red")]


def board() -> dashboard.Dashboard:
    return framed(
        FRAME,
        [
            (4, [(24, _figures())]),
            (8, [(8, _rate()), (8, _latency()), (8, _lag())]),
            (8, [(12, _pressure()), (12, _jobs())]),
            (8, [(8, _letters_by_time()), (16, _letters())]),
            (8, [(6, _models()), (8, _feeds()), (5, _shed()), (5, _alerts())]),
        ],
    )


def _figures() -> panels.Panel:
    said = Said(
        1,
        "此时段",
        "此时段一切正常吗？“无数据”是没有记录，不是 0：没有流作业就没有滞后，没有 watch 就没有重启和熔断。",
        VIEWER,
    )
    columns = {
        "死信": Column(steps=_A_FEW),
        "最差 p95 延迟": Column(unit="ms", steps=_LATENCY),
        "最大滞后": Column(unit="ms", steps=_LATENCY),
        "降级帖": Column(steps=_A_FEW),
        "熔断": Column(steps=_SOME),
        "重启": Column(steps=[*_A_FEW, (3, "red")]),
    }
    return panels.figures(said, FIGURES, columns, background=False)


def _rate() -> panels.Panel:
    said = Said(
        2, "每秒入库", "每秒存下多少帖？按入库时间，每分钟算一次，最近一分钟还没算完。", VIEWER, "此时段没有入库"
    )
    return panels.series(said, RATE, unit="short")


def _latency() -> panels.Panel:
    said = Said(
        3, "入库延迟", "从读到一帖到存下要多久？一半、95% 和 99% 的帖子不超过这些数。", VIEWER, "此时段没有入库"
    )
    return panels.series(said, LATENCY, unit="ms", steps=_LATENCY_LINES)


def _lag() -> panels.Panel:
    said = Said(
        4, "流作业滞后", "流作业落后多少？从发布到入库，取最差的一批；没有流作业就无数据。", VIEWER, "此时段没有流作业"
    )
    return panels.series(said, LAG, unit="ms", steps=_LATENCY_LINES)


def _pressure() -> panels.Panel:
    said = Said(
        5,
        "反压与忙碌",
        "作业哪里堵住了？反压是最堵的一环等下游的时间份额，忙碌是最忙的一环干活的份额，取每分钟最差；"
        "来源与处理合成一环时反压恒为 0，跟不跟得上要看滞后。",
        VIEWER,
        "此时段没有作业的健康记录（watch 未运行，或没有作业）",
    )
    return panels.series(
        said, PRESSURE, unit="percentunit", largest=1, steps=[(None, "green"), (0.5, "orange"), (0.9, "red")]
    )


def _jobs() -> panels.Panel:
    said = Said(
        6,
        "作业",
        "哪些作业在跑，重启过没有，被熔断没有？重启只计此时段内；“熔断”说明出错太多，须由人处理后重提。",
        VIEWER,
        "此时段没有作业的健康记录（watch 未运行，或没有作业）",
    )
    columns = {
        "作业": Column(width=110),
        "运行": Column(),
        "状态": Column(width=90, words="job", paint="text"),
        "重启": Column(width=70, paint="text", steps=[(None, "text"), (1, "orange"), (3, "red")]),
        "熔断": Column(width=80, words="breaker", paint="text"),
        "距上次检查点": Column(width=120, unit=MINUTES, decimals=1),
        "最后一次查看": Column(width=120, unit=CLOCK),
    }
    return panels.rows(said, JOBS, columns)


def _letters_by_time() -> panels.Panel:
    said = Said(7, "死信", "处理不了的记录在增加吗？按首次入库的分钟计。", VIEWER, "此时段没有入库")
    return panels.series(said, LETTERS_BY_TIME, as_bars=True, columns={"死信": Column(colour="orange")})


def _letters() -> panels.Panel:
    said = Said(
        8,
        "死信的步骤与原因",
        "哪一步、为什么处理不了？原文加密存放，用 yuqing dlq 重试。",
        VIEWER,
        "此时段没有死信",
    )
    columns = {
        "步骤": Column(width=120),
        "状态": Column(width=110, words="letter", paint="text"),
        "条数": Column(width=90),
        "最后一条": Column(width=120, unit=CLOCK),
        "原因": Column(wrap=True),
    }
    return panels.rows(said, LETTERS, columns)


def _models() -> panels.Panel:
    said = Said(
        9,
        "模型构成",
        "帖子是哪个模型标的？带 +shed 的是过载时的轻模型；换过模型的帖子各计一次。随平台筛选。",
        VIEWER,
        "此时段没有帖子",
    )
    return panels.bars(said, MODELS)


def _feeds() -> panels.Panel:
    said = Said(
        10,
        "各平台最新一帖",
        "哪个平台断了？两数都大是采集断了；只有前者大，是在补旧帖。随平台筛选。",
        VIEWER,
        "还没有收到过帖子",
    )
    columns = {
        "平台": Column(width=130),
        "距最新一帖": Column(unit=MINUTES, decimals=1, paint="text", steps=_WAITED),
        "距最近入库": Column(unit=MINUTES, decimals=1, paint="text", steps=_WAITED),
    }
    return panels.rows(said, FEEDS, columns)


def _shed() -> panels.Panel:
    question = "过载时有多少帖只过了轻模型？它们没有丢，关键词告警不受影响。"
    said = Said(11, "过载降级", question, VIEWER, "此时段没有入库")
    return panels.series(said, SHED, as_bars=True, columns={"降级帖": Column(colour="orange")})


def _alerts() -> panels.Panel:
    said = Said(12, "新告警", "每个时刻新起了多少告警？按告警第一帖的时间计，不是送达。", VIEWER, "此时段没有新告警")
    columns = {
        "P1": Column(colour="red"),
        "P2": Column(colour="orange"),
        "P3": Column(colour="yellow"),
        "P4": Column(colour="#8e8e8e"),
    }
    return panels.series(said, ALERTS, stacked=True, as_bars=True, columns=columns, interval="5m")
