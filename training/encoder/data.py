"""The public sets, in the contract's labels, masked and split. Reads a data folder; holds no sentence of it.

A row's part is drawn by the hash of its normalised text: a tenth is `test`, a twentieth `calibrate` (temperatures and
thresholds), the rest `train`. So a copy of a text is never on two sides, a set may grow without moving rows, and every
script agrees without a stored list.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from udfs.encoder.text import normalise

_MASKS = [
    (re.compile(r"https?://[!-~]+|[Oo]?网页链接|t\.cn/\w+"), "<URL>"),
    (re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.]+"), "<EMAIL_ADDRESS>"),
    (re.compile(r"[@＠][\w\-·\u4e00-\u9fff]{1,30}"), "<USERNAME>"),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "<CN_ID>"),
    (re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"), "<CN_MOBILE>"),
    (re.compile(r"(?<!\d)0\d{2,3}-?[2-9]\d{6,7}(?!\d)"), "<CN_LANDLINE>"),
]
_NAME = re.compile(r"((?:联系人|姓名|【姓名】)[:：】]?\s*)([\u4e00-\u9fff]{2,3})(?=[\s,，。:：;；【(（0-9<]|$)")
SENTIMENT_OF = {"happy": "positive", "angry": "negative", "sad": "negative", "fear": "negative", "neutral": "neutral"}
"""Three-way sentiment from six emotions; surprise goes either way and is left out."""
EMOTION_OF = {
    "zh_emotion_covid": {
        "fear": "fear",
        "anger": "angry",
        "surprise": "surprise",
        "sadness": "sad",
        "optimism": "happy",
        "gratitude": "happy",
    },  # disgust has no place among six: left out
    "en_emotion": {"anger": "angry", "joy": "happy", "optimism": "happy", "sadness": "sad"},
}


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled text; ``text`` is normalised."""

    text: str
    language: str
    source: str
    label: str
    part: str


def mask(text: str) -> str:
    """Stand-in for the mask step on public text, which holds few identities: the tokens the models will see."""
    for pattern, token in _MASKS:
        text = pattern.sub(token, text)
    return _NAME.sub(r"\1<PERSON>", text)


def prepare(text: str) -> str:
    return normalise(mask(text))


def part_of(text: str, calibrate: float = 0.05) -> str:
    """test, calibrate or train; ``calibrate`` is that part's share (test is always a tenth)."""
    drawn = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big") / 2**32
    return "test" if drawn < 0.1 else "calibrate" if drawn < 0.1 + calibrate else "train"


def read(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def labelled(folder: Path, name: str) -> list[Row]:
    """Rows of set ``name`` with its own labels; duplicates of a text within the set keep the first."""
    language = "en" if name.startswith("en_") else "zh"
    rows: dict[str, Row] = {}
    for record in read(folder, name):
        text = prepare(record["text"])
        if text:
            rows.setdefault(text, Row(text, language, record["source"], record["label"], part_of(text)))
    return list(rows.values())


def emotions(folder: Path) -> list[Row]:
    """All sets with emotions, in the contract's six; the English set has no neutral, fear or surprise."""
    rows = []
    for name in ("zh_emotion", "zh_emotion_covid", "en_emotion"):
        labels = EMOTION_OF.get(name)
        for row in labelled(folder, name):
            label = row.label if labels is None else labels.get(row.label)
            if label is not None:
                rows.append(Row(row.text, row.language, row.source, label, row.part))
    return rows


def sentiments(folder: Path) -> list[Row]:
    """All sets with sentiment: three-way derived from SMP, two-way Weibo sets, three-way English tweets."""
    rows = [
        Row(row.text, row.language, row.source, SENTIMENT_OF[row.label], row.part)
        for row in labelled(folder, "zh_emotion")
        if row.label in SENTIMENT_OF
    ]
    for name in ("zh_polarity", "zh_polarity_weak", "en_sentiment"):
        rows += labelled(folder, name)
    return rows
