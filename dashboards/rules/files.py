"""The committed form of rules and receivers: files for Grafana's provisioning, and one JSON for its HTTP API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dashboards.provisioning import FOLDER_TITLE, FOLDER_UID
from dashboards.rules import notify, opinion, pipeline, urgent
from dashboards.rules.rule import AlertRule, api

MODULES = (urgent, opinion, pipeline)
API = "api/rules.json"
ALERTING = "provisioning/alerting"

HEAD = "# Written by `yuqing dashboards build` from dashboards/rules: change it there.\n"


def rules() -> list[AlertRule]:
    return [rule for module in MODULES for rule in module.RULES]


def api_form() -> dict[str, Any]:
    """``groups``, ``templates``, ``contactPoints`` and ``policies`` as ``/api/v1/provisioning`` takes each.

    ``interval`` is in seconds. Contact points hold ``notify.PLACEHOLDERS`` where a secret belongs.
    """
    groups = [
        {
            "title": module.TITLE,
            "folderUid": FOLDER_UID,
            "interval": module.INTERVAL_S,
            "rules": [api(rule, module.TITLE) for rule in module.RULES],
        }
        for module in MODULES
    ]
    return {
        "groups": groups,
        "templates": notify.templates(),
        "contactPoints": notify.contact_points(notify.PLACEHOLDERS),
        "policies": notify.policy(),
    }


def files() -> dict[str, str]:
    """Path under ``dashboards/generated`` -> text, the same bytes each time."""
    form = api_form()
    points: dict[str, list[dict[str, Any]]] = {}
    for point in notify.contact_points(notify.SECRET_FILES):
        points.setdefault(point.pop("name"), []).append(point)
    secrets = ", ".join(value.removeprefix("$__file{").removesuffix("}") for value in notify.SECRET_FILES.values())
    return {
        API: json.dumps(form, ensure_ascii=False, indent=2) + "\n",
        f"{ALERTING}/rules.yaml": HEAD + _yaml({"groups": [_group(group) for group in form["groups"]]}),
        f"{ALERTING}/contact-points.yaml": HEAD
        + f"# Grafana reads the receivers' addresses from files: {secrets}.\n"
        + _yaml({"contactPoints": [{"orgId": 1, "name": name, "receivers": found} for name, found in points.items()]}),
        f"{ALERTING}/policies.yaml": HEAD
        + "# This is the whole tree of the organisation.\n"
        + _yaml({"policies": [{"orgId": 1, **form["policies"]}]}),
        f"{ALERTING}/templates.yaml": HEAD
        + _yaml({"templates": [{"orgId": 1, **template} for template in form["templates"]]}),
    }


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group as a file has it: the folder by title, times with units, ``keepFiringFor`` for ``keep_firing_for``."""
    return {
        "orgId": 1,
        "name": group["title"],
        "folder": FOLDER_TITLE,
        "interval": f"{group['interval']}s",
        "rules": [_rule(rule) for rule in group["rules"]],
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Grafana reads ``$NAME`` in strings of a file as the environment's, but for what it takes raw: the model.

    So ``$`` is doubled in labels; the rules hold none (``AlertRule``), and the statements keep theirs.
    """
    names = ("uid", "title", "condition", "for", "noDataState", "execErrState", "annotations", "data")
    labels = {name: value.replace("$", "$$") for name, value in rule["labels"].items()}
    return {**{name: rule[name] for name in names}, "keepFiringFor": rule["keep_firing_for"], "labels": labels}


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Statements and templates as blocks: people read them."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    whole = {"apiVersion": 1, **content}
    return yaml.dump(whole, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=110)
