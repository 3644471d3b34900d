"""One real Apache Kafka broker (KRaft, broker and controller in one JVM) for development and tests, on loopback.

Its files live under ``HOME/kafka``. Topics are made on first use. One node has one copy of the data: an acknowledged
record survives the death of the process (the kernel has it), not that of the disk. In production use your own Kafka.
"""

from __future__ import annotations

import base64
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.services.jars import broker_class_path
from pipelines.services.java import find_java
from pipelines.services.process import rotate, spawn, stop, tail, wait_until_answers
from pipelines.services.registry import HOST, Registry, Service, is_free
from schemas.errors import ServiceError

NAME = "kafka"
DEFAULT_PORTS = {"client": 9092, "controller": 9093}
HEAP_MB = 320
PARTITIONS = 4  # of a topic made on first use
RETENTION_HOURS = 168
Properties = dict[str, str | int]
START_TIMEOUT = 120.0  # 4-6 s on an idle machine


def properties(folder: Path, ports: Mapping[str, int]) -> Properties:
    """The broker's settings. What is not here is Kafka's default."""
    client, controller = f"{HOST}:{ports['client']}", f"{HOST}:{ports['controller']}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{client},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{client}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "auto.create.topics.enable": "true",
        "num.partitions": PARTITIONS,
        "log.retention.hours": RETENTION_HOURS,
        # one node: one replica of everything, and few internal partitions
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # a small heap: the default cleaner buffer alone is 128 MiB
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 4,
        "group.initial.rebalance.delay.ms": 0,
    }


_LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = file
logger.server.name = kafka.server
logger.server.level = INFO
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
"""


def start(registry: Registry, change: Callable[[Properties], Properties] = lambda own: own) -> Service:
    """Start the broker unless it runs; return once it answers clients. Call with the registry locked.

    ``change`` gets the broker's settings and returns those it shall have: with a listener more, say. The one on
    loopback must stay, since that is where it is asked whether it answers.
    """
    running = registry.running(NAME)
    if running is not None:  # the caller before may have gone before it answered
        return _await(running)
    class_path = broker_class_path()
    folder = registry.home / "kafka"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    registry.logs.mkdir(parents=True, exist_ok=True)
    log = registry.logs / f"{NAME}.log"
    output = log.with_suffix(".out")
    with registry.ports(NAME, DEFAULT_PORTS) as ports:
        settings = folder / "server.properties"
        values = change(properties(folder, ports))
        settings.write_text("".join(f"{key}={value}\n" for key, value in values.items()), "utf-8")
        (folder / "log4j2.properties").write_text(_LOGGING, "utf-8")
        rotate(log)
        java = [
            str(find_java() / "bin" / "java"),
            f"-Xmx{HEAP_MB}m",
            "-XX:+UseSerialGC",
            f"-Dlog.file={log}",
            f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
            "-classpath",
            class_path,
        ]
        if not (folder / "data" / "meta.properties").is_file():
            _format(java, settings, output)
        process = spawn(NAME, [*java, "kafka.Kafka", settings], home=registry.home, log=output)
        service = Service.of(NAME, process, ports=ports, url=f"kafka://{HOST}:{ports['client']}", log=log)
        registry.put(service)
        return _await(service)


def _await(service: Service) -> Service:
    log = Path(service.log)
    wait_until_answers(
        NAME,
        lambda: answers(bootstrap(service)),
        service.process,
        logs=(log.with_suffix(".out"), log),
        timeout=START_TIMEOUT,
    )
    return service


def stop_broker(registry: Registry, *, grace: float = 30) -> None:
    """Stop the broker cleanly: its logs are flushed, the next start need not recover them."""
    service = registry.entry(NAME)
    if service is not None:
        stop(service.process, grace=grace)
        registry.drop(NAME)


def bootstrap(service: Service) -> str:
    """``host:port``, as Kafka clients call it."""
    return f"{HOST}:{service.ports['client']}"


def answers(bootstrap_servers: str) -> bool:
    """True if a broker there tells its metadata; ``bootstrap_servers`` as in Kafka's clients, any host. At most 3 s."""
    return answers_of(bootstrap_servers, {}, timeout=3) is None


def answers_of(bootstrap_servers: str, access: Mapping[str, Any], timeout: float) -> str | None:
    """None if a broker there tells its metadata to who signs in with ``access`` (librdkafka's options); else what the
    client said of it, "" for silence. The client's words hold addresses and settings' names, no password."""
    hosts = [address.rpartition(":") for address in bootstrap_servers.split(",")]
    if all(host == HOST and port.isdigit() and is_free(int(port)) for host, _, port in hosts):
        return ""  # at once: librdkafka would try until its time is up
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    said: list[str] = []
    options = {"bootstrap.servers": bootstrap_servers, "log_level": 0, "socket.timeout.ms": 3000, **access}
    client = AdminClient(options | {"error_cb": lambda error: said.append(error.str())})
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        try:
            if client.list_topics(timeout=1).brokers:
                return None
        except KafkaException as error:
            said.append(error.args[0].str())
        client.poll(0.1)
        if any(word in one for one in said for word in ("SASL auth", "SSL handshake", "security.protocol")):
            break  # it will not change its mind
    return "\n".join(said)


def _format(java: list[str], settings: Path, output: Path) -> None:
    """Give the empty data folder a cluster id, as KRaft demands before the first start."""
    # the prefix keeps the id from beginning with a dash, which the tool would read as an option
    cluster = "y" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")[1:]
    command = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(settings)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=START_TIMEOUT, check=False)  # noqa: S603
    if done.returncode != 0:
        output.write_bytes(done.stdout + done.stderr)
        raise ServiceError(f"Kafka's data folder cannot be formatted:\n{tail(output)}")
