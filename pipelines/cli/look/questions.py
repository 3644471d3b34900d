"""Ask the store what a panel asks, as the account of the panel's data source, and nothing else.

No SQL comes from the page: it names a board and a panel or variable, a range and the values of variables, which are
quoted as Grafana quotes them. What the account may read, and its limits, are the store's to keep.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from dashboards.frames import frames
from dashboards.macros import Window, expand
from dashboards.provisioning import ACCOUNTS
from pipelines.cli.look.boards import Boards, Statement
from pipelines.store.client import StoreSettings, connect, translated
from schemas.errors import StoreError, StoreUnavailable, UsageError

AT_ONCE = 6
"""Queries of one account at the same time: the store allows 8, and a Grafana or a person may ask too."""
LONGEST_MS = 400 * 86_400_000
LATEST_MS = 253_402_300_799_000  # the year 9999
LONGEST_VALUE = 200
MOST_OPTIONS = 5_000

Connection = Callable[[str], StoreSettings]
"""User -> where the store is now: asked anew for each client, since a restarted server may have moved."""


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a question. ``panel`` for data, ``variable`` for its options; times in epoch milliseconds."""

    board: str
    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    panel: int | None = None
    variable: str | None = None
    interval_ms: int = 60_000
    max_points: int = 0
    variables: dict[str, str] = {}

    def window(self) -> Window:
        if not 0 <= self.start < self.end <= LATEST_MS or self.end - self.start > LONGEST_MS:
            raise UsageError(f"from {self.start} to {self.end} is no range of at most 400 days")
        if not 1 <= self.interval_ms <= LONGEST_MS:
            raise UsageError(f"interval_ms {self.interval_ms} is not between 1 and {LONGEST_MS}")
        for name, value in self.variables.items():
            if len(value) > LONGEST_VALUE:
                raise UsageError(f"variable {name[:50]!r}: a value has at most {LONGEST_VALUE} characters")
        return Window(self.start, self.end, self.interval_ms)


class Questions:
    """Answers for the page. Thread-safe; each client serves one question at a time."""

    def __init__(self, boards: Boards, connection: Connection) -> None:
        self._boards = boards
        self._connection = connection
        self._idle: dict[str, list[Any]] = {user: [] for user in ACCOUNTS.values()}
        self._free = {user: threading.BoundedSemaphore(AT_ONCE) for user in ACCOUNTS.values()}

    def data(self, asked: Asked) -> list[dict[str, Any]]:
        """Grafana's data frames, those of each target in turn.

        Raises UsageError for what is asked wrongly, StoreError when the store refuses, StoreUnavailable or
        ServiceError when it is away; none quotes data.
        """
        if asked.panel is None:
            raise UsageError("panel is missing")
        window = asked.window()
        found: list[dict[str, Any]] = []
        for statement in self._boards.panel(asked.board, asked.panel):
            columns, rows = self._rows(statement, expand(statement.sql, window, asked.variables))
            found += frames(columns, rows, format=statement.format, ref_id=statement.ref_id)
        return found

    def options(self, asked: Asked) -> list[dict[str, str]]:
        """``value`` and ``text`` of each option: columns of these names (``__value`` too), else the first two."""
        if asked.variable is None:
            raise UsageError("variable is missing")
        statement = self._boards.variable(asked.board, asked.variable)
        columns, rows = self._rows(statement, expand(statement.sql, asked.window(), asked.variables))
        names = [name.removeprefix("__") for name, _ in columns]
        value = names.index("value") if "value" in names else 0
        text = names.index("text") if "text" in names else min(1, len(names) - 1)
        return [{"value": str(row[value]), "text": str(row[text])} for row in rows[:MOST_OPTIONS]]

    def health(self) -> None:
        """Raises like ``data`` when the store does not answer one of the accounts."""
        for source, user in ACCOUNTS.items():
            self._rows(Statement(user, "", source, 1, "A"), "SELECT 1")

    def _rows(self, statement: Statement, sql: str) -> tuple[list[tuple[str, str]], list[Any]]:
        if statement.source not in ACCOUNTS:
            raise UsageError(f"{statement.said}: unknown data source {statement.source!r}")
        # ClickHouse's message may quote a value: its code and name are enough, and the SQL stands in the board
        with self._client(ACCOUNTS[statement.source]) as client, translated(statement.said, detail=False):
            answer = client.query(sql)
        columns = [(name, kind.name) for name, kind in zip(answer.column_names, answer.column_types, strict=True)]
        return columns, list(answer.result_rows)

    @contextlib.contextmanager
    def _client(self, user: str) -> Iterator[Any]:
        """A client of the account's own for one question; one whose server went away is not used again."""
        with self._free[user]:
            idle = self._idle[user]
            client = idle.pop() if idle else connect(self._connection(user))
            try:
                yield client
            except StoreUnavailable:
                client.close()
                while idle:
                    idle.pop().close()
                raise
            except StoreError:
                idle.append(client)  # it answered: the statement was at fault
                raise
            except BaseException:
                client.close()
                raise
            idle.append(client)
