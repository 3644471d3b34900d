"""How a value is printed: one value, many hands. A style is drawn once for a document, as one clerk fills it in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any

DIGITS = "零壹贰叁肆伍陆柒捌玖"
YEARS = "〇一二三四五六七八九"
MOST_BOXES = 5
"""With more choices than that the word is written: nobody prints six boxes in a cell."""
LONG = "9999-12-31"
"""An end of a period that says 长期."""


@dataclass(frozen=True)
class Wording:
    """What is printed for a field: labels it may bear, and what its value looks like."""

    kind: str
    labels: tuple[str, ...]
    choices: dict[Any, str] | None = None
    """Of kind choice: value -> word, in the order of the boxes."""
    unit: str = ""
    begin: str = ""
    """Of a date that is the end of a period: name of the value that holds its begin."""


@dataclass(frozen=True)
class Style:
    dates: str
    amounts: str
    choices: str
    units: bool
    ends: str = "-"

    @classmethod
    def draw(cls, rng: random.Random, *, dates: tuple[str, ...], choices: tuple[str, ...]) -> Style:
        return cls(
            rng.choice(dates), rng.choice(("plain", "commas", "both", "capitals")), rng.choice(choices),
            rng.random() < 0.8, rng.choice(("-", "至")),
        )  # fmt: skip


def write(wording: Wording, value: Any, style: Style, begin: Any = None, other: float | None = None) -> str:
    """The value as printed; None is an empty cell. ``other``: what an amount's capitals say, when it is another sum."""
    if value is None:
        return ""
    kind = wording.kind
    if kind == "date":
        end = "长期" if value == LONG else write_date(str(value), style.dates)
        return f"{write_date(str(begin), style.dates)}{style.ends}{end}" if begin else end
    if kind == "amount":
        return write_amount(float(value), style.amounts if other is None else "both", wording.unit, other)
    if kind == "percent":
        return f"{value:g}%"
    if kind in ("number", "area"):
        text = f"{value:.2f}" if kind == "area" and value % 1 else f"{value:.10g}"
        return text + (wording.unit if style.units else "")
    if kind == "choice" and wording.choices:
        return write_choice(wording.choices, value, style.choices)
    return str(value)


def write_date(iso: str, style: str) -> str:
    day = date.fromisoformat(iso)
    if style == "numerals":
        year = "".join(YEARS[int(c)] for c in str(day.year))
        return f"{year}年{counted(day.month)}月{counted(day.day)}日"
    if style == "padded":
        return f"{day.year}年{day.month:02}月{day.day:02}日"
    if style == "dots":
        return f"{day.year}.{day.month:02}.{day.day:02}"
    if style == "dashes":
        return iso
    if style == "slashes":
        return f"{day.year}/{day.month:02}/{day.day:02}"
    return f"{day.year}年{day.month}月{day.day}日"


def counted(number: int) -> str:
    """1..31 in Chinese numerals."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else YEARS[tens] + "十") + (YEARS[ones] if ones else "")


def write_amount(yuan: float, style: str, unit: str = "", other: float | None = None) -> str:
    if unit == "万元":
        return f"{yuan / 10000:.10g}"
    digits = f"{yuan:,.2f}" if yuan % 1 or style == "both" else f"{yuan:,.0f}"
    if style == "capitals":
        return f"人民币{capitals(yuan)}（{digits}元）"
    if style == "both":
        return f"{digits}元（大写：{capitals(yuan if other is None else other)}）"
    return (digits if style == "commas" else digits.replace(",", "")) + "元"


def capitals(yuan: float) -> str:
    """An amount up to 9999 亿 in Chinese capitals, as cheques demand it."""
    fen = round(yuan * 100)
    whole, rest = divmod(fen, 100)
    text = ""
    groups = [(whole // 10**8, "亿"), (whole // 10**4 % 10**4, "万"), (whole % 10**4, "")]
    for group, name in groups:
        if group:
            if text and (group < 1000 or text.endswith("零")):
                text = text.rstrip("零") + "零"
            text += thousands(group) + name
        elif text and not text.endswith("零") and name:
            text += "零"
    text = text.rstrip("零") + "元" if whole else ""
    jiao, cents = divmod(rest, 10)
    if not rest:
        return (text or "零元") + "整"
    if jiao:
        text += DIGITS[jiao] + "角"
    elif text:
        text += "零"
    return text + (DIGITS[cents] + "分" if cents else "")


def thousands(number: int) -> str:
    """1..9999."""
    text = ""
    for digit, name in zip(f"{number:04}", ("仟", "佰", "拾", ""), strict=True):
        if digit != "0":
            text += DIGITS[int(digit)] + name
        elif text and not text.endswith("零"):
            text += "零"
    return text.rstrip("零")


def write_choice(choices: dict[Any, str], value: Any, style: str) -> str:
    """A word alone, or a box before every word. ☑ and ☐ are drawn as boxes on pictures (few fonts have them)."""
    marks = {"filled": ("■", "□"), "ticked": ("√", "□"), "boxes": ("☑", "☐")}.get(style)
    if marks is None or len(choices) > MOST_BOXES:
        return choices[value]
    return "  ".join(marks[name != value] + word for name, word in choices.items())
