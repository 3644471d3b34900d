"""`bench NAME`: the benchmarks that the README quotes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.main import Context, app
from pipelines.cli.output import Format
from pipelines.cli.services import say

bench = typer.Typer(help="Benchmarks: every figure that the README quotes.", no_args_is_help=True)
app.add_typer(bench, name="bench", rich_help_panel="Measure")
How = Annotated[Format, typer.Option("--format", help="table or json")]


@bench.command()
def throughput(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Option(help="A file:// or generate: source; default: a generated feed of --posts.")
    ] = None,
    posts: Annotated[int, typer.Option(min=1_000, help="Posts of the generated feed.")] = 50_000,
    parallelism: Annotated[int | None, typer.Option(min=1)] = None,
    rate: Annotated[float, typer.Option(min=0, help="Posts/s of the steady run; 0 leaves it out.")] = 278,
    seconds: Annotated[int, typer.Option(min=10, help="Length of the steady run.")] = 60,
    how: How = Format.TABLE,
) -> None:
    """The whole opinion job on Flink against the same chain in a loop: posts/s, cost per step, latency, memory."""
    from pipelines.bench import throughput as measure
    from pipelines.cli.jobs import start
    from pipelines.services import control

    settings: Context = context.obj
    control.up(settings.home, say=say, settings=settings.settings_file)
    workers = parallelism or settings.settings().flink.parallelism
    feed = source or f"generate:?posts={posts}&seed=1"
    show(measure.run(settings.home, feed, workers, rate, seconds, start, say), how)


@bench.command()
def accuracy(
    context: typer.Context,
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Labelled JSON lines, .gz is read.")],
    bundle: Annotated[Path | None, typer.Option(help="A model bundle; default: that of the settings.")] = None,
    how: How = Format.TABLE,
) -> None:
    """The model on labelled posts: macro-F1, per class, confusion, calibration, intervals."""
    from udfs.encoder.evaluate import evaluate
    from udfs.encoder.step import Classify

    settings: Context = context.obj
    folder = bundle or settings.settings().model.bundle
    step = Classify(str(folder) if folder else None)
    step.open()
    show({"data": data.name} | dict(evaluate(_rows(data), step)), how)


@bench.command()
def pii(
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="JSON lines with gold spans in `pii`.")],
    how: How = Format.TABLE,
) -> None:
    """Masking on posts with gold spans: per type precision, recall, F1, post-level leak rate; posts per CPU-second."""
    from udfs.pii.evaluate import evaluate
    from udfs.pii.step import Mask

    step = Mask(mask_places=True)
    step.open()
    show({"data": data.name} | evaluate(_rows(data), step), how)


def _rows(path: Path) -> list[dict[str, Any]]:
    import gzip

    import msgspec

    from schemas.errors import UsageError

    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            rows.append(msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.DecodeError:
            raise UsageError(f"--data {path}, line {number}: not a JSON object") from None
    return rows


def show(report: dict[str, Any], how: Format) -> None:
    """Print a nested report: JSON as it is, or a line a figure with its path."""
    if how is Format.JSON:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
        return
    lines = list(_flat(report))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:<{width}}  {value}")


def _flat(value: dict[str, Any], path: str = "") -> Any:
    for name, held in value.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(held, dict):
            yield from _flat(held, here)
        else:
            yield here, f"{held:,.3f}" if isinstance(held, float) else held
