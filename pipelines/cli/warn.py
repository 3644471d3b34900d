"""`forecast`: early warning from the posts a week of each theme and district."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import TokenFile, allowed, now_ms
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from udfs.forecast.outlook import Outlook
    from udfs.forecast.weeks import Panel

COLUMNS = ("warning", "theme", "district", "week", "days", "observed", "expected", "upper95", "next", "model")
STORE = "store"


@app.command(rich_help_panel="Store")
def forecast(
    context: typer.Context,
    source: Annotated[
        str, typer.Option(help="store, or JSON lines of messages (.gz is read, a folder is all its files).")
    ] = STORE,
    theme_field: Annotated[str | None, typer.Option(help="Field with the theme; without it words of the text.")] = None,
    themes: Annotated[Path | None, typer.Option(help="YAML of themes and their words; default: the shipped.")] = None,
    district_field: Annotated[str | None, typer.Option(help="Field with the district.")] = None,
    district_pattern: Annotated[
        list[str] | None, typer.Option(help="Regular expression; its first match is the district. Can be repeated.")
    ] = None,
    districts: Annotated[
        bool, typer.Option("--districts/--no-districts", help="Else: counties and cities that the text names.")
    ] = True,
    time_field: Annotated[str | None, typer.Option(help="Field with the time; default created_at, time or date.")] = (
        None
    ),
    distinct_field: Annotated[
        str | None, typer.Option(help="A value of this field counts once a week, as on a list that is read hourly.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day of the file to count, like 2026-06-28.")] = None,
    level: Annotated[int, typer.Option(help="Band that a warning leaves upwards: 80 or 95.")] = 95,
    minimum: Annotated[int, typer.Option(min=1, help="Posts a week below which nothing is a warning.")] = 10,
    most: Annotated[int, typer.Option(min=1, help="Series to forecast, the largest; some .8 s each.")] = 200,
    warnings_only: Annotated[bool, typer.Option("--warnings", help="Only series with a warning.")] = False,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write every forecast to this .json file too.")
    ] = None,
    how: Annotated[Format, typer.Option("--format", help="table or json (every forecast a line)")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """Forecast posts a week by theme and district; warn where a week leaves its band. docs/early-warning.md has what
    this is worth. From the store, forecasts are written to the table `forecasts`."""
    from pipelines.jobs import forecasts
    from schemas.errors import UsageError
    from udfs.forecast.backtest import LEVELS
    from udfs.forecast.outlook import outlooks

    if level not in LEVELS:
        raise UsageError(f"--level {level}: there are bands of {' and '.join(map(str, LEVELS))} percent")
    if source == STORE:
        found = _from_store(context, level, minimum, most, token_file)
    else:
        history = forecasts.FileHistory(
            Path(source),
            theme_field=theme_field,
            themes=themes,
            district_field=district_field,
            district_patterns=tuple(district_pattern or ()),
            districts=districts,
            time_field=time_field,
            distinct_field=distinct_field,
            until=_day(until),
        )
        panel, read = forecasts.from_file(history, most=most)
        _tell(panel, read.records, read.undated, read.repeated)
        forecasts.enough(panel)
        found = list(outlooks(panel, level=level, minimum=minimum))
    if target:
        _write(found, target)
    shown = _warned(found) if warnings_only else found
    if how is Format.JSON:
        listing([_plain(one) for one in shown], how)
    else:
        listing(_rows(shown, named=source == STORE), how, COLUMNS)


def _from_store(
    context: typer.Context, level: int, minimum: int, most: int, token_file: Path | None
) -> Sequence[Outlook]:
    from pipelines.jobs import forecasts, traced
    from pipelines.jobs.site import Site
    from pipelines.store.client import connect

    settings: Context = context.obj
    person = allowed(context, "job.operate", "forecast", token_file)
    site = Site(settings.home, settings.settings())
    with connect(site.store) as client:
        traced.note(settings.home, person.name, "forecast", "weekly counts")
        return forecasts.forecast_store(client, now_ms(), level, minimum, most)


def _tell(panel: Panel, records: int, undated: int, repeated: int) -> None:
    holes = [panel.monday(week).isoformat() for week in range(panel.weeks) if panel.holes[week]]
    say(
        f"{records:,} records ({undated} without a date, {repeated} repeated), {panel.weeks} whole weeks from "
        f"{panel.first}, {len(panel.series)} series"
        + (f"; the feed stood still in the weeks of {', '.join(holes)}" if holes else "")
    )


def _warned(found: Sequence[Outlook]) -> list[Outlook]:
    """Warnings with the forecasts that follow them, which the table shows beside."""
    keys = {(one.theme, one.district) for one in found if one.warning}
    return [one for one in found if (one.theme, one.district) in keys]


def _rows(found: Sequence[Outlook], named: bool) -> list[dict[str, Any]]:
    """A line for the last whole week of a series, one for the running week; warnings first, then large series."""
    from pipelines.jobs.forecasts import district_name

    ahead: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.observed is None:
            ahead.setdefault((one.theme, one.district), []).append(f"{one.expected:.0f}")
    rows = []
    for one in found:
        if one.observed is None:
            continue
        district = district_name(one.district) if named and one.district else one.district
        rows.append(
            {
                "warning": "!" if one.warning else "",
                "theme": one.theme or "(all)",
                "district": district or "(all)",
                "week": one.week.isoformat(),
                "days": f"{one.days} of 7",
                "observed": one.observed,
                "expected": f"{one.expected:.1f}",
                "upper95": f"{one.upper95:.1f}",
                "next": " ".join(ahead.get((one.theme, one.district), [])),
                "model": one.model,
            }
        )
    return sorted(rows, key=lambda row: row["warning"] == "")


def _plain(one: Outlook) -> dict[str, Any]:
    row = asdict(one) | {"week": one.week.isoformat()}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}


def _write(found: Sequence[Outlook], target: Path) -> None:
    import msgspec

    from schemas.errors import UsageError

    text = msgspec.json.format(msgspec.json.encode({"forecasts": [_plain(one) for one in found]}))
    aside = target.with_name(f".{target.name}.part")
    try:
        aside.write_bytes(text + b"\n")
        aside.replace(target)
    except OSError as error:
        raise UsageError(f"--output {target}: {error.strerror}") from None
    finally:
        aside.unlink(missing_ok=True)


def _day(value: str | None) -> date | None:
    from datetime import date

    from schemas.errors import UsageError

    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UsageError(f"--until {value!r}: write a day like 2026-06-28") from None
