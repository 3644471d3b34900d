"""How many machines a load would need: **computed** from measured figures, every line of arithmetic written out.

Nothing of this was run at that size. What it rests on stands under the table, and a site measures it again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.scale import kept
from loadtest.scale.figures import GPU_TEXTS_S, Figures
from schemas.errors import UsageError

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Assumptions:
    """What is not measured. Every one is an option of the command, and stands in the table's foot."""

    peak: float = 2.0
    """The busiest minute of an hour, by the hour's mean."""
    busy: float = 0.6
    """Share of a core, or of a GPU, that may be used in that minute: above it queues grow."""
    shard_cores: int = 16
    """Of a ClickHouse machine."""
    shard_busy: float = 0.5
    """Share of them for taking posts in; the rest is for those who ask."""
    shard_disk_tb: float = 8.0
    replicas: int = 2
    """Copies of each shard."""
    days: int = 180
    """That posts are kept (TTL of `posts`)."""
    kafka_days: int = 7
    kafka_copies: int = 3
    partition_mb_s: float = 5.0
    """Megabytes a second that one partition takes with ease."""
    remembered: float = 0.0
    """Share of posts whose model result is remembered: 0 is the night without copies."""
    insert_bytes: float = 2_000.0
    """Of a post on its way to ClickHouse, uncompressed."""


def rates(text: str) -> list[int]:
    """`1M,10M` to posts an hour. Raises UsageError."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", part.strip())
        if match is None or not float(match[1]):
            raise UsageError(f"--posts-per-hour {part!r}: write numbers like 500k, 1M, 1000M, with commas between")
        found.append(round(float(match[1]) * _UNITS[match[2]]))
    return found


def size(posts_per_hour: int, figures: Figures, assumed: Assumptions) -> dict[str, Any]:
    """What a load needs, and `lines`: how each number came about."""
    lines: list[str] = []
    mean = posts_per_hour / 3600
    peak = mean * assumed.peak
    lines.append(
        f"{posts_per_hour:,} posts an hour / 3,600 = {mean:,.0f} a second; x {assumed.peak:g} in the busiest minute ="
        f" {peak:,.0f}"
    )
    model_ms = figures.step_ms["classify"] / (1 - figures.remembered) * (1 - assumed.remembered)
    other_ms = sum(spent for name, spent in figures.step_ms.items() if name != "classify")
    lines.append(
        f"model: {figures.step_ms['classify']:.3f} ms a post with {figures.remembered:.0%} of results remembered, so"
        f" {model_ms:.3f} with {assumed.remembered:.0%}"
    )
    job_ms = other_ms + model_ms + figures.engine_ms
    cores = math.ceil(peak * job_ms / 1000 / assumed.busy)
    lines.append(
        f"workers: ({other_ms:.3f} other steps + {model_ms:.3f} model + {figures.engine_ms:.3f} engine) ms x"
        f" {peak:,.0f} / 1,000 / {assumed.busy:g} = {cores:,} cores"
    )
    rest = math.ceil(peak * (other_ms + figures.engine_ms) / 1000 / assumed.busy)
    lines.append(
        f"workers with the model on GPUs: ({other_ms:.3f} + {figures.engine_ms:.3f}) ms x {peak:,.0f} / 1,000 /"
        f" {assumed.busy:g} = {rest:,} cores"
    )
    gpus = {}
    for name, texts in GPU_TEXTS_S.items():
        asked = peak * (1 - assumed.remembered)
        gpus[name] = math.ceil(asked / texts / assumed.busy)
        lines.append(
            f"GPUs, encoder {name}: {asked:,.0f} texts a second / {texts:,.0f} of one GPU / {assumed.busy:g} ="
            f" {gpus[name]:,}"
        )
    mb_s = peak * figures.message_bytes / 1e6
    partitions = max(cores, math.ceil(mb_s / assumed.partition_mb_s))
    lines.append(
        f"Kafka partitions: the larger of {cores:,} (one a worker core) and {mb_s:,.1f} MB/s /"
        f" {assumed.partition_mb_s:g} MB/s = {partitions:,}"
    )
    store_ms = figures.services_ms.get("clickhouse", 0.0)
    store_cores = peak * store_ms / 1000
    by_cpu = math.ceil(store_cores / (assumed.shard_cores * assumed.shard_busy))
    kept_tb = posts_per_hour * 24 * assumed.days * figures.disk_bytes / 1e12
    by_disk = math.ceil(kept_tb / assumed.shard_disk_tb)
    shards = max(1, by_cpu, by_disk)
    lines.append(
        f"ClickHouse: {store_ms:.3f} ms x {peak:,.0f} / 1,000 = {store_cores:,.1f} cores; / ({assumed.shard_cores} x"
        f" {assumed.shard_busy:g}) = {by_cpu:,} shards by CPU"
    )
    lines.append(
        f"ClickHouse disk: {posts_per_hour:,} x 24 x {assumed.days} days x {figures.disk_bytes:,.0f} bytes ="
        f" {kept_tb:,.2f} TB; / {assumed.shard_disk_tb:g} TB = {by_disk:,} shards by disk; {shards:,} in all, x"
        f" {assumed.replicas} replicas"
    )
    kafka_tb = posts_per_hour * 24 * assumed.kafka_days * figures.message_bytes * assumed.kafka_copies / 1e12
    lines.append(
        f"Kafka disk: {posts_per_hour:,} x 24 x {assumed.kafka_days} days x {figures.message_bytes:,.0f} bytes x"
        f" {assumed.kafka_copies} copies = {kafka_tb:,.2f} TB"
    )
    # into Kafka and its copies, out of it to the workers, from them to each replica
    copies = 1 + (assumed.kafka_copies - 1) + 1
    network = peak * (figures.message_bytes * copies + assumed.insert_bytes * assumed.replicas) * 8 / 1e9
    lines.append(
        f"network: {peak:,.0f} x ({figures.message_bytes:,.0f} bytes x {copies} (in, copies, out) +"
        f" {assumed.insert_bytes:,.0f} x {assumed.replicas}) x 8 = {network:,.2f} Gbit/s, all links together"
    )
    followers_ms = sum(spent for kind, spent in figures.services_ms.items() if kind not in ("clickhouse", "kafka"))
    followers = peak * followers_ms / 1000
    lines.append(
        f"watch and notifier: {followers_ms:.3f} ms x {peak:,.0f} / 1,000 = {followers:.2f} cores"
        + (". **Each is one process: above 1 it does not keep up, and needs another design**" if followers > 1 else "")
    )
    return {
        "posts_per_hour": posts_per_hour,
        "posts_a_second": peak,
        "cores": cores,
        "cores_with_gpu": rest,
        "gpus": gpus,
        "partitions": partitions,
        "shards": shards,
        "machines_of_the_store": shards * assumed.replicas,
        "disk_tb": kept_tb * assumed.replicas,
        "kafka_tb": kafka_tb,
        "network_gbit_s": network,
        "follower_cores": followers,
        "lines": lines,
    }


def report(loads: Sequence[int], figures: Figures, assumed: Assumptions) -> dict[str, Any]:
    """Raises UsageError for an assumption that makes no sense."""
    for name in ("busy", "shard_busy"):
        if not 0 < getattr(assumed, name) <= 1:
            raise UsageError(f"--{name.replace('_', '-')} {getattr(assumed, name):g}: a share above 0 and up to 1")
    if not 0 <= assumed.remembered < 1:
        raise UsageError(f"--remembered {assumed.remembered:g}: a share from 0 to less than 1")
    for name, value in asdict(assumed).items():
        if name not in ("busy", "shard_busy", "remembered") and value <= 0:
            raise UsageError(f"--{name.replace('_', '-')} {value:g}: more than 0")
    return {
        "computed": True,
        "figures": asdict(figures),
        "assumptions": asdict(assumed),
        "loads": [size(load, figures, assumed) for load in loads],
    }


def table(found: dict[str, Any]) -> str:
    """The report as Markdown."""
    small, large = GPU_TEXTS_S
    head = [
        "posts an hour",
        "posts/s at the peak",
        "cores, all on CPU",
        "cores with GPUs",
        f"GPUs, {small}",
        f"GPUs, {large}",
    ]
    head += ["Kafka partitions", "ClickHouse shards", "disk of the store, TB", "Kafka disk, TB", "Gbit/s"]
    rows = [
        [
            f"{one['posts_per_hour'] / 1000000.0:,g} million",
            f"{one['posts_a_second']:,.0f}",
            f"{one['cores']:,}",
            f"{one['cores_with_gpu']:,}",
            f"{one['gpus'][small]:,}",
            f"{one['gpus'][large]:,}",
            f"{one['partitions']:,}",
            f"{one['shards']:,} x {found['assumptions']['replicas']}",
            f"{one['disk_tb']:,.1f}",
            f"{one['kafka_tb']:,.1f}",
            f"{one['network_gbit_s']:,.2f}",
        ]
        for one in found["loads"]
    ]
    figures = found["figures"]
    text = f"**Computed**, not run, from figures of {figures['machine']} (`{figures['command']}`).\n\n"
    text += kept.markdown(head, rows) + "\nAssumed: "
    text += ", ".join(f"{name} {value:g}" for name, value in found["assumptions"].items()) + ".\n"
    for one in found["loads"]:
        text += f"\n{one['posts_per_hour']:,} posts an hour:\n\n" + "".join(f"- {line}\n" for line in one["lines"])
    return text
