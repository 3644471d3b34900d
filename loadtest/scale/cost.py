"""Cost of a post by the size of the feed: is a million as cheap a post as ten thousand?

CPU seconds of every process of the home are counted, merges and followers too; what its services take when nothing is
to be done is measured first and taken off. A start (JVM, models, one split a
worker) is measured by itself and taken off: it does not grow with the feed, and would make small feeds look dear. Both
figures stand in the table.
"""

from __future__ import annotations

import json
import statistics
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loadtest.load.posts import read_feed
from loadtest.outside import Failed, Outside
from loadtest.scale import kept, runs

SPLIT = 512
"""Posts of a split of a generated feed."""
FLAT = 0.10
"""The dearest size may cost so much more than the cheapest."""
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)


def measure(
    home: Outside,
    output: Path,
    sizes: Sequence[int],
    parallelism: int,
    feed: str,
    settings: Sequence[str],
    starts: int,
    stop: threading.Event,
    distinct: int = 0,
) -> dict[str, Any]:
    """The report: `points` by size, `start`, `verdict`. What stands under `output` is not measured again. With
    `distinct` posts come from a file of so many texts, repeated, so that model results are remembered."""

    begun = kept.once(output / "begun.json", {}, lambda: kept.machine() | {"idle_cores": runs.idle(home)})

    def run(name: str, posts: int, seed: int) -> dict[str, Any]:
        source = source_of(feed, posts, seed)
        file = output.absolute() / "feeds" / f"{name}.jsonl"
        if distinct:
            if not (file.exists() or (output / "points" / f"{name}.json").exists()):
                repeat(read_feed(home, source_of(feed, min(distinct, posts), 100)), file, posts, f"c{seed}")
            source = file.as_uri()
        runs.say(f"{name}: {posts:,} posts")
        point = runs.measured(
            home,
            output / "points" / f"{name}.json",
            runs.Request(source, parallelism, tuple(settings)),
            stop,
            begun["idle_cores"],
        )
        file.unlink(missing_ok=True)
        return point

    first = [run(f"start-{n}", SPLIT * parallelism, 900 + n) for n in range(1, starts + 1)]
    points = [run(f"posts-{posts}", posts, seed) for seed, posts in enumerate(sizes, 101)]
    machine = {key: value for key, value in begun.items() if key not in ("request", "made")}
    return report(points, first, machine, parallelism, settings)


def repeat(lines: Iterable[bytes], path: Path, posts: int, name: str) -> None:
    """Write `posts` posts with the texts of `lines`, again and again, each with an id of its own that begins with
    `name`. Their times are in order, evenly over the span of the lines' (those in epoch ms), as a feed of so many posts
    has them: were each text's own time kept, every moment of the store would fill for as long as the feed lasts. Raises
    Failed for a feed without lines, or without such times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bodies = [
        {key: value for key, value in json.loads(line).items() if key not in ("id", "repost_of")} for line in lines
    ]
    if not bodies:
        raise Failed("the feed has no line to repeat")
    created = [body.pop("created_at", None) for body in bodies]
    times = [time for time in created if isinstance(time, int)]
    if not times:
        raise Failed("no line of the feed has a created_at in epoch ms: posts without a time cannot be put in order")
    first, span = min(times), max(times) - min(times)
    rests = [json.dumps(body, ensure_ascii=False, separators=(",", ":"))[1:].encode() + b"\n" for body in bodies]
    aside = path.with_suffix(".part")
    with aside.open("wb", buffering=1 << 20) as out:
        for number in range(posts):
            time = first + span * number // posts
            out.write(b'{"id":"%s-%d","created_at":%d,' % (name.encode(), number, time) + rests[number % len(rests)])
    aside.replace(path)


def source_of(feed: str, posts: int, seed: int) -> str:
    """A generated feed of that size; another seed gives other posts, so that no run rewrites rows of another. Its
    last post is of the moment of submission, so that alerts are of an age to be sent."""
    return f"generate:?posts={posts}&seed={seed}" + (f"&{feed}" if feed else "")


def report(
    points: Sequence[dict[str, Any]],
    starts: Sequence[dict[str, Any]],
    machine: dict[str, Any],
    parallelism: int,
    settings: Sequence[str],
) -> dict[str, Any]:
    """`points` with their cost a post (ms of CPU) beyond the start, and whether it is flat.

    `start_ms`: how much of it depends on which of the starts is taken off; for small feeds that is not little.
    """
    start = {name: statistics.median(one["cpu_s"][name] for one in starts) for name in ("command", "services", "all")}
    begun = statistics.median(one["posts"] for one in starts)
    kinds = dict.fromkeys(kind for one in starts for kind in one["cpu_by_kind"])
    by_kind = {kind: statistics.median(one["cpu_by_kind"].get(kind, 0.0) for one in starts) for kind in kinds}
    differ = max(one["cpu_s"]["all"] for one in starts) - min(one["cpu_s"]["all"] for one in starts)
    rows = []
    for point in points:
        spent = point["cpu_s"]
        rows.append(
            {
                name: point[name]
                for name in ("posts", "dead_letters", "command_s", "posts_per_s", "remembered", "step_us")
            }
            | {
                "cpu_s": spent["all"],
                "segments": point["segments"],
                "with_start_ms": 1000 * spent["all"] / point["posts"],
                "beyond_start_ms": 1000 * (spent["all"] - start["all"]) / (point["posts"] - begun),
                "start_ms": 1000 * differ / (point["posts"] - begun),
                "services_ms": 1000 * (spent["services"] - start["services"]) / (point["posts"] - begun),
                "cpu_by_kind": point["cpu_by_kind"],
                "latency_s": point["latency_s"],
            }
        )
    return {
        "machine": machine,
        "parallelism": parallelism,
        "settings": list(settings),
        "start": start | {"posts": begun, "cpu_by_kind": by_kind, "differ": differ},
        "points": rows,
        "verdict": verdict([row["beyond_start_ms"] for row in rows]),
    }


def verdict(costs: Sequence[float]) -> dict[str, Any]:
    """Whether costs are flat: the dearest at most FLAT above the cheapest. Raises ValueError without any."""
    spread = max(costs) / min(costs) - 1 if min(costs) > 0 else float("inf")
    return {
        "flat": spread <= FLAT,
        "spread": spread,
        "last_to_first": costs[-1] / costs[0] - 1,
        "words": f"{'flat' if spread <= FLAT else 'not flat'}: the dearest size costs {spread:.1%} more a post than the"
        f" cheapest (limit {FLAT:.0%})",
    }


def table(report: dict[str, Any]) -> str:
    """The report as Markdown. The share of remembered model results stands in every line."""
    machine, rows = report["machine"], []
    for row in report["points"]:
        remembered = "not counted" if row["remembered"] is None else f"{row['remembered']:.0%}"
        rows.append(
            [
                f"{row['posts']:,}",
                f"{row['beyond_start_ms']:.3f}",
                f"{row['start_ms']:.3f}",
                f"{row['with_start_ms']:.3f}",
                f"{row['services_ms']:.3f}",
                f"{row['posts_per_s']:,.0f}" if row["posts_per_s"] else f"in {row['segments']} parts",
                f"{row['command_s']:,.0f}",
                remembered,
                f"{row['dead_letters']:,}",
            ]
        )
    head = [
        "posts",
        "CPU ms a post",
        "of it by which start",
        "with the start",
        "of it services",
        "posts/s",
        "wall s",
        "model results remembered",
    ]
    settings = ", ".join(report["settings"]) or "defaults"
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['date']}, parallelism {report['parallelism']},"
        f" settings: {settings}; a start takes {report['start']['all']:.1f} CPU-seconds (they differ by"
        f" {report['start']['differ']:.1f}),"
        f" idle services {machine.get('idle_cores', 0):.3f} of a core\n\n"
        + kept.markdown([*head, "dead letters"], rows)
        + f"\n{report['verdict']['words']}\n"
    )
