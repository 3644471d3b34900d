"""Offer posts to a pipeline on a schedule, from outside, and say what it made of them. See docs/load.md.

    python -m loadtest.load [PLAN.yaml] --home DIR --output DIR [--rate R --seconds S] [--burst 10x60@120] [--up]
    python -m loadtest.load search --home DIR --output DIR [--from R] [--seconds S] [--limit 10] [--bracket 0.05]
    python -m loadtest.load report --home DIR --output DIR

Exit codes: 0 done; 1 something was lost or doubled, the sender was late, or a command failed; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtest.load import pictures, plan, report, run, watch
from loadtest.load.schedule import Burst
from loadtest.load.search import Found, Kept, Trial, judge, search
from loadtest.outside import Failed, Outside
from schemas.errors import UsageError


def main(argv: list[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments.pop(0) if arguments[:1] in (["search"], ["report"]) else "run"
    try:
        return {"run": _run, "search": _search, "report": _report}[command](arguments)
    except UsageError as error:
        _say(str(error))
        return 2
    except Failed as error:
        _say(str(error))
        return 1


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m loadtest.load{command}", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="home of the pipeline")
    parser.add_argument("--output", type=Path, required=True, help="folder for what is measured")
    return parser


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=Path, nargs="?", help="YAML; options win over it")
    parser.add_argument("--warm-up", dest="warm_up_s", type=float, help="seconds before the measurement, not in it")
    parser.add_argument("--source", help="what `yuqing feed` gets, for example 'generate:?skew=place:.5'")
    parser.add_argument("--seed", type=int, help="of a generated feed; default: another one each run")
    parser.add_argument("--way", choices=plan.WAYS, help="kafka (default) or dir")
    parser.add_argument("--partitions", type=int, help="of the topic that --up makes; default 4")
    parser.add_argument("--key", choices=plan.KEYS, help="of Kafka records; one: all to one partition")
    parser.add_argument("--parallelism", type=int, help="of the job that --up submits")
    parser.add_argument("--set", dest="settings", action="append", help="setting of that job, key=value")


def _plan(found: argparse.Namespace, **more: Any) -> plan.Plan:
    names = ("warm_up_s", "source", "seed", "way", "partitions", "key", "parallelism", "settings")
    return plan.read(found.plan, {name: getattr(found, name) for name in names} | more)


def _run(arguments: list[str]) -> int:
    parser = _parser("")
    _add_plan(parser)
    parser.add_argument("--rate", type=float, help="posts/s")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--burst", action="append", help="TIMESxSECONDS@AT, for example 10x60@120")
    parser.add_argument("--up", action="store_true", help="start services and job; the job is cancelled at the end")
    parser.add_argument("--topic", default="", help="without --up: the topic that a running job reads")
    parser.add_argument("--folder", default="", help="without --up, with --way dir: the folder that it reads")
    found = parser.parse_args(arguments)
    bursts = [Burst.read(one) for one in found.burst] if found.burst else None
    what = _plan(
        found, rate=found.rate, seconds=found.seconds, bursts=[asdict(one) for one in bursts] if bursts else None
    )
    topic = found.folder if what.way == "dir" else found.topic
    options = run.Options(up=found.up, topic=topic)
    return _told(run.run(Outside(found.home.resolve()), what, found.output, options, _say), found.output)


def _report(arguments: list[str]) -> int:
    found = _parser(" report").parse_args(arguments)
    if not (found.output / report.RUN).exists():
        raise UsageError(f"--output {found.output}: holds no run; name the folder of one")
    made = report.make(Outside(found.home.resolve()), found.output)
    pictures.draw(made, watch.read(found.output / report.SAMPLES), found.output / report.PICTURE)
    return _told(made, found.output)


def _told(made: dict[str, Any], output: Path) -> int:
    """Print the figures that one looks at first; 1 where the run is not sound."""
    whole, sender = made["latency"]["intended_to_stored"], made["sender"]
    print(f"offered        {made['offered']:>12,} posts, {made['throughput']['offered_per_s']} a second")
    print(f"stored         {made['rows']:>12,} rows, {made['throughput']['stored_per_s']} a second")
    print(f"dead letters   {made['dead_letters']:>12,}")
    print(f"missing        {made['missing']:>12,}   doubled {made['doubled']:,}   shed {made['shed']:,}")
    print("latency        " + ", ".join(f"{name} {whole.get(name)} s" for name in ("p50", "p90", "p95", "p99", "max")))
    print(f"sender late    p99 {sender['late_p99_s']} s, max {sender['late_max_s']} s")
    print(f"CPU            {made['cpu'].get('product', {}).get('us_per_post')} us a post, without the sender")
    print(f"more           {output / report.REPORT}, {output / report.PICTURE}")
    faults = []
    if not sender["kept"]:
        faults.append(f"THE SENDER DID NOT KEEP ITS SCHEDULE ({sender['error'] or 'late'}): the figures do not hold")
    if made["missing"] or made["doubled"]:
        faults.append(f"{made['missing']:,} posts missing, {made['doubled']:,} rows doubled")
    for fault in faults:
        _say(fault)
    return 1 if faults else 0


def _search(arguments: list[str]) -> int:
    parser = _parser(" search")
    _add_plan(parser)
    parser.add_argument("--from", dest="start", type=float, default=50.0, help="first rate, posts/s; default 50")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a trial, after its warm-up; default 60")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds that p99 must stay below; default 10")
    parser.add_argument("--bracket", type=float, default=0.05, help="how close; default 0.05")
    parser.add_argument("--most", type=float, default=100_000.0, help="rate at which to stop doubling")
    found = parser.parse_args(arguments)
    if found.warm_up_s is None:
        found.warm_up_s = 20.0
    if min(found.start, found.seconds, found.limit, found.bracket) <= 0:
        raise UsageError("--from, --seconds, --limit and --bracket must be above 0")
    base = _plan(found, rate=found.start, seconds=found.seconds, bursts=[])
    plain = base.plain()
    for name in ("rows", "posts"):
        del plain[name]
    home = Outside(found.home.resolve())
    kept = Kept(found.output, plain | {"trial_s": found.seconds, "limit_s": found.limit, "bracket": found.bracket})

    def trial(rate: float) -> Trial:
        name = run.new_name()
        options = run.Options(up=True, name=name, drain=False, wait_s=found.limit + 2)
        what = plan.constant(base, rate, found.seconds)
        made = run.run(home, what, found.output / name, options, _say)
        if made["offered"] < what.schedule.posts:  # half a trial is none
            raise Failed("the search was broken off: the same command goes on where it was")
        outcome = judge(made, rate, found.limit)
        _say(f"{rate:g} posts/s: {outcome.why} (p99 {outcome.p99_s} s, lag grew by {outcome.lag_growth_s} s)")
        return outcome

    outcome = search(kept.remembered(trial), found.start, found.bracket, found.most)
    return _told_search(outcome, found.output)


def _told_search(found: Found, output: Path) -> int:
    (output / "found.json").write_text(json.dumps(asdict(found), ensure_ascii=False, indent=1), encoding="utf-8")
    for one in sorted(found.trials, key=lambda one: one.rate):
        print(f"{one.rate:>10.1f} posts/s  p99 {one.p99_s!s:>8} s  lag {one.lag_growth_s!s:>6} s  {one.why}")
    print(f"holds: {found.highest_that_holds} posts/s; fails: {found.lowest_that_fails}")
    return 0 if found.highest_that_holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
