"""Parts 7 and 9: what the report stands on, and how each of its figures is found again."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.policy import Assumption
from udfs.policy_report.blocks import Block, Cell, Figure, Heading, Points, Table, Text
from udfs.policy_report.query import of_run
from udfs.policy_report.view import View
from udfs.policy_report.written import NONE, large, moment, number, percent, unit_word

_CELLS = 12
"""Of a synthesis' fit: those that miss most."""
_DISTRIBUTIONS = {
    "normal": ("正态", ("均值", "标准差")),
    "uniform": ("均匀", ("低", "高")),
    "triangular": ("三角", ("低", "众数", "高")),
    "beta": ("贝塔", ("a", "b")),
    "fixed": ("固定", ()),
}
_ENTITIES = {
    "person": "人",
    "household": "户",
    "unit": "套",
    "building": "栋",
    "neighbourhood": "小区",
    "district": "片区",
}


def stands_on(view: View) -> list[Block]:
    blocks: list[Block] = [Heading("7　数据与规则"), _versions(view), _columns(view)]
    fit = _fit(view)
    blocks += [fit] if fit else []
    if view.plan.assumptions:
        blocks.append(_assumptions(view))
    blocks.append(Heading("出处", 2))
    blocks.append(Points(view.simulation.sources) if view.simulation.sources else Text("规则没有写明出处。"))
    return blocks


def _versions(view: View) -> Table:
    made, plan, people = view.simulation, view.plan, view.simulation.population
    rows: list[tuple[str | Cell, ...]] = [
        ("运行编号", made.run),
        ("生成时间", moment(made.made_at)),
        ("计划", Cell(f"{plan.title}（{plan.file}）", f"SHA-256 {plan.digest}" if plan.digest else "")),
        (
            "规则",
            Cell(f"{made.rules_title}（{plan.rules}），版本 {made.rules_version}", f"SHA-256 {made.rules_digest}"),
        ),
        ("规则与价格按", f"{plan.on} 施行的"),
        ("随机种子", f"{plan.seed}：同样的计划、规则、人口和种子得出同样的数字"),
        ("人口", Cell(f"{people.title}（{people.name}）：{people.source}", f"SHA-256 {people.digest}")),
        ("人口性质", "合成：没有真实的人" if people.synthetic else "真实调查或登记"),
        (
            "规模",
            f"{'，'.join(f'{_ENTITIES.get(k, k)} {large(n)}' for k, n in people.counts.items())}；"
            f"加权 {large(people.weight)} 人；{people.shards} 个分片；最大的户 {people.largest_household} 人",
        ),
        *([("合成的种子", str(people.seed))] if people.synthetic else []),
        ("软件", "；".join(f"{name} {version}" for name, version in made.versions.items()) or NONE),
        ("用时", f"{made.seconds:.1f} 秒" if made.seconds else NONE),
    ]
    if people.demonstration:
        rows.append(("方法演示", people.demonstration))
    return Table("版本", ("", ""), tuple(rows), (34, 148), frozenset(), of_run(view))


def _columns(view: View) -> Table:
    """How many columns of each entity and data class; their titles would fill pages and stand in population.json."""
    found: dict[str, dict[str, int]] = {}
    for one in view.simulation.population.columns:
        classes = found.setdefault(one.entity, {})
        classes[one.data_class] = classes.get(one.data_class, 0) + 1
    rows = tuple(
        (
            _ENTITIES.get(entity, entity),
            str(sum(classes.values())),
            "；".join(f"{name}：{n} 列" for name, n in sorted(classes.items())),
        )
        for entity, classes in found.items()
    )
    return Table(
        "人口数据的列",
        ("对象", "列数", "按数据级别"),
        rows,
        (40, 24, 118),
        frozenset({1}),
        "",
        "每一列的名称、单位和级别见人口文件夹的 population.json。",
    )


def _fit(view: View) -> Table | None:
    cells = view.simulation.population.fit
    known = [
        (str(row.get("table", "")), str(row.get("cell", "")), float(row["wanted"]), float(row["got"]))
        for row in cells
        if isinstance(row.get("wanted"), int | float) and isinstance(row.get("got"), int | float)
    ]
    if not known:
        return None
    missed = sum(abs(got - wanted) for _, _, wanted, got in known)
    whole = sum(abs(wanted) for _, _, wanted, _ in known)
    known.sort(key=lambda one: -abs(one[3] - one[2]))
    rows = tuple(
        (table, cell, large(wanted), large(got), number(got - wanted, 0, sign=True))
        for table, cell, wanted, got in known[:_CELLS]
    )
    share = f"，占 {percent(missed / whole)}" if whole else ""
    return Table(
        "合成人口与边际表的符合",
        ("边际表", "格", "应有", "得到", "差"),
        rows,
        (50, 60, 24, 24, 24),
        frozenset({2, 3, 4}),
        "",
        f"共 {len(known)} 格，差的绝对值合计 {large(missed)}{share}；"
        f"列出差得最多的 {len(rows)} 格，全部见 population.json。",
    )


def _assumptions(view: View) -> Table:
    rows = tuple(
        (one.title, f"{one.central:g} {unit_word(one.unit)}".rstrip(), distribution(one), one.source or NONE)
        for one in view.plan.assumptions
    )
    return Table(
        "假设：不知道的数", ("假设", "中心值", "分布", "出处"), rows, (48, 26, 50, 58), frozenset({1}), of_run(view)
    )


def distribution(one: Assumption) -> str:
    """``正态（均值 -0.4，标准差 0.1），截于 -1 至 0``."""
    title, names = _DISTRIBUTIONS.get(one.distribution, (one.distribution, ()))
    numbers = [f"{name} {value:g}" for name, value in zip(names, one.numbers, strict=False)]
    said = title + (f"（{'，'.join(numbers)}）" if numbers else "")
    if one.distribution == "fixed" or (one.low is None and one.high is None):
        return said
    low = "" if one.low is None else f"{one.low:g}"
    high = "" if one.high is None else f"{one.high:g}"
    return f"{said}，截于 {low} 至 {high}" if low and high else f"{said}，不{'低于 ' + low if low else '高于 ' + high}"


def traced(view: View, blocks: Sequence[Block]) -> list[Block]:
    """Each numbered table and figure of ``blocks`` with its query."""
    rows: list[tuple[str | Cell, ...]] = [
        (one.number, one.title, one.query) for one in blocks if isinstance(one, Table | Figure) and one.query
    ]
    return [
        Heading("9　如何追溯", page=True),
        Text(
            f"每个数字都出自本次运行（{view.simulation.run}）存下的行：一个方案、一个群体、一项指标一行，含区间。"
            "下列查询可用 yuqing sql 再问一次（v_policy_options、v_policy_simulations 同样按运行编号查）；"
            "同样的行也在结果文件夹的 runs.parquet 里，列名相同，不带运行编号的条件即可。"
            f"现状在表中名为 baseline。少于 20 条记录的行在本报告中不显示。"
        ),
        Table("各表各图的查询", ("编号", "内容", "查询"), tuple(rows), (14, 56, 112)),
    ]
