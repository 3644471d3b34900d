"""Household detail: building, unit, door, floor, room, village group. What comes before it (the road, the estate, the
village) is a shared place and no part of the span.

One detail alone needs the place right before it ("建设路128号"); two in a row speak for themselves ("3号楼2单元501").
"""

from __future__ import annotations

from udfs.pii.recogniser import IdentifierRecogniser

_HAN_NUMBER = r"[一二三四五六七八九十百零〇]{1,5}"
_N = rf"(?:[甲乙丙丁]?\d{{1,4}}|{_HAN_NUMBER}|[A-Za-z]\d{{0,3}}|[甲乙丙丁])"
_BUILDING = rf"{_N}(?:#|号)?(?:宿舍楼?|楼(?!主|市|盘|梯|道|上|下|顶)|栋|幢|号大?院|号楼)"
_BLOCK = r"(?:\d{1,3}|[A-Za-z])座"
_DOOR = rf"(?:附|之)?{_N}号(?![线文令机病车楼院馆台]|码|称|召|户型)"
_LANE = rf"(?:\d{{1,4}}|{_HAN_NUMBER})弄(?!堂|丢|坏|脏|好)"
_UNIT = rf"(?:{_N}|[东西南北中])单元"
_FLOOR = rf"(?:负?{_N}|首|顶|架空)层(?!设计)"
_ROOM = r"\d{1,4}[A-Za-z]?(?:号?室(?!友)|号?房(?!间|子|价|租|地|东|产)|号门(?!面)|门(?!面))"
_SHOP = r"(?:[A-Za-z]?\d{1,4}号?|号)?(?:商铺|铺(?!路|设|天|满|垫)|铺位|档口)"
_ROW = rf"{_N}排"
_SIDE = r"(?:[东西南北中对]{1,2}户|[左右]手边?|(?<=[号楼栋幢院])[东西南北]院)"
_GROUP = r"第?(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?:组|社|队)(?![织团成合区长员友员形])"
_BARE = r"\d{1,2}-\d{1,4}(?![\d年月日天个人名元:：%])|\d{2,4}(?![\d号日月年点时分人个元米岁万亿世%.:：]|多)"
_ANY = rf"(?:{_BUILDING}|{_BLOCK}|{_UNIT}|{_FLOOR}|{_SHOP}|{_ROOM}|{_SIDE}|{_LANE}|{_DOOR}|{_GROUP})"
_S = r"[ \-—]?"
_CHAIN = (
    rf"(?:{_BUILDING}|{_BLOCK}|{_UNIT}|{_LANE}|{_DOOR}|{_FLOOR}|{_GROUP})(?:{_S}{_ANY}){{1,5}}"
    rf"(?:{_S}(?:{_BARE}))?"
)
_DETAILS = rf"(?:{_ANY}|{_ROW}(?=\d|{_HAN_NUMBER}号))(?:{_S}{_ANY}){{0,5}}(?:{_S}(?:{_BARE}))?"
_HEAD = r"(?=[0-9A-Za-z一二三四五六七八九十第东西南北中对左右甲乙丙丁附之负])"
_START = rf"{_HEAD}(?<![0-9A-Za-z第百])"
_NEAR = _HEAD.replace("附之", r"附之 \-—")
_ROOM_NUMBER = r"\d{3,4}(?:室|房|户)?(?![\d年元米个人万亿.])"
_DASHES = r"[A-Za-z]?\d{1,3}(?:(?:-\d{1,4}){2,3}|-\d{3,4})(?:号|室)?"
_AFTER_PLACE = (
    r"(?:(?<=大道)|(?<=胡同)|(?<=小区)|(?<=社区)|(?<=校区)|(?<=[路街巷弄村庄寨屯苑园院城寓府邸湾庭居厦坊])|"
    r"(?<=[0-9A-Za-z一二三四五六七八九东西南北中][区期段巷]))"
)
_NO_DATE = r"(?![上下]午|晚|早|凌晨|开始|起|到|至|之前|左右|前后|线|出口|公交|车)"
_NAMED_GROUP = (
    r"(?<=[\u4e00-\u9fff]村)(?![村居]?民|小|通|专|工作|调查|巡|治|检|领|互|医|帮|驻|执|党|支|宣|督|委|里|的|两|干部|各|全|每|几|多|在|分)"
    r"(?P<span>[\u4e00-\u9fff]{1,3}?(?<!小)组(?![织团成合区长员建装件图])(?:\d{1,3}号)?)"
)


class HouseholdRecogniser(IdentifierRecogniser):
    """ADDRESS."""

    ENTITY = "ADDRESS"
    GATES = (
        r"[0-9A-Za-z一二三四五六七八九十百东西南北中甲乙丙丁村头]"
        r"(?:[号楼栋幢单室房户门组社队层座弄排铺]|-\d|#[\d楼栋幢单]|宿舍|商铺|(?<=村)[\u4e00-\u9fff]{1,3}组|(?<=头)第)",
    )
    HAN_ONLY = True
    CONTEXT = ("住", "家", "地址", "小区", "被困", "救", "位置", "收货", "收件", "户", "门牌")
    AGAINST = ("医院", "方舱", "课文", "英语", "版本", "病例", "患者", "地铁", "公交", "实验室")
    WINDOW = (16, 10)
    PATTERNS = (
        ("chain", rf"{_START}(?!\d\d?号\d\d?号|一层一层){_CHAIN}", 0.75),
        (
            "building and bare room",
            rf"{_START}(?:{_BUILDING}|{_BLOCK}|{_UNIT})"
            rf"(?:{_S}{_ROOM_NUMBER}|\d{{1,2}}-\d{{1,4}}(?![\d年月日天个人名元:：%]))",
            0.7,
        ),
        ("after a shared place", rf"{_NEAR}{_AFTER_PLACE}{_S}(?P<span>{_DETAILS}){_NO_DATE}", 0.55),
        ("dashes after a place", rf"{_NEAR}{_AFTER_PLACE}{_S}(?P<span>{_DASHES})(?![\d年月日天个人名元:：])", 0.5),
        ("door and room", r"(?<![0-9A-Za-z])\d{1,2}门\d{3,4}(?![\d分元人个年])", 0.5),
        ("number sign after a place", rf"(?=[ \-—]?\d){_AFTER_PLACE}{_S}(?P<span>\d{{1,3}}#\d{{3,4}})(?!\d)", 0.5),
        ("group of a village by its name", _NAMED_GROUP, 0.5),
        (
            "house by its place in the row",
            rf"(?=[村东西南北第])(?:{_AFTER_PLACE}|(?=村?[东西南北]头))"
            rf"(?P<span>(?:村?[东西南北]头)?第(?:\d{{1,2}}|{_HAN_NUMBER})[户家])(?=老|有|房|被|没|还|人|$|[，。,！!])",
            0.5,
        ),
        ("dashes", r"(?=\d)(?<![\d\-.])\d{1,3}[-—]\d{1,2}[-—]\d{3,4}(?![\d\-])", 0.15),
        (
            "one building",
            r"(?=\d)(?<![0-9A-Za-z第一二三四五六七八九])(?:\d{1,3}(?:号楼|[栋幢]|单元)|\d{3,4}室(?!友))",
            0.1,
        ),
    )  # fmt: skip


_PART = (
    r"(?:(?:building|bldg\.?|block|unit|apt\.?|apartment|room|rm\.?|flat|suite|floor)"
    r"(?: ?no\.?)? ?#?(?:\d{1,4}[a-z]?|[a-z]\d{0,4})\b|\d{1,2}(?:st|nd|rd|th) floor|#\d{1,4}[a-z]?\b)"
)
_STREET = r"(?-i:(?:[A-Z][A-Za-z']{1,20} ){1,3}(?:Street|Road|Avenue|Lane|Drive|Rd|St|Ave|Ln|Blvd|Boulevard)\b)"


class EnglishHouseholdRecogniser(IdentifierRecogniser):
    """ADDRESS in English: parts of a building in a row, one part with a word, the number before a street."""

    ENTITY = "ADDRESS"
    GATES = (
        r"\d",
        r"[bBuUaArRfFsS\d](?:(?i:(?<=b)(?:uilding|ldg|lock)|(?<=u)nit|(?<=a)p(?:t|artment)|(?<=r)(?:oom|m)|"
        rf"(?<=f)l(?:at|oor)|(?<=s)uite)\b|(?<=\d)[a-z]?,? {_STREET})",
    )
    CONTEXT = (
        "live",
        "lives",
        "living",
        "address",
        "trapped",
        "stuck",
        "home",
        "deliver",
        "send",
        "stay",
        "住",
        "地址",
    )
    WINDOW = (24, 12)
    PATTERNS = (
        ("parts in a row", rf"(?<![A-Za-z0-9]){_PART}(?:[, ]{{1,3}}{_PART}){{1,4}}", 0.6),
        ("one part", r"(?<![A-Za-z0-9])(?:apt\.?|apartment|flat|room|unit) ?#?(?:\d{1,4}[a-z]?|[a-z]\d{1,4})\b", 0.1),
        (
            "number before a street",
            rf"(?<![A-Za-z0-9.,:$#\-])(?P<span>(?:no\.? ?)?\d{{1,5}}[a-z]?),? (?={_STREET})",
            0.45,
        ),
    )  # fmt: skip
