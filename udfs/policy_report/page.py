"""The report as one HTML file. All escaping is udfs/brief/markup.py's."""

from __future__ import annotations

from schemas.policy import Simulation
from udfs.brief.markup import Markup, tag
from udfs.policy_report import content, drawing, style
from udfs.policy_report.blocks import Block, Box, Cell, Facts, Figure, Form, Heading, Points, Table, Text
from udfs.policy_report.written import moment

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Should anything of a plan ever get through as an element: no script runs and nothing is fetched."""


def render(simulation: Simulation) -> str:
    """The whole file."""
    plan = simulation.plan
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"政策推演报告：{plan.title}"),
            tag("style", Markup(style.CSS)),
        ),
        tag(
            "body",
            tag(
                "header",
                tag("p", "政策推演报告" + ("　·　方法演示" if simulation.population.demonstration else "")),
                tag("h1", plan.title),
                tag("p", f"{moment(simulation.made_at)}　·　运行 {simulation.run}"),
            ),
            [_block(block) for block in content.made(simulation)],
        ),
        lang="zh-CN",
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _block(block: Block) -> Markup:
    match block:
        case Heading(text, level, page):
            return tag("h2" if level == 1 else "h3", text, class_="page" if page else None)
        case Text(text, kind):
            return tag("p", text, class_=kind or None)
        case Points(items):
            return tag("ul", [tag("li", item) for item in items])
        case Box(title, lines):
            return tag("div", tag("b", title), [tag("p", line) for line in lines], class_="box")
        case Facts(rows):
            return tag(
                "dl",
                [
                    tag("div", tag("dt", asked), tag("dd", tag("b", said), tag("span", about) if about else None))
                    for asked, said, about in rows
                ],
            )
        case Table():
            return _table(block)
        case Figure():
            return tag(
                "figure",
                tag("figcaption", tag("i", block.number), block.title),
                drawing.svg(block.drawing),
                [tag("p", line, class_="note") for line in block.legend],
            )
        case Form():
            return _form(block)


def _table(table: Table) -> Markup:
    whole = sum(table.widths)
    heads = [tag("th", head, class_="n" if n in table.right else None) for n, head in enumerate(table.heads)]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", tag("i", table.number) if table.number else None, table.title),
            tag("colgroup", [tag("col", style=f"width:{100 * width / whole:.1f}%") for width in table.widths]),
            tag("thead", tag("tr", heads)) if any(table.heads) else None,
            tag(
                "tbody",
                [_row(row, table.right) for row in table.rows],
            ),
        ),
        tag("p", table.note, class_="note") if table.note else None,
        class_="table",
    )


def _row(row: tuple[str | Cell, ...], right: frozenset[int]) -> Markup:
    """A row that names a grouping stays with the next one."""
    names = len(row) > 2 and isinstance(row[1], Cell) and row[1].strong and not any(row[2:])
    return tag("tr", [_cell(cell, n in right) for n, cell in enumerate(row)], class_="names" if names else None)


def _cell(cell: str | Cell, right: bool) -> Markup:
    if isinstance(cell, str):
        inside: object = tag("code", cell) if cell.startswith("SELECT ") else cell
        return tag("td", inside, class_="n" if right else None)
    names = " ".join(name for name, on in (("n", right), ("pale", cell.pale)) if on)
    said = tag("b", cell.text) if cell.strong else cell.text
    return tag("td", said, tag("span", cell.below, class_="below") if cell.below else None, class_=names or None)


def _form(form: Form) -> Markup:
    return tag(
        "div",
        tag("h3", form.title),
        tag("p", form.about, class_="note"),
        [
            [tag("p", f"{label}：", class_="blank"), [tag("div", class_="rule") for _ in range(lines)]]
            for label, lines in form.blanks
        ],
        tag("div", [tag("span", f"{who}：") for who in form.signatures], class_="sign"),
        class_="form",
    )
