"""A plan that is right becomes what it says; one that is wrong is told at its line."""

from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.policy import ALL, Line
from tests.udfs.plans.cases import COLUMNS, ENTITIES, PLAN, RULES
from udfs import plans
from udfs.plans.measures import splits


def load(folder: Path, text: str):
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return plans.load(path, RULES, COLUMNS, ENTITIES)


@pytest.fixture
def plan(tmp_path: Path):
    return load(tmp_path, PLAN)


def test_options_are_the_baseline_the_grid_and_the_named_ones(plan) -> None:
    assert [(option.name, option.title) for option in plan.options] == [
        ("baseline", "维持现状"),
        ("scope=basic,rate=0.3", "改造内容 基础类，补贴比例 30%"),
        ("scope=improved,rate=0.3", "改造内容 完善类，补贴比例 30%"),
        ("scope=improved,rate=0.5", "改造内容 完善类，补贴比例 50%"),
        ("lift", "加装电梯 是，补贴比例 30%"),
    ]
    assert plan.options[0].levers == {"scope": "basic", "rate": 0.1, "amount": 0.0, "lift": False}
    assert plans.levers_of(plan, plan.options[-1]) == {"scope": "basic", "rate": 0.3, "amount": 0.0, "lift": True}
    assert [option.line for option in plan.options] == [10, 11, 11, 11, 13]


def test_measures_carry_scale_unit_line_and_queue(plan) -> None:
    by_name = {measure.name: measure for measure in plan.measures}
    shown = {name: (m.kind, m.of, m.count, m.unit, m.scale, m.aim, m.weight) for name, m in by_name.items()}
    assert shown == {
        "paid": ("sum", "payment", "household", "亿元", 1e-8, "less", 1.0),
        "losers": ("losers", "income", "person", "%", 100.0, "less", 2.0),
        "poor": ("poverty_rate", "income", "person", "%", 100.0, "", 0.0),
        "per_area": ("ratio", "benefit", "household", "元/年/平方米", 1.0, "", 0.0),
        "waiting": ("wait", "", "person", "月", 12.0, "less", 1.0),
    }
    assert by_name["losers"].threshold == 100
    assert by_name["poor"].line_at == Line(share=0.5, anchored=True)
    assert by_name["per_area"].over == "area"
    assert by_name["waiting"].queue == "works"


def test_the_rest_is_as_written(plan) -> None:
    assert (plan.title, plan.question, plan.on, plan.rules) == ("比选", "先改哪些？", "2026-07-01", "renovation")
    assert (plan.years, plan.seed, plan.draws, plan.sensitivity) == ((2026, 2027, 2028), 7, 16, 32)
    assert [(g.name, g.of, g.cuts, g.quantiles, g.labels) for g in plan.groupings] == [
        ("age", "age", (18.0, 60.0), 0, ("少", "中", "老")),
        ("income", "income", (), 5, ()),
        ("district", "district", (), 0, ()),
    ]
    assert plan.queues[0].capacity == (1e6, 1e6, 5e5)
    assert [(payer.name, payer.timing) for payer in plan.payers] == [("city", "once"), ("running", "annual")]
    assert (plan.payers_queue, plan.payers_scale, plan.payers_unit) == ("works", 1e-8, "亿元")
    assert [(c.measure, c.grouping, c.at_most, c.outcome) for c in plan.constraints] == [
        ("cost:city", "year", 6.0, "intercept"),
        ("losers", "*", 20.0, "infeasible"),
    ]
    assert [(a.name, a.distribution, a.numbers, a.central) for a in plan.assumptions] == [
        ("elasticity", "uniform", (-0.6, -0.2), pytest.approx(-0.4)),
        ("uptake", "beta", (6.0, 4.0), 0.6),
    ]
    assert len(plan.digest) == 64


def test_a_grouping_splits_what_is_counted_at_or_below_it(plan) -> None:
    entities = {"age": "person", "income": "household", "district": "district"}
    found = {
        measure.name: [g.name for g in plan.groupings if splits(measure, g, entities)] for measure in plan.measures
    }
    assert found["losers"] == ["age", "income", "district"]
    assert found["paid"] == ["income", "district"], "households have no age"


@pytest.mark.parametrize(
    ("measure", "split"),
    [
        ("gini: income", []),
        ("s80s20: income", []),
        ("poverty_rate: income, line: {share: 0.5, anchored: false}", []),
        ("poverty_rate: income, line: {share: 0.5}", ["age", "income", "district"]),
        ("poverty_gap: income, line: {value: 9000, unit: CNY/year}", ["age", "income", "district"]),
    ],
)
def test_what_is_of_everybody_is_not_split(tmp_path: Path, measure: str, split: list) -> None:
    text = PLAN.replace(
        'poor: {poverty_rate: income, line: {share: 0.5}, unit: "%", scale: 100}', f"poor: {{{measure}}}"
    )
    plan = load(tmp_path, text)
    entities = {"age": "person", "income": "household", "district": "district"}
    poor = next(one for one in plan.measures if one.name == "poor")
    assert [g.name for g in plan.groupings if splits(poor, g, entities)] == split
    held = text.replace("measure: losers, grouping", "measure: poor, grouping")
    if split:
        load(tmp_path, held)
    else:
        with pytest.raises(UsageError, match=r"plan.yaml:34: .*no grouping splits 'poor'"):
            load(tmp_path, held)


def test_an_exclusion_looks_at_the_baseline_where_the_grid_says_nothing(plan, tmp_path: Path) -> None:
    excluded = "exclude: [{scope: basic, rate: 0.5%s}]"
    named = load(tmp_path, PLAN.replace(excluded % "", excluded % ", lift: [false]"))
    assert [one.name for one in named.options] == [one.name for one in plan.options]


def test_points_have_any_scale(tmp_path: Path) -> None:
    text = PLAN.replace("mean: income", "").replace("{wait: works,", "{mean: age, unit: 分, scale: 20} #")
    with pytest.raises(UsageError, match="shown in 分, computed in year"):
        load(tmp_path, text)
    plan = load(tmp_path, text.replace("mean: age", "mean: priority, count: neighbourhood"))
    assert [(one.unit, one.scale) for one in plan.measures if one.name == "waiting"] == [("分", 20.0)]


@pytest.mark.parametrize(
    ("said", "central"),
    [
        ("uniform: [-0.6, -0.1]", -0.35),
        ("triangular: [-0.9, -0.3, 0]", -0.3),
        ("normal: [-0.5, 0.2]", -0.5),
        ("fixed: -0.7", -0.7),
        ("uniform: [-0.6, -0.2], central: -0.3", -0.3),
        ("low: -0.5", -0.4),
    ],
)
def test_the_central_value_follows_the_distribution(tmp_path: Path, said: str, central: float) -> None:
    plan = load(tmp_path, PLAN.replace("uniform: [-0.6, -0.2]", said))
    assert plan.assumptions[0].central == pytest.approx(central)


def test_the_central_value_of_a_beta_distribution_is_its_mean(tmp_path: Path) -> None:
    plan = load(tmp_path, PLAN.replace("elasticity: {uniform: [-0.6, -0.2]}", "uptake: {beta: [1, 3]}"))
    assert [(one.numbers, one.central) for one in plan.assumptions] == [((-0.4, 0.1), -0.4), ((1.0, 3.0), 0.25)]


# what is put in place of what, the line that is told, words of the message
WRONG = [
    ("rules: renovation\n", "", 1, "'rules' is missing"),
    ("seed: 7", "sed: 7", 7, "there is no 'sed'"),
    ("seed: 7", "seed: -1", 7, "outside"),
    ("question: 先改哪些？", 'question: " "', 2, "empty"),
    ("years: [2026, 2028]", "years: [2028, 2026]", 6, "before the first"),
    ("years: [2026, 2028]", "years: [2026]", 6, r"\[first, last\]"),
    ("years: [2026, 2028]", "years: [2026, 2099]", 6, "at most 50"),
    ("on: 2026-07-01", "on: 2029-07-01", 5, "after the last year"),
    ("on: 2026-07-01", "on: 2026-13-01", 5, "no date"),
    ("draws: 16", "draws: 1001", 8, "outside"),
    ("sensitivity: 32", "sensitivity: 30", 9, "powers of 2"),
    ("{rate: 0.1}", "{rat: 0.1}", 10, "no lever 'rat'; did you mean 'rate'"),
    ("{rate: 0.1}", "{rate: 1.1}", 10, r"1.1 lies outside 0..1"),
    ("{rate: 0.1}", "{rate: true}", 10, "a number is wanted, not True"),
    ("{rate: 0.1}", "{lift: 1}", 10, "true or false is wanted"),
    ("{rate: 0.1}", "{scope: basics}", 10, "did you mean 'basic'"),
    ("rate: [0.3, 0.5]}", "rate: [0.3, 0.3]}", 11, "twice"),
    ("rate: [0.3, 0.5]}", "rate: []}", 11, "no value"),
    ("grid: {scope: [basic, improved], rate: [0.3, 0.5]}", "grid: {}", 11, "the grid is empty"),
    ("rate: [0.3, 0.5]}", f"rate: [0.3, 0.5], amount: {list(range(150))}}}", 11, "at most 400"),
    ("rate: [0.3, 0.5]}", f"rate: [0.3, 0.5], amount: {list(range(1001))}}}", 11, "4004 combinations"),
    ("option: lift,", "option: 'a b',", 13, "no name"),
    ("option: lift,", "option: baseline,", 13, "changes nothing"),
    ("option: lift,", '"option": "scope=basic,rate=0.3",', 13, "two options have this name"),
    ("{lift: true, rate: 0.3}", "{rate: 0.3}", 13, "same levers as 'scope=basic,rate=0.3'"),
    ("{lift: true, rate: 0.3}", "{}", 13, "same levers as 'baseline'"),
    ("exclude: [{scope: basic, rate: 0.5}]", "exclude: [{lift: true}]", 14, "no combination"),
    ("exclude: [{scope: basic, rate: 0.5}]", "exclude: [{}]", 14, "names no lever"),
    ("{elasticity: {uniform", "{elastic: {uniform", 15, "did you mean 'elasticity'"),
    ("uniform: [-0.6, -0.2]", "uniform: [-1.6, -0.2]", 15, "outside -1..0"),
    ("uniform: [-0.6, -0.2]", "uniform: [-0.2, -0.6]", 15, "ascend"),
    ("uniform: [-0.6, -0.2]", "uniform: [-0.6]", 15, "2 numbers"),
    ("uniform: [-0.6, -0.2]", "fixed: 0.5", 15, "outside"),
    ("uniform: [-0.6, -0.2]", "normal: [-0.4, 0]", 15, "above 0"),
    ("uniform: [-0.6, -0.2]", "low: -2", 15, r"outside -1\.\.0"),
    ("{uniform: [-0.6, -0.2]}", "{}", 15, "write a distribution"),
    ("{uniform: [-0.6, -0.2]}", "{uniform: [-0.6, -0.2], fixed: 0}", 15, "one distribution"),
    ("of: age, cuts: [18, 60]", "of: agee, cuts: [18, 60]", 17, "did you mean 'age'"),
    ("of: age, cuts: [18, 60]", "of: roof, cuts: [18, 60]", 17, "population does not have"),
    ("cuts: [18, 60]", "cuts: [60, 18]", 17, "ascend"),
    ("cuts: [18, 60]", "cuts: [18, 18]", 17, "ascend"),
    ("cuts: [18, 60]", "quantiles: 5, cuts: [18]", 17, "one of them"),
    ("labels: [少, 中, 老]", "labels: [少, 老]", 17, "2 labels; 3"),
    ("labels: [少, 中, 老]", "labels: [少, 少, 老]", 17, "3 different"),
    ("quantiles: 5", "quantiles: 1", 18, "outside"),
    ("{of: district}", "{of: district, cuts: [1]}", 19, "not cut"),
    ("  district: {of: district}", "  all: {of: district}", 19, "taken"),
    ("sum: payment,", "sum: paymnt,", 21, "did you mean 'payment'"),
    (
        "count: household, unit: 亿元",
        "count: household, unit: 亿元/年",
        21,
        "computed in CNY: they do not fit; 元 would",
    ),
    ("sum: payment,", "sum: benefit,", 21, "computed in CNY/year: they do not fit; 元/年 would"),
    ("sum: payment,", "sum: area,", 21, "computed in m2"),
    ("count: household, unit: 亿元", "count: household, unit: 亿圆", 21, "'亿圆' is no unit"),
    ("count: household, unit: 亿元", "count: household, scale: 1.0e-7, unit: 亿元", 21, "1e-08 does"),
    ("count: household, unit: 亿元", "count: building, unit: 亿元", 21, "population has no building"),
    ("count: household, unit: 亿元", "count: district, unit: 亿元", 21, "cannot be counted"),
    ("aim: less, weight: 1}", "weight: 1}", 21, "without an aim"),
    ("aim: less, weight: 1}", "aim: less, weight: -1}", 21, "outside"),
    ("aim: less, weight: 1}", "aim: less, weight: .nan}", 21, "NaN"),
    ("aim: less, weight: 1}", "aim: fewer, weight: 1}", 21, "none of more, less"),
    ("losers: income,", "share: income,", 22, "has none"),
    ("losers: income,", "losers: owner,", 22, "a boolean; a number is wanted"),
    ("losers: income, threshold: 100", "share: income", 22, "a number; a boolean is wanted"),
    ("losers: income, threshold: 100", "losers: income, mean: income", 22, "exactly one of"),
    ("losers: income, threshold: 100", "threshold: 100", 22, "exactly one of"),
    ("threshold: 100", "threshold: -100", 22, "outside"),
    ("line: {share: 0.5}, ", "", 23, "wants 'line'"),
    ("line: {share: 0.5}", "line: {value: 12000, unit: CNY}", 23, "in CNY, what it is held against in CNY/year"),
    ("line: {share: 0.5}", "line: {value: 12000}", 23, "'unit' is missing"),
    ("line: {share: 0.5}", "line: {}", 23, "one of them"),
    ('unit: "%", scale: 100', 'unit: "%", scale: 1', 23, "100 does"),
    ("over: area, ", "", 24, "wants 'over'"),
    (
        "ratio: benefit, over: area, count: household",
        "ratio: tax, over: area, count: household",
        24,
        "below what is counted",
    ),
    ("wait: works,", "wait: work,", 25, "did you mean 'works'"),
    ("order: priority", "order: payment", 27, "of the household; neighbourhoods wait"),
    ("when: feasible", "when: priority", 27, "a boolean is wanted"),
    ("[1.0e+6, 1.0e+6, 5.0e+5]", "[1.0e+6, 1.0e+6]", 27, "2 numbers for 3 years"),
    ("[1.0e+6, 1.0e+6, 5.0e+5]", "[1.0e+6, 1.0e+6, -1]", 27, "outside"),
    ("  unit: 亿元\n", "  unit: 亿元/年\n", 30, "do not fit"),
    ("of: cost, timing: once", "of: cost", 31, "paid annual is in CNY/year"),
    ("of: cost, timing: once", "of: benefit, timing: once", 31, "paid once is in CNY"),
    ("{of: benefit}", "{of: support}", 31, "many shards"),
    ('"cost:city"', '"cost:cit"', 33, "did you mean 'cost:city'"),
    ("grouping: year", "grouping: age", 33, "not by 'age'"),
    ("at_most: 6.0", "at: value", 33, "no bound"),
    ("at_most: 6.0", "at_most: 6.0, at_least: 7", 33, "nothing could meet it"),
    ("at_most: 6.0", "at_most: 6.0, outcome: stop", 33, "none of infeasible, intercept"),
    ('measure: losers, grouping: "*"', "measure: losers, grouping: year", 34, "only costs"),
    ('measure: losers, grouping: "*"', "measure: losers, grouping: ages", 34, "did you mean 'age'"),
    ('measure: losers, grouping: "*"', "measure: paid, grouping: age", 34, "does not split 'paid'"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "says"), WRONG, ids=[f"{c[2]}-{c[1][:40]}" for c in WRONG])
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, right: str, wrong: str, line: int, says: str) -> None:
    assert PLAN.count(right) >= 1
    with pytest.raises(UsageError, match=says) as error:
        load(tmp_path, PLAN.replace(right, wrong, 1))
    assert str(error.value).startswith(f"plan.yaml:{line}:"), str(error.value)


def test_a_grouping_that_splits_nothing_is_an_error(tmp_path: Path) -> None:
    head, tail = PLAN.split("measures:\n")
    kept = "  paid: {sum: payment, count: household}\n"
    text = head + "measures:\n" + kept + tail[tail.index("queues:") : tail.index("constraints:")]
    with pytest.raises(UsageError, match=r"plan.yaml:17: groups.age: it splits no measure"):
        load(tmp_path, text)


def test_a_baseline_in_the_grid_is_not_weighed_twice(tmp_path: Path) -> None:
    plan = load(tmp_path, PLAN.replace("rate: [0.3, 0.5]", "rate: [0.1, 0.3, 0.5]"))
    assert "scope=basic,rate=0.1" not in [option.name for option in plan.options]
    assert "scope=improved,rate=0.1" in [option.name for option in plan.options]


def test_a_plan_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match=r"none.yaml: cannot be read"):
        plans.load(Path("none.yaml"), RULES, COLUMNS, ENTITIES)


def test_everybody_is_no_grouping_of_a_plan(plan) -> None:
    assert ALL not in {grouping.name for grouping in plan.groupings}
