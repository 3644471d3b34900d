"""Identifiers written so that a simple pattern misses them: Han digits, full-width ones, dots and blanks between them,
another name for WeChat. A person reads them all the same."""

from __future__ import annotations

import re

from pipelines.feeds.grammar import END, HIDDEN, OPEN, Dice

_SPOKEN = str.maketrans("0123456789", "〇幺二三四五六七八九")
_WRITTEN = str.maketrans("0123456789", "零一二三四五六七八九")
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_CAPITAL = str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")
_SOME = str.maketrans("018", "〇幺八")
_TARGETS = re.compile(f"[{OPEN['CN_MOBILE']}{OPEN['IM_ID']}]([^{END}]*)")
_WECHAT = ("vx", "VX", "薇", "卫星", "v信", "威信", "V")


def disguised(text: str, dice: Dice) -> str:
    """The marked text with its mobile numbers and chat accounts disguised; the same where there are none."""
    if not (OPEN["CN_MOBILE"] in text or OPEN["IM_ID"] in text):
        return text
    text = _TARGETS.sub(lambda found: _hidden(found, dice), text)
    return text.replace("微信", dice.pick(_WECHAT))


def _hidden(found: re.Match[str], dice: Dice) -> str:
    value = found.group(1)
    if found.group()[0] == OPEN["IM_ID"]:
        return HIDDEN["IM_ID"] + (value.translate(_WIDE) if dice.below(2) else dice.pick("._ ").join(value))
    digits = re.sub("[^0-9]", "", value)[-11:]
    parts = digits[:3], digits[3:7], digits[7:]
    form = dice.below(8)
    if form == 0:
        written = digits.translate(_SPOKEN)
    elif form == 1:
        written = digits.translate(_WIDE)
    elif form == 2:
        written = dice.pick((" ", ".", "-", "·", "_")).join(digits)
    elif form == 3:
        written = "-".join(parts).translate(_SOME)
    elif form == 4:
        written = f"{parts[0][:2]}{parts[0][2:].translate(_WRITTEN)}-{parts[1]}-{parts[2]}"
    elif form == 5:
        written = parts[0].translate(_CAPITAL) + parts[1] + parts[2].translate(_WRITTEN)
    elif form == 6:
        written = dice.pick(("。", "  ", "/", "~")).join(parts)
    else:
        written = f"{parts[0]}{dice.pick(('☎', '📱', '✆'))}{parts[1]}{parts[2].translate(_SPOKEN)}"
    return HIDDEN["CN_MOBILE"] + written
