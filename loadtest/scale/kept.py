"""What a measurement leaves behind: JSON files that are whole or absent, so that a stopped one can go on."""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from schemas.errors import UsageError


class Stopped(Exception):
    """SIGTERM or Ctrl-C came: what there is has been kept."""


def stop_on_signals() -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets. A second one ends this process as if nobody listened."""
    stop = threading.Event()

    def asked(signum: int, _: Any) -> None:
        stop.set()
        signal.signal(signum, signal.SIG_DFL)

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, asked)
    return stop


def read(path: Path) -> dict[str, Any] | None:
    """A kept file; None where there is none. Raises UsageError for one that is not ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UsageError(
            f"{path}: not the JSON that a measurement left ({error}); remove it or name another folder"
        ) from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: not a report; remove it or name another folder")
    return found


def write(path: Path, value: dict[str, Any]) -> None:
    """Put `value` there, at once and whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def once(path: Path, request: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What stands at `path` when it was made for this very `request`, else what `make` gives, kept there.

    Raises UsageError when another request's result stands there: a table of two kinds of runs would compare nothing.
    """
    known = read(path)
    if known is None:
        known = {"request": request, "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"} | make()
        write(path, known)
    elif known.get("request") != request:
        was = known.get("request") or {}
        odd = sorted(key for key in {*request, *was} if request.get(key) != was.get(key))
        raise UsageError(
            f"{path} was measured with another {', '.join(odd)}: name another --output, or remove it to measure again"
        )
    return known


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
