"""One alert rule as data, and as Grafana's own types: query A, its last value B, held against a limit in C."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.provisioning import FOLDER_UID
from dashboards.query import TABLE, VIEWER, Ask

EXPRESSION = "__expr__"
ORIGIN = ("origin", "yuqing")
"""A label of every rule: whoever shares the organisation tells our alerts from others by it."""


@dataclass(frozen=True)
class AlertRule:
    """``sql`` gives one row an alert instance: columns of strings (its labels) and exactly one number.

    ``uid`` never changes: Grafana knows a rule by it. ``summary`` is a template of Grafana's, in Chinese, with
    ``.Labels.NAME`` and ``.Values.B.Value``. No ``$`` in it: files with ``$$labels`` are read one way by Grafana 11 and
    another by 10 and 12, and without one every version agrees. ``evidence``: path of the board that shows why, with the
    labels that choose its district; whoever sends it puts Grafana's address before it.
    """

    uid: str
    title: str
    question: str
    sql: str
    looks_back_s: int
    test: str
    limits: Sequence[float]
    severity: str  # critical or warning
    area: str  # opinion or pipeline
    summary: str
    evidence: str
    for_: str = "0s"
    keep_firing_for: str = "0s"
    no_data: str = "OK"
    error: str = "Error"

    @property
    def labels(self) -> dict[str, str]:
        return {**dict([ORIGIN]), "severity": self.severity, "area": self.area}

    @property
    def annotations(self) -> dict[str, str]:
        return {"summary": self.summary, "description": self.question, "evidence": self.evidence}


def api(rule: AlertRule, group: str) -> dict[str, Any]:
    """The rule as ``/api/v1/provisioning`` takes it. The SDK's types know no ``keep_firing_for`` yet."""
    from grafana_foundation_sdk.builders import alerting
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    built = (
        alerting.Rule(rule.title)
        .uid(rule.uid)
        .org_id(1)
        .folder_uid(FOLDER_UID)
        .rule_group(group)
        .condition("C")
        .for_val(rule.for_)
        .no_data_state(rule.no_data)  # type: ignore[arg-type]  # a Literal of its own
        .exec_err_state(rule.error)  # type: ignore[arg-type]  # the same
        .labels(rule.labels)
        .annotations(rule.annotations)
        .queries(_queries(rule))
    )
    found: dict[str, Any] = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    return {**found, "keep_firing_for": rule.keep_firing_for}


def _queries(rule: AlertRule) -> list[Any]:
    from grafana_foundation_sdk.builders import alerting, expr
    from grafana_foundation_sdk.models.alerting import RelativeTimeRange
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    source = DataSourceRef(type_val=EXPRESSION, uid=EXPRESSION)
    never = RelativeTimeRange(from_val=0, to=0)
    reduced = (
        expr.TypeReduce()
        .ref_id("B")
        .datasource(source)
        .expression("A")
        .reducer("last")
        .settings(expr.ExprTypeReduceSettings().mode("dropNN"))
    )
    held = (
        expr.TypeThreshold()
        .ref_id("C")
        .datasource(source)
        .expression("B")
        .conditions(
            [
                expr.ExprTypeThresholdConditions().evaluator(
                    # type() takes a Literal of its own
                    expr.ExprTypeThresholdConditionsEvaluator().type(rule.test).params(list(rule.limits))  # type: ignore[arg-type]
                )
            ]
        )
    )
    return [
        alerting.Query("A")
        .datasource_uid(str(VIEWER.uid))
        .relative_time_range(RelativeTimeRange(from_val=rule.looks_back_s, to=0))
        .model(Ask(VIEWER, rule.sql, TABLE)),
        alerting.Query("B").datasource_uid(EXPRESSION).relative_time_range(never).model(reduced),
        alerting.Query("C").datasource_uid(EXPRESSION).relative_time_range(never).model(held),
    ]


def district(code: str, table: str) -> str:
    """SQL of a district's name with what it lies in, ``table`` a row of ``v_districts`` or nothing."""
    above = f"if({table}.city = '', if({table}.level = 'province', '', {table}.province), {table}.city)"
    return f"multiIf({code} = '', '地点不明', {table}.name = '', {code}, concat({above}, {table}.name))"
