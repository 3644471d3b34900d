"""The generator says what the types say, its truth is what is printed, and the two splits share nothing."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFont

from loadtest.applications import __main__ as command
from loadtest.applications import faces, placing, wear
from loadtest.applications.faults import FAULTS
from loadtest.applications.folders import make
from loadtest.applications.hostile import HOSTILE
from loadtest.applications.invention import Inventor, dice, id_check, spoilt, uscc_check
from loadtest.applications.layouts import LAYOUTS
from loadtest.applications.paper import Case
from loadtest.applications.plan import DUPLICATE, TYPES, Options, invented, plan
from loadtest.applications.writing import LONG, Style, Wording, capitals, write
from schemas.applications import Document, Extraction, Field, FileReading, Found, Reading
from udfs import types
from udfs.decisions import decide

ON = date(2026, 6, 1)
MICROHEI = faces.FACES["tune"][0]


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fonts are missing (CI has one), the one that is there stands in for them."""
    if not MICROHEI.file.is_file():
        pytest.skip("apt-get install fonts-wqy-microhei")
    stand_in = {
        split: tuple(
            face if face.file.is_file() else replace(face, path=MICROHEI.path, index=0, embeds=True) for face in found
        )
        for split, found in faces.FACES.items()
    }
    monkeypatch.setattr(faces, "FACES", stand_in)


def cases(name: str, times: int = 1) -> list[tuple[str, Case]]:
    """Applications of a type: clean ones, and each defect of its own and of all types."""
    module, found = TYPES[name], []
    for number, defect in enumerate([*[""] * 8, *sorted(module.DEFECTS) * times, *sorted(FAULTS) * times]):
        rng = dice(number, name)
        case = module.draw(rng, ON, defect if defect in module.DEFECTS else "")
        if defect in FAULTS:
            made = FAULTS[defect](case, rng, ON)
            if made is None:
                continue
            case.defects.append(made)
        elif defect:
            case.defects.append(module.DEFECTS[defect])
        found.append((defect, case))
    return found


@pytest.mark.parametrize("name", TYPES)
def test_names_labels_and_words_are_those_of_the_type(name: str) -> None:
    kind = types.load(name)
    assert {rule.rule: rule.outcome for rule in kind.rules} == {
        rule: defect.outcome for rule, defect in TYPES[name].DEFECTS.items()
    }
    printed: set[str] = set()
    for _, case in cases(name):
        fields, tables = case.printed()
        printed |= fields.keys() | tables.keys()
        assert set(case.declared) <= kind.fields.keys()
        for paper in case.papers:
            assert set(paper.titles) <= set(kind.documents[paper.document].titles)
            for field in paper.fields() & kind.fields.keys():
                spec = kind.fields[field]
                assert paper.document in spec.documents, (field, paper.document)
                worded = {**case.columns[field]} if spec.kind == "table" else {"": case.wording(paper.document, field)}
                for column, wording in worded.items():
                    known = spec.columns[column] if column else spec
                    assert wording.kind == known.kind, (field, column)
                    assert set(wording.labels) <= set(known.labels), (field, column)
                    for value, word in (wording.choices or {}).items():
                        assert word in known.choices[value], (field, column)
    assert printed == kind.fields.keys()


# what follows from a defect by arithmetic: a share that was lowered no longer fits its capital either
FOLLOWS = {
    "capital.percent": {"capital.share"},
    "capital.positive": {"capital.sum"},
    "scope.forbidden": {"scope.terms"},
    "dates.order": {"fee.computed"},
    # a field may stand in another document too, though not on this applicant's
    "generic.missing": {"generic.required"},
}


@pytest.mark.parametrize("name", TYPES)
def test_rules_judge_the_truth_as_expected(name: str) -> None:
    kind = types.load(name)
    reading = Reading(files=(FileReading("a.pdf", "", 1, "pdf"),), model="none")
    for defect, case in cases(name):
        form = case.form()
        decision = decide(kind, "x", form, reading, extracted(kind, case, form), on=ON)
        failed = {check.rule for check in decision.checks if check.passed is False}
        rule = defect.split(":")[0]
        assert decision.decision == case.expected, (defect, failed)
        assert failed - FOLLOWS.get(rule, set()) == ({rule} if rule else set()), defect


def extracted(kind: types.Type, case: Case, form: dict[str, Any]) -> Extraction:
    """What a perfect reader finds on the papers."""
    fields = {}
    for name, spec in kind.fields.items():
        found, rows = [], ()
        for paper in case.papers:
            worded = [case.wording(paper.document, each) for each in paper.fields() if each in case.values]
            if name in case.tables and name in paper.fields() and not rows:
                rows = tuple(
                    {
                        key: Found(value, str(value), 1.0, document=paper.document)
                        for key, value in row.items()
                        if value is not None
                    }
                    for row in case.rows(paper.document, name)
                )
            elif name in paper.fields() or any(wording.begin == name for wording in worded):
                value = case.value(paper.document, name)
                wrong = (
                    (spec.kind == "uscc" and uscc_check(value[:17]) != value[17])
                    or (spec.kind == "id_number" and id_check(value[:17]) != value[17])
                    or name in case.contradicted
                ) if value is not None else False  # fmt: skip
                faults = ("check_digit",) if wrong else ()
                if value is not None:
                    found.append(Found(value, str(value), 1.0, file="a.pdf", document=paper.document, faults=faults))
        declared = Found(form[name], str(form[name]), 1.0) if name in form else None
        fields[name] = Field(name, found[0] if found else None, declared, tuple(found), rows)
    return Extraction(tuple(Document(paper.document, "a.pdf", (1,)) for paper in case.papers), fields)


def test_splits_share_no_font_and_no_layout() -> None:
    tune, figure = ({face.path for face in faces.FACES[split]} - {None} for split in ("tune", "figure"))
    noto = {path for path in tune | figure if "noto" in path}
    assert not tune & figure
    assert len(noto) == 2
    settings = [{replace(layout, name="") for layout in LAYOUTS[split]} for split in ("tune", "figure")]
    assert not settings[0] & settings[1]
    shapes = [{(each.family, each.columns, each.spread, each.sections) for each in found} for found in settings]
    assert not shapes[0] & shapes[1]


@pytest.mark.parametrize("split", LAYOUTS)
def test_nothing_is_cut_off(split: str) -> None:
    if not MICROHEI.file.is_file():
        pytest.skip("apt-get install fonts-wqy-microhei")
    letters = ImageFont.truetype(str(MICROHEI.file), 100)
    for number, name in enumerate(TYPES):
        for place, layout in enumerate(LAYOUTS[split]):
            rng = dice(number, place)
            # 51 shareholders fill more than a sheet, and sign
            many = name == "enterprise_registration" and not place
            case = TYPES[name].draw(rng, ON, "shareholders.number" if many else "")
            for paper in case.papers:
                for sheet in placing.place(paper, case, layout, rng):
                    for mark in sheet.marks:
                        if isinstance(mark, placing.Text):
                            width = letters.getlength(mark.text) * mark.size / 100
                            assert width <= placing.extent(mark.text, mark.size) + 0.5, layout.name
                            assert mark.x + width < placing.WIDTH - 30, (layout.name, paper.document)
                            assert mark.size < mark.y < sheet.height - 3, (layout.name, paper.document)


def test_same_seed_same_bytes_in_any_order(tmp_path: Path, fonts: None) -> None:
    options = Options(7, "figure", ON, types=("temporary_road_occupation",))
    wanted = [next(i for i in range(200) if plan(options, i).kind == kind) for kind in ("text", "poor")]
    first = [make(options, index, tmp_path / "one") for index in wanted]
    second = [make(options, index, tmp_path / "two") for index in reversed(wanted)][::-1]
    assert first == second
    one, two = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert (
        invented(replace(options, seed=8), plan(options, wanted[0])).values
        != invented(options, plan(options, wanted[0])).values
    )


def test_truth_is_what_a_text_layer_says(tmp_path: Path, fonts: None) -> None:
    import pypdfium2

    options = Options(3, "tune", ON, kinds=(("text", 1.0),))
    # kinds that are never wrapped
    kinds = ("person", "uscc", "id_number", "phone", "signature")
    compared = 0
    for index in range(6):
        truth = json.loads(make(options, index, tmp_path))
        folder = tmp_path / "applications" / truth["id"]
        assert set(truth["documents"]) | {"application.json"} == {path.name for path in folder.iterdir()}
        if any(not name.endswith(".pdf") for name in truth["documents"]):
            continue
        text = ""
        for name, pages in truth["documents"].items():
            pdf = pypdfium2.PdfDocument(folder / name)
            assert len(pdf) == len(pages)
            text += "".join(page.get_textpage().get_text_bounded() for page in pdf)
        text = "".join(text.split())
        words = TYPES[truth["type"]].WORDS
        for field, value in truth["fields"].items():
            if field in words and words[field].kind in kinds:
                compared += 1
                assert value in text, (index, field)
    assert compared >= 12


@pytest.mark.parametrize("way", HOSTILE)
def test_hostile_files_are_what_they_say(way: str) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.errors import PyPdfError

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    out = io.BytesIO()
    writer.write(out)
    suffix, data = HOSTILE[way](out.getvalue(), dice(way))
    if way == "encrypted":
        assert PdfReader(io.BytesIO(data)).is_encrypted
    elif way == "truncated":
        with pytest.raises(PyPdfError):
            PdfReader(io.BytesIO(data), strict=True).pages[0].extract_text()
    elif way == "empty":
        assert data == b""
    elif way == "extension":
        assert data.startswith(b"%PDF")
        assert suffix != ".pdf"
    elif way == "unsupported":
        assert not data.startswith(b"%PDF")
        assert suffix == ".pdf"
    elif way == "bomb":
        import zipfile

        assert len(data) < 2 << 20
        assert sum(part.file_size for part in zipfile.ZipFile(io.BytesIO(data)).infolist()) > 200 << 20
    else:
        assert way == "pixels"
        assert int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big") > 100_000_000


def test_plan_keeps_shares_and_repeats_only_what_came_before() -> None:
    options = Options(11, "tune", ON, kinds=(("text", 1.0),))
    plans = [plan(options, index) for index in range(3000)]
    share = sum(bool(each.defect) for each in plans) / len(plans)
    assert 0.56 < share < 0.64
    defects = Counter((each.type, each.defect) for each in plans)
    for name, module in TYPES.items():
        assert {rule for type_, rule in defects if type_ == name} >= module.DEFECTS.keys()
    repeats = [each for each in plans if each.defect == DUPLICATE]
    assert len(repeats) > 20
    for each in repeats[:10]:
        earlier = plans[each.values]
        assert each.values < each.index
        assert (earlier.type, earlier.defect) == (each.type, "")
        assert invented(options, each).values == invented(options, earlier).values
        assert invented(options, each).expected == "refer"


@pytest.mark.parametrize("effect", wear.EFFECTS)
def test_effects_change_a_page_the_same_way_each_time(effect: str) -> None:
    import numpy as np

    page = np.full((300, 1240, 3), 255, np.uint8)
    page[100:110, 50:250] = 0
    one, two = (wear.EFFECTS[effect](page.copy(), dice(effect)) for _ in "12")
    assert one.dtype == np.uint8
    assert np.array_equal(one, two)
    assert one.shape != page.shape or not np.array_equal(one, page)
    # the bar is still there, darker than the paper
    assert one.min() < 140
    Image.fromarray(one)


STYLE = Style("plain", "plain", "word", True)
BOXED = Wording("choice", ("部位",), {"a": "行车道", "b": "人行道"})


@pytest.mark.parametrize(
    ("wording", "value", "style", "text"),
    [
        (Wording("date", ()), "2026-03-05", STYLE, "2026年3月5日"),
        (Wording("date", ()), "2026-03-05", replace(STYLE, dates="padded"), "2026年03月05日"),
        (Wording("date", ()), "2026-12-31", replace(STYLE, dates="numerals"), "二〇二六年十二月三十一日"),
        (Wording("date", ()), "2026-10-20", replace(STYLE, dates="numerals"), "二〇二六年十月二十日"),
        (Wording("date", ()), LONG, STYLE, "长期"),
        (Wording("amount", ()), 45360, replace(STYLE, amounts="commas"), "45,360元"),
        (Wording("amount", ()), 45360.5, STYLE, "45360.50元"),
        (Wording("amount", (), unit="万元"), 125000, STYLE, "12.5"),
        (Wording("percent", ()), 33.4, STYLE, "33.4%"),
        (Wording("number", (), unit="米"), 2.0, STYLE, "2米"),
        (Wording("area", (), unit="平方米"), 196.5, replace(STYLE, units=False), "196.50"),
        (BOXED, "b", STYLE, "人行道"),
        (BOXED, "b", replace(STYLE, choices="filled"), "□行车道  ■人行道"),
        (BOXED, None, replace(STYLE, choices="filled"), ""),
    ],
)
def test_writing(wording: Wording, value: Any, style: Style, text: str) -> None:
    assert write(wording, value, style) == text


@pytest.mark.parametrize(
    ("yuan", "text"),
    [
        (0, "零元整"),
        (10, "壹拾元整"),
        (500000, "伍拾万元整"),
        (1005, "壹仟零伍元整"),
        (100005, "壹拾万零伍元整"),
        (45360.5, "肆万伍仟叁佰陆拾元伍角"),
        (1.05, "壹元零伍分"),
        (0.5, "伍角"),
        (120003400, "壹亿贰仟万叁仟肆佰元整"),
        (100000001, "壹亿零壹元整"),
    ],
)
def test_capitals(yuan: float, text: str) -> None:
    assert capitals(yuan) == text


def test_identifiers_have_right_check_characters() -> None:
    # the examples of GB 11643 and GB 32100
    assert id_check("11010519491231002") == "X"
    assert uscc_check("91350100M000100Y4") == "3"
    make_ = Inventor(dice("identifiers"), ON)
    for _ in range(50):
        number, code = make_.id_number(), make_.uscc()
        assert (number[17], number[14:17]) == (id_check(number[:17]), "000")
        assert code[17] == uscc_check(code[:17])
        assert id_check(spoilt(number, dice(number))[:17]) != number[17]


def test_command_writes_truth_beside_whole_folders_and_refuses_a_second_run(
    tmp_path: Path, fonts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--output",
        str(tmp_path),
        "--count",
        "3",
        "--seed",
        "1",
        "--split",
        "tune",
        "--kinds",
        "text=3,hostile=1",
    ]
    assert command.main(arguments) == 0
    truths = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [truth["id"] for truth in truths] == [f"tune-1-00000{index}" for index in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["applications", "truth.jsonl"]
    for truth in truths:
        form = json.loads((tmp_path / "applications" / truth["id"] / "application.json").read_text(encoding="utf-8"))
        assert (form["type"], form["submitted_at"][:10]) == (truth["type"], "2026-06-01")
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--types", "fishing"), ("--kinds", "text,fax")])
def test_command_names_what_it_does_not_know(option: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        command.arguments(["--output", str(tmp_path), "--count", "1", "--seed", "1", "--split", "tune", option, value])


def test_missing_fonts_are_told_with_the_line_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(MICROHEI, path="truetype/none.ttc", package="fonts-none")
    monkeypatch.setattr(faces, "FACES", {"tune": (gone,)})
    with pytest.raises(faces.FontsMissing, match=r"apt-get install .*fonts-none"):
        faces.check("tune")


@pytest.mark.parametrize("name", TYPES)
def test_who_did_not_sign_did_not_seal(name: str) -> None:
    case = TYPES[name].draw(dice(name), ON, "")
    for paper in case.papers:
        signatures = [each for each in paper.fields() if each in case.values and case.words[each].kind == "signature"]
        for blank in (False, True):
            case.elsewhere = {(paper.document, each): None for each in signatures if blank}
            sheets = placing.place(paper, case, LAYOUTS["tune"][0], dice(name))
            seals = [mark for sheet in sheets for mark in sheet.marks if isinstance(mark, placing.Seal)]
            assert not (blank and signatures and seals)
            assert all(mark.text and not mark.text.isascii() for mark in seals)
