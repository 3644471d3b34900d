"""What was deployed last, kept in the Grafana itself, so that every machine that deploys knows it.

For each thing short hashes: of what we wanted, and of what stood there when it had been written (Grafana adds
fields and rewrites some). Later: the same second hash means that nobody touched it, so a new release may replace it;
another one means that a person changed it in Grafana. No content and no secret is in it.

They stand in a comment of a notification template that no message uses: of all that a token of role Editor may write,
the only free text that is neither shown on a dashboard nor sent with an alert.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.deploying.grafana import Grafana, Missing

TEMPLATE = "yuqing.deployed"
_COMMENT = re.compile(r"\{\{/\*\s*(\{.*\})\s*\*/\}\}", re.DOTALL)


@dataclass(frozen=True)
class Mark:
    wanted: str
    standing: str
    put: str = ""
    """Of the addresses that a site gave, apart: a deploy without them must not look like another release."""

    def outdated(self, form: Any, given: Any) -> bool:
        """Whether another release, or a site's new address, is to be written now."""
        return self.wanted != digest(form) or (given is not None and self.put != digest(given))


def of(form: Any, given: Any, standing: Any, before: Mark | None) -> Mark:
    """The mark after a deploy. ``given``: what the site put into the form; None keeps what was put there before."""
    put = digest(given) if given is not None else before.put if before else ""
    return Mark(digest(form), digest(standing), put)


def digest(content: Any) -> str:
    """The first 16 hex digits of the SHA-256 of the JSON, keys sorted."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(grafana: Grafana) -> dict[str, Mark]:
    """key of a resource -> its mark; empty when there is none yet or somebody spoilt it. Raises Refused."""
    try:
        found = grafana.call(f"template {TEMPLATE}", grafana.api.alertingprovisioning.get_template, TEMPLATE)
    except Missing:
        return {}
    match = _COMMENT.search(str(found.get("template", "")))
    try:
        held = json.loads(match.group(1)) if match else {}
        return {key: Mark(*value) for key, value in held.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def write(grafana: Grafana, marks: Mapping[str, Mark]) -> None:
    """Replace them. Raises Refused."""
    held = {key: [mark.wanted, mark.standing, mark.put] for key, mark in sorted(marks.items())}
    text = json.dumps(held, ensure_ascii=False).replace("*/", "* /")
    content = {"template": f'{{{{ define "{TEMPLATE}" }}}}{{{{/* {text} */}}}}{{{{ end }}}}'}
    api = grafana.api.alertingprovisioning
    try:
        standing = grafana.call(f"template {TEMPLATE}", api.get_template, TEMPLATE)
    except Missing:
        standing = {}
    if standing.get("version"):
        content["version"] = standing["version"]
    locked = bool(standing.get("provenance"))
    grafana.call(
        f"template {TEMPLATE}", api.create_or_update_template, TEMPLATE, content, disable_provenance=not locked
    )
