"""A rumour: claims that ask for nothing, and their denial. Slots as in `flood`."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(8, (), 4, ("(内部消息|亲戚在局里说)，今晚{hour}点(有六级地震|要地震)，(井水都浑了|狗叫了一夜)，{people}个同事都收到了",)),
    Situation(8, (), 4, ("自来水(被污染|被投毒)了，(千万别喝|已经有{people}个人进了医院)，(水厂不敢说|消息被压着)",)),
    Situation(6, (), 4, ("有人(偷孩子|迷晕小孩)，{people}个人贩子开白色面包车，(已经丢了三个|摘器官)，(接送孩子小心|群里都传疯了)",)),
    Situation(6, (), 4, ("(银行|农商行)要倒闭了，(取不出钱|行长跑了)，排了{people}米的队，(快去取|晚了就没了)",)),
    Situation(5, (), 4, ("化工厂(泄漏|要炸)了，毒气(往市区飘|已经死了{people}个人)，(官方瞒着|快跑)",)),
    Situation(4, (), 4, ("水库(要决堤|已经垮了)，(下游{people}个村都要淹|今晚泄洪不通知)，(能跑快跑|往高处走)",), ("dyke_breach",)),
)  # fmt: skip
WHERE = ("{county}{spot}那边，", "就在{middle}，", "{near}，", "{city}{county}的注意了，{spot}，")
FORWARDED = (
    "转发微博",
    "(真的假的|不会吧)？",
    "(快转|让更多人看到)！",
    "宁可信其有{grief}",
    "{fire_brigade} 是真的吗",
    "(吓死我了|瑟瑟发抖){grief}",
)
TAGS = ("#{city}#", "#{city}{county}#", "", "")
OPENINGS = ("", "紧急扩散！", "速看！马上删！", "转给家人！", "刚刚得到的消息，", "千真万确！", "听说了吗，")
STILL = ("", "又有人证实了！", "已经传开了，", "再说一遍，", "我朋友也说，")
CLOSED = (
    "【辟谣】网传“{county}{spot}”相关信息不实，(已找到造谣者|警方已介入调查)，请勿(信谣传谣|转发)。",
    "【通报】经核查，{near}情况一切正常，(所谓消息系编造|请以官方发布为准)。",
)
PARTIAL: tuple[str, ...] = ()
UNCLEAR = ("{near}那个事(到底真的假的|有没有官方说法)，(群里吵翻了|有知道的吗){neutral}",)
HOMES = ((("东门小学", "城南水厂", "北郊化工厂", "人民广场", "中心医院", "农商行支行", "老火车站"), ("",)),)
PUBLIC = HOMES
CLOSINGS = ("", "快转！", "不转不是{city}人", "为了家人请扩散", "宁可信其有")
ECHOES = (
    Echo("worry", "negative", "fear", 12, ("(真的假的|吓人)，{county}的朋友(出来说说|注意安全){grief}{tag}", "我妈已经(囤了{3-20}桶水|收拾好东西了)，(到底信谁|心慌){grief}{tag}")),
    Echo("doubt", "negative", "angry", 12, ("又是(老图|旧闻|摆拍)，(造谣的抓起来|能不能动动脑子){anger}{tag}", "(有图吗|谁看见了)？(没证据别传|散布恐慌){anger}{tag}")),
    Echo("wish", "neutral", "neutral", 8, ("(等官方通报|坐等辟谣){neutral}{tag}", "{city}(平安|别慌){hope}")),
    Echo("denial", "neutral", "neutral", 8, ("【辟谣】近日网传{county}相关信息不实，请勿信谣传谣，违者将依法处理。{tag}", "{city}网信：“{county}出事”系谣言，{hour}时已依法处置。"), (), (), "official"),
    Echo("news", "neutral", "neutral", 5, ("记者{person}从{city}有关部门获悉，网传{county}消息不实，市民生活正常。{url}",), (), (), "media", "rss"),
    Echo("english", "neutral", "neutral", 2, ("Is the thing about {city_en} real or fake news? (source?|anyone?)",), platform="twitter"),
)  # fmt: skip
