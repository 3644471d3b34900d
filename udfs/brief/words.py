"""What a brief says in words, in Chinese and English, and how it writes times and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone

LANGUAGES = ("zh", "en")

_WORDS: Mapping[str, tuple[str, str]] = {
    # -- the page
    "title": ("灾情舆情简报", "Situation brief"),
    "period": ("时段", "Period"),
    "generated": ("生成", "Generated"),
    "by": ("生成人", "by"),
    "internal": (
        "内部使用：含受灾地点，勿转发、勿上网",
        "Internal: names places where people are in need. Do not pass on.",
    ),
    "internal.no-places": (
        "内部使用：地点只到区县，不含原文",
        "Internal: places down to the county, no text of posts.",
    ),
    "decides": (
        "软件只作提示，是否属实、是否了结由人判定。状态以生成时为准。",
        "Software proposes, people decide. States are those when this was generated.",
    ),
    "top": ("最急的五件事", "The five most urgent"),
    "top.fewer": ("待办事件", "Open episodes"),
    "top.more": ("另有 {n} 件未了结，见“事件清单”。", "{n} more are open: see the list below."),
    "top.none": ("本时段没有未了结的事件。", "No episode is open in this period."),
    "nothing": (
        "本时段没有帖子、求助、事件或告警。若本不该安静，请先查采集是否中断（`yuqing status`）。",
        "No post, call, episode or alert in this period. If it should not be quiet, first see whether the feed stopped "
        "(`yuqing status`).",
    ),
    "figures": ("总数", "Numbers"),
    "timeline": ("时间线", "Time line"),
    "timeline.step": ("每格 {step}", "one bar: {step}"),
    "timeline.peak": ("最高 {n}（{at}）", "peak {n} ({at})"),
    "moods": ("情绪", "Moods"),
    "moods.note": (
        "只计同一小时、同一平台有至少 20 位作者的格子，数字取整到 5；不足的不显示。按整点小时计。",
        "Only cells (hour, platform) of at least 20 authors, to the nearest 5; smaller ones are left out. Whole hours.",
    ),
    "moods.none": (
        "没有一个小时凑足 20 位作者，故不给出情绪。",
        "No hour had 20 authors, so no mood is told.",
    ),
    "topics": ("热点话题", "Topics"),
    "topics.none": (
        "本时段没有话题记录（话题作业未运行，或没有成组的帖子）。",
        "No topic was recorded in this period.",
    ),
    "map": ("各区县事件", "Episodes by district"),
    "map.note": (
        "示意图：按区县中心点的经纬度绘制，不含底图。形状表示最急的优先级，大小表示未了结事件数。",
        "Sketch from the counties' centres, no base map. Shape: most urgent priority; size: open episodes.",
    ),
    "map.numbers": ("图中数字为下表序号。", "Numbers are those of the table."),
    "map.outside": ("图外：", "Outside the map: "),
    "map.cities": ("只知城市、不知区县：", "City known, county not: "),
    "also": ("另见", "also"),
    "map.none": ("没有能落到区县的事件。", "No episode can be put into a county."),
    "map.nowhere": ("另有 {n} 件说不出区县。", "{n} more name no county."),
    "episodes": ("事件清单", "All open episodes"),
    "episodes.cut": (
        "只列前 {n} 件，全部见 `yuqing episodes list`。",
        "The first {n}; `yuqing episodes list` has all.",
    ),
    "hazards": ("险情与传言：说法与否认并列", "Hazards and rumours: claims beside denials"),
    "hazards.none": ("本时段没有险情报告。", "No hazard was reported in this period."),
    "claims": ("说有", "Claims"),
    "denials": ("说没有", "Denials"),
    "supplies": ("缺什么、有什么", "Needs against offers"),
    "supplies.none": ("没有未了结的求助。", "No call is open."),
    "supplies.offers": ("本时段提供帮助的帖子 {n} 条。", "{n} posts of the period offer help."),
    "silences": ("忽然无声的区县", "Districts that fell silent"),
    "silences.none": ("没有发现灾中忽然无声的区县。", "No district fell silent in an emergency."),
    "quotes": ("原文摘录（已遮蔽）", "Quoted posts (masked)"),
    "quotes.note": (
        "摘优先级 1 的求助，新的在前；〔 〕内是遮去的内容，凭编号可由有权的人查阅（`yuqing reveal`）。",
        "Calls of priority 1, the latest first; what was masked stands in 〔 〕 and is revealed by id, to who may.",
    ),
    "quotes.none": ("没有优先级 1 的求助。", "No call of priority 1."),
    "forecasts": ("超出预测的数量", "Counts outside their forecast"),
    "forecasts.none": ("没有超出预测区间的数量。", "No count left its band."),
    "health": ("系统状态", "The system itself"),
    "annex": ("附：每个数字怎样得来", "Annex: where each number is from"),
    "annex.note": (
        "标号 Q1、Q2…… 对应下列查询；带同样参数用 `yuqing sql` 可复查账号 operator 的各条。",
        "Q1, Q2, ... are the queries below; those of account operator can be asked again by `yuqing sql`.",
    ),
    "versions": ("程序、规则与模型", "Program, rules, model"),
    "unknown": ("软件不知道的", "What the software does not know"),
    "unknown.feed": (
        "只见到接入平台上的公开帖子：断电断网、不上网的人不在其中。没有求助不等于没有人需要帮助。",
        "It sees public posts of the connected platforms only: people without power or network are not in them. No "
        "call does not mean that nobody needs help.",
    ),
    "unknown.true": (
        "帖子所说未经核实；人数取帖中所说的最大值，可能重复或夸大。",
        "What posts say is not verified; people are the largest number a post names; it may be too large.",
    ),
    "unknown.place": (
        "地点取自帖文；同名村、口语地名可能落错。图上是区县中心，不是事发点。",
        "Places are from the text; villages of one name may be confused. The map shows centres of counties.",
    ),
    "unknown.model": (
        "需求、情绪由模型判断，会有错漏；提议“已了结”的帖子只供参考。",
        "Needs and moods are a model's and may be wrong; a post that proposes an end is a hint only.",
    ),
    "unknown.old": (
        "旧帖会转好几天；时间取文中所写，没有写才取发帖时间。",
        "Old copies travel for days; times are those written in a post, else of posting.",
    ),
    "unknown.absent": ("本站没有数据：{parts}。", "Not provided at this site: {parts}."),
    "query.account": ("账号", "account"),
    "query.rows": ("{n} 行", "{n} rows"),
    "query.parameters": ("参数", "parameters"),
    # -- an episode
    "place": ("地点", "Place"),
    "needs": ("需要", "Needs"),
    "people": ("人数", "People"),
    "people.unknown": ("人数不详", "number unknown"),
    "people.n": ("{n} 人", "{n} people"),
    "callers": ("求助者", "Callers"),
    "callers.n": ("求助者 {n}", "{n} callers"),
    "relays.n": ("转发 {n}", "{n} relays"),
    "called.n": ("已回电 {n} 次", "phoned back {n} times"),
    "called.none": ("未回电", "not phoned back"),
    "state": ("状态", "State"),
    "owner": ("承办", "Owner"),
    "owner.none": ("无人承办", "nobody owns it"),
    "deadline": ("限时", "by"),
    "deadline.none": ("未定时限", "no deadline"),
    "overdue": ("已超时", "OVERDUE"),
    "last": ("最后消息", "Last seen"),
    "first": ("首见", "First seen"),
    "why": ("为何在前", "Why it ranks here"),
    "evidence": ("依据", "Evidence"),
    "offers.n": ("附近有 {n} 条援助可对接", "{n} offers nearby"),
    "proposed": ("有帖称“{what}”（{post}），待人确认", "a post says: {what} ({post}); to be confirmed"),
    "proposed.closed": ("已获救／已解除", "over"),
    "proposed.partial": ("部分获救", "partly over"),
    "priority": ("优先级", "Priority"),
    "ago": ("{age}前", "{age} ago"),
    "no-place": ("地点不详", "place unknown"),
    "no-text": ("（原文不在此处显示）", "(text not shown here)"),
    "reason.priority": ("优先级 {n}", "priority {n}"),
    "reason.need": ("求{n}", "asks for {n}"),
    "reason.hazard": ("险情：{n}", "hazard: {n}"),
    "reason.vulnerable": ("有{n}", "with {n}"),
    "reason.standing": ("{n}", "{n}"),
    "reason.denials": ("{n} 帖否认", "{n} deny it"),
    "reason.proposed": ("有帖称{what}", "a post says: {what}"),
    "reason.proposed-since": ("有帖称{what}，但其后仍有求助", "a post says: {what}, but calls came since"),
    "reason.unreachable": ("没有地点也没有号码", "no place and no number"),
    "reason.same-number": ("与事件 {n} 号码相同", "same number as {n}"),
    "reason.observed": ("{m} 分钟内 {n} 帖", "{n} posts in {m} min"),
    "reason.expected": ("通常约 {n} 帖", "about {n} expected"),
    "reason.emergency": ("本市正有灾情", "emergency in the city"),
    # -- tables
    "topic": ("话题", "Topic"),
    "posts": ("帖数", "Posts"),
    "reach": ("含转抄", "With copies"),
    "growth": ("增势", "Growth"),
    "growth.n": ("×{n}", "×{n}"),
    "mix": ("情绪（负/中/正）", "Moods (neg/neu/pos)"),
    "mix.none": ("不足20人", "under 20 people"),
    "districts": ("区县", "Districts"),
    "district": ("区县", "District"),
    "open": ("未了结", "Open"),
    "total": ("共", "All"),
    "offers": ("援助帖", "Offers"),
    "matched": ("附近有援助", "Offer nearby"),
    "need": ("需求", "Need"),
    "theme": ("主题", "Theme"),
    "week": ("周", "Week"),
    "observed": ("实际", "Observed"),
    "expected": ("预测", "Forecast"),
    "band": ("区间", "Band"),
    "since": ("自", "Since"),
    "reason": ("依据", "Reason"),
    "direction": ("方位（距图中心）", "From the centre"),
    "time": ("时间", "Time"),
    "north": ("北", "N"),
    # -- headline numbers
    "figure.posts": ("帖子", "posts"),
    "figure.authors": ("作者", "authors"),
    "figure.copies": ("转抄占比", "share of copies"),
    "figure.copies-verbatim": ("逐字转抄占比", "share of verbatim copies"),
    "figure.calls": ("求助帖", "calls for help"),
    "figure.urgent": ("其中优先级1", "of priority 1"),
    "figure.alerts": ("告警", "alerts"),
    "figure.acknowledged": ("已确认告警", "acknowledged"),
    "figure.open": ("未了结事件", "open episodes"),
    "figure.p1-open": ("未了结·优先级1", "open, priority 1"),
    "figure.overdue": ("已超时", "overdue"),
    "figure.lag": ("入库时延 p95（最差一分钟）", "ingestion to store, p95 (worst minute)"),
    "figure.lag-median": ("入库时延 p50（中位）", "ingestion to store, p50 (median)"),
    "figure.dead": ("未能处理的记录", "dead letters"),
    "figure.shed": ("过载时少分析的帖子", "posts with analysis shed"),
    "figure.stored": ("本时段入库", "stored in the period"),
    "figure.quiet": ("没有入库的分钟", "minutes with nothing stored"),
    "few": ("不足20位作者，不显示", "under 20 authors, not told"),
    "no-table": ("无此数据", "not there"),
    # -- annex: what a query is about
    "about.timeline": ("每格的帖子、求助、优先级 1", "posts, calls and priority 1 a step"),
    "about.people": ("作者数（约到 5）与逐字转抄", "authors (to the nearest 5) and verbatim copies"),
    "about.copies": ("近似转抄", "near copies"),
    "about.alerts": ("告警", "alerts"),
    "about.episodes": ("事件", "episodes"),
    "about.evidence": ("事件依据的原文", "evidence of episodes"),
    "about.claims": ("险情的说法与否认", "claims and denials"),
    "about.moods": ("情绪", "moods"),
    "about.topics": ("话题", "topics"),
    "about.offers": ("各区县的援助帖", "offers by county"),
    "about.quotes": ("摘录", "quotes"),
    "about.metrics": ("时延与入库", "latency and throughput"),
    "about.dead": ("未能处理的记录", "dead letters"),
    "about.shed": ("过载", "overload"),
    "about.forecasts": ("预测", "forecasts"),
    "about.models": ("模型", "models"),
    # -- parts that may be absent
    "part.topics": ("话题", "topics"),
    "part.episodes": ("事件", "episodes"),
    "part.forecasts": ("预测", "forecasts"),
    "part.shed": ("过载记录", "overload"),
    "part.moods": ("情绪", "moods"),
    # -- codes of the store
    "need.rescue": ("救援", "rescue"),
    "need.medical": ("医疗", "medical"),
    "need.supplies": ("物资", "supplies"),
    "need.shelter": ("安置", "shelter"),
    "need.transport": ("转运", "transport"),
    "need.missing_person": ("寻人", "missing person"),
    "need.other_help": ("其他帮助", "other help"),
    "need.offer": ("提供帮助", "offer"),
    "hazard.dyke_breach": ("决堤", "dyke breach"),
    "hazard.collapse": ("垮塌", "collapse"),
    "hazard.landslide": ("滑坡泥石流", "landslide"),
    "hazard.flood_rising": ("水位上涨", "rising water"),
    "hazard.electric": ("漏电", "electricity"),
    "hazard.gas": ("燃气泄漏", "gas"),
    "hazard.fire": ("火情", "fire"),
    "hazard.road_cut": ("道路中断", "road cut"),
    "vulnerable.elderly": ("老人", "elderly"),
    "vulnerable.infant": ("婴儿", "infants"),
    "vulnerable.child": ("儿童", "children"),
    "vulnerable.pregnant": ("孕妇", "pregnant"),
    "vulnerable.in_labour": ("临产", "in labour"),
    "vulnerable.disabled": ("残疾人", "disabled"),
    "vulnerable.immobile": ("行动不便", "immobile"),
    "vulnerable.patient": ("病人", "patients"),
    "vulnerable.injured": ("伤者", "injured"),
    "vulnerable.oxygen": ("靠吸氧", "on oxygen"),
    "vulnerable.dialysis": ("靠透析", "on dialysis"),
    "vulnerable.insulin": ("靠胰岛素", "on insulin"),
    "state.unverified": ("未核实", "unverified"),
    "state.verified": ("已核实", "verified"),
    "state.dispatched": ("已派出", "dispatched"),
    "state.arrived": ("已到达", "arrived"),
    "state.closed": ("已结束", "closed"),
    "standing.unverified": ("未证实", "unverified"),
    "standing.official": ("官方已发布", "official"),
    "standing.contested": ("有争议", "contested"),
    "mood.negative": ("负面", "negative"),
    "mood.neutral": ("中性", "neutral"),
    "mood.positive": ("正面", "positive"),
    "mood.angry": ("愤怒", "angry"),
    "mood.fear": ("恐惧", "fear"),
    "mood.happy": ("高兴", "happy"),
    "mood.sad": ("悲伤", "sad"),
    "mood.surprise": ("惊讶", "surprise"),
    "token.CN_MOBILE": ("手机号", "mobile"),
    "token.CN_LANDLINE": ("电话", "phone"),
    "token.CN_ID": ("身份证号", "ID number"),
    "token.CN_PLATE": ("车牌", "plate"),
    "token.BANK_CARD": ("银行卡", "bank card"),
    "token.EMAIL_ADDRESS": ("邮箱", "e-mail"),
    "token.URL": ("链接", "link"),
    "token.IM_ID": ("微信或QQ号", "messenger id"),
    "token.USERNAME": ("用户名", "user name"),
    "token.PERSON": ("姓名", "name"),
    "token.ADDRESS": ("住址", "address"),
    "token.PLACE": ("地点", "place"),
}

_CODED = frozenset({"need", "hazard", "vulnerable", "standing"})
_REASONS = (
    (re.compile(r"(?:priority |p)(?P<n>[1-4])"), "reason.priority"),
    (re.compile(r"callers (?P<n>\d+)"), "callers.n"),
    (re.compile(r"relays (?P<n>\d+)"), "relays.n"),
    (re.compile(r"people (?P<n>\d+)"), "people.n"),
    (re.compile(r"denials (?P<n>\d+)"), "reason.denials"),
    (re.compile(r"proposed (?P<what>\w+)"), "reason.proposed"),
    (re.compile(r"proposed (?P<what>\w+), calls since"), "reason.proposed-since"),
    (re.compile(r"no place and no number"), "reason.unreachable"),
    (re.compile(r"same number as (?P<n>\w{1,12})\w*"), "reason.same-number"),
    (re.compile(r"(?P<n>\d+) posts in (?P<m>\d+) min"), "reason.observed"),
    (re.compile(r"expected (?P<n>[\d.]+)"), "reason.expected"),
    (re.compile(r"emergency in the city"), "reason.emergency"),
)

_TOKEN = re.compile(r"<([A-Z][A-Z_]{2,30})>")


class Words:
    """One language and one zone. ``words["key"]`` is the text; a key that is not there raises KeyError."""

    def __init__(self, language: str = "zh", offset_min: int = 480) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r} is none of {', '.join(LANGUAGES)}")
        self.language = language
        self.zone = timezone(timedelta(minutes=offset_min))
        self._at = LANGUAGES.index(language)

    def __getitem__(self, key: str) -> str:
        return _WORDS[key][self._at]

    def say(self, key: str, **values: object) -> str:
        """The text of ``key`` with its blanks filled."""
        return self[key].format(**values)

    def code(self, family: str, value: str) -> str:
        """A code of the store (need, hazard, vulnerable, state, mood, ...) as a word; an unknown one as it is."""
        known = _WORDS.get(f"{family}.{value}")
        return known[self._at] if known else value

    def codes(self, family: str, values: Iterable[str]) -> str:
        """Several, joined."""
        return self.list_([self.code(family, value) for value in values])

    def list_(self, values: Iterable[str]) -> str:
        return ("、" if self.language == "zh" else ", ").join(values)

    @property
    def colon(self) -> str:
        return "：" if self.language == "zh" else ": "

    @property
    def semicolon(self) -> str:
        return "；" if self.language == "zh" else "; "

    def bracketed(self, text: str) -> str:
        return f"（{text}）" if self.language == "zh" else f" ({text})"

    def reasons(self, reasons: Iterable[str]) -> list[str]:
        """Reasons as ``udfs.episodes`` and ``udfs.bursts`` write them (``need rescue``, ``callers 4``), in words and
        those of one kind together; others stand as they are."""
        found: dict[str, list[str]] = {}
        for reason in reasons:
            kind, _, value = reason.partition(" ")
            if kind in _CODED:
                found.setdefault(kind, []).append(self.code(kind, value))
            else:
                found.setdefault(self._reason(reason), [])
        said = []
        for kind, values in found.items():
            text = self.list_(values)
            said.append(self.say(f"reason.{kind}", n=text) if values else kind)
        return said

    def _reason(self, reason: str) -> str:
        for pattern, key in _REASONS:
            if known := pattern.fullmatch(reason):
                values = known.groupdict()
                if "what" in values:
                    values["what"] = self.code("proposed", values["what"])
                return self.say(key, **values)
        return reason

    def period(self, start: int, end: int) -> str:
        """From when to when, in full."""
        return f"{self.moment(start)} – {self.moment(end)}"

    def time(self, ms: int, reference: int | None = None) -> str:
        """7月20日 21:48; without the day where it is that of ``reference``."""
        moment = self._local(ms)
        clock = f"{moment:%H:%M}"
        if reference is not None and self._local(reference).date() == moment.date():
            return clock
        day = f"{moment.month}月{moment.day}日" if self.language == "zh" else f"{moment.day} {moment:%b}"
        return f"{day} {clock}"

    def moment(self, ms: int) -> str:
        """In full, with the year and the offset."""
        moment = self._local(ms)
        offset = f"{moment:%z}"
        zone = f"UTC{offset[:3]}:{offset[3:]}"
        if self.language == "zh":
            return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}（{zone}）"
        return f"{moment.day} {moment:%b %Y %H:%M} ({zone})"

    def clock(self, ms: int) -> str:
        return f"{self._local(ms):%H:%M}"

    def day(self, ms: int) -> str:
        moment = self._local(ms)
        return f"{moment.month}月{moment.day}日" if self.language == "zh" else f"{moment.day} {moment:%b}"

    def length(self, ms: int) -> str:
        """A length of time in its largest fitting unit: 12 分钟, 3 小时, 2 天."""
        minutes = max(0, ms) // 60_000
        if minutes < 120:
            return f"{minutes} 分钟" if self.language == "zh" else f"{minutes} min"
        if minutes < 48 * 60:
            return f"{minutes // 60} 小时" if self.language == "zh" else f"{minutes // 60} h"
        return f"{minutes // 1440} 天" if self.language == "zh" else f"{minutes // 1440} days"

    def masked(self, text: str) -> list[tuple[str, bool]]:
        """``text`` in pieces; True: stands for what was masked, and is its word."""
        pieces: list[tuple[str, bool]] = []
        at = 0
        for found in _TOKEN.finditer(text):
            pieces += [(text[at : found.start()], False), (f"〔{self.code('token', found.group(1))}〕", True)]
            at = found.end()
        return [piece for piece in [*pieces, (text[at:], False)] if piece[0]]

    def _local(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self.zone)


def number(value: float) -> str:
    """1,234 or 0.5."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def figure(value: float, kind: str, words: Words) -> str:
    """A headline number as it is written."""
    if kind == "share":
        return f"{value:.0%}"
    if kind == "about":
        return f"≈{value:,.0f}"
    if kind == "ms":
        return f"{value / 1000:,.1f} s"
    return f"{value:,.0f}"
