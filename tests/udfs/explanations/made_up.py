"""A made-up application with its pages, for the tests and for looking at the report after a change:

    python -m tests.udfs.explanations.made_up report.html

Names and numbers are invented; the identity numbers have a date of birth of 1900 or so and belong to nobody.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from schemas.applications import (
    PROPOSE_REJECT,
    Box,
    Change,
    Check,
    Decision,
    Document,
    Evidence,
    Extraction,
    Field,
    FileReading,
    Found,
    Overruling,
    Page,
    Reading,
    Review,
)
from udfs.types import ColumnSpec, DocumentSpec, FieldSpec, Type

ID, OTHER_ID = "410105190001011234", "41010519000202432X"
FORM, IDENTITY = "申请书.pdf", "证件/身份证.jpg"
INK, SECRET = (20, 30, 40), (200, 0, 0)
"""Colours of the drawn pages: boxes of values, boxes of L4 values."""


def column(title: str, kind: Any, data_class: Any = "L2") -> ColumnSpec:
    return ColumnSpec(title=title, kind=kind, labels=(title,), data_class=data_class)


def spec(title: str, kind: Any = "text", data_class: Any = "L2", **more: Any) -> FieldSpec:
    given = {"documents": ("application_form",), "required": True, **more}
    return FieldSpec(title=title, kind=kind, data_class=data_class, **given)


KIND = Type(
    type="made_up",
    title="城市道路临时占用许可",
    version="1.2.0",
    scope="在城市道路上临时堆放材料、搭设围挡",
    fields={
        "applicant": spec("申请人", "organisation", critical=True),
        "representative": spec("法定代表人", "person", "L3", critical=True),
        "id_number": spec("身份证号码", "id_number", "L4", documents=("application_form", "identity"), critical=True),
        "area": spec("占用面积", "area", critical=True),
        "part": spec("占用部位", "choice", choices={"road": ("行车道",), "pavement": ("人行道",)}),
        "begins_on": spec("开始日期", "date"),
        "fee": spec("占道费", "amount"),
        "purpose": spec("占用事由"),
        "consent": spec("交警意见", required=True),
        "workers": spec(
            "现场人员",
            "table",
            columns={
                "name": column("姓名", "person", "L3"),
                "number": column("证件号码", "id_number", "L4"),
                "share": column("占比", "percent"),
            },
        ),
    },
    documents={
        "application_form": DocumentSpec(title="占用申请书", titles=("占用申请书",)),
        "identity": DocumentSpec(title="身份证", titles=("身份证",)),
        "consent": DocumentSpec(title="交警部门意见", titles=("意见",)),
    },
    facts=(),
    rules=(),
    lists={},
    digest="ab" * 32,
    texts={"authority": "城市管理部门", "appeal": "如对决定不服，可在六十日内申请行政复议，或六个月内提起行政诉讼。"},
    out_of_scope=("占用费的缴纳与减免", "挖掘道路"),
)


def found(value: Any, text: str, box: Box, confidence: float = 0.98, **more: Any) -> Found:
    given = {"file": FORM, "page": 1, "document": "application_form", **more}
    return Found(value, text, confidence, box=box, **given)


def declared(value: Any) -> Found:
    return Found(value, str(value), 1.0)


def line(top: float, left: float = 0.34, right: float = 0.62) -> Box:
    return (left, top, right, top + 0.018)


def fields() -> dict[str, Field]:
    applicant = found("河南样例建设有限公司", "河南样例建设有限公司", line(0.16))
    representative = found("张样", "张样", line(0.20, right=0.42), 0.97)
    number = found(ID, f"{ID[:6]} {ID[6:14]} {ID[14:]}", line(0.20, 0.43, 0.70), 0.96)
    on_card = found(ID, ID, (0.30, 0.72, 0.74, 0.78), 0.93, file=IDENTITY, document="identity")
    area = found(96.5, "96.5㎡", line(0.24, right=0.44), 0.71)
    made = [
        Field("applicant", applicant, declared("河南样例建筑有限公司"), (applicant,)),
        Field("representative", representative, declared("张样"), (representative,)),
        Field("id_number", number, declared(OTHER_ID), (number, on_card)),
        Field("area", area, declared(90), (area,)),
        Field("part", found("road", "☑行车道 □人行道", line(0.28)), declared("road")),
        Field("begins_on", found("2026-03-05", "2026年3月5日", line(0.32)), declared("2026-03-05")),
        Field("fee", found(500000.0, "伍拾万元整（500000.00元）", line(0.36), faults=("capitals_differ",))),
        Field("purpose", found("外墙修缮搭设围挡", "外墙修缮搭设围挡", (0.34, 0.40, 0.86, 0.44))),
        Field("consent", None),
        Field("workers", None, rows=tuple(worker(n) for n in range(3)), declared_rows=(
            {"name": "李样", "number": OTHER_ID, "share": 40}, {"name": "王样", "share": 30},
            {"name": "赵例", "share": 30},
        )),
    ]  # fmt: skip
    return {field.name: field for field in made}


def worker(n: int) -> dict[str, Found]:
    top = 0.55 + 0.03 * n
    return {
        "name": found(("李样", "王样", "赵样")[n % 3], "李样", line(top, 0.12, 0.28)),
        "number": found(OTHER_ID, OTHER_ID, line(top, 0.32, 0.58), 0.9),
        "share": found(40.0 if n == 0 else 30.0, "40%", line(top, 0.66, 0.76), 0.6 if n == 1 else 0.99),
    }


def decision(**other: Any) -> Decision:
    """A proposed refusal in which everything is there that a report can show."""
    known = fields()
    area, number = known["area"].best, known["id_number"].best
    assert area is not None
    assert number is not None
    elsewhere = Evidence("purpose", "距路口 12 米", FORM, 2, 0, line(0.5), "application_form")
    given: dict[str, Any] = {
        "application_id": "A-2026-000017",
        "type": "made_up",
        "decision": PROPOSE_REJECT,
        "confidence": 0.713,
        "reasons": ("check:place.junction", "missing:consent", "check:area.fee", "check:generic.identity",
                    "uncertain:area", "uncertain:representative", "unreadable:附件.pdf", "audit_sample"),
        "checks": (
            Check("place.junction", "路口三十米内不得占用", False, "reject", "占用处距路口12米，不足30米",
                  "请另选距路口三十米以外的地点", (elsewhere,), "《城市道路管理条例》第三十条", "2017-03-01"),
            Check("area.fee", "占道费与面积相符", False, "supplement", "按96.5平方米应缴482500元，申请书为500000元",
                  "请按面积重新计算占道费", (evidence("area", area),), "《城市道路管理条例》第三十七条", "2017-03-01"),
            Check("generic.identity", "身份证号码正确", None, "refer", f"证件号码{ID}无法核对", "请提交清晰的证件",
                  (evidence("id_number", number),)),
            Check("generic.signed", "签名齐全", True, "supplement", version="1.0.0"),
            Check("period.length", "占用期限不超过一年", True, "reject", legal_basis="《城市道路管理条例》第三十一条",
                  version="2017-03-01"),
        ),
        "supplement": ("缺少交警部门意见：请先取得公安交通管理部门的书面意见并提交", "请按面积重新计算占道费",
                       "附件.pdf 已加密，请提交未加密的文件"),
        "extraction": Extraction(
            (Document("application_form", FORM, (1, 2, 3)), Document("identity", IDENTITY, (1,), 1, 0.97),
             Document("unknown", "照片.png", (1,), 0, 0.4)),
            known,
        ),
        "fingerprint": "3f" * 32,
        "rules": "made_up@1.2.0#abababab",
        "models": "rapidocr@3.10.0#12ab34cd, calibration#77aa",
        "decided_on": "2026-03-05",
    }  # fmt: skip
    return Decision(**(given | other))


def evidence(field: str, one: Found) -> Evidence:
    return Evidence(field, one.text, one.file, one.page, one.part, one.box, one.document)


def review(**other: Any) -> Review:
    given: dict[str, Any] = {
        "application_id": "A-2026-000017",
        "fingerprint": "3f" * 32,
        "officer": "officer.chen",
        "at": "2026-03-06T09:30:00+08:00",
        "decision": "reject",
        "reason": "占用处距路口不足三十米",
        "changes": (Change("area", 96.5, 90.0), Change("id_number", "41010*********1234", OTHER_ID),
                    Change("workers[2].share", 30.0, 35.0), Change("purpose", "外墙修缮搭设围挡", None)),
        "overruled": (Overruling("area.fee", True, "占道费计算无误，面积应为90平方米"),),
        "comment": "已电话核实",
        "signed": True,
    }  # fmt: skip
    return Review(**(given | other))


def reading() -> Reading:
    pages = tuple(Page(FORM, number, "text", 595, 842) for number in (1, 2, 3))
    card = Page(IDENTITY, 1, "ocr", 1000, 640)
    return Reading(
        (
            FileReading(FORM, "0a" * 32, 120_000, "pdf", pages),
            FileReading(IDENTITY, "0b" * 32, 240_000, "jpeg", (card,)),
            FileReading("照片.png", "0c" * 32, 90_000, "png", (Page("照片.png", 1, "ocr", 800, 600),)),
            FileReading("附件.pdf", "0d" * 32, 4_000, "pdf", problem="encrypted", detail="/Encrypt V=5"),
        ),
        "rapidocr@3.10.0",
        3.2,
    )


def picture(file: str, number: int, part: int) -> Any:
    """A drawn page: each value is a filled box, L4 values in a colour of their own; writing where a font is at hand."""
    from PIL import Image, ImageDraw

    size = (1000, 640) if file == IDENTITY else (1240, 1754)
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for field, one in _values():
        if (one.file, one.page) == (file, number):
            place = [edge * size[n % 2] for n, edge in enumerate(one.box)]
            secret = field in ("id_number", "number")
            if _font() is None:
                pen.rectangle(place, fill=SECRET if secret else INK)
            else:
                pen.text((place[0], place[1]), one.text, fill=SECRET if secret else INK, font=_font())
                pen.text((place[0] - 150, place[1]), field, fill="#555", font=_font())
    return page


FONT: list[Path] = []
"""A font to write with instead of drawing boxes; tests draw boxes."""


def _font() -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(str(FONT[0]), 26) if FONT else None


def _values() -> list[tuple[str, Found]]:
    out: list[tuple[str, Found]] = []
    for field in fields().values():
        out += [(field.name, one) for one in (*field.found, *((field.best,) if field.best else ()))]
        out += [(name, cell) for row in field.rows for name, cell in row.items()]
    return out


if __name__ == "__main__":
    from udfs.explanations import render

    FONT += [Path(name) for name in sys.argv[2:3]]
    made = render(decision(), KIND, Path("A-2026-000017"), picture, review(), reading=reading(), seconds=3.2)
    Path(sys.argv[1]).write_text(made, encoding="utf-8")
