"""What crosses boundaries in policy simulation: plans, populations' columns, results, verdicts.

    plan, rules (udfs.plans, udfs.formulas) + population (udfs.population)
        -> tallies of each option (udfs.outcomes) -> Result rows -> ranking, Pareto set, verdicts (udfs.choice)
        -> report (udfs.policy_report), runs.parquet, rows of `policy_runs` (pipelines.store)

Everything is a frozen msgspec struct: it pickles, compares, and becomes JSON with ``msgspec.json``.
"""

from __future__ import annotations

from typing import Any

import msgspec

ENTITIES = ("person", "household", "unit", "building", "neighbourhood", "district")
"""Lowest first. A population has ``person``, ``household`` and some others; each is part of one of the next."""

ALL = "all"
"""The grouping, and its one group, of everybody."""

BASELINE = "baseline"
"""Name of the option that changes nothing; it comes first in every run."""


class Column(msgspec.Struct, frozen=True):
    """A column of a population."""

    name: str
    entity: str
    kind: str
    """``number``, ``boolean`` or ``category`` (stored as codes: positions in ``categories``)."""
    unit: str = "1"
    """Product of powers, such as ``CNY/year`` or ``CNY/m2``; ``1`` for numbers without and for the other kinds."""
    data_class: str = "L2"
    """L1 ... L4."""
    title: str = ""
    """In Chinese, for reports."""
    categories: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    """Of the categories, in Chinese; empty: their names are shown."""


class Option(msgspec.Struct, frozen=True):
    """One combination of levers; those that are not named keep the baseline's value."""

    name: str
    title: str
    levers: dict[str, float | str | bool]
    line: int = 0
    """In the plan's file."""


class Grouping(msgspec.Struct, frozen=True):
    """Splits people (or whatever is counted) into groups, by their baseline values."""

    name: str
    title: str
    of: str
    """A column or variable: a category, a boolean, or a number that is cut at ``cuts`` or ``quantiles``."""
    cuts: tuple[float, ...] = ()
    """n cuts make n + 1 groups; a group begins at its cut."""
    quantiles: int = 0
    """Number of groups of equal weight."""
    labels: tuple[str, ...] = ()
    line: int = 0


class Line(msgspec.Struct, frozen=True):
    """A poverty line: an amount, or a share of the median of the measure's variable over all people."""

    value: float | None = None
    share: float | None = None
    anchored: bool = True
    """The median is the baseline's for every option; otherwise each option's own (group `all` only)."""


class Measure(msgspec.Struct, frozen=True):
    """An outcome that is computed for every option and group.

    kind         value
    sum          weighted sum of ``of``
    mean         weighted mean of ``of``
    share        weighted share for which the boolean ``of`` holds
    ratio        weighted sum of ``of`` by that of ``over``
    gainers      share whose ``of`` is more than ``threshold`` above the baseline's
    losers       share whose ``of`` is more than ``threshold`` below
    poverty_rate share whose ``of`` is below the line
    poverty_gap  mean shortfall of the poor as a share of the line, over everybody (Foster-Greer-Thorbecke, alpha 1)
    gini         Gini coefficient of ``of`` (group `all` only)
    s80s20       what the upper fifth has by what the lowest fifth has (group `all` only)
    wait         mean years until served, of those served within the horizon, from ``queue``
    served       share served within the horizon, from ``queue``
    """

    name: str
    title: str
    kind: str
    of: str = ""
    over: str = ""
    where: str = ""
    """A boolean: only these count."""
    count: str = "person"
    """The entity that is counted and weighted; ``of`` is of this entity or of one above (every one carries it)."""
    threshold: float = 0.0
    line_at: Line | None = None
    queue: str = ""
    scale: float = 1.0
    """The value is multiplied by it: 1e-8 with unit 亿元, 100 with unit %."""
    unit: str = "1"
    """As it is shown, after scaling."""
    aim: str = ""
    """``more`` or ``less`` is better; empty: shown, not ranked."""
    weight: float = 0.0
    """In the ranking."""
    line: int = 0


class Payer(msgspec.Struct, frozen=True):
    """Who pays, year by year."""

    name: str
    title: str
    of: str
    """A variable of money; counted for its own entity."""
    timing: str = "annual"
    """``annual``: every year of the horizon (from being served on, with a queue); ``once``: in the year of being served
    (without a queue: in the first year)."""
    line: int = 0


class Queue(msgspec.Struct, frozen=True):
    """Neighbourhoods wait until a year has capacity left for them: highest ``order`` first, each whole, in the first
    year whose remaining capacity holds its load. One whose load no year can hold is not served."""

    name: str
    title: str
    order: str
    """A number of the neighbourhood."""
    load: str
    """What of the capacity it takes; a number of the neighbourhood."""
    capacity: tuple[float, ...]
    """For each year of the horizon; in the unit of ``load``."""
    when: str = ""
    """A boolean of the neighbourhood: only these take part."""
    carry: bool = True
    """What a year leaves is added to the next."""
    line: int = 0


class Constraint(msgspec.Struct, frozen=True):
    """A bound on a measure or payer. Breached by the estimate: the option is what ``outcome`` says."""

    name: str
    title: str
    measure: str
    """A measure's name, or ``cost`` (all payers) or ``cost:PAYER``."""
    grouping: str = ALL
    """``all``, a grouping (each of its groups is held to it), ``*`` for every grouping, or ``year``."""
    at: str = "value"
    """``value``, ``change`` against the baseline, or ``change_share`` (change by the baseline's value)."""
    at_most: float | None = None
    at_least: float | None = None
    outcome: str = "intercept"
    """``infeasible``: it cannot be (a legal threshold); ``intercept``: a red line, for a named person to release."""
    line: int = 0


class Assumption(msgspec.Struct, frozen=True):
    """What is not known: drawn for intervals and varied for sensitivity."""

    name: str
    title: str
    unit: str
    central: float
    distribution: str
    """``normal`` (mean, sd), ``uniform`` (low, high), ``triangular`` (low, mode, high), ``beta`` (a, b), ``fixed``."""
    numbers: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    """Draws are cut to this range (by redrawing through the quantile function)."""
    source: str = ""
    line: int = 0


class Sentiment(msgspec.Struct, frozen=True):
    """How measured sentiment of posts enters as a sensitivity, beside the run and never in its ranking."""

    effect: float
    """Value of the assumption ``sentiment_effect``, 0 in the run itself."""
    days: int
    """Of posts, before the simulation."""
    districts: dict[str, str]
    """Category of the column ``district`` -> code of the county (adcode) whose posts are read."""
    line: int = 0


class Mood(msgspec.Struct, frozen=True):
    """Posts of a county by sentiment, of cells of at least 20 authors only, to the nearest 5 a cell."""

    positive: int
    neutral: int
    negative: int

    @property
    def posts(self) -> int:
        return self.positive + self.neutral + self.negative

    @property
    def mean(self) -> float:
        """Positive less negative by all of them, -1..1; 0 without posts."""
        return (self.positive - self.negative) / self.posts if self.posts else 0.0


class Reading(msgspec.Struct, frozen=True):
    """What the store says of counties; days are those of Beijing."""

    moods: dict[str, Mood]
    """By code; counties without a cell are missing."""
    first: str
    last: str


class Plan(msgspec.Struct, frozen=True):
    """A plan that has been checked against its rules and its population."""

    file: str
    """Name of the file, without folders."""
    title: str
    question: str
    """What was asked, in the words of whoever asked."""
    on: str
    """ISO date: parameters and formulas in force that day are used."""
    years: tuple[int, ...]
    """The horizon."""
    seed: int
    draws: int
    """Of the assumptions."""
    rules: str
    """Name of the rule set."""
    options: tuple[Option, ...]
    """The baseline first, under the name ``baseline``."""
    measures: tuple[Measure, ...]
    groupings: tuple[Grouping, ...] = ()
    payers: tuple[Payer, ...] = ()
    payers_queue: str = ""
    payers_scale: float = 1.0
    payers_unit: str = "CNY"
    queues: tuple[Queue, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    """The rule set's; the plan may narrow or fix them."""
    sensitivity: int = 0
    """Base samples for Sobol' indices, a power of 2; 0: none."""
    note: str = ""
    digest: str = ""
    """SHA-256 of the plan's file."""
    sentiment: Sentiment | None = None


class Result(msgspec.Struct, frozen=True):
    """One row of runs.parquet: option x group x measure, with an interval (80 % unless said otherwise)."""

    option: str
    grouping: str
    """``all``, a grouping's name, or ``year``."""
    group: str
    measure: str
    """A measure's name, ``cost`` or ``cost:PAYER``."""
    unit: str
    value: float
    """NaN where nobody is in the group."""
    low: float
    high: float
    change: float
    """Against the baseline."""
    change_low: float
    change_high: float
    weight: float
    """Weighted number of those it is about."""
    sample: int
    """Records behind it, unweighted."""
    hits: int = -1
    """Records for which it holds, of kinds share, gainers, losers, poverty_rate and served; -1 for the others."""
    sampling: float = 0.0
    """Standard error from who is in the population (blocks)."""
    assumptions: float = 0.0
    """Standard deviation from what is not known (draws)."""


class Finding(msgspec.Struct, frozen=True):
    """Something the risk gate says about an option."""

    option: str
    code: str
    """``constraint:NAME``, ``outside:LEVER`` (beyond the evidence), ``people:COLUMN`` (beyond the rules' people),
    ``missing:MEASURE`` (no value, so no rank)."""
    outcome: str
    """``infeasible``, ``intercept``, or ``warn`` (the interval, not the estimate, breaches)."""
    reason: str
    """In Chinese, with the figures."""
    measure: str = ""
    grouping: str = ""
    group: str = ""
    value: float = 0.0
    bound: float = 0.0


class Standing(msgspec.Struct, frozen=True):
    """How an option stands in the choice."""

    option: str
    state: str
    """``open``, ``infeasible``, ``intercepted`` or ``released``."""
    score: float | None = None
    """Weighted sum of the measures, each scaled to 0..1 from worst to best of the open options; None: not ranked."""
    rank: int = 0
    """From 1; 0: not ranked."""
    pareto: bool = False
    """No open option is at least as good in every measure with an aim and better in one."""
    first_share: float = 0.0
    """Share of draws and weightings in which it ranks first."""
    ranks: tuple[int, int] = (0, 0)
    """The 80 % interval of its rank."""


class Index(msgspec.Struct, frozen=True):
    """Sobol' indices of an assumption for ``target``."""

    target: str
    """``score:OPTION`` or ``lead`` (score of the first option over the second)."""
    assumption: str
    first: float
    total: float
    total_low: float
    total_high: float


class Release(msgspec.Struct, frozen=True):
    """A person has let an intercepted option go on to be weighed."""

    option: str
    person: str
    reason: str
    at: str
    """RFC 3339."""
    entry: str = ""
    """Id of the audit entry."""


class PopulationInfo(msgspec.Struct, frozen=True):
    """What a population says of itself: ``population.json`` in its folder."""

    name: str
    title: str
    source: str
    """Where the people come from, in words."""
    synthetic: bool
    demonstration: str
    """Not empty: results are only a demonstration of the method, for this reason."""
    entities: tuple[str, ...]
    columns: tuple[Column, ...]
    shards: int
    counts: dict[str, int]
    """Records of each entity."""
    weight: float
    """Weighted number of people."""
    largest_household: int
    seed: int = 0
    fit: tuple[dict[str, Any], ...] = ()
    """Of a synthesis: rows {table, cell, wanted, got}."""
    digest: str = ""
    """SHA-256 over all shards."""


class Simulation(msgspec.Struct, frozen=True):
    """Everything that a report says; ``report.json`` is this."""

    run: str
    made_at: str
    plan: Plan
    rules_title: str
    rules_version: str
    rules_digest: str
    levers: dict[str, dict[str, Any]]
    """Name -> {title, unit, kind, titles (of values)}; for showing options."""
    sources: tuple[str, ...]
    """Of parameters and assumptions, in words."""
    population: PopulationInfo
    results: tuple[Result, ...]
    standings: tuple[Standing, ...]
    findings: tuple[Finding, ...]
    indices: tuple[Index, ...] = ()
    releases: tuple[Release, ...] = ()
    group_labels: dict[str, tuple[str, ...]] = {}
    """Grouping -> its groups in order, as they stand in ``Result.group``."""
    seconds: float = 0.0
    sentiment: str = ""
    """Empty: the plan asks for no measured sentiment of posts. Else in Chinese, a paragraph a line: what was done and
    what would change. Ranking, standings and results never use it."""
    versions: dict[str, str] = {}
    """Of the software."""
