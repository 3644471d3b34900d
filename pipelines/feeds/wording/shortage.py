"""物资短缺: goods run out. Slots as in `flood`."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.flood import ESTATES, HOUSE_ESTATE, HOUSE_VILLAGE, VILLAGES
from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(12, ("supplies",), 2, (
        "{people}口人(断粮两天|只剩一把挂面)了，(超市货架全空|买不到菜)，(孩子饿得直哭|老人只喝粥)，求(米面|蔬菜)",
        "整栋{people}个人没吃的了，(团购抢不到|配送停了)，急需(大米和蔬菜|吃的喝的)",
    ), items=("大米",)),
    Situation(6, ("supplies",), 2, (
        "孩子{2-11}个月，奶粉(只剩两勺|昨天就没了)，(跑了{3-9}家店都没有|快递进不来)，家里{people}个人急疯了",
    ), (), ("infant",), ("奶粉",)),
    Situation(6, ("supplies", "medical"), 1, (
        "(高血压|癫痫|透析)病人断药{1-4}天，(药店没货|医院去不了)，人已经(迷糊|抽搐)了，家里{people}口人求药",
        "糖尿病人胰岛素(用完了|全市都买不到)，{people}个人在家守着，(开始发晕|嘴唇发白)",
    ), (), (), ("药品",)),
    Situation(5, ("supplies",), 2, (
        "停水{2-6}天，{people}个人靠(接雨水|消防水箱)，桶装水(涨到{30-99}块|没货)，急需饮用水",
    ), items=("饮用水",)),
    Situation(4, ("supplies",), 3, (
        "医院防护服只够{1-2}天，(口罩|手套)也见底，{people}名医护在岗，有渠道的请联系",
    ), items=("防护服",), home=False),
    Situation(3, ("other_help",), 3, (
        "物资到了没人卸，{people}吨菜堆在路口，急需(志愿者|人手)来搬，(再放就烂了|晚上要下雨)",
    ), home=False),
    Situation(3, ("supplies", "transport"), 2, (
        "{people}个外地司机滞留在服务区，(没吃没喝|泡面都卖完了)，(下不了高速|加不到油)，求(食物|放行)",
    ), items=("食物",), home=False),
)  # fmt: skip
TAGS = ("#{city}物资求助#", "#{city}买菜难#", "#{county}缺物资#", "")
OPENINGS = ("", "", "求助！", "紧急求助！", "【求助】", "有没有人能送点吃的，", "急！")
STILL = ("", "到现在还没送来！", "截至{hour}点什么都没有！", "再发一次，", "第三次求助，")
CLOSED = (
    "{near}的{people}个人(收到物资了|有吃的了)，(谢谢志愿者|不用再转了){hope}",
    "更新：{middle}(药送到了|菜发下来了)，{people}个人都好，之前的求助(可以删了|已解决){hope}",
)
PARTIAL = ("{middle}只送到一半，还有{people}人(没领到|断粮)，请继续扩散{hope} 电话{tel}",)
UNCLEAR = ("{middle}那{people}个人拿到东西了吗，(电话没人接|没有回音){hope}",)
HOMES = ((ESTATES, HOUSE_ESTATE), (VILLAGES, HOUSE_VILLAGE))
PUBLIC = ((("高速服务区", "第五人民医院", "物流园", "中心菜市场", "大学城东门"), ("",)),)
CLOSINGS = ("", "求转发🙏", "请社区看到", "请帮帮我们[泪]", "谢谢谢谢😭")
ECHOES = (
    Echo("anger", "negative", "angry", 12, (
        "一棵白菜卖{20-99}块，(发国难财|物价局呢)！{anger}{tag}", "{county}(捐的物资去哪了|仓库堆着不发)，(烂了也不给|必须查){anger}{tag}", "{block}的(团长|群主)(收了钱不发货|坐地起价){anger}",
    )),
    Echo("worry", "negative", "fear", 10, ("{city}超市(被抢空|排队{50-300}米)，(米和油都没了|只剩辣椒酱){grief}{tag}", "家里(只剩半袋米|囤的不够)，(不知道还要多久|心慌){grief}{tag}")),
    Echo("wish", "neutral", "sad", 9, ("{city}(加油|会好的)！{hope}{tag}", "(希望|愿)物资快点到{hope}")),
    Echo("thanks", "positive", "happy", 6, ("(邻居|楼上)(分了我一袋米|送来两颗白菜)，(热泪盈眶|记一辈子){hope}{tag}", "志愿者(半夜|冒雨)送菜上门，(谢谢你们|辛苦了){hope}{tag}")),
    Echo("offer", "positive", "happy", 7, ("我在{county}有(一车土豆|{20-90}袋大米)，免费送给(独居老人|有孩子的家庭)，{person} {phone}{tag}", "{county}{block}附近缺药的联系我，家里有多的(退烧药|降压药)，{phone}{tag}"), ("offer",), (), "volunteer"),
    Echo("news", "neutral", "neutral", 8, ("{city}调运{200-900}吨蔬菜、{30-200}吨粮油投放{county}等地，价格稳中有降。{url}", "{city}已打通{3-12}条保供通道。记者{person}。{url}"), (), (), "media", "rss"),
    Echo("official", "neutral", "neutral", 5, ("【保供】{county}：生活物资储备充足，请理性购买，缺物资请拨打12345。{tag}",), (), (), "official"),
    Echo("rumour", "negative", "fear", 4, ("听说{city}(明天全部断供|盐要没了)，(快去抢|赶紧囤)！{tag}",)),
    Echo("denial", "neutral", "neutral", 3, ("【辟谣】网传“即将断供”不实，本市物资充足，请勿抢购囤积。",), (), (), "official"),
    Echo("english", "negative", "fear", 2, ("Shelves are empty in {city_en}, (no rice|no water) anywhere, (getting scared|what is going on)",), platform="twitter"),
)  # fmt: skip
