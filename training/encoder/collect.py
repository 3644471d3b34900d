"""Collects everything the networks learn from into one file that needs no data folder any more (`corpus`).

    python -m training.encoder.collect --data DATA --output CORPUS

Labels of every head by text, and texts without any label, which teachers label for the students. Hazards, source and
state are labelled by hand in `written/`, elsewhere by the rules of udfs.triage, from which the heads learn to tell
them in other words.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS, SOURCE_KINDS, STATES
from training.encoder import data, needs
from training.encoder.corpus import Corpus
from udfs.encoder.text import TOKEN_CHARS
from udfs.triage.evidence import fact_rules, gate_rules
from udfs.triage.step import triage

log = logging.getLogger(__name__)
UNLABELLED = (
    "feed/covid_weibo_2020",
    "en_crisis",
    "zh_ner",
    "zh_polarity_weak",
    "en_sentiment",
    "citizen_messages/hot_issue",
)
TITLES = 0.1
"""Share of the hot-search titles that is taken: they widen the embedding's subjects."""
LONGEST = 200
LONGEST_UNLABELLED = 140
"""Characters kept of a text; no network reads more."""
TOLD_QUIET = 12_000
"""Posts without need or hazard that teach source and state."""
_MASKS = {mark: f"<{name}>" for name, mark in TOKEN_CHARS.items()}
_PARTS = {"train": 0, "calibrate": 1, "test": 2}


class Builder:
    """Collects labels by text."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, object]] = {}

    def row(self, text: str, language: str, origin: str) -> dict[str, object]:
        return self.rows.setdefault(text[:LONGEST], {"english": language == "en", "origin": origin})

    def feelings(self, folder: Path) -> None:
        for row in data.emotions(folder):
            found = self.row(row.text, row.language, row.source)
            found |= {"emotion": EMOTIONS.index(row.label), "part": _PARTS[row.part]}
        for row in data.sentiments(folder):
            found = self.row(row.text, row.language, row.source)
            if "sentiment" not in found:
                two = row.source in ("weibo2018", "weibo-senti-100k")
                found |= {"sentiment": SENTIMENTS.index(row.label), "two_way": two, "part": _PARTS[row.part]}

    def calls(self, rows: list[needs.NeedRow], seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311
        order = list(range(len(rows)))
        draw.shuffle(order)
        quiet = 0
        for at in order:
            row = rows[at]
            found = self.row(row.text, row.language, row.source)
            found["flags"] = [int(need in row.needs) for need in NEEDS] + [int(row.asks)]
            found["need_part"] = _PARTS[row.part]
            if row.told is not None:
                hazards, source, state = row.told
                found |= {"by_hand": True, "hazards": [int(name in hazards) for name in HAZARDS]}
                found |= {"source_kind": SOURCE_KINDS.index(source), "state": STATES.index(state)}
                continue
            told = by_rules(row.text, row.needs)
            if not row.needs and not told[0]:
                quiet += 1
                if quiet > TOLD_QUIET:
                    found["hazards"] = [0] * len(HAZARDS)
                    continue
            found |= {"hazards": [int(name in told[0]) for name in HAZARDS]}
            found |= {"source_kind": SOURCE_KINDS.index(told[1]), "state": STATES.index(told[2])}

    def others(self, folder: Path, seed: int, titles: float = TITLES) -> None:
        draw = random.Random(seed)  # noqa: S311
        for name in UNLABELLED:
            for record in data.read(folder, name):
                text = data.prepare(record["text"])[:LONGEST_UNLABELLED]
                if text:
                    self.row(text, "en" if name.startswith("en_") else "zh", f"unlabelled-{name}")
        for path in sorted((folder / "feed/weibo_hot_search").glob("*.jsonl.gz")):
            name = str(path.relative_to(folder)).removesuffix(".jsonl.gz")
            for record in data.read(folder, name):
                text = data.prepare(record.get("title") or "")
                if text and text not in self.rows and draw.random() < titles:
                    self.row(text, "zh", "unlabelled-titles")

    def corpus(self) -> Corpus:
        rows = list(self.rows.values())

        def column(name: str, default: object, dtype: type) -> npt.NDArray[np.generic]:
            return np.array([row.get(name, default) for row in rows], dtype=dtype)

        return Corpus(
            texts=list(self.rows),
            english=column("english", False, np.bool_),
            sentiment=column("sentiment", -1, np.int8),
            two_way=column("two_way", False, np.bool_),
            emotion=column("emotion", -1, np.int8),
            flags=column("flags", [-1] * (len(NEEDS) + 1), np.int8),
            hazards=column("hazards", [-1] * len(HAZARDS), np.int8),
            source=column("source_kind", -1, np.int8),
            state=column("state", -1, np.int8),
            by_hand=column("by_hand", False, np.bool_),
            part=column("part", -1, np.int8),
            need_part=column("need_part", -1, np.int8),
            origin=column("origin", "", np.str_),
        )


def by_rules(text: str, asked: frozenset[str]) -> tuple[list[str], str, str]:
    """Hazards, source and state of a text in the models' form, as the rules tell them."""
    plain = "".join(_MASKS.get(letter, letter) for letter in text)
    facts = fact_rules().scan([plain])[0]
    found = triage(plain, gate_rules().scan([plain])[0], facts, asked)
    return found.hazards, found.source_kind, found.state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--calls", type=int, default=30_000, help="posts that the grammar writes")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    builder = Builder()
    builder.feelings(given.data)
    builder.calls(needs.everything(given.data, given.seed, given.calls), given.seed)
    log.info("%d labelled texts", len(builder.rows))
    builder.others(given.data, given.seed)
    corpus = builder.corpus()
    corpus.save(given.output)
    counts = {name: int((getattr(corpus, name) >= 0).sum()) for name in ("sentiment", "emotion", "source", "state")}
    log.info("%d texts, %s", len(corpus.texts), json.dumps(counts))


if __name__ == "__main__":
    main()
