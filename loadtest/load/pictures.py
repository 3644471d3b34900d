"""The picture of a run: throughput, latency, lag, CPU, memory and garbage collection over one axis of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_KINDS = (
    "python worker",
    "taskmanager",
    "jobmanager",
    "clickhouse",
    "kafka",
    "watch",
    "notifier",
    "sender",
    "load",
    "command",
)
"""In this order, so that a kind has the same colour in every picture."""
_SMOOTH = 5
"""CPU is a difference of two counters of 10 ms steps: taken over so many samples, which are a second apart or more."""


def draw(report: dict[str, Any], samples: list[dict[str, Any]], path: Path) -> None:
    """Write a PNG of 1600 x 1200 pixels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    start = report["start_ms"] / 1000
    figure, axes = pyplot.subplots(3, 2, figsize=(16, 12), dpi=100, sharex=True, layout="constrained")
    plan, latency = report["plan"], report["latency"]["intended_to_stored"]
    figure.suptitle(
        f"{report['name']}, {report['date']}: {report['offered']:,} posts offered, {report['rows']:,} rows, "
        f"{report['dead_letters']:,} dead letters, {report['missing']:,} missing; "
        f"p50 {_seconds(latency.get('p50'))}, p99 {_seconds(latency.get('p99'))}\n"
        f"{report['machine']['processor']}, {report['machine']['cores']} cores; source {plan['source']} "
        f"by {plan['way']}, parallelism {plan['parallelism'] or 'of the settings'}",
        fontsize=12,
    )
    _throughput(axes[0, 0], report["by_second"])
    _latency(axes[0, 1], report["by_second"])
    _lag(axes[1, 0], report["lag"]["series"])
    _cpu(axes[1, 1], samples, start)
    _memory(axes[2, 0], samples, start)
    _gc(axes[2, 1], samples, start)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.tick_params(labelbottom=True)
        if plan["warm_up_s"]:
            axis.axvspan(0, plan["warm_up_s"], color="grey", alpha=0.15, linewidth=0)
        if axis.get_legend_handles_labels()[0]:
            # beside the axis: eleven names would hide the lines
            axis.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    end = max([report["by_second"][-1]["second"] + 1 if report["by_second"] else 1, plan["seconds"]])
    axes[0, 0].set_xlim(0, end)
    for axis in axes[2]:
        axis.set_xlabel("seconds since the first post was due" + (" (grey: warm-up)" if plan["warm_up_s"] else ""))
    figure.savefig(path)
    pyplot.close(figure)


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f} s"


def _throughput(axis: Any, seconds: list[dict[str, Any]]) -> None:
    at = [one["second"] for one in seconds]
    axis.step(at, [one["offered"] for one in seconds], where="post", label="offered (due)", color="black", linewidth=1)
    axis.step(at, [one["stored"] for one in seconds], where="post", label="stored", color="tab:green", linewidth=1)
    axis.set(title="throughput", ylabel="posts/s")
    axis.set_ylim(bottom=0)


def _latency(axis: Any, seconds: list[dict[str, Any]]) -> None:
    known = [one for one in seconds if "p50" in one]
    at = [one["second"] for one in known]
    for name, colour in (("p50", "tab:blue"), ("p95", "tab:orange"), ("p99", "tab:red"), ("max", "tab:purple")):
        # a clock that is a millisecond off may give 0 or less, which a log scale does not know
        axis.plot(at, [max(one[name], 0.001) for one in known], label=name, color=colour, linewidth=1)
    axis.axhline(10, color="grey", linestyle="--", linewidth=1)
    axis.set(title="latency from the intended time to the row in the store, by second due", ylabel="seconds (log)")
    axis.set_yscale("log")


def _lag(axis: Any, series: list[tuple[float, float]]) -> None:
    axis.plot([at for at, _ in series], [behind for _, behind in series], color="tab:red", linewidth=1)
    axis.set(title="lag: offered, not yet stored", ylabel="posts")
    axis.set_ylim(bottom=0)


def _kinds(samples: list[dict[str, Any]], part: str) -> list[str]:
    there = {kind for sample in samples for kind in sample.get(part, {})}
    return [kind for kind in _KINDS if kind in there] + sorted(there - set(_KINDS))


def _colour(kind: str) -> str:
    return f"C{_KINDS.index(kind) if kind in _KINDS else 9}"


def _series(samples: list[dict[str, Any]], part: str, kind: str, name: str, start: float) -> tuple[Any, Any]:
    points = [
        (sample["at"] - start, sample[part][kind][name])
        for sample in samples
        if name in sample.get(part, {}).get(kind, {})
    ]
    return np.asarray([at for at, _ in points]), np.asarray([value for _, value in points])


def _rate(axis: Any, samples: list[dict[str, Any]], part: str, name: str, start: float, factor: float) -> None:
    for kind in _kinds(samples, part):
        at, total = _series(samples, part, kind, name, start)
        step = min(_SMOOTH, len(at) - 1)
        if step < 1:
            continue
        spent = (total[step:] - total[:-step]) / np.maximum(at[step:] - at[:-step], 1e-3)
        axis.plot(at[step:], np.maximum(spent, 0) * factor, label=kind, color=_colour(kind), linewidth=1)


def _cpu(axis: Any, samples: list[dict[str, Any]], start: float) -> None:
    _rate(axis, samples, "processes", "cpu_s", start, 1.0)
    axis.set(title=f"CPU by process (mean over {_SMOOTH} samples)", ylabel="cores")
    axis.set_ylim(bottom=0)


def _memory(axis: Any, samples: list[dict[str, Any]], start: float) -> None:
    for kind in _kinds(samples, "processes"):
        at, size = _series(samples, "processes", kind, "pss", start)
        axis.plot(at, size / 2**20, label=kind, color=_colour(kind), linewidth=1)
    axis.set(title="memory by process (PSS)", ylabel="MiB")
    axis.set_ylim(bottom=0)


def _gc(axis: Any, samples: list[dict[str, Any]], start: float) -> None:
    _rate(axis, samples, "gc", "seconds", start, 1000.0)
    axis.set(title=f"garbage collection by JVM (mean over {_SMOOTH} samples)", ylabel="ms of each second")
    axis.set_ylim(bottom=0)
