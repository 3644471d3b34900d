"""The report of a soak: each series judged, and the job's checkpoints and disk told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from loadtest.scale import kept
from loadtest.scale.soak import watched_s
from loadtest.scale.trend import judge

MEMORY, COUNT, PARTS, CHECKPOINT = 0.05, 0.02, 0.20, 0.20
"""Growth an hour, as a share of the level, that a series may have. Memory: what a collector leaves behind moves by a
few per cent without a leak. Files and threads stand still in a healthy process. Parts of ClickHouse come and are
merged, and there are more of them with more data, ever more slowly. A checkpoint's size and duration do not depend on
the past."""
_LIMITS = {"pss": MEMORY, "files": COUNT, "threads": COUNT}
_NAMES = {"pss": "memory (PSS)", "files": "open files", "threads": "threads"}


def report(
    samples: Sequence[dict[str, Any]], warm_up_s: float, limits: dict[str, float] | None = None
) -> dict[str, Any]:
    """`series` (name -> trend, limit), `verdict` ("nothing grows", "grows: ...", "cannot tell of ..."), rows, disk."""
    samples = list(samples)
    limits = _LIMITS | (limits or {})
    judged: dict[str, Any] = {}
    for name, limit, segments in _series(samples, limits):
        trend = judge(segments, limit, warm_up_s)
        judged[name] = asdict(trend) | {"limit": limit}
    grows = [name for name, one in judged.items() if one["answer"] == "grows"]
    unsure = [name for name, one in judged.items() if one["answer"] == "cannot tell"]
    if grows:
        words = "grows: " + ", ".join(grows)
    elif unsure or not judged:
        words = "cannot tell of " + (", ".join(unsure) or "anything: there are no samples")
    else:
        words = "nothing grows"
    return {
        "verdict": words,
        "hours": watched_s(samples) / 3600,
        "samples": len(samples),
        "segments": len({one["segment"] for one in samples}),
        "missing": sum(bool(one.get("missing")) for one in samples),
        "warm_up_s": warm_up_s,
        "series": judged,
        "rows": _rows(samples),
        "disk": _disk(samples),
    }


def _series(
    samples: list[dict[str, Any]], limits: dict[str, float]
) -> list[tuple[str, float, list[list[tuple[float, float]]]]]:
    """(name, limit, segments) of all that is judged."""
    found: dict[tuple[str, float], dict[int, list[tuple[float, float]]]] = {}

    def add(name: str, limit: float, sample: dict[str, Any], value: float | None) -> None:
        if value is not None:
            found.setdefault((name, limit), {}).setdefault(sample["segment"], []).append((sample["at"], float(value)))

    for sample in samples:
        for kind, one in sample.get("processes", {}).items():
            if not one.get("count"):
                continue  # it has ended; only its CPU time is remembered
            for key, limit in limits.items():
                add(f"{kind}: {_NAMES[key]}", limit, sample, one.get(key))
        if store := sample.get("store"):
            add("clickhouse: memory tracked", limits["pss"], sample, store.get("memory"))
            add("clickhouse: parts", PARTS, sample, store.get("parts"))
        if flink := sample.get("flink"):
            add("checkpoint: bytes", CHECKPOINT, sample, flink.get("last_bytes"))
            add("checkpoint: ms", CHECKPOINT, sample, flink.get("last_ms"))
    most = max((len(one["processes"]) and one["at"] for one in samples if one.get("processes")), default=0.0)
    lived = max(watched_s(samples) / 2, 1.0)
    return [
        (name, limit, list(by_segment.values()))
        for (name, limit), by_segment in found.items()
        # commands that come and go (a status, say) are no series
        if most and sum(one[-1][0] - one[0][0] for one in by_segment.values()) >= lived
    ]


def _rows(samples: list[dict[str, Any]]) -> dict[str, float]:
    rows = [(one["at"], one["rows"], one["segment"]) for one in samples if "rows" in one]
    if len(rows) < 2:
        return {}
    seconds = max(watched_s(samples), 1e-9)
    return {"first": rows[0][1], "last": rows[-1][1], "a_second": (rows[-1][1] - rows[0][1]) / seconds}


def _disk(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Bytes by folder, first and last. The data themselves must grow: what is told of them is bytes a row."""
    seen = [one for one in samples if "disk" in one and "rows" in one]
    if not seen:
        return {}
    first, last = seen[0], seen[-1]
    rows = last["rows"] - first["rows"]
    folders = {
        name: {"first": first["disk"].get(name, 0), "last": size, "a_row": (size - first["disk"].get(name, 0)) / rows}
        if rows > 0
        else {"first": first["disk"].get(name, 0), "last": size}
        for name, size in last["disk"].items()
    }
    return {name: one for name, one in folders.items() if one["last"]}


def table(found: dict[str, Any]) -> str:
    """The report as Markdown."""
    rows = [
        [
            name,
            f"{one['level']:,.0f}",
            f"{one['per_hour']:+.1%}",
            f"{one['low']:+.1%} to {one['high']:+.1%}",
            f"{one['limit']:.0%}",
            one["answer"],
        ]
        for name, one in sorted(found["series"].items())
    ]
    text = (
        f"**{found['verdict']}**\n\n{found['hours']:.2f} hours watched in {found['segments']} segment(s), the first"
        f" {found['warm_up_s'] / 60:.0f} minutes of each left out; {found['samples']} samples, {found['missing']} of"
        f" them not whole"
    )
    if found["rows"]:
        text += f"; {found['rows']['a_second']:.1f} rows a second"
    text += "\n\n" + kept.markdown(["series", "level", "growth an hour", "99% interval", "allowed", "answer"], rows)
    if found["disk"]:
        disk = [
            [
                name,
                f"{one['first'] / 2**20:,.1f}",
                f"{one['last'] / 2**20:,.1f}",
                f"{one['a_row']:,.0f}" if "a_row" in one else "",
            ]
            for name, one in sorted(found["disk"].items())
        ]
        text += "\n" + kept.markdown(["folder of HOME", "MiB first", "MiB last", "bytes a row between"], disk)
    return text
