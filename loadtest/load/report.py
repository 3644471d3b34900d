"""report.json: everything that a run measured, from the files it left and the store. Its keys stand in docs/load.md.

It can be made again at any time, also of a run that was killed: `python -m loadtest.load report --output DIR`.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from loadtest.load import measure, watch
from loadtest.load.position import Position
from loadtest.load.schedule import Schedule, Segment
from loadtest.outside import Outside

RUN, SAMPLES, SENDER, REPORT, PICTURE = "run.json", "samples.jsonl", "sender.jsonl", "report.json", "load.png"
Samples = list[dict[str, Any]]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = (
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        )
        model = next(names, model)
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
    }


def make(home: Outside, output: Path) -> dict[str, Any]:
    """The report of the run in `output`; also written there."""
    run = json.loads((output / RUN).read_text(encoding="utf-8"))
    samples = watch.read(output / SAMPLES) if (output / SAMPLES).exists() else []
    sender = watch.read(output / SENDER) if (output / SENDER).exists() else []
    begins = {int(number): begin for number, begin in run["begins"].items()}
    position = Position(run["source"], run["broker"], begins, run["files"])
    found = compose(
        run,
        samples,
        sender,
        measure.losses(home, position),
        measure.rows(home, position),
        measure.alerts(home, run["name"], run["start_ms"] + round(run["plan"]["warm_up_s"] * 1000)),
    )
    aside = output / f".{REPORT}"
    aside.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    aside.replace(output / REPORT)
    return found


def compose(
    run: dict[str, Any],
    samples: Samples,
    sender: Samples,
    losses: measure.Losses,
    rows: measure.Rows,
    alerts: dict[str, Any],
) -> dict[str, Any]:
    """Pure: the report of what a run wrote down and the store holds."""
    plan, start_ms = run["plan"], run["start_ms"]
    from_ms = start_ms + round(plan["warm_up_s"] * 1000)
    last: dict[str, Any] = sender[-1] if sender else {"sent": 0}
    offered = int(last["sent"])
    due = _due(run, offered)
    measured = due[due >= plan["warm_up_s"]]
    per_second = (
        {second: int(count) for second, count in enumerate(np.bincount(due.astype(np.int64)))} if offered else {}
    )
    stored = rows.stored[rows.created >= from_ms]
    # dead letters have no time of their own: all of them are taken to be among the measured, which hides none of a loss
    missing = max(len(measured) - int((rows.created >= from_ms).sum()) - losses.dead_letters, 0)
    late = last.get("late_s") or {}
    latency = measure.latency(rows, from_ms)
    everything = measure.percentiles((rows.stored - rows.created)[rows.created >= from_ms], missing)
    seconds = float(measured[-1] - measured[0]) if len(measured) > 1 else 0.0
    span = (int(stored.max()) - from_ms) / 1000 if len(stored) else 0.0
    return {
        "name": run["name"],
        "start_ms": start_ms,
        "date": datetime.fromtimestamp(start_ms / 1000, UTC).isoformat(timespec="seconds"),
        "machine": run["machine"],
        "plan": plan,
        "source": run["source"],
        "offered": offered,
        "rows": losses.rows,
        "dead_letters": losses.dead_letters,
        "doubled": losses.doubled,
        "missing": losses.missing(offered),
        "shed": int(rows.shed.sum()),
        "sender": {
            "planned": plan["posts"],
            "late_p50_s": _rounded(late.get("p50")),
            "late_p99_s": _rounded(late.get("p99")),
            "late_max_s": _rounded(late.get("max")),
            "kept": bool(last.get("ended")) and not last.get("error") and late.get("p99", 0.0) <= plan["late_s"],
            "ended": bool(last.get("ended")),
            "stopped": bool(last.get("stopped")),
            "error": last.get("error", ""),
        },
        "throughput": {
            "offered_per_s": round(len(measured) / seconds, 2) if seconds else None,
            "stored_per_s": round(len(stored) / span, 2) if span > 0 else None,
        },
        "latency": latency | {"intended_to_stored_with_missing": everything},
        "alerts": alerts,
        "lag": _lag(lag(samples, start_ms, per_second), plan),
        "cpu": _cpu(samples, offered),
        "memory": _memory(samples),
        "gc": _gc(samples),
        "flink": _flink(samples),
        "store": _store(samples),
        "unseen": _unseen(samples),
        "by_second": measure.by_second(rows, start_ms, per_second),
    }


def _due(run: dict[str, Any], sent: int) -> Any:
    """Intended times of the posts that were sent, seconds since the start."""
    schedule = Schedule(tuple(Segment(*one) for one in run["segments"]))
    blocks = list(schedule.blocks())
    return np.concatenate(blocks)[:sent] if blocks else np.empty(0)


def lag(samples: Samples, start_ms: int, offered: dict[int, int]) -> list[tuple[float, float]]:
    """(second since the start, posts behind): Kafka's end less the stored position, or of a folder what was due until
    the last whole second less what is stored."""
    due = np.cumsum([offered.get(second, 0) for second in range(max(offered, default=-1) + 1)])
    found = []
    for sample in samples:
        position, second = sample.get("position"), sample["at"] - start_ms / 1000
        if position is None or second < 0:
            continue
        if "lag" in position:
            found.append((round(second, 2), float(position["lag"])))
        elif len(due) and second >= 1:
            behind = due[min(int(second) - 1, len(due) - 1)] - position["rows"] - position["dead"]
            found.append((round(second, 2), max(float(behind), 0.0)))
    return found


def growth(series: list[tuple[float, float]], begin: float, end: float) -> float | None:
    """By how many posts the lag grew from the first third of begin..end to the last: medians, so that the saw-tooth of
    batches and checkpoints does not count. None with fewer than two samples in either."""
    third = (end - begin) / 3
    first = [value for at, value in series if begin <= at < begin + third]
    last = [value for at, value in series if end - third <= at < end]
    return float(np.median(last) - np.median(first)) if min(len(first), len(last)) >= 2 else None


def _lag(series: list[tuple[float, float]], plan: dict[str, Any]) -> dict[str, Any]:
    values = [value for _, value in series]
    return {
        "max": max(values, default=None),
        "end": values[-1] if values else None,
        "growth": growth(series, plan["warm_up_s"], plan["seconds"]),
        "series": series,
    }


def _each(samples: Samples, part: str) -> list[tuple[float, dict[str, Any]]]:
    return [(sample["at"], sample[part]) for sample in samples if part in sample]


def _cpu(samples: Samples, posts: int) -> dict[str, Any]:
    """kind -> seconds, and microseconds a post offered; with the sum of what is not the load's own."""
    seen = _each(samples, "processes")
    if not seen:
        return {}
    first, last = seen[0][1], seen[-1][1]
    found: dict[str, Any] = {}
    for kind, one in sorted(last.items()):
        spent = one.get("cpu_s", 0.0) - first.get(kind, {}).get("cpu_s", 0.0)
        found[kind] = {"seconds": round(spent, 2), "us_per_post": round(spent * 1e6 / posts, 1) if posts else None}
    product = sum(one["seconds"] for kind, one in found.items() if kind not in ("sender", "load"))
    found["product"] = {
        "seconds": round(product, 2),
        "us_per_post": round(product * 1e6 / posts, 1) if posts else None,
        "cores": round(product / (seen[-1][0] - seen[0][0]), 3) if len(seen) > 1 else None,
    }
    return found


def _memory(samples: Samples) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _, kinds in _each(samples, "processes"):
        for kind, one in kinds.items():
            known = found.setdefault(kind, {"pss_first": one["pss"]})
            known["pss_last"] = one["pss"]
            for name in ("pss", "files", "threads"):
                known[f"{name}_max"] = max(known.get(f"{name}_max", 0), one[name])
    return found


def _gc(samples: Samples) -> dict[str, Any]:
    seen = _each(samples, "gc")
    if not seen:
        return {}
    span = seen[-1][0] - seen[0][0]
    found = {}
    for kind, last in seen[-1][1].items():
        first = seen[0][1].get(kind, {"seconds": 0, "count": 0})
        spent = last["seconds"] - first["seconds"]
        found[kind] = {
            "seconds": round(spent, 3),
            "count": last["count"] - first["count"],
            "share": round(spent / span, 5) if span else None,
        }
    return found


def _flink(samples: Samples) -> dict[str, Any]:
    seen = [one for _, one in _each(samples, "flink")]
    if not seen:
        return {}
    durations = {
        one["checkpoints"]["completed"]: one["checkpoints"]["last_ms"] for one in seen if one["checkpoints"]["last_ms"]
    }
    return {
        "busy_ms_median": _median([one["busy"] for one in seen if "busy" in one]),
        "back_pressured_ms_median": _median([one["backPressured"] for one in seen if "backPressured" in one]),
        "checkpoints": seen[-1]["checkpoints"]["completed"],
        "checkpoints_failed": seen[-1]["checkpoints"]["failed"],
        "restored": seen[-1]["checkpoints"]["restored"],
        "checkpoint_ms_median": _median(list(durations.values())),
        "checkpoint_ms_max": max(durations.values(), default=None),
    }


def _store(samples: Samples) -> dict[str, Any]:
    seen = [one for _, one in _each(samples, "store")]
    names = ("parts", "parts_posts", "merges", "memory", "disk_bytes")
    return {f"{name}_max": max(one[name] for one in seen) for name in names} if seen else {}


def _unseen(samples: Samples) -> dict[str, int]:
    """Parts of samples that could not be had, with their errors' names -> how often."""
    found: dict[str, int] = {}
    for sample in samples:
        for name in sample["missing"]:
            found[name] = found.get(name, 0) + 1
    return found


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 1) if values else None
