"""The shadow copy: a text as the patterns see it, and the way back to offsets of the original.

People disguise numbers, keyboards produce full-width digits, and phones put emoji and invisible characters anywhere.
Patterns stay readable because they see one spelling: ASCII digits and letters, one kind of dash, space and dot,
simplified characters where a pattern names one, U+FFFC for any emoji. Most folds are one character for one, so offsets
hold; invisible characters (zero-width, variation selectors, keycap marks, skin tones) are taken out and remembered.

Cost: one scan (about 1 microsecond per 100 characters) for a text with nothing to fold, which most are.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import NamedTuple

EMOJI = "\ufffc"
"""Stands for any pictograph in a shadow; patterns treat it as a separator."""

_SIMPLIFIED = str.maketrans(
    "電話機聯繫號滬遼魯蘇閩貴雲藏陝寧瓊粵贛晉點證護銀帳賬訂單樓層棟戶門組隊車牌執業稅臺國與萬億圓個歲時間箇編運遞賣買碼擊條發條訊郵騰薇釘"
    "灣來鄉開儲轉匯駕駛學領臨應營納識統會衛鵝園莊廈區檔軍師處號為貓",
    "电话机联系号沪辽鲁苏闽贵云藏陕宁琼粤赣晋点证护银账账订单楼层栋户门组队车牌执业税台国与万亿圆个岁时间个编运递卖买码击条发条讯邮腾薇钉"
    "湾来乡开储转汇驾驶学领临应营纳识统会卫鹅园庄厦区档军师处号为猫",
)
TRADITIONAL = "".join(map(chr, _SIMPLIFIED))
"""Traditional characters that fold, since a pattern names them in their simplified form."""
_DASHES = "‐‑‒–—―−﹣－➖⁃"
_SPACES = "\u3000\xa0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
_EMOJI_RANGES = ((0x1F000, 0x1F3FA), (0x1F400, 0x1FAFF), (0x2600, 0x27BF), (0x2B05, 0x2B55), (0x231A, 0x23FF))
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad\u180e\u20e3\u202a\u202b\u202c\u202d\u202e"
_KEPT_PUNCTUATION = frozenset("，！？；（）：～＂＇、")
"""Full-width punctuation so common in Chinese that folding it would send nearly every text down the slow way."""
_TRAILING = frozenset("\u20e3\ufe0f\u200d" + "".join(chr(c) for c in range(0x1F3FB, 0x1F400)))
"""Invisible characters that belong to the sign before them: a span that ends there takes them along."""

CHINESE_DIGITS = {
    **dict(zip("零〇○一二三四五六七八九", "000123456789", strict=True)),
    **dict(zip("壹贰叁肆伍陆柒捌玖幺", "1234567891", strict=True)),
    **dict(zip("貳參陸OolI", "2360011", strict=True)),
}
_LETTERS = frozenset("OolI")
_STOP = re.compile(r"([，。、\n])")
_NUMERALS = "".join(CHINESE_DIGITS)
_NUMERAL_RUN = re.compile(
    rf"[0-9{_NUMERALS}](?<![A-Za-z][OolI])(?:[\s\-.·~_,，。、|/*点杠{EMOJI}]{{0,2}}[0-9{_NUMERALS}]){{6,}}"
)
_FOLD_NUMERALS = str.maketrans(CHINESE_DIGITS)


def _folds() -> dict[int, str]:
    table: dict[int, str] = {}
    for code in range(0x80, sys.maxunicode + 1):
        char = chr(code)
        if (digit := unicodedata.digit(char, -1)) >= 0:
            table[code] = str(digit)
    for code in range(0xFF01, 0xFF5F):
        if chr(code) not in _KEPT_PUNCTUATION:
            table.setdefault(code, chr(code - 0xFEE0))
    for code in range(0x1D400, 0x1D6A4):  # mathematical letters, a common disguise for ids
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1 and plain.isascii():
            table[code] = plain
    table.update((0x24B6 + i, chr(ord("A" if i < 26 else "a") + i % 26)) for i in range(52))  # circled letters
    table[ord("ⓐ")] = "@"
    table[ord("🐧")] = "q"  # stands for QQ
    # a class of ASCII letters matches these, too, where case is ignored; what reads the match must not be surprised
    table.update({0x130: "I", 0x131: "i", 0x17F: "s", 0x212A: "K"})
    for low, high in _EMOJI_RANGES:
        for code in range(low, high + 1):
            table.setdefault(code, EMOJI)
    table.update((ord(c), "-") for c in _DASHES)
    table.update((ord(c), " ") for c in _SPACES)
    table.update((ord(c), ".") for c in "．․‧∙•・")
    table.update((code, chr(to)) for code, to in _SIMPLIFIED.items())
    return table


def _character_class(codes: list[int]) -> str:
    """A regular-expression class of code points, as ranges (a class of 4,000 single characters scans slowly)."""
    parts, i = [], 0
    codes = sorted(codes)
    while i < len(codes):
        j = i
        while j + 1 < len(codes) and codes[j + 1] == codes[j] + 1:
            j += 1
        parts.append(f"{re.escape(chr(codes[i]))}-{re.escape(chr(codes[j]))}")
        i = j + 1
    return f"[{''.join(parts)}]"


_REMOVED = [*map(ord, _INVISIBLE), *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)]
_FOLD = _folds()
_SPECIAL = re.compile(
    _character_class([*(code for code in [*_FOLD, *_REMOVED] if code < 0x10000)])[:-1] + "\U00010000-\U0010ffff]"
)
"""Anything that may fold. All rare planes at once: a class of one range there scans five times faster than the list."""
_GONE = re.compile(_character_class(_REMOVED))


class Shadow(NamedTuple):
    """What the patterns see. ``at`` maps its offsets to those of the original; None when they are the same."""

    original: str
    text: str
    at: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of ``text[start:end]`` (not empty), with marks that belong to its last sign."""
        if self.at is None:
            return start, end
        first, last = self.at[start], self.at[end - 1] + 1
        while last < len(self.original) and self.original[last] in _TRAILING:
            last += 1
        return first, last


def shadow_of(text: str) -> Shadow:
    """Return the shadow of ``text``."""
    if text.isascii() or not _SPECIAL.search(text):
        return Shadow(text, text)
    if not _GONE.search(text):
        return Shadow(text, text.translate(_FOLD))
    kept = [i for i, char in enumerate(text) if not _GONE.match(char)]
    return Shadow(text, "".join([text[i] for i in kept]).translate(_FOLD), tuple(kept))


def numeral_shadow(shadow: Shadow) -> Shadow | None:
    """Return a second shadow with Chinese numerals (and the letter O) as digits where seven or more digits run.

    None when there is no such run. It is searched besides the first: in "…0000一共" the numeral is not a digit.
    """
    if not _NUMERAL_RUN.search(shadow.text):
        return None
    folded = _NUMERAL_RUN.sub(lambda run: _fold_run(run[0]), shadow.text)
    return None if folded == shadow.text else Shadow(shadow.original, folded, shadow.at)


def _fold_run(run: str) -> str:
    """Fold a run of digits in any script, less the words of the sentence that look like a digit at its ends.

    In "我一壹叁捌…" and in "…三四一共" the plain 一 is no twelfth digit. Runs long enough for an identity number or a
    card are those whole. A letter is a digit only among digits: "lol" is none. What a stop parts is looked at by
    itself, unless nothing but single digits is left.
    """
    parts = _STOP.split(run)
    if len(parts) > 1 and max(map(len, parts)) > 7:
        return "".join(_fold_run(part) if len(part) > 1 else part.translate(_FOLD_NUMERALS) for part in parts)
    if _LETTERS.intersection(run) and sum(map(str.isdecimal, run)) < 3:
        return run
    start, end = 0, len(run)
    signs = [char for char in run if char.isalnum() and char not in "点杠"]
    if len(signs) < 2:
        return run.translate(_FOLD_NUMERALS)
    first, second = signs[:2]
    surplus = len(signs) - (12 if first in "0零〇○" else 11)
    if surplus > 3:
        surplus = 0
    if surplus > 0 and first in _PLAIN and (_script(first) != _script(second) or second in "一1"):
        start, surplus = 1, surplus - 1
    while surplus > 0 and run[end - 1] == "一":
        end, surplus = end - 1, surplus - 1
    return run[:start] + run[start:end].translate(_FOLD_NUMERALS) + run[end:]


_PLAIN = "一二三四五六七八九"


def _script(char: str) -> str:
    return "plain" if char in _PLAIN or char in "零〇○" else "other"
