"""Who may do what in the store: four users, written as grants, for the embedded server and for any other.

| user | may | never |
| --- | --- | --- |
| ``yuqing`` | read, write and define everything in the database: jobs, notifier, migrations | other databases |
| ``operator`` | L1 and L2 columns of base tables; the whole ``alerts`` view | L4, stored text |
| ``analyst`` | views whose name starts with ``v_`` | any base table |
| ``notifier`` | alert hits and deliveries; adds entries to ``audit_log`` | posts, vault, what the entries say |

The embedded server takes its users from a file only, so grants name tables that do not exist yet; ClickHouse
resolves them when they are used. On a server of your own, run ``grants_sql()`` once as an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.tables import data_classes

DATABASE = "yuqing"
USERS = ("yuqing", "operator", "analyst", "notifier")

TEXT_COLUMNS = frozenset({"text", "text_l2"})
"""Stored text, masked or not: no business of an operator's ad-hoc SQL, whatever its class."""

VAULT = "pii_vault"
ALERTS = "alerts"
"""The one view operators read whole: whoever answers a call for help must see the place."""


def grants(user: str, database: str = DATABASE) -> Sequence[str]:
    """The rights of ``user``, as the part of a GRANT statement between GRANT and TO."""
    if user == "yuqing":
        return (
            f"SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE, SHOW, SYSTEM VIEWS ON {database}.*",
            "SYSTEM FLUSH LOGS ON *.*",
            "SELECT ON system.*",
            "TABLE ENGINE ON *",
            "SET DEFINER ON *",
            "CREATE TEMPORARY TABLE ON *.*",
        )
    if user == "notifier":
        return (
            f"SELECT ON {database}.alert_hits",
            f"SELECT ON {database}.alert_states",
            f"SELECT ON {database}.{ALERTS}",
            f"SELECT, INSERT ON {database}.alert_deliveries",
            f"SELECT(writer, seq), INSERT ON {database}.audit_log",
        )
    if user == "analyst":
        return tuple(f"SELECT ON {database}.{table}" for table in data_classes() if table.startswith("v_"))
    if user == "operator":
        return tuple(_operator_grants(database))
    raise ValueError(f"no such user: {user} (one of {', '.join(USERS)})")


def _operator_grants(database: str) -> Sequence[str]:
    statements = [f"SHOW COLUMNS ON {database}.*", f"SELECT ON {database}.{ALERTS}"]
    for table, columns in data_classes().items():
        if table in (VAULT, ALERTS):
            continue
        if table.startswith("v_"):
            statements.append(f"SELECT ON {database}.{table}")
            continue
        open_columns = [c for c, level in columns.items() if level in ("L1", "L2") and c not in TEXT_COLUMNS]
        quoted = ", ".join(f"`{c}`" for c in open_columns)
        statements.append(f"SELECT({quoted}) ON {database}.{table}")
    return statements


LIMITS: Mapping[str, Mapping[str, int]] = {
    "operator": {
        "max_execution_time": 30,
        "max_memory_usage": 400_000_000,
        "max_result_rows": 100_000,
        "max_result_bytes": 100_000_000,
    },
    "analyst": {
        "max_execution_time": 60,
        "max_memory_usage": 600_000_000,
        "max_result_rows": 1_000_000,
        "max_result_bytes": 200_000_000,
    },
}
"""Per query; a session may lower these, never raise or lift them."""

WHOLE_ANSWERS: Mapping[str, int] = {"http_wait_end_of_query": 1, "http_response_buffer_size": 1_048_576}
"""For people: an answer leaves the server when it is complete, so a limit that is met in its middle arrives as the
error that it is, not as a broken connection. Larger answers wait in a temporary file."""

QUERIES_PER_MINUTE = 1_200
"""Of one reading user: a dashboard of 20 panels at a refresh of 5 s needs 240."""


def grants_sql(database: str = DATABASE) -> str:
    """Statements for an administrator of an external server: users are expected to exist (with their passwords)."""
    lines = []
    for user in USERS:
        lines += [f"GRANT {grant} TO {user};" for grant in grants(user, database)]
        if user in LIMITS:
            values = [f"{name} = {value} MIN 1 MAX {value}" for name, value in LIMITS[user].items()]
            limits = ", ".join(values + [f"{name} = {value}" for name, value in WHOLE_ANSWERS.items()])
            lines.append(f"CREATE SETTINGS PROFILE IF NOT EXISTS {user}_limits")
            lines.append(f"  SETTINGS readonly = 2, {limits} TO {user};")
    return "\n".join(lines) + "\n"
