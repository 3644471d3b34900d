"""A simulation made ready for asking: results by key, options by number, which ones lead, what may be shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from schemas.policy import ALL, BASELINE, Measure, Option, Result, Simulation, Standing
from udfs.policy_report.written import FEWEST, NONE, WITHHELD, bounds, number, places

LEADING = 4
"""Options that are looked at closely: as many as stand beside each other on a page."""
COST = "cost"
YEAR = "year"
STATES = {"open": "可选", "infeasible": "不可行", "intercepted": "已拦截", "released": "已放行"}
SHARES = ("gainers", "losers")
"""Kinds whose value is against the baseline already."""


class View:
    """Built once a report. Options are numbered as the plan lists them; the baseline is 0, 现状."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.plan = plan = simulation.plan
        self.options: dict[str, Option] = {option.name: option for option in plan.options}
        self.numbers = {name: n for n, name in enumerate(self.options, 0 if BASELINE in self.options else 1)}
        self.standings = {one.option: one for one in simulation.standings}
        self._results = {(one.option, one.measure, one.grouping, one.group): one for one in simulation.results}
        self.has_cost = any(one.measure == COST for one in simulation.results)
        ranked = sorted((one for one in simulation.standings if one.rank), key=lambda one: self._order(one))
        self.ranked: tuple[str, ...] = tuple(one.option for one in ranked)
        self.first: tuple[str, ...] = tuple(one.option for one in ranked if one.rank == ranked[0].rank)
        self.choices: tuple[str, ...] = tuple(name for name in self.ranked if name != BASELINE)
        """Ranked options that change something."""
        self.leading: tuple[str, ...] = self.choices[:LEADING] or tuple(self._others())[:LEADING]
        """The first of the choices; when there are none, the first that the plan lists."""
        aimed = [one for one in plan.measures if one.aim]
        self.leaders = "领先方案" if self.choices else "计划中在前的方案"
        self.main: Measure | None = max(aimed, key=lambda one: one.weight, default=None) or (
            plan.measures[0] if plan.measures else None
        )
        """The measure that weighs most."""

    def _order(self, one: Standing) -> tuple[int, int]:
        return one.rank, self.numbers.get(one.option, 1 << 30)

    def _others(self) -> Iterable[str]:
        return (name for name in self.options if name != BASELINE)

    def listed(self) -> list[str]:
        """Every option: ranked ones first, then the others as the plan lists them."""
        return [*self.ranked, *(name for name in self.options if name not in set(self.ranked))]

    # -- names
    def title(self, option: str) -> str:
        found = self.options.get(option)
        return (found.title or found.name) if found else option

    def tag(self, option: str) -> str:
        """``现状`` or ``方案 7``."""
        return "现状" if option == BASELINE else f"方案 {self.numbers[option]}" if option in self.numbers else option

    def named(self, option: str) -> str:
        """``方案 7（提升类，补贴五成）``."""
        title = self.title(option)
        return self.tag(option) if title == self.tag(option) else f"{self.tag(option)}（{title}）"

    def digits(self, option: str) -> str:
        return str(self.numbers.get(option, ""))

    def state(self, option: str) -> str:
        found = self.standings.get(option)
        return STATES.get(found.state, found.state) if found else NONE

    def in_state(self, *states: str) -> list[str]:
        return [one.option for one in self.simulation.standings if one.state in states and one.option != BASELINE]

    def measure_title(self, name: str) -> str:
        if name == COST:
            return "总费用"
        if name.startswith(f"{COST}:"):
            payer = next((one for one in self.plan.payers if one.name == name[len(COST) + 1 :]), None)
            return f"{payer.title if payer else name[len(COST) + 1 :]}出资"
        return next((one.title for one in self.plan.measures if one.name == name), name)

    def grouping_title(self, name: str) -> str:
        if name in (ALL, YEAR):
            return {"all": "全体", "year": "年份"}[name]
        return next((one.title for one in self.plan.groupings if one.name == name), name)

    def groupings(self, measure: str, options: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Groupings for which the measure has results, each with its groups in order."""
        have: dict[str, dict[str, None]] = {}
        wanted = set(options)
        for option, name, grouping, group in self._results:
            if name == measure and option in wanted and grouping not in (ALL, YEAR):
                have.setdefault(grouping, {})[group] = None
        order = [one.name for one in self.plan.groupings]
        found = []
        for grouping in sorted(have, key=lambda one: order.index(one) if one in order else len(order)):
            labels = self.simulation.group_labels.get(grouping, ())
            groups = [one for one in labels if one in have[grouping]]
            found.append((grouping, groups + [one for one in have[grouping] if one not in labels]))
        return found

    # -- results
    def get(self, option: str, measure: str, grouping: str = ALL, group: str = ALL) -> Result | None:
        return self._results.get((option, measure, grouping, group))

    def shown(self, option: str, measure: str, grouping: str = ALL, group: str = ALL) -> Result | None:
        """The result where it may be shown and is a number. What a year costs is no figure about persons."""
        found = self.get(option, measure, grouping, group)
        if found is None or not math.isfinite(found.value) or small(found):
            return None
        return found

    def column(self, measure: str, options: Iterable[str]) -> list[Result]:
        return [found for option in options if (found := self.shown(option, measure)) is not None]

    def decimals(self, measure: str, options: Iterable[str]) -> int:
        """Places for a measure over all of these options."""
        found = self.column(measure, options)
        return places(found[0].unit, [one.value for one in found]) if found else 2

    def years(self) -> list[str]:
        return [str(year) for year in self.plan.years]

    def horizon(self) -> str:
        years = self.plan.years
        return f"{years[0]}—{years[-1]} 年" if len(years) > 1 else f"{years[0]} 年" if years else NONE


def small(result: Result) -> bool:
    """Too few records behind it; costs are of the public purse, not of persons, and are shown by year all the same."""
    return result.sample < FEWEST and not result.measure.startswith(COST)


def said(result: Result | None, decimals: int) -> tuple[str, str]:
    """Value and interval of a result as two texts; ``样本不足`` for a small group, ``—`` for none: also where
    the figure is about nobody at all (waiting, when nothing is built)."""
    if result is None or (result.grouping == ALL and result.sample == 0 and not math.isfinite(result.value)):
        return NONE, ""
    if not math.isfinite(result.value):
        return (WITHHELD if small(result) else NONE), ""
    if small(result):
        return WITHHELD, ""
    between = "" if result.low == result.high else bounds(result.low, result.high, decimals)
    return number(result.value, decimals), between


def said_change(result: Result | None, decimals: int) -> tuple[str, str]:
    """As ``said``, of the change against the baseline."""
    if result is not None and small(result):
        return WITHHELD, ""
    if result is None or not math.isfinite(result.change):
        return NONE, ""
    between = (
        "" if result.change_low == result.change_high else bounds(result.change_low, result.change_high, decimals, True)
    )
    return number(result.change, decimals, True), between
