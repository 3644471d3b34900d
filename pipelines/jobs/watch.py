"""The watch: one process that folds calls for help into episodes and looks for bursts and silence.

    python -m pipelines.jobs.watch --home .yuqing

It also looks at the home's jobs every ten seconds (``pipelines.jobs.health``), in a thread of its own, and serves
metrics where it is given a socket for them. `up` starts it beside the notifier. What it writes the notifier delivers;
it sends nothing itself. Without a snapshot it begins with what was stored in the last two days: an older call is no
longer open for folding.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from pipelines.jobs.bursts import Bursts
from pipelines.jobs.episodes import Episodes
from pipelines.jobs.following import Following, follow, only_one
from pipelines.jobs.health import Sampler
from pipelines.jobs.site import Site
from pipelines.metrics import declared, endpoint
from pipelines.store.sinks import now_ms
from schemas.errors import YuqingError
from schemas.settings import load

NAME = "watch"
BACK_MS = 48 * 3_600_000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.jobs.watch", description="watch over calls for help")
    parser.add_argument("--home", type=Path, default=Path(".yuqing"))
    parser.add_argument("--settings", type=Path, default=None, help="YAML")
    parser.add_argument("--metrics", type=int, metavar="FD", help="a listening socket to serve metrics on")
    options = parser.parse_args(arguments)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    home = options.home.absolute()
    try:
        settings = load(options.settings)
        lock = only_one(home, NAME)
        work = Following(home, NAME, lambda: [Episodes(), Bursts(settings.rules.folders)], now_ms() - BACK_MS)
        # asked for anew at each connection: a restarted server may have moved to another port
        site = Site(home, settings)
        with endpoint.serve(declared.WATCH, options.metrics), Sampler(home, lambda: site.store, stop):
            follow(work, lambda: site.store, stop)
        os.close(lock)
    except YuqingError as error:
        print(f"watch: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
