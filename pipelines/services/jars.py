"""The jars that PyPI does not carry: Flink's Kafka connector, and the Kafka broker for development and tests.

``pom.xml`` names the versions, Maven resolves them, ``jars.lock`` pins every file by SHA-256, and every use checks it.
They lie in ``$YUQING_JARS``, else in ``.jars`` of the checkout, else in ``~/.cache/yuqing/jars``.

    python -m pipelines.services.jars            fetch what is missing
    python -m pipelines.services.jars --lock     resolve pom.xml anew and rewrite jars.lock
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.services.java import find_java
from schemas.errors import ServiceError

_HERE = Path(__file__).parent
POM, LOCK = _HERE / "pom.xml", _HERE / "jars.lock"
CONNECTOR = "flink-sql-connector-kafka-"
FETCH_TIMEOUT = 600.0  # 10 s here; a slow line may need minutes for 55 MB


def folder() -> Path:
    """Where the jars lie or will lie."""
    if os.environ.get("YUQING_JARS"):
        return Path(os.environ["YUQING_JARS"]).absolute()
    checkout = _HERE.parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".jars"
    return Path.home() / ".cache" / "yuqing" / "jars"


def locked() -> dict[str, str]:
    """File name -> SHA-256 of every jar, from jars.lock (the format of ``sha256sum -c``)."""
    pairs = (line.split(maxsplit=1) for line in LOCK.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {name.strip(): digest for digest, name in pairs}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing(where: Path, wanted: dict[str, str]) -> list[str]:
    """Those of ``wanted`` that are not in ``where``. A file that is there but differs raises ServiceError."""
    absent = []
    for name, digest in wanted.items():
        path = where / name
        if not path.is_file():
            absent.append(name)
        elif sha256(path) != digest:
            raise ServiceError(f"{path} is not the file of jars.lock (SHA-256 differs): remove it, then `make jars`")
    return absent


def ensure() -> Path:
    """Return the folder with every jar in it, each checked against the lock; fetch through Maven what is missing.

    Cost: 0.1 s when all are there. Raises ServiceError without Maven, without a network, or for a file that differs.
    """
    where, wanted = folder(), locked()
    if missing(where, wanted):
        where.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=where.parent, prefix=".jars-") as fresh:
            fetch(Path(fresh))
            absent = missing(Path(fresh), wanted)
            if absent:
                raise ServiceError(f"Maven brought no {', '.join(absent)}: pom.xml and jars.lock disagree, `make lock`")
            where.mkdir(exist_ok=True)
            for name in wanted:
                (Path(fresh) / name).replace(where / name)
    return where


def kafka_jar() -> Path:
    """Path of Flink's Kafka connector, checked against the lock. The Flink engine passes it to ``add_jars``."""
    wanted = {name: digest for name, digest in locked().items() if name.startswith(CONNECTOR)}
    (name,) = wanted
    if missing(folder(), wanted):
        ensure()
    return folder() / name


def broker_class_path() -> str:
    """The class path of the Kafka broker, every jar checked against the lock."""
    where = ensure()
    return ":".join(str(where / name) for name in locked() if not name.startswith(CONNECTOR))


def fetch(where: Path) -> None:
    """Let Maven resolve pom.xml and copy the jars into ``where``."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ServiceError("the Kafka jars are fetched with Maven, which is missing: apt-get install maven")
    command = [maven, "--quiet", "--batch-mode", "--file", str(POM), "dependency:copy-dependencies"]
    try:
        done = subprocess.run(  # noqa: S603 - the command line is ours
            [*command, f"-DoutputDirectory={where}", "-DincludeScope=runtime"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT,
            env={**os.environ, "JAVA_HOME": str(find_java())},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(f"Maven did not fetch the Kafka jars within {FETCH_TIMEOUT:.0f} s: try again") from None
    if done.returncode != 0:
        why = next((line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line), "no reason given")
        raise ServiceError(f"Maven could not fetch the Kafka jars: {why[:500]}")


def write_lock() -> int:
    """Resolve pom.xml anew and write jars.lock; return the number of jars."""
    with tempfile.TemporaryDirectory() as fresh:
        fetch(Path(fresh))
        jars = sorted(Path(fresh).glob("*.jar"))
        lines = [f"{sha256(jar)}  {jar.name}" for jar in jars]
    LOCK.write_text("\n".join(["# written by `make lock` from pom.xml; SHA-256 and file name", *lines, ""]), "utf-8")
    return len(jars)


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["--lock"]:
            sys.stdout.write(f"{write_lock()} jars in {LOCK}\n")
        else:
            sys.stdout.write(f"{ensure()}\n")
    except ServiceError as error:
        sys.exit(str(error))
