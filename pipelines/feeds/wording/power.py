"""A power cut in a heat wave or a frost. Slots as in `flood`."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.flood import ESTATES, HOUSE_ESTATE, HOUSE_VILLAGE, VILLAGES
from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(8, ("medical",), 1, (
        "停电{2-9}个小时了，老人靠(呼吸机|制氧机)维持，(备用电池快没了|氧气袋只剩一个)，家里{people}个人(急得团团转|束手无策)",
        "我爸在家用呼吸机，突然停电，电池只能撑(半小时|四十分钟)，{people}个人在家，求(发电机|救护车)",
    ), (), ("elderly",), ("发电机",)),
    Situation(3, ("medical", "supplies"), 1, (
        "胰岛素要冷藏，停电{1-3}天(全坏了|冰箱早不冷了)，糖尿病人已经没药打，{people}个人等着",
    ), (), (), ("胰岛素",)),
    Situation(5, ("rescue",), 1, (
        "电梯停在{6-28}楼，里面{people}个人(闷得喘不上气|有人晕倒了)，(按铃没反应|物业联系不上)，已经{30-90}分钟",
    )),
    Situation(8, ("supplies",), 2, (
        "停电又停水(两天|一天一夜)了，{people}口人(没水喝|做不了饭)，(孩子热得起疹子|老人中暑)，求(饮用水|冰块)",
        "全楼{people}个人断电断水，{30-39}度高温，(老人孩子扛不住|只剩两瓶水)，急需(饮用水|充电宝)",
    ), items=("饮用水",)),
    Situation(4, ("shelter",), 2, (
        "零下{5-20}度停电停暖，一家{people}口(裹着被子发抖|老人手脚冰凉)，求(有暖气的地方|临时安置)",
    )),
    Situation(4, ("other_help",), 3, (
        "变压器(爆了|烧了)，{people}户人家(黑了一整天|没电)，供电热线(打不通|一直占线)，请尽快派人抢修",
    ), ("electric",), home=False),
    Situation(3, ("supplies",), 3, (
        "卫生院靠一台发电机，柴油只够{2-5}个小时，住着{people}个病人，急需柴油",
    ), items=("柴油",), home=False),
)  # fmt: skip
TAGS = ("#{city}停电#", "#{city}大面积停电#", "#{county}停电#", "")
OPENINGS = ("", "", "求助！", "急！", "【求助】", "95598打不进去，", "谁能帮帮我们，")
STILL = ("", "到现在还没来电！", "截至{hour}点还没人来！", "再发一次，", "又一夜过去了，")
CLOSED = (
    "{near}(来电了|恢复供电)，{people}个人都好，(谢谢抢修师傅|不用再转了){hope}",
    "更新：{middle}(发电车到了|老人已送医院)，{people}个人平安{hope}",
)
PARTIAL = ("{middle}只恢复了一部分，还有{people}人(没电|断水)，请继续关注{hope} 电话{tel}",)
UNCLEAR = ("有人知道{middle}那{people}个人怎么样了吗，(手机没电了吧|联系不上){hope}",)
HOMES = ((ESTATES, HOUSE_ESTATE), (VILLAGES, HOUSE_VILLAGE))
PUBLIC = ((("镇卫生院", "敬老院", "实验小学", "工业园南区", "便民市场"), ("",)),)
CLOSINGS = ("", "求转发🙏", "请供电公司看到", "拜托大家扩散", "手机快没电了")
ECHOES = (
    Echo("worry", "negative", "fear", 7, ("{city}{county}(又黑了|一片漆黑)，(红绿灯都灭了|路上乱成一团){grief}{tag}", "停电{3-20}个小时，(不敢坐电梯|冰箱里的肉全臭了){grief}{tag}")),
    Echo("anger", "negative", "angry", 12, (
        "{county}{block}(三天两头停电|一下雨就停电)，(电费没少收|谁给个说法)！{anger}{tag}", "供电热线(排队{30-120}人|机器人来回绕)，(一句在抢修|没人说几点来电){anger}{tag}",
        "(热得睡不着|孩子哭了一夜)，隔壁小区(灯火通明|空调呼呼响)，凭什么{anger}",
    )),
    Echo("wish", "neutral", "sad", 9, ("(快来电吧|希望今晚能来电){hope}{tag}", "{city}(加油|挺住)，抢修师傅辛苦了{hope}")),
    Echo("thanks", "positive", "happy", 6, ("来电了！！(全楼都在欢呼|空调救了我的命){joy}{tag}", "抢修师傅(浑身湿透|干了一整夜)，(谢谢你们|真的辛苦了){hope}{tag}")),
    Echo("offer", "positive", "happy", 5, ("{county}{road}{18-300}号我家店里有(发电机|空调)，(充电|纳凉)免费，{person} {phone}{tag}",), ("offer",), (), "volunteer"),
    Echo("hazard", "negative", "fear", 4, ("提醒：{county}{road}(电线断了垂下来|电杆倒了)，(带电|千万别碰)，绕行{tag}",), (), ("electric",)),
    Echo("news", "neutral", "neutral", 8, ("受(高温负荷|设备故障)影响，{city}{county}等地出现停电，已投入{20-300}支抢修队伍，恢复用户{2-30}万户。{url}", "{city}供电公司：预计{hour}时前恢复{county}供电。记者{person}。{url}"), (), (), "media", "rss"),
    Echo("official", "neutral", "neutral", 5, ("【停电信息】{county}供电：{hour}时起对部分线路抢修，请合理安排用电，咨询95598。{tag}", "{city}开放{30-200}处纳凉点，{county}体育馆可充电、休息，咨询12345。"), (), (), "official"),
    Echo("english", "negative", "angry", 2, ("Blackout in {city_en} again, (no AC|no water) for {3-20} hours, (so done|this is insane)",), platform="twitter"),
)  # fmt: skip
