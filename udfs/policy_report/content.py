"""The whole report as blocks, in its order; tables and figures that have a query are numbered."""

from __future__ import annotations

from dataclasses import replace

from schemas.policy import Simulation
from udfs.policy_report import compare, doubt, gate, groups, opening, procedure, sources
from udfs.policy_report.blocks import Block, Figure, Table
from udfs.policy_report.view import View


def made(simulation: Simulation) -> list[Block]:
    view = View(simulation)
    plane, payers = compare.plane(view), compare.payers_table(view)
    front = _numbered(
        [
            *opening.asked(view),
            *opening.answer(view),
            *([plane] if plane else []),
            *compare.side_by_side(view),
            *([payers] if payers else []),
            *groups.section(view),
            *doubt.section(view),
            *gate.section(view),
            *sources.stands_on(view),
        ]
    )
    return [*front, *procedure.section(), *sources.traced(view, front)]


def _numbered(blocks: list[Block]) -> list[Block]:
    """T1, T2, ... and 图 1, 图 2, ..."""
    tables = figures = 0
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, Table) and block.query:
            tables += 1
            block = replace(block, number=f"T{tables}")
        elif isinstance(block, Figure):
            figures += 1
            block = replace(block, number=f"图 {figures}")
        found.append(block)
    return found
