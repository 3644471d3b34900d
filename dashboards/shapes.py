"""Whether the generated files have the shape that Grafana's own types say: JSON schemas, and the SDK's classes.

The schemas are not part of this repository (Grafana publishes them with its foundation SDK); where they are at hand
they are applied strictly, with one patch: where they mean "anything" they say "an object of anything", which would
refuse a number or a string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from dashboards.checks import RULES, Board, Problem
from dashboards.expressions import EXPRESSION
from schemas.errors import UsageError

ANYTHING = {"type": "object", "additionalProperties": {}}
NAMES = ("dashboard", "alerting", "expr", "timeseries")
_SECONDS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def against_schemas(boards: Collection[Board], rules: Mapping[str, Any], folder: Path) -> list[Problem]:
    """Raises UsageError when the folder lacks one of ``NAMES``.schema.json."""
    check = {name: _validator(folder, name) for name in NAMES}
    found = []
    for board in boards:
        uid = str(board.get("uid", "?"))
        outer = check["dashboard"]("Dashboard", {**board, "panels": []})
        found += [Problem(uid, where, what, SCHEMA) for where, what in outer]
        for panel in board.get("panels", []):
            name = f"{panel.get('id')} {panel.get('title', '')}"
            # one by one: of "a panel or a row" the validator cannot say which of both was meant
            inner = check["dashboard"]("RowPanel" if panel.get("type") == "row" else "Panel", panel)
            found += [Problem(uid, name, f"{where}: {what}", SCHEMA) for where, what in inner]
            if panel.get("type") == "timeseries":
                custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
                for definition, part in (("Options", panel.get("options", {})), ("FieldConfig", custom)):
                    said = check["timeseries"](definition, part)
                    found += [Problem(uid, name, f"{where}: {what}", SCHEMA) for where, what in said]
    for definition, content in _alerting(rules):
        found += [Problem(RULES, where, what, SCHEMA) for where, what in check["alerting"](definition, content)]
    for rule, model in _expressions(rules):
        definition = {"reduce": "TypeReduce", "threshold": "TypeThreshold"}.get(str(model.get("type")), "expr")
        found += [Problem(RULES, rule, f"{where}: {what}", SCHEMA) for where, what in check["expr"](definition, model)]
    return found


SCHEMA = "the file does not have the shape that Grafana's schema says: mend the code that makes it"
LOST = "the SDK's types do not know it: Grafana may drop it"

Said = list[tuple[str, str]]


def _validator(folder: Path, name: str) -> Callable[[str, Any], Said]:
    import jsonschema
    from jsonschema.exceptions import best_match  # of "neither this nor that": why not the likelier

    path = folder / f"{name}.schema.json"
    try:
        schema = _patched(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"--schemas: {path.name} cannot be read: {type(error).__name__}") from None

    def check(definition: str, content: Any) -> Said:
        if definition not in schema["definitions"]:
            return [(definition, f"{path.name} defines no such thing")]
        whole = {"$ref": f"#/definitions/{definition}", "definitions": schema["definitions"]}
        errors = [best_match([error]) for error in jsonschema.Draft7Validator(whole).iter_errors(content)]
        return [("/".join(map(str, e.absolute_path)) or definition, e.message[:200]) for e in errors if e]

    return check


def _patched(schema: Any) -> Any:
    """ "An object of anything" becomes "anything"; everything else stays strict."""
    if isinstance(schema, dict):
        if {key: value for key, value in schema.items() if key != "description"} == ANYTHING:
            return {}
        return {key: _patched(value) for key, value in schema.items()}
    return [_patched(value) for value in schema] if isinstance(schema, list) else schema


def _alerting(rules: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each part of the API form with its definition. The schema writes ``keep_firing_for`` in its own way."""
    groups = [{**group, "rules": [_as_schema(rule) for rule in group["rules"]]} for group in rules.get("groups", [])]
    return [
        *(("RuleGroup", group) for group in groups),
        *(("NotificationTemplate", template) for template in rules.get("templates", [])),
        *(("ContactPoint", point) for point in rules.get("contactPoints", [])),
        *(("NotificationPolicy", policy) for policy in [rules.get("policies")] if policy),
    ]


def _as_schema(rule: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(rule)
    if "keep_firing_for" in found:
        found["keepFiringFor"] = round(seconds(found.pop("keep_firing_for")) * 1e9)
    return found


def seconds(duration: str) -> float:
    """``1h30m`` in seconds. Raises UsageError for what is no duration."""
    if not re.fullmatch(r"(?:\d+(?:ms|[smhdw]))+", duration):
        raise UsageError(f"{duration!r} is no duration like 30s, 5m or 1h30m")
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", duration))


def _expressions(rules: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (rule["uid"], query["model"])
        for group in rules.get("groups", [])
        for rule in group["rules"]
        for query in rule["data"]
        if query["datasourceUid"] == EXPRESSION
    ]


def through_types(boards: Collection[Board], rules: Mapping[str, Any]) -> list[Problem]:
    """Load every file into the SDK's classes and dump it again: what is gone or changed is a problem."""
    from grafana_foundation_sdk.models import alerting, dashboard, expr

    found = []
    for board in boards:
        uid = str(board.get("uid", "?"))
        found += [Problem(uid, where, "lost or changed", LOST) for where in _lost(board, dashboard.Dashboard)]
    kinds = {
        "RuleGroup": alerting.RuleGroup,
        "NotificationTemplate": alerting.NotificationTemplate,
        "ContactPoint": alerting.ContactPoint,
        "NotificationPolicy": alerting.NotificationPolicy,
    }
    for definition, content in _alerting(rules):
        if definition == "RuleGroup":  # keepFiringFor is younger than the SDK's types
            own = [{k: v for k, v in rule.items() if k != "keepFiringFor"} for rule in content["rules"]]
            content = {**content, "rules": own}
        found += [Problem(RULES, where, "lost or changed", LOST) for where in _lost(content, kinds[definition])]
    of_type = {"reduce": expr.TypeReduce, "threshold": expr.TypeThreshold}
    for rule, model in _expressions(rules):
        known = of_type.get(str(model.get("type")))
        lost = _lost(model, known) if known else ["type"]
        found += [Problem(RULES, f"{rule}/{where}", "lost or changed", LOST) for where in lost]
    return found


def _lost(content: Any, kind: Any) -> list[str]:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    try:
        again = json.loads(json.dumps(kind.from_json(json.loads(json.dumps(content))), cls=JSONEncoder))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"{kind.__name__} cannot be made of it ({type(error).__name__}: {error})"]
    return differences(content, again)


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Paths at which two JSON values differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = dict.fromkeys([*one, *other])
        absent = object()
        return [
            path
            for key in keys
            for path in differences(one.get(key, absent), other.get(key, absent), f"{where}/{key}".lstrip("/"))
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [p for i, (a, b) in enumerate(pairs) for p in differences(a, b, f"{where}/{i}".lstrip("/"))]
    return [] if one == other and isinstance(one, bool) == isinstance(other, bool) else [where or "all of it"]
