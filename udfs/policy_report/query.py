"""Where each figure comes from, as a query over analysts' views that can be asked again."""

from __future__ import annotations

from collections.abc import Sequence

from udfs.policy_report.view import View


def quoted(text: str) -> str:
    """A text of SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def of_results(view: View, measures: Sequence[str], grouping: str = "all") -> str:
    """Rows of ``v_policy_results``: those of runs.parquet, small groups left out. ``grouping``: a name, ``all``,
    ``year``, or ``*`` for all and years, or ``groups`` for every grouping."""
    names = ", ".join(quoted(name) for name in dict.fromkeys(measures))
    split = {
        "*": "grouping IN ('all', 'year')",
        "groups": "grouping NOT IN ('all', 'year')",
    }.get(grouping, f"grouping = {quoted(grouping)}")
    return _select("v_policy_results", view, f" AND measure IN ({names}) AND {split}", "number")


def of_options(view: View) -> str:
    """Rows of ``v_policy_options``: state, rank and findings of each option."""
    return _select("v_policy_options", view, "", "rank, option")


def of_run(view: View) -> str:
    """The run's own row."""
    return _select("v_policy_simulations", view, "", "")


def _select(table: str, view: View, more: str, order: str) -> str:
    """Text to be read and asked by a person; nothing here asks it."""
    said = " ".join(["SELECT * FROM", table, "WHERE run =", quoted(view.simulation.run)]) + more
    return f"{said} ORDER BY {order}" if order else said
