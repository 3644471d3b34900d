"""How a decoder says that it will not or cannot go on."""

from __future__ import annotations


class Refused(Exception):
    """A file or page cannot be read. ``problem`` is a code of schemas.applications.PROBLEMS; ``detail`` gives figures
    and no text of the file."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}")
        self.problem = problem
        self.detail = detail
