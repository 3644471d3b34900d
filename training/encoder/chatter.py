"""A grammar of what looks like a call for help and is none: figures of speech, news, thanks, wishes, notices, advice,
rumours, closed cases, everyday asks and complaints to an office. Same engine as `calls`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from training.encoder.calls import SLOTS, expand

_OWN = yaml.safe_load((Path(__file__).parent / "chatter.yaml").read_text(encoding="utf-8"))
CHATTER: dict[str, Sequence[str]] = {**SLOTS, **_OWN}
KINDS = ("figure", "news", "thanks", "wish", "notice", "rumour", "closed", "opinion", "ask", "office", "scene")


def chatter(count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Yield (text, kind, language) of posts that ask for nothing; hashtags of a disaster stand on many of them."""
    draw = random.Random(seed)  # noqa: S311 (training data, not a secret)
    for _ in range(count):
        if draw.random() < 0.12:
            yield expand("{en_chatter}", draw, CHATTER), "english", "en"
            continue
        kind = draw.choice(KINDS)
        text = f"{{tail}}{{{kind}}}"
        if draw.random() < 0.4:
            text += draw.choice(("，", "。", "！", " ")) + f"{{{draw.choice((kind, 'wish', 'scene', 'opinion'))}}}"
        yield expand(text + "{tail}", draw, CHATTER), kind, "zh"
