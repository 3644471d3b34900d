"""What an engine runs: a named list of steps with a declared purpose, as data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from governance.breaker import CircuitBreaker
from pipelines.engines.chain import Chain, DeadLetters
from schemas.step import Sink, Step


@dataclass(frozen=True)
class Job:
    """A job before anything is opened; pickles, so that an engine can send it to its workers."""

    name: str
    purpose: str
    """What the data is processed for; a job without one does not start (PIPL art. 6)."""
    lawful_basis: str
    """What allows it: keys of governance.purpose.LAWFUL_BASES, with commas between (PIPL art. 13)."""
    steps: tuple[Step, ...]
    dead_letters: DeadLetters

    def without_sinks(self) -> Job:
        """The same steps as a pure function of a post: what the inline filters run."""
        return replace(self, steps=tuple(step for step in self.steps if not isinstance(step, Sink)))

    @contextmanager
    def opened(self, *, breaker: bool) -> Iterator[Chain]:
        """A chain ready to run, closed at the end. Raises what opening a step raises."""
        chain = Chain(self.steps, self.dead_letters, CircuitBreaker() if breaker else None)
        chain.open()
        try:
            yield chain
        finally:
            chain.close()
