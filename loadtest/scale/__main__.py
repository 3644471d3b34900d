"""Curve, cost, soak and sizing (docs/scaling.md). Results are kept under --output: a stopped command goes on there."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

from loadtest.load.posts import read_feed
from loadtest.load.watch import read as read_samples
from loadtest.outside import Failed, Outside
from loadtest.scale import cost, curve, figures, growth, kept, runs, sizing, soak
from schemas.errors import UsageError


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.scale", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--output", type=Path, required=True, help="folder for results and what is needed to go on")
        return one

    def on_home(one: argparse.ArgumentParser, parallelism: bool = True) -> None:
        one.add_argument(
            "--home", type=Path, required=True, help="a home with nothing else to do; services are started"
        )
        one.add_argument("--set", dest="settings", action="append", default=[], help="a setting of the job, key=value")
        if parallelism:
            one.add_argument("--parallelism", type=int, default=2)

    one = command("curve", "Throughput over parallelism and over flink.batch.")
    on_home(one, parallelism=False)
    one.add_argument("--parallelism", type=_numbers, default=list(curve.PARALLELISM), help="default: 1,2,4")
    one.add_argument("--batches", type=_numbers, default=list(curve.BATCHES), help="default: 64 to 4096; '' for none")
    one.add_argument("--posts", type=int, default=20_000, help="of each run")
    one = command("cost", "Cost of a post from ten thousand posts to a million.")
    on_home(one)
    one.add_argument("--sizes", type=_numbers, default=list(cost.SIZES), help="default: 10000,30000,...,1000000")
    one.add_argument("--feed", default="", help="more keys of the generated feed, such as 'copies=.9'")
    one.add_argument("--distinct", type=int, default=0, help="texts of the feed, repeated to the size; 0: all its own")
    one.add_argument("--starts", type=int, default=2, help="runs that measure what a start costs")
    one = command("soak", "A steady stream: does anything grow?")
    on_home(one)
    one.add_argument("--hours", type=float, default=1.0)
    one.add_argument("--rate", type=float, default=100.0, help="posts/s")
    one.add_argument(
        "--source", default="", help="an unbounded source that somebody feeds, instead of the generated feed"
    )
    one.add_argument("--warm-up-minutes", type=float, help="left out of the verdict; default: a quarter, 15 at most")
    one.add_argument("--growth", type=float, default=growth.MEMORY, help="share of memory an hour that may be gained")
    one = command("figures", "The numbers of a cost report that sizing needs.")
    one.add_argument("--home", type=Path, required=True, help="the home that `cost` ran on")
    one.add_argument("--cost", type=Path, required=True, help="the report, cost.json")
    one = command("sizing", "Machines for a load: computed, with its arithmetic.")
    one.add_argument("--posts-per-hour", default="1M,10M,100M,1000M")
    one.add_argument(
        "--figures", type=Path, default=figures.MEASURED, help="default: those that come with the software"
    )
    for field in fields(sizing.Assumptions):
        kind = type(field.default)
        one.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    return parser.parse_args(argv)


def _numbers(text: str) -> list[int]:
    found = [int(part.replace("_", "")) for part in text.split(",") if part]
    if any(one < 1 for one in found):
        raise argparse.ArgumentTypeError(f"{text!r}: numbers of 1 or more, with commas between")
    return found


def main(argv: list[str] | None = None) -> int:
    given = arguments(argv)
    try:
        return int(_COMMANDS[given.command](given))
    except kept.Stopped as error:
        runs.say(str(error))
        return 3
    except (Failed, UsageError) as error:
        runs.say(f"loadtest.scale: {error}")
        return 2 if isinstance(error, UsageError) else 1


def _leave(output: Path, name: str, report: dict[str, Any], text: str) -> None:
    output.mkdir(parents=True, exist_ok=True)
    kept.write(output / f"{name}.json", report)
    kept.write_text(output / f"{name}.md", text)
    print(text)


def _home(given: argparse.Namespace, *services: str) -> Outside:
    home = Outside(given.home.absolute())
    home.run("up", *services)
    return home


def _curve(given: argparse.Namespace) -> int:
    stop = kept.stop_on_signals()
    home = _home(given, *(["--kafka"] if given.batches else []))
    found = curve.measure(home, given.output, given.parallelism, given.batches, given.posts, given.settings, stop)
    _leave(given.output, "curve", found, curve.table(found))
    return 0


def _cost(given: argparse.Namespace) -> int:
    smallest = 2 * cost.SPLIT * given.parallelism
    if not given.sizes or min(given.sizes) < smallest:
        raise UsageError(
            f"--sizes {min(given.sizes, default=0)}: {smallest} at least, or there is nothing beyond the start"
        )
    stop = kept.stop_on_signals()
    home = _home(given)
    found = cost.measure(
        home,
        given.output,
        given.sizes,
        given.parallelism,
        given.feed,
        given.settings,
        given.starts,
        stop,
        given.distinct,
    )
    _leave(given.output, "cost", found, cost.table(found))
    return 0 if found["verdict"]["flat"] else 1


def _soak(given: argparse.Namespace) -> int:
    if given.hours <= 0 or given.rate <= 0:
        raise UsageError(f"--hours {given.hours:g} --rate {given.rate:g}: more than 0")
    warm_up_s = 60 * (given.warm_up_minutes if given.warm_up_minutes is not None else min(15.0, given.hours * 15))
    stop = kept.stop_on_signals()
    given.output.mkdir(parents=True, exist_ok=True)
    home = _home(given)
    plan = soak.Plan(given.hours, given.rate, given.parallelism, tuple(given.settings), given.source)
    stopped: kept.Stopped | None = None
    try:
        soak.Soak(home, given.output, plan).run(stop)
    except kept.Stopped as error:
        stopped = error
    samples = read_samples(given.output / soak.SAMPLES)
    found = {"machine": kept.read(given.output / soak.BEGUN)} | growth.report(samples, warm_up_s, {"pss": given.growth})
    _leave(given.output, "soak", found, growth.table(found))
    if stopped is not None:
        raise stopped
    return 0 if not found["verdict"].startswith("grows") else 1


def _figures(given: argparse.Namespace) -> int:
    report = kept.read(given.cost)
    if report is None or "points" not in report:
        raise UsageError(f"--cost {given.cost}: not the cost.json that `python -m loadtest.scale cost` writes")
    home = Outside(given.home.absolute())
    lines = list(islice(read_feed(home, cost.source_of("", 2_000, 101)), 2_000))
    settings = "".join(f" --set {one}" for one in report["settings"])
    command = f"python -m loadtest.scale cost --parallelism {report['parallelism']}{settings}"
    found = figures.of_cost(report, figures.disk_bytes_of(home), figures.message_bytes_of(lines), command)
    given.output.mkdir(parents=True, exist_ok=True)
    figures.save(given.output / "measured.json", found)
    print(json.dumps(kept.read(given.output / "measured.json"), indent=1, ensure_ascii=False))
    return 0


def _sizing(given: argparse.Namespace) -> int:
    assumed = sizing.Assumptions(**{field.name: getattr(given, field.name) for field in fields(sizing.Assumptions)})
    found = sizing.report(sizing.rates(given.posts_per_hour), figures.read(given.figures), assumed)
    _leave(given.output, "sizing", found, sizing.table(found))
    return 0


_COMMANDS = {"curve": _curve, "cost": _cost, "soak": _soak, "figures": _figures, "sizing": _sizing}

if __name__ == "__main__":
    sys.exit(main())
