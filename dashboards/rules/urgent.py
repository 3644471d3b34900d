"""Calls of priority 1: looked at every ten seconds."""

from __future__ import annotations

from dashboards.rules.rule import AlertRule, district

INTERVAL_S = 10
TITLE = "紧急求助"

CALL = AlertRule(
    uid="yuqing-priority-1-call",
    title="一级求助",
    question="最近 30 分钟内，哪些区县出现了危及生命的求助？每条告警单独列出，数值是不同求助人数。",
    # one instance an alert: a second call from another place is news. 500: a flood must not bring Grafana down.
    # By event time, so that a replay of last year's posts tells nobody.
    sql=f"""
SELECT substring(a.alert_id, 1, 12) AS alert, if(a.adcode = '', 'all', a.adcode) AS adcode,
    {district("a.adcode", "d")} AS district, a.callers AS callers
FROM v_alerts AS a
LEFT JOIN v_districts AS d ON d.adcode = a.adcode
WHERE a.priority = 1 AND $__timeFilter(a.last_at)
ORDER BY a.last_at DESC
LIMIT 500
""",  # noqa: S608 - of constants of this room
    looks_back_s=1_800,
    test="gt",
    limits=(0,),
    severity="critical",
    area="opinion",
    summary="{{ .Labels.district }}：一级求助，{{ .Values.B.Value }} 人求助",
    evidence="d/yuqing-command?var-region={{ .Labels.adcode }}&from=now-6h&to=now",
)

RULES = (CALL,)
