"""`score`, `mask` and `topics`: the steps of the opinion job as filters over JSON lines; no service is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.main import Context, app

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.engines.job import Job
    from pipelines.jobs.dead_letters import CountedDeadLetters

GROUP = "Filters"
Input = Annotated[str, typer.Option("--input", "-i", help="JSON lines, .gz is read; - is stdin.")]
Output = Annotated[str, typer.Option("--output", "-o", help="JSON lines; - is stdout.")]
DeadLetterFile = Annotated[
    Path | None, typer.Option("--dead-letters", help="File for lines that cannot be processed: number, reason, hash.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 3 when there are dead letters.")]


@app.command(rich_help_panel=GROUP)
def score(
    context: typer.Context,
    source: Input = "-",
    target: Output = "-",
    dead_letters: DeadLetterFile = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each decision rests on.")] = False,
    strict: Strict = False,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, key=value.")] = None,
) -> None:
    """Mask, locate and classify posts; one scored post a line, in input order."""
    from pipelines.jobs import opinion
    from pipelines.jobs.dead_letters import CountedDeadLetters
    from pipelines.jobs.scored import Explainer, scored

    settings: Context = context.obj
    site_settings = settings.settings(overrides)
    writer = CountedDeadLetters(dead_letters)
    job = opinion.score(site_settings, writer)
    explainer = Explainer(job) if explain else None
    shown = _each(lambda batch: scored(batch, explainer))
    _filter(explainer.job if explainer else job, source, target, shown, writer, strict)


@app.command(rich_help_panel=GROUP)
def mask(
    context: typer.Context,
    source: Input = "-",
    target: Output = "-",
    dead_letters: DeadLetterFile = None,
    strict: Strict = False,
) -> None:
    """Mask personal data; `id`, `text` and `pii` a line, in input order."""
    from pipelines.jobs import opinion
    from pipelines.jobs.dead_letters import CountedDeadLetters

    del context
    writer = CountedDeadLetters(dead_letters)
    _filter(opinion.mask(writer), source, target, _each(_masked), writer, strict)


@app.command(rich_help_panel=GROUP)
def topics(
    context: typer.Context,
    source: Input = "-",
    target: Output = "-",
    dead_letters: DeadLetterFile = None,
    strict: Strict = False,
) -> None:
    """Mask posts and group them by what they speak of; `id`, `text`, `pii` and `topic_id` a line, in input order.

    Looks ahead no further than 2,000 posts.
    """
    from pipelines.jobs.dead_letters import CountedDeadLetters
    from pipelines.jobs.topic_filter import job, with_topics

    del context
    writer = CountedDeadLetters(dead_letters)
    _filter(job(writer), source, target, lambda batches: with_topics(batches, _masked), writer, strict)


def _masked(batch: pa.RecordBatch) -> _Rows:
    rows: _Rows = batch.select(["id", "text", "pii"]).to_pylist()
    for row in rows:
        for span in row["pii"]:
            span["score"] = round(span["score"], 4)
    return rows


_Rows = list[dict[str, Any]]
_Shown = Callable[[Iterable["pa.RecordBatch"]], Iterable[_Rows]]
"""Batches to rows as they are written; rows may wait for later batches, their order stays."""


def _each(shown: Callable[[pa.RecordBatch], _Rows]) -> _Shown:
    return lambda batches: map(shown, batches)


def _filter(job: Job, source: str, target: str, shown: _Shown, writer: CountedDeadLetters, strict: bool) -> None:
    """Run `job` over `source`, writing what `shown` makes of it as JSON lines; tell of dead letters on stderr."""
    import msgspec

    from pipelines.engines import inline

    encode = msgspec.json.Encoder().encode
    with opened(target) as output:
        for rows in shown(inline.run(job, _batches(source))):
            output.write(b"".join(encode(row) + b"\n" for row in rows))
            output.flush()
    if writer.count:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in sorted(writer.reasons.items())[:10])
        print(f"{writer.count} dead letters ({reasons})", file=sys.stderr)
        if strict:
            raise typer.Exit(3)


def _batches(source: str) -> Iterator[pa.RecordBatch]:
    from pipelines.feeds import files

    if source == "-":
        yield from files.read_stream(sys.stdin.buffer, "stdin", "-")
        return
    reader = files.FileReader()
    try:
        for split in files.index(Path(source)):
            yield reader.read(split)
    finally:
        reader.close()


@contextmanager
def opened(target: str) -> Iterator[IO[bytes]]:
    """The output; a file appears under its name only when it is complete."""
    if target == "-":
        yield sys.stdout.buffer
        return
    import gzip

    path = Path(target)
    aside = path.with_name(f".{path.name}.part")
    try:
        with gzip.open(aside, "wb") if path.suffix == ".gz" else aside.open("wb") as file:
            yield file  # type: ignore[misc]  # a GzipFile is an IO[bytes] in all that is used of it
        aside.replace(path)
    except OSError as error:
        from schemas.errors import UsageError

        raise UsageError(f"--output {target}: {error.strerror}") from None
    finally:
        aside.unlink(missing_ok=True)
