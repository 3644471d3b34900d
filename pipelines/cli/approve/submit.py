"""`submit approval`: the Beam job over a folder of applications, on this machine or on the Flink cluster."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipelines.cli.asking import allowed
from pipelines.cli.main import Context
from pipelines.cli.services import say

if TYPE_CHECKING:
    from schemas.settings import Settings

LOCAL = "local"


def submit(
    context: typer.Context,
    settings: Settings,
    source: str,
    target: str,
    engine: str | None,
    parallelism: int | None,
    overrides: Sequence[str],
    *,
    dry_run: bool,
    token_file: Path | None,
) -> None:
    """Decide on what is still to be decided under ``source``, into the store. Raises UsageError."""
    from pipelines.engines.elements import run_elements
    from pipelines.engines.work import ELEMENTS
    from pipelines.feeds.uri import FolderSource, parse
    from pipelines.jobs.approval import LAWFUL_BASIS, NAME, PURPOSE
    from pipelines.jobs.approval.approver import Approver
    from pipelines.jobs.approval.stored import DecideFolder, elements
    from pipelines.jobs.run import new_run
    from pipelines.jobs.site import Site
    from pipelines.jobs.traced import spanned
    from schemas.errors import UsageError

    if engine not in (None, "beam"):
        raise UsageError(f"--engine {engine!r}: approval is a Beam job; leave --engine out, or say beam")
    feed = parse(source)
    if not isinstance(feed, FolderSource):
        raise UsageError(f"--source {source!r}: approval takes a folder of applications, dir:///path")
    home = context.obj.home
    if dry_run:
        words = ["submit", NAME, "--source", source, "--target", target, "--engine", "beam"]
        print(shlex.join([sys.argv[0], "--home", str(home), *words]))
        return
    given: Context = context.obj
    run = new_run(NAME)
    person = allowed(context, "job.operate", f"run {run}", token_file, settings=settings)
    site = Site(given.home, settings, run=run)
    workers = parallelism or settings.flink.parallelism
    work = DecideFolder(given.home, given.settings_file, [*given.overrides, *overrides], run, person.name)
    detail = {
        "job": NAME, "source": source[:500], "target": target, "engine": "beam", "purpose": PURPOSE,
        "lawful_basis": LAWFUL_BASIS,
    }  # fmt: skip
    with spanned(given.home, person.name, f"run {run}", detail) as ended:
        trial = copy(work)  # Beam pickles one that was never opened
        trial.open()  # what every worker would fail at is told here
        trial.close()
        with Approver(settings, b"") as approver:  # for fingerprints only: it decides on nothing
            due, unchanged = elements(site, feed.path, approver)
        began = time.monotonic()
        runner = "direct" if target == LOCAL else target
        counted = run_elements(NAME, due, work, runner=runner, parallelism=workers, home=given.home)
        ended({**counted, "unchanged": unchanged})
    say(
        f"{counted.get(ELEMENTS, 0)} applications in {time.monotonic() - began:.1f} s with start-up: "
        f"{counted.get('approve', 0)} approved, {counted.get('refer', 0)} referred to a person, "
        f"{counted.get('propose_reject', 0)} proposed to be rejected; {unchanged} decided before"
    )
