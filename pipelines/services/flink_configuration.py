"""The settings of the embedded Flink cluster: memory, state, restarts, all files inside the home."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from pipelines.services.registry import HOST
from schemas.errors import ServiceError, UsageError

RESTART_DELAY_MAX = "20 s"


@dataclass(frozen=True)
class Size:
    """Memory in MiB and task slots of each process. Python workers come on top, ~200 MB each and their models."""

    slots: int = 4
    jobmanager_heap: int = 448
    taskmanager_heap: int = 512
    managed: int = 256  # RocksDB and batch operators; untouched, so free, with the hashmap backend
    network: int = 64
    metaspace: int = 256
    off_heap: int = 128  # Arrow and Netty buffers of the Python operators


def flink_home() -> Path:
    """FLINK_HOME: the folder of the ``pyflink`` package, found without importing it (that takes a second)."""
    spec = find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError("apache-flink is not installed in this environment: run `make env`")
    return Path(next(iter(spec.submodule_search_locations)))


def configuration(folder: Path, ports: Mapping[str, int], size: Size, state: str) -> dict[str, Any]:
    """Flink's settings for a cluster whose files live in ``folder``, as flat keys."""
    megabytes = "{}m".format
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": ports["rpc"],
        "jobmanager.bind-host": HOST,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": ports["rest"],
        "rest.bind-port": str(ports["rest"]),
        "web.upload.dir": str(folder / "upload"),
        "io.tmp.dirs": str(folder / "tmp"),
        "process.working-dir": str(folder / "work"),
        "jobmanager.memory.heap.size": megabytes(size.jobmanager_heap),
        "jobmanager.memory.off-heap.size": megabytes(size.off_heap),
        "jobmanager.memory.jvm-metaspace.size": megabytes(size.metaspace),
        # With every part given explicitly, Flink's start-up checks need no derived flags.
        "taskmanager.cpu.cores": float(size.slots),
        "taskmanager.numberOfTaskSlots": size.slots,
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.task.heap.size": megabytes(size.taskmanager_heap),
        "taskmanager.memory.task.off-heap.size": megabytes(size.off_heap),
        "taskmanager.memory.network.min": megabytes(size.network),
        "taskmanager.memory.network.max": megabytes(size.network),
        "taskmanager.memory.managed.size": megabytes(size.managed),
        "taskmanager.memory.jvm-metaspace.size": megabytes(size.metaspace),
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "parallelism.default": 1,
        "state.backend.type": state,
        "execution.checkpointing.interval": "5 s",
        # not as_uri(): it quotes, and Flink does not unquote
        "execution.checkpointing.dir": f"file://{folder / 'checkpoints'}",
        "execution.checkpointing.savepoint-dir": f"file://{folder / 'savepoints'}",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": 2,
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": RESTART_DELAY_MAX,
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": 2147483647,  # never give up
        # A TaskManager that was killed is missed within seconds; a paused one gets most of a minute.
        "cluster.registration.error-delay": "500 ms",
        "heartbeat.interval": "2 s",
        "heartbeat.timeout": "50 s",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "env.java.opts.all": _shipped_java_options(),
    }


def _shipped_java_options() -> str:
    """The ``--add-exports``/``--add-opens`` that the wheel's own config.yaml gives for Java 17 and 21."""
    shipped = yaml.safe_load((flink_home() / "conf" / "config.yaml").read_text("utf-8"))
    return str(shipped["env"]["java"]["opts"]["all"])


_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
appender.file.name = file
appender.file.type = RollingFile
appender.file.fileName = ${sys:log.file}
appender.file.filePattern = ${sys:log.file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1.} - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
# at its level INFO it writes the whole environment of whoever submits a job; it stars only what is called token or
# password, not the password in a proxy's address
logger.environment.name = org.apache.flink.client.python.PythonEnvUtils
logger.environment.level = WARN
"""


def write_configuration(folder: Path, ports: Mapping[str, int], size: Size, state: str) -> None:
    for name in ("conf", "tmp", "work", "upload", "checkpoints", "savepoints"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = configuration(folder, ports, size, state)
    (folder / "conf" / "config.yaml").write_text(yaml.safe_dump(settings, width=100_000), "utf-8")
    (folder / "conf" / "log4j.properties").write_text(_LOGGING, "utf-8")
    (folder / "conf" / "log4j-cli.properties").write_text(_LOGGING, "utf-8")  # what `flink run` reads


def client_configuration(home: Path) -> Path:
    """The folder of configuration for `flink run` from a home without a cluster of its own: the wheel's, but for the
    log, in which the wheel's would leave the environment of whoever submits."""
    folder = home / "flink" / "client"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(flink_home() / "conf" / "config.yaml", folder / "config.yaml")
    (folder / "log4j-cli.properties").write_text(_LOGGING, "utf-8")
    return folder


REPORTER_PORTS = "YUQING_FLINK_PROMETHEUS"
"""Environment variable: a port, or a range like 9249-9268 of which each Flink process takes the first free one."""


def reporter(environ: Mapping[str, str]) -> list[str]:
    """Arguments that switch on Flink's Prometheus reporter in a JVM; none unless ``REPORTER_PORTS`` is set.

    It is off by default because it listens on every interface without authentication, and Flink 2.2 has no setting for
    that (``new InetSocketAddress(port)``); what alerts need of a job the watch serves on loopback. The jar is a plug-in
    that the wheel has. Raises UsageError for what is no port or range.
    """
    ports = environ.get(REPORTER_PORTS, "")
    if not ports:
        return []
    if not re.fullmatch(r"[1-9]\d{0,4}(-[1-9]\d{0,4})?", ports):
        raise UsageError(f"{REPORTER_PORTS} {ports!r}: write a port or a range like 9249-9268")
    values = {
        "metrics.reporters": "prom",
        "metrics.reporter.prom.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        "metrics.reporter.prom.port": ports,
    }
    return [part for key, value in values.items() for part in ("-D", f"{key}={value}")]


def read_configuration(folder: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "conf" / "config.yaml").read_text("utf-8")))


def mib(settings: Mapping[str, Any], *keys: str) -> int:
    return sum(int(str(settings[key]).removesuffix("m")) for key in keys)
