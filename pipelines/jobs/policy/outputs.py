"""The files of a run: runs.parquet, draws.parquet, report.json, report.html, report.docx; and reading them back.

A folder holds one run. Files are put in place whole, the report last, so that a folder with report.json is complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.jobs.policy.prepared import Prepared
from pipelines.jobs.policy.simulate import DrawValues, Simulated
from schemas.errors import UsageError
from schemas.policy import Result, Simulation
from udfs import policy_report

RUNS, DRAWS, REPORT, STATE = "runs.parquet", "draws.parquet", "report.json", "choice.json"
HTML, DOCX = "report.html", "report.docx"
FILES = (RUNS, DRAWS, STATE, HTML, DOCX, REPORT)

RUNS_SCHEMA = pa.schema([
    ("run", pa.string()), ("option", pa.string()), ("grouping", pa.string()), ("group", pa.string()),
    ("measure", pa.string()), ("unit", pa.string()), ("value", pa.float64()), ("low", pa.float64()),
    ("high", pa.float64()), ("change", pa.float64()), ("change_low", pa.float64()), ("change_high", pa.float64()),
    ("weight", pa.float64()), ("sample", pa.int64()), ("hits", pa.int64()), ("sampling", pa.float64()),
    ("assumptions", pa.float64()),
])  # fmt: skip


class Choice(msgspec.Struct, frozen=True):
    """``choice.json``: what an option was judged by besides the results, to judge it again after a release."""

    outside: dict[str, float]
    person: str
    """Who ran it: somebody else releases."""
    rules: str
    """Folders of rules and population as they were: what may leave the house depends on what a formula sums over."""
    population: str


def choice_of(simulated: Simulated, prepared: Prepared, person: str) -> Choice:
    """What ``choice.json`` says of a run that ``person`` asked for."""
    rules, population = prepared.rules_folder.absolute(), prepared.population.absolute()
    return Choice(dict(simulated.outside), person, str(rules), str(population))


def ready(folder: Path, replace: bool) -> None:
    """Make the folder before the work for it. Raises UsageError: a run lies there and ``replace`` was not asked for."""
    if (folder / REPORT).exists() and not replace:
        raise UsageError(f"--output {folder}: a run lies there; take another folder, or say --replace")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {folder}: cannot be made: {error.strerror}") from None


def empty(folder: Path, replace: bool) -> None:
    """As ``ready``; and whatever run lies there is gone, its report first. Only when there is one to take its place."""
    ready(folder, replace)
    for name in reversed(FILES):
        (folder / name).unlink(missing_ok=True)


def write(folder: Path, simulated: Simulated, choice: Choice) -> None:
    """All files of a run."""
    simulation = simulated.simulation
    columns = {
        name: [getattr(result, name) for result in simulation.results] for name in RUNS_SCHEMA.names if name != "run"
    }
    table = pa.table({"run": [simulation.run] * len(simulation.results), **columns}, schema=RUNS_SCHEMA)
    _put(folder / RUNS, lambda part: pq.write_table(table, part))
    _put(folder / DRAWS, lambda part: pq.write_table(_draws(simulated.draw_values), part))
    _put(folder / STATE, lambda part: part.write_bytes(msgspec.json.encode(choice)))
    report(folder, simulation)


def report(folder: Path, simulation: Simulation) -> None:
    """The three forms of the report, the JSON last."""
    _put(folder / HTML, lambda part: part.write_text(policy_report.html(simulation), encoding="utf-8"))
    _put(folder / DOCX, lambda part: part.write_bytes(policy_report.document(simulation)))
    _put(folder / REPORT, lambda part: part.write_bytes(msgspec.json.format(msgspec.json.encode(spoken(simulation)))))


def spoken(simulation: Simulation) -> dict[str, Any]:
    """``report.json``: what came of the choice first, then everything else but the rows of runs.parquet."""
    ranked = sorted((one for one in simulation.standings if one.rank), key=lambda one: (one.rank, one.option))
    reasons = {
        one.option: [finding.reason for finding in simulation.findings if finding.option == one.option]
        for one in simulation.standings
    }
    states = {
        state: [
            {"option": one.option, "reasons": reasons[one.option]} for one in simulation.standings if one.state == state
        ]
        for state in ("intercepted", "released", "infeasible")
    }
    return {
        "ranking": [{"option": one.option, "rank": one.rank, "score": one.score} for one in ranked],
        "pareto": [one.option for one in simulation.standings if one.pareto],
        **states,
        "simulation": msgspec.structs.replace(simulation, results=()),
    }


def read(folder: Path) -> Simulation:
    """The run of a folder, with the results of runs.parquet (JSON has no word for NaN). Raises UsageError."""
    try:
        body = msgspec.json.decode((folder / REPORT).read_bytes())
        simulation = msgspec.convert(body["simulation"], Simulation)
    except OSError as error:
        raise UsageError(f"{folder}: no run lies there: {REPORT}: {error.strerror}") from None
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / REPORT}: not the report of a run: {type(error).__name__}") from None
    return msgspec.structs.replace(simulation, results=tuple(results_of(folder)))


def read_choice(folder: Path) -> tuple[Choice, DrawValues]:
    """Raises UsageError."""
    try:
        state = msgspec.json.decode((folder / STATE).read_bytes(), type=Choice)
        table = pq.read_table(folder / DRAWS).to_pylist()
    except (OSError, msgspec.DecodeError, pa.ArrowException) as error:
        raise UsageError(
            f"{folder}: {STATE} or {DRAWS} cannot be read ({type(error).__name__}): run it again"
        ) from None
    values: DrawValues = []
    for row in table:
        while len(values) <= row["draw"]:
            values.append({})
        values[row["draw"]].setdefault(row["option"], {})[row["measure"]] = row["value"]
    return state, values


def _draws(values: DrawValues) -> pa.Table:
    rows = [
        (number, option, measure, value)
        for number, options in enumerate(values)
        for option, measures in options.items()
        for measure, value in measures.items()
    ]
    schema = pa.schema([
        ("draw", pa.int32()), ("option", pa.string()), ("measure", pa.string()), ("value", pa.float64()),
    ])  # fmt: skip
    return pa.table([pa.array([row[n] for row in rows], field.type) for n, field in enumerate(schema)], schema=schema)


def _put(path: Path, write: Callable[[Path], object]) -> None:
    part = path.with_name(f".{path.name}.part")
    write(part)
    os.replace(part, path)


def results_of(folder: Path) -> list[Result]:
    """Rows of runs.parquet. Raises UsageError."""
    try:
        rows = pq.read_table(folder / RUNS).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{folder / RUNS}: cannot be read ({type(error).__name__})") from None
    return [Result(**{name: value for name, value in row.items() if name != "run"}) for row in rows]
