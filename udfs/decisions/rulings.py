"""A type's own rules: the version in force, whether it applies, what its decision table answers."""

from __future__ import annotations

from schemas.applications import Check
from udfs.decisions.expressions import evaluate, judge, unknown
from udfs.decisions.view import View
from udfs.decisions.wording import all_evidence, fill
from udfs.types import Rule


def rulings(view: View) -> list[Check]:
    """A check for each rule that was in force on the day and applies, in the order of the file."""
    checks = (_ruling(rule, view) for rule in view.kind.rules)
    return [check for check in checks if check is not None]


def _ruling(rule: Rule, view: View) -> Check | None:
    version = rule.in_force(view.on)
    if version is None:
        return None
    context = view.context()
    passed: bool | None = None
    reason = remedy = ""
    applies = evaluate(rule.applies, context) if rule.applies else True
    if applies is False:
        return None
    if applies is True:
        verdict = judge(version.content, context)
        passed = verdict.passed
        if passed is False:
            reason, remedy = fill(rule.reason, view, verdict.outputs), fill(rule.remedy, view, verdict.outputs)
        elif passed is None:
            reason = _not_judged(unknown(version.content, context), view)
    else:
        reason = "无法判断本条是否适用，须人工审查"
    return Check(
        rule=rule.rule,
        title=rule.title,
        passed=passed,
        outcome=rule.outcome,
        reason=reason,
        remedy=remedy,
        evidence=tuple(place for name in rule.uses for place in all_evidence(view, name)),
        legal_basis=version.legal_basis,
        version=version.version,
    )


def _not_judged(names: list[str], view: View) -> str:
    titles = [view.kind.fields[name].title for name in names if name in view.kind.fields]
    return f"无法判断：{'、'.join(titles) if titles else '所需内容'}缺失或者识别把握不足，须人工审查"
