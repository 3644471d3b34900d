"""A wave, offered at a steady rate from a thread of its own."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka import Producer

from loadtest.faults.posts import Wave
from loadtest.outside import Failed

Give = Callable[[str, int, Sequence[bytes]], None]
"""Gives lines to the job: name of the wave, index of the first line, lines."""
IN_TIME_S = 5.0
"""A post that is stored no later than this after it was offered is no sign of a fault: a batch, a file, an insert."""


class Offer(threading.Thread):
    """Offers `wave` in pieces of half a second, `rate` lines a second. Starts when it is entered; leaving waits for it.

    Raises Failed on leaving where the wave could not be offered within `patience_s`.
    """

    def __init__(self, wave: Wave, give: Give, rate: int, patience_s: float, finish: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="feed")
        self._wave, self._give, self._rate, self._patience_s, self._finish = wave, give, rate, patience_s, finish
        self._good = sorted(wave.good)
        self._offered: list[tuple[float, int]] = []
        """When (monotonic), and how many lines were offered by then."""
        self._failure: BaseException | None = None
        self._broken_off = False

    def run(self) -> None:
        try:
            size = max(1, self._rate // 2)
            began = time.monotonic()
            for first in range(0, self._wave.count, size):
                if self._broken_off:
                    return
                self._give(self._wave.name, first, list(self._wave.lines(first, size)))
                self._offered.append((time.monotonic(), first + size))
                time.sleep(max(0.0, began + (first + size) / self._rate - time.monotonic()))
            self._finish()
        except BaseException as error:  # told by the thread that waits
            self._failure = error

    def due(self) -> int:
        """How many posts must be stored by now, where nothing is late."""
        now = time.monotonic()
        lines = max((lines for at, lines in list(self._offered) if at <= now - IN_TIME_S), default=0)
        return bisect_left(self._good, lines)

    def __enter__(self) -> Offer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._broken_off = kind is not None
        self.join(timeout=self._patience_s)
        if kind is None and (self._failure is not None or self.is_alive()):
            raise Failed(f"the wave could not be offered: {self._failure or 'it takes too long'}")


def to_folder(inbox: Path) -> tuple[Give, Callable[[], None]]:
    """A file a piece, renamed when it is whole."""

    def give(wave: str, first: int, lines: Sequence[bytes]) -> None:
        aside = inbox / f".{wave}-{first:06d}.jsonl"
        aside.write_bytes(b"".join(line + b"\n" for line in lines))
        aside.rename(inbox / aside.name[1:])

    return give, lambda: None


def to_kafka(server: str, topic: str) -> tuple[Give, Callable[[], None]]:
    """A message a line, by an idempotent producer that waits for a broker that is away."""
    producer = Producer({"bootstrap.servers": server, "enable.idempotence": True, "log_level": 0})

    def give(wave: str, first: int, lines: Sequence[bytes]) -> None:
        for index, line in enumerate(lines, first):
            producer.produce(topic, line, key=str(index))
        producer.poll(0)

    def finish() -> None:
        if left := producer.flush(240):
            raise Failed(f"Kafka did not take {left} posts")

    return give, finish
