"""Household detail: building, unit, door, floor, room, village group. What comes before it (the road, the estate, the
village) is a shared place and no part of the span.

One detail alone needs the place right before it ("建设路128号"); two in a row speak for themselves ("3号楼2单元501").
"""

from __future__ import annotations

from udfs.pii.recogniser import IdentifierRecogniser

_N = r"(?:\d{1,4}|[一二三四五六七八九十]{1,3}|[A-Za-z]\d{0,3}|[甲乙丙丁])"
_BUILDING = rf"{_N}(?:#|号)?(?:楼(?!主|市|盘|梯|道|上|下|顶)|栋|幢|号院|号楼)"
_DOOR = rf"(?:附|之)?{_N}号(?![线文令机病车楼院]|码|称|召)"
_UNIT = rf"(?:{_N}|[东西南北中])单元"
_FLOOR = rf"{_N}层"
_ROOM = r"\d{1,4}[A-Za-z]?(?:号?室|号?房(?!间|子|价|租|地|东|产)|号门|门)"
_SIDE = r"(?:[东西南北中对]{1,2}户|[左右]手边)"
_GROUP = r"第?(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?:组|社|队)(?![织团成合区长员友员形])"
_BARE = r"\d{2,4}(?![\d号日月年点时分人个元米岁万亿%.:：]|多)"
_ANY = rf"(?:{_BUILDING}|{_UNIT}|{_FLOOR}|{_ROOM}|{_SIDE}|{_DOOR}|{_GROUP})"
_S = r"[ \-—]?"
_CHAIN = rf"(?:{_BUILDING}|{_UNIT}|{_DOOR}|{_FLOOR}|{_GROUP}|[A-Za-z]座)(?:{_S}{_ANY}){{1,4}}(?:{_S}{_BARE})?"
_DETAILS = rf"{_ANY}(?:{_S}{_ANY}){{0,4}}(?:{_S}{_BARE})?"
_HEAD = r"(?=[0-9A-Za-z一二三四五六七八九十第东西南北中对左右甲乙丙丁附之])"
_START = rf"{_HEAD}(?<![0-9A-Za-z第])"
_NEAR = _HEAD.replace("附之", r"附之 \-—")
_ROOM_NUMBER = r"\d{3,4}(?:室|房|户)?(?![\d年元米个人万亿.])"
_DASHES = r"[A-Za-z]?\d{1,3}(?:(?:-\d{1,4}){2,3}|-\d{3,4})(?:号|室)?"
_AFTER_PLACE = r"(?:(?<=大道)|(?<=胡同)|(?<=小区)|(?<=社区)|(?<=[路街巷弄村庄寨屯苑园院城寓府邸湾庭居厦坊]))"
_NO_DATE = r"(?![上下]午|晚|早|凌晨|开始|起|到|至|之前|左右|前后|线|出口|公交|车)"


class HouseholdRecogniser(IdentifierRecogniser):
    """ADDRESS."""

    ENTITY = "ADDRESS"
    GATES = (r"[0-9A-Za-z一二三四五六七八九十东西南北中对甲乙丙丁手](?:[号楼栋幢单室房户门组社队层座#边]|-\d)",)
    HAN_ONLY = True
    CONTEXT = ("住", "家", "地址", "小区", "被困", "救", "位置", "收货", "收件", "户", "门牌")
    AGAINST = ("医院", "方舱", "课文", "英语", "版本", "病例", "患者", "地铁", "公交", "实验室")
    WINDOW = (16, 10)
    PATTERNS = (
        ("chain", rf"{_START}(?!\d\d?号\d\d?号){_CHAIN}", 0.75),
        ("building and bare room", rf"{_START}(?:{_BUILDING}|{_UNIT}|[A-Za-z]座){_S}{_ROOM_NUMBER}", 0.7),
        ("after a shared place", rf"{_NEAR}{_AFTER_PLACE}{_S}(?P<span>{_DETAILS}){_NO_DATE}", 0.55),
        ("dashes after a place", rf"{_NEAR}{_AFTER_PLACE}{_S}(?P<span>{_DASHES})(?![\d年月日天个人名元:：])", 0.5),
        ("dashes", r"(?=\d)(?<![\d\-.])\d{1,3}[-—]\d{1,2}[-—]\d{3,4}(?![\d\-])", 0.15),
        ("one building", r"(?=\d)(?<![0-9A-Za-z第一二三四五六七八九])(?:\d{1,3}(?:号楼|[栋幢]|单元)|\d{3,4}室)", 0.1),
    )  # fmt: skip
