"""政策推演: the options of one simulation with intervals; who pays, which groups change, what was intercepted."""

# ruff: noqa: S608 - statements are put together from constants of this room; nothing comes from outside

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards import panels
from dashboards.boards.frame import Frame, chosen
from dashboards.boards.frame import board as framed
from dashboards.panels import Column, Said
from dashboards.query import VIEWER

FRAME = Frame(
    uid="yuqing-policy",
    question="各方案谁出钱、谁得益、把握多大、哪些被红线拦下？先选一次推演；地区、平台与时间范围不改变本页。",
    source=VIEWER,
    since="30d",
    refresh="5m",
)

LATEST = "latest"
DAY_AND_CLOCK = "time:YYYY-MM-DD HH:mm"
"""Runs are compared over years."""
RUNS = f"""
SELECT run, name FROM
(
    SELECT '{LATEST}' AS run, '最近一次' AS name, now64(3) AS made_at, 0 AS place
    UNION ALL
    SELECT
        run, concat(formatDateTime(toTimeZone(made_at, 'Asia/Shanghai'), '%Y-%m-%d %H:%i '), title) AS name, made_at,
        1 AS place
    FROM v_policy_simulations
)
ORDER BY place, made_at DESC, run
LIMIT 200
"""
_RUN = "${run:singlequote}"
_CHOSEN = f"run = if({_RUN} = '{LATEST}', (SELECT argMax(run, (made_at, run)) FROM v_policy_simulations), {_RUN})"
_OPTIONS = f"(SELECT option, title, state, rank, number AS seat FROM v_policy_options WHERE {_CHOSEN}) AS o"
_ORDER = "if(rank = 0, 1000000, rank), seat"


def _number(expression: str) -> str:
    """Of a value as text: three digits, or whole where it is large. Measures of one table differ in size."""
    return (
        f"multiIf(isNull({expression}), '—', abs({expression}) >= 100, toString(round({expression})), "
        f"abs({expression}) >= 1, toString(round({expression}, 2)), toString(round({expression}, 4)))"
    )


def _interval(low: str, high: str) -> str:
    return f"if(isNull({low}), '—', concat({_number(low)}, ' 至 ', {_number(high)}))"


ABOUT = f"""
SELECT
    count() AS `方案`, countIf(state = 'open') AS `可选`, countIf(state = 'intercepted') AS `被拦截`,
    countIf(state = 'infeasible') AS `不可行`, countIf(state = 'released') AS `已放行`,
    countIf(pareto AND state IN ('open', 'released')) AS `无可替代`
FROM v_policy_options
WHERE {_CHOSEN}
"""

SOURCES = f"""
SELECT
    title AS `推演`, made_at AS `时间`, concat(rules_title, ' ', rules_version) AS `规则`,
    toString(rules_on) AS `规则日期`,
    population_title AS `人口`, round(people) AS `人数`, if(synthetic, '合成', '抽样或登记') AS `人口来源`,
    if(demonstration = '', '否', demonstration) AS `仅作演示`,
    if(sentiment = '', '未用', '另作比较，见报告') AS `民意数据`,
    draws AS `假设抽样`, seed AS `种子`, substring(plan_digest, 1, 8) AS `方案摘要`, run AS `编号`
FROM v_policy_simulations
WHERE {_CHOSEN}
"""

SIDE_BY_SIDE = f"""
SELECT
    o.title AS `方案`, o.state AS `状态`, if(o.rank = 0, NULL, o.rank) AS `名次`,
    if(o.rank = 0, '', concat(toString(o.rank_low), ' 至 ', toString(o.rank_high))) AS `名次区间`, o.score AS `得分`,
    if(o.rank = 0, NULL, o.first_share) AS `居首比例`, if(o.pareto, '是', '') AS `无可替代`,
    {_number("c.value")} AS `总支出`, {_interval("c.low", "c.high")} AS `支出区间`, c.unit AS `单位`
FROM v_policy_options AS o
LEFT JOIN
(
    SELECT option, value, low, high, unit FROM v_policy_results
    WHERE {_CHOSEN} AND measure = 'cost' AND grouping = 'all'
) AS c ON c.option = o.option
WHERE {_CHOSEN.replace("run =", "o.run =", 1)}
ORDER BY if(o.rank = 0, 1000000, o.rank), o.number
"""

MEASURES = f"""
SELECT
    r.measure_title AS `指标`, o.title AS `方案`, {_number("r.value")} AS `值`,
    {_interval("r.low", "r.high")} AS `区间`,
    if(r.option = 'baseline', '', {_number("r.change")}) AS `较现状`,
    if(r.option = 'baseline', '', {_interval("r.change_low", "r.change_high")}) AS `变化区间`,
    multiIf(
        r.option = 'baseline' OR r.aim = '' OR isNull(r.change), '',
        r.change_low > 0, if(r.aim = 'more', '改善', '变差'),
        r.change_high < 0, if(r.aim = 'more', '变差', '改善'),
        '分不清'
    ) AS `方向`, r.unit AS `单位`
FROM
(
    SELECT * FROM v_policy_results
    WHERE {_CHOSEN} AND grouping = 'all' AND measure != 'cost' AND NOT startsWith(measure, 'cost:')
) AS r
INNER JOIN {_OPTIONS} ON o.option = r.option
ORDER BY min(r.number) OVER (PARTITION BY r.measure), {_ORDER}
LIMIT 500
"""

PAYERS = f"""
SELECT
    o.title AS `方案`, r.measure_title AS `出资方`,
    {_number("anyIf(r.value, r.grouping = 'all')")} AS `合计`,
    {_interval("anyIf(r.low, r.grouping = 'all')", "anyIf(r.high, r.grouping = 'all')")} AS `合计区间`,
    arrayStringConcat(
        arrayMap(
            year -> concat(year.1, '年 ', {_number("year.2")}),
            arraySort(groupArrayIf((r.group, r.value), r.grouping = 'year'))
        ), '，'
    ) AS `逐年`, any(r.unit) AS `单位`
FROM
(
    SELECT * FROM v_policy_results
    WHERE {_CHOSEN} AND grouping IN ('all', 'year') AND (measure = 'cost' OR startsWith(measure, 'cost:'))
) AS r
INNER JOIN {_OPTIONS} ON o.option = r.option
GROUP BY o.title, rank, seat, r.measure, r.measure_title
ORDER BY {_ORDER}, r.measure = 'cost', r.measure
LIMIT 500
"""

GROUPS = f"""
SELECT
    r.grouping_title AS `分组`, r.group AS `群体`, r.measure_title AS `指标`, o.title AS `方案`,
    {_number("r.change")} AS `较现状`, {_interval("r.change_low", "r.change_high")} AS `变化区间`,
    multiIf(
        r.change_low > 0, if(r.aim = 'more', '改善', '变差'), r.change_high < 0, if(r.aim = 'more', '变差', '改善'),
        '分不清'
    ) AS `方向`, r.unit AS `单位`, round(r.weight) AS `规模`
FROM
(
    SELECT * FROM v_policy_results
    WHERE {_CHOSEN} AND grouping NOT IN ('all', 'year') AND aim != '' AND option != 'baseline' AND change IS NOT NULL
) AS r
INNER JOIN {_OPTIONS} ON o.option = r.option
ORDER BY `方向` = '变差' DESC, `方向` = '改善' DESC, {_ORDER}, r.number
LIMIT 300
"""

FINDINGS = f"""
SELECT
    title AS `方案`, state AS `状态`, finding.2 AS `后果`, finding.3 AS `理由`, finding.1 AS `条目`,
    released_at AS `放行时间`
FROM v_policy_options
ARRAY JOIN arrayZip(finding_codes, finding_outcomes, finding_reasons) AS finding
WHERE {_CHOSEN}
ORDER BY indexOf(['infeasible', 'intercept', 'warn'], finding.2), number, finding.1
LIMIT 200
"""

_NO_RUN = "还没有推演"
_SOME = [(None, "text"), (0, "text"), (1, "orange")]
_ADVERSE = "政策推演只给依据，不作决定。"


def board() -> dashboard.Dashboard:
    run = chosen("run", "推演", RUNS, VIEWER, "看哪一次推演。", "最近一次", LATEST)
    return framed(
        FRAME,
        [
            (4, [(24, _about())]),
            (4, [(24, _sources())]),
            (9, [(24, _side_by_side())]),
            (9, [(24, _findings())]),
            (9, [(24, _payers())]),
            (10, [(24, _measures())]),
            (10, [(24, _groups())]),
        ],
        [run],
    )


def _about() -> panels.Panel:
    said = Said(
        1,
        "方案概况",
        "推演了多少方案，多少可选？被拦截的触及红线或超出依据，须由未参与推演的审批人员署名放行后才参与比较；"
        f"不可行的不能放行。{_ADVERSE}",
        VIEWER,
        _NO_RUN,
    )
    columns = {
        "被拦截": Column(steps=_SOME),
        "不可行": Column(steps=[(None, "text"), (0, "text"), (1, "red")]),
        "可选": Column(steps=[(None, "text"), (0, "text"), (1, "green")]),
    }
    return panels.figures(said, ABOUT, columns, background=False)


def _side_by_side() -> panels.Panel:
    said = Said(
        2,
        "方案并列",
        "哪个方案靠前，名次稳不稳？得分按方案文件所写权重，各指标从最差到最好折成 0 到 1；"
        "居首比例是假设与权重变动时排第一的份额；"
        "无可替代指没有别的方案样样不差、至少一样更好。区间为 80%。",
        VIEWER,
        _NO_RUN,
    )
    columns = {
        "方案": Column(),
        "状态": Column(width=90, words="policy", paint="text"),
        "名次": Column(width=70),
        "名次区间": Column(width=90),
        "得分": Column(width=80, decimals=3),
        "居首比例": Column(width=90, unit="percentunit", decimals=0),
        "无可替代": Column(width=90),
        "总支出": Column(width=110),
        "支出区间": Column(width=170),
        "单位": Column(width=80),
    }
    return panels.rows(said, SIDE_BY_SIDE, columns)


def _findings() -> panels.Panel:
    said = Said(
        3,
        "拦截与提示",
        "哪些方案被拦下，为什么？“提示”是估计值未越线而区间越线，不影响参与比较。"
        "放行用 yuqing policy release，谁放行、为何放行见审计账。"
        "条目是方案文件里的约束（constraint）、超出依据的杠杆（outside）或人群（people）。",
        VIEWER,
        "没有方案触及红线",
    )
    columns = {
        "方案": Column(width=380, wrap=True),
        "状态": Column(width=90, words="policy", paint="text"),
        "后果": Column(width=90, words="gate", paint="text"),
        "理由": Column(wrap=True),
        "条目": Column(width=190),
        "放行时间": Column(width=150, unit=DAY_AND_CLOCK),
    }
    return panels.rows(said, FINDINGS, columns, tall=True)


def _measures() -> panels.Panel:
    said = Said(
        4,
        "各项指标",
        "每个指标上各方案是多少，与维持现状比变多少？变化区间（80%）跨过 0 的写“分不清”；没有好坏之分的指标不写方向。",
        VIEWER,
        _NO_RUN,
    )
    columns = {
        "指标": Column(width=240),
        "方案": Column(),
        "值": Column(width=100),
        "区间": Column(width=180),
        "较现状": Column(width=100),
        "变化区间": Column(width=180),
        "方向": Column(width=80, words="change", paint="text"),
        "单位": Column(width=90),
    }
    return panels.rows(said, MEASURES, columns)


def _payers() -> panels.Panel:
    said = Said(
        5,
        "谁出钱、哪年出",
        "每个方案由谁出钱、哪一年出多少？合计是推演各年之和，区间为 80%。",
        VIEWER,
        "方案没有写出资方",
    )
    columns = {
        "方案": Column(width=440, wrap=True),
        "出资方": Column(width=200),
        "合计": Column(width=100),
        "合计区间": Column(width=170),
        "逐年": Column(wrap=True),
        "单位": Column(width=90),
    }
    return panels.rows(said, PAYERS, columns, tall=True)


def _groups() -> panels.Panel:
    said = Said(
        6,
        "群体变化",
        "哪些群体变好、哪些变差？变差的在前，只列有好坏之分的指标，至多 300 行。不足 20 条记录的群体不显示，"
        "只剩一个这样的群体时连次小的也不显示。规模是该指标所计的加权人数或户数。",
        VIEWER,
        "没有分组，或各组记录太少",
    )
    columns = {
        "分组": Column(width=120),
        "群体": Column(width=160),
        "指标": Column(width=250),
        "方案": Column(),
        "较现状": Column(width=100),
        "变化区间": Column(width=160),
        "方向": Column(width=80, words="change", paint="text"),
        "单位": Column(width=90),
        "规模": Column(width=100, unit="locale"),
    }
    return panels.rows(said, GROUPS, columns)


def _sources() -> panels.Panel:
    said = Said(
        7,
        "数据与规则",
        "这些数从哪里来？同一方案文件、规则、人口与种子得出同样的数，一位不差。发帖的人不等于居民，民意数据默认不用。",
        VIEWER,
        _NO_RUN,
    )
    columns = {
        "推演": Column(width=120, wrap=True),
        "时间": Column(width=125, unit=DAY_AND_CLOCK),
        "规则": Column(width=120, wrap=True),
        "规则日期": Column(width=100),
        "人口": Column(width=120, wrap=True),
        "人数": Column(width=90, unit="locale"),
        "人口来源": Column(width=80),
        "仅作演示": Column(wrap=True),
        "民意数据": Column(width=100, wrap=True),
        "假设抽样": Column(width=80),
        "种子": Column(width=90),
        "方案摘要": Column(width=85),
        "编号": Column(width=180, wrap=True),
    }
    return panels.rows(said, SOURCES, columns, tall=True)
