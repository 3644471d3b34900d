"""Choices: ☑行车道 □人行道, [√]是 [ ]否, 行车道（√）; or the word alone."""

from __future__ import annotations

import re
from typing import Any

from udfs.extraction.kinds.value import Hints, Value

_ON = "☑√✓✔☒■●◉⊠✅VvXx×✗✘"
_OFF = "□☐○◯▢◻"
_OCR_OFF = "口囗ロ凵Ｏ0OoD"
_OCR_ON = "区回图凶因国田日囚圆团网区"
_LEFT = re.compile(rf"(?:[(\[]([{_ON}]?)[)\]]|([{_ON}{_OFF}{_OCR_OFF}{_OCR_ON}]))$")
_RIGHT = re.compile(rf"^(?:[(\[]([{_ON}]?)[)\]]|([{_ON}{_OFF}]))")


def read(text: str, hints: Hints) -> Value | None:
    """The choice that is ticked; without any box the one word that stands there. None when two are or none is."""
    words = _words(text, hints)
    if not words:
        return None
    behind = _stands_behind(text, words)
    marks = [_mark(text, words, at, behind, hints.ocr) for at in range(len(words))]
    ticked = {words[at][2] for at, (on, _) in enumerate(marks) if on is True}
    if len(ticked) == 1:
        at = next(at for at, (on, _) in enumerate(marks) if on is True)
        boxes = sum(on is not None for on, _ in marks)
        return _value(words[at], marks[at][1], checked=boxes > 1)
    if ticked:
        return None
    empty = {words[at][2] for at, (on, _) in enumerate(marks) if on is False}
    rest = [at for at, (on, _) in enumerate(marks) if on is None]
    left = {words[at][2] for at in rest} - empty
    if len(left) != 1:
        return None
    at = next(at for at in rest if words[at][2] in left)
    # its box was not seen, but those of the others are empty: likely a tick that OCR lost
    return _value(words[at], 2 if empty else 0, checked=False)


def _words(text: str, hints: Hints) -> list[tuple[int, int, Any]]:
    """(start, end, value) of every choice's word in the text; the longest where several begin inside each other."""
    found: list[tuple[int, int, Any]] = []
    for value, names in hints.choices.items():
        for name in names:
            at = text.find(name)
            while name and at >= 0:
                found.append((at, at + len(name), value))
                at = text.find(name, at + 1)
    found.sort(key=lambda word: (word[0] - word[1], word[0]))
    kept: list[tuple[int, int, Any]] = []
    for word in found:
        if not any(word[0] < other[1] and other[0] < word[1] for other in kept):
            kept.append(word)
    return sorted(kept, key=lambda word: word[:2])


def _stands_behind(text: str, words: list[tuple[int, int, Any]]) -> bool:
    """Whether boxes stand behind their words: 行车道(√) 人行道( ); none before the first, one behind the last."""
    return _LEFT.search(text[: words[0][0]]) is None and _RIGHT.match(text[words[-1][1] :]) is not None


def _mark(text: str, words: list[tuple[int, int, Any]], at: int, behind: bool, ocr: bool) -> tuple[bool | None, int]:
    """-> (ticked, empty box or no box; how many look-alikes were taken)."""
    start, end, _ = words[at]
    if behind:
        found = _RIGHT.match(text[end:])
        return (None, 0) if found is None else (_ticked(found), 0)
    before = text[words[at - 1][1] if at else 0 : start]
    found = _LEFT.search(before)
    if found is None:
        return None, 0
    sign = found[2]
    if sign is None or sign in _ON or sign in _OFF:
        return _ticked(found), 0
    # 口 and 区 are boxes only where nothing but a sign stands before them
    if ocr and (len(before) == 1 or before[-2] in ",、;/. "):
        return sign in _OCR_ON, 1
    return None, 0


def _ticked(match: re.Match[str]) -> bool:
    sign = match[1] if match[2] is None else match[2]
    return sign != "" and sign in _ON


def _value(word: tuple[int, int, Any], repaired: int, checked: bool) -> Value:
    return Value(word[2], word[0], word[1], repaired=repaired, checked=checked)
