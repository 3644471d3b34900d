"""How well a synthesis met its margins, in words and figures."""

from __future__ import annotations

from schemas.policy import PopulationInfo


def errors(info: PopulationInfo) -> dict[str, tuple[float, float]]:
    """Table -> (total absolute error in households, the same as a share of the households)."""
    sums: dict[str, list[float]] = {}
    for row in info.fit:
        error, total = sums.setdefault(row["table"], [0.0, 0.0])
        sums[row["table"]] = [error + abs(row["got"] - row["wanted"]), total + row["wanted"]]
    return {table: (error, error / total if total else 0.0) for table, (error, total) in sums.items()}


def fit_text(info: PopulationInfo) -> str:
    """Every table with its total absolute error and its worst cells; for a population that was loaded: says so.
    Lines that each end."""
    if not info.fit:
        return f"{info.title}: loaded, not synthesised: there are no margins to compare with\n"
    lines = [f"{info.title}: households wanted and got, by margin (TAE: total absolute error)"]
    for table, (error, share) in errors(info).items():
        rows = [row for row in info.fit if row["table"] == table]
        lines.append(f"{table}: {len(rows)} cells, TAE {error:,.0f} ({share:.2%})")
        for row in sorted(rows, key=lambda row: -abs(row["got"] - row["wanted"]))[:3]:
            lines.append(f"  {row['cell']}: wanted {row['wanted']:,.0f}, got {row['got']:,.0f}")
    return "\n".join(lines) + "\n"
