"""Invented people, organisations, places and numbers. Nothing here is taken from anyone.

Identity numbers carry the sequence 000, which no office hands out, organisation codes begin with YX or WY, phones with
154, which no carrier was given: check digits are right, but the numbers are nobody's. Districts are real (so that an
address leads to one); roads, neighbourhoods and brands are invented. Every character is in GB 2312, which is what the
oldest of the fonts hold.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
GIVEN = (
    "伟芳娜敏静秀英丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲波红梅鹏飞鑫丹慧颖凯华宁健峰琳雪晨建国志海燕春"
    "玉佳欣怡梦雨浩宇轩泽瑞嘉俊思源立新永康乐安庆东晓光云龙少青兴成林松柏亮振德福荣祥忠信义礼和顺达昌盛"
)
PLACES = (
    ("河南省", "郑州市", "金水区", "410105"),
    ("河南省", "郑州市", "二七区", "410103"),
    ("河南省", "洛阳市", "涧西区", "410305"),
    ("湖北省", "武汉市", "武昌区", "420106"),
    ("湖北省", "武汉市", "江汉区", "420103"),
    ("湖南省", "长沙市", "岳麓区", "430104"),
    ("湖南省", "长沙市", "雨花区", "430111"),
    ("江苏省", "南京市", "鼓楼区", "320106"),
    ("江苏省", "南京市", "秦淮区", "320104"),
    ("浙江省", "杭州市", "西湖区", "330106"),
    ("浙江省", "宁波市", "海曙区", "330203"),
    ("广东省", "广州市", "天河区", "440106"),
    ("广东省", "深圳市", "福田区", "440304"),
    ("四川省", "成都市", "武侯区", "510107"),
    ("四川省", "成都市", "青羊区", "510105"),
    ("陕西省", "西安市", "雁塔区", "610113"),
    ("陕西省", "西安市", "碑林区", "610103"),
    ("山东省", "济南市", "历下区", "370102"),
    ("山东省", "青岛市", "市南区", "370202"),
    ("安徽省", "合肥市", "蜀山区", "340104"),
    ("福建省", "厦门市", "思明区", "350203"),
    ("河北省", "石家庄市", "长安区", "130102"),
    ("辽宁省", "沈阳市", "和平区", "210102"),
    ("江西省", "南昌市", "东湖区", "360102"),
)
FIRST = "青云星海明远松竹梅兰金银玉锦东南西北春秋长安宁和永嘉瑞丰宏泰祥福清风朝阳望江临湖枫桐柳荷月晨"
SECOND = "桐杉溪泉湖岭桥坊亭阁苑台塘滩岗湾林原野泽陂冈港河岸荫霞光辉润达盛通茂源澜舟帆鹿鹤"
TRADES = (
    "商贸 餐饮管理 建筑工程 装饰工程 物业服务 文化传播 信息技术 科技 食品 酒店管理 "
    "市政工程 园林绿化 医疗器械 教育咨询 广告 供应链管理 环保科技 电子商务"
)
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def dice(*parts: object) -> random.Random:
    """A generator of its own for what the parts name: the same parts give the same draws, whatever else was drawn."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - repeatable test data, nothing secret


class Inventor:
    """Draws what an application is about. ``on`` is the day of submission."""

    def __init__(self, rng: random.Random, on: date) -> None:
        self.rng = rng
        self.on = on
        self.province, self.city, self.district, self.adcode = rng.choice(PLACES)

    def pick(self, words: str) -> str:
        return self.rng.choice(words.split())

    def person(self) -> str:
        given = "".join(self.rng.sample(GIVEN, self.rng.choice((1, 2, 2, 2))))
        return self.rng.choice(SURNAMES) + given

    def people(self, count: int) -> list[str]:
        """Different names."""
        names: dict[str, None] = {}
        while len(names) < count:
            names[self.person()] = None
        return list(names)

    def day(self, least: int, most: int) -> date:
        """So many days after the day of submission (before it, when negative)."""
        return self.on + timedelta(days=self.rng.randint(least, most))

    def id_number(self, age: tuple[int, int] = (22, 64)) -> str:
        born = self.on - timedelta(days=365 * self.rng.randint(*age) + self.rng.randint(100, 360))
        body = f"{self.rng.choice(PLACES)[3]}{born:%Y%m%d}000"
        return body + id_check(body)

    def uscc(self) -> str:
        code = self.rng.choice(("YX", "WY")) + "".join(self.rng.choice(USCC_LETTERS) for _ in range(6))
        body = "91" + self.adcode + code + code_check(code)
        return body + uscc_check(body)

    def phone(self) -> str:
        return "154" + "".join(self.rng.choice("0123456789") for _ in range(8))

    def brand(self) -> str:
        return self.rng.choice(FIRST) + self.rng.choice(SECOND)

    def organisation(self, ending: str = "有限公司") -> str:
        place = self.rng.choice((self.city, self.city.removesuffix("市")))
        return place + self.brand() + self.pick(TRADES) + ending

    def road(self) -> str:
        return self.brand() + self.rng.choice(("路", "路", "街", "大道"))

    def neighbourhood(self) -> str:
        return self.brand() + self.pick("小区 花园 家园 新村 公寓 苑")

    def address(self, road: str = "") -> str:
        """Province is left out half the time, as people do."""
        head = self.rng.choice(("", self.province)) + self.city + self.district
        return f"{head}{road or self.road()}{self.rng.randint(1, 398)}号"

    def home(self) -> str:
        building, stair, floor, door = (self.rng.randint(1, most) for most in (28, 4, 6, 4))
        place = f"{self.neighbourhood()}{building}号楼{stair}单元{floor}0{door}室"
        return self.address() + place


def id_check(body: str) -> str:
    """GB 11643: check character of 17 digits."""
    return "10X98765432"[sum(int(c) * w for c, w in zip(body, ID_WEIGHTS, strict=True)) % 11]


def code_check(code: str) -> str:
    """GB 11714: check character of an organisation code of 8 characters."""
    rest = 11 - sum(int(c, 36) * w for c, w in zip(code, CODE_WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else str(rest % 11)


def uscc_check(body: str) -> str:
    """GB 32100: check character of 17 characters."""
    total = sum(USCC_LETTERS.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return USCC_LETTERS[-total % 31]


def spoilt(identifier: str, rng: random.Random) -> str:
    """The identifier with another digit near its end, so that its check character is wrong."""
    place = len(identifier) - rng.randint(2, 3)
    digit = rng.choice([d for d in "0123456789" if d != identifier[place]])
    return identifier[:place] + digit + identifier[place + 1 :]
