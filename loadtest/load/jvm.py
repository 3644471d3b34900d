"""Garbage collection of any HotSpot JVM of this user, from the counters it keeps in a mapped file for jps and jstat.

Layout: OpenJDK, src/hotspot/share/runtime/perfMemory.hpp (PerfDataPrologue, PerfDataEntry). Costs a read of 32 KiB, no
request to the JVM; there is nothing where it runs with -XX:-UsePerfData or has another /tmp.
"""

from __future__ import annotations

import contextlib
import getpass
import struct
from pathlib import Path
from typing import Any

_MAGIC = b"\xca\xfe\xc0\xc0"


def counters(data: bytes) -> dict[str, int]:
    """Every counter of type long in the file's bytes. Raises ValueError where it is no such file."""
    if data[:4] != _MAGIC or len(data) < 32:
        raise ValueError("not a file of HotSpot's performance counters")
    order = ">" if data[4] == 0 else "<"
    entry, count = struct.unpack_from(f"{order}ii", data, 24)
    found = {}
    for _ in range(count):
        length, name_at, vector, kind, _, _, _, data_at = struct.unpack_from(f"{order}iiibbbbi", data, entry)
        if kind == ord("J") and vector == 0:
            begin = entry + name_at
            name = data[begin : data.index(b"\0", begin)].decode("ascii")
            found[name] = struct.unpack_from(f"{order}q", data, entry + data_at)[0]
        if length <= 0:
            break
        entry += length
    return found


def collections(found: dict[str, int]) -> dict[str, float]:
    """seconds and count of all collectors since the JVM's start, and the heap's bytes in use after the last one."""
    frequency = found["sun.os.hrt.frequency"]
    collectors = [name for name in found if name.startswith("sun.gc.collector.") and name.endswith(".time")]
    used = [value for name, value in found.items() if name.startswith("sun.gc.generation.") and name.endswith(".used")]
    return {
        "seconds": sum(found[name] for name in collectors) / frequency,
        "count": sum(found[name.removesuffix("time") + "invocations"] for name in collectors),
        "used": sum(used),
    }


def by_kind(pids: dict[int, str]) -> dict[str, Any]:
    """kind -> what `collections` gives, for each JVM among the processes."""
    folder = Path("/tmp") / f"hsperfdata_{getpass.getuser()}"  # noqa: S108 - where HotSpot puts it, whatever TMPDIR says
    found: dict[str, Any] = {}
    for pid, kind in pids.items():
        with contextlib.suppress(OSError, ValueError, KeyError):
            one = collections(counters((folder / str(pid)).read_bytes()))
            before = found.get(kind, {})
            found[kind] = {name: round(value + before.get(name, 0), 4) for name, value in one.items()}
    return found
