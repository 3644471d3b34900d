"""Handles on platforms: messenger ids behind their usual disguises, and @mentions. The @ itself is not masked."""

from __future__ import annotations

from udfs.pii.recogniser import FIVE_SIGNS, IdentifierRecogniser

_JOIN = (
    r"(?:号码?|账号|帐号|id|是|为|搜索?|加|同号|我|群号?|联系|微信|手机|电话|qq|vx|"
    r"[\ufffc\s:：=＝（(【\[\"“'>,，、.\-/♥])"
)
_W = "[微薇威徽嶶溦巍]"
_MIXED_ID = r"[A-Za-z][A-Za-z\-]{0,18}[0-9_][A-Za-z0-9_\-]{2}"
"""How an id begins that is no word: needed where the announcement is a single letter or run into the id."""
_WECHAT = (
    r"(?=[微薇威徽嶶溦巍卫绿vw加+私\ufffc])(?:"
    rf"{_W}[ .·\-\ufffc]?(?:信|芯|心|\ufffc|x(?:in)?(?![A-Za-z])|xin(?={_MIXED_ID}))|{_W}(?=我?[:：])|"
    r"[卫v]\ufffc|卫星|绿泡泡|"
    rf"(?<![A-Za-z_@#])(?:vx|wx(?!id)|[vw]信|weixin|wechat|we chat|wei信)|"
    rf"(?<![A-Za-z_@#])v[ .·\-]x(?={_JOIN}|{_MIXED_ID})|"
    rf"(?:[加+私]|\ufffc) ?v(?:(?![A-Za-z]{{4}})|(?={_MIXED_ID}))|(?<![A-Za-z])v(?=[:：])|[加+\ufffc] ?{_W})"
)
_QQ = (
    r"(?=[q扣抠蔻叩球秋企腾加群])"
    r"(?:(?<![A-Za-z])q ?q|(?<![A-Za-z])q(?=[:：群号]|[1-9]\d{5,10}(?!\d))|"
    r"扣扣|抠抠|蔻蔻|叩叩|加q|(?<=[加联系我])球球|[扣秋]秋|企鹅号?|腾讯号|加扣|"
    r"扣(?=[:：]? ?[1-9]\d{5,10}(?![\d.]))|群号)"
)
_OTHER = (
    r"(?=[抖快小陌知b哔豆钉支tiwlsfdk闲推淘飞探脉贴])"
    r"(?:(?:抖音|快手|小红书|陌陌|知乎|b站|哔哩哔哩|豆瓣|钉钉|支付宝|闲鱼|推特|淘宝|飞书|探探|脉脉|贴吧)(?:号码?|账号|u?id)?|"
    r"(?<![A-Za-z_@#])(?:telegram|tg|ins|line|whatsapp|skype|instagram|twitter|facebook|douyin|dy|tiktok|ks|soul|snapchat|"
    r"kakao|discord)(?:号|账号| ?id(?![A-Za-z]))?)"
)
_CJK = r"\u4e00-\u9fff\u3400-\u4dbf\u3040-\u30ff\uac00-\ud7af"
_OTHER_ID = (
    r"(?:(?=[A-Za-z_.\-]{0,29}[0-9_])[A-Za-z0-9_.\-]{5,30}|[A-Za-z]{6}[A-Za-z.\-]{0,24}(?! [A-Za-z]))"
    r"(?<![.\-])(?![A-Za-z0-9])"
)
_WECHAT_ID = r"[A-Za-z][A-Za-z0-9_\-]{5,19}(?<!-)(?![A-Za-z0-9_])"


class ImIdRecogniser(IdentifierRecogniser):
    """IM_ID: WeChat, QQ, Douyin and kin. The id is masked, the word that announces it stands."""

    ENTITY = "IM_ID"
    GATES = (FIVE_SIGNS, rf"(?i){_WECHAT}|{_QQ}|{_OTHER}")
    PATTERNS = (
        ("WeChat", rf"{_WECHAT}{_JOIN}{{0,6}}?(?P<span>{_WECHAT_ID})", 0.8),
        ("WeChat, digits", rf"{_WECHAT}{_JOIN}{{0,6}}?(?P<span>\d{{6,12}}(?![0-9A-Za-z]))", 0.6),
        ("QQ", rf"{_QQ}{_JOIN}{{0,6}}?(?P<span>[1-9]\d{{4,13}})(?!\d)(?![元块万人年月日分])", 0.8),
        ("QQ, grouped", rf"{_QQ}{_JOIN}{{0,6}}?(?P<span>[1-9]\d{{2,4}}(?:[ \-]\d{{2,4}}){{1,3}})(?!\d)", 0.7),
        ("other platforms", rf"{_OTHER}(?: {{0,2}}[:：=] {{0,2}}@?|(?<=[号d])[是为 ]?)(?P<span>{_OTHER_ID})", 0.6),
        ("other, digits", rf"{_OTHER}(?<=[号码d])[\s:：=是为]{{0,3}}(?P<span>\d{{5,12}})(?![0-9A-Za-z])", 0.6),
    )  # fmt: skip
    AGAINST = ("公众号", "订阅号", "服务号", "小程序", "视频号")
    WINDOW = (12, 0)

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for words of the interface that follow a platform's name."""
        return False if pattern_text.lower() in _WORDS else None


_WORDS = frozenset(
    {"weixin", "wechat", "weibo", "iphone", "android", "windows", "official", "shared", "online", "offline", "update"}
    | {"version", "service", "public", "account", "moment", "moments", "please", "thanks", "contact", "friend"}
    | {"friends", "message", "mobile", "number"}
)


class WeiboNameRecogniser(IdentifierRecogniser):
    """IM_ID for a Weibo name that is announced; it may be Han."""

    ENTITY = "IM_ID"
    GATES = (r"[微围](?:(?<=微)博(?:名|号|[iI][dD]|昵称|账号)|(?<=围)脖[名号])",)
    HAN_ONLY = True
    PATTERNS = (("Weibo", r"(?:微博|围脖)(?:名|号|id|昵称|账号)[\s:：=是为@]{1,3}(?P<span>[\w\-]{2,20})", 0.6),)


class UsernameRecogniser(IdentifierRecogniser):
    """USERNAME: the name after an @. It ends at a space or punctuation, or at the 30 bytes Weibo allows a name."""

    ENTITY = "USERNAME"
    GATES = ("@",)
    PATTERNS = (
        (
            "mention",
            rf"@(?P<span>(?<![A-Za-z0-9._%+\-]@)[A-Za-z0-9_\-.·{_CJK}]{{1,30}}|"
            rf"(?<=[A-Za-z0-9._%+\-]@)[{_CJK}][A-Za-z0-9_\-·{_CJK}]{{0,29}})",
            0.7,
        ),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for a price or a count after an @ ("@5")."""
        return None if len(pattern_text) > 4 or any(map(str.isalpha, pattern_text)) else False
