"""The page: what a decision maker must find, what must not be shown, what a plan's text must never be able to do."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from schemas.policy import Finding, Release, Result, Simulation, Standing
from tests.udfs.brief.test_html import HOSTILE
from tests.udfs.brief.test_html import Reading as Elements
from tests.udfs.policy_report import made_up
from udfs.brief.markup import plain
from udfs.policy_report import content, html, view
from udfs.policy_report.blocks import Cell, Figure, Table
from udfs.policy_report.drawing import Label, wide

replace = msgspec.structs.replace
PARTS = (
    "1　问的是什么", "2　一页结论", "3　方案并排", "4　谁得益谁受损", "5　有多不确定", "6　拦截与不可行",
    "7　数据与规则", "8　重大行政决策程序", "9　如何追溯",
)  # fmt: skip


def few(options: int = 3, **more: Any) -> Simulation:
    """As the whole one, of the baseline and some options: fast to draw."""
    made = made_up.plan(options=made_up.options()[: options + 1])
    names = [one.name for one in made.options]
    standings = tuple(
        Standing(name, "open", 0.9 - 0.1 * n, n + 1, n == 0, 0.7 if n == 0 else 0.1, (1, 2))
        for n, name in enumerate([*names[1:], names[0]])
    )  # fmt: skip
    base = made_up.simulation(made, standings=standings, findings=(), releases=(), indices=())
    return replace(base, **more)


def table(simulation: Simulation, title: str) -> Table:
    """The table whose title begins so."""
    return next(one for one in content.made(simulation) if isinstance(one, Table) and one.title.startswith(title))


def texts(row: tuple[str | Cell, ...]) -> list[str]:
    return [cell if isinstance(cell, str) else cell.text + cell.below for cell in row]


@pytest.fixture(scope="module")
def whole() -> Simulation:
    return made_up.simulation()


@pytest.fixture(scope="module")
def page(whole) -> Elements:
    return Elements(html(whole))


def test_parts_stand_in_order(page):
    assert page.open == []
    heads = [word for word in page.words if word in PARTS]
    assert heads == list(PARTS)


def test_nothing_is_loaded_and_nothing_runs(page, whole):
    names = {name for name, _ in page.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"}
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on") or a in ("src", "href")]
    assert "url(" not in html(whole)
    assert "@import" not in html(whole)
    policy = next(a["content"] for n, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize(
    "words",
    [
        "三年内以六亿元财政资金，先改哪些内容、补贴多少，才不让困难群体吃亏？", "方法演示", "没有一个真实的小区",
        "2026—2028 年", "推演不作决定", "实测舆情没有参与推演",
        "方案 12（完善类，补贴比例 0.7）", "61.3% 的情形下排第一", "第 1—3 名",
        "13 个可选，1 个曾被拦截、已放行，2 个被拦截，4 个不可行",
        "被拦截：方案 18、方案 19", "中央补助", "同意的比例 53.0%，低于法定的 66.7%", "补贴比例 0.8 超出试点数据的范围",
        "王主任", "超出部分已列入 2028 年预算", "E-000042", "2026-07-02 01:12:00 UTC",
        "贝塔（a 14，b 6），截于 0.3 至 0.95", "正态（均值 2.5，标准差 0.8），不低于 0", "本地 2024 年试点，126 户",
        "国办发〔2020〕23号", "fedcba9876543210" * 4, "numpy 2.1.3", "国务院令第 713 号",
        "（一）公众参与", "（二）专家论证", "（三）风险评估", "（四）合法性审查", "（五）集体讨论决定",
        "v_policy_results WHERE run = '20260701-a1b2c3'", "runs.parquet",
    ],
)  # fmt: skip
def test_what_must_be_found(page, words):
    assert words in page.text


def test_forms_are_blank_and_in_the_order_of_the_decree(page):
    order = [page.text.index(name) for name in ("（一）公众", "（二）专家", "（三）风险", "（四）合法", "（五）集体")]
    assert order == sorted(order)
    assert sum(attributes.get("class") == "rule" for _, attributes in page.elements) == 9 + 7 + 7 + 5 + 7


def test_figures_are_those_of_the_results(whole):
    """Every cell of the first table of measures, against the results."""
    made = table(whole, "各方案的满意度指数")
    results = {(one.option, one.measure): one for one in whole.results if one.grouping == "all"}
    numbers = {str(n) if n else "现状": option.name for n, option in enumerate(whole.plan.options)}
    assert len(made.rows) == 21
    for row in made.rows:
        for cell, measure, places in zip(row[2:], ("satisfaction", "worse_off", "better_off", "resident"), (2, 1, 1, 2),
                                         strict=True):  # fmt: skip
            one = results[numbers[str(row[0])], measure]
            assert isinstance(cell, Cell)
            assert cell.text.lstrip("▲▽ ") == f"{one.value:.{places}f}".replace("-", "\u2212")
            if one.low != one.high:
                assert f"{one.low:.{places}f}" in cell.below.replace("\u2212", "-")
                assert f"{one.high:.{places}f}" in cell.below.replace("\u2212", "-")


def test_best_and_worst_are_signs_and_follow_the_aim(whole):
    made = table(whole, "各方案的满意度指数")
    found = {n: [(str(row[0]), row[n].text) for row in made.rows if row[n].text[0] in "▲▽"] for n in (2, 3)}
    ranked = [row for row in made.rows if str(row[0]) not in ("现状", "1", "2", "3", "4", "18", "19")]
    value = {(str(row[0]), n): float(row[n].text.lstrip("▲▽ ")) for row in ranked for n in (2, 3)}
    best_more = next(number for number, text in found[2] if text[0] == "▲")
    best_less = next(number for number, text in found[3] if text[0] == "▲")
    assert value[best_more, 2] == max(v for (_, n), v in value.items() if n == 2)
    assert value[best_less, 3] == min(v for (_, n), v in value.items() if n == 3)


def test_a_small_group_is_never_told(whole):
    """Its figures are made to be recognised: they may stand nowhere, neither in a table nor in a drawing."""
    rows = tuple(
        replace(one, value=77.7, low=66.6, high=88.8, change=77.7, change_low=66.6, change_high=88.8)
        if (one.grouping, one.group) == made_up.SMALL else one for one in whole.results
    )  # fmt: skip
    hidden = replace(whole, results=rows)
    assert not [word for word in ("77.7", "66.6", "88.8") if word in Elements(html(hidden)).text]
    row = next(row for row in table(hidden, "受损人口比例").rows if "残疾人家庭" in texts(row))
    assert texts(row)[2:] == ["少于 20 条", *["样本不足"] * 4]
    # with records enough the same figures would be there: the test can fail
    shown = replace(hidden, results=tuple(replace(one, sample=20) if one.sample < 20 else one for one in rows))
    assert "77.7" in Elements(html(shown)).text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_text_wherever_it_comes_from(text, page):
    base = few()
    first = base.plan.options[1].name
    hostile = replace(
        base,
        run=text, made_at=text, rules_title=text, rules_version=text, sources=(text,), sentiment=text,
        versions={text: text}, group_labels={"age": (text, "18—59 岁")},
        levers={"scope": {"title": text, "unit": text, "titles": {"basic": text}}},
        plan=replace(
            base.plan, title=text, question=text, note=text, file=text,
            options=tuple(replace(one, title=text) for one in base.plan.options),
            measures=tuple(replace(one, title=text) for one in base.plan.measures),
            groupings=tuple(replace(one, title=text) for one in base.plan.groupings),
            payers=tuple(replace(one, title=text) for one in base.plan.payers),
            assumptions=tuple(replace(one, title=text, source=text) for one in base.plan.assumptions),
        ),
        population=replace(base.population, title=text, source=text, demonstration=text, fit=(
            {"table": text, "cell": text, "wanted": 1.0, "got": 2.0},)),
        results=tuple(replace(one, group=text) if one.group == "0—17 岁" else one for one in base.results),
        findings=(Finding(first, text, "warn", text),),
        releases=(Release(first, text, text, text, text),),
    )  # fmt: skip
    made = Elements(html(hostile))
    assert made.open == []
    assert {name for name, _ in made.elements} <= {name for name, _ in page.elements}
    assert not [name for _, attributes in made.elements for name in attributes if name.startswith("on")]
    assert plain(text) in made.text


def _none(one: Result) -> Result:
    nan = math.nan
    return replace(one, value=nan, low=nan, high=nan, change=nan, change_low=nan, change_high=nan, weight=0.0, sample=0)


def _states(base: Simulation, state: str) -> Simulation:
    """The baseline alone is ranked."""
    return replace(base, standings=tuple(
        Standing(one.option, "open", 0.5, 1, True, 1.0, (1, 1)) if one.option == "baseline" else
        Standing(one.option, state) for one in base.standings
    ))  # fmt: skip


def _baseline_first(base: Simulation) -> Simulation:
    order = ["baseline", *(one.name for one in base.plan.options[1:])]
    return replace(base, standings=tuple(
        Standing(name, "open", 0.5, n + 1, n == 0, 0.9 if n == 0 else 0.0, (n + 1, n + 1))
        for n, name in enumerate(order)
    ))  # fmt: skip


def _tie(base: Simulation) -> Simulation:
    return replace(base, standings=tuple(replace(one, rank=1 if one.rank <= 2 else one.rank) for one in base.standings))


def _many() -> Simulation:
    first = made_up.options()
    more = [replace(first[1], name=f"option{n}", title=f"第 {n} 个很长的名称" + "长" * 50) for n in range(1, 401)]
    made = made_up.plan(options=(first[0], *more), groupings=(), measures=made_up.MEASURES[:3])
    ranks = tuple(Standing(one.name, "open", 1 - n / 500, n + 1, n < 9, 0.1, (max(1, n), n + 3))
                  for n, one in enumerate([*more, first[0]]))  # fmt: skip
    return made_up.simulation(made, standings=ranks, findings=tuple(
        Finding(one.name, "constraint:x", "warn", "区间触线", value=1.0, bound=2.0) for one in more))  # fmt: skip


def _plan(base: Simulation, **more: Any) -> Simulation:
    return replace(base, plan=replace(base.plan, **more))


CASES = {
    "one option": (lambda: few(1), ["方案 1（基础类，补贴比例 0.3）", "1 个，另有现状作对照"]),
    "400 options": (_many, [
        "共 401 个方案，各表列出排在前面的 60 个", "超过 40 个方案时只标出", "共 400 条，只列出最重的 120 条"]),
    "no draws": (lambda: replace(_plan(few(), draws=0), standings=tuple(
        replace(one, first_share=0.0, ranks=(0, 0)) for one in few().standings)), ["没有对假设抽样，不能说明把握"]),
    "all assumptions fixed": (
        lambda: _plan(
            few(), assumptions=tuple(replace(one, distribution="fixed") for one in made_up.plan().assumptions)
        ),
        ["没有对假设抽样：区间只含人口抽样的不确定"],
    ),
    "no payers": (lambda: replace(_plan(few(), payers=()), results=tuple(
        one for one in few().results if not one.measure.startswith("cost"))), ["计划没有写明谁出资"]),
    "nothing but NaN": (lambda: replace(few(), results=tuple(_none(one) for one in few().results)), ["—"]),
    "no results": (lambda: replace(few(), results=()), ["没有按群体计算的指标"]),
    "no groupings": (lambda: replace(_plan(few(), groupings=()), results=tuple(
        one for one in few().results if one.grouping in ("all", "year"))), ["没有按群体计算的指标"]),
    "no aims": (lambda: _plan(few(), measures=tuple(replace(one, aim="", weight=0.0) for one in made_up.MEASURES)),
                ["只列出，不参与排序"]),
    "no measures": (lambda: _plan(few(), measures=()), ["一页结论"]),
    "no standings": (lambda: replace(few(), standings=()), ["没有可供选择的方案", "除现状外没有参与排序的方案"]),
    "all intercepted": (lambda: _states(few(), "intercepted"), ["没有可供选择的方案", "3 个方案全部被拦截",
                                                                "没有方案参与排序，这里列出计划中在前的方案",
                                                                "计划中在前的方案的区间从哪里来"]),
    "all infeasible": (lambda: _states(few(), "infeasible"), ["没有可供选择的方案", "3 个方案全部不可行"]),
    "baseline first": (lambda: _baseline_first(few()), ["没有方案好于现状", "排在第一现状"]),
    "a tie": (lambda: _tie(few()), ["并列第一方案 1（基础类，补贴比例 0.3）、方案 2（基础类，补贴比例 0.4）"]),
    "first released": (lambda: replace(few(), standings=(replace(few().standings[0], state="released"),
                                                         *few().standings[1:])), ["这个方案曾被拦截，经人放行"]),
    "no sentiment": (few, ["实测舆情没有参与推演：发帖的人不等于居民。"]),
    "sentiment": (lambda: replace(few(), sentiment="没有参与排序。\n作用系数取 0.5。\n名次都不变。"),
                  ["没有参与排序。", "作用系数取 0.5。", "名次都不变。"]),
    "no demonstration": (lambda: replace(few(), population=made_up.population(demonstration="", synthetic=False)),
                         ["真实调查或登记"]),
    "one year": (lambda: _plan(few(), years=(2026,)), ["2026 年共"]),
    "an option nobody knows": (lambda: replace(few(), standings=(*few().standings, Standing("other", "intercepted")),
                               findings=(Finding("other", "x", "intercept", "原因"),)), ["other"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_whatever_the_run_it_draws(name):
    build, expected = CASES[name]
    made = Elements(html(build()))
    assert made.open == []
    assert [word for word in made.words if word in PARTS] == list(PARTS)
    for words in expected:
        assert words in made.text, words
    assert "nan" not in made.text.lower()
    assert "inf" not in made.text.lower().replace("info", "")


@pytest.mark.parametrize(
    ("title", "rows"), [("各方案的状态与名次", 60), ("各方案的满意度指数", 60), ("每个方案触及了什么", 120)]
)
def test_tables_end_somewhere(title, rows):
    assert len(table(_many(), title).rows) == rows


def test_who_is_first_more_often_is_said():
    base = few()
    ranks = (replace(base.standings[0], first_share=0.2), replace(base.standings[1], first_share=0.75))
    text = Elements(html(replace(base, standings=(*ranks, *base.standings[2:])))).text
    assert "更常排第一的是方案 2（基础类，补贴比例 0.4），占 75.0%" in text
    assert "更常排第一的是" not in Elements(html(base)).text


def test_groups_that_touch_one_bound_are_one_row_led_by_the_worst():
    base = few()
    name = base.plan.options[1].name
    found = tuple(
        Finding(name, "constraint:x", "intercept", f"{group}触线", "worse_off", "age", group, value, 10.0)
        for group, value in (("0—17 岁", 11.0), ("18—59 岁", 30.0), ("60—79 岁", 12.0))
    )
    (row,) = table(replace(base, findings=found), "每个方案触及了什么").rows
    assert texts(row)[2:] == [
        "18—59 岁触线同样触线的另有 2 个群体：年龄·60—79 岁 12.0、年龄·0—17 岁 11.0；constraint:x", "30.0", "10.0",
    ]  # fmt: skip


def test_a_table_of_zeros_is_a_sentence():
    base = few()
    zero = tuple(
        replace(one, value=0.0, low=0.0, high=0.0) if one.measure == "worse_off" and one.grouping != "all" else one
        for one in base.results
    )
    large = tuple(replace(one, sample=max(one.sample, 50)) for one in zero)
    said = "受损人口比例：所列方案在各群体都是零"
    assert said in Elements(html(replace(base, results=large))).text
    assert said not in Elements(html(replace(base, results=zero))).text  # a group is withheld: zero is not known
    assert said not in Elements(html(base)).text


@pytest.mark.parametrize(("measures", "columns"), [(1, [1]), (4, [4]), (5, [2, 3]), (9, [3, 3, 3])])
def test_blocks_of_measures_are_even(measures, columns):
    made = content.made(_plan(few(), measures=made_up.MEASURES[:measures]))
    blocks = [
        one for one in made if isinstance(one, Table) and one.heads[:2] == ("编号", "方案") and "状态" not in one.heads
    ]
    assert [len(one.heads) - 2 for one in blocks] == columns


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("基础类，补贴比例 0.3", "加装电梯 否"),
        ("基础类，补贴 30%，加装电梯 否", ""),
        ("一号", "改造内容 基础类；补贴比例 0.3；加装电梯 否"),
    ],
)
def test_levers_that_a_title_does_not_say(title, expected):
    base = few(1)
    options = (base.plan.options[0], replace(base.plan.options[1], title=title))
    rows = table(_plan(base, options=options), "各方案的状态与名次").rows
    assert rows[0][1] == Cell(title, expected, strong=True)


def test_without_a_demonstration_nobody_reads_of_one():
    made = replace(few(), population=made_up.population(demonstration=""))
    assert "方法演示" not in html(made)
    assert "方法演示" in html(few())


@pytest.mark.parametrize("name", ["one option", "400 options", "nothing but NaN", "a tie", "one year"])
def test_labels_stay_inside_their_drawing(name):
    drawn = [one for one in content.made(CASES[name][0]()) if isinstance(one, Figure)]
    for figure in drawn:
        for shape in figure.drawing.shapes:
            if isinstance(shape, Label):
                long = wide(shape.text)
                left = shape.x - {"start": 0.0, "middle": long / 2, "end": long}[shape.anchor]
                assert -1 <= left <= figure.drawing.width + 8 - long, (figure.title, shape)
                assert 8 <= shape.y <= figure.drawing.height, (figure.title, shape)


def test_each_number_has_a_query_and_each_query_stands_in_the_last_table(whole):
    blocks = content.made(whole)
    numbered = [one for one in blocks if isinstance(one, Table | Figure) and one.number]
    assert [one.number for one in numbered if isinstance(one, Table)] == [f"T{n}" for n in range(1, 15)]
    assert [one.number for one in numbered if isinstance(one, Figure)] == [f"图 {n}" for n in range(1, 8)]
    last = blocks[-1]
    assert isinstance(last, Table)
    assert [row[0] for row in last.rows] == [one.number for one in numbered]
    assert all("WHERE run = '20260701-a1b2c3'" in str(row[2]) for row in last.rows)


def test_a_query_cannot_be_left_by_a_name():
    made = replace(few(), run="a' OR 1=1 --\\")
    assert "run = 'a\\' OR 1=1 --\\\\'" in Elements(html(made)).text


def test_who_is_not_ranked_and_why_stands_under_the_table_of_ranks():
    """现状 waits for nothing, so it has no waiting time: it is compared with nobody, and whoever reads must know."""
    made = few()
    weighed = [one.name for one in made.plan.measures if one.weight]
    last = tuple(Standing(one.option, "open") if one.option == "baseline" else one for one in made.standings)
    gone = Finding("baseline", f"missing:{weighed[0]}", "warn", "没有可用的数值", weighed[0])
    title = next(one.title for one in made.plan.measures if one.name == weighed[0])
    said = table(replace(made, standings=last, findings=(gone,)), "各方案的状态").note
    assert f"现状没有名次：{title}没有数值" in said
    assert "没有名次" not in table(made, "各方案的状态").note


@pytest.mark.parametrize(
    ("sample", "grouping", "wanted"), [(0, "all", "—"), (7, "all", "样本不足"), (0, "age", "样本不足")]
)
def test_a_figure_about_nobody_is_no_small_sample(sample, grouping, wanted):
    row = replace(made_up.simulation().results[0], value=math.nan, sample=sample, grouping=grouping)
    assert view.said(row, 1) == (wanted, "")


def test_assumptions_that_move_nothing_are_counted_and_a_lead_without_indices_is_explained(whole):
    still = tuple(replace(one, total=0.001) if one.assumption == "noise" else one for one in whole.indices)
    shown = table(replace(whole, indices=still), "Sobol' 指数")
    assert len(shown.rows) == len(still) - 2
    assert "其余 2 个" in shown.note
    said = "领先的敏感性没有算出"
    assert said not in html(whole)
    assert said in html(replace(whole, indices=tuple(one for one in still if one.target != "lead")))
