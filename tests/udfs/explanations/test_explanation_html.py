"""The report: what an officer must find in it, what a document must never be able to do, and that no L4 value shows."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from schemas.applications import APPROVE, REFER, Change, Check, Document, Evidence, Extraction, Field, FileReading
from tests.udfs.brief.test_html import HOSTILE
from tests.udfs.brief.test_html import Reading as Elements
from tests.udfs.explanations.made_up import (
    FORM,
    ID,
    IDENTITY,
    KIND,
    OTHER_ID,
    SECRET,
    column,
    decision,
    declared,
    fields,
    found,
    line,
    picture,
    reading,
    review,
    spec,
)  # fmt: skip
from udfs.brief.markup import plain
from udfs.explanations import pictures_of, render
from udfs.explanations.html import POLICY

HERE = Path("A-2026-000017")


def report(made=None, kind=KIND, picture=picture, reviewed=None, **more: Any) -> str:
    return render(made or decision(), kind, HERE, picture, reviewed, **more)


@pytest.fixture(scope="module")
def whole() -> str:
    return report(reviewed=review(), reading=reading(), seconds=3.21)


@pytest.fixture(scope="module")
def page(whole) -> Elements:
    return Elements(whole)


def snippets(page: str) -> list[Image.Image]:
    sources = [attributes["src"] or "" for name, attributes in Elements(page).elements if name == "img"]
    assert all(one.startswith("data:image/jpeg;base64,") for one in sources)
    return [Image.open(io.BytesIO(base64.b64decode(one.partition(",")[2]))) for one in sources]


def secret_pixels(image: Image.Image) -> int:
    """Pixels in the colour of L4 values, JPEG's blur allowed for."""
    near = np.abs(np.asarray(image.convert("RGB"), np.int16) - np.array(SECRET, np.int16)) < 60
    return int(near.all(axis=2).sum())


def test_nothing_is_loaded_and_nothing_runs(page, whole):
    assert page.open == []
    names = {name for name, _ in page.elements}
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "svg"} & names
    attributes = [(name, value or "") for _, given in page.elements for name, value in given.items()]
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert all(value.startswith("data:image/jpeg;base64,") for name, value in attributes if name == "src")
    assert all(value.startswith("#f") for name, value in attributes if name == "href")
    assert "url(" not in whole
    policy = next(given["content"] for _, given in page.elements if given.get("http-equiv"))
    assert policy == POLICY == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@pytest.mark.parametrize(
    "words",
    [
        "建议不予许可——须由审批人员签署", "整体把握 71.3%", "软件提出建议，由人决定", "A-2026-000017",  # head
        "占用处距路口12米，不足30米", "请另选距路口三十米以外的地点", "可在六十日内申请行政复议",  # grounds and appeal
        "一次性告知3 项", "附件.pdf 已加密，请提交未加密的文件", "由城市管理部门一次告知",  # the notice
        "96.5 平方米", "原文 96.5㎡", "把握 71.0%", "500,000 元", "大写与小写金额不一致", "2026年3月5日",  # fields
        "行车道",
        "占用申请书，申请书.pdf 第 1 页", "材料中未找到", "同见于 身份证，证件/身份证.jpg 第 1 页",
        "材料中 3 行；申报 3 行", "无法判断", "《城市道路管理条例》第三十七条", "area.fee@2017-03-01",   # checks
        "不通过 2 项，无法判断 1 项，通过 2 项",
        "第 1—3 页", "未能识别", "文件已加密或设有打开密码", "/Encrypt V=5",  # documents
        "made_up@1.2.0#abababab", "rapidocr@3.10.0#12ab34cd", "3.2 秒", "被随机抽取复核",  # versions
        "0d" * 32, "挖掘道路",
        "不予许可　officer.chen　2026年3月6日 09:30（+08:00）　已签署",   # the person
        "已电话核实", "现场人员 第 2 行 占比",
    ],
)  # fmt: skip
def test_the_report_says(words, page):
    assert words in page.text


def test_without_reading_review_or_pictures_it_still_says_everything_else():
    page = Elements(report(picture=lambda *_: None))
    assert not [name for name, _ in page.elements if name == "img"]
    for words in ("附件.pdf", "无法读取", "无截图", "审批人员签名：", "未能识别"):
        assert words in page.text
    assert "审批人员的决定" not in page.text


@pytest.mark.parametrize(
    ("decided", "reviewed", "headline", "to_sign"),
    [
        (APPROVE, None, "建议准予", False),
        (REFER, None, "转人工审查", True),
        ("propose_reject", None, "建议不予许可——须由审批人员签署", True),
        (REFER, {"signed": False}, "转人工审查", True),
        (REFER, {"signed": True}, "转人工审查", False),
    ],
)
def test_headline_and_the_line_to_sign(decided, reviewed, headline, to_sign):
    page = Elements(report(decision(decision=decided), reviewed=review(**reviewed) if reviewed else None))
    assert headline in page.text
    assert ("审批人员签名：" in page.text) is to_sign


def test_an_approval_says_that_all_checks_passed():
    passed = tuple(msgspec.structs.replace(check, passed=True) for check in decision().checks)
    page = Elements(report(decision(decision=APPROVE, reasons=(), checks=passed, supplement=())))
    assert "全部 5 项核查通过" in page.text
    assert "一次性告知" not in page.text
    assert "未予自动准予" not in page.text


def test_grounds_stand_only_where_a_refusal_is_proposed():
    assert "救济途径" not in Elements(report(decision(decision=REFER))).text


def test_reasons_come_by_weight_and_unknown_ones_as_they_are():
    reasons = ("audit_sample", "breaker", "uncertain:area", "check:generic.identity", "new_code:x", "check:area.fee",
               "missing:consent", "unreadable:附件.pdf", "check:place.junction", "form", "internal")  # fmt: skip
    text = Elements(report(decision(reasons=reasons))).text
    order = ["内部错误", "申请表单不能使用", "路口三十米内不得占用：不通过", "材料无法读取：附件.pdf",
             "缺少材料：交警部门意见", "占道费与面积相符：不通过", "new_code：x", "无法判断：身份证号码正确",
             "识别把握不足，须由人核对：占用面积（71.0%）", "已暂停（熔断）", "随机抽样复核"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_the_head_is_short_and_the_notice_tells_everything():
    many = [f"附件{n}.pdf" for n in range(300)]
    reasons, told = tuple(f"unreadable:{name}" for name in many), tuple(f"请更换{name}" for name in many)
    text = Elements(report(decision(reasons=reasons, supplement=told))).text
    assert "另有 285 项，见下文" in text
    assert text.count("材料无法读取") == 15
    assert all(one in text for one in told)


@pytest.mark.parametrize(
    "text", [*HOSTILE, "长" * 70_000, "</figure><a href=javascript:alert(1)>", "data:text/html,<b>"]
)
def test_a_document_stays_text_wherever_its_words_stand(text, page):
    value = found(text, text, line(0.3), document=text, file=text, faults=(text,))
    evidence = Evidence(text, text, text, 1, 0, line(0.3), text)
    made = decision(
        application_id=text,
        decision=text,
        reasons=(text, f"unreadable:{text}", f"missing:{text}", f"uncertain:{text}", "check:x"),
        checks=tuple(
            Check("x", text, passed, text, text, text, (evidence,), text, text) for passed in (True, False, None)
        ),
        supplement=(text,),
        extraction=Extraction(
            (Document(text, text, (1,)),),
            {
                "purpose": Field("purpose", value, declared(text), (value, found("别的", text, line(0.5)))),
                text: Field(text, value, declared(text)),
                "workers": Field("workers", None, rows=({"name": value, text: value},), declared_rows=({text: text},)),
            },
        ),
        fingerprint=text, rules=text, models=text, decided_on=text,
    )  # fmt: skip
    files = msgspec.structs.replace(reading(), files=(FileReading(text, text, 1, text, problem=text, detail=text),))
    changes = tuple(msgspec.structs.replace(one, before=text, after=text, field=text) for one in review().changes)
    person = review(officer=text, at=text, decision=text, reason=text, comment=text, fingerprint=text, changes=changes)
    hostile = Elements(report(made, reviewed=person, reading=files))
    assert hostile.open == []
    assert {name for name, _ in hostile.elements} <= {name for name, _ in page.elements}
    attributes = [(name, value or "") for _, given in hostile.elements for name, value in given.items()]
    assert not [name for name, _ in attributes if name.startswith("on")]
    known = {value for _, given in page.elements for name, value in given.items() if name == "class"}
    assert {value for name, value in attributes if name == "class"} <= known | {"verdict ", "person ", "check open"}
    assert all(
        value.startswith(("#f", "data:image/jpeg;base64,")) for name, value in attributes if name in ("href", "src")
    )
    assert plain(text)[:100] in hostile.text


# -- what is L4 -------------------------------------------------------------------------------------------------------
def written_ids(page: str) -> list[str]:
    """L4 values of the made-up application in a page, however they are spaced."""
    close = Elements(page).text.replace(" ", "")
    return [value for value in (ID, OTHER_ID) if value in close or value in page]


def test_l4_values_show_only_in_part(whole, page):
    assert written_ids(whole) == []
    assert "41010*********1234" in page.text
    assert "41010*********432X" in page.text
    assert sorted(set(written_ids(report(reviewed=review(), show="full")))) == sorted([ID, OTHER_ID])


@pytest.mark.parametrize(
    "other",
    [
        {"supplement": (f"身份证号码{ID}与名单不符",)},
        {"checks": (Check("x", "核对", False, "refer", f"号码{OTHER_ID}重复", f"请更正{OTHER_ID}"),)},
        {"checks": (Check("x", "核对", False, "reject", f"号码{OTHER_ID}在名单内", f"请更正{OTHER_ID}"),)},
        {"checks": (Check("x", "核对", False, "refer", evidence=(Evidence("workers.number", OTHER_ID),)),)},
        {"checks": (Check("x", "核对", None, "refer", evidence=(Evidence("purpose", f"号码 {ID}"),)),)},
        {"extraction": Extraction((), {"purpose": Field("purpose", found(f"持证人{ID}", f"持证人{ID}", line(0.3)))})},
        {"extraction": Extraction((), {"unheard_of": Field("unheard_of", found(ID, ID, line(0.3)))})},
        {"extraction": Extraction((), {"id_number": Field("id_number", None, declared(OTHER_ID))})},
        {"extraction": Extraction((Document("identity", f"{ID}.jpg", (1,)),), {})},
        {"extraction": Extraction((), {"purpose": Field("purpose", found("x", "x", line(0.3), file=f"{ID}/a.pdf"))})},
    ],
    ids=["notice", "reason", "ground", "evidence of a column", "evidence of another field", "in another field",
         "unknown field", "declared only", "file name", "folder name"],
)  # fmt: skip
def test_an_l4_value_is_hidden_wherever_it_stands(other):
    assert written_ids(report(decision(**other))) == []


def test_what_is_l4_by_class_alone_is_hidden_without_looking_like_a_number():
    kind = msgspec.structs.replace(KIND, fields={"card": spec("银行卡", data_class="L4"), "purpose": spec("事由")})
    card, purpose = (
        found("账户甲乙丙丁戊己", "账户甲乙丙丁戊己", line(0.2)),
        found("付至账户甲乙丙丁戊己", "", line(0.3)),
    )
    made = decision(extraction=Extraction((), {"card": Field("card", card), "purpose": Field("purpose", purpose)}))
    assert "账户甲乙丙丁戊己" not in report(made, kind)
    assert "账户甲乙丙丁戊己" in report(made, kind, show="full")
    for unknown in ({"x": Field("x", card)}, {"workers": Field("workers", None, rows=({"x": card},))}):
        assert "账户甲乙丙丁戊己" not in report(decision(extraction=Extraction((), unknown)))
    said = Field("workers", None, declared_rows=({"number": "账户寅卯辰巳午"},))
    quoted = decision(extraction=Extraction((), {"workers": said}), supplement=("账户寅卯辰巳午不在名册内",))
    assert "账户寅卯辰巳午" not in report(quoted)
    corrected = review(changes=(Change("card", "账户**己", "账户庚辛壬癸子丑"),))
    assert "账户庚辛壬癸子丑" not in report(made, kind, reviewed=corrected)
    assert "账户庚辛壬癸子丑" in report(made, kind, reviewed=corrected, show="full")


def test_every_snippet_hides_the_l4_values_that_stand_near(whole):
    assert len(snippets(whole)) == 10
    assert [secret_pixels(one) for one in snippets(whole)] == [0] * 10
    shown = [secret_pixels(one) for one in snippets(report(show="full"))]
    assert sum(count > 100 for count in shown) >= 3  # the number, the name beside it, the table


def test_a_page_with_an_l4_value_at_an_unknown_place_gives_no_snippet():
    known = fields()
    nowhere = msgspec.structs.replace(known["id_number"].found[0], box=(0.0, 0.0, 0.0, 0.0))
    known["id_number"] = msgspec.structs.replace(known["id_number"], found=(nowhere,), best=nowhere)
    made = decision(extraction=msgspec.structs.replace(decision().extraction, fields=known))
    page = report(made)
    assert [one for one in snippets(page) if secret_pixels(one)] == []
    assert len(snippets(page)) == 1  # that of page 2
    assert "该页含有未定位的受限信息，不附截图" in page


# -- differences, tables, size -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "said", "flagged"),
    [
        ("河南样例公司", "河南样例公司", False),
        ("河南样例（集团）公司", "河南样例(集团)公司 ", False),
        ("河南样例公司", "河南样列公司", True),
        (90.0, 90, False),
        (90.0, 90.5, True),
        ("<b>", "<i>", True),
    ],
)
def test_what_differs_from_the_form_is_flagged_and_marked(value, said, flagged):
    made = Extraction((), {"purpose": Field("purpose", found(value, str(value), line(0.3)), declared(said))})
    page = report(decision(extraction=made, reasons=()), picture=lambda *_: None)
    assert ("与申报不一致" in page) is flagged
    assert ("<mark>" in page) is flagged


def test_cells_that_differ_from_the_declared_rows_are_marked(whole):
    assert "<td><mark>赵样</mark>" in whole
    assert "申报 赵例" in whole
    assert "<mark>王样</mark>" not in whole


def test_a_roster_of_hundreds_and_very_long_lines_stay_a_page_that_opens():
    columns = {
        "unit": column("房号", "text"),
        "owner": column("业主", "person", "L3"),
        "id": column("证件", "id_number", "L4"),
    }
    kind = msgspec.structs.replace(KIND, fields={**KIND.fields, "roster": spec("名册", "table", columns=columns)})
    rows = tuple(
        {"unit": found(f"{n // 4 + 1}-{n % 4}", "", line(0.5)), "owner": found("样" * 20_000, "", line(0.5)),
         "id": found(f"4101051900{n:04d}001X", "", line(0.5))}
        for n in range(1200)
    )  # fmt: skip
    made = decision(extraction=Extraction((), {"roster": Field("roster", None, rows=rows)}))
    began = time.process_time()
    page = report(made, kind)
    assert time.process_time() - began < 3
    assert "其余 200 行从略" in page
    assert '<td class="n">1000</td>' in page
    assert '<td class="n">1001</td>' not in page
    assert len(page) < 1_500_000


def test_pages_are_asked_for_once_each_and_may_be_no_pictures():
    asked: list[tuple[str, int, int]] = []

    def broken(*at: Any) -> bytes:
        asked.append(at)
        return b"\x89PNG\r\n\x1a\n but no more"

    page = report(picture=broken)
    assert sorted(asked) == [(FORM, 1, 0), (FORM, 2, 0)]
    assert "<img" not in page


def test_figures_are_numbered_as_they_follow(whole):
    numbers = [given["id"] for name, given in Elements(whole).elements if name == "figure"]
    assert numbers == [f"f{n}" for n in range(1, 11)]


def test_a_review_of_an_earlier_state_is_told():
    assert "与本说明的指纹不符" in report(reviewed=review(fingerprint="00"))
    assert "与本说明的指纹不符" not in report(reviewed=review())


def test_pictures_of_a_reading_are_found_by_file_number_and_part():
    picture = pictures_of(reading(), lambda page: f"{page.file}:{page.number}".encode())
    assert picture(IDENTITY, 1, 0) == f"{IDENTITY}:1".encode()
    assert picture(IDENTITY, 1, 2) is None
    assert picture("../other", 1, 0) is None


# -- what udfs.decisions gives -----------------------------------------------------------------------------------------
def test_checks_that_share_a_rule_are_all_told():
    checks = tuple(
        Check("generic.identifier", f"{title}有效", passed, "supplement", f"{title}校验码不符" if not passed else "",
              evidence=(Evidence(name, "x", FORM, 1),))
        for title, name, passed in (("代码", "applicant", False), ("号码", "id_number", False), ("车牌", "part", True))
    )  # fmt: skip
    text = Elements(report(decision(reasons=("check:generic.identifier",), checks=checks))).text
    assert "代码有效：不通过（代码校验码不符）" in text
    assert "号码有效：不通过（号码校验码不符）" in text
    assert "车牌有效：不通过" not in text


def cells(count: int) -> tuple[Evidence, ...]:
    return tuple(Evidence("workers.name", f"甲{n}", FORM, 1, 0, line(0.5 + n / 400, 0.12, 0.28)) for n in range(count))


@pytest.mark.parametrize(
    ("evidence", "words", "figures"),
    [
        ((Evidence("", "", document="consent"),), None, 9),
        ((Evidence("", "", FORM),), None, 9),
        ((Evidence("consent", ""),), None, 9),
        ((Evidence("purpose", "申报的事由"),), "占用事由 申报的事由　申请表单", 9),
        (cells(2), "现场人员·姓名 甲1　申请书.pdf 第 1 页", 11),
        (cells(300), "现场人员 300 处　申请书.pdf 第 1 页　图 9", 9),
        (tuple(Evidence("purpose", "x", FORM, 2, 0, line(n / 40)) for n in range(20)), "另有 12 处", 17),
    ],
    ids=["missing document", "unreadable file", "missing field", "declared", "two cells", "a roster", "many places"],
)
def test_evidence(evidence, words, figures):
    made = decision(checks=(Check("x", "核对", False, "refer", "不符", "", evidence),), reasons=("check:x",))
    page = report(made)
    assert len(snippets(page)) == figures
    card = Elements(page).text.partition("核查不通过 1 项")[2].partition("材料3 个文件")[0]
    if words is None:
        assert card.endswith("核对不通过不符x　由人工判断")
    else:
        assert words in card


@pytest.mark.parametrize("name", ["", "no_such_type", "<b>"])
def test_an_application_of_no_known_type_has_a_report_too(name):
    check = Check("generic.form", "申请表单可用", None, "supplement", "缺少 type（事项类型）")
    made = decision(
        type=name, decision=REFER, reasons=("form",), checks=(check,), supplement=("缺少 type（事项类型）",), rules="",
        extraction=Extraction((), {"id_number": Field("id_number", found(ID, ID, line(0.3)))}),
    )  # fmt: skip
    page = report(made, kind=None)
    assert "未知事项" in page
    assert "申请表单不能使用：缺少 type（事项类型）" in page
    assert written_ids(page) == []
