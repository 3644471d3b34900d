"""Throughput over parallelism (a generated feed) and over the size of Kafka batches (one topic, read repeatedly)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from loadtest.load.posts import read_feed
from loadtest.outside import Failed, Outside
from loadtest.scale import kept, runs
from loadtest.scale.cost import source_of

PARALLELISM = (1, 2, 4)
BATCHES = (64, 128, 256, 512, 1024, 2048, 4096)
PARTITIONS = 4
TOPIC = "scale-curve"


def measure(
    home: Outside,
    output: Path,
    parallelism: Sequence[int],
    batches: Sequence[int],
    posts: int,
    settings: Sequence[str],
    stop: threading.Event,
) -> dict[str, Any]:
    """The report: `parallelism` and `batch`, each a list of points. What stands under `output` is kept."""
    machine = kept.once(output / "begun.json", {}, lambda: kept.machine() | {"idle_cores": runs.idle(home)})
    found: dict[str, Any] = {"machine": {k: v for k, v in machine.items() if k not in ("request", "made")}}
    found |= {"posts": posts, "settings": list(settings), "parallelism": [], "batch": []}

    def run(name: str, request: runs.Request) -> dict[str, Any]:
        runs.say(f"{name}: {posts:,} posts")
        return runs.measured(home, output / "points" / f"{name}.json", request, stop, machine["idle_cores"])

    for seed, workers in enumerate(parallelism, 201):
        request = runs.Request(source_of("", posts, seed), workers, tuple(settings))
        found["parallelism"].append({"parallelism": workers} | _short(run(f"parallelism-{workers}", request)))
    if batches:
        workers = max(parallelism, default=2)
        topic = f"{TOPIC}-{posts}"
        kept.once(output / "topic.json", {"topic": topic}, lambda: {"sent": fill(home, topic, posts)})
        for batch in batches:
            # a group of its own, so that each run reads the topic from its beginning
            source = f"kafka://{home.kafka()}/{topic}?group=scale-{batch}&start=earliest&end=latest"
            request = runs.Request(source, workers, (*settings, f"flink.batch={batch}"))
            point = run(f"batch-{batch}", request)
            found["batch"].append({"batch": batch, "parallelism": workers} | _short(point))
    return found


def _short(point: dict[str, Any]) -> dict[str, Any]:
    return {
        name: point[name]
        for name in (
            "posts",
            "dead_letters",
            "span_s",
            "posts_per_s",
            "command_s",
            "latency_s",
            "remembered",
            "step_us",
        )
    } | {"cpu_ms": 1000 * point["cpu_s"]["all"] / point["posts"], "segments": point["segments"]}


def fill(home: Outside, topic: str, posts: int) -> int:
    """Put a generated feed of `posts` posts into a new topic; returns how many the broker acknowledged."""
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": home.kafka()})
    made = admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    try:
        made[topic].result(timeout=60)
    except Exception as error:
        raise Failed(f"topic {topic}: {error}; remove it, or name another --posts") from None
    return send(home.kafka(), topic, read_feed(home, source_of("", posts, 301)))


def send(brokers: str, topic: str, lines: Iterable[bytes]) -> int:
    """Produce `lines` as fast as the broker takes them. Raises Failed when one was not acknowledged."""
    from confluent_kafka import Producer

    failed: list[str] = []

    def delivered(error: Any, _: Any) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 20})
    count = 0
    for line in lines:
        while True:
            try:
                producer.produce(topic, line, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        count += 1
        if not count % 1000:
            producer.poll(0)
    left = producer.flush(120)
    if left or failed:
        raise Failed(
            f"topic {topic}: {left} records not sent, {len(failed)} refused{': ' + failed[0] if failed else ''}"
        )
    return count


def table(report: dict[str, Any]) -> str:
    """The report as Markdown."""

    def rows(key: str, first: Callable[[dict[str, Any]], str]) -> list[list[str]]:
        return [
            [
                first(row),
                f"{row['posts_per_s']:,.0f}" if row["posts_per_s"] else f"in {row['segments']} parts",
                f"{row['cpu_ms']:.2f}",
                f"{row['span_s']:,.1f}",
                f"{row['command_s']:,.0f}",
                "/".join(f"{row['latency_s'][name]:.1f}" for name in ("p50", "p99")),
                "not counted" if row["remembered"] is None else f"{row['remembered']:.0%}",
            ]
            for row in report[key]
        ]

    machine = report["machine"]
    head = ["posts/s", "CPU ms a post, with the start", "s from first read to last stored", "wall s of the command"]
    head += ["p50/p99 s from read to stored", "model results remembered"]
    text = f"{machine['cores']} cores ({machine['cpu']}), {machine['date']}, {report['posts']:,} posts a run\n\n"
    text += kept.markdown(["parallelism", *head], rows("parallelism", lambda row: str(row["parallelism"])))
    if report["batch"]:
        text += f"\nKafka, parallelism {report['batch'][0]['parallelism']}:\n\n"
        text += kept.markdown(["flink.batch", *head], rows("batch", lambda row: f"{row['batch']:,}"))
    return text
