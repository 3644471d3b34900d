"""Writes the committed files: ``dashboards/generated``.

The same code gives the same bytes, so ``--check`` can tell when somebody changed one without the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import UsageError

GENERATED = Path(__file__).parent / "generated"
BOARDS = "boards"
PROVISIONING = "provisioning"


def boards() -> dict[str, dict[str, Any]]:
    """uid -> dashboard as JSON, as Grafana's API and its file provisioning take it."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    from dashboards.boards import approval, command, health, opinion, policy, topic

    found = {}
    for module in (command, opinion, topic, health, approval, policy):
        built = json.loads(json.dumps(module.board().build(), cls=JSONEncoder))
        found[str(built["uid"])] = built
    return found


def files() -> dict[str, str]:
    """Path under ``GENERATED`` -> content, all of them: boards, alert rules, and what a Grafana reads at its start."""
    from dashboards import provisioning
    from dashboards.rules import files as rules

    return {
        **{f"{BOARDS}/{uid}.json": _text(board) for uid, board in boards().items()},
        **rules.files(),
        **{f"{PROVISIONING}/{name}": content for name, content in provisioning.files().items()},
    }


def write(content: Mapping[str, str], root: Path = GENERATED) -> list[str]:
    """Write what differs, and remove boards that no code makes; the names of what changed."""
    changed = differing(content, root)
    for name in changed:
        path = root / name
        if name in content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content[name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def differing(content: Mapping[str, str], root: Path = GENERATED) -> list[str]:
    """Names of files that are missing, differ, or that no code makes."""
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    folders = {name.split("/")[0] for name in content}
    extra = {name for name in there if name.split("/")[0] in folders and name not in content}
    wrong = {name for name, text in content.items() if name not in there or _read(root / name) != text}
    return sorted(extra | wrong)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8: {error.reason}") from error


def _text(board: Mapping[str, Any]) -> str:
    return json.dumps(board, ensure_ascii=False, indent=2) + "\n"
