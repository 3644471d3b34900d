"""How posts are written on each platform: subjects of its own, frames around them, who writes.

`Manner.frames` are templates with the slot `core`, which is the text of a subject; they neither change its mood nor name
a county. Sarcasm says the opposite of what it means; its sentiment here is the meant one.
"""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.feeds.cities import City
from pipelines.feeds.grammar import Dice, Grammar, Render
from pipelines.feeds.wording.everyday import EVERYDAY, Subject
from pipelines.feeds.wording.words import WORDS, nickname

_ROW = ("😂😂😂", "🤣🤣", "😭😭😭", "👍👍👍", "🔥🔥", "❤️❤️❤️", "🙏🙏", "🐶", "[捂脸][捂脸]", "[呲牙]", "[比心]", "🌹🌹🌹")
GRAMMAR = Grammar({
    **WORDS,
    "row": _ROW,
    "slang": ("绝绝子", "yyds", "泰裤辣", "尊嘟假嘟", "芭比Q了", "栓Q", "蚌埠住了", "针不戳", "酱紫", "虾仁猪心", "emo了", "破防了", "有一说一", "u1s1", "xswl", "dbq", "awsl", "zqsg"),
    "english_word": ("nice", "happy", "mood", "real", "so good", "relax", "OK", "cute", "perfect", "feel"),
    "hashtag_en": ("#MondayMood", "#CityLife", "#foodie", "#travel", "#weekend", "#coffee", "#tech", "#nofilter", "#blessed", "#smh"),
    "month": tuple(str(at) for at in range(1, 13)),
    "source": ("据悉", "记者获悉", "据介绍", "从有关部门了解到"),
})  # fmt: skip


def _person(city: City, dice: Dice) -> str:
    return "" if dice.below(50) == 0 else nickname(dice)


_HANDLE = ("lena", "mike", "jo", "sam", "kit", "wei", "nora", "tom", "ana", "leo", "max", "yuki")
_TAIL = ("_writes", "runs", "_in_town", "codes", "eats", "", "_x", "travels", "reads", "_daily")


def _handle(city: City, dice: Dice) -> str:
    return f"{dice.pick(_HANDLE)}{dice.pick(_TAIL)}{dice.below(10_000)}"


def _newsroom(city: City, dice: Dice) -> str:
    return city.short + dice.pick(("日报", "晚报", "新闻网", "发布", "广播电视台"))


@dataclass(frozen=True, eq=False)
class Manner:
    name: str
    platform: str
    subjects: tuple[Subject, ...]
    frames: tuple[str, ...] = ()
    sarcasm: tuple[Subject, ...] = ()
    author: Callable[[City, Dice], str] = _person
    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Hashtags without their signs, by subject; "" for the others."""

    @cached_property
    def made(self) -> tuple[Render, ...]:
        """The frames as functions; one without any has the subject's text alone."""
        return tuple(map(GRAMMAR.of, self.frames or ("{core}",)))

    def topics_of(self, kind: str) -> tuple[str, ...]:
        return self.topics.get(kind) or self.topics.get("") or ("",)

    def forms(self) -> int:
        """Distinct texts were every slot one word: forms of the subjects, times those of the frames."""
        cores = sum(GRAMMAR.forms(text) for one in (*self.subjects, *self.sarcasm) for text in one.templates)
        return cores * max(1, sum(map(GRAMMAR.forms, self.frames)))


_HAN = tuple(one for one in EVERYDAY if not one.platform)

# -- Weibo -----------------------------------------------------------------------------------------------------------
_WEIBO = (
    *_HAN,
    Subject("work", "negative", 4, ("(老板|甲方)又(画饼|PUA)，(我直接|当场)(裂开|emo了)，(躺平算了|不想奋斗了)[允悲]", "(deadline|KPI)(又提前了|翻倍了)，(我人没了|谁顶得住啊)[裂开]{grief}"), emotion="sad"),
    Subject("life", "positive", 4, ("今天的(mood|vibe)就是(relax|好好吃饭)，(人间值得|生活需要仪式感){joy}", "(get|解锁)了新技能：(做面包|骑公路车|剪视频)，(成就感爆棚|nice){joy}[鼓掌]"), emotion="happy"),
    Subject("traffic", "negative", 3, ("{street}(又双叒叕|照例)堵死了，(导航一片深红|龟速{30-90}分钟)，{anger}(到底修到哪年|我服了)", "{estate}门口(乱停车|大货车整夜鸣笛)，(投诉无门|谁来管管)[怒]"), emotion="angry"),
    Subject("school", "neutral", 3, ("{school}{month}月(开放日|家长会)，(记一下|有一起去的吗){neutral}", "{town}到{school}(怎么走|有公交吗)，在线等{neutral}")),
    Subject("hospital", "negative", 3, ("{clinic}挂号(排了{2-5}小时|系统又崩了)，(孩子烧到{38-40}度|人都站麻了){grief}",), emotion="sad"),
)  # fmt: skip
_WEIBO_SARCASM = (
    Subject("traffic", "negative", 3, ("(真棒|太好了)，地铁又晚点{20-90}分钟，感谢{city}地铁(让我锻炼身体|教会我等待)[微笑]", "(恭喜|祝贺)我喜提{street}三小时停车位，(全程零公里|风景独好)[微笑]"), emotion="angry"),
    Subject("work", "negative", 3, ("(好开心|太幸福了)，周末又可以(免费加班|陪领导)了，(感谢公司培养|福报啊)[微笑]", "领导说(年轻人不要太在意钱|公司就是家)，(好感动|我哭了)，(所以工资呢|家人都不给饭吃)[狗头]"), emotion="angry"),
    Subject("housing", "negative", 3, ("物业真贴心，(一个月停{3-9}次水|电梯坏{5-30}天)，(怕我们不运动|让我们体验生活)，(给满分|必须点赞)[微笑]",), emotion="angry"),
    Subject("food", "negative", 2, ("{shop}的{food}(绝了|天花板)，(吃完当晚就瘦了{2-5}斤|厕所常客强烈推荐)[狗头]",), emotion="angry"),
    Subject("complaint", "negative", 2, ("打了{5-20}次热线，(每次都说已办结|回复快得惊人)，(效率真高|服务真好)，坑还在原地[微笑]",), emotion="angry"),
)  # fmt: skip
_WEIBO_FRAMES = (
    "{core}", "{core}", "{core}", "#{topic}# {core}", "{core} #{topic}#", "【(随手|日常|碎碎念)】{core}", "{core} {mention}", "{core} {row}",
    "(转发微博|马一下|哈哈哈|真实|是这样|同意|围观){neutral}//{mention}:{core}", "(确实|说得对|+1)//{mention}:(转发|真的){neutral}//{mention}:{core}",
    "#{topic}#(刚刚|今天|话说)，{core}", "{core} {url}", "{core} ​​​", "{core} 微博视频 {url}",
)  # fmt: skip
_TOPICS = {
    "food": ("今天吃什么", "美食分享", "打工人的午饭"), "work": ("打工人", "职场日常", "上班那点事"), "traffic": ("早晚高峰", "出行"), "weather": ("天气", "今天的天空"),
    "football": ("中超", "看球"), "show": ("追剧", "电影推荐"), "study": ("考研", "学习打卡"), "pets": ("猫猫狗狗", "萌宠"), "housing": ("租房", "我的小区"),
    "hospital": ("看病那些事",), "complaint": ("市民心声", "12345"), "": ("日常", "生活碎片", "今日份分享", "plog"),
}  # fmt: skip

# -- Douyin comments: short --------------------------------------------------------------------------------------------
_DOUYIN = (
    Subject("comment", "positive", 10, (
        "(哈哈哈哈|笑死|笑不活了|xswl)(|我了|家人们)", "(太好看|绝|好美|好听)(了|哭了|到窒息|惹)", "(支持|顶|爱了|冲)(一下|家乡|老铁)？？", "主播(人美歌甜|好有才|yyds|针不戳)", "这(必须赞|我学会了|也太nice了|不得双击)",
        "(绝绝子|泰裤辣|awsl|爱了爱了)，(求更新|蹲下一期|已关注)", "(老铁|家人们)(没毛病|冲啊|666)", "今天也(很happy|被治愈了|so good)",
    ), "douyin", emotion="happy"),
    Subject("comment", "negative", 8, (
        "(假的吧|摆拍|又是剧本|AI做的吧)，(无语子|散了散了|取关)", "(难听|尬|辣眼睛)(到我了|死了|哭)", "(栓Q|我真的会谢|虾仁猪心|芭比Q了)", "这也(能上热门|有人信|敢卖{99-999})？", "(避雷|别买|智商税)，(我买过|上当了|退了{2-5}次)",
        "(蚌埠住了|破防了|emo了)，(太难了|我的青春没了)", "(举报了|拉黑)，(低俗|恶心|带坏小孩)", "(老婆|对象|室友)看完(要分手|哭了一晚)",
    ), "douyin", emotion="angry"),
    Subject("comment", "neutral", 8, (
        "(第一|前排|来了|打卡|蹲)", "{mention} (来看|像不像你|快来)", "(求|有没有|蹲个)(BGM|同款|教程|链接|原图)", "{city}的(举手|来报到|有吗)", "(几点直播|还有货吗|多少钱|在哪啊)", "(有一说一|u1s1|尊嘟假嘟)，(一般|还行|见仁见智)", "(路过|观望|吃瓜)",
        "(加个微信|私)呗 {im}", "(想合作|接广告)吗，联系{phone}",
    ), "douyin", emotion="neutral"),
    Subject("trap", "negative", 2, ("(救命|救救我)(笑到缺氧|这谁顶得住)", "(SOS|help)(作业写不完了|我被{food}困住了)"), "douyin", emotion="sad"),
)  # fmt: skip
_DOUYIN_SARCASM = (
    Subject("comment", "negative", 3, ("(好厉害哦|真棒棒)，(小学生水平|我奶奶都会)[微笑]", "(演技满分|奥斯卡欠你一个)，(演员辛苦了|盒饭加鸡腿)", "(哇塞|天呐)好(便宜|良心)，(才贵三倍|建议去抢)"), "douyin", emotion="angry"),
)  # fmt: skip
_DOUYIN_FRAMES = ("{core}", "{core}", "{core}{row}", "{row}{core}", "{core}，{slang}", "{slang} {core}", "{core}……", "{core} {mention}", "{core}~(~|)", "{core}{row}{row}", "(回复 {mention}：|){core}")  # fmt: skip

# -- RSS news: title and lead ------------------------------------------------------------------------------------------
_RSS = (
    Subject("news", "neutral", 10, (
        "{city}(发布|出台|启动)(夜间经济|老旧小区改造|人才引进|绿色出行|青年友好)(方案|若干措施|三年行动)\n本报讯（记者{person}）{source}，{county}等地将(先行试点|率先实施)，(年内|年底前)(见效|全面铺开)。详见{url}",
        "{county}{school}(新校区|体育馆)(开工|投用)\n{city}{month}月{1-28}日电（记者{person}）项目总投资{2-90}亿元，(可容纳学生|新增学位){500-3000}(人|个)，{source}，(下月|秋季)启用。",
        "{city}前{2-4}季度(消费|工业|外贸)(回升|平稳|稳中有进)\n{source}，全市地区生产总值同比增长{3-7}.{1-9}%，(新动能加快成长|市场预期向好)。{url}",
        "{county}{town}(举办|迎来)(丰收节|马拉松|非遗市集|读书月)\n本报{county}讯 来自各地的{200-9000}名(市民|选手|游客)参加，(现场井然有序|活动持续{2-7}天)。",
        "{city}轨道交通{2-12}号线(进入调试|完成铺轨|启动招标)\n{source}，线路全长{20-60}公里，途经{county}，预计(年内|明年)(通车|试运营)。",
    ), "rss", emotion="neutral"),
    Subject("news", "positive", 4, (
        "{county}小伙(跳河救人|拾金不昧)(受表彰|获点赞)\n{city}{month}月{1-28}日电 {source}，(当事人摆手说“应该的”|他的名字叫{person})，(邻居们纷纷竖起大拇指|网友直呼暖心)。",
        "{clinic}(成功实施|完成)首例(高难度手术|远程会诊)\n记者{person}报道，患者(术后恢复良好|已康复出院)，家属送来锦旗。",
    ), "rss", emotion="happy"),
    Subject("news", "negative", 4, (
        "{county}一(工地|作坊)(违规排污|无证经营)被(查处|曝光)\n{source}，执法人员现场查封设备{2-20}台，(罚款|拟处罚){5-90}万元。{url}",
        "{city}通报{3-9}起(酒驾|电信诈骗|食品安全)典型案例\n{source}，涉案金额{20-900}万元，(多人受损|社会影响恶劣)，警方提醒市民(提高警惕|及时报案)。",
    ), "rss", emotion="angry"),
)  # fmt: skip
_RSS_FRAMES = ("{core}", "{core}", "(快讯｜|关注｜|民生｜|【{city}】|){core}", "{core}\n(责任编辑：{person}|来源：本报综合|（完）)", "{core}\n(更多内容请关注客户端|编辑 {person} 校对 {person})")  # fmt: skip

# -- English tweets ----------------------------------------------------------------------------------------------------
_TWITTER = (
    Subject("english", "positive", 8, (
        "(just had|can't stop thinking about|tbh obsessed with) the best (noodles|dumplings|hotpot|bbq) in town", "so (proud|happy|hyped) for our team tonight!! {2-4}-{0-1}", "finally (finished|submitted|shipped) my (thesis|project|app), time to (sleep|celebrate)",
        "(beautiful|unreal) (sunset|morning|skyline) by the river today", "ate (火锅|烤鱼|小龙虾) again, (no regrets|10/10|worth it)", "ngl this (song|show|game) is (fire|a masterpiece|so good)", "ty to the (stranger|driver|nurse) who (helped|waited for) me today, (faith restored|made my day)",
    ), "twitter", "en", "happy"),
    Subject("english", "negative", 7, (
        "stuck in traffic for {40-120} mins (again|AGAIN), this city smh", "flight delayed {3-9} hrs and nobody (tells us anything|cares) wtf", "{2-9}th (rejection|interview) this week, feeling (low|so tired)", "my (cat|dog|neighbour) kept me up all night, i'm dead",
        "landlord (raised the rent|kept my deposit) again, (imo robbery|so done)", "加班 till {1-4}am (again|for free), (send help|i can't even)", "the wifi here is (trash|a joke), {30-90} mins for one (email|page)",
    ), "twitter", "en", "angry"),
    Subject("english", "neutral", 6, (
        "anyone know a good (dentist|barber|gym|vet) near the station?", "new bus timetable from monday: {url}", "reading list for the (weekend|holidays) {url}", "room for rent, {2-9}00 a month, mail {email}", "what's the chinese word for (jet lag|brunch|small talk)? is it (时差|早午餐|闲聊)?", "{mention} (dm me|thoughts?|check this)",
        "wechat me: {im}", "meetup (tonight|tmrw) {6-9}pm, rsvp {phone}",
    ), "twitter", "en", "neutral"),
)  # fmt: skip
_TWITTER_SARCASM = (
    Subject("english", "negative", 3, ("oh (great|wonderful|fantastic), another {2-5} hour delay, (love that for me|living the dream)", "(amazing|stellar) service, only {40-90} mins on hold, (10/10|would recommend) /s", "wow (thanks|congrats) {mention}, you (broke|fixed) it again"), "twitter", "en", "angry"),
)  # fmt: skip
_TWITTER_FRAMES = (
    "{core}", "{core}", "{core} {hashtag_en}", "{core} {hashtag_en} {hashtag_en}", "{core} {row}", "RT {mention}: {core}", "(lol|omg|btw|fyi|idk|ok so|fr) {core}", "{core} (lol|rn|imho|tho|fr fr)", "{mention} {core}", "{core} {url}",
)  # fmt: skip

MANNERS: dict[str, Manner] = {
    one.name: one
    for one in (
        Manner("weibo", "weibo", _WEIBO, _WEIBO_FRAMES, _WEIBO_SARCASM, topics=_TOPICS),
        Manner("douyin", "douyin", _DOUYIN, _DOUYIN_FRAMES, _DOUYIN_SARCASM),
        Manner("rss", "rss", _RSS, _RSS_FRAMES, author=_newsroom),
        Manner("twitter", "twitter", _TWITTER, _TWITTER_FRAMES, _TWITTER_SARCASM, _handle),
    )
}

# -- by the hour -------------------------------------------------------------------------------------------------------
HOURS: dict[str, tuple[int, ...]] = {
    "": (5,) * 24,
    "food": (4, 2, 1, 1, 1, 2, 5, 9, 6, 4, 5, 12, 13, 7, 3, 3, 5, 11, 14, 11, 8, 8, 8, 6),
    "work": (3, 2, 1, 1, 1, 1, 3, 6, 10, 12, 11, 8, 5, 8, 10, 10, 10, 11, 9, 7, 6, 6, 5, 4),
    "traffic": (1, 1, 1, 1, 1, 2, 6, 16, 15, 7, 4, 4, 4, 4, 4, 4, 7, 15, 16, 8, 5, 4, 3, 2),
    "weather": (2, 1, 1, 1, 2, 5, 12, 12, 8, 6, 5, 5, 4, 4, 4, 4, 5, 6, 6, 5, 4, 4, 3, 2),
    "football": (4, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 6, 6, 5, 6, 14, 18, 18, 12, 6),
    "show": (7, 4, 2, 1, 1, 1, 1, 2, 2, 2, 3, 4, 6, 5, 3, 3, 3, 4, 6, 10, 14, 16, 15, 11),
    "study": (9, 6, 3, 1, 1, 2, 4, 5, 6, 6, 6, 5, 4, 5, 6, 6, 6, 5, 5, 6, 8, 9, 11, 11),
    "housing": (6, 3, 2, 1, 1, 2, 4, 5, 6, 6, 6, 5, 4, 4, 5, 5, 5, 6, 7, 8, 8, 8, 8, 8),
    "hospital": (3, 2, 2, 2, 2, 3, 5, 9, 12, 12, 11, 8, 5, 7, 9, 9, 8, 5, 4, 4, 4, 4, 3, 3),
    "complaint": (2, 1, 1, 1, 1, 1, 3, 6, 10, 12, 11, 8, 5, 7, 10, 10, 9, 7, 5, 4, 4, 4, 4, 3),
    "news": (2, 1, 1, 1, 2, 4, 9, 12, 12, 10, 9, 8, 6, 6, 8, 8, 8, 8, 8, 7, 5, 4, 3, 3),
}
"""How much of a subject there is in each hour of the day, against 5 of what has no hour. Assumed, as in `curve`."""
