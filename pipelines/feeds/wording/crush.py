"""A crowd crush at a stadium. Slots as in `flood`."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

from pipelines.feeds.wording.kind import Echo, Situation

SITUATIONS = (
    Situation(14, ("rescue",), 1, (
        "{3-9}号口(全堵死了|还在往里挤)，{people}个人被压在(栏杆边|台阶上)，(喘不上气|已经有人倒了)，求放人出去",
        "散场通道踩踏了！{people}个人(摔在一起|被压在下面)，(后面的人还在推|拉不出来)",
    ), home=False),
    Situation(8, ("medical", "rescue"), 1, (
        "有人(没有呼吸|叫不醒)了，{people}个人(受伤躺在看台下|被踩伤)，(没有担架|救护车进不来)，有没有医生",
    ), home=False),
    Situation(6, ("medical",), 1, (
        "{people}个人被挤伤，(有人胸口疼喘不上气|孩子脸都紫了)，急救点(找不到|没人)，求医生",
    ), (), ("child",), home=False),
    Situation(6, ("missing_person",), 1, (
        "寻人！踩踏时走散了，{missing}，{6-60}岁，(穿红色球衣|戴蓝色围巾)，电话(没人接|关机)，{people}个人在找",
    ), home=False),
    Situation(4, ("transport",), 2, (
        "{people}个人滞留在场外，(地铁停了|封路打不到车)，(有老人孩子|冻得发抖)，求(大巴|疏散)",
    ), home=False),
    Situation(3, ("other_help",), 3, (
        "门口缺人手疏导，{people}个志愿者(拦不住|喊哑了)，请(公安|更多人)过来帮忙",
    ), home=False),
)  # fmt: skip
TAGS = ("#{city}体育场踩踏#", "#{city}球赛#", "#{city}散场踩踏#", "")
OPENINGS = ("", "救命！！", "别再往里挤了！", "求救！", "出事了！", "急急急！！！", "【求助】")
STILL = ("", "门还没开！", "还在挤！", "救护车还没到！", "再发一次，")
CLOSED = (
    "{near}的{people}个人(都出来了|已送医)，(谢谢大家|不要再转了){hope}",
    "更新：{middle}人群已疏散，{people}个人平安，之前的求助(可以删了|已解决){hope}",
)
PARTIAL = ("{middle}出来一部分了，里面还有{people}人(出不来|没消息)，请继续关注{hope} 电话{tel}",)
UNCLEAR = ("{middle}那{people}个人出来了吗，(没信号|电话打不通){hope}",)
HOMES = ((("体育中心东看台", "奥体中心南门", "省体育场", "体育场地铁站"), ("",)),)
PUBLIC = HOMES
CLOSINGS = ("", "快开门！", "求转发🙏", "快来人啊", "求求了", "请场馆广播")
ECHOES = (
    Echo("worry", "negative", "fear", 12, ("{city}球场(出事了|乱了)，(亲眼看见有人倒下|哭声一片){grief}{tag}", "刚从{county}体育场(挤出来|跑出来)，(鞋都没了|腿还在抖){grief}{tag}", "我弟在现场，(电话打不通|急死了){grief}{tag}")),
    Echo("anger", "negative", "angry", 10, ("几万人就开{2-4}个出口，(主办方|安保)(吃干饭的|在哪里)！{anger}{tag}", "超售{2000-9000}张票，(钱比命重要|谁负责){anger}{tag}")),
    Echo("wish", "neutral", "sad", 9, ("(希望都平安|愿受伤的人没事){hope}{tag}", "{city}(平安|一定要没事){hope}")),
    Echo("thanks", "positive", "happy", 4, ("旁边大哥(把我托起来|护着我孩子)，(救命恩人|谢谢你){hope}{tag}",)),
    Echo("offer", "positive", "happy", 4, ("我在{county}体育场附近，(有车|开店)，受伤的、走散的可以来(休息|充电)，{person} {phone}{tag}",), ("offer",), (), "volunteer"),
    Echo("news", "neutral", "neutral", 8, ("{city}一场球赛散场时发生拥挤，{10-90}人送医，现场秩序已恢复。{url}", "{city}成立调查组，调查{county}体育场拥挤事件。记者{person}。{url}"), (), (), "media", "rss"),
    Echo("official", "neutral", "neutral", 5, ("【提示】{county}公安：体育场周边人员密集，请听从指挥、有序离场，急救拨打120。{tag}",), (), (), "official"),
    Echo("rumour", "negative", "fear", 3, ("听说{county}体育场(死了几十个|看台塌了)，(视频都被删了|真的假的)！{tag}",)),
    Echo("denial", "neutral", "neutral", 2, ("【辟谣】网传“看台坍塌”不实，伤者正在救治，请以通报为准。",), (), (), "official"),
    Echo("english", "negative", "fear", 2, ("People getting crushed at the stadium in {city_en}, (open the gates|please help) 🙏",), platform="twitter"),
)  # fmt: skip
