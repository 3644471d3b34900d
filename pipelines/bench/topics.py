"""`bench topics`: topics of labelled streams beside a plain single pass over TF-IDF; what a post costs over time."""

from __future__ import annotations

import math
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines.bench import labelled, machine
from pipelines.jobs.topic_filter import WINDOW
from schemas.errors import UsageError
from udfs.topics.clusterer import Clusterer, Post
from udfs.topics.words import words

LABELS = ("event", "topic", "cluster", "label")
TIMES = ("ts_ms", "created_at")
STEPS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_BASELINE_THRESHOLD = 0.25
"""The best of .25 and .35 on the sets of docs/topics.md."""


def quality(data: Path, label: str | None = None, shuffle: bool = False, baseline: bool = True) -> dict[str, Any]:
    """NMI and ARI of ``data`` in its order, or shuffled without times. Raises UsageError for rows without a label."""
    rows = [row for _, row in labelled.read(data)]
    name = label or next((name for name in LABELS if rows and name in rows[0]), None)
    if name is None or any(not isinstance(row.get("text"), str) or row.get(name) is None for row in rows):
        raise UsageError(f"--data {data}: each row needs text and a label ({', '.join(LABELS)}, or --label NAME)")
    times = next((name for name in TIMES if isinstance(rows[0].get(name), int)), None)
    if shuffle:
        random.Random(1).shuffle(rows)  # noqa: S311 - an order, no secret
    elif times:
        rows.sort(key=lambda row: int(row[times]))
    truth = [str(row[name]) for row in rows]
    texts = [str(row["text"]) for row in rows]
    at = [0] * len(rows) if shuffle or not times else [int(row[times]) for row in rows]
    report = {"yuqing": _measured(truth, lambda: _topics(texts, at))}
    if baseline:
        report["tf-idf, single pass"] = _measured(truth, lambda: single_pass(texts))
    return {"data": data.name, "order": "shuffled" if shuffle else "stream", "posts": len(rows), "methods": report}


def _measured(truth: Sequence[str], run: Any) -> dict[str, Any]:
    began = time.process_time()
    found = run()
    seconds = time.process_time() - began
    sizes = Counter(found).values()
    return {
        "nmi": nmi(truth, found),
        "ari": ari(truth, found),
        "topics": len(sizes),
        "topics_of_3": sum(size > 2 for size in sizes),
        "true_topics": len(set(truth)),
        "posts_per_cpu_second": len(truth) / max(seconds, 1e-9),
    }


def _topics(texts: Sequence[str], at: Sequence[int]) -> list[str]:
    clusterer = Clusterer()
    posts = [Post(str(n), text, ms) for n, (text, ms) in enumerate(zip(texts, at, strict=True))]
    return [place.topic_id for n in range(0, len(posts), WINDOW) for place in clusterer.take(posts[n : n + WINDOW])]


def single_pass(texts: Sequence[str], threshold: float = _BASELINE_THRESHOLD) -> list[int]:
    """The baseline: each post joins the centroid with the greatest cosine over ``threshold``, or begins a topic."""
    seen: Counter[str] = Counter()
    index: defaultdict[str, set[int]] = defaultdict(set)
    centres: list[tuple[Counter[str], list[float]]] = []
    found = []
    for number, text in enumerate(texts, 1):
        of_post = words(text)
        seen.update(of_post)
        vector = {word: math.log((number + 1) / seen[word]) + 0.5 for word in of_post}
        norm = math.sqrt(sum(value * value for value in vector.values())) or 1.0
        scores: Counter[int] = Counter()
        for word, value in vector.items():
            for centre in index[word]:
                scores[centre] += value / norm * centres[centre][0][word]  # type: ignore[assignment]  # a Counter of floats
        best, at_least = len(centres), threshold
        for centre, score in scores.items():
            if score / (centres[centre][1][0] or 1.0) > at_least:
                best, at_least = centre, score / centres[centre][1][0]
        if best == len(centres):
            centres.append((Counter(), [0.0]))
        centre_words, length = centres[best]
        for word, value in vector.items():
            centre_words[word] += value / norm  # type: ignore[assignment]  # the same
            index[word].add(best)
        length[0] = math.sqrt(sum(value * value for value in centre_words.values()))
        found.append(best)
    return found


def nmi(truth: Sequence[Any], found: Sequence[Any]) -> float:
    """Normalised mutual information, over the arithmetic mean of the entropies."""
    table, rows, columns = _contingency(truth, found)
    total = table.sum()
    information = float((table / total * np.log(table * total / (rows * columns))).sum())
    a, b = (_entropy(np.array(list(Counter(side).values())) / total) for side in (truth, found))
    return 1.0 if a + b == 0 else 2 * information / (a + b)


def ari(truth: Sequence[Any], found: Sequence[Any]) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985)."""
    table, _, _ = _contingency(truth, found)
    together = _pairs(table)
    a, b = (_pairs(np.array(list(Counter(side).values()), np.float64)) for side in (truth, found))
    expected = a * b / max(_pairs(np.array([len(truth)], np.float64)), 1.0)
    best = (a + b) / 2
    return 1.0 if best == expected else (together - expected) / (best - expected)


def _contingency(truth: Sequence[Any], found: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Counts of the pairs that occur, and of either side for each."""
    of_truth, of_found = Counter(truth), Counter(found)
    cells = Counter(zip(truth, found, strict=True))
    return (
        np.array(list(cells.values()), np.float64),
        np.array([of_truth[a] for a, _ in cells], np.float64),
        np.array([of_found[b] for _, b in cells], np.float64),
    )


def _entropy(shares: Any) -> float:
    return float(-(shares * np.log(shares)).sum())


def _pairs(counts: Any) -> float:
    return float((counts * (counts - 1) / 2).sum())


def cost(posts: int, seed: int = 1, steps: Sequence[int] = STEPS) -> list[dict[str, float]]:
    """CPU a post takes, at 10,000 posts and further on, on a made-up stream whose events come and go."""
    clusterer = Clusterer()
    stream = made_up(posts, seed)
    curve = []
    taken, last_taken, spent, last_spent = 0, 0, 0.0, 0.0
    while taken < posts:
        window = [next(stream) for _ in range(min(WINDOW, posts - taken))]
        began = time.process_time()
        clusterer.take(window)
        spent += time.process_time() - began
        taken += len(window)
        if taken in steps or taken == posts:
            each = (spent - last_spent) / (taken - last_taken)
            curve.append({"posts": taken, "us_per_post": each * 1e6, "posts_per_cpu_second": 1 / each})
            last_taken, last_spent = taken, spent
    return curve


def made_up(posts: int, seed: int) -> Iterator[Post]:
    """Posts of 9 to 14 words: 200 events at a time, a new one every 500 posts; a quarter of the posts are of none."""
    rng = random.Random(seed)  # noqa: S311 - a feed, no secret
    syllables = [a + b for a in "b d f g k l m n p r s t v z ch st".split() for b in "a e i o u an or el".split()]

    def word() -> str:
        return "".join(rng.choice(syllables) for _ in range(3))

    common = [word() for _ in range(5_000)]
    weights = [1 / (rank + 5) for rank in range(len(common))]
    cumulative = np.cumsum(weights).tolist()
    events = [[word() for _ in range(15)] for _ in range(200)]
    for number in range(posts):
        if number % 500 == 499:
            events[rng.randrange(len(events))] = [word() for _ in range(15)]
        event = rng.choice(events)
        mine = 0 if rng.random() < 0.25 else 6
        text = [event[min(int(rng.expovariate(0.2)), 14)] for _ in range(mine)]
        text += rng.choices(common, cum_weights=cumulative, k=rng.randint(9, 14) - mine)
        yield Post(f"made-up\x1f{number}", " ".join(text), number * 1_000)


def measure(data: Sequence[Path], label: str | None, posts: int, seed: int = 1) -> dict[str, Any]:
    sets = [quality(path, label, shuffle) for path in data for shuffle in (False, True)]
    return {"sets": sets, "cost": cost(posts, seed) if posts else [], "machine": machine.description()}


def show(report: dict[str, Any], file: Any = None) -> None:
    """Print ``report`` of `measure` to ``file`` (stdout)."""
    out = file or sys.stdout
    console = Console(file=out, width=None if out.isatty() else 1_000, markup=False, highlight=False, emoji=False)
    if report["sets"]:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in ("data", "order", "posts", "method", "NMI", "ARI", "topics", "of 3 posts", "true", "posts/CPU-s"):
            table.add_column(name, no_wrap=True)
        for one in report["sets"]:
            for method, held in one["methods"].items():
                figures = [f"{held['nmi']:.3f}", f"{held['ari']:.3f}"]
                counts = [f"{held[key]:,}" for key in ("topics", "topics_of_3", "true_topics")]
                speed = f"{held['posts_per_cpu_second']:,.0f}"
                table.add_row(one["data"], one["order"], f"{one['posts']:,}", method, *figures, *counts, speed)
        console.print(table)
    for step in report["cost"]:
        console.print(
            f"up to {step['posts']:>9,} posts  {step['us_per_post']:7.0f} us a post  "
            f"{step['posts_per_cpu_second']:7,.0f} posts a CPU-second"
        )
