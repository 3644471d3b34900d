"""Food poisoning at a school, a canteen, a banquet. Slots as in `flood`."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(10, ("medical",), 1, (
        "(幼儿园|学校)食堂吃完饭，{people}个孩子(上吐下泻|高烧不退)，(有的已经脱水昏迷|有两个抽搐了)，救护车(不够|还没到)",
        "婚宴上{people}个人(同时呕吐|集体腹泻)，(有老人昏过去了|有人叫不醒)，求救护车",
    ), (), ("child",), home=False),
    Situation(8, ("medical",), 2, (
        "在食堂吃了(凉皮|盒饭|豆角)，{people}个人(又吐又拉|肚子绞痛)，(医务室没药|医院挂不上号)，求医生",
        "工地{people}个工友吃完晚饭(上吐下泻|头晕恶心)，(没有车送|附近没有医院)，求帮忙送医",
    ), home=False),
    Situation(4, ("medical", "transport"), 2, (
        "整个班{people}个学生(肚子疼|发烧呕吐)，两辆救护车装不下，求(大巴|私家车)帮忙送医院",
    ), (), ("child",), home=False),
    Situation(3, ("supplies",), 2, (
        "卫生院住着{people}个食物中毒的病人，(补液盐|输液)快用完了，急需(口服补液盐|葡萄糖)",
    ), items=("补液盐",), home=False),
    Situation(2, ("missing_person",), 2, (
        "食物中毒送医后找不到人了，{missing}，{6-19}岁，{people}个家人跑了{3-6}家医院，(穿校服|戴红领巾)",
    ), home=False),
)  # fmt: skip
TAGS = ("#{city}食物中毒#", "#{county}学校食物中毒#", "#{city}食品安全#", "")
OPENINGS = ("", "", "求助！", "紧急求助！", "家长们快看，", "急急急！！！", "【求助】")
STILL = ("", "孩子还在吐！", "又送来一批！", "还没有人管！", "再发一次，")
CLOSED = (
    "{near}的{people}个人(都脱离危险|已全部送医)，(谢谢大家|不要再转了){hope}",
    "更新：{middle}的孩子们(输完液好多了|陆续出院)，{people}个都平安{hope}",
)
PARTIAL = ("{middle}送走了一部分，还有{people}人(在等车|没有床位)，请继续扩散{hope} 电话{tel}",)
UNCLEAR = ("{middle}那{people}个孩子怎么样了，(学校不让说|电话打不通){hope}",)
HOMES = ((("第三小学", "阳光幼儿园", "实验中学", "职业技术学院"), ("",)),)
PUBLIC = ((("第三小学", "阳光幼儿园", "实验中学", "职业技术学院", "喜洋洋酒楼", "电子厂食堂", "工地生活区"), ("",)),)
CLOSINGS = ("", "求转发🙏", "请帮帮孩子[泪]", "请卫健委看到", "拜托扩散")
ECHOES = (
    Echo("anger", "negative", "angry", 14, (
        "孩子们吃的(是发霉的米|过期的肉)，(校长|承包商)(不露面|说没事)！{anger}{tag}", "{county}的学校食堂(外包给谁|一顿收{12-30}块)，吃出(人命|这种事)谁负责{anger}{tag}",
        "投诉过{3-9}次的{shop}(还在开门|换个名字又开)，(监管呢|气得发抖){anger}",
    )),
    Echo("worry", "negative", "fear", 9, ("{county}的家长(都在医院走廊|整夜没睡)，(不知道吃了什么|太揪心了){grief}{tag}", "我家孩子也在那个学校，(今天没敢让去|现在肚子疼){grief}{tag}")),
    Echo("wish", "neutral", "sad", 8, ("(孩子们快点好起来|愿平安){hope}{tag}", "{county}的孩子(一定要没事|加油){hope}")),
    Echo("thanks", "positive", "happy", 4, ("{hospital}的医生护士(连夜加床|一个一个哄着打针)，(谢谢你们|辛苦了){hope}{tag}",)),
    Echo("offer", "positive", "happy", 4, ("我在{county}，(七座商务车|面包车)一辆，可以免费送孩子去医院，{person} {phone}{tag}",), ("offer",), (), "volunteer"),
    Echo("news", "neutral", "neutral", 8, ("{city}{county}一(学校|企业)多人就餐后身体不适，{20-200}人送医，无生命危险，食材已封存送检。{url}", "{city}{county}市场监管部门对涉事食堂立案调查。记者{person}。{url}"), (), (), "media", "rss"),
    Echo("official", "neutral", "neutral", 5, ("【情况通报】{county}：就餐人员出现呕吐、腹泻，已全部送医，原因正在调查，请勿传谣。{tag}",), (), (), "official"),
    Echo("rumour", "negative", "fear", 4, ("听说{county}那个学校(死了三个|有人投毒)，(真的假的|消息都被删了)！{tag}",)),
    Echo("denial", "neutral", "neutral", 3, ("【辟谣】网传“食堂投毒致死”不实，患者情况稳定，请勿信谣传谣。",), (), (), "official"),
    Echo("english", "negative", "angry", 2, ("Kids poisoned by a school canteen in {city_en}?? (unbelievable|heads must roll)",), platform="twitter"),
)  # fmt: skip
