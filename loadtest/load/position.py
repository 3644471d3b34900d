"""How far the store is behind what was offered: from the positions of its rows, and from Kafka's own books.

`posts` and `dead_letters` hold the position of each record, so what was offered in a run is found again exactly, in a
topic that other runs used before, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Ask = Callable[[str], list[tuple[Any, ...]]]


@dataclass
class Position:
    """Which rows are the run's. `begins` are the topic's end offsets before the run, by partition."""

    source: str
    """Topic, or the name of the folder source."""
    broker: str = ""
    """"": a folder."""
    begins: dict[int, int] = field(default_factory=dict)
    files: str = ""
    """Of a folder: the beginning of the run's files' names."""
    group: str = "yuqing"
    _consumer: Any = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """A condition on `posts` and `dead_letters` that holds for the run's rows alone."""
        named = f"source = {quoted(self.source)}"
        old = [f"partition = '{number}' AND offset < {begin}" for number, begin in self.begins.items() if begin]
        if self.files:
            named += f" AND startsWith(partition, {quoted(self.files)})"
        return named + (f" AND NOT ({' OR '.join(old)})" if old else "")

    def ends(self) -> dict[int, int]:
        """End offset of each partition, as the broker says it now."""
        from confluent_kafka import TopicPartition

        consumer = self._connected()
        parts = consumer.list_topics(self.source, timeout=10).topics[self.source].partitions
        return {
            number: consumer.get_watermark_offsets(TopicPartition(self.source, number), timeout=10)[1]
            for number in parts
        }

    def committed(self) -> dict[int, int]:
        """What the job's group has committed (at its checkpoints), by partition; partitions without a commit at 0."""
        from confluent_kafka import TopicPartition

        parts = [TopicPartition(self.source, number) for number in self.begins]
        return {one.partition: max(one.offset, 0) for one in self._connected().committed(parts, timeout=10)}

    def _connected(self) -> Any:
        if self._consumer is None:
            from confluent_kafka import Consumer

            self._consumer = Consumer(
                {"bootstrap.servers": self.broker, "group.id": self.group, "enable.auto.commit": False}
            )
        return self._consumer

    def sample(self, ask: Ask) -> dict[str, Any]:
        """rows, dead (both without FINAL: a redelivery counts twice for a while); of Kafka also end (records in the
        topic), lag (records behind the highest stored position) and lag_committed."""
        ((rows,),) = ask(f"SELECT count() FROM posts WHERE {self.where}")  # noqa: S608 - quoted
        ((dead,),) = ask(f"SELECT count() FROM dead_letters WHERE {self.where}")  # noqa: S608 - quoted
        found: dict[str, Any] = {"rows": rows, "dead": dead}
        if self.broker:
            ends, stored, committed = self.ends(), self._stored(ask), self.committed()
            begins = self.begins
            found["end"] = sum(end - begins.get(number, 0) for number, end in ends.items())
            found["lag"] = sum(end - max(stored.get(number, 0), begins.get(number, 0)) for number, end in ends.items())
            found["lag_committed"] = sum(
                end - max(committed.get(number, 0), begins.get(number, 0)) for number, end in ends.items()
            )
        return found

    def _stored(self, ask: Ask) -> dict[int, int]:
        both = " UNION ALL ".join(
            f"SELECT partition, offset FROM {table} WHERE {self.where}"  # noqa: S608 - quoted
            for table in ("posts", "dead_letters")
        )
        rows = ask(f"SELECT toInt32(partition), max(offset) + 1 FROM ({both}) GROUP BY partition")  # noqa: S608
        return {int(number): int(upto) for number, upto in rows}


def quoted(text: str) -> str:
    """As a literal of ClickHouse."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
