"""`python -m loadtest.faults`: run the table, print what came of it; exit code 1 when something did not hold."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from loadtest.faults import report
from loadtest.faults.run import SHORT, Campaign, Size
from loadtest.faults.table import choose, load
from schemas.errors import UsageError


def _broken_off(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.faults", description="Faults, and what holds after them.")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these rows of faults.yaml")
    parser.add_argument("--short", action="store_true", help="fewer posts and rows, shorter faults")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where report.json and faults.md go")
    parser.add_argument("--home", type=Path, metavar="DIR", help="a home to make; default: a new temporary one")
    parser.add_argument("--slow", type=float, default=1, metavar="N", help="wait N times as long, on a busy machine")
    parser.add_argument(
        "--markdown", type=Path, metavar="REPORT", help="draw the table of a report and do nothing else"
    )
    given = parser.parse_args()
    # so that everything is ended; SIGINT too, which a shell has its background jobs ignore
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _broken_off)
    given.output.mkdir(parents=True, exist_ok=True)
    if given.markdown:
        (given.output / "faults.md").write_text(report.markdown(report.read(given.markdown)), encoding="utf-8")
        return 0
    try:
        rows = choose(load(), given.only, given.short)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    about = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "short": given.short,
    }
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        home = given.home.absolute() if given.home else Path(scratch) / "home"
        size = replace(SHORT if given.short else Size(), slow=given.slow)
        with Campaign(Path(scratch), size, home, lambda text: print(text, flush=True)) as campaign:
            try:
                for row in rows:
                    campaign.strike([row])
                    report.write(campaign.outcomes, given.output, about)  # what a broken-off run has is kept
            except KeyboardInterrupt:
                print("broken off", file=sys.stderr)
    (given.output / "faults.md").write_text(report.markdown(campaign.outcomes), encoding="utf-8")
    return int(len(campaign.outcomes) < len(rows) or any(one.state == "failed" for one in campaign.outcomes))


if __name__ == "__main__":
    sys.exit(main())
