"""Jars are what the lock says, or they are not used."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipelines.services import jars
from schemas.errors import ServiceError

needs_maven = pytest.mark.skipif(shutil.which("mvn") is None, reason="Maven is missing: apt-get install maven")


def test_the_lock_has_what_the_pom_names() -> None:
    pom = jars.POM.read_text()
    found = re.findall(r"<artifactId>([^<*]+)</artifactId>\s*<version>([^<]+)</version>", pom)
    wanted = {
        f"{artifact}-{version}.jar"
        for artifact, version in found
        if artifact not in ("jars", "maven-dependency-plugin")
    }
    assert len(wanted) == 3
    assert wanted <= set(jars.locked()), "pom.xml changed: `make lock`"
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in jars.locked().values())


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of jars with a lock of its own."""
    where = tmp_path / "jars"
    where.mkdir()
    (where / "flink-sql-connector-kafka-1.jar").write_bytes(b"connector")
    (where / "broker.jar").write_bytes(b"broker")
    lock = tmp_path / "jars.lock"
    lock.write_text("# comment\n" + "".join(f"{jars.sha256(jar)}  {jar.name}\n" for jar in sorted(where.iterdir())))
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setenv("YUQING_JARS", str(where))
    return where


def test_jars_that_are_right_are_used(locked: Path) -> None:
    assert jars.ensure() == locked
    assert jars.kafka_jar() == locked / "flink-sql-connector-kafka-1.jar"
    assert jars.broker_class_path() == str(locked / "broker.jar")


def test_a_jar_that_differs_is_refused(locked: Path) -> None:
    (locked / "flink-sql-connector-kafka-1.jar").write_bytes(b"connectoR")
    for use in (jars.ensure, jars.kafka_jar, jars.broker_class_path):
        with pytest.raises(ServiceError, match=r"flink-sql-connector-kafka-1.jar is not the file of jars.lock"):
            use()


def test_without_maven_one_line_says_what_to_do(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (locked / "broker.jar").unlink()
    monkeypatch.setenv("PATH", str(locked))
    with pytest.raises(ServiceError, match="apt-get install maven") as raised:
        jars.ensure()
    assert len(str(raised.value).splitlines()) == 1


@needs_maven
@pytest.mark.services
def test_the_real_ones_verify() -> None:
    where = jars.ensure()
    assert jars.missing(where, jars.locked()) == []
    assert jars.kafka_jar().stat().st_size > 1_000_000
