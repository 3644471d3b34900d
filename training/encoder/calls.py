"""A grammar of calls for help and offers, written for this project: there is no Chinese help-request set to train on.

`{slot}` is replaced from calls.yaml, recursively, by a seeded draw. Needs come from the pieces of which a post is put
together, so a post with two asks carries both. Wordings follow how people ask: forms with fields, one breathless line,
polite circumlocution, asking for somebody else, a bare description of the situation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

SLOTS: dict[str, Sequence[str]] = yaml.safe_load((Path(__file__).parent / "calls.yaml").read_text(encoding="utf-8"))
ASKED = ("rescue", "medical", "supplies", "shelter", "transport", "missing_person", "other_help")
_SLOT_OF = {"missing_person": "missing", "other_help": "other"}
_HOLE = re.compile(r"\{(\w+)\}")


def expand(template: str, draw: random.Random, slots: dict[str, Sequence[str]] = SLOTS) -> str:
    """Fill every hole of ``template``, innermost last."""
    while "{" in template:
        template = _HOLE.sub(lambda hole: draw.choice(slots[hole[1]]), template)
    return template


def _chinese_call(draw: random.Random) -> tuple[str, set[str]]:
    first = draw.choices(ASKED, weights=(9, 6, 6, 3, 3, 4, 4))[0]
    needs = [first]
    while draw.random() < 0.28 and len(needs) < 3:
        needs.append(draw.choice([need for need in ASKED if need not in needs]))
    pieces = []
    for need in needs:
        slot = _SLOT_OF.get(need, need)
        form = draw.random()
        if form < 0.45:
            pieces.append(f"{{{slot}_fact}}，{{{slot}_ask}}")
        elif form < 0.62:
            pieces.append(f"{{place}}{{{slot}_ask}}" if draw.random() < 0.6 else f"{{{slot}_ask}}，{{place}}")
        elif form < 0.74:
            pieces.append(f"{{{slot}_ask}}！{{{slot}_fact}}")
        elif form < 0.84 and slot in ("rescue", "medical", "missing", "supplies"):
            pieces.append(f"{{{slot}_fact}}，{{{slot}_fact}}")  # a bare description of the plight
        else:
            pieces.append(f"{{place}}，{{{slot}_fact}}，{{{slot}_ask}}")
    if draw.random() < 0.12:
        label = draw.choice(("地址", "位置", "地点", "求助地点", "所在城市"))
        pieces.insert(
            0, f"{label}：{{place}} 人数：{{people}} 情况：{{water}}" if first == "rescue" else f"{label}：{{place}}"
        )
    joined = draw.choice(("，", "。", "！", " ", "；", "\n")).join(pieces)
    place = draw.choice(
        ("", "", "{place}", "{place}，", "我在{place}，", "{kin}在{place}，", "这里是{place}，", "位置{place}，")
    )
    return expand("{open}" + place + joined + "{close}", draw), set(needs)


def calls(count: int, seed: int) -> Iterator[tuple[str, set[str], str]]:
    """Yield (text, needs, language): calls for help, with one in seven in English and one in six an offer."""
    draw = random.Random(seed)  # noqa: S311 (training data, not a secret)
    for _ in range(count):
        english, offer = draw.random() < 0.14, draw.random() < 0.17
        if english and offer:
            text, needs = expand("{en_offer}", draw), {"offer"}
        elif english:
            first = draw.choice(ASKED)
            needs = {first}
            text = expand(f"{{en_{_SLOT_OF.get(first, first)}}}", draw)
            if draw.random() < 0.25:
                second = draw.choice(ASKED)
                needs.add(second)
                text = expand(f"{text}. {{en_{_SLOT_OF.get(second, second)}}}", draw)
            text = draw.choice(("", "", "HELP! ", "Please RT: ", "SOS ", "urgent: ", "#flood ")) + text
        elif offer:
            start = draw.choice(("", "", "#河南暴雨互助#", "{city}的朋友，", "需要的来：", "【爱心接力】", "转发！"))
            text, needs = expand(start + "{offer}{close}", draw), {"offer"}
        else:
            text, needs = _chinese_call(draw)
        yield text, needs, "en" if english else "zh"
