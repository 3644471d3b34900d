"""Labels on a page: where the words that announce a value stand, exactly or as OCR may have read them.

The longest label wins wherever two overlap, over all labels of the type: 法定代表人身份证号 is never 法定代表人.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from udfs.extraction.layout import PageIndex

CELL, COLON, START, PROSE = "cell", "colon", "start", "prose"
_NUMBERING = re.compile(
    r"^(?:\(?[0-9一二三四五六七八九十]{1,3}[).、:]|[0-9]{1,2}(?=[^\d.年月%])|[①-⑳*●◆■]|第[一二三四五六七八九十0-9]{1,3}[条章款])?"
)
_NOTE = re.compile(r"\([^()]{0,16}\)")
_SIGNED = re.compile(r"\([^()]*[签盖][^()]*\)")
_NOUNS = re.compile(
    r"身份|证件|证号|号码|电话|手机|地址|住所|住址|签[字名章]|盖章|公章|姓名|名称|日期|类型|类别|信息|意见|情况|性别|职务|期限|期至|面积|编号|代码|"
    r"委托|授权|声明|承诺|代表|单位(?!:)|所在|方式|原因|范围$|总额$|部门|人员|及其|或者|有效期"
)
GENERIC = tuple(
    (
        "联系人 联系电话 电话 手机 传真 邮编 邮政编码 电子邮箱 性别 民族 出生 出生日期 职务 备注 日期 序号 "
        "身份证号码 地址 住址 通讯地址 签字 签名 盖章 单位 编号 证件类型 证件名称 国籍 签发机关 "
        "登记机关 成立日期 发证日期 填表说明 经办人 审核人 审批意见 年月日"
    ).split()
)
"""Labels of common forms that end a value although the type asks nothing of them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A label on a line: folded characters ``start`` to ``end``; the value may begin at ``after``."""

    line: int
    start: int
    end: int
    after: int
    label: str
    form: str
    """``cell`` (nothing else on the line), ``colon``, ``start`` (the value follows directly) or ``prose``."""
    score: float
    """How surely it is this label, 0..1."""
    note: str = ""
    """A parenthesis right after it: (万元), (签字)."""
    more: tuple[int, ...] = ()
    """Lines below on which the label goes on: 警示标志和安全防 / 围设施 in one cell."""


class Labels:
    """All labels of a type, compiled. Cost on a page of 40 lines: under 1 ms, with OCR's noise about 5 ms."""

    def __init__(self, labels: Iterable[str], values: Collection[str] = ()) -> None:
        """``values``: words of choices, never taken for a label that OCR misread (同意占用 for 同意占用至)."""
        self._values = frozenset(values)
        known = sorted({*labels, *GENERIC} - {""}, key=len, reverse=True)
        self._exact = re.compile("|".join(map(re.escape, known)))
        self._known = frozenset(known)
        self._noisy = [(label, frozenset(label)) for label in known if len(label) >= 3]

    def hits(self, page: PageIndex) -> list[Hit]:
        """Every label of the page, in the lines' order."""
        found: list[Hit] = []
        for line, text in enumerate(page.texts):
            if not text:
                continue
            numbered = _NUMBERING.match(text)
            first = numbered.end() if numbered else 0
            here = [
                hit
                for match in self._exact.finditer(text)
                if (hit := _hit(page, line, match.start(), match.end(), match.group(), first, 1.0)) is not None
            ]
            if page.ocr and text not in self._values and not any(hit.start <= first for hit in here):
                guess = self._guess(page, line, first)
                if guess is not None:
                    here = [guess, *(hit for hit in here if hit.start >= guess.end)]
            found += here
        return self._with_wrapped(page, found)

    def _with_wrapped(self, page: PageIndex, found: list[Hit]) -> list[Hit]:
        """Also labels that are wrapped over two or three lines of a column; their parts are no labels."""
        whole = {hit.line for hit in found if hit.form == CELL and hit.start == 0}
        wrapped: list[Hit] = []
        used: set[int] = set()
        for line, text in enumerate(page.texts):
            if not 2 <= len(text) <= 14 or line in used or ":" in text:
                continue
            lines, joined = [line], text
            while len(lines) < 3 and (under := _under(page, lines[-1])) is not None:
                lines.append(under)
                joined += page.texts[under]
                label = self._same(joined.rstrip(":"), page.ocr)
                if label is not None and not all(each in whole for each in lines):
                    score = 1.0 if label in joined else 0.85
                    wrapped.append(Hit(line, 0, len(text), len(text), label, CELL, score, more=tuple(lines[1:])))
                    used.update(lines)
                    break
        return [hit for hit in found if hit.line not in used] + wrapped if wrapped else found

    def _same(self, text: str, noisy: bool) -> str | None:
        bare = _NOTE.sub("", text)
        for form in (text, bare):
            if form in self._known:
                return form
        if noisy and len(bare) >= 6:
            for label, _ in self._noisy:
                if len(label) == len(bare) and sum(a != b for a, b in zip(label, bare, strict=True)) == 1:
                    return label
        return None

    def _guess(self, page: PageIndex, line: int, first: int) -> Hit | None:
        """A label that the line begins with, one sign in four read wrong at most."""
        text = page.texts[line]
        colon = text.find(":", first, first + 24)
        head = text[first:colon] if colon >= 0 else text[first : first + 24]
        head = _NOTE.sub("", head)
        whole = colon >= 0 or first + len(head) >= len(text)
        signs = set(head)
        best: tuple[float, int, str, int] | None = None
        for label, letters in self._noisy:
            length = len(label)
            allowed = 1 if length < 7 else 2
            if len(letters - signs) > allowed or (length == 3 and not whole):
                continue
            spans = {len(head)} if whole and abs(len(head) - length) <= allowed else set()
            if length >= 4:
                spans |= {length, length - 1, length + 1}
            for span in spans:
                if span > len(head):
                    continue
                edits = distance(label, head[:span], allowed)
                if edits <= allowed and (best is None or (edits / length, -length) < (best[0], best[1])):
                    best = (edits / length, -length, label, span)
        if best is None:
            return None
        share, _, label, span = best
        return _hit(page, line, first, first + span, label, first, 1.0 - share)


def distance(one: str, other: str, limit: int) -> int:
    """Edit distance (insert, delete, replace), or limit + 1 when it is larger."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _hit(page: PageIndex, line: int, start: int, end: int, label: str, first: int, score: float) -> Hit | None:
    text = page.texts[line]
    after, note = end, ""
    parenthesis = _NOTE.match(text, end)
    if parenthesis is not None:
        after, note = parenthesis.end(), parenthesis.group()
    at_start = start <= first
    opened = at_start or text[start - 1] in ",;。:、)]/" or page.gap_before(line, start)
    if after >= len(text):
        if opened:
            return Hit(line, start, end, after, label, CELL, score, note)
        # 拟设企业名称, 被委托人: a longer label that nobody listed
        return Hit(line, start, end, after, label, CELL, score * 0.55, note) if len(label) > 2 else None
    if text[after] == ":":
        return Hit(line, start, end, after + 1, label, COLON, score if opened else score * 0.55, note)
    gap = page.gap_before(line, after)
    if _NOUNS.match(text, after) and not gap:
        return None
    if not gap and text[after] in "为是即系由设":
        return Hit(line, start, end, after, label, PROSE, score * 0.6, note) if len(label) > 1 else None
    if opened and (gap or at_start) and (gap or len(label) > 2):
        return Hit(line, start, end, after, label, START, score * (0.9 if gap else 0.8), note)
    return Hit(line, start, end, after, label, PROSE, score * 0.6, note) if len(label) > 2 else None


def _under(page: PageIndex, line: int) -> int | None:
    """The short line right under a line in its cell or, where none is ruled, in its column."""
    box, cell = page.boxes[line], page.cells[line]
    height = min(box[3] - box[1], 2 * page.height)
    for other, under in enumerate(page.boxes):
        if other == line or not -0.4 * height < under[1] - box[3] < 0.9 * height or under[1] < box[1] + 0.5 * height:
            continue
        if page.cells[other] != cell or len(page.texts[other]) > 14 or not page.texts[other]:
            continue
        aligned = abs(under[0] - box[0]) < 0.012 or abs(under[0] + under[2] - box[0] - box[2]) < 0.03
        if aligned:
            return other
    return None


def signed(note: str) -> bool:
    """Whether a parenthesis behind a label asks for a signature or seal."""
    return bool(_SIGNED.fullmatch(note))
