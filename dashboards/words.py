"""Codes of the store in Chinese, as value mappings of a panel and as SQL.

A list of codes cannot be mapped by Grafana (the plugin hands arrays over as JSON), and a series takes its name from the
data, so there the words are put in by SQL. A single code in a cell is mapped, which can give it a colour too.
The words are those of the situation brief, which this room may not import: a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import ValueMap

Family = Mapping[str, str]

WORDS: Mapping[str, Family] = MappingProxyType(
    {
        "need": {
            "rescue": "救援",
            "medical": "医疗",
            "supplies": "物资",
            "shelter": "安置",
            "transport": "转运",
            "missing_person": "寻人",
            "other_help": "其他帮助",
            "offer": "提供帮助",
        },
        "hazard": {
            "dyke_breach": "决堤",
            "collapse": "垮塌",
            "landslide": "滑坡泥石流",
            "flood_rising": "水位上涨",
            "electric": "漏电",
            "gas": "燃气泄漏",
            "fire": "火情",
            "road_cut": "道路中断",
        },
        "vulnerable": {
            "elderly": "老人",
            "infant": "婴儿",
            "child": "儿童",
            "pregnant": "孕妇",
            "in_labour": "临产",
            "disabled": "残疾人",
            "immobile": "行动不便",
            "patient": "病人",
            "injured": "伤者",
            "oxygen": "靠吸氧",
            "dialysis": "靠透析",
            "insulin": "靠胰岛素",
        },
        "state": {
            "unverified": "未核实",
            "verified": "已核实",
            "dispatched": "已派出",
            "arrived": "已到达",
            "closed": "已结束",
        },
        "standing": {"unverified": "未证实", "official": "官方已发布", "contested": "有争议"},
        "proposed": {"closed": "已获救／已解除", "partial": "部分获救"},
        "mood": {
            "negative": "负面",
            "neutral": "中性",
            "positive": "正面",
            "angry": "愤怒",
            "fear": "恐惧",
            "happy": "高兴",
            "sad": "悲伤",
            "surprise": "惊讶",
        },
        "token": {
            "CN_MOBILE": "手机号",
            "CN_LANDLINE": "电话",
            "CN_ID": "身份证号",
            "CN_PLATE": "车牌",
            "BANK_CARD": "银行卡",
            "EMAIL_ADDRESS": "邮箱",
            "URL": "链接",
            "IM_ID": "微信或QQ号",
            "USERNAME": "用户名",
            "PERSON": "姓名",
            "ADDRESS": "住址",
            "PLACE": "地点",
        },
        "platform": {
            "weibo": "微博",
            "wechat": "微信",
            "douyin": "抖音",
            "kuaishou": "快手",
            "xiaohongshu": "小红书",
            "bilibili": "哔哩哔哩",
            "zhihu": "知乎",
            "tieba": "贴吧",
            "toutiao": "今日头条",
            "twitter": "推特",
            "rss": "RSS",
            "unknown": "未注明",
        },
        "alert": {"open": "未处理", "acknowledged": "已确认", "closed": "已关闭"},
        "letter": {"open": "待处理", "retried": "已重试成功"},
        "job": {
            "running": "运行中",
            "restarting": "重启中",
            "finished": "已完成",
            "failed": "失败",
            "cancelled": "已取消",
            "stopped": "已停止",
            "unknown": "未知",
        },
        "priority": {"1": "P1", "2": "P2", "3": "P3", "4": "P4"},
        "breaker": {"0": "无", "1": "已熔断"},
        "warning": {"0": "区间内", "1": "超出"},
        "rule": {"approval-stopped": "自动审批已停止"},
        "application": {
            "enterprise_registration": "企业开办",
            "food_business_licence": "食品经营许可",
            "temporary_road_occupation": "临时占用城市道路",
            "lift_installation": "加装电梯",
            "neighbourhood_renovation": "老旧小区改造",
        },
        "outcome": {"supplement": "通知补正", "refer": "由人判断", "reject": "不予许可"},
        "check": {
            "generic.unreadable": "文件无法读取",
            "generic.missing": "缺少材料",
            "generic.unknown": "有认不出的材料",
            "generic.required": "缺少必填项",
            "generic.identifier": "号码或金额有误",
            "generic.consistent": "各处填写不一致",
            "generic.signature": "签名缺失或不符",
            "generic.duplicate": "重复申请",
        },
        "automation": {"closed": "开启", "open": "已停止"},
        "cause": {"breaker": "熔断", "person": "人工"},
        "policy": {"open": "可选", "infeasible": "不可行", "intercepted": "被拦截", "released": "已放行"},
        "gate": {"infeasible": "不可行", "intercept": "拦截", "warn": "提示"},
        "change": {"改善": "改善", "变差": "变差", "分不清": "分不清"},
    }
)
"""Family -> code -> word. Those from ``platform`` on are the dashboards' own."""

COLOURS: Mapping[str, Family] = MappingProxyType(
    {
        "state": {
            "unverified": "red",
            "verified": "orange",
            "dispatched": "blue",
            "arrived": "green",
            "closed": "text",
        },
        "standing": {"unverified": "orange", "official": "red", "contested": "purple"},
        "alert": {"open": "red", "acknowledged": "blue", "closed": "text"},
        "letter": {"open": "orange", "retried": "green"},
        "job": {
            "running": "green",
            "restarting": "orange",
            "finished": "blue",
            "failed": "red",
            "cancelled": "text",
            "stopped": "text",
            "unknown": "purple",
        },
        "priority": {"1": "red", "2": "orange", "3": "#b58900", "4": "text"},
        "breaker": {"0": "text", "1": "red"},
        "warning": {"0": "text", "1": "red"},
        "automation": {"closed": "green", "open": "red"},
        "policy": {"open": "green", "infeasible": "red", "intercepted": "orange", "released": "blue"},
        "gate": {"infeasible": "red", "intercept": "orange", "warn": "text"},
        "change": {"改善": "green", "变差": "red", "分不清": "text"},
    }
)


def word(expression: str, family: str) -> str:
    """SQL of the word for a code; an unknown code stays as it is."""
    words = WORDS[family]
    return f"transform(toString({expression}), {_array(words)}, {_array(words.values())}, toString({expression}))"


def words(expression: str, family: str) -> str:
    """SQL of the words for an array of codes, joined: 救援、物资."""
    return f"arrayStringConcat(arrayMap(code -> {word('code', family)}, {expression}), '、')"


def why(expression: str) -> str:
    """SQL of an episode's reasons that its row does not show already: callers, denials, what a post proposes.

    Reasons are those of ``udfs/episodes`` (``callers 4``, ``proposed closed, calls since``); an unknown one stays.
    """
    shown = ("priority ", "need ", "hazard ", "vulnerable ", "people ", "relays ", "standing ", "callers ")
    left = " AND ".join(f"NOT startsWith(reason, '{prefix}')" for prefix in shown)
    rest = "splitByChar(' ', reason)[2]"
    proposed = word("splitByChar(',', substring(reason, 10))[1]", "proposed")
    said = (
        "multiIf("
        f"startsWith(reason, 'denials '), concat({rest}, ' 帖否认'), "
        "startsWith(reason, 'proposed ') AND endsWith(reason, 'calls since'), "
        f"concat('有帖称', {proposed}, '，但其后仍有求助'), "
        f"startsWith(reason, 'proposed '), concat('有帖称', {proposed}), "
        "reason = 'no place and no number', '没有地点也没有号码', "
        "startsWith(reason, 'same number as '), concat('与事件 ', substring(reason, 16, 12), ' 号码相同'), "
        "reason)"
    )
    return f"arrayStringConcat(arrayMap(reason -> {said}, arrayFilter(reason -> {left}, {expression})), '；')"


def alert_reasons(expression: str) -> str:
    """SQL of an alert's reasons: terms of keyword rules as they are, labels in words."""
    after = "substring(reason, position(reason, ' ') + 1)"
    said = (
        "multiIf("
        f"startsWith(reason, 'need '), concat('求', {word(after, 'need')}), "
        f"startsWith(reason, 'hazard '), concat('险情：', {word(after, 'hazard')}), "
        f"startsWith(reason, 'vulnerable '), concat('有', {word(after, 'vulnerable')}), "
        "match(reason, '^(priority |p)[1-4]'), concat('优先级 ', extract(reason, '[1-4]')), "
        "match(reason, '^[0-9]+ posts in [0-9]+ min'), "
        "concat(extractAll(reason, '[0-9]+')[2], ' 分钟内 ', extractAll(reason, '[0-9]+')[1], ' 帖'), "
        "match(reason, '^observed [0-9]+ in [0-9]+ min'), "
        "concat(extractAll(reason, '[0-9]+')[2], ' 分钟内 ', extractAll(reason, '[0-9]+')[1], ' 帖'), "
        f"startsWith(reason, 'expected '), concat('通常约 ', {after}, ' 帖'), "
        f"startsWith(reason, 'copies '), concat('其中转抄 ', {after}, ' 帖'), "
        f"startsWith(reason, 'rule '), concat('关键词规则 ', {after}), "
        "reason = 'emergency in the city', '本市正有灾情', "
        "reason)"
    )
    return f"arrayStringConcat(arrayMap(reason -> {said}, {expression}), '；')"


def spoken(expression: str) -> str:
    """SQL of a masked text on one line, with what was masked in words between 〔 〕, as a brief writes it."""
    tokens = WORDS["token"]
    pairs = f"arrayZip({_array(f'<{name}>' for name in tokens)}, {_array(f'〔{said}〕' for said in tokens.values())})"
    line = f"replaceRegexpAll({expression}, '[[:space:]]+', ' ')"
    return f"arrayFold((text, token) -> replaceAll(text, token.1, token.2), {pairs}, {line})"


def shortened(expression: str, characters: int = 100) -> str:
    """SQL of the beginning of a ``spoken`` text; never half of what stands for something masked."""
    cut = f"substringUTF8({expression}, 1, {characters})"
    # brackets that open and do not close: the last piece goes. (A pattern with an end of line would need a dollar.)
    whole = f"countSubstrings({cut}, '〔') = countSubstrings({cut}, '〕')"
    before = f"arrayStringConcat(arrayPopBack(splitByString('〔', {cut})), '〔')"
    return f"if(lengthUTF8({expression}) <= {characters}, {expression}, concat(if({whole}, {cut}, {before}), '……'))"


def mapping(family: str) -> ValueMap:
    """The family as Grafana's value mapping, with colours where it has some."""
    from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMappingResult

    colours = COLOURS.get(family, {})
    return ValueMap(
        {
            code: ValueMappingResult(text=said, color=colours.get(code), index=index)
            for index, (code, said) in enumerate(WORDS[family].items())
        }
    )


def _array(values: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"
