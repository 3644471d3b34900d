"""Part 4: who gains and who loses, group by group, for the leading options."""

from __future__ import annotations

import math

from schemas.policy import BASELINE, Measure, Result
from udfs.policy_report import charts
from udfs.policy_report.blocks import Block, Cell, Figure, Heading, Table, Text
from udfs.policy_report.charts import Row
from udfs.policy_report.opening import gain_measures
from udfs.policy_report.query import of_results
from udfs.policy_report.view import SHARES, View, said, said_change, small
from udfs.policy_report.written import FEWEST, WITHHELD, change_word, large, places, unit_word

_MEASURES = 3
"""Told group by group: more would be a book, and the query has them."""
_ROWS = 46
"""Lines of a chart: what stands on one page."""
_SIGNS = "▲ 向好，▼ 向坏（80% 区间不含零）；≈ 分不清方向"


def section(view: View) -> list[Block]:
    blocks: list[Block] = [Heading("4　谁得益谁受损")]
    leading = [name for name in view.leading if name != BASELINE]
    measures = gain_measures(view)[:_MEASURES]
    if not leading or not measures:
        return [*blocks, Text("计划没有按群体计算的指标，或没有可看的方案，因此说不出谁得益谁受损。")]
    who = "名次在前的方案" if view.choices else "没有方案参与排序，这里列出计划中在前的方案"
    blocks.append(
        Text(
            f"{who}：{'；'.join(view.named(name) for name in leading)}。群体按现状划分；"
            f"记录少于 {FEWEST} 条的群体只写“{WITHHELD}”，不给数字。"
        )
    )
    drawn = next((one for one in measures if one.kind not in SHARES), measures[0])
    for measure in measures:
        if _nobody(view, leading, measure):
            blocks.append(Text(f"{measure.title}：所列方案在各群体都是零。"))
            continue
        if measure is drawn or measure.kind == "losers":
            blocks += _figures(view, leading, measure)
        blocks.append(_table(view, leading, measure))
    left = [one.title for one in gain_measures(view)[_MEASURES:]]
    if left:
        blocks.append(Text(f"其余指标按群体的结果不在此列出，可用同样的查询得到：{'、'.join(left)}。", "note"))
    return blocks


def _nobody(view: View, leading: list[str], measure: Measure) -> bool:
    """Whether a share of gainers or losers is zero in every group, none withheld: a table of zeros tells nothing."""
    if measure.kind not in SHARES:
        return False
    found = [view.get(name, measure.name, g, k) for name in leading for g, k in _lines(view, leading, measure) if k]
    return all(one is not None and not small(one) and one.high == 0 for one in found)


def _lines(view: View, leading: list[str], measure: Measure) -> list[tuple[str, str]]:
    """(grouping, group) in order; a heading has an empty group."""
    found: list[tuple[str, str]] = []
    for grouping, groups in view.groupings(measure.name, leading):
        found.append((grouping, ""))
        found += [(grouping, group) for group in groups]
    return found


def _table(view: View, leading: list[str], measure: Measure) -> Table:
    changes = measure.kind not in SHARES
    lines = _lines(view, leading, measure)
    shown = [one for name in leading for g, k in lines if k and (one := view.shown(name, measure.name, g, k))]
    unit = shown[0].unit if shown else measure.unit
    word = change_word(unit) if changes else unit_word(unit)
    decimals = places(unit, [one.change if changes else one.value for one in shown])
    rows: list[tuple[str | Cell, ...]] = []
    number = 0
    for grouping, group in lines:
        if not group:
            rows.append(("", Cell(view.grouping_title(grouping), strong=True), "", *("" for _ in leading)))
            continue
        number += 1
        results = [view.get(name, measure.name, grouping, group) for name in leading]
        rows.append((str(number), group, _size(results), *(_cell(one, measure, changes, decimals) for one in results)))
    title = f"{measure.title}{'的变化，比现状' if changes else ''}{f'（{word}）' if word else ''}，按群体"
    aim = {"more": "越多越好。", "less": "越少越好。"}.get(measure.aim, "")
    return Table(
        title,
        ("行", "群体", "代表", *(view.tag(name) for name in leading)),
        tuple(rows),
        (8, 40, 22, *([30] * len(leading))),
        frozenset({0, 2, *range(3, 3 + len(leading))}),
        of_results(view, [measure.name], "groups"),
        f"{aim}{_SIGNS if changes and measure.aim else ''}",
    )


def _size(results: list[Result | None]) -> str:
    found = next((one for one in results if one is not None), None)
    if found is None:
        return "—"
    return f"少于 {FEWEST} 条" if small(found) else large(found.weight)


def _cell(found: Result | None, measure: Measure, changes: bool, decimals: int) -> Cell:
    value, between = said_change(found, decimals) if changes else said(found, decimals)
    sign = direction(found, measure.aim) if changes and found is not None and value not in (WITHHELD, "—") else ""
    return Cell(f"{sign} {value}" if sign else value, between, strong=sign == "▼", pale=value == WITHHELD)


def direction(found: Result, aim: str) -> str:
    """Of a change: better, worse, or not to be told from none."""
    if not aim or not math.isfinite(found.change):
        return ""
    low, high = found.change_low, found.change_high
    if not (math.isfinite(low) and math.isfinite(high)):
        low = high = found.change
    if low <= 0 <= high:
        return "≈"
    return "▲" if (found.change > 0) == (aim == "more") else "▼"


def _figures(view: View, leading: list[str], measure: Measure) -> list[Figure]:
    changes = measure.kind not in SHARES
    lines = _lines(view, leading, measure)
    unit = next((one.unit for one in view.column(measure.name, leading)), measure.unit)
    word = change_word(unit) if changes else unit_word(unit)
    axis = f"{measure.title}{'的变化' if changes else ''}{f'（{word}）' if word else ''}"
    rows, columns, number = [], [], 0
    for grouping, group in lines:
        number += bool(group)
        label = group or view.grouping_title(grouping)
        rows.append(Row(label, str(number) if group else "", heading=not group))
    for name in leading:
        own = [_row(view.get(name, measure.name, g, k), changes) if k else Row("", "") for g, k in lines]
        columns.append((view.tag(name), view.digits(name), own))
    made = []
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        drawing = charts.panels(rows[part], [(a, b, own[part]) for a, b, own in columns], axis)
        made.append(
            Figure(
                f"{axis}，按群体",
                drawing,
                ("左边的数字是下表的行号，每栏上方是方案编号。点为估计值，粗线为 80% 区间，竖线为零（没有变化）。",),
                of_results(view, [measure.name], "groups"),
            )
        )
    return made


def _row(found: Result | None, changes: bool) -> Row:
    if found is None:
        return Row("", "")
    if small(found):
        return Row("", "", said=WITHHELD)
    value = found.change if changes else found.value
    if not math.isfinite(value):
        return Row("", "")
    low, high = (found.change_low, found.change_high) if changes else (found.low, found.high)
    return Row("", "", value, low, high)
