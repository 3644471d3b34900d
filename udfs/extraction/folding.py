"""Folding: one form for full and half width, letter-spaced words and the many signs for a box, with the way back.

``申 请 人 ：`` and ``申请人:`` fold to the same. Kinds and labels see folded text only; boxes are found by ``origin``.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

_KEPT = {"㎡": "㎡", "²": "²", "³": "³", "㎥": "㎥", "…": "…", "℃": "℃", "½": "½"}
_DROPPED = frozenset("\u200b\u200c\u200d\ufeff\u2060\u00ad_＿﹍")
_SAME = str.maketrans(
    {
        "〔": "(", "［": "[", "〕": ")", "］": "]", "【": "(", "】": ")", "﹕": ":", "∶": ":", "︰": ":", "꞉": ":",
        "—": "-", "–": "-", "‐": "-", "‑": "-", "−": "-", "﹣": "-", "・": "·", "•": "·", "‧": "·", "∙": "·",
        "￥": "¥", "圆": "圆", "⼈": "人", "“": '"', "”": '"',
    }
)  # fmt: skip
_TO_WIDE = str.maketrans({",": "，", ":": "：", ";": "；", "(": "（", ")": "）", "!": "！", "?": "？"})


@functools.lru_cache(4096)
def _fold_char(char: str) -> str:
    if char.isspace() or char in _DROPPED:
        return ""
    if char in _KEPT:
        return char
    normal = unicodedata.normalize("NFKC", char)
    return normal.translate(_SAME) if len(normal) == 1 else char


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` without spaces, in half width; character i of it was ``origin[i]`` of the text before."""

    text: str
    origin: tuple[int, ...]


def fold(text: str) -> Folded:
    """Fold with the way back. Cost: about 0.3 microseconds a character."""
    if text.isascii() and text.isalnum():
        return Folded(text, tuple(range(len(text))))
    chars: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(text):
        folded = _fold_char(char)
        if folded:
            chars.append(folded)
            origin.append(at)
    return Folded("".join(chars), tuple(origin))


def folded(text: str) -> str:
    """The folded text alone."""
    return "".join(map(_fold_char, text))


def written(text: str) -> str:
    """Folded text as it is written in Chinese: punctuation in full width, except between Latin letters and digits."""
    if not any(char in ",:;()!?" for char in text):
        return text
    out: list[str] = []
    for at, char in enumerate(text):
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        latin = (before.isascii() and before.isalnum()) and (after.isascii() and after.isalnum())
        out.append(char if latin else char.translate(_TO_WIDE))
    return "".join(out)
