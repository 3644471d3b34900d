"""Codes of a decision in the words that an officer and an applicant read, and how heavily each weighs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.applications import (
    APPROVE,
    PROBLEMS,
    PROPOSE_REJECT,
    REFER,
    REJECT,
    SUPPLEMENT,
    Check,
    Decision,
)
from udfs.decisions.generic import FAULTS

PROPOSED = {
    APPROVE: "建议准予",
    REFER: "转人工审查",
    PROPOSE_REJECT: "建议不予许可——须由审批人员签署",
}
DECIDED = {APPROVE: "准予", SUPPLEMENT: "通知补正", REJECT: "不予许可"}
OUTCOMES = {"supplement": "申请人可以补正", "refer": "由人工判断", "reject": "依法不予许可"}
KINDS = {"pdf": "PDF", "png": "PNG", "jpeg": "JPEG", "docx": "DOCX", "unknown": "不明格式"}
SOURCES = {"text": "文本层", "ocr": "文字识别", "blank": "空白页"}
_TOLD = frozenset({"form", "internal", "duplicate"})
"""Codes whose check ``generic.CODE`` says more."""


class Why(NamedTuple):
    """A reason for not approving, the heaviest first when sorted."""

    weight: int
    text: str


def titled(specs: Any, name: str) -> str:
    """The title of a field or document, its name when the type has none."""
    spec = specs.get(name)
    return spec.title if spec is not None and spec.title else name


def fault(code: str) -> str:
    """Why an identifier is wrong, in the words of its check."""
    return FAULTS.get(code, "不合规则")


def keys(checks: Iterable[Check]) -> dict[str, Check]:
    """Checks by a key that an officer can name: the rule's id, and where several share it (``generic.*``) the field or
    document besides, ``generic.identifier:applicant_uscc``, or their number, ``generic.unreadable:#2``."""
    keyed: dict[str, Check] = {}
    listed = list(checks)
    shared = Counter(check.rule for check in listed)
    for number, check in enumerate(listed, 1):
        key = check.rule
        if shared[key] > 1:
            first = check.evidence[0] if check.evidence else None
            key = f"{key}:{(first.field or first.document) if first is not None else ''}"
            if key.endswith(":") or key in keyed:
                key = f"{key}#{number}"
        keyed[key] = check
    return keyed


def state(check: Check) -> str:
    if check.passed is None:
        return "无法判断"
    return "通过" if check.passed else "不通过"


def whys(decision: Decision, kind: Any) -> list[Why]:
    """Every reason in words, by weight; all uncertain fields and each kind of check in one."""
    checks: dict[str, list[Check]] = {}
    for check in decision.checks:
        if check.passed is not True:
            checks.setdefault(check.rule, []).append(check)
    said: list[Why] = []
    uncertain: list[str] = []
    for code in decision.reasons:
        head, _, name = code.partition(":")
        if head == "uncertain":
            uncertain.append(_uncertain(decision, kind, name))
        elif head == "check" and name in checks:
            said += [_of_check(check) for check in checks[name]]
        else:
            why = _simple(head, name, kind)
            told = [check.reason for check in checks.get(f"generic.{head}", ()) if check.reason and head in _TOLD]
            said.append(why._replace(text=f"{why.text}：{told[0]}") if told else why)
    if uncertain:
        said.append(Why(80, f"识别把握不足，须由人核对：{'、'.join(uncertain)}"))
    return sorted(dict.fromkeys(said), key=lambda why: why.weight)


def _of_check(check: Check) -> Why:
    if check.passed is None:
        return Why(70, f"无法判断：{check.title}{_because(check)}")
    weight = {"reject": 20, "supplement": 50}.get(check.outcome, 60)
    return Why(weight, f"{check.title}：不通过{_because(check)}")


def _because(check: Check) -> str:
    return f"（{check.reason}）" if check.reason else ""


def _uncertain(decision: Decision, kind: Any, name: str) -> str:
    from udfs.explanations.values import share

    field = decision.extraction.fields.get(name)
    title = titled(kind.fields, name)
    if field is None:
        return title
    cells = [cell.confidence for row in field.rows for cell in row.values()]
    if field.best is None and not cells:
        return title
    return f"{title}（{share(field.best.confidence if field.best is not None else min(cells))}）"


def _simple(head: str, name: str, kind: Any) -> Why:
    if head == "unreadable":
        return Why(30, f"材料无法读取：{name}" if name else "没有收到任何材料文件")
    if head == "missing":
        return Why(40, f"缺少材料：{titled(kind.documents, name)}")
    return {
        "internal": Why(0, "系统处理时出现内部错误，未能完成判断"),
        "form": Why(10, "申请表单不能使用"),
        "duplicate": Why(45, "疑似与此前的申请重复"),
        "breaker": Why(90, "自动审批已暂停（熔断），全部转人工审查"),
        "audit_sample": Why(95, "随机抽样复核：与申请内容无关"),
    }.get(head, Why(65, f"{head}：{name}" if name else head))


def problem(code: str) -> str:
    return PROBLEMS.get(code, code)
