"""A real broker: records in, records out, still there after kill -9."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from pipelines.services import kafka
from pipelines.services.process import HOME_MARK, kill_leader, marked
from pipelines.services.registry import HOST, Registry, free_port

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(shutil.which("mvn") is None, reason="Maven is missing: apt-get install maven"),
]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "home")
    registry.home.mkdir()
    try:
        yield registry
    finally:
        kafka.stop_broker(registry, grace=5)
        assert list(marked(HOME_MARK, str(registry.home))) == [], "nothing is left running"


def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    refused: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: refused.append(error) if error else None)
    assert producer.flush(60) == 0
    assert refused == []


def consume(bootstrap: str, topic: str, count: int) -> list[tuple[bytes, int]]:
    """Values and timestamps of the first ``count`` records of all partitions."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False, "log_level": 0}
    )
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        assert len(partitions) == kafka.PARTITIONS
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found: list[tuple[bytes, int]] = []
        deadline = time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records came"
            message = consumer.poll(1)
            if message is not None and message.error() is None:
                found.append((message.value(), message.timestamp()[1]))
        return found
    finally:
        consumer.close()


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_acknowledged_records_survive_the_broker(registry: Registry) -> None:
    began = time.time() * 1000
    service = kafka.start(registry)
    where = kafka.bootstrap(service)
    assert service.url == f"kafka://{where}"
    assert kafka.start(registry) == service, "starting twice starts once"
    values = [f"record {number}".encode() for number in range(1000)]
    produce(where, "posts", values)  # the topic is made by this
    found = consume(where, "posts", len(values))
    assert sorted(value for value, _ in found) == sorted(values)
    assert all(began - 1000 < stamp < time.time() * 1000 + 1000 for _, stamp in found)

    assert kill_leader(service.process)
    again = kafka.start(registry)
    assert again.pid != service.pid
    assert kafka.bootstrap(again) == where, "clients know this address"
    assert sorted(value for value, _ in consume(where, "posts", len(values))) == sorted(values)
    produce(where, "posts", [b"one more"])
    assert len(consume(where, "posts", len(values) + 1)) == len(values) + 1

    kafka.stop_broker(registry)
    assert registry.services() == {}
    assert not kafka.answers(where)
    assert "posts-0" in os.listdir(registry.home / "kafka" / "data"), "stopping keeps the data"


def test_a_broker_that_is_not_there_does_not_answer() -> None:
    assert not kafka.answers(f"{HOST}:{free_port(21000)}")


def test_its_address_is_loopback(tmp_path: Path) -> None:
    settings = kafka.properties(tmp_path, {"client": 1, "controller": 2})
    for key in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        assert set(str(settings[key]).replace("PLAINTEXT://", "").split(",")) <= {
            f"{HOST}:1",
            f"CONTROLLER://{HOST}:2",
            f"1@{HOST}:2",
        }, key
