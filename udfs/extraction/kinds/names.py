"""Names of persons and organisations, and the names that stand as signatures."""

from __future__ import annotations

import re

from udfs.extraction.folding import written
from udfs.extraction.kinds.value import Hints, Value

_HAN = r"[\u3400-\u9fff\U00020000-\U000323af]"
_PERSON = re.compile(
    rf"{_HAN}{{1,10}}(?:[·.]{_HAN}{{1,12}}){{1,3}}|{_HAN}{{2,4}}(?!{_HAN})|[A-Z][A-Za-z]+(?:[,·.]?[A-Z][A-Za-z]+)+"
)
_PREFIX = re.compile(
    rf"({_HAN}{{2,3}})(?=(?:先生|女士|同志|[男女](?![\u3400-\u9fff])|身份证|电话|联系|[签盖]|公民|系|作为|担任|任))"
)
_NO_PERSON = re.compile(
    r"签[字名章]|盖章|联系|公章|印章|日期|姓名|单位|名称|电话|手机|号码|证件|身份|地址|住所|住址|年月|性别|民族|职务|申请|"
    r"公司|以上|以下|本人|委托|代理|经办|同意|承诺|法定|代表|负责人|盖|填写|说明|备注|附件|材料|情况|意见|审核|审批|审查|"
    r"内容|类型|项目|面积|楼层|房号|单元|合计|职工|人员|股东|董事|监事|经理$|无$|证明|许可|许可证|如下|共计|编号|序号"
)
_ORGANISATION_END = re.compile(
    r"有限责任公司|股份有限公司|有限公司|分公司|公司|合伙企业(?:\((?:有限|普通)合伙\))?|\((?:有限|普通)合伙\)|\(个人独资\)|"
    r"合作社|工作室|事务所|研究院|设计院|委员会|管理处|居委会|村委会|业委会|办事处|个体工商户|经营部|服务部|商行|商店|"
    r"餐厅|餐馆|饭店|饭庄|酒楼|酒店|宾馆|食堂|超市|便利店|面馆|小吃店|早餐店|烘焙坊|茶社|中心|学校|幼儿园|医院|银行|"
    r"集团|协会|学会|基金会|大队|支队|厂|店|局|部|院|所|站|社|馆|坊|行|铺"
)
_ORGANISATION = re.compile(rf"[{_HAN[1:-1]}A-Za-z0-9()·&\-.]{{4,60}}")
_NOT_ORGANISATION = re.compile(
    r"^(?:签字|签名|盖章|公章|日期|电话|地址|联系|法定代表|年月日|以上|本单位|经办|统一社会|注册资本|填写)"
)
_BETWEEN = re.compile(r"[^、,;/]+")
_MARKS = re.compile(
    r"\((?:签[字名章]?|盖章|公章|印章|加盖公章|手写|签字或盖章|签字、?盖章|签名或盖章)+\)|\d{2,4}年\d{1,2}月\d{1,2}日.*$|年月日.*$"
)


def read_person(text: str, hints: Hints) -> Value | None:
    """张三, 买买提·阿不都拉, 阿依古丽.买买提; titles after it are left out. Never a word of the form itself."""
    for match in _PREFIX.finditer(text):
        if match.start() == 0 and not _NO_PERSON.search(match[1]):
            return Value(match[1], *match.span(1))
    for match in _PERSON.finditer(text):
        name = match.group()
        if match.start() and re.match(_HAN, text[match.start() - 1]):
            continue
        if not _NO_PERSON.search(name):
            return Value(re.sub(r"(?<=[^\x00-\x7f])[.·](?=[^\x00-\x7f])", "·", name), *match.span())
    return None


def read_organisation(text: str, hints: Hints) -> Value | None:
    """郑州市某某（河南）餐饮有限公司: up to the last ending that an organisation's name has."""
    match = _ORGANISATION.search(text)
    if match is None or _NOT_ORGANISATION.match(match.group()):
        return None
    name = _MARKS.sub("", match.group())
    ends = [end.end() for end in _ORGANISATION_END.finditer(name)]
    clean = bool(ends) and ends[-1] >= 4
    if clean and ends[-1] < len(name):
        name = name[: ends[-1]]
    name = name.rstrip("-.·&(")
    if len(name) < 4 or not re.search(_HAN, name):
        return None
    return Value(written(name), match.start(), match.start() + len(name), faults=() if clean else ("form",))


def read_signature(text: str, hints: Hints) -> Value | None:
    """The name of who signed: a person's, else an organisation's. None where only the form's own words stand.

    Where several sign (``hints.several``), all names in their order, as ``甲、乙``; what is no name ends them.
    """
    if hints.several:
        return _signatures(text)
    return _one_signature(text)


def _one_signature(text: str) -> Value | None:
    hints = Hints()
    bare = _MARKS.sub("", text)
    person = read_person(bare, hints)
    if person is not None:
        return person
    organisation = read_organisation(bare, hints)
    return organisation if organisation is not None and not organisation.faults else None


def _signatures(text: str) -> Value | None:
    names: dict[str, None] = {}
    start = end = 0
    for part in _BETWEEN.finditer(text):
        value = _one_signature(part.group())
        if value is None:
            if names:
                break
            continue
        if not names:
            start = part.start() + value.start
        names[value.value] = None
        end = part.start() + value.end
        if value.end < len(part.group()):
            break  # a date or a word of the form behind a name: what follows is something else
    return Value("、".join(names), start, end) if names else None
