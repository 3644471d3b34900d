"""Who is told, how fast, and in which words.

No mute timings: an emergency knows no night. Repeats are for those who have not answered, so only for what is critical
are they short.
"""

from __future__ import annotations

import json
from typing import Any

from dashboards.provisioning import SECRETS

URGENT, ROUTINE = "应急值守", "日常值守"

PLACEHOLDERS = {"url": "${YUQING_ALERT_URL}", "addresses": "${YUQING_ALERT_EMAIL}"}
"""In the API form; who deploys puts the values in their place. Grafana reads no variable in what its API receives."""
SECRET_FILES = {"url": f"$__file{{{SECRETS}/alert_url}}", "addresses": f"$__file{{{SECRETS}/alert_email}}"}
"""In the files: Grafana reads the secret itself."""

TEMPLATE = "yuqing"
WORDS = """
{{ define "yuqing.title" -}}
{{ if eq .Status "firing" }}【告警】{{ else }}【恢复】{{ end }}
{{- with .CommonLabels.rulename }}{{ . }}无法求值{{ else }}
{{- with .CommonLabels.alertname }}{{ . }}{{ else }}多项告警{{ end }}{{ end }}（{{ len .Alerts }} 条）
{{- end }}
{{ define "yuqing.what" -}}
{{ with .Labels.rulename }}规则“{{ . }}”无法求值：存储无应答，或语句有错{{ else }}{{ .Annotations.summary }}{{ end }}
{{- end }}
{{ define "yuqing.message" -}}
{{ range .Alerts.Firing }}● {{ template "yuqing.what" . }}
  开始：{{ .StartsAt.Local.Format "2006-01-02 15:04:05 MST" }}
{{ with .Annotations.evidence }}  证据：{{ $.ExternalURL }}{{ . }}
{{ end }}{{ end -}}
{{ range .Alerts.Resolved }}○ 已恢复：{{ template "yuqing.what" . }}
{{ end -}}
{{ end }}
"""
"""A rule that cannot be evaluated arrives as the alert DatasourceError with the label ``rulename`` and annotations made
of nothing: the words say what happened instead. Times are in the zone of Grafana's server (TZ)."""


def templates() -> list[dict[str, Any]]:
    from grafana_foundation_sdk.builders import alerting

    return [_json(alerting.NotificationTemplate().name(TEMPLATE).template(WORDS.lstrip("\n")))]


def contact_points(secrets: dict[str, str]) -> list[dict[str, Any]]:
    """The receivers; those of one name together are one contact point. ``secrets``: ``url`` and ``addresses``."""
    from grafana_foundation_sdk.builders import alerting

    words = {"title": '{{ template "yuqing.title" . }}', "message": '{{ template "yuqing.message" . }}'}
    hook = {"url": secrets["url"], "httpMethod": "POST", **words}
    mail = {
        "addresses": secrets["addresses"],
        "singleEmail": True,
        "subject": words["title"],
        "message": words["message"],
    }
    points = [
        alerting.ContactPoint().uid("yuqing-urgent-hook").name(URGENT).type("webhook").settings(hook),
        alerting.ContactPoint().uid("yuqing-urgent-mail").name(URGENT).type("email").settings(mail),
        alerting.ContactPoint().uid("yuqing-routine-mail").name(ROUTINE).type("email").settings(mail),
    ]
    return [_json(point.disable_resolve_message(False)) for point in points]


def policy() -> dict[str, Any]:
    """Our tree: what is critical at once, to both receivers; the rest to the routine one.

    ``area`` keeps a flood of calls apart from a broken stream. ``adcode``: one message a district, not one a call.
    """
    from grafana_foundation_sdk.builders import alerting

    critical = (
        alerting.NotificationPolicy()
        .receiver(URGENT)
        .object_matchers([["severity", "=", "critical"]])
        .group_by(["alertname", "adcode"])
        .group_wait("10s")
        .group_interval("1m")
        .repeat_interval("30m")
    )
    return _json(
        alerting.NotificationPolicy()
        .receiver(ROUTINE)
        .group_by(["grafana_folder", "alertname"])
        .group_wait("30s")
        .group_interval("5m")
        .repeat_interval("4h")
        .routes([critical])
    )


def _json(built: Any) -> dict[str, Any]:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    found: dict[str, Any] = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    return found
