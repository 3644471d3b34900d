"""Codes of a decision in the words that an officer and an applicant read, and how heavily each weighs."""

from __future__ import annotations

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

PROPOSED = {
    APPROVE: "建议准予",
    REFER: "转人工审查",
    PROPOSE_REJECT: "建议不予许可——须由审批人员签署",
}
DECIDED = {APPROVE: "准予", SUPPLEMENT: "通知补正", REJECT: "不予许可"}
OUTCOMES = {"supplement": "申请人可以补正", "refer": "由人工判断", "reject": "依法不予许可"}
KINDS = {"pdf": "PDF", "png": "PNG", "jpeg": "JPEG", "docx": "DOCX", "unknown": "不明格式"}
SOURCES = {"text": "文本层", "ocr": "文字识别", "blank": "空白页"}
FAULTS = {
    "check_digit": "校验码不符",
    "length": "位数不符",
    "date": "日期不存在",
    "capitals_differ": "大小写金额不一致",
    "district": "行政区划不存在",
    "format": "格式不符",
    "range": "超出合理范围",
    "choice": "不在选项之内",
    "characters": "含有不应有的字符",
    "sum": "合计不符",
}


class Why(NamedTuple):
    """A reason for not approving, the heaviest first when sorted."""

    weight: int
    text: str


def titled(specs: Any, name: str) -> str:
    """The title of a field or document, its name when the type has none."""
    spec = specs.get(name)
    return spec.title if spec is not None and spec.title else name


def fault(code: str) -> str:
    """Why an identifier is wrong; a code that has no words here as it is."""
    return FAULTS.get(code, code)


def state(check: Check) -> str:
    if check.passed is None:
        return "无法判断"
    return "通过" if check.passed else "不通过"


def whys(decision: Decision, kind: Any) -> list[Why]:
    """Every reason in words, by weight; all uncertain fields and each kind of check in one."""
    checks = {check.rule: check for check in decision.checks}
    said: list[Why] = []
    uncertain: list[str] = []
    for code in decision.reasons:
        head, _, name = code.partition(":")
        if head == "uncertain":
            uncertain.append(_uncertain(decision, kind, name))
        elif head == "check" and name in checks:
            said.append(_of_check(checks[name]))
        else:
            said.append(_simple(head, name, kind))
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
        return Why(30, f"材料无法读取：{name}")
    if head == "missing":
        return Why(40, f"缺少材料：{titled(kind.documents, name)}")
    return {
        "internal": Why(0, "系统处理时出现内部错误，未能完成判断"),
        "form": Why(10, "申请表单（application.json）缺失或无法解析"),
        "duplicate": Why(45, "疑似与此前的申请重复"),
        "breaker": Why(90, "自动审批已暂停（熔断），全部转人工审查"),
        "audit_sample": Why(95, "随机抽样复核：与申请内容无关"),
    }.get(head, Why(65, f"{head}：{name}" if name else head))


def problem(code: str) -> str:
    return PROBLEMS.get(code, code)
