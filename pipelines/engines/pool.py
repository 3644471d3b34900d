"""Work on single elements in processes of this command, without Beam: what `simulate` uses.

The same contract as ``elements.run_elements`` with its DirectRunner: nothing is done again, an error ends it. Importing
Beam alone takes six seconds of a core in every process, as long as twenty options on 200,000 people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from pipelines.engines.work import ELEMENTS, Work
from schemas.errors import ServiceError


def run_pool(name: str, elements: Sequence[str], work: Work, *, parallelism: int) -> dict[str, int]:
    """Do ``work`` on every element and return how many had which outcome, with their number as ``elements``.

    Processes take elements one by one, in order. Raises what ``work`` raised, and ServiceError when a process died.
    """
    processes = min(parallelism, len(elements))
    if processes <= 1:
        return _counted(_here(elements, work))
    try:
        with ProcessPoolExecutor(processes, get_context("spawn"), _open, (work,)) as pool:
            return _counted(pool.map(_process, elements))
    except BrokenProcessPool:
        raise ServiceError(f"a process of {name} died (killed, out of memory): start it again") from None


def _here(elements: Sequence[str], work: Work) -> Iterator[str]:
    work.open()
    try:
        for element in elements:
            yield work.process(element)
    finally:
        work.close()


def _counted(outcomes: Iterator[str]) -> dict[str, int]:
    counted = Counter(outcomes)
    return {ELEMENTS: counted.total(), **counted}


_opened: list[Work] = []
"""In a process of the pool: the work, open."""


def _open(work: Work) -> None:
    work.open()
    _opened.append(work)


def _process(element: str) -> str:
    return _opened[0].process(element)
