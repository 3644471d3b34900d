"""审批: what the machine decides on applications, what waits for an officer, whether it may approve. Counts only."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels, words
from dashboards.boards.frame import Frame
from dashboards.boards.frame import board as framed
from dashboards.panels import CLOCK, Column, Said
from dashboards.query import VIEWER, by_the_hour

FRAME = Frame(
    uid="yuqing-approval",
    question="机器批了多少、还有多少等人办、机器可信吗？地区与平台筛选不改变本页。",
    source=VIEWER,
    since="7d",
    refresh="1m",
)

_TYPE = words.word("type", "application")
_IN_RANGE = by_the_hour("hour")
# by the day of China, as the view counts: the day in which the range begins is in it, whole
_DAYS = "day >= toDate(($__fromTime), 'Asia/Shanghai') AND day <= toDate(($__toTime), 'Asia/Shanghai')"
TODAY = """
SELECT
    sum(applications) AS `申请`, sum(approved) AS `自动准予`, sum(referred) AS `转人工`,
    sum(proposed) AS `建议不予许可`, sum(sampled) AS `抽检`, sum(stopped) AS `停止期间`
FROM v_approval_hours
WHERE hour >= toStartOfDay(toTimeZone(($__toTime), 'Asia/Shanghai')) AND hour <= ($__toTime)
"""

STATE = """
SELECT state AS `状态`, at AS `自`
FROM v_automation
ORDER BY epoch DESC, state = 'open' DESC
LIMIT 1
"""

SHARES = f"""
SELECT
    $__timeInterval(hour) AS time, sum(approved) / sum(applications) AS `自动准予`,
    sum(referred) / sum(applications) AS `转人工`, sum(proposed) / sum(applications) AS `建议不予许可`
FROM v_approval_hours
WHERE {_IN_RANGE}
GROUP BY time
ORDER BY time
"""

WAITING = f"""
SELECT
    {_TYPE} AS `类型`, sum(waiting) AS `等待`, sumIf(waiting, hours < 24) AS `一天内`,
    sumIf(waiting, hours >= 24 AND hours < 72) AS `一至三天`, sumIf(waiting, hours >= 72) AS `三天以上`,
    maxIf(hours, waiting > 0) AS `最久`
FROM
(
    SELECT type, waiting, greatest(0, dateDiff('hour', hour, now('UTC'))) AS hours
    FROM v_approval_hours
)
WHERE waiting > 0
GROUP BY type
ORDER BY `等待` DESC, type
"""

REASONS = f"""
SELECT
    {words.word("rule", "check")} AS `检查`, {_TYPE} AS `类型`, outcome AS `后果`,
    sumIf(applications, result = 'failed') AS `不符合`, sumIf(applications, result = 'unjudged') AS `无法判断`
FROM v_application_checks
WHERE {_DAYS}
GROUP BY rule, type, outcome
ORDER BY `不符合` + `无法判断` DESC, rule, type, outcome
LIMIT 30
"""

AGREEMENT = f"""
SELECT
    {_TYPE} AS `类型`, sum(reviewed) AS `已办`, sum(compared) AS `可比`, sum(agreed) AS `一致`,
    if(sum(compared) = 0, NULL, sum(agreed) / sum(compared)) AS `一致率`
FROM v_approval_hours
WHERE {_IN_RANGE}
GROUP BY type
ORDER BY `已办` DESC, type
"""

SECONDS = f"""
SELECT $__timeInterval(hour) AS time, max(p50_seconds) AS p50, max(p95_seconds) AS p95
FROM v_approval_hours
WHERE {_IN_RANGE}
GROUP BY time
ORDER BY time
"""

SCANS = f"""
SELECT $__timeInterval(hour) AS time, min(ocr_confidence) AS `最差页把握`
FROM v_approval_hours
WHERE {_IN_RANGE} AND ocr_confidence IS NOT NULL
GROUP BY time
ORDER BY time
"""

SAMPLE = f"""
SELECT {_TYPE} AS `类型`, sum(sampled) AS `抽检`, sum(sampled) / sum(applications) AS `占申请`
FROM v_approval_hours
WHERE {_IN_RANGE}
GROUP BY type
ORDER BY `抽检` DESC, type
"""

HISTORY = """
SELECT at AS `时间`, state AS `状态`, cause AS `由`
FROM v_automation
ORDER BY epoch DESC, state = 'open' DESC
LIMIT 20
"""

_DECISIONS = {
    "自动准予": Column(colour="green"),
    "转人工": Column(colour="orange"),
    "建议不予许可": Column(colour="red"),
}
# the first colour is that of no data too, and no data is not good news
_SOME = [(None, "text"), (0, "text"), (1, "orange")]
_AGREED = [(None, "red"), (0.95, "orange"), (0.98, "green")]
_NEVER = "开启：没有停止过的记录"
_NO_APPLICATION = "此时段没有判定申请"


def board() -> dashboard.Dashboard:
    return framed(
        FRAME,
        [
            (4, [(15, _today()), (9, _state())]),
            (8, [(12, _shares()), (12, _waiting())]),
            (9, [(14, _reasons()), (10, _agreement())]),
            (8, [(6, _seconds()), (6, _scans()), (6, _sample()), (6, _history())]),
        ],
    )


def _today() -> panels.Panel:
    said = Said(
        1,
        "当天判定",
        "今天判定了多少申请，怎么判的？按时间范围最后一天（北京时间）计。重新判定的只计最近一次；"
        "“停止期间”是自动审批停止时判定的，都转人工。",
        VIEWER,
    )
    columns = {
        "自动准予": Column(steps=[(None, "green")]),
        "转人工": Column(steps=[(None, "orange")]),
        "建议不予许可": Column(steps=[(None, "red")]),
        "停止期间": Column(steps=_SOME),
    }
    return panels.figures(said, TODAY, columns, background=False)


def _state() -> panels.Panel:
    said = Said(
        2,
        "自动审批",
        "现在机器可以自己批准吗，从何时起？停止后一律转人工，由人查明原因后用 yuqing approve automation close 恢复。",
        VIEWER,
        _NEVER,
    )
    columns = {
        "状态": Column(words="automation"),
        "自": Column(unit=CLOCK),
    }
    return panels.figures(said, STATE, columns, times=True, background=False)


def _shares() -> panels.Panel:
    said = Said(
        3,
        "判定占比",
        "机器自动准予的份额稳不稳？突然变多与突然变少都要查。按判定的时刻计，重新判定的移到新时刻。",
        VIEWER,
        _NO_APPLICATION,
    )
    return panels.series(said, SHARES, unit="percentunit", largest=1, columns=_DECISIONS, interval="1h")


def _waiting() -> panels.Panel:
    said = Said(
        4,
        "等人办理",
        "哪类申请还等着审批人员，等了多久？不随时间范围变化，从机器判定的那一小时算起；等申请人补正的不计。"
        "审批人员复看过机器已准予的申请时，这里会少计。",
        VIEWER,
        "没有等人办理的申请",
    )
    columns = {
        "类型": Column(),
        "等待": Column(width=80),
        "一天内": Column(width=80),
        "一至三天": Column(width=90, paint="text", steps=_SOME),
        "三天以上": Column(width=90, paint="text", steps=[(None, "text"), (0, "text"), (1, "red")]),
        "最久": Column(width=100, unit="suffix: 小时"),
    }
    return panels.rows(said, WAITING, columns)


def _reasons() -> panels.Panel:
    said = Said(
        5,
        "未通过的检查",
        "申请为什么没有自动准予？一件申请可有多项，故相加会多于申请数；"
        "因把握不足、抽检或自动审批停止而转人工的不在其中。规则编号见各类型的规则说明。",
        VIEWER,
        "此时段没有未通过的检查",
    )
    columns = {
        "检查": Column(),
        "类型": Column(width=150),
        "后果": Column(width=110, words="outcome"),
        "不符合": Column(width=90),
        "无法判断": Column(width=90),
    }
    return panels.rows(said, REASONS, columns)


def _agreement() -> panels.Panel:
    said = Said(
        6,
        "与审批人员一致",
        "审批人员和机器想的一样吗？只比机器有主张的：准予、建议不予许可，以及只因抽检或停止而转人工的。"
        "件数少时一致率不说明什么。",
        VIEWER,
        _NO_APPLICATION,
    )
    columns = {
        "类型": Column(),
        "已办": Column(width=80),
        "可比": Column(width=80),
        "一致": Column(width=80),
        "一致率": Column(width=100, unit="percentunit", decimals=1, paint="text", steps=_AGREED),
    }
    return panels.rows(said, AGREEMENT, columns)


def _seconds() -> panels.Panel:
    said = Said(
        7,
        "判定用时",
        "从读文件夹到判定要多久？一半和 95% 的申请不超过这些数，取最慢的类型和小时。",
        VIEWER,
        _NO_APPLICATION,
    )
    return panels.series(said, SECONDS, unit="s", interval="1h")


def _scans() -> panels.Panel:
    said = Said(
        8,
        "扫描件识别把握",
        "扫描件读得清吗？每件取最差一页的平均把握，再取各类型各小时中位数里最低的；没有扫描件就无数据。",
        VIEWER,
        "此时段没有扫描件",
    )
    return panels.series(said, SCANS, unit="percentunit", largest=1, interval="1h")


def _sample() -> panels.Panel:
    said = Said(
        9,
        "抽检",
        "有多少申请不论结果都抽给人看？按编号的密钥散列抽取，份额由 approval.audit_share 设定，"
        "抽中的与人一致与否计入“与审批人员一致”。",
        VIEWER,
        _NO_APPLICATION,
    )
    columns = {
        "类型": Column(),
        "抽检": Column(width=70),
        "占申请": Column(width=90, unit="percentunit", decimals=1),
    }
    return panels.rows(said, SAMPLE, columns)


def _history() -> panels.Panel:
    said = Said(
        10,
        "停止与恢复",
        "自动审批停过几次，是熔断还是人停的？不随时间范围变化，最近的在上；原因见 yuqing approve automation status。",
        VIEWER,
        _NEVER,
    )
    columns = {
        "时间": Column(width=110, unit=CLOCK),
        "状态": Column(width=80, words="automation", paint="text"),
        "由": Column(words="cause"),
    }
    return panels.rows(said, HISTORY, columns)
