"""The order of the networks' outputs, what they lose on labels and on a teacher's word, and how they are judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from training.encoder.corpus import Corpus

SIZES = {"sentiment": 3, "emotion": 6, "flags": 9, "hazards": 8, "source": 6, "state": 4}
"""Outputs of each group in order; `flags` are the needs and help. Equal to schemas.records, which a test asserts."""
ONE_OF = ("sentiment", "emotion", "source", "state")
OUTPUTS = sum(SIZES.values())
DIMENSIONS = 96
WEIGHT = {"sentiment": 0.6, "emotion": 1.0, "flags": 4.0, "hazards": 2.0, "source": 0.3, "state": 0.3}
BY_HAND = 3.0
_STARTS = np.cumsum([0, *SIZES.values()])
AT = {name: slice(int(_STARTS[k]), int(_STARTS[k + 1])) for k, name in enumerate(SIZES)}
GLAD = (2, 5)
"""Emotions that fold a neutral sentiment to positive: happy, surprise."""
SETS = {"usual": "smp2020-usual", "virus": "smp2020-virus", "covid": "covid19-weibo7", "english": "tweeteval"}


class Labels:
    """Labels on the device, those of calibrate and test parts hidden, and class weights against imbalance."""

    def __init__(self, corpus: Corpus, device: str) -> None:
        felt, asked = corpus.part == 0, corpus.need_part == 0
        self.of = {}
        for name in SIZES:
            values = getattr(corpus, name).astype(np.int64)
            seen = felt if name in ("sentiment", "emotion") else asked
            values = np.where(seen if values.ndim == 1 else seen[:, None], values, -1)
            self.of[name] = torch.from_numpy(values).to(device)
        self.by_hand = torch.from_numpy(np.where(corpus.by_hand, BY_HAND, 1.0).astype(np.float32)).to(device)
        self.english = torch.from_numpy(corpus.english).to(device)
        count = torch.bincount(self.of["emotion"][self.of["emotion"] >= 0], minlength=6).float().clamp(min=1)
        self.emotion_weight = (count.mean() / count).sqrt()
        told = self.of["sentiment"][(self.of["sentiment"] >= 0) & self.english]
        count = torch.bincount(told, minlength=3).float().clamp(min=1)
        self.english_weight = (count.mean() / count).sqrt()

    def loss(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        total = logits.sum() * 0.0
        for name, part in AT.items():
            truth = self.of[name][rows]
            told = (truth if truth.ndim == 1 else truth[:, 0]) >= 0
            if not bool(told.any()):
                continue
            said, truth, weight = logits[told, part], truth[told], self.by_hand[rows][told]
            if name in ONE_OF:
                balance = self.emotion_weight if name == "emotion" else None
                each = functional.cross_entropy(said, truth, balance, reduction="none")
                if name == "sentiment":
                    weight = torch.where(self.english[rows][told], self.english_weight[truth], 1.0)
                elif name == "emotion":
                    weight = torch.ones_like(each)
            else:
                each = functional.binary_cross_entropy_with_logits(said, truth.float(), reduction="none").mean(1)
            total = total + WEIGHT[name] * (each * weight).sum() / weight.sum()
        return total


def agreement(logits: torch.Tensor, wanted: torch.Tensor, hidden: torch.Tensor, heat: float) -> torch.Tensor:
    """Loss of a student's ``logits`` on a teacher's (Hinton et al., 2015); ``hidden`` rows lose nothing on the
    flags."""
    total = logits.sum() * 0.0
    for name, part in AT.items():
        said, meant = logits[:, part], wanted[:, part]
        if name in ONE_OF:
            target = torch.softmax(meant / heat, dim=-1)
            each = -(target * torch.log_softmax(said / heat, dim=-1)).sum(1) * heat**2
        else:
            each = functional.binary_cross_entropy_with_logits(said, torch.sigmoid(meant), reduction="none").mean(1)
        if name not in ("sentiment", "emotion"):
            each = torch.where(hidden, torch.zeros_like(each), each)
        total = total + WEIGHT[name] * each.mean()
    return total


def f1(truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64]) -> float:
    """Macro-F1 over the classes that occur."""
    found = []
    for k in np.unique(truth):
        hit = ((truth == k) & (said == k)).sum()
        found.append(2 * hit / max(1, (truth == k).sum() + (said == k).sum()))
    return float(np.mean(found))


def judged(corpus: Corpus, logits: npt.NDArray[np.floating[Any]], part: int = 2) -> dict[str, float]:
    """Figures of ``logits`` [texts, outputs] on the held-out ``part``, for a look while training."""
    kept = np.flatnonzero((corpus.part == part) | (corpus.need_part > 0))
    corpus, logits = corpus.part_of(kept), logits[kept]
    found = {}
    emotion = logits[:, AT["emotion"]].argmax(1)
    origin = np.char.partition(corpus.origin.astype(str), "-dev")[:, 0]
    for name, source in SETS.items():
        rows = (corpus.part == part) & (corpus.emotion >= 0) & (origin == source)
        if rows.any():
            found[f"emotion {name}"] = f1(corpus.emotion[rows].astype(np.int64), emotion[rows])
    sentiment = logits[:, AT["sentiment"]].argmax(1)
    told = (corpus.part == part) & (corpus.sentiment >= 0)
    rows = told & np.char.startswith(origin, "smp")
    if rows.any():
        found["three-way"] = f1(corpus.sentiment[rows].astype(np.int64), sentiment[rows])
    rows = told & (origin == "weibo2018")
    if rows.any():
        folded = np.where(sentiment == 1, np.where(np.isin(emotion, GLAD), 2, 0), sentiment)
        found["polarity"] = float((folded[rows] == corpus.sentiment[rows]).mean())
    rows = told & (origin == "semeval2017-4a")
    if rows.any():
        truth, said = corpus.sentiment[rows], sentiment[rows]
        found["english recall"] = float(np.mean([(said[truth == k] == k).mean() for k in np.unique(truth)]))
    help_score = logits[:, AT["flags"]][:, -1]
    everyday = (corpus.need_part > 0) & (corpus.flags[:, -1] == 0) & ((corpus.emotion >= 0) | (corpus.sentiment >= 0))
    everyday &= ~corpus.english
    if everyday.any():
        least = np.sort(help_score[everyday])[-max(1, round(everyday.sum() / 1e4)) - 1]
        calls = (corpus.need_part == part) & (corpus.flags[:, -1] == 1)
        written = calls & np.char.startswith(origin, "written")
        if written.any():
            found["written recall"] = float((help_score[written] > least).mean())
        quiet = (corpus.need_part == part) & (corpus.flags[:, -1] == 0) & np.char.startswith(origin, "written")
        if quiet.any():
            found["written specificity"] = float((help_score[quiet] <= least).mean())
        found["help from"] = float(least)
    return {name: round(value, 4) for name, value in found.items()}


def developed(path: Path) -> tuple[list[str], list[bool]]:
    """Texts of the hand-written development set and whether each asks for help."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows], [any(need != "offer" for need in row["needs"]) for row in rows]
