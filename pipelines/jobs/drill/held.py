"""A drill that was held: its truth and what its store holds become the score sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pipelines.feeds import generate
from pipelines.feeds.uri import GenerateSource, parse
from pipelines.jobs.drill import place, score, sheet
from pipelines.jobs.site import Site
from pipelines.store import drill as stored
from schemas import settings


def scored(home: Path, run: place.Run) -> tuple[dict[str, Any], dict[str, Path]]:
    """The sheet as plain values, and the files it was written to by suffix (.json, .html), beside run.json.

    Raises StoreUnavailable when the drill's store is down. Cost: the truth of every post, some 20 us each.
    """
    source = parse(run.source)
    assert isinstance(source, GenerateSource)  # noqa: S101 - a drill plays no other
    rows = stored.seen(Site(home, settings.load(home / place.SETTINGS)).store, f"g{source.seed}-")
    seen = score.Seen(
        handed_ms=dict(rows["posts"]),
        hits=[score.Hit(*row) for row in rows["hits"]],
        told_ms=dict(rows["told"]),
        episode_of=dict(rows["episodes"]),
        acts=[score.Act(*row) for row in rows["acts"] if row[2] >= run.began_ms],
    )
    truths = (generate.truth(source, index) for index in range(source.posts or 0))
    result = {"run": msgspec.to_builtins(run)} | score.score(truths, seen)
    folder = run.save(home)
    files = {suffix: folder / f"sheet{suffix}" for suffix in (".json", ".html")}
    files[".json"].write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    files[".html"].write_text(sheet.render(run, result), "utf-8")
    return result, files
