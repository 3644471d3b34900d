"""Identifiers of the internet: e-mail addresses, IP addresses, links. ASCII on purpose: Han characters end them."""

from __future__ import annotations

import ipaddress
import re

from udfs.pii.recogniser import IdentifierRecogniser

_TLD = (
    r"(?:com|cn|net|org|gov|edu|info|io|me|cc|co|tv|top|xyz|vip|club|site|shop|app|dev|hk|tw|mo|jp|kr|uk|us|de|fr|ru|"
    r"ly|gl|im|la|be|eu|asia|mobi|biz|wang|ltd|group|live|link|online|pro|fm|ai|in|au|ca|sg)"
)


_LOCAL = r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_][A-Za-z0-9._\-]"
_PROVIDER = r"(?:qq|163|126|gmail|sina|foxmail|hotmail|outlook|139|yeah|sohu|yahoo|icloud|live|aliyun)"
_AT = rf"(?:@|#|[(（\[{{【<] ?(?:at|@|[艾爱]特) ?[)）\]}}】>]|[艾爱]特|圈a|_at_| at |at(?={_PROVIDER}(?:点| ?dot)))"
_DOT = r"(?: ?\. ?|点|[(（\[ ]?dot[)）\] ]?)"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_V4_START = r"(?:(?<![0-9A-Za-z.])|(?<=ip)|(?<=v4))(?<!\d[-/])"
_V4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}(?![0-9A-Za-z])(?!\.\d)"
_V6_START = r"(?:(?<![0-9A-Za-z:.])|(?<=ip)|(?<=v6)|(?<=ip[:：])|(?<=v6[:：]))"
_HEX = r"[0-9A-Fa-f]{1,4}"
_V6_SHORT = rf"{_HEX}(?::{_HEX}){{0,6}}::{_HEX}(?::{_HEX}){{0,6}}(?![0-9A-Za-z:])"
_HOST = r"(?<![A-Za-z0-9.@\-_])(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,4}"
_PATH = r"/[A-Za-z0-9\-._~:/?#@!$&*+=%]{0,1000}"
_END = r"(?<![.,;:!?'()\[\]])"


class EmailRecogniser(IdentifierRecogniser):
    """EMAIL_ADDRESS, with the usual ways of hiding the @ and the dot."""

    ENTITY = "EMAIL_ADDRESS"
    AHEAD = r"[A-Za-z0-9_%+]"
    GATES = (
        r"[@艾爱圈#aA](?:(?<=@)|(?<=[艾爱])特|(?<=圈)[aA]|(?<=#)[1A-Za-z]|"
        rf"(?<=[aA])[tT](?:(?<![A-Za-z][aA][tT])(?![A-Za-z])|(?=(?i:{_PROVIDER}))))",
        rf"(?i)[A-Za-z0-9_.%+\-] ?(?:@|#{_PROVIDER}|[(（\[{{【<] ?[a@艾爱]|[艾爱]特|圈a|"
        rf"_?at_?{_PROVIDER}| at {_PROVIDER})",
    )
    PATTERNS = (
        (
            "plain",
            r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_%+][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9\-]{1,63}\.){1,4}[A-Za-z]{2,18}"
            r"(?![A-Za-z0-9\-@])",
            0.9,
        ),
        (
            "spaced",
            rf"{_LOCAL}{{1,40}} ?@ ?(?:[A-Za-z0-9\-]{{1,30}} ?\. ?){{1,2}}{_TLD}(?![A-Za-z0-9])",
            0.6,
        ),
        (
            "disguised",
            rf"{_LOCAL}{{2,40}} ?{_AT} ?{_PROVIDER}{_DOT}(?:com|cn|net)(?![A-Za-z0-9])",
            0.7,
        ),
        ("without its end", rf"{_LOCAL}{{2,40}}@{_PROVIDER}(?![A-Za-z0-9.])", 0.6),
    )


class IpAddressRecogniser(IdentifierRecogniser):
    """IP_ADDRESS, versions 4 and 6. Short ones need a word: they are versions and times."""

    ENTITY = "IP_ADDRESS"
    AHEAD = r"[0-9A-F]"
    GATES = (
        r"\d",
        r"[.:iI](?:(?<=[.:])[0-9A-Fa-f]|(?<=[iI])[pP])",
        r"(?i)\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-F]?:[0-9A-F]{0,4}:|ip[^\n]{0,9}\d ?[.点] ?\d",
    )
    CONTEXT = ("ip", "地址", "服务器", "dns", "登录", "网关", "host", "ping")
    AGAINST = ("版本", "version", "ios", "android", "固件", "章", "节", "ver", "升级")
    PATTERNS = (
        ("v4", rf"{_V4_START}(?=(?:\.?\d){{7}}){_V4}", 0.6),
        ("v4, short", rf"{_V4_START}{_V4}", 0.15),
        (
            "v4, disguised",
            rf"ip(?:v4)?(?:地址)?[:：是为 ]{{0,3}}(?P<span>{_OCTET}(?:(?: ?\. ?|点){_OCTET}){{3}})(?![0-9A-Za-z.])",
            0.6,
        ),
        ("v6", rf"{_V6_START}(?:{_HEX}:){{7}}{_HEX}(?![0-9A-Za-z:])", 0.6),
        (
            "v6, shortened",
            rf"{_V6_START}(?=[0-9A-F:]{{8}})(?=(?:[0-9A-F]{{0,4}}:){{3}}){_V6_SHORT}",
            0.45,
        ),
        ("v6, short", rf"{_V6_START}{_V6_SHORT}", 0.15),
        ("v4 in v6", rf"(?:(?<![0-9A-Za-z:.])|(?<=ip)|(?<=ip[:：]))::(?:ffff:){{0,1}}{_V4}", 0.6),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for what is no address, and for short ones that everyday text is full of."""
        try:
            address = ipaddress.ip_address(re.sub(r" ?\. ?|点", ".", pattern_text))
        except ValueError:
            return False
        if address.version == 4:
            return False if all(len(part) == 1 for part in pattern_text.split(".")) else None
        return None if any(map(str.isdigit, pattern_text)) else False


class UrlRecogniser(IdentifierRecogniser):
    """URL: links as they are posted, next to Han characters, without their last punctuation."""

    ENTITY = "URL"
    AHEAD = r"[A-Za-z0-9]"
    GATES = (
        r"[:：.点](?:(?<=点)[cnoCNO]|(?<!点)[/A-Za-z ])",
        rf"(?i)[:：] ?//|www\.|[a-z0-9](?:\.{_TLD}|点(?:com|cn|net|org))(?![a-z0-9])",
    )
    PATTERNS = (
        (
            "with a scheme",
            r"(?:https?|hxxps?|ftp) ?[:：] ?//[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{2,2000}" + _END,
            0.95,
        ),
        ("www", rf"(?<![A-Za-z0-9.])www\.[A-Za-z0-9\-.]{{2,200}}(?:{_PATH})?{_END}", 0.9),
        ("bare domain", rf"{_HOST}{_TLD}(?![A-Za-z0-9\-.@])(?:{_PATH})?{_END}", 0.6),
        (
            "disguised domain",
            rf"(?<![A-Za-z0-9.@\-_])[A-Za-z0-9\-]{{2,40}}点(?:com|cn|net|org)(?![A-Za-z0-9])(?:{_PATH})?",
            0.5,
        ),
        ("bare domain before a stop", rf"{_HOST}(?:com|cn|net|org)(?=\.(?![A-Za-z0-9]))", 0.6),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for a number that only looks like a domain ("3.in")."""
        name, _, rest = pattern_text.lower().partition(".")
        plain = "/" not in pattern_text and "." not in rest
        return False if plain and name.isdigit() and rest not in ("com", "cn", "net", "org") else None
