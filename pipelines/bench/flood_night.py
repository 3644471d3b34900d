"""A night of calls made to be hard to fold, with the episode of each known: `bench episodes`.

The generated feed (`pipelines.feeds.emergency`) has copies, forwards and rewordings of one call. Here each way in which
calls are mistaken for each other, or torn apart, is a case of its own, so that a figure says which.

What is one episode follows issue 5: a place below the county within two days; two families of one village are one
episode with two callers. Texts are templates written for this project.
"""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipelines.feeds.cities import find_city
from pipelines.feeds.grammar import Dice, Writer
from pipelines.feeds.wording.flood import SITUATIONS
from pipelines.feeds.wording.words import WORDS, full_name, mobile_digits

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

CASES = {
    "first": "the first call of an episode",
    "copy": "a copy with something around it",
    "edited": "a copy with words cut, changed and added",
    "form": "the same call as a volunteer's form, with the same number",
    "flip": "another wording of the same, another need, the same place, another number",
    "number only": "the number and what happened, no place",
    "place only": "the place and what happened, no number",
    "no town": "the place without its town, the same number",
    "typo": "the village with a wrong character that sounds the same, the same number",
    "no county": "the town and the village without the county, no number",
    "two places": "another family that names a second village it comes from (belongs to the first)",
    "two days old": "a copy posted 40 hours later, with the day of the call in it",
    "neighbour": "another family of the same village with another call (one episode, two callers)",
    "moved": "a copy of another call with this village put in and another number (another episode)",
    "go-between": "a volunteer's own number for several villages (each an episode)",
    "namesake": "a village of the same name in another county (another episode)",
    "next month": "the same village 30 days later (another episode)",
    "list": "a volunteer's list of five villages (belongs to one, must join none)",
}
"""Case -> what it is."""


@dataclass(frozen=True)
class NightPost:
    """A post as it comes in, and what it is. ``episode``: the truth; ``case``: a key of CASES."""

    post_id: str
    text: str
    author: str
    created_at: int
    episode: str
    case: str


@dataclass
class _Call:
    episode: str
    county: str
    town: str
    village: str
    digits: str
    what: str
    """What happened: one draw of the situation."""
    author: str
    people: int
    name: str
    at: int = 0
    texts: list[str] = field(default_factory=list)


_FIRST = "东西南北上下前后高平石白青黄红柳桃杏梨榆槐桑竹松泉井塘沟坡岭湾河桥马牛羊龙虎"
_SECOND = "王李张刘陈杨赵周吴徐孙胡朱林何郭罗宋郑谢韩唐冯董程曹袁邓许傅沈曾彭吕苏卢蒋蔡"
_LAST = ("家庄村", "家湾村", "家沟村", "家岭村", "家寨村", "营村", "庙村", "店村", "楼村", "集村")
_MISTAKEN = dict(zip("庄湾沟岭寨营庙店楼集", "装弯构领塞赢苗点搂级", strict=True))
_TOWNS = ("柳河镇", "青石镇", "白杨镇", "双塘镇", "清水镇", "古井乡")
_OPENINGS = ("", "求救！", "紧急求助！", "十万火急！", "SOS ", "求扩散！", "帮帮我们！")
_AROUND = ("朋友发来的，", "【转】", "帮忙扩散，", "核实过了，请转！", "转自朋友圈：")
_AFTER = ("求救援队看到", "孩子一直在哭", "手机快没电了", "谢谢大家扩散", "邻居也走不了", "天黑了很害怕")
_OFFICIAL = "{province}{city}{county}{town}{village}"


def night(calls: int = 60, seed: int = 1, start_ms: int = 1_626_789_600_000) -> list[NightPost]:
    """``calls`` episodes with their cases, in order of time; about eleven posts an episode."""
    return sorted(_posts(calls, seed, start_ms), key=lambda post: (post.created_at, post.post_id))


def _posts(calls: int, seed: int, start_ms: int) -> Iterator[NightPost]:
    city = find_city("410100")
    made: list[_Call] = []
    number = 0

    def post(call: _Call, case: str, text: str, minutes: float, episode: str = "", author: str = "") -> NightPost:
        nonlocal number
        number += 1
        created = int(call.at + minutes * MINUTE_MS)
        return NightPost(f"n{seed}-{number}", text, author or f"relay {number}", created, episode or call.episode, case)

    for n in range(calls):
        call = _call(seed, n, city.counties[n % len(city.counties)][1])
        call.at = start_ms + n * 2 * MINUTE_MS
        dice = Dice(seed, "cases", n)
        where = f"{city.name}{call.county}{call.town}{call.village}"
        base = f"{dice.pick(_OPENINGS)}我在{where}，{call.what}。联系人{call.name}，电话{call.digits}。"
        call.texts.append(base)
        yield post(call, "first", base, 0, author=call.author)
        yield post(call, "copy", dice.pick(_AROUND) + base, 4)
        yield post(call, "copy", base + "#郑州暴雨互助#", 9)
        yield post(call, "edited", _edited(call, where, dice), 13)
        form = f"【郑州求助信息{dice.between(3, 900)}】\n地点：{where}\n人数：{call.people}人\n情况：{call.what}\n联系人：{call.name} {call.digits}\n已核实，请转给附近救援队"
        yield post(call, "form", form, 17)
        other = _call(seed, n + 10_000, call.county)
        yield post(call, "flip", f"{where}有人被困，{other.what}，求支援！电话{other.digits}", 21)
        yield post(call, "number only", f"{call.what}！求救援，请打{call.digits}找{call.name}", 25)
        yield post(call, "place only", f"{call.county}{call.town}{call.village}，{call.what}，{dice.pick(_AFTER)}", 29)
        yield post(call, "no town", f"{call.county}{call.village}，{call.what}，{call.name}{call.digits}", 31)
        typo = call.village[:-2] + _MISTAKEN[call.village[-2]] + call.village[-1]
        yield post(call, "typo", f"{call.county}{call.town}{typo}，{call.what}，联系{call.digits}{call.name}", 33)
        yield post(call, "no county", f"{call.town}{call.village}，{call.what}，{dice.pick(_AFTER)}", 35)
        third = _call(seed, n + 15_000, call.county)
        text = f"{where}这里，{third.what}，我们是从{third.village}过来的，电话{third.digits}"
        yield post(call, "two places", text, 37, author=third.author)
        neighbour = _call(seed, n + 20_000, call.county)
        text = f"我也是{where}的，{neighbour.what}，电话{neighbour.digits}{neighbour.name}"
        yield post(call, "neighbour", text, 40, author=neighbour.author)
        yield post(call, "two days old", f"7月20日晚9点：{base}", 40 * 60)
        if made and n % 3 == 0:
            source = made[dice.below(len(made))]
            moved = _call(seed, n + 30_000, source.county)
            text = source.texts[0].replace(source.village, moved.village).replace(source.digits, moved.digits)
            yield post(call, "moved", text, 50, episode=f"moved {n}")
        if n % 4 == 0:
            digits = mobile_digits(Dice(seed, "go-between", n))
            for k in range(3):
                far = _call(seed, n * 10 + 40_000 + k, city.counties[(n + k) % 12][1])
                text = f"{far.county}{far.town}{far.village}，{far.what}，救援对接请联系志愿者{digits}"
                yield post(
                    far_at(far, call.at), "go-between", text, 55 + k, episode=f"far {n} {k}", author=f"volunteer {n}"
                )
        if n % 3 == 1:
            county = city.counties[(n + 5) % 12][1]
            double = _call(seed, n + 50_000, county)
            text = f"{_OPENINGS[1]}{city.name}{county}{call.village}，{double.what}，电话{double.digits}"
            yield post(call, "namesake", text, 60, episode=f"namesake {n}")
        if n % 5 == 0:
            later = _call(seed, n + 60_000, call.county)
            text = f"又进水了！我在{where}，{later.what}，电话{later.digits}"
            yield post(call, "next month", text, 30 * 24 * 60, episode=f"later {n}", author=later.author)
        if n % 10 == 5:
            listed = [made[dice.below(len(made))] for _ in range(5)]
            lines = "\n".join(
                f"{k + 1}. {c.county}{c.town}{c.village} {c.people}人 {c.digits}" for k, c in enumerate(listed)
            )
            yield post(
                call, "list", f"【求助汇总，请转给救援队】\n{lines}\n以上都在等船，水还在涨", 62, episode=f"list {n}"
            )
        made.append(call)


def far_at(call: _Call, at: int) -> _Call:
    call.at = at
    return call


def _edited(call: _Call, where: str, dice: Dice) -> str:
    clauses = call.what.split("，")
    if len(clauses) > 2:
        del clauses[dice.below(len(clauses))]
    what = "，".join(clauses).replace("还在", "仍在").replace("个人", "口人")
    return f"{dice.pick(_AFTER)}。{what}！地址{where}，电话{call.digits}，{dice.pick(_AFTER)}"


def _call(seed: int, n: int, county: str) -> _Call:
    dice = Dice(seed, "night", n)
    calls = [one for one in SITUATIONS if one.priority <= 2]
    situation = calls[dice.below(len(calls))]
    people = dice.between(2, 30)
    slots = {"people": str(people), "missing": full_name(dice), "hour": "9", "river": "贾鲁河"}
    what = Writer(dice, slots, WORDS).write(dice.pick(situation.templates)).segment().text
    village = dice.pick(_FIRST) + dice.pick(_SECOND) + dice.pick(_LAST)
    return _Call(
        f"night {n}",
        county,
        dice.pick(_TOWNS),
        village,
        mobile_digits(dice),
        what,
        f"caller {n}",
        people,
        full_name(dice),
    )
