"""Part 6: what was intercepted or cannot be, why, and who let what pass."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.policy import Finding
from udfs.policy_report.blocks import Block, Cell, Heading, Table, Text
from udfs.policy_report.query import of_options
from udfs.policy_report.view import View
from udfs.policy_report.written import NONE, moment, number, places

_ROWS = 120
"""Findings in the table; the others are a query away."""
_OUTCOMES = {"infeasible": "不可行", "intercept": "拦截", "warn": "提醒"}
_ORDER = tuple(_OUTCOMES)


def section(view: View) -> list[Block]:
    blocks: list[Block] = [Heading("6　拦截与不可行")]
    findings = sorted(view.simulation.findings, key=lambda one: (_rank(one), view.numbers.get(one.option, 1 << 30)))
    if not findings:
        blocks.append(Text("没有方案触及红线或法定门槛，也没有超出规则和数据的依据。"))
    else:
        blocks.append(
            Text(
                "不可行：达不到法定门槛或计划所定的实施条件，任何人不能放行。拦截：触及红线或超出依据，须由指定的人说明理由后放行才参与排序。"
                "提醒：估计值没有触线，但 80% 区间触线。"
            )
        )
        merged = _merged(findings)
        blocks.append(_findings(view, merged))
        if len(merged) > _ROWS:
            blocks.append(Text(f"共 {len(merged)} 条，只列出最重的 {_ROWS} 条；全部在 report.json 中。", "note"))
    blocks.append(_releases(view) if view.simulation.releases else Text("没有方案被放行。"))
    return blocks


def _rank(finding: Finding) -> int:
    return _ORDER.index(finding.outcome) if finding.outcome in _ORDER else len(_ORDER)


def _findings(view: View, findings: Sequence[Sequence[Finding]]) -> Table:
    rows: list[tuple[str | Cell, ...]] = []
    for one, *others in findings[:_ROWS]:
        standing = view.standings.get(one.option)
        released = "现已放行" if standing and standing.state == "released" and one.outcome == "intercept" else ""
        decimals = _places(view, one)
        told = (number(one.value, decimals), number(one.bound, decimals)) if one.value or one.bound else (NONE, NONE)
        rows.append(
            (
                Cell(view.tag(one.option), view.title(one.option)),
                Cell(_OUTCOMES.get(one.outcome, one.outcome), released, one.outcome != "warn"),
                Cell(one.reason, "；".join([*_also(view, others, decimals), one.code])),
                *told,
            )
        )
    return Table(
        "每个方案触及了什么",
        ("方案", "结论", "原因", "结果", "界限"),
        tuple(rows),
        (40, 18, 84, 20, 20),
        frozenset({3, 4}),
        of_options(view),
    )


def _also(view: View, others: Sequence[Finding], decimals: int) -> list[str]:
    """The other groups that touch the same bound, in a few words."""
    named = [f"{view.grouping_title(one.grouping)}·{one.group} {number(one.value, decimals)}" for one in others[:6]]
    return (
        [f"同样触线的另有 {len(others)} 个群体：{'、'.join(named)}{'等' if len(others) > 6 else ''}"] if others else []
    )


def _merged(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one option, bound and outcome together, the one furthest from the bound first."""
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        found.setdefault((one.option, one.code, one.outcome), []).append(one)
    return [sorted(group, key=lambda one: -abs(one.value - one.bound)) for group in found.values()]


def _places(view: View, one: Finding) -> int:
    found = view.get(one.option, one.measure) if one.measure else None
    decimals = places(found.unit if found is not None else "1", [max(one.value, one.bound, key=abs)])
    return max(decimals, 2) if 0 < abs(one.value - one.bound) < 0.1 else decimals


def _releases(view: View) -> Table:
    rows = tuple(
        (Cell(view.tag(one.option), view.title(one.option)), one.person, one.reason, moment(one.at), one.entry or NONE)
        for one in view.simulation.releases
    )
    return Table(
        "放行",
        ("方案", "放行人", "理由", "时间", "审计记录"),
        rows,
        (38, 22, 66, 30, 26),
        frozenset(),
        of_options(view),
        "放行只使方案参与排序，不等于采用。审计记录以编号在审计账中可查。",
    )
