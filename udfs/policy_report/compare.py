"""Part 3: the options side by side, in blocks of columns that fit a page, and their costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from schemas.policy import BASELINE, Measure, Result
from udfs.policy_report import charts
from udfs.policy_report.blocks import Block, Cell, Figure, Heading, Table, Text
from udfs.policy_report.query import of_options, of_results
from udfs.policy_report.view import COST, YEAR, View, said
from udfs.policy_report.written import NONE, cut, number, percent, places, unit_word

LISTED = 60
"""Options in the tables: the best ranked; the others are a query away."""
_COLUMNS = 4
"""Measures in a block: value and interval of each still stand on one line at A4."""
_AIMS = {"more": "越多越好", "less": "越少越好"}


def side_by_side(view: View) -> list[Block]:
    blocks: list[Block] = [Heading("3　方案并排", page=True)]
    listed = view.listed()
    if len(listed) > LISTED:
        blocks.append(Text(f"共 {len(listed)} 个方案，各表列出排在前面的 {LISTED} 个；全部结果用表下的查询可得。"))
        listed = listed[:LISTED]
    blocks.append(_standing(view, listed))
    names = [(one.name, one) for one in view.plan.measures]
    for start, end in _blocks(len(names)):
        blocks.append(_measures(view, listed, [one for _, one in names[start:end]]))
    years = _years(view)
    if years is not None:
        blocks.append(years)
    if not view.has_cost:
        blocks.append(Text("计划没有写明谁出资，因此没有费用图表。"))
    return blocks


def _blocks(number: int) -> list[tuple[int, int]]:
    """As few as hold all, and as even as can be: no table of one column at the end."""
    count = -(-number // _COLUMNS)
    edges = [round(number * n / count) for n in range(count + 1)] if count else [0]
    return list(pairwise(edges))


def _standing(view: View, listed: Sequence[str]) -> Table:
    decimals = view.decimals(COST, view.options)
    unit = next((unit_word(one.unit) for one in view.column(COST, listed)), "")
    heads = ["编号", "方案", "状态", "名次", "名次区间", "排第一", "得分", "前沿"]
    widths = [9, 42, 13, 10, 14, 13, 12, 14]
    if view.has_cost:
        heads.append(f"总费用（{unit}）" if unit else "总费用")
        widths.append(24)
    rows: list[tuple[str | Cell, ...]] = []
    for name in listed:
        found = view.standings.get(name)
        ranked = found is not None and found.rank > 0
        row: list[str | Cell] = [
            view.tag(name).removeprefix("方案 "),
            Cell(view.title(name), levers(view, name), strong=name in view.first),
            view.state(name) if name != BASELINE else "对照",
            Cell(str(found.rank), strong=found.rank == 1) if found and ranked else NONE,
            _ranks(found.ranks) if found and ranked else NONE,
            percent(found.first_share) if found and ranked else NONE,
            number(found.score, 3) if found and found.score is not None else NONE,
            "●" if found and found.pareto else "",
        ]
        if view.has_cost:
            row.append(Cell(*said(view.get(name, COST), decimals)))
        rows.append(tuple(row))
    weights = [
        f"{one.title} {_AIMS[one.aim]}，权重 {one.weight:g}"
        for one in view.plan.measures
        if one.aim in _AIMS and one.weight
    ]
    note = "名次由加权得分定：" + "；".join(weights) + "。" if weights else ""
    note += unranked(view)
    return Table(
        "各方案的状态与名次",
        tuple(heads),
        tuple(rows),
        tuple(widths),
        frozenset({3, 4, 5, 6, 8}),
        of_options(view),
        f"{note}排第一：假设和权重变动时排在第一的比例。前沿（Pareto）：没有别的可选方案各项都不差且至少一项更好。",
    )


def unranked(view: View) -> str:
    """Why options that could be ranked are not; nothing when all are."""
    weighed = {one.name: one.title for one in view.plan.measures if one.weight}
    reasons: dict[tuple[str, ...], list[str]] = {}
    for one in view.simulation.standings:
        if one.rank or one.state not in ("open", "released") or not view.ranked:
            continue
        lacking = [
            weighed[found.measure]
            for found in view.simulation.findings
            if found.option == one.option and found.code.startswith("missing:") and found.measure in weighed
        ]
        reasons.setdefault(tuple(lacking), []).append(view.tag(one.option))
    return "".join(
        f"{'、'.join(names)}没有名次：{'、'.join(lacking)}没有数值（没有它所指的人或小区），不能一起打分。"
        for lacking, names in reasons.items()
        if lacking
    )


def levers(view: View, name: str) -> str:
    """What the option sets, where its title does not say so already."""
    option = view.options.get(name) if name != BASELINE else None
    told = []
    for lever, value in (option.levers if option else {}).items():
        about = view.simulation.levers.get(lever, {})
        written = _value(about, value)
        whole = f"{about.get('title') or lever} {written}"
        as_share = f"{value * 100:g}%" if isinstance(value, float) and not isinstance(value, bool) else written
        told.append((whole, (whole,) if isinstance(value, bool) else (written, as_share)))
    title = view.title(name)
    return "；".join(one for one, ways in told if not any(way in title for way in ways))


def _value(about: dict[str, object], value: float | str | bool) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    titles, values = about.get("titles") or {}, about.get("values")
    if isinstance(titles, list | tuple) and isinstance(values, list | tuple):
        titles = dict(zip(map(str, values), titles, strict=False))
    if isinstance(titles, dict) and str(value) in titles:
        return str(titles[str(value)])
    if isinstance(value, str):
        return value
    unit = unit_word(str(about.get("unit") or "1"))
    return f"{value:g}{' ' + unit if unit else ''}"


def _ranks(ranks: tuple[int, int]) -> str:
    low, high = ranks
    return NONE if not low else str(low) if low == high else f"{low}—{high}"


def _measures(view: View, listed: Sequence[str], measures: Sequence[Measure]) -> Table:
    weighed = [name for name in listed if name in set(view.choices)]
    heads, columns = ["编号", "方案"], []
    for measure in measures:
        shown = view.column(measure.name, view.options)
        unit = unit_word(shown[0].unit if shown else measure.unit)
        heads.append(f"{measure.title}{f'（{unit}）' if unit else ''}")
        best, worst = _ends(measure, view.column(measure.name, weighed))
        columns.append((measure, view.decimals(measure.name, view.options), best, worst))
    rows: list[tuple[str | Cell, ...]] = []
    for name in listed:
        row: list[str | Cell] = [view.tag(name).removeprefix("方案 "), cut(view.title(name), 40)]
        for measure, decimals, best, worst in columns:
            found = view.get(name, measure.name)
            value, between = said(found, decimals)
            sign = ""
            if found is not None and name in weighed and math.isfinite(found.value):
                sign = "▲ " if found.value == best else "▽ " if found.value == worst else ""
            row.append(Cell(f"{sign}{value}", between, strong=sign == "▲ ", pale=not between and value == NONE))
        rows.append(tuple(row))
    note = (
        "▲ 参与排序的方案（不含现状）中最好的，▽ 最差的。" if any(best is not None for _, _, best, _ in columns) else ""
    )
    aims = [f"{one.title}{_AIMS[one.aim]}" for one in measures if one.aim in _AIMS]
    titles = "、".join(one.title for one in measures)
    return Table(
        f"各方案的{titles}",
        tuple(heads),
        tuple(rows),
        (9, 37, *([26] * len(measures))),
        frozenset(range(2, 2 + len(measures))),
        of_results(view, [one.name for one in measures]),
        note + ("；".join(aims) + "。" if aims else "") + "括号内为 80% 区间。",
    )


def _ends(measure: Measure, found: Sequence[Result]) -> tuple[float | None, float | None]:
    """Best and worst, when there is a best: an aim, and values that differ."""
    values = [one.value for one in found]
    if measure.aim not in _AIMS or len(set(values)) < 2:
        return None, None
    low, high = min(values), max(values)
    return (high, low) if measure.aim == "more" else (low, high)


def plane(view: View) -> Figure | None:
    """Cost against the measure that weighs most; None where either is missing."""
    main = view.main
    if main is None or not view.has_cost:
        return None
    points, known = [], []
    lead = set(view.leading)
    for name in view.options:
        cost, found = view.shown(name, COST), view.shown(name, main.name)
        if cost is None or found is None:
            continue
        standing = view.standings.get(name)
        state, pareto = (standing.state, standing.pareto) if standing else ("open", False)
        points.append(
            charts.Point(
                view.digits(name),
                "现状" if name == BASELINE else view.digits(name),
                cost,
                found,
                charts.mark_of(name, state, pareto),
                name in lead or pareto or name == BASELINE,
            )
        )
        if state in ("open", "released"):
            known.append((cost.value, found.value))
    if not points:
        return None
    unit_x, unit_y = unit_word(points[0].x.unit), unit_word(points[0].y.unit)
    drawing = charts.plane(
        points, f"总费用（{unit_x}）", main.title + (f"（{unit_y}）" if unit_y else ""), frontier(known, main.aim)
    )
    crowd = (
        f"超过 {charts.CROWDED} 个方案时只标出现状、领先的和 Pareto 方案的编号与区间。"
        if len(points) > charts.CROWDED
        else ""
    )
    return Figure(
        f"总费用与{main.title}",
        drawing,
        (
            f"横轴：总费用（{unit_x}）；纵轴：{main.title}{f'（{unit_y}）' if unit_y else ''}，"
            f"{_AIMS.get(main.aim, '')}。细线为 80% 区间，数字为方案编号（0 为现状）。{crowd}",
            f"{charts.SIGNS}。连线：只看这两项时可选方案的前沿。",
        ),
        of_results(view, [COST, main.name]),
    )


def frontier(points: Sequence[tuple[float, float]], aim: str) -> list[tuple[float, float]]:
    """The points that no other beats in both: cost as low as possible, the outcome as its aim says."""
    if aim not in _AIMS:
        return []
    sign = 1 if aim == "more" else -1
    best, kept = -math.inf, []
    for cost, value in sorted(points, key=lambda one: (one[0], -sign * one[1])):
        if sign * value > best:
            best = sign * value
            kept.append((cost, value))
    return kept


def _years(view: View) -> Figure | None:
    payers, years = view.plan.payers, view.years()
    if not payers or not years:
        return None
    amounts: dict[tuple[str, str, str], float] = {}
    options = [(view.tag(name), view.digits(name)) for name in view.leading]
    unit = ""
    for name in view.leading:
        for payer in payers:
            for year in years:
                found = view.shown(name, f"{COST}:{payer.name}", YEAR, year)
                if found is not None:
                    amounts[view.tag(name), year, payer.title] = found.value
                    unit = unit_word(found.unit)
    if not amounts:
        return None
    drawing = charts.stacked(options, years, [one.title for one in payers], amounts, unit)
    told = "；".join(f"{n} {one.title}" for n, one in enumerate(payers, 1))
    names = "；".join(view.named(name) for name in view.leading)
    return Figure(
        f"{view.leaders}各年由谁出资",
        drawing,
        (f"自下而上：{told}（{unit}）。横轴下为年份和方案：{names}。",),
        of_results(view, [f"{COST}:{one.name}" for one in payers], YEAR),
    )


def payers_table(view: View) -> Table | None:
    """The same in figures, with intervals: leading options, payers by year."""
    payers, years = view.plan.payers, view.years()
    if not payers or not view.has_cost:
        return None
    rows: list[tuple[str | Cell, ...]] = []
    values = [one.value for p in payers for one in view.column(f"{COST}:{p.name}", view.leading)]
    unit = next((one.unit for one in view.column(COST, view.options)), view.plan.payers_unit)
    decimals = places(unit, values)
    shown = years if len(years) <= 5 else []
    for name in view.leading:
        for measure in [f"{COST}:{one.name}" for one in payers] + [COST]:
            cells: list[str | Cell] = [view.tag(name), Cell(view.measure_title(measure), strong=measure == COST)]
            cells += [Cell(*said(view.get(name, measure, YEAR, year), decimals)) for year in shown]
            cells.append(Cell(*said(view.get(name, measure), decimals), strong=measure == COST))
            rows.append(tuple(cells))
    return Table(
        f"{view.leaders}的费用，按出资方和年份（{unit_word(unit)}）",
        ("方案", "谁出资", *shown, "合计"),
        tuple(rows),
        (16, 24, *([26] * (len(shown) + 1))),
        frozenset(range(2, 3 + len(shown))),
        of_results(view, [COST, *(f"{COST}:{one.name}" for one in payers)], "*" if shown else "all"),
        "括号内为 80% 区间。",
    )
