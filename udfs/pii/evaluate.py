"""How good the masking is on texts with gold spans, and how fast: what `yuqing bench pii` prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from udfs.pii.spans import Span
from udfs.pii.step import Mask


def evaluate(
    rows: Iterable[Mapping[str, Any]], mask: Mask, *, batch: int = 256, seconds: float = 0.0
) -> dict[str, Any]:
    """Compare ``mask`` (opened) with gold spans.

    ``rows`` have ``text`` and ``pii``: a list of objects with type, start and end (offsets in ``text``). The report:

    * ``types``: per type the number of gold and found spans; ``exact`` precision, recall and F1 (same type, start and
      end) and ``overlap`` (same type, at least one character shared);
    * ``covered``: per type the share of gold spans of which every letter and digit is masked, as whatever type;
    * ``leak_rate``: posts with at least one letter or digit of a gold span standing, over posts that have gold spans
      (PLACE counts only when the step masks places); ``leaking_posts`` their positions, never their texts;
    * ``posts_per_cpu_second``: of identifiers alone and of everything, one thread; the texts are gone through again
      until ``seconds`` of CPU are spent on either, since a few hundred texts say little.
    """
    items = list(rows)
    texts = [str(row["text"]) for row in items]
    gold = [sorted({(str(s["type"]), int(s["start"]), int(s["end"])) for s in row.get("pii") or ()}) for row in items]
    found: list[list[Span]] = []

    def everything() -> None:
        found[:] = [spans for i in range(0, len(texts), batch) for spans in mask.find(texts[i : i + batch])]

    def identifiers() -> None:
        for text in texts:
            mask.identifiers(text)

    speeds = {
        "identifiers": _rate(identifiers, len(texts), seconds),
        "everything": _rate(everything, len(texts), seconds),
    }
    standing = set() if mask.masks_places else {"PLACE"}
    leaking = [
        i
        for i, (text, spans) in enumerate(zip(texts, gold, strict=True))
        if any(not _covered(text, span, found[i], standing) for span in spans if span[0] not in standing)
    ]
    with_gold = sum(any(span[0] not in standing for span in spans) for spans in gold)
    kinds = sorted({span[0] for spans in gold for span in spans} | {span.type for spans in found for span in spans})
    return {
        "posts": len(texts),
        "posts_with_gold": with_gold,
        "leak_rate": len(leaking) / with_gold if with_gold else 0.0,
        "leaking_posts": leaking,
        "types": {kind: _scores(kind, texts, gold, found) for kind in kinds},
        "posts_per_cpu_second": speeds,
    }


def _rate(run: Callable[[], None], posts: int, seconds: float) -> float:
    """Posts a CPU-second of ``run``, which goes through ``posts`` texts; run once at least."""
    rounds, started = 0, time.process_time()
    while True:
        run()
        rounds += 1
        spent = time.process_time() - started
        if spent >= seconds or not posts:
            return rounds * posts / spent if spent else 0.0


Gold = tuple[str, int, int]


def _covered(text: str, span: Gold, found: Sequence[Span], standing: set[str]) -> bool:
    hidden = {at for other in found if other.type not in standing for at in range(other.start, other.end)}
    return all(at in hidden for at in range(span[1], span[2]) if text[at].isalnum())


def _scores(
    kind: str, texts: Sequence[str], gold: Sequence[Sequence[Gold]], found: Sequence[Sequence[Span]]
) -> dict[str, Any]:
    golds = hits = same = touched = touching = covered = 0
    for text, wanted, spans in zip(texts, gold, found, strict=True):
        right = [span for span in wanted if span[0] == kind]
        ours = [(span.type, span.start, span.end) for span in spans if span.type == kind]
        golds += len(right)
        hits += len(ours)
        same += len(set(right) & set(ours))
        touched += sum(any(a[1] < b[2] and b[1] < a[2] for b in ours) for a in right)
        touching += sum(any(a[1] < b[2] and b[1] < a[2] for b in right) for a in ours)
        covered += sum(_covered(text, span, spans, set()) for span in right)
    return {
        "gold": golds,
        "found": hits,
        "exact": _precision_recall(same, hits, same, golds),
        "overlap": _precision_recall(touching, hits, touched, golds),
        "covered": covered / golds if golds else 0.0,
    }


def _precision_recall(right: int, found: int, reached: int, gold: int) -> dict[str, float]:
    precision = right / found if found else 0.0
    recall = reached / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}
