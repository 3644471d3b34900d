"""Who may do what in the store: its users, written as grants and row policies, for the embedded server and any other.

| user | may | never |
| --- | --- | --- |
| ``yuqing`` | everything in the database: jobs, governed commands, migrations | other databases |
| ``operator`` | L1 and L2 columns of base tables; alerts and episodes whole; views but ``v_posts`` | L4, stored text |
| ``analyst`` | views whose name starts with ``v_`` | any base table |
| ``viewer`` | views without text or single applications: Grafana's account | base tables, text, places |
| ``centre`` | as viewers, and calls with masked text, alerts and episodes of a week with their place | base tables |
| ``auditor`` | ``audit_log`` | everything else |
| ``notifier`` | alert hits and deliveries; adds entries to ``audit_log`` | posts, vault, what entries say |

Rescuers and administrators have no user: they work through governed commands, which audit each use.

Grants say which columns; row policies say which rows, and hold where somebody later grants too much (``SELECT ON *.*``
for a backup or a monitor): the vault has no rows for anyone but ``yuqing``.

The embedded server takes its users from a file only, so grants name tables that do not exist yet; ClickHouse
resolves them when they are used. On a server of your own, run ``grants_sql()`` once as an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.tables import data_classes

DATABASE = "yuqing"
USERS = ("yuqing", "operator", "analyst", "viewer", "centre", "auditor", "notifier")

TEXT_COLUMNS = frozenset({"text", "text_l2"})
"""Stored text, masked or not: no business of an operator's ad-hoc SQL, whatever its class."""

VAULT = "pii_vault"
AUDIT = "audit_log"
ALERTS = "alerts"
EPISODES = "episodes"
PLACED = (ALERTS, EPISODES)
"""The views with a place (L3), which whoever answers a call for help must see."""
EVIDENCE = "alert_posts"
"""Ids of the posts behind an alert."""
POSTS_VIEW = "v_posts"
"""Every post with its masked text: analysts only. With it, an operator could read the text beside the labels of base
``posts``, and so have a stream of negative posts."""
CALLS_VIEW = "v_calls"
APPLICATIONS_VIEW = "v_applications"
"""One row an application: of operators and analysts. Walls have the counts."""

ALERTS_DAYS = 7
"""How long ``centre`` sees an alert or episode after its last post: no wall shows for ever who was in need."""


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
            f"SELECT, INSERT ON {database}.alert_channels",
            f"SELECT(writer, seq), INSERT ON {database}.{AUDIT}",
        )
    if user == "operator":
        return (f"SHOW COLUMNS ON {database}.*", *_base_columns(database), *_reads(user, database))
    if user in USERS:
        return _reads(user, database)
    raise ValueError(f"no such user: {user} (one of {', '.join(USERS)})")


def readable(user: str) -> Sequence[str]:
    """The tables and views that a reading user may read whole."""
    views = [table for table in data_classes() if table.startswith("v_")]
    without_posts = [view for view in views if view != POSTS_VIEW]
    on_walls = [view for view in without_posts if view != APPLICATIONS_VIEW]
    return {
        "analyst": views,
        "operator": [*PLACED, EVIDENCE, *without_posts],
        "centre": [*PLACED, EVIDENCE, *on_walls],
        "viewer": [view for view in on_walls if view != CALLS_VIEW],
        "auditor": [AUDIT],
    }[user]


def _reads(user: str, database: str) -> Sequence[str]:
    return tuple(f"SELECT ON {database}.{table}" for table in readable(user))


def _base_columns(database: str) -> Sequence[str]:
    """L1 and L2 of base tables, without text."""
    statements = []
    for table, columns in data_classes().items():
        if table in (VAULT, *PLACED, EVIDENCE) or table.startswith("v_"):
            continue
        open_columns = [c for c, level in columns.items() if level in ("L1", "L2") and c not in TEXT_COLUMNS]
        quoted = ", ".join(f"`{c}`" for c in open_columns)
        if quoted:
            statements.append(f"SELECT({quoted}) ON {database}.{table}")
    return statements


def row_policies(user: str) -> Mapping[str, str]:
    """Table or view -> condition of the rows that ``user`` may see of it; all rows of what is not named."""
    if user == "yuqing":
        return {}
    policies = {VAULT: "0"}
    if user == "centre":
        policies[ALERTS] = f"last_at >= now() - INTERVAL {ALERTS_DAYS} DAY"
        policies[EPISODES] = f"last_posted_at >= now() - INTERVAL {ALERTS_DAYS} DAY"
    return policies


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
    "viewer": {
        "max_execution_time": 20,
        "max_memory_usage": 400_000_000,
        "max_result_rows": 100_000,
        "max_result_bytes": 50_000_000,
    },
    "centre": {
        "max_execution_time": 20,
        "max_memory_usage": 400_000_000,
        "max_result_rows": 100_000,
        "max_result_bytes": 50_000_000,
    },
    "auditor": {
        "max_execution_time": 60,
        "max_memory_usage": 400_000_000,
        "max_result_rows": 1_000_000,
        "max_result_bytes": 200_000_000,
    },
}
"""Of those who read, per query; a session may lower these, never raise or lift them."""

FIXED: Mapping[str, int | str] = {
    "log_queries": 1,
    # with any of these a session could keep what it asks out of the log
    "log_queries_probability": 1,
    "log_queries_min_query_duration_ms": 0,
    "log_queries_min_type": "QUERY_START",
    "log_queries_cut_to_length": 100_000,
    "max_concurrent_queries_for_user": 8,
    # a large sort goes to disk where memory is short, and would fill it: bytes
    "max_temporary_data_on_disk_size_for_query": 2_000_000_000,
    "max_temporary_data_on_disk_size_for_user": 4_000_000_000,
}
"""Of those who read; a session cannot change them."""

MOST_THREADS = 16
"""Of a reading user's query on a server of one's own (the embedded one has fewer); a session may take less."""

WHOLE_ANSWERS: Mapping[str, int] = {"http_wait_end_of_query": 1, "http_response_buffer_size": 1_048_576}
"""For people: an answer leaves the server when it is complete, so a limit that is met in its middle arrives as the
error that it is, not as a broken connection. Larger answers wait in a temporary file."""

QUOTA: Mapping[str, int] = {"queries": 1_200, "execution_time": 120}
"""Of one reading user in a minute: a dashboard of 20 panels at a refresh of 5 s needs 240 queries. Each user has a
quota of its own, so that a wall of dashboards cannot shut operators out."""


def statements(database: str = DATABASE) -> list[str]:
    """What an administrator of an external server runs, in order; it can be run again after an upgrade."""
    found = []
    for user in USERS:
        found += [f"GRANT {grant} TO {user}" for grant in grants(user, database)]
        if user in LIMITS:
            settings = [
                "readonly = 2",
                *(f"{name} = {value} MIN 1 MAX {value}" for name, value in LIMITS[user].items()),
                *(f"{name} = {_literal(value)} CONST" for name, value in FIXED.items()),
                f"max_threads MAX {MOST_THREADS}",
                *(f"{name} = {value}" for name, value in WHOLE_ANSWERS.items()),
            ]
            bounds = ", ".join(f"{name} = {value}" for name, value in QUOTA.items())
            found += [
                f"CREATE SETTINGS PROFILE OR REPLACE {database}_{user} SETTINGS {', '.join(settings)} TO {user}",
                f"CREATE QUOTA OR REPLACE {database}_{user} FOR INTERVAL 1 minute MAX {bounds} TO {user}",
            ]
    policies = [
        f"{database}_jobs ON {database}.{VAULT} USING 1 TO yuqing",
        # to everyone else, not only to the users above: that is what outlasts a grant too many
        f"{database}_shut ON {database}.{VAULT} USING 0 AS RESTRICTIVE TO ALL EXCEPT yuqing",
        *(f"{database}_all ON {database}.{table} USING 1 TO ALL" for table in PLACED),
    ]
    for user in USERS:
        others = ((table, rows) for table, rows in row_policies(user).items() if table != VAULT)
        policies += [
            f"{database}_{user} ON {database}.{table} USING {rows} AS RESTRICTIVE TO {user}" for table, rows in others
        ]
    return found + [f"CREATE ROW POLICY OR REPLACE {policy}" for policy in policies]


def _literal(value: int | str) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def grants_sql(database: str = DATABASE) -> str:
    """``statements`` as a script: users are expected to exist (with their passwords)."""
    return "".join(f"{statement};\n" for statement in statements(database))
