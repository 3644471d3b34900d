"""Words that fill the templates, and invented identifiers: well-formed, drawn at random, nobody's on purpose."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.grammar import Dice, Mark, Slots

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
_GIVEN = "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉红梅建国志新海燕春晓宇浩子涵梓轩欣怡雨桐佳文博思远"
MOBILE_PREFIXES = ("134", "135", "137", "138", "139", "150", "151", "156", "158", "159", "166", "176", "180", "186",
                   "187", "188", "189", "198", "199")  # fmt: skip
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def full_name(dice: Dice) -> str:
    given = dice.pick(_GIVEN)
    return dice.pick(SURNAMES) + given + (dice.pick(_GIVEN) if dice.below(4) else "")


def person(dice: Dice) -> Mark:
    """A name; a bare surname takes its title into the span, as the contract says."""
    if dice.below(3):
        return Mark("PERSON", full_name(dice))
    return Mark("PERSON", dice.pick(SURNAMES) + dice.pick(("女士", "先生", "师傅", "阿姨", "大爷", "老师")))


def mobile_digits(dice: Dice) -> str:
    return dice.pick(MOBILE_PREFIXES) + f"{dice.below(10**4):04d}{dice.below(10**4):04d}"


def written(digits: str, dice: Dice) -> str:
    """A mobile number as people write it."""
    form = dice.below(8)
    if form == 0:
        return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
    if form == 1:
        return f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"
    return f"+86{digits}" if form == 2 else digits


def mobile(dice: Dice) -> Mark:
    return Mark("CN_MOBILE", written(mobile_digits(dice), dice))


def id_card(dice: Dice) -> Mark:
    """GB 11643-1999, check digit right; the area is one of the cities' districts."""
    area = dice.pick(("410102", "410103", "410105", "430102", "430104"))
    digits = (
        f"{area}{dice.between(1950, 2005)}{dice.between(1, 12):02d}{dice.between(1, 28):02d}{dice.between(1, 999):03d}"
    )
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ID_WEIGHTS, strict=True))
    return Mark("CN_ID", digits + "10X98765432"[total % 11])


def bank_card(dice: Dice) -> Mark:
    """19 digits, the last by Luhn (ISO/IEC 7812-1)."""
    digits = "6222" + "".join(str(dice.below(10)) for _ in range(14))
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return Mark("BANK_CARD", digits + str(-total % 10))


def im_id(dice: Dice) -> Mark:
    return Mark("IM_ID", "".join(dice.pick(_LETTERS) for _ in range(5)) + f"{dice.below(10**4):04d}")


def email(dice: Dice) -> Mark:
    name = "".join(dice.pick(_LETTERS) for _ in range(6))
    return Mark("EMAIL_ADDRESS", f"{name}{dice.below(1000)}@example.{dice.pick(('com', 'cn'))}")


def url(dice: Dice) -> Mark:
    if dice.below(2):
        return Mark("URL", "https://t.example.com/" + "".join(dice.pick(_BASE62) for _ in range(7)))
    return Mark("URL", f"http://news.example.com/{dice.between(2021, 2026)}/{dice.below(10**7)}.html")


def nickname(dice: Dice) -> str:
    """An author's name as shown; some ten million different ones. One draw: every post needs one."""
    word = dice.next()
    form, word = word & 3, word >> 2
    if form == 0:
        return f"用户{word % 10**7:07d}"
    name, word = _NICKS[word % len(_NICKS)], word // len(_NICKS)
    if form == 1:
        return f"{name}{_JOINTS[word % 3]}{word // 3 % 10_000}"
    tail = _NICK_C[word % len(_NICK_C)]
    return f"{name}{tail}{word // 13 % 100}" if form == 2 else name + tail


def mention(dice: Dice) -> Mark:
    """With its @, as the span has it."""
    return Mark("USERNAME", "@" + nickname(dice))


_NICK_A = (
    "爱吃", "不想", "今天也要", "追风的", "慢半拍的", "佛系", "努力", "小城", "北方", "南方", "深夜", "早起", "熬夜的",
    "快乐", "迷路的", "会飞的", "微胖", "隔壁", "楼下", "资深", "不加糖的", "圆滚滚的", "老实", "路过的", "三分钟热度的",
)  # fmt: skip
_NICK_B = (
    "西瓜", "橘猫", "土豆", "豆浆", "打工人", "考研党", "面包", "柠檬", "汤圆", "小熊", "烩面", "企鹅", "程序员", "老王",
    "椰子", "向日葵", "刺猬", "司机", "奶茶", "饺子", "大象", "月亮", "云朵", "蘑菇", "蜗牛", "锦鲤", "青年", "观众",
)  # fmt: skip
_NICK_C = ("", "酱", "呀", "同学", "子", "日记", "本人", "的窝", "er", "Sunny", "Leo", "本尊", "不打烊")

_NICKS = tuple(front + core for front in _NICK_A for core in _NICK_B)
_JOINTS = ("_", "-", "")

ROADS = ("中州大道", "建设路", "人民路", "北环高架", "解放路", "滨河路", "科学大道", "东三环", "花园路", "航海路")
BLOCKS = (
    "锦绣花园",
    "幸福里小区",
    "阳光家园",
    "翠湖名邸",
    "和谐苑",
    "书香佳苑",
    "金桂园",
    "丽景湾小区",
    "安和小区",
    "春晖苑",
)
HOSPITALS = ("市中心医院", "人民医院", "妇幼保健院", "社区卫生服务中心", "中医院")

WORDS: Slots = {
    "phone": mobile, "person": person, "url": url, "mention": mention, "email": email, "im": im_id,
    "id_card": id_card, "bank_card": bank_card,
    "nick": nickname,
    "food": ("牛肉面", "烩面", "麻辣烫", "小龙虾", "火锅", "烤鱼", "臭豆腐", "煎饼果子", "螺蛳粉", "糖醋排骨", "羊肉串",
             "胡辣汤", "酸菜鱼", "冰粉", "生煎包", "黄焖鸡", "糖油粑粑", "茶颜色的奶茶", "凉皮", "锅贴"),
    "shop": ("巷子口那家小店", "单位楼下", "学校后门", "新开的商场", "夜市", "老街", "家附近的馆子", "三楼食堂", "高铁站旁边"),
    "joy": ("😋", "😄", "🎉", "❤️", "👍", "[哈哈]", "[赞]", "[心]", "🥰", "✨", "", ""),
    "grief": ("😭", "😢", "💔", "[泪]", "[伤心]", "😞", "🥀", "", ""),
    "anger": ("😡", "🤬", "[怒]", "[怒骂]", "🙄", "", ""),
    "neutral": ("", "", "🤔", "[思考]", "👀", "📌", "[吃瓜]"),
    "hope": ("🙏", "🙏🙏", "[祈祷]", "[合十]", "🕯️", "❤️", ""),
    "team": ("主队", "客队", "我们省队", "校队", "国家队", "隔壁市的队"),
    "show": ("《长街的灯》", "《第七个夏天》", "《山那边的邮局》", "《今夜有雨》", "《外婆的缝纫机》", "《环城线》", "《侦探小满》"),
    "job": ("甲方", "领导", "产品经理", "客户", "组长", "老板", "隔壁部门"),
    "subject": ("高数", "英语", "论文", "物理", "会计", "行测", "毕业设计", "数据结构", "马原"),
    "pet": ("猫", "狗子", "小橘", "家里的布偶", "仓鼠", "阿拉斯加", "鹦鹉"),
    "road": lambda dice: Mark("PLACE", dice.pick(ROADS)),
    "block": lambda dice: Mark("PLACE", dice.pick(BLOCKS)),
    "hospital": lambda dice: Mark("PLACE", dice.pick(HOSPITALS)),
}  # fmt: skip
