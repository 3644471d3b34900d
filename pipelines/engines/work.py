"""What is done with single elements (texts such as paths), whichever engine deals them out."""

from __future__ import annotations

from typing import Protocol

ELEMENTS = "elements"
"""Counts every element; the other counters are the outcomes."""


class Work(Protocol):
    """What is done with an element. Pickles before it is opened, as instance of a class that workers can import; one
    object a worker, one thread. It holds no secret (keys, passwords): on Flink the pickle lies in HOME/runs. ``open``
    gets those from HOME."""

    def open(self) -> None:
        """Load what every element needs. Called once, before the first."""

    def process(self, element: str) -> str:
        """Do it, write what came of it, and return the outcome (one word) to count. An error ends or repeats the
        whole bundle: raise only what no element causes."""

    def close(self) -> None:
        """Called once after the last element, not after a kill."""
