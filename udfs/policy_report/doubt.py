"""Part 5: how uncertain it is: ranks, intervals and where they come from, which assumptions move the choice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from schemas.policy import Index, Result
from udfs.policy_report import charts
from udfs.policy_report.blocks import Block, Cell, Figure, Heading, Table, Text
from udfs.policy_report.charts import Row
from udfs.policy_report.query import of_options, of_results, of_run
from udfs.policy_report.view import COST, View, said
from udfs.policy_report.written import NONE, number, percent

_RANKED = 20
"""Options in the figure of ranks."""
_ASSUMPTIONS = 12
"""In a figure of Sobol' indices."""
_TARGETS = 2
_NOTHING = 0.005
"""A total effect below it reads 0.00."""


def section(view: View) -> list[Block]:
    plan = view.plan
    blocks: list[Block] = [Heading("5　有多不确定")]
    if plan.draws and any(one.distribution != "fixed" for one in plan.assumptions):
        blocks.append(
            Text(
                f"括号内的区间为 80%：对不知道的假设抽样 {plan.draws} 次，并对人口按整片重抽样。"
                "区间只含所列假设和人口抽样的不确定，不含规则本身写错、行为方式改变或外部冲击。"
            )
        )
    else:
        blocks.append(Text("没有对假设抽样：区间只含人口抽样的不确定，真实的不确定更大。"))
    ranks = _ranks(view)
    blocks += [ranks] if ranks else []
    blocks.append(_parts(view))
    sobol = _indices(view)
    blocks += sobol or [Text("没有计算敏感性指数（Sobol'）。", "note")]
    return blocks


def _ranks(view: View) -> Figure | None:
    shown = [name for name in view.ranked if view.standings[name].ranks != (0, 0)][:_RANKED]
    if len(shown) < 2:
        return None
    rows = []
    for name in shown:
        one = view.standings[name]
        low, high = one.ranks
        rows.append(Row(view.named(name), view.digits(name), float(one.rank), float(low), float(high)))
    firsts = "；".join(
        f"{view.tag(name)} 在 {percent(view.standings[name].first_share)} 的情形下排第一" for name in shown[:6]
    )
    return Figure(
        "名次稳不稳",
        charts.lines(rows, "名次（1 为最前）", len(view.ranked)),
        (
            "左边为方案编号（0 为现状）。点为名次，粗线为名次的 80% 区间：线越长，名次越靠不住。",
            f"假设和权重都变动，在抽出的整片人口上计算：{firsts}。得分相近的方案可能因抽到的人不同而换位。",
        ),
        of_options(view),
    )


def _parts(view: View) -> Table:
    """Where the width of an interval comes from, for the leading options."""
    aimed = sorted((one for one in view.plan.measures if one.aim), key=lambda one: -one.weight)[:3]
    names = [*([COST] if view.has_cost else []), *(one.name for one in aimed or view.plan.measures[:3])]
    rows: list[tuple[str | Cell, ...]] = []
    for option in view.leading:
        for measure in names:
            found = view.get(option, measure)
            value, between = said(found, view.decimals(measure, view.options))
            rows.append((view.tag(option), view.measure_title(measure), Cell(value, between), *_shares(view, found)))
    return Table(
        f"{view.leaders}的区间从哪里来",
        ("方案", "指标", "估计与 80% 区间", "抽样（标准误）", "假设（标准差）", "其中假设占"),
        tuple(rows),
        (16, 44, 44, 28, 28, 24),
        frozenset({2, 3, 4, 5}),
        of_results(view, names),
        "抽样：人口数据只是一部分人，换一批人结果会变；假设：不知道的数取不同值，结果会变。占比按方差算。",
    )


def _shares(view: View, found: Result | None) -> tuple[str, str, str]:
    if found is None or view.shown(found.option, found.measure) is None:
        return NONE, NONE, NONE
    decimals = view.decimals(found.measure, view.options) + 1
    whole = found.sampling**2 + found.assumptions**2
    share = percent(found.assumptions**2 / whole) if math.isfinite(whole) and whole > 0 else NONE
    return number(found.sampling, decimals), number(found.assumptions, decimals), share


def _indices(view: View) -> list[Block]:
    targets: dict[str, list[Index]] = {}
    for one in view.simulation.indices:
        targets.setdefault(one.target, []).append(one)
    ordered = sorted(targets, key=lambda target: target != "lead")
    blocks: list[Block] = []
    for target in ordered[:_TARGETS]:
        found = [one for one in sorted(targets[target], key=_size, reverse=True) if one.total >= _NOTHING]
        if found:
            blocks.append(_figure(view, target, found[:_ASSUMPTIONS]))
    if targets:
        rest = [one for target in ordered for one in sorted(targets[target], key=_size, reverse=True)]
        told = [one for one in rest if one.total >= _NOTHING]
        blocks.append(_index_table(view, told[:40], len(rest) - len(told)))
    if targets and "lead" not in targets and len(view.ranked) > 1:
        blocks.append(Text("领先的敏感性没有算出：有的样本里，前两名之一没有通过或没有人得到，指标没有数值。", "note"))
    return blocks


def _size(one: Index) -> float:
    return one.total if math.isfinite(one.total) else -1.0


def _target(view: View, target: str) -> str:
    if target == "lead":
        return "第一名对第二名的领先"
    return f"{view.tag(target.removeprefix('score:'))} 的得分" if target.startswith("score:") else target


def _assumption(view: View, name: str) -> str:
    return next((one.title for one in view.plan.assumptions if one.name == name), name)


def _figure(view: View, target: str, found: Sequence[Index]) -> Figure:
    rows = [(_assumption(view, one.assumption), str(n), one) for n, one in enumerate(found, 1)]
    names = "；".join(f"{n} {name}" for name, n, _ in rows)
    return Figure(
        f"哪些假设左右{_target(view, target)}（Sobol' 指数）",
        charts.shares(rows, f"占{_target(view, target)}方差的份额"),
        (
            f"自上而下：{names}。浅色条为总效应（含与其他假设的共同作用），深色条为单独的效应，细线为总效应的区间。"
            "总效应近于零的假设不必再查证；最长的最值得花力气弄清。",
        ),
        of_run(view),
    )


def _index_table(view: View, found: Sequence[Index], rest: int) -> Table:
    rows = tuple(
        (
            _target(view, one.target),
            _assumption(view, one.assumption),
            number(one.first, 2),
            Cell(number(one.total, 2), _bounds(one)),
        )
        for one in found
    )
    return Table(
        "Sobol' 指数",
        ("对什么", "假设", "单独", "总效应"),
        rows,
        (50, 80, 20, 34),
        frozenset({2, 3}),
        of_run(view),
        f"其余 {rest} 个的总效应不到 {_NOTHING:g}，不列出。" if rest else "",
    )


def _bounds(one: Index) -> str:
    if not (math.isfinite(one.total_low) and math.isfinite(one.total_high)):
        return ""
    return f"（{number(one.total_low, 2)} 至 {number(one.total_high, 2)}）"
