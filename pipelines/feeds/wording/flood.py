"""A flood in one city: calls for help, how they are passed on, and everything else that is said on such a night.

Slots of a call besides `words.WORDS`: place forms (full, middle, near: with the shared place marked), house (household
detail, marked), people (a count), name, tel, account, river, reservoir, city, province, county, hour.
"""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(14, ("rescue",), 1, (
        "水已经(淹到|漫到|没到)(胸口|二楼|一楼窗台|脖子)了，还在往上涨，{people}个人被困在(楼顶|屋顶|二楼)出不来",
        "洪水进屋了，水位(一小时涨了半米|越来越高)，我们{people}口人(爬到了房顶|躲在阁楼)，(撑不了多久|快没地方站)了",
        "一楼全淹，{people}人困在二楼，水(还在涨|马上到二楼)，手机只剩百分之{3-15}的电",
    ), ("flood_rising",)),
    Situation(10, ("rescue",), 1, (
        "家里{people}个人，有(八十多岁的老人|两位老人)，(走不动|腿脚不便)，水(到腰|齐腰深)了还在涨，(门打不开|出不去)",
        "(爷爷奶奶|两个老人)被困在家里，水已经淹过(床|灶台)，还在上涨，一共{people}个人，(联系时断时续|不会用手机)",
    ), ("flood_rising",), ("elderly",)),
    Situation(7, ("rescue", "supplies"), 1, (
        "{people}个人被困，其中有(刚满月|七个月)的婴儿，水还在涨，奶粉(泡水|喝完)了，(断水断电|没吃没喝)一天了",
    ), ("flood_rising",), ("infant",), ("奶粉",)),
    Situation(4, ("rescue",), 1, (
        "房子(塌了一半|一面墙塌了)，{people}人压在下面，(还能听到喊声|邻居在徒手挖)，需要(挖掘机|专业救援)",
    ), ("collapse",)),
    Situation(4, ("rescue",), 1, (
        "后山滑坡，泥石把(院子|两户人家)埋了，{people}个人(被困|没出来)，路也断了，(救援车进不来|挖机上不来)",
    ), ("landslide", "road_cut")),
    Situation(2, ("rescue",), 1, (
        "{river}大堤(决口了|被冲开二十多米)，村子就在下面，还有{people}人没撤出来，水(马上就到|已经进村)",
    ), ("dyke_breach",), home=False),
    Situation(4, ("medical",), 1, (
        "老人靠制氧机维持，停电{2-6}个小时了，氧气袋只够(四十分钟|一个小时)，家里{people}个人，(急需氧气|快撑不住了)",
    ), (), ("elderly",), ("氧气",)),
    Situation(4, ("medical", "transport"), 1, (
        "(我妈|我爸)是尿毒症，{2-4}天没透析了，路被水冲断出不去，{people}个人困在家，需要送医院透析",
    ), ("road_cut",)),
    Situation(3, ("medical", "rescue"), 1, (
        "孕妇(羊水破了|已经阵痛)，水太深救护车进不来，{people}个人在家(守着|等)，求能开船来的医生",
    ), (), ("pregnant",)),
    Situation(3, ("medical",), 1, (
        "糖尿病人的胰岛素(用完了|泡了水)，已经{1-3}天没打，人(开始发晕|迷糊了)，{people}个人被水围着出不去",
    ), (), (), ("胰岛素",)),
    Situation(8, ("supplies",), 2, (
        "{people}口人断水断电(两天|一天一夜)了，只剩(半箱方便面|两瓶水)，(孩子饿得直哭|老人胃受不了)，急需(饮用水和食物|吃的喝的)",
        "(整栋楼|楼里){people}个人没水没电没信号，吃的(今晚就没了|见底了)，求送(矿泉水|面包)和(手电筒|充电宝)",
    ), items=("饮用水",)),
    Situation(5, ("supplies",), 2, (
        "安置点住着{people}人，缺(棉被|毛毯)、饮用水、(奶粉|尿不湿)，(晚上地上全是湿的|孩子们在发烧)",
    ), items=("饮用水",), home=False),
    Situation(4, ("supplies",), 3, (
        "救援队{people}名队员在这里，急缺冲锋舟{2-6}艘、救生衣{20-90}件、(强光手电|绳索)若干，有资源的请联系",
    ), items=("冲锋舟", "救生衣"), home=False),
    Situation(4, ("transport",), 2, (
        "大巴(熄火|抛锚)在路中间，{people}名乘客滞留{5-18}个小时，前后都是水，走不了，求(船|车)接我们出去",
        "{people}个人在(桥上|高架上)等了一夜，四面是水，需要(船|大车)转移",
    ), home=False),
    Situation(5, ("shelter",), 2, (
        "房子进水没法住，一家{people}口(在路边坐了一夜|挤在车里)，求(附近的安置点|能过夜的地方)",
    )),
    Situation(6, ("missing_person",), 1, (
        "寻人！{missing}，(男|女)，{19-78}岁，昨晚{hour}点涉水回家后失联，最后一次通话说水到(腰|胸口)了，(穿蓝色雨衣|背黑色书包)，家里{people}个人都在找",
    ), home=False),
    Situation(3, ("other_help",), 3, (
        "堤上只有{people}个人在装沙袋，人手不够，急需(青壮年志愿者|人)来(帮忙|换班)，自带铁锹",
    ), home=False),
    Situation(3, ("other_help",), 3, (
        "变压器(泡在水里冒火花|歪在水里)，{people}户人家门口的水可能带电，求供电公司赶紧(断电|来人)",
    ), ("electric",), home=False),
)  # fmt: skip

OPENINGS = (
    "",
    "",
    "求救！",
    "紧急求助！",
    "救命！！",
    "十万火急！",
    "SOS ",
    "【求助】",
    "求扩散！",
    "急急急！！！",
    "有没有救援队看到，",
    "帮帮我们！",
)
WHERE = (
    "地址：{full}{house}。",
    "我在{full}{house}，",
    "位置是{middle}{house}，",
    "{middle}{house}，",
    "{near}{house}，",
    "这里是{full}{house}，",
)
CONTACTS = (
    "联系电话{tel}。",
    "联系人{name}，电话{tel}。",
    "电话：{tel}（{name}）。",
    "{name}{tel}。",
    "请打{tel}找{name}。",
    "联系{tel}{hour}点前手机还有电。",
    "电话不通的话加微信{account}，{name} {tel}。",
)
CLOSINGS = ("", "求救援队！", "求转发🙏", "请帮帮我们[泪]", "拜托大家扩散", "谢谢谢谢😭", "快来人啊", "在线等救援")
TAGS = ("#{city}暴雨互助#", "#{city}暴雨互助# #{province}暴雨互助#", "#{city}暴雨#", "#{city}洪水紧急求助#", "")
FORM = (
    "【{city}求助信息{3-980}】\n地点：",
    "{full}{house}",
    "\n人数：{people}人\n情况：",
    "\n联系人：{name} {tel}\n(未核实|已核实|{hour}时核实)，请转给附近救援队",
)
"""What volunteers write: heading, place, between, tail."""

# -- passing a call on -----------------------------------------------------------------------------------------------
COPIED = (
    "",
    "",
    "(帮转|帮忙扩散|扩|转) ",
    "【转】",
    "转自朋友圈：",
    "朋友发来的，",
    "(核实过了，请转|刚打过电话是真的)！",
)
FORWARDED = (
    "转发微博",
    "(扩散|帮转|求扩散)！",
    "(救救他们|快看看){hope}",
    "{fire_brigade} (请关注|快)！",
    "还有人在附近吗{hope}",
    "{hope}{hope}",
    "附近的救援队看一下",
)
STILL = ("", "截至{hour}点还没人到！", "还没有得到救援！", "再发一次，", "刚才那条没人看到，")

# -- what becomes of a call ------------------------------------------------------------------------------------------
CLOSED = (
    "{near}的{people}人已全部(获救|转移到安全的地方)，(谢谢大家|请停止转发)，电话不要再打了{hope}",
    "更新：{middle}那边(救援队到了|消防把人接出来了)，{people}个人都平安！之前的求助(可以删了|已解决)，感谢每一位转发的人{hope}",
)  # fmt: skip
PARTIAL = ("{middle}救出来(一半|一部分)人了，还有{people}人被困，水没退，请继续(扩散|关注){hope} 电话{tel}",)
UNCLEAR = ("有人知道{middle}那{people}个人救出来了吗，(电话打不通|原博没回复)，如已获救请告知，我好删帖{hope}",)


# -- everything else: (kind, sentiment, emotion, weight, templates) ---------------------------------------------------
ECHOES = (
    Echo("offer", "positive", "happy", 10, (
        "我在{city}{county}，有(一艘橡皮艇|两辆越野车|一辆货车)，可以(免费接人|帮忙转移)，需要的打{phone}，{tag}",
        "{county}{block}旁边的(宾馆|饭店)免费提供(住宿|热饭热水)，能住{20-120}人，联系{person} {phone} {tag}",
        "(开水|充电|卫生间)都有，{county}附近被雨困住的朋友可以来我们店里(休息|过夜)，不收钱，{road}{18-300}号",
        "民间救援队(已集结|还有余力)，皮划艇{2-8}艘、队员{8-40}名，可以支援{county}，队长{person}，{phone} {tag}",
    ), ("offer",), (), "volunteer"),
    Echo("thanks", "positive", "happy", 9, (
        "(谢谢|致敬)(救援队|消防员|解放军)，(一夜没合眼|泡在水里十几个小时)，(平安归来|辛苦了){hope}{tag}",
        "被(陌生人|邻居大哥)(拉了一把|背出来)，连名字都没留下，(好人一生平安|一辈子记得){hope}",
        "{county}的(志愿者|外卖小哥|环卫工)(真的了不起|送来热粥)，(这座城市有温度|眼泪止不住){hope}{tag}",
        "家里来电了，水也退了，(谢谢抢修的师傅|感谢所有人){hope}",
    )),
    Echo("wish", "neutral", "sad", 14, (
        "{city}(加油|挺住|平安)！{hope}{tag}", "(愿|希望){city}(平安|雨快停){hope}{hope}", "#{province}加油# (一定要平安|雨快停吧){hope}",
        "远在外地，(一夜没睡|一直刷新消息)，家里人(说没事|刚报平安)，希望大家都好{hope}",
    )),
    Echo("worry", "negative", "fear", 9, (
        "{city}这雨(太可怕了|像倒下来一样)，{road}(成了河|车都漂起来了)，(不敢出门|心一直揪着){grief}{tag}",
        "小区地下车库(全淹了|在进水)，(车没了|电梯停了)，{county}的朋友(小心|别下去){grief}",
        "停电了，外面(一片漆黑|只有雨声)，(害怕|睡不着){grief}{tag}",
        "地铁停运，走了{5-15}公里回家，水(到膝盖|过腰)，(后怕|鞋都冲走了){grief}",
    )),
    Echo("anger", "negative", "angry", 6, (
        "预警发了{3-5}个，(为什么不停课停工|领导还让打卡)，(谁负责|真的生气){anger}{tag}",
        "这种时候(酒店涨到{800-2880}一晚|矿泉水卖{10-30}块一瓶)，(发国难财|请严查)！{anger}{tag}",
        "{county}(排水|下水道)年年修年年淹，(钱花哪了|不能总说百年一遇){anger}",
    )),
    Echo("hazard", "negative", "fear", 5, (
        "提醒：{county}{road}(路面塌陷|桥面断了)，(车过不去|有车掉下去)，千万绕行{tag}",
    ), (), ("road_cut",)),
    Echo("hazard", "negative", "fear", 3, (
        "{county}{block}门口电线(掉水里了|断了)，水里带电，(不要靠近|别蹚水){tag}",
    ), (), ("electric",)),
    Echo("rumour", "negative", "fear", 4, (
        "听说{reservoir}(要决口|已经决堤)了，(真的假的|亲戚让快跑)，{county}的(赶紧撤|往高处走)！{tag}",
    ), (), ("dyke_breach",)),
    Echo("denial", "neutral", "neutral", 3, (
        "【辟谣】网传“{reservoir}决堤”不实。目前水库运行平稳，请勿(信谣传谣|转发未经核实的信息)。",
    ), (), (), "official"),
    Echo("news", "neutral", "neutral", 9, (
        "【{city}暴雨】截至{hour}时，{city}{county}过去24小时降雨量达{180-620}.{1-9}毫米，{river}水位超警戒{1-4}.{1-9}米。{url}",
        "{city}已启动防汛一级应急响应，转移群众{2-30}万人，{3-40}支队伍投入救援。记者{person}。{url}",
        "{city}气象台{hour}时发布暴雨红色预警：预计未来三小时{county}等地降雨将达100毫米以上。",
        "受强降雨影响，途经{city}的{12-180}趟列车停运，{city}机场取消航班{30-260}班。{url}",
    ), (), (), "media", "rss"),
    Echo("official", "neutral", "neutral", 6, (
        "【紧急提醒】{county}防汛指挥部：请{river}沿岸居民立即向高处转移，遇险拨打119、120或12345。{tag}",
        "{city}开放{30-200}处临时安置点，{county}体育馆、中学均可入住，请携带身份证件，咨询12345。",
        "【通告】{hour}时起{county}部分路段交通管制，请非必要不出行。{tag}",
    ), (), (), "official"),
    Echo("english", "negative", "fear", 3, (
        "Heavy flooding in {city_en} tonight, (cars floating everywhere|metro stopped), (stay safe|praying for everyone) 🙏", "My parents in {city_en} have (no power|no signal) since {1-9}am, (so worried|can't sleep)",
    ), platform="twitter"),
)  # fmt: skip

TOWNS = (
    "柳河镇",
    "青石镇",
    "东岗镇",
    "白杨镇",
    "石桥镇",
    "双塘镇",
    "桃园乡",
    "龙泉街道",
    "南关街道",
    "向阳街道",
    "清水镇",
    "古井乡",
)
VILLAGES = (
    "大槐树村",
    "小李庄",
    "后寨村",
    "前进村",
    "杨家湾村",
    "石门沟村",
    "河东村",
    "老君堂村",
    "上坡村",
    "赵家洼村",
    "枣林村",
    "三官庙村",
    "西沟村",
    "沙窝村",
)
ESTATES = (
    "锦绣花园",
    "和谐家园小区",
    "阳光新城",
    "丽水湾小区",
    "安居苑",
    "盛世豪庭",
    "滨河花园",
    "翠竹苑小区",
    "金地名都",
)
PUBLIC = ("第二中学", "实验小学", "敬老院", "妇幼保健院", "北站隧道口", "滨河路桥头", "国道桥上", "文化广场", "汽车站")
HOUSE_VILLAGE = ("{1-9}组", "{1-9}组{2-89}号", "村东头{2-60}号", "")
HOUSE_ESTATE = ("{1-28}号楼{1-4}单元{1-26}0{1-4}", "{1-28}栋{1-33}0{1-6}室", "{1-20}号楼", "")
CITY_EN = {"410100": "Zhengzhou", "430100": "Changsha"}
