"""Measured sentiment of posts beside a run, in words: what was read, and what would change if it were taken in.

A paragraph a line, for ``Simulation.sentiment``: the store, the report and dashboards show the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from schemas.policy import Column, Plan, Reading, Sentiment, Standing
from udfs.policy_report.view import STATES
from udfs.policy_report.written import NONE

_OUT = "实测舆情没有参与排序，只另作敏感性分析：发帖的人不等于居民。"
_NAMED = 8
"""Options named as changing."""


def left_out() -> str:
    """Of a run without a store."""
    return f"{_OUT}\n计划要求以实测舆情另作敏感性分析；本次推演没有连接数据库，未做。"


def beside(
    plan: Plan,
    asked: Sentiment,
    reading: Reading,
    districts: Column,
    before: Collection[Standing],
    after: Collection[Standing] | None,
) -> str:
    """``before``: how the options stand; ``after``: how they would, or None where no county has data."""
    about = _about(asked, reading, districts)
    if after is None:
        return f"{_OUT}\n{about}\n没有可用的数据，未做敏感性分析。"
    return "\n".join([_OUT, about, *changes(plan, before, after)])


def _about(asked: Sentiment, reading: Reading, column: Column) -> str:
    titles = dict(zip(column.categories, column.titles or column.categories, strict=True))
    there = [(titles[name], reading.moods[code]) for name, code in asked.districts.items() if code in reading.moods]
    absent = [titles[name] for name, code in asked.districts.items() if code not in reading.moods]
    posts = sum(reading.moods[code].posts for code in set(asked.districts.values()) & set(reading.moods))
    listed = "、".join(f"{title} {mood.mean:+.2f}" for title, mood in there)
    said = [
        f"读取 {reading.first} 至 {reading.last}（{asked.days} 天）的帖子计数，只取每小时、每平台、每种情感不少于 20 位"
        f"发帖人的汇总，共约 {posts:,} 帖",
        f"计划列出的 {len(asked.districts)} 个片区中 {len(there)} 个有数据"
        + (f"，正面减负面占全部：{listed}" if there else ""),
        *([f"没有数据的片区按 0 计：{'、'.join(absent)}"] if absent else []),
        f"对同意的作用系数取 {asked.effect:g}，其余假设取中心值",
    ]
    return "；".join(said) + "。"


def changes(plan: Plan, before: Collection[Standing], after: Collection[Standing]) -> list[str]:
    """Who would be first, and which states and ranks would be others."""
    titles = {option.name: f"「{option.title}」" for option in plan.options}
    then, now = ({one.option: one for one in standings} for standings in (before, after))
    by_rank = sorted(titles, key=lambda name: then[name].rank or len(titles) + 1)
    states = [name for name in titles if then[name].state != now[name].state]
    moved = [name for name in by_rank if name not in states and then[name].rank != now[name].rank]
    told = []
    first = [[name for name in titles if standings[name].rank == 1] for standings in (then, now)]
    if first[0] != first[1]:
        was, would = ("、".join(titles[name] for name in names) or NONE for names in first)
        told.append(f"若计入，排第一的由{was}变为{would}。")
    if states:
        told.append(
            f"若计入，{len(states)} 个方案的状态会变："
            + _listed(states, lambda name: f"{titles[name]}由{STATES[then[name].state]}变为{STATES[now[name].state]}")
        )
    if moved:
        told.append(
            f"若计入，{len(moved)} 个方案的名次会变："
            + _listed(moved, lambda name: f"{titles[name]}由{_rank(then[name])}变为{_rank(now[name])}")
        )
    if not told:
        return ["若计入，各方案的状态和名次都不变。"]
    return [*told, "比较的是推演完成时的状态和名次，不含其后的放行。"]


def _listed(names: Sequence[str], said: Callable[[str], str]) -> str:
    return "；".join(map(said, names[:_NAMED])) + ("等。" if len(names) > _NAMED else "。")


def _rank(standing: Standing) -> str:
    return f"第 {standing.rank} 名" if standing.rank else "不参加排序"
