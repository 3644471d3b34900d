"""The time of day of a home's processes, moved while they run.

A small library (`clock.c`) is compiled and preloaded. libfaketime would do, were it not that Python cannot sleep
under it (EINVAL, 0.9.10) once monotonic clocks are left alone, and leaving them alone is what a set clock does.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from loadtest.outside import Failed

SOURCE = Path(__file__).with_name("clock.c")
COMPILER = shutil.which("cc")


def environment(folder: Path) -> dict[str, str]:
    """What a process must have in its environment to see the clock of `folder`, which stands right at first. Raises
    Failed where the library cannot be compiled."""
    library = folder / "clock.so"
    done = subprocess.run(  # noqa: S603 - the machine's compiler, our own source
        [str(COMPILER), "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{SOURCE.name} cannot be compiled: {done.stderr[-500:]}")
    (folder / "clock").write_bytes(struct.pack("=q", 0))
    return {"LD_PRELOAD": str(library), "YUQING_CLOCK": str(folder / "clock")}


def move(folder: Path, by_s: int) -> None:
    """Move the clock from where it stands, at once and for every process that has it mapped."""
    with (folder / "clock").open("r+b") as file:
        (stands,) = struct.unpack("=q", file.read())
        file.seek(0)
        file.write(struct.pack("=q", stands + by_s))
