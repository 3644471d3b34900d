"""The committed dashboards, as the page may have them and as the store is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dashboards
from schemas.errors import ServiceError, UsageError

FOLDER = Path(dashboards.__file__).parent / "generated" / "boards"
FIRST = ("yuqing-command", "yuqing-opinion", "yuqing-topic", "yuqing-health", "yuqing-approval", "yuqing-policy")
"""The order of the tabs; others follow by name."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Statement:
    """One SQL statement of a dashboard, with macros and variables in it."""

    said: str
    """Which panel or variable, for errors."""
    sql: str
    source: str
    """uid of the data source."""
    format: int
    ref_id: str


@dataclass(frozen=True)
class Boards:
    """The dashboards of a folder, read anew at each question: a board that was built again shows at once."""

    folder: Path = FOLDER

    def listed(self) -> list[dict[str, str]]:
        """``uid`` and ``title`` of each."""
        order = {uid: place for place, uid in enumerate(FIRST)}
        uids = sorted((path.stem for path in self.folder.glob("*.json")), key=lambda uid: (order.get(uid, 99), uid))
        return [{"uid": uid, "title": str(self._read(uid)["title"])} for uid in uids]

    def page(self, uid: str) -> Json:
        """The board without SQL: what is asked stays here."""
        board = self._read(uid)
        for panel in _panels(board):
            panel["targets"] = [{"refId": target["refId"]} for target in panel.get("targets", [])]
        for variable in _variables(board):
            if variable["type"] == "query":
                variable.pop("query", None)
                variable.pop("definition", None)
        return board

    def panel(self, uid: str, panel_id: int) -> list[Statement]:
        """What the panel asks. Raises UsageError when there is no such board or panel."""
        for panel in _panels(self._read(uid)):
            if panel["id"] == panel_id:
                said = f"面板 {panel_id} {panel.get('title', '')}"
                return [
                    _statement(said, target, panel) for target in panel.get("targets", []) if not target.get("hide")
                ]
        raise UsageError(f"board {uid} has no panel {panel_id}")

    def variable(self, uid: str, name: str) -> Statement:
        """What gives the options of a variable. Raises UsageError when there is none of that name that asks."""
        for variable in _variables(self._read(uid)):
            if variable["name"] == name and variable["type"] == "query":
                query = variable["query"]
                asked = {"rawSql": query} if isinstance(query, str) else query
                return _statement(f"变量 {variable.get('label') or name}", {"format": 1, **asked}, variable)
        raise UsageError(f"board {uid} has no variable {name} that asks the store")

    def _read(self, uid: str) -> Json:
        # by comparison, never by joining: a uid comes from outside
        for path in self.folder.glob("*.json"):
            if path.stem == uid:
                try:
                    return dict(json.loads(path.read_text("utf-8")))
                except (OSError, ValueError) as error:
                    reason = f"board {uid} cannot be read ({type(error).__name__})"
                    raise ServiceError(f"{reason}: `yuqing dashboards build` writes it again") from None
        raise UsageError(f"there is no board {uid}")


def _panels(board: Json) -> Iterator[Json]:
    for panel in board.get("panels", []):
        yield panel
        yield from panel.get("panels", [])  # of a row that is folded


def _variables(board: Json) -> list[Json]:
    return list(board.get("templating", {}).get("list", []))


def _statement(said: str, target: Mapping[str, Any], owner: Mapping[str, Any]) -> Statement:
    source = target.get("datasource") or owner.get("datasource") or {}
    return Statement(
        said, str(target["rawSql"]), str(source.get("uid", "")), int(target["format"]), str(target.get("refId", "A"))
    )
