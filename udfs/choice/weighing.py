"""The choice: findings of the risk gate, then Pareto set, scores and ranks of those that are open or released."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from schemas.policy import ALL, BASELINE, Finding, Measure, Plan, Result, Standing
from udfs.choice import gate
from udfs.choice.ranking import Floats, better, pareto, ranks, scores
from udfs.choice.stability import stability
from udfs.formulas import RuleSet

DrawValues = Sequence[Mapping[str, Mapping[str, float]]]
"""For each draw of the assumptions: option -> measure -> value over everybody."""


def judge(
    plan: Plan,
    rules: RuleSet,
    results: Sequence[Result],
    draw_values: DrawValues,
    outside_people: Mapping[str, float],
    released: Collection[str],
    titles: Mapping[str, str] | None = None,
) -> tuple[list[Finding], list[Standing]]:
    """How each option stands.

    ``outside_people``: column -> weighted share of people outside the range of the rules' evidence. ``released``: names
    of options that a person has let go on. ``titles``: of columns, for reasons; those of variables are the rules'.
    """
    known = {name: variable.title for name, variable in rules.variables.items()} | dict(titles or {})
    found = gate.findings(plan, rules, results, outside_people, known)
    return weigh(plan, results, draw_values, found, released)


def weigh(
    plan: Plan,
    results: Sequence[Result],
    draw_values: DrawValues,
    findings: Sequence[Finding],
    released: Collection[str],
) -> tuple[list[Finding], list[Standing]]:
    """The same from findings that are there already: what is done again after a release.

    Figures stay as they are; who is compared changes, and with it the scale of the scores.
    """
    names = [option.name for option in plan.options]
    states = _states(names, findings, released)
    aimed = [measure for measure in plan.measures if measure.aim]
    values = _values(results, names, aimed)
    told = [finding for finding in findings if not finding.code.startswith("missing:")]
    told += _missing(names, aimed, values)
    standings = {name: Standing(option=name, state=states[name]) for name in names}
    weighed = [place for place, name in enumerate(names) if states[name] in ("open", "released")]
    if aimed:
        efficient = dict(zip(weighed, pareto(values[weighed]).tolist(), strict=True))
        standings |= {
            name: Standing(option=name, state=states[name], pareto=efficient.get(place, False))
            for place, name in enumerate(names)
        }
    _rank(plan, names, aimed, values, weighed, draw_values, standings)
    return told, [standings[name] for name in names]


def _rank(
    plan: Plan,
    names: Sequence[str],
    aimed: Sequence[Measure],
    values: Floats,
    weighed: Sequence[int],
    draw_values: DrawValues,
    standings: dict[str, Standing],
) -> None:
    """Puts scores, ranks and their stability into ``standings``."""
    heavy = [place for place, measure in enumerate(aimed) if measure.weight > 0]
    if not heavy:
        return
    counted = [aimed[place] for place in heavy]
    weights = normalised(counted)
    weighty = values[:, heavy]
    ranked = [place for place in weighed if not np.isnan(weighty[place]).any()]
    if not ranked:
        return
    found = scores(weighty[ranked], weights)
    placed = ranks(found)
    chosen = [names[place] for place in ranked]
    drawn = signed(draw_values, chosen, counted) if draw_values else weighty[ranked][None]
    firm = stability(drawn, weights, plan.seed)
    for number, name in enumerate(chosen):
        before = standings[name]
        standings[name] = Standing(
            option=name,
            state=before.state,
            score=float(found[number]),
            rank=int(placed[number]),
            pareto=before.pareto,
            first_share=float(firm.first_share[number]),
            ranks=(int(firm.low[number]), int(firm.high[number])),
        )


def normalised(measures: Sequence[Measure]) -> Floats:
    """Their weights, adding up to 1."""
    weights = np.array([measure.weight for measure in measures])
    return np.asarray(weights / weights.sum())


def signed(rows: DrawValues, options: Sequence[str], measures: Sequence[Measure]) -> Floats:
    """(draws, options, measures), more is better; NaN where a draw has no value."""
    values = [[[row[option].get(measure.name, np.nan) for measure in measures] for option in options] for row in rows]
    return better(np.array(values, dtype=np.float64).reshape(len(rows), len(options), len(measures)), measures)


def _states(names: Sequence[str], findings: Sequence[Finding], released: Collection[str]) -> dict[str, str]:
    outcomes: dict[str, set[str]] = {name: set() for name in names}
    for finding in findings:
        outcomes[finding.option].add(finding.outcome)
    states = {}
    for name in names:
        if name == BASELINE:
            states[name] = "open"
        elif "infeasible" in outcomes[name]:
            states[name] = "infeasible"
        elif "intercept" in outcomes[name]:
            states[name] = "released" if name in released else "intercepted"
        else:
            states[name] = "open"
    return states


def _values(results: Sequence[Result], names: Sequence[str], measures: Sequence[Measure]) -> Floats:
    """(options, measures), more is better; NaN where there is none."""
    found = {(row.option, row.measure): row.value for row in results if row.grouping == ALL}
    table = [[found.get((name, measure.name), np.nan) for measure in measures] for name in names]
    return better(np.array(table, dtype=np.float64).reshape(len(names), len(measures)), measures)


def _missing(names: Sequence[str], measures: Sequence[Measure], values: Floats) -> list[Finding]:
    """An option without a value cannot be compared, and whoever reads should know why it is not ranked."""
    return [
        Finding(
            option=names[row],
            code=f"missing:{measures[column].name}",
            outcome="warn",
            reason=f"{measures[column].title}没有可用的数值，不能与其他方案比较"
            + ("，不参加排序" if measures[column].weight > 0 else ""),
            measure=measures[column].name,
        )
        for row, column in np.argwhere(np.isnan(values)).tolist()
    ]
