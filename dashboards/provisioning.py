"""What the dashboards stand on in a Grafana: one folder, two ClickHouse data sources; and the files that say so.

``deploying`` sends them through the API; ``files`` gives the same as YAML, for a Grafana that reads files at its start
(``deploy/compose.yaml`` mounts them). Both come from the constants here.

Two accounts of the store, so two data sources: whoever is in an organisation of open-source Grafana can send any query
to each of its data sources, so what the account may read is the limit, not what a dashboard shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import UsageError

PLUGIN = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.20.0"
DATABASE = "yuqing"

FOLDER_UID = "yuqing"
FOLDER_TITLE = "舆情"

CENTRE = "yuqing-centre"
VIEWER = "yuqing-viewer"
ACCOUNTS: Mapping[str, str] = {CENTRE: "centre", VIEWER: "viewer"}
"""uid of the data source -> the store's user."""
TITLES: Mapping[str, str] = {CENTRE: "舆情（指挥）", VIEWER: "舆情"}

QUERY_TIMEOUT_S = 15
"""The plugin's client (clickhouse-go) asks the server for ``max_execution_time`` = this + 5 s. The store refuses more
than 20 from these users, so with the plugin's default of 60 every query fails."""

STORE = "http://clickhouse:8123"
"""The address in the files: the store's name in ``deploy/compose.yaml``."""
SECRETS = "/run/secrets"
BOARDS = "/var/lib/yuqing-boards"


def source(uid: str, store: str) -> dict[str, Any]:
    """The data source ``uid`` without its password, as the API takes it. Raises UsageError for a URL that is none."""
    parts = urlsplit(store)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--store {store!r} is not an address like http://clickhouse:8123")
    secure = parts.scheme == "https"
    connection: dict[str, Any] = {
        "host": parts.hostname,
        "port": parts.port or (8443 if secure else 8123),
        "protocol": "http",
        "secure": secure,
        "username": ACCOUNTS[uid],
        "defaultDatabase": DATABASE,
        "dialTimeout": "10",
        "queryTimeout": str(QUERY_TIMEOUT_S),
    }
    if parts.path.strip("/"):
        connection["path"] = parts.path.strip("/")
    return {"uid": uid, "name": TITLES[uid], "type": PLUGIN, "access": "proxy", "jsonData": connection}


def files() -> dict[str, str]:
    """Path below ``generated/provisioning`` -> text, the same bytes each time."""
    return {"datasources/yuqing.yaml": _datasources(), "dashboards/yuqing.yaml": _dashboards()}


def _datasources() -> str:
    sources = [
        {
            **source(uid, STORE),
            "orgId": 1,
            "editable": False,
            "secureJsonData": {"password": f"$__file{{{SECRETS}/{user}}}"},
        }
        for uid, user in ACCOUNTS.items()
    ]
    head = (
        f"# Grafana reads the passwords of the store's users from files: {SECRETS}/centre and {SECRETS}/viewer.\n"
        "# An organisation whose members may not see calls for help gets the second data source only.\n"
    )
    return head + _yaml({"apiVersion": 1, "datasources": sources})


def _dashboards() -> str:
    provider = {
        "name": "yuqing",
        "orgId": 1,
        "type": "file",
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 60,
        "options": {"path": BOARDS, "foldersFromFilesStructure": False},
    }
    return _yaml({"apiVersion": 1, "providers": [provider]})


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml

    head = "# Written by `yuqing dashboards build` from dashboards/provisioning.py: change it there.\n"
    return head + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110)
