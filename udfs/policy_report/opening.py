"""Parts 1 and 2: what was asked, and the answer on one page."""

from __future__ import annotations

import math

from schemas.policy import BASELINE, Measure, Result
from udfs.policy_report.blocks import Block, Box, Facts, Heading, Points, Text
from udfs.policy_report.view import COST, SHARES, View
from udfs.policy_report.written import NONE, change_word, interval, large, percent, places, unit_word

DECIDES = "推演不作决定：数字只说明在所列假设下会怎样，采用哪个方案由有权的人按法定程序决定。"
_NAMED = 3
"""Groups named as gaining or losing."""
_SURE, _UNSURE = 0.8, 0.5
"""Share of first places from which a lead is called firm, and below which it is called none."""


def asked(view: View) -> list[Block]:
    plan, people = view.plan, view.simulation.population
    blocks: list[Block] = [Heading("1　问的是什么")]
    if people.demonstration:
        blocks.append(Box("方法演示", (f"结果只演示方法，不能据以决策：{people.demonstration}",)))
    blocks.append(Text(plan.question or plan.title, "lead"))
    rows = [
        ("规则按哪一天", plan.on, f"{view.simulation.rules_title}，版本 {view.simulation.rules_version}"),
        ("算哪几年", view.horizon(), ""),
        ("人口", f"{people.title or people.name}：代表 {large(people.weight)} 人", _people(view)),
        (
            "方案",
            f"{len(view.options) - (BASELINE in view.options)} 个，另有现状作对照"
            if BASELINE in view.options
            else f"{len(view.options)} 个",
            f"每个方案算 {len(plan.measures)} 项指标、{len(plan.groupings)} 种分组",
        ),
    ]
    if plan.note:
        rows.append(("说明", plan.note, ""))
    blocks += [Facts(tuple(rows)), Text(DECIDES), *_sentiment(view)]
    return blocks


def _people(view: View) -> str:
    people = view.simulation.population
    counts = "，".join(
        f"{word} {large(people.counts[entity])}"
        for entity, word in (("person", "人员记录"), ("household", "户"), ("building", "栋"), ("neighbourhood", "小区"))
        if entity in people.counts
    )
    return f"{'合成人口' if people.synthetic else '调查或登记数据'}；{counts}" if counts else ""


def _sentiment(view: View) -> list[Block]:
    """That measured sentiment took no part, and what it would change where the plan asks."""
    first, *more = view.simulation.sentiment.splitlines() or ["实测舆情没有参与推演：发帖的人不等于居民。"]
    return [Text(first), *([Points(tuple(more))] if more else [])]


def answer(view: View) -> list[Block]:
    blocks: list[Block] = [Heading("2　一页结论", page=True)]
    if not view.choices:
        blocks.append(Box("没有可供选择的方案", (_nothing(view),)))
        return [
            *blocks,
            Facts((_states(view),)),
            Text("下文各表仍列出全部方案的结果，供修改方案或决定是否放行时参考。"),
        ]
    first = view.first[0]
    names = "、".join(view.named(name) for name in view.first)
    rows: list[tuple[str, str, str]] = [
        ("并列第一" if len(view.first) > 1 else "排在第一", names, _caution(view, first))
    ]
    rows.append(_sure(view, first))
    if view.has_cost:
        rows.append(_cost(view, first))
    if view.main is not None:
        rows.append(_outcome(view, first, view.main))
    rows += _gains(view, first)
    rows.append(_states(view))
    blocks.append(Facts(tuple(rows)))
    runners = [name for name in view.ranked if name not in view.first][:_NAMED]
    if runners:
        blocks.append(Points(tuple(_runner(view, name) for name in runners)))
    return blocks


def _nothing(view: View) -> str:
    held, cannot = len(view.in_state("intercepted")), len(view.in_state("infeasible"))
    if held and cannot:
        return f"{held} 个方案被拦截、{cannot} 个不可行。要么修改方案，要么由指定的人说明理由后放行被拦截的方案。"
    if held:
        return f"{held} 个方案全部被拦截。要么修改方案，要么由指定的人说明理由后放行。"
    return f"{cannot} 个方案全部不可行，须修改方案。" if cannot else "除现状外没有参与排序的方案。"


def _caution(view: View, first: str) -> str:
    if first == BASELINE:
        return "按所定权重，没有方案好于现状（不作改变）"
    standing = view.standings[first]
    return "这个方案曾被拦截，经人放行后参与排序，见第 6 部分" if standing.state == "released" else ""


def _sure(view: View, first: str) -> tuple[str, str, str]:
    standing = view.standings[first]
    firmly = (
        "领先较稳固"
        if standing.first_share >= _SURE
        else "领先不稳固：换一组同样合理的假设或权重，常有别的方案排第一"
        if standing.first_share < _UNSURE
        else "领先但不稳固"
    )
    if not view.plan.draws and standing.ranks == (0, 0):
        return "有多大把握", NONE, "没有对假设抽样，不能说明把握"
    low, high = standing.ranks
    ranks = f"名次的 80% 区间：第 {low}{'' if low == high else f'—{high}'} 名；" if low else ""
    often = max(view.ranked, key=lambda name: view.standings[name].first_share)
    if view.standings[often].first_share > standing.first_share:
        share = percent(view.standings[often].first_share)
        firmly = f"领先不稳固：假设和权重变动时，更常排第一的是{view.named(often)}，占 {share}"
    return "有多大把握", f"{percent(standing.first_share)} 的情形下排第一", f"{ranks}{firmly}"


def _cost(view: View, first: str) -> tuple[str, str, str]:
    found = view.shown(first, COST)
    if found is None:
        return "花多少钱", NONE, ""
    decimals = view.decimals(COST, view.options)
    parts = []
    for payer in view.plan.payers:
        part = view.shown(first, f"{COST}:{payer.name}")
        if part is not None:
            parts.append(f"{payer.title} {interval(part.value, part.low, part.high, decimals)}")
    unit = unit_word(found.unit)
    return (
        "花多少钱",
        f"{view.horizon()}共 {interval(found.value, found.low, found.high, decimals)} {unit}",
        "；".join(parts) + (f"（{unit}）" if parts and unit else ""),
    )


def _outcome(view: View, first: str, main: Measure) -> tuple[str, str, str]:
    found = view.shown(first, main.name)
    if found is None:
        return main.title, NONE, "没有足够的样本"
    decimals = view.decimals(main.name, view.options)
    said = f"{interval(found.value, found.low, found.high, decimals)} {unit_word(found.unit)}"
    against = ""
    if first != BASELINE and main.kind not in SHARES and math.isfinite(found.change):
        change = interval(found.change, found.change_low, found.change_high, decimals, sign=True)
        against = f"比现状 {change} {change_word(found.unit)}".rstrip() + "；"
    aim = {"more": "越多越好", "less": "越少越好"}.get(main.aim, "只列出，不参与排序")
    return main.title, said.rstrip(), f"{against}{aim}，权重最大的指标"


def _gains(view: View, first: str) -> list[tuple[str, str, str]]:
    """Who gains and who loses: shares over everybody, then groups by name."""
    rows: list[tuple[str, str, str]] = []
    for kind, asked_ in (("gainers", "谁得益"), ("losers", "谁受损")):
        measure = next((one for one in view.plan.measures if one.kind == kind), None)
        whole = view.shown(first, measure.name) if measure else None
        if measure is None or whole is None:
            continue
        decimals = places(whole.unit, [whole.value])
        groups = _extremes(view, first, measure, by_change=False, most=True)
        named = "、".join(f"{name} {interval(one.value, one.low, one.high, decimals)}" for name, one in groups)
        rows.append(
            (
                asked_,
                f"{measure.title} {interval(whole.value, whole.low, whole.high, decimals)} {unit_word(whole.unit)}",
                f"比例最高的群体：{named}（{unit_word(whole.unit)}）" if named else "",
            )
        )
    main = gain_measures(view)[:1]
    if rows or not main or first == BASELINE or main[0].kind in SHARES:
        return rows
    measure = main[0]
    for asked_, best in (("谁得益最多", True), ("谁得益最少或受损", False)):
        groups = _extremes(view, first, measure, by_change=True, most=(measure.aim != "less") == best)
        if groups:
            decimals = places(groups[0][1].unit, [one.change for _, one in groups])
            named = "、".join(
                f"{name} {interval(one.change, one.change_low, one.change_high, decimals, True)}"
                for name, one in groups
            )
            rows.append((asked_, named, f"{measure.title}，比现状（{change_word(groups[0][1].unit)}）"))
    return rows


def _extremes(view: View, option: str, measure: Measure, by_change: bool, most: bool) -> list[tuple[str, Result]]:
    """The groups at one end, of those that may be shown."""
    found = []
    for grouping, groups in view.groupings(measure.name, (option,)):
        for group in groups:
            one = view.shown(option, measure.name, grouping, group)
            value = math.nan if one is None else one.change if by_change else one.value
            if one is not None and math.isfinite(value) and float(f"{value:.3g}"):  # zero is no extreme
                found.append((f"{view.grouping_title(grouping)}·{group}", one))
    found.sort(key=lambda pair: pair[1].change if by_change else pair[1].value, reverse=most)
    return found[:_NAMED]


def gain_measures(view: View) -> list[Measure]:
    """Measures that say who gains and loses: losers and gainers first, then by weight; only those told by group."""
    told = [one for one in view.plan.measures if view.groupings(one.name, view.leading)]
    shares = sorted((one for one in told if one.kind in SHARES), key=lambda one: one.kind != "losers")
    others = sorted((one for one in told if one.kind not in SHARES and one.aim), key=lambda one: -one.weight)
    return [*shares, *others]


def _states(view: View) -> tuple[str, str, str]:
    counts = [
        (view.in_state("open"), "个可选"),
        (view.in_state("released"), "个曾被拦截、已放行"),
        (view.in_state("intercepted"), "个被拦截"),
        (view.in_state("infeasible"), "个不可行"),
    ]
    said = "，".join(f"{len(found)} {word}" for found, word in counts if found)
    named = "；".join(f"{word.removeprefix('个')}：{_few(view, found)}" for found, word in counts[2:] if found)
    return "各方案的状态", said or NONE, named and f"{named}。原因见第 6 部分"


def _few(view: View, options: list[str]) -> str:
    shown = "、".join(view.tag(name) for name in options[:8])
    return shown if len(options) <= 8 else f"{shown} 等 {len(options)} 个"


def _runner(view: View, name: str) -> str:
    standing = view.standings[name]
    said = [f"第 {standing.rank} 名：{view.named(name)}"]
    if view.has_cost and (cost := view.shown(name, COST)) is not None:
        decimals = view.decimals(COST, view.options)
        said.append(f"费用 {interval(cost.value, cost.low, cost.high, decimals)} {unit_word(cost.unit)}".rstrip())
    if view.main is not None and (found := view.shown(name, view.main.name)) is not None:
        decimals = view.decimals(view.main.name, view.options)
        value = interval(found.value, found.low, found.high, decimals)
        said.append(f"{view.main.title} {value} {unit_word(found.unit)}".rstrip())
    said.append(f"{percent(standing.first_share)} 的情形下排第一")
    return "，".join(said)
