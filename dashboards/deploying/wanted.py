"""What is to stand in a Grafana: the committed files, cut to what one organisation may have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboards.deploying.compare import PLACEHOLDER
from dashboards.provisioning import ACCOUNTS, CENTRE, FOLDER_TITLE, FOLDER_UID, source
from schemas.errors import UsageError

GENERATED = Path(__file__).parents[1] / "generated"
RULES = Path("api") / "rules.json"


@dataclass(frozen=True)
class Wanted:
    """Everything of one deploy, as the API takes it. ``passwords``: by data source; never shown."""

    folders: Mapping[str, str]
    """uid -> title"""
    sources: Sequence[Mapping[str, Any]] = ()
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    boards: Sequence[Mapping[str, Any]] = ()
    templates: Sequence[Mapping[str, Any]] = ()
    contact_points: Sequence[Mapping[str, Any]] = ()
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By variable: where alerts are sent; never shown."""
    policies: Mapping[str, Any] | None = None
    groups: Sequence[Mapping[str, Any]] = ()


def read(
    store: str | None,
    passwords: Mapping[str, str],
    *,
    without_centre: bool = False,
    addresses: Mapping[str, str] | None = None,
    generated: Path | None = None,
) -> Wanted:
    """Read the generated files.

    ``store``: where Grafana finds it, None when no data source is to be written. ``passwords``: the store's user ->
    password. ``without_centre`` leaves out the data source with the places of calls, and every dashboard and rule group
    that reads it. ``addresses``: variable -> where alerts are sent; contact points say ``${VARIABLE}``. ``generated``:
    default is what is committed. Raises UsageError when a file is missing or no JSON.
    """
    folder = generated or GENERATED
    boards = [_json(file) for file in sorted((folder / "boards").glob("*.json"))]
    if not boards:
        raise UsageError(f"there are no dashboards in {folder}: run `yuqing dashboards build`")
    rules = _json(folder / RULES)
    groups: list[Any] = list(rules.get("groups", ()))
    uids = list(ACCOUNTS)
    if without_centre:
        uids.remove(CENTRE)
        boards = [board for board in boards if not mentions(board, CENTRE)]
        groups = [group for group in groups if not mentions(group, CENTRE)]
    return Wanted(
        folders={FOLDER_UID: FOLDER_TITLE} | {group["folderUid"]: FOLDER_TITLE for group in groups},
        sources=[source(uid, store) for uid in uids] if store else (),
        passwords={uid: passwords[ACCOUNTS[uid]] for uid in uids if ACCOUNTS[uid] in passwords},
        boards=boards,
        templates=rules.get("templates", ()),
        contact_points=rules.get("contactPoints", ()),
        addresses=addresses or {},
        policies=rules.get("policies"),
        groups=groups,
    )


def variables(generated: Path | None = None) -> list[str]:
    """The variables that contact points name, in order."""
    points = _json((generated or GENERATED) / RULES).get("contactPoints", ())
    values = [str(value) for point in points for value in point["settings"].values()]
    return sorted({match.group(1) for value in values if (match := PLACEHOLDER.fullmatch(value))})


def mentions(content: Any, uid: str) -> bool:
    """Whether a string in the JSON is exactly ``uid``."""
    if isinstance(content, Mapping):
        return any(mentions(value, uid) for value in content.values())
    if isinstance(content, list | tuple):
        return any(mentions(value, uid) for value in content)
    return bool(content == uid)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; run `yuqing dashboards build`") from None
    except ValueError as error:
        raise UsageError(f"{file} is no JSON ({error}); run `yuqing dashboards build`") from None
