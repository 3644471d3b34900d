"""The risk gate: what stands against an option, with the reason and the figures.

    constraint:NAME   the estimate breaches it (its outcome), or only the interval does (warn)
    outside:LEVER     a lever is set beyond what the rules' evidence covers: an extrapolation (intercept)
    people:COLUMN     more than 5 % of the people are not such as the rules' evidence is about (intercept)

The baseline is what there is: it is never held back, its breaches are told as warnings. A bound that cannot be checked,
because there are people but no value, holds an option back as a breach would: nobody knows whether it is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.policy import ALL, BASELINE, Constraint, Finding, Option, Plan, Result
from udfs.choice.wording import figure, percent
from udfs.formulas import RuleSet
from udfs.plans import levers_of, say

PEOPLE_OUTSIDE = 0.05
"""Weighted share of people outside the rules' evidence from which on every option is an extrapolation."""
_TOLERANCE = 1e-9
"""Of the bound: the rest is rounding."""


def findings(
    plan: Plan,
    rules: RuleSet,
    results: Sequence[Result],
    outside_people: Mapping[str, float],
    titles: Mapping[str, str],
) -> list[Finding]:
    """In the order of the options. ``titles``: of columns and variables, in Chinese."""
    rows: dict[tuple[str, str, str], list[Result]] = {}
    for row in results:
        rows.setdefault((row.option, row.measure, row.grouping), []).append(row)
    base = {(row.measure, row.grouping, row.group): row.value for row in results if row.option == BASELINE}
    judge = _Constraints(plan, rows, base)
    found: list[Finding] = []
    for option in plan.options:
        for constraint in plan.constraints:
            found += judge.of(option, constraint)
        if option.name != BASELINE:
            found += _levers(plan, option, rules)
            found += _people(option, rules, outside_people, titles)
    return found


def _levers(plan: Plan, option: Option, rules: RuleSet) -> Iterator[Finding]:
    """A lever that the option moves away from today's value, to one that the evidence does not cover."""
    today = plan.options[0].levers
    for name, value in levers_of(plan, option).items():
        lever = rules.levers[name]
        if lever.evidence is None or isinstance(value, str | bool) or value == today[name]:
            continue
        low, high = lever.evidence
        if low <= value <= high:
            continue
        bound = low if value < low else high
        yield Finding(
            option=option.name,
            code=f"outside:{name}",
            outcome="intercept",
            reason=(
                f"{lever.title or name} {say(value, lever)} 超出规则依据所覆盖的范围"
                f"（{say(low, lever)} 至 {say(high, lever)}），结果属于外推，没有数据支持"
            ),
            value=value,
            bound=bound,
        )


def _people(
    option: Option, rules: RuleSet, outside_people: Mapping[str, float], titles: Mapping[str, str]
) -> Iterator[Finding]:
    for column, share in outside_people.items():
        if share <= PEOPLE_OUTSIDE:
            continue
        low, high = rules.people[column]
        yield Finding(
            option=option.name,
            code=f"people:{column}",
            outcome="intercept",
            reason=(
                f"{percent(share)} 的人口（按权重）的{titles.get(column) or column}在规则依据所覆盖的范围"
                f"（{figure(low)} 至 {figure(high)}）之外，超过 {percent(PEOPLE_OUTSIDE)}，结果属于外推"
            ),
            value=share,
            bound=PEOPLE_OUTSIDE,
        )


class _Held(NamedTuple):
    """What is held against the bounds: an estimate with its interval."""

    value: float
    low: float
    high: float


class _Constraints:
    def __init__(
        self, plan: Plan, rows: Mapping[tuple[str, str, str], list[Result]], base: Mapping[tuple[str, str, str], float]
    ) -> None:
        self.plan = plan
        self.rows = rows
        self.base = base
        self.titles = {measure.name: measure.title for measure in plan.measures}
        self.titles |= {"cost": "总费用", **{f"cost:{payer.name}": f"{payer.title}负担" for payer in plan.payers}}
        self.waits = {measure.name for measure in plan.measures if measure.kind == "wait"}
        """Their rows are about those who were served: nobody is the worst that can be, not nothing to breach."""
        self.groupings = {grouping.name: grouping.title for grouping in plan.groupings}

    def of(self, option: Option, constraint: Constraint) -> Iterator[Finding]:
        if option.name == BASELINE and constraint.at != "value":
            return  # it does not differ from itself
        wanted = tuple(self.groupings) if constraint.grouping == "*" else (constraint.grouping,)
        rows = [row for name in wanted for row in self.rows.get((option.name, constraint.measure, name), ())]
        if not rows:
            yield self._unchecked(option, constraint, None)
        near: list[tuple[float, Finding]] = []
        breached = False
        for row in rows:
            held = self._held(row, constraint.at)
            if not math.isnan(held.value):
                for finding, beyond in self._judged(option, constraint, row, held):
                    if beyond is None:
                        breached = True
                        yield finding
                    else:
                        near.append((beyond, finding))
            elif row.sample > 0 or row.measure in self.waits:
                yield self._unchecked(option, constraint, row)
            # else it is about nobody (an option without lifts asks nobody for consent to one): nothing to breach
        if near and not breached:
            # the one that is nearest to a breach speaks for the rest: twenty groups would drown what matters
            _, finding = max(near, key=lambda pair: pair[0])
            others = f"（另有 {len(near) - 1} 组的区间也越线）" if len(near) > 1 else ""
            yield msgspec.structs.replace(finding, reason=finding.reason + others)

    def _held(self, row: Result, at: str) -> _Held:
        if at == "value":
            return _Held(row.value, row.low, row.high)
        if at == "change":
            return _Held(row.change, row.change_low, row.change_high)
        base = abs(self.base[row.measure, row.grouping, row.group])
        return _Held(*(_share(change, base) for change in (row.change, row.change_low, row.change_high)))

    def _judged(
        self, option: Option, constraint: Constraint, row: Result, held: _Held
    ) -> Iterator[tuple[Finding, float | None]]:
        """Each breach, with None, and each interval that goes beyond, with its part beyond."""
        for bound, sign in ((constraint.at_most, 1.0), (constraint.at_least, -1.0)):
            if bound is None:
                continue
            slack = _TOLERANCE * max(1.0, abs(bound))
            breached = sign * (held.value - bound) > slack
            beyond = _beyond(held, bound, sign)
            if not breached and not beyond > slack:
                continue
            unit = "" if constraint.at == "change_share" else row.unit
            side = "上限" if sign > 0 else "下限"
            over = "高于" if sign > 0 else "低于"
            what = f"{self._about(row)}{'为' if constraint.at == 'value' else '比现状变化'} "
            value = self._say(held.value, unit, constraint.at, bound)
            edge = self._say(bound, unit, constraint.at, None)
            if breached:
                reason = f"{constraint.title}：{what}{value}，{over}{side} {edge}"
            else:
                low, high = (self._say(end, unit, constraint.at, bound) for end in (held.low, held.high))
                reason = (
                    f"{constraint.title}：{what}{value}，未越过{side} {edge}，"
                    f"但 80% 区间 {low} 至 {high} 有 {percent(beyond)} {over}{side}"
                )
            outcome = constraint.outcome if breached and option.name != BASELINE else "warn"
            finding = self._finding(option, constraint, row, outcome, reason, held.value, bound)
            yield finding, None if breached else beyond

    def _unchecked(self, option: Option, constraint: Constraint, row: Result | None) -> Finding:
        what = self._about(row) if row else self.titles[constraint.measure]
        reason = f"{constraint.title}：{what}没有可用的数值，无法核对是否越线"
        outcome = "warn" if option.name == BASELINE else "intercept"
        bound = constraint.at_most if constraint.at_most is not None else constraint.at_least
        return self._finding(option, constraint, row, outcome, reason, math.nan, bound or 0.0)

    def _finding(
        self,
        option: Option,
        constraint: Constraint,
        row: Result | None,
        outcome: str,
        reason: str,
        value: float,
        bound: float,
    ) -> Finding:
        return Finding(
            option=option.name,
            code=f"constraint:{constraint.name}",
            outcome=outcome,
            reason=reason,
            measure=constraint.measure,
            grouping=row.grouping if row else constraint.grouping,
            group=row.group if row else "",
            # JSON has no NaN and no infinity; the reason says it
            value=value if math.isfinite(value) else 0.0,
            bound=bound,
        )

    def _about(self, row: Result) -> str:
        where = ""
        if row.grouping == "year":
            where = f"（{row.group} 年）"
        elif row.grouping != ALL:
            where = f"（{self.groupings[row.grouping]}：{row.group}）"
        return self.titles[row.measure] + where

    @staticmethod
    def _say(value: float, unit: str, at: str, against: float | None) -> str:
        sign = "+" if at != "value" and value > 0 else ""
        if at != "change_share":
            return sign + figure(value, unit, against=against)
        if math.isinf(value):
            return "（现状为零，无法按比例计算）"
        return sign + figure(100 * value, "%", against=None if against is None else 100 * against)


def _share(change: float, base: float) -> float:
    """Of the baseline's value; any change of nothing is beyond every bound."""
    if base:
        return change / base
    return 0.0 if change == 0 else math.copysign(math.inf, change) if not math.isnan(change) else math.nan


def _beyond(held: _Held, bound: float, sign: float) -> float:
    """The part of the interval beyond the bound, 0..1."""
    low, high = held.low, held.high
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return 0.0
    part = (high - bound if sign > 0 else bound - low) / (high - low)
    return min(max(part, 0.0), 1.0)
