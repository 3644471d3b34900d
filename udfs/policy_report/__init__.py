"""The report of a policy simulation, in Chinese, for whoever decides: one HTML file or one DOCX of the same parts.

    view        a Simulation made ready for asking: results by key, options by number, which ones lead
    opening, compare, groups, doubt, gate, sources, procedure     the parts, as blocks
    sentiment   measured sentiment beside a run, in words; the job asks it
    content     the parts in their order, tables and figures numbered
    charts, drawing     the figures: shapes that become SVG in the page and PNG in the document
    page, paper     the two renderings

Called by the job and the command line. Opens no file, asks no store, knows no clock.
"""

from __future__ import annotations

from schemas.policy import Simulation

__all__ = ["document", "html"]


def html(simulation: Simulation) -> str:
    """One self-contained file: nothing is loaded, nothing runs, it prints on A4 and in grey.

    Every text of the plan, rules and population stands as text. A result of fewer than 20 records is not shown.
    Cost: about 0.1 s at 20 options, below 2 s at 400.
    """
    from udfs.policy_report.page import render

    return render(simulation)


def document(simulation: Simulation) -> bytes:
    """The same as DOCX, figures as PNG whose numbers the tables beside them explain."""
    from udfs.policy_report.paper import render

    return render(simulation)
