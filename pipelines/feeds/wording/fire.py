"""A fire in a building. Slots as in `flood`."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.flood import ESTATES, HOUSE_ESTATE
from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(14, ("rescue",), 1, (
        "楼下起火了，浓烟已经(灌进楼道|从门缝往里冒)，{people}个人被困在{6-24}楼(下不去|不敢开门)",
        "(整层|楼道里)全是黑烟，{people}人困在(阳台|卫生间)，湿毛巾捂着，(快喘不上气了|嗓子已经呛哑了)",
        "着火了！火(就在隔壁|已经烧到门口)，{people}个人出不去，(电梯停了|楼梯间全是烟)",
    ), ("fire",)),
    Situation(6, ("rescue",), 1, (
        "家里有(瘫痪的老人|坐轮椅的父亲)，外面起火了下不了楼，一共{people}个人，(烟越来越大|已经闻到焦味)",
    ), ("fire",), ("elderly",)),
    Situation(4, ("rescue", "medical"), 1, (
        "厂房爆炸起火，{people}名工友还在里面，(有人烧伤|有人被砸伤)，需要(救护车|消防)",
    ), ("fire",), home=False),
    Situation(4, ("medical",), 2, (
        "从火里跑出来{people}个人，(两个孩子呛了烟一直咳|有人手臂烧伤)，救护车(还没到|堵在路口)，求送医",
    ), ("fire",), ("child",)),
    Situation(3, ("rescue",), 1, (
        "厨房煤气泄漏着了，{people}个人(躲在里屋|退到阳台)，门口过不去，(闻着还在漏气|怕再炸)",
    ), ("fire", "gas")),
    Situation(4, ("shelter",), 2, (
        "火灭了但房子烧光了，一家{people}口只穿着睡衣，(没地方住|站在楼下)，求(临时落脚的地方|安置)",
    )),
    Situation(3, ("missing_person",), 1, (
        "寻人！{missing}，{19-78}岁，住{6-20}楼，起火后(电话打不通|没看到下来)，{people}个亲戚都在找",
    ), ("fire",), home=False),
)  # fmt: skip
TAGS = ("#{city}火灾#", "#{city}{county}火灾#", "#{city}一小区起火#", "")
OPENINGS = ("", "", "救命！！", "着火了！", "求救！", "119打不进去，", "急急急！！！", "【求助】")
STILL = ("", "云梯还没到！", "还没人上来！", "烟更大了，", "再发一次，")
CLOSED = (
    "{near}的{people}个人(都下来了|已被消防员救出)，(谢谢大家|不要再转了){hope}",
    "更新：{middle}明火已扑灭，{people}人全部(平安|疏散出来)，之前的求助(可以删了|已解决){hope}",
)
PARTIAL = ("{middle}救下来一部分人，楼上还有{people}人没下来，请继续(扩散|关注){hope} 电话{tel}",)
UNCLEAR = ("有人知道{middle}那{people}个人下来了吗，(电话打不通|没有消息)，如已获救请告知{hope}",)
HOMES = ((ESTATES, HOUSE_ESTATE),)
PUBLIC = ((("红星建材市场", "东方服装城", "纺织厂宿舍", "老棉纺厂", "星辉商厦", "汽配城", "批发市场二期"), ("",)),)
CLOSINGS = ("", "求消防！", "求转发🙏", "快来人啊", "打119占线", "在线等救援")
ECHOES = (
    Echo("worry", "negative", "fear", 10, (
        "{county}{block}(着火了|冒黑烟)，(几公里外都看得见|消防车来了{3-12}辆){grief}{tag}",
        "{city}这火(太吓人了|烧了{2-6}个小时)，(窗户都映红了|下楼时腿都软了){grief}{tag}",
        "(刚刚|半夜)听到(一声巨响|玻璃炸开的声音)，{county}{road}那边(起火了|全是烟){grief}",
    ), hazards=("fire",)),
    Echo("wish", "neutral", "sad", 12, ("(希望|愿)(人都没事|消防员平安){hope}{tag}", "{city}(平安|挺住)！{hope}", "(逆行的人|消防员)(一定要平安|注意安全){hope}{tag}")),
    Echo("anger", "negative", "angry", 7, (
        "消防通道(被私家车堵死|堆满杂物)，(物业|谁)负责！{anger}{tag}", "楼道里(电动车充电|飞线充电)说了{3-20}次没人管，{anger}(这下着了|出事了才知道)",
        "{block}的消火栓(没水|是坏的)，(物业费白交|细思极恐){anger}{tag}",
    )),
    Echo("thanks", "positive", "happy", 6, ("(致敬|谢谢)消防员，(脸都熏黑了|背着老人下了{9-22}层){hope}{tag}", "{county}的邻居(挨家敲门|把孩子抱下楼)，(感动|一辈子记得){hope}")),
    Echo("offer", "positive", "happy", 5, ("我在{county}{block}旁边，(空着一间房|宾馆有房)，受灾的邻居可以(免费住|过来休息)，{person} {phone}{tag}",), ("offer",), (), "volunteer"),
    Echo("news", "neutral", "neutral", 8, (
        "{city}{county}一居民楼起火，{6-40}辆消防车到场，疏散{40-400}人，起火原因正在调查。{url}",
        "截至{hour}时，{city}{county}火灾明火已被扑灭，伤者已送医。记者{person}。{url}",
    ), (), (), "media", "rss"),
    Echo("official", "neutral", "neutral", 5, ("【警情】{county}消防：请{county}火场周边居民关好门窗，让出消防通道，遇险拨打119。{tag}", "【通告】因灭火救援，{county}部分路段交通管制，请绕行。"), (), (), "official"),
    Echo("rumour", "negative", "fear", 3, ("听说{county}那边(死了好多人|油库要炸)，(真的假的|快跑)！{tag}",), (), ("fire",)),
    Echo("denial", "neutral", "neutral", 2, ("【辟谣】网传“火场伤亡数百人”不实，请以消防部门通报为准。",), (), (), "official"),
    Echo("english", "negative", "fear", 2, ("Huge fire in {city_en} right now, (smoke everywhere|so many fire trucks), stay safe 🙏",), platform="twitter"),
)  # fmt: skip
