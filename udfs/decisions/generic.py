"""Checks that every type has without saying so: complete, readable, consistent, signed, not asked for before.

    generic.unreadable   a file could not be read                                              refer
    generic.missing      a required document is not there (evidence names the document)       supplement
    generic.unknown      pages nobody recognises beside a required document that is missing    refer
    generic.required     a required field is in none of its documents                          supplement
    generic.identifier   check digits, lengths, dates, capitals against digits                 supplement
    generic.consistent   a field says the same in every document and in the form               supplement
    generic.signature    signed (else supplement), and by whom it should be (else refer)
    generic.duplicate    an earlier application for the same                                   refer

A document that is missing is told once: fields that stand in no other document are not told beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.applications import PROBLEMS, Check, Evidence, Found, Reading
from udfs.decisions.agreement import bare, same
from udfs.decisions.expressions import evaluate
from udfs.decisions.view import View
from udfs.decisions.wording import all_evidence, evidence
from udfs.types import FieldSpec

VERSION = "1"
_BETWEEN = re.compile(r"[、，,；;/]")
_BASIS = "《行政许可法》第三十二条（申请材料不齐全或者不符合法定形式的，应当一次告知）"
_TRUE_BASIS = "《行政许可法》第三十一条（申请人应当如实提交有关材料和反映真实情况）"

FAULTS: dict[str, str] = {
    "check_digit": "校验码不符",
    "length": "位数不符",
    "date": "日期无效",
    "capitals_differ": "大写与小写金额不一致",
    "district": "行政区划代码不存在",
    "form": "写法不合规则",
    "range": "超出合理范围",
}
"""Words for faults; one that is not here is told as 不合规则."""


def generic(view: View, reading: Reading, earlier: Sequence[str]) -> list[Check]:
    """All generic checks that apply."""
    return [
        *_unreadable(reading),
        *_missing(view),
        *_required(view),
        *_identifiers(view),
        *_consistent(view),
        *_signatures(view),
        _duplicate(earlier),
    ]


def _check(code: str, title: str, passed: bool | None, outcome: str, basis: str = _BASIS, **more: Any) -> Check:
    return Check(
        rule=f"generic.{code}",
        title=title,
        passed=passed,
        outcome=outcome,
        legal_basis=basis,
        version=VERSION,
        **more,
    )


def _unreadable(reading: Reading) -> Iterator[Check]:
    for file in reading.files:
        if file.problem:
            why = PROBLEMS.get(file.problem, "无法读取")
            yield _check(
                "unreadable",
                "材料文件能够读取",
                False,
                "refer",
                reason=f"{file.file}：{why}",
                remedy=f"请重新提交能够正常打开的文件（{file.file}）",
                evidence=(Evidence(field="", text="", file=file.file),),
            )
    if not reading.files:
        yield _check(
            "unreadable", "材料文件能够读取", False, "refer", reason="没有收到任何材料文件", remedy="请提交申请材料"
        )
    elif all(not file.problem for file in reading.files):
        yield _check("unreadable", "材料文件能够读取", True, "refer")


def _missing(view: View) -> Iterator[Check]:
    lacking = []
    for name, document in view.kind.documents.items():
        present = view.present(name)
        needed = document.required
        if isinstance(needed, str):
            needed = evaluate(needed, view.context())
        if needed is False:
            continue
        passed = True if present else False if needed is True else None
        if passed is not True:
            lacking.append(document.title)
        unsure = f"无法判断是否须提交{document.title}，须人工审查"
        yield _check(
            "missing",
            f"已提交{document.title}",
            passed,
            "supplement",
            reason="" if passed else f"缺少{document.title}" if passed is False else unsure,
            remedy="" if passed is not False else document.remedy or f"请提交{document.title}",
            evidence=(Evidence(field="", text="", document=name),),
        )
    strangers = [document for document in view.extraction.documents if document.id == "unknown"]
    if strangers and lacking:
        yield _check(
            "unknown",
            "材料都能归类",
            False,
            "refer",
            reason=f"有{len(strangers)}份材料无法归类，而{'、'.join(lacking)}没有找到，须人工辨认",
            evidence=tuple(Evidence(field="", text="", file=each.file, page=each.pages[0]) for each in strangers),
        )


def _required(view: View) -> Iterator[Check]:
    for name, spec in view.kind.fields.items():
        if not spec.required or spec.kind == "signature" or not _expected(view, spec):
            continue
        field = view.field(name)
        there = bool(field.best or field.rows)
        if not spec.documents:
            there = bool(field.declared or field.declared_rows)
        yield _check(
            "required",
            f"已填写{spec.title}",
            there,
            "supplement",
            reason="" if there else f"材料中没有找到{spec.title}",
            remedy="" if there else f"请在{_where(view, spec)}中填写清楚{spec.title}",
            evidence=all_evidence(view, name) if there else (Evidence(field=name, text=""),),
        )


def _expected(view: View, spec: FieldSpec) -> bool:
    return not spec.documents or any(view.present(document) for document in spec.documents)


def _where(view: View, spec: FieldSpec) -> str:
    there = [view.kind.documents[name].title for name in spec.documents if view.present(name)]
    return "、".join(there[:2]) or "申请表单"


def _identifiers(view: View) -> Iterator[Check]:
    bar = view.kind.confidence.fact
    for name, spec in view.kind.fields.items():
        field = view.field(name)
        if spec.kind == "table":
            for column, part in spec.columns.items():
                cells = [row[column] for row in field.rows if column in row]
                yield from _faults(f"{spec.title}的{part.title}", part.kind, f"{name}.{column}", cells, bar)
        else:
            places = [*field.found, *([field.declared] if field.declared else [])]
            if field.best is not None and field.best not in places:
                places.insert(0, field.best)
            yield from _faults(spec.title, spec.kind, name, places, bar)


def _faults(title: str, kind: str, name: str, places: list[Found], bar: float) -> Iterator[Check]:
    faulty = [place for place in places if place.faults]
    if not faulty and (not places or kind not in ("id_number", "uscc")):
        return
    passed = not faulty or (False if any(place.confidence >= bar for place in faulty) else None)
    words = "、".join(dict.fromkeys(FAULTS.get(fault, "不合规则") for place in faulty for fault in place.faults))
    yield _check(
        "identifier",
        f"{title}有效",
        passed,
        "supplement",
        basis=_TRUE_BASIS,
        reason=f"{title}{words}" if faulty else "",
        remedy=f"请核对并更正{title}" if faulty else "",
        evidence=tuple(evidence(name, place) for place in faulty or places),
    )


def _consistent(view: View) -> Iterator[Check]:
    for name, spec in view.kind.fields.items():
        if spec.kind == "signature":
            continue
        field = view.field(name)
        if spec.kind == "table":
            agree = _rows_agree(view, name) if field.rows and field.declared_rows else None
            several = bool(field.rows and field.declared_rows)
        else:
            agree = view.fields[name]["agree"]
            several = len(field.found) + (field.declared is not None) > 1
        if not several:
            continue
        unsure = f"{spec.title}在各处的写法不同，可能是识别有误，须人工核对"
        yield _check(
            "consistent",
            f"{spec.title}前后一致",
            agree,
            "supplement",
            basis=_TRUE_BASIS,
            reason="" if agree else f"{spec.title}在{_places(view, name)}中不一致" if agree is False else unsure,
            remedy="" if agree is not False else f"请核对并更正{spec.title}，使各份材料与申报信息一致",
            evidence=all_evidence(view, name),
        )


def _rows_agree(view: View, name: str) -> bool | None:
    """Whether a table's rows are the declared ones, in order; columns that were not declared do not count."""
    field, columns, bar = view.field(name), view.kind.fields[name].columns, view.kind.confidence.fact
    if len(field.rows) != len(field.declared_rows):
        return None if any(cell.confidence < bar for row in field.rows for cell in row.values()) else False
    unsure = False
    for row, declared in zip(field.rows, field.declared_rows, strict=True):
        for column, cell in row.items():
            wanted = declared.get(column)
            if wanted is None or column not in columns or same(columns[column].kind, cell.value, wanted):
                continue
            if cell.confidence >= bar:
                return False
            unsure = True
    return None if unsure else True


def _places(view: View, name: str) -> str:
    field = view.field(name)
    titles = [view.kind.documents[found.document].title for found in field.found if found.document in view.documents]
    if field.declared is not None or field.declared_rows:
        titles.append("申报信息")
    return "、".join(dict.fromkeys(titles))


def _signatures(view: View) -> Iterator[Check]:
    for name, spec in view.kind.fields.items():
        if spec.kind != "signature" or not _expected(view, spec):
            continue
        found = view.field(name).best
        if found is None and not spec.required:
            continue
        if found is None or found.value in (False, ""):
            yield _check(
                "signature",
                spec.title,
                False,
                "supplement",
                reason=f"没有找到{spec.title}",
                remedy=f"请在{_where(view, spec)}上补签（{spec.title}）",
                evidence=(Evidence(field=name, text=""),),
            )
            continue
        passed = _signed_by(view, spec, found)
        reason = "签名与应签名的人不一致，须人工核对" if passed is False else "签名无法辨认，须人工核对"
        yield _check(
            "signature",
            spec.title,
            passed,
            "refer",
            basis=_TRUE_BASIS,
            reason="" if passed else f"{spec.title}：{reason}",
            evidence=all_evidence(view, name),
        )


def _signed_by(view: View, spec: FieldSpec, found: Found) -> bool | None:
    """Whether every name that must stand in the signature stands there; None when one of them cannot be read."""
    if not spec.signer:
        return True
    table, _, column = spec.signer.partition(".")
    if column:
        rows = view.rows(table)
        names = None if rows is None else [row[column] for row in rows]
    else:
        names = [view.value(table)]
    if not names or any(name is None for name in names) or not isinstance(found.value, str):
        return None
    # of several, each by the whole name: 王小 has not signed where 王小明 has
    signed: Any = _names(found.value) if column else bare(found.value)
    if all(bare(name) in signed for name in names):
        return True
    return False if found.confidence >= view.kind.confidence.fact else None


def _names(value: str) -> set[str]:
    """Names that stand as one value, as 甲、乙 or, as people type them, 甲 乙; 欧阳 娜娜 alone is one name."""
    parts = _BETWEEN.split(value)
    return {bare(name) for name in (parts if len(parts) > 1 else [value, *value.split()])}


def _duplicate(earlier: Sequence[str]) -> Check:
    told = "、".join(sorted(earlier)[:5])
    return _check(
        "duplicate",
        "没有相同的在先申请",
        not earlier,
        "refer",
        basis=_TRUE_BASIS,
        reason=f"与在先的申请相同：{told}{'等' if len(earlier) > 5 else ''}" if earlier else "",
    )
