"""What the token of a deploy may do, against what it needs: least privilege, looked at before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from dashboards.deploying.grafana import Grafana, Refused


class Part(StrEnum):
    """What a deploy can be limited to, because each needs another right."""

    DATASOURCES = "datasources"
    DASHBOARDS = "dashboards"
    ALERTS = "alerts"


NEEDED: Mapping[Part, Sequence[Sequence[str]]] = {
    Part.DATASOURCES: (
        ("datasources:read",),
        ("datasources:create",),
        ("datasources:write",),
        ("datasources:query",),
    ),
    Part.DASHBOARDS: (
        ("folders:read",),
        ("folders:create",),
        ("folders:write",),
        ("dashboards:read",),
        ("dashboards:create",),
        ("dashboards:write",),
    ),
    Part.ALERTS: (
        ("folders:read",),
        ("folders:create",),
        ("datasources:query",),
        ("alert.rules:write", "alert.provisioning:write", "alert.rules.provisioning:write"),
        ("alert.notifications:write", "alert.provisioning:write", "alert.notifications.provisioning:write"),
        (
            "alert.provisioning.provenance:write",
            "alert.provisioning:write",
            "alert.notifications.provisioning:write",
        ),
    ),
}
"""For each part: of each line, one action is enough. Names as Grafana's access control has them."""

EXCESSIVE = (
    "users:write",
    "users:create",
    "orgs:write",
    "org.users:write",
    "org.users:add",
    "apikeys:create",
    "serviceaccounts:create",
    "serviceaccounts:write",
    "settings:write",
    "plugins:install",
)
"""Any of these is an administrator's: whoever finds such a token has the whole organisation."""


def warnings(grafana: Grafana, parts: Iterable[Part]) -> list[str]:
    """Lines about a token that may more than it must, or less. Raises UsageError when Grafana does not know it.

    A Grafana that does not tell gives no line: a missing right is then named when it is missed.
    """
    try:
        held = grafana.call("the token's permissions", grafana.api.client.GET, "/access-control/user/permissions")
    except Refused:
        return []
    if not isinstance(held, dict):
        return []
    parts = tuple(parts)
    found = []
    if too_much := [action for action in EXCESSIVE if action in held]:
        if Part.DATASOURCES in parts:
            remedy = (
                "in open-source Grafana only an administrator makes data sources: use it once with --only datasources, "
                "delete it, and deploy the rest with a token of role Editor"
            )
        else:
            remedy = "a token of role Editor is enough for this"
        found.append(f"the token is an administrator's ({', '.join(too_much)}): {remedy}")
    for part in parts:
        missing = [" or ".join(one) for one in NEEDED[part] if not any(action in held for action in one)]
        if missing:
            found.append(f"the token seems to lack, for {part}: {', '.join(missing)}")
    return found
