"""`yuqing feed`: the lines of a source, and what is known of a generated one. For load tests, drills, and a look."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.main import app
from schemas.errors import UsageError

if TYPE_CHECKING:
    from pipelines.feeds.uri import FileSource, FolderSource, GenerateSource

_BATCH = 1024


@app.command(rich_help_panel="Filters")
def feed(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="generate:?posts=N&seed=S (quote it), file:///path or dir:///path.")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where the lines go; - is stdout, .gz is packed.")
    ] = "-",
    truth: Annotated[
        str | None, typer.Option(help="File for what is known of each post of a generated feed, as JSON lines.")
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="The first post.")] = 0,
    posts: Annotated[
        int | None, typer.Option(min=0, help="How many; default: to the end. A feed without end needs it.")
    ] = None,
) -> None:
    """Write the lines of a source as fast as they come; `rate` in the URI is not looked at.

    Line n of --truth is what is known of line n of --output. A folder gives the files that are there now.
    """
    from pipelines.cli.filters import opened
    from pipelines.feeds.uri import FileSource, FolderSource, GenerateSource, parse

    del context
    known = parse(source)
    if isinstance(known, GenerateSource):
        _generated(known, output, truth, first, posts)
        return
    if truth is not None:
        raise UsageError(f"--truth {truth}: only a generated feed has one; leave it out for {source}")
    if not isinstance(known, FileSource | FolderSource):
        raise UsageError(f"{source!r}: only generate:, file:// and dir:// have lines to write; for Kafka use submit")
    with opened(output) as file:
        for lines in _window(_stored(known), first, posts):
            file.write(b"".join(line + b"\n" for line in lines))
        file.flush()


def _generated(source: GenerateSource, output: str, truth: str | None, first: int, posts: int | None) -> None:
    import msgspec

    from pipelines.cli.filters import opened
    from pipelines.feeds.generate import Feed

    if source.posts is None and posts is None:
        raise UsageError("the feed has no end; add --posts N, or posts=N to the source")
    end = source.posts if posts is None else first + posts
    if source.posts is not None:
        end = min(end or 0, source.posts)
    made = Feed(source)
    encode = msgspec.json.Encoder().encode
    with opened(output) as file, opened(truth) if truth else contextlib.nullcontext() as known:
        for at in range(first, end or 0, _BATCH):
            count = min(_BATCH, (end or 0) - at)
            file.write(b"\n".join(made.lines(at, count)) + b"\n")
            if known is not None:
                known.write(b"".join(encode(one) + b"\n" for one in made.truths(at, count)))
        file.flush()


def _stored(source: FileSource | FolderSource) -> Iterator[list[bytes]]:
    from pipelines.feeds import files, folder
    from pipelines.feeds.uri import FileSource

    reader = files.FileReader()
    try:
        if isinstance(source, FileSource):
            splits = files.index(source.path)
        else:
            splits = []
            seen: folder.Seen = {}
            while True:
                new, seen = folder.scan(source.path, seen)
                if not new:
                    break
                splits += new
        for split in splits:
            yield reader.read(split).column("raw").to_pylist()
    finally:
        reader.close()


def _window(batches: Iterator[list[bytes]], first: int, posts: int | None) -> Iterator[list[bytes]]:
    """Lines `first` to `first + posts - 1` of all."""
    at = 0
    end = None if posts is None else first + posts
    for lines in batches:
        if end is not None and at >= end:
            return
        chosen = lines[max(0, first - at) : None if end is None else end - at]
        at += len(lines)
        if chosen:
            yield chosen
