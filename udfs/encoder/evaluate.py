"""How good a classify step is on labelled posts: `yuqing bench accuracy` prints what `evaluate` returns.

A row holds `text`, optionally `language` (zh when absent), and any of the contract's labels: `sentiment`, `emotion`,
`needs` (a list, empty for none) or `need` (one, or `none`), `hazards` (a list), `source_kind`, `state`; `source` stands
for `source_kind` where it is one of its labels (else it says where the row is from). A head is judged on the rows
labelled for it. Where sentiment is labelled in two ways only, a neutral answer is folded by emotion as the contract
says. Hazards, source and state are judged by the column `hints`, what the model says before triage weighs it against
its rules, and left out for a model that has no such heads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import RecordError
from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS, SOURCE_KINDS, STATES
from schemas.step import Step

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Report = dict[str, Any]
_BATCH = 512
_GLAD = ("happy", "surprise")
BINS = 15
_CALL = ("no call", "call")
"""The two answers of `help`."""


def classified(texts: Sequence[str], languages: Sequence[str], classify: Step) -> list[dict[str, Any]]:
    """What an opened ``classify`` says of each text: a dictionary of the columns it writes."""
    answers: list[dict[str, Any]] = []
    for at in range(0, len(texts), _BATCH):
        columns = {"text": list(texts[at : at + _BATCH]), "language": list(languages[at : at + _BATCH])}
        batch = classify.apply(
            pa.RecordBatch.from_pydict(columns, schema=pa.schema([(name, pa.string()) for name in columns]))
        )
        answers += batch.select(classify.writes.names).to_pylist()
    return answers


@dataclass(frozen=True, slots=True)
class _How:
    """How figures are made: draws of the bootstrap, their seed, and wrong answers listed a head."""

    resamples: int
    seed: int
    errors: int

    def interval(self, figure: Callable[[Ints], float], rows: int) -> dict[str, float]:
        return interval(figure, rows, self.resamples, self.seed)


def evaluate(
    rows: Iterable[Mapping[str, Any]], classify: Step, *, resamples: int = 1000, seed: int = 0, errors: int = 0
) -> Report:
    """Judge ``classify`` (opened) on ``rows``.

    Returns {rows, model, heads}; heads holds `sentiment`, `emotion`, `source` and `state` (accuracy, macro_f1, classes,
    confusion, ece, reliability), `needs` and `hazards` (classes, macro_f1, micro_f1) and `help` (precision, recall,
    specificity, false_per_10000, confusion, ece, reliability), as far as labelled.
    Single figures are {value, low, high}: 95% percentile bootstrap over rows (Efron, 1979), ``resamples`` draws by
    ``seed``. With ``errors``, each head has `errors` too: at most that many {row, truth, answer, score}, the surest
    first, with the row's number from 0 and never its text; a score is that of the wrong answer, null where only labels
    are missing. Raises RecordError, with the row's number, for a label that the contract does not have.
    """
    kept = [dict(row) for row in rows]
    for number, row in enumerate(kept):
        try:
            check(row)
        except RecordError as error:
            raise RecordError(f"row {number}: {error}") from None
    how = _How(resamples, seed, errors)
    answers = classified([row["text"] for row in kept], [row.get("language") or "zh" for row in kept], classify)
    heads: Report = {}
    for head, names in (("sentiment", SENTIMENTS), ("emotion", EMOTIONS)):
        judged = [(i, row[head], answers[i]) for i, row in enumerate(kept) if row.get(head) is not None]
        if judged:
            heads[head] = _one_of(head, names, judged, how)
    picked = [i for i, row in enumerate(kept) if row.get("needs") is not None or row.get("need") is not None]
    if picked:
        truth = [_needs(kept[i]) for i in picked]
        said = [{each["need"]: each["score"] for each in answers[i]["needs"]} for i in picked]
        scores = np.array([answers[i]["help_score"] for i in picked], dtype=np.float64)
        nothing = [answers[i]["need_score"] for i in picked]
        heads["needs"] = _many_of(NEEDS, picked, truth, said, nothing, how)
        heads["help"] = _help(picked, _flags(NEEDS, truth), _flags(NEEDS, said), scores, how)
    heads |= _hinted(kept, answers, how)
    return {"rows": len(kept), "model": answers[0]["model"] if answers else None, "heads": heads}


def _hinted(rows: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]], how: _How) -> Report:
    """The heads that speak through `hints`."""
    heads: Report = {}
    told = [(i, row, answers[i]["hints"]) for i, row in enumerate(rows) if answers[i]["hints"] is not None]
    if picked := [(i, set(row["hazards"]), hints) for i, row, hints in told if row.get("hazards") is not None]:
        where, truth = [i for i, _, _ in picked], [labels for _, labels, _ in picked]
        said = [{each["hazard"]: each["score"] for each in hints["hazards"]} for _, _, hints in picked]
        heads["hazards"] = _many_of(HAZARDS, where, truth, said, [None] * len(where), how)
    for head, column, names in (("source", "source_kind", SOURCE_KINDS), ("state", "state", STATES)):
        labels: list[tuple[int, Any, Any]] = [(i, row.get(column) or row.get(head), hints) for i, row, hints in told]
        judged = [
            (i, label, {head: hints[column], f"{head}_score": hints[f"{head}_score"]})
            for i, label, hints in labels
            if label in names
        ]
        if judged:
            heads[head] = _one_of(head, names, judged, how)
    return heads


_ONE = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "need": (*NEEDS, "none"), "state": STATES}
_ONE |= {"source_kind": SOURCE_KINDS}
_MANY = {"needs": NEEDS, "hazards": HAZARDS}


def check(row: Mapping[str, Any]) -> None:
    """Raise RecordError, which says what is wrong, when ``row`` has no text or a label that the contract has not."""
    if not isinstance(row.get("text"), str):
        raise RecordError("text is missing or no string")
    for key, names in _ONE.items():
        if row.get(key) is not None:
            _known(key, row[key], names)
    for key, names in _MANY.items():
        if row.get(key) is None:
            continue
        if not isinstance(row[key], list | tuple | set | frozenset):
            raise RecordError(f"{key} is no list (write [] for none)")
        for label in row[key]:
            _known(key[:-1], label, names)


def _known(key: str, label: Any, names: Sequence[str]) -> None:
    if label not in names:
        # cut: a label that is long is no label, and might be the post
        raise RecordError(f"{key} {repr(label)[:24]} is none of {', '.join(names)}")


def _needs(row: Mapping[str, Any]) -> set[str]:
    if row.get("needs") is not None:
        return set(row["needs"])
    return {row["need"]} - {"none"}


def _flags(names: Sequence[str], rows: Sequence[Iterable[str]]) -> Bools:
    """One row of flags each, a column a name."""
    return np.array([[name in held for name in names] for held in rows], dtype=np.bool_)


def _one_of(head: str, names: Sequence[str], judged: Sequence[tuple[int, str, Mapping[str, Any]]], how: _How) -> Report:
    """``judged``: number of the row, its label, the answer."""
    truth = np.array([names.index(label) for _, label, _ in judged])
    said = np.array([names.index(answer[head]) for _, _, answer in judged])
    scores = np.array([answer[f"{head}_score"] for _, _, answer in judged], dtype=np.float64)
    present = [k for k in range(len(names)) if (truth == k).any()]
    result: Report = {"rows": len(judged), "two_way": False}
    if head == "sentiment" and not (truth == names.index("neutral")).any():
        fold = [names.index("positive" if answer["emotion"] in _GLAD else "negative") for _, _, answer in judged]
        folded = said == names.index("neutral")
        said = np.where(folded, fold, said)
        scores = np.where(folded, [answer["emotion_score"] for _, _, answer in judged], scores)
        result["two_way"] = True  # an answer made of two heads has no calibrated score
    else:
        result |= {"ece": ece(scores, said == truth), "reliability": reliability(scores, said == truth)}

    def macro(index: Ints) -> float:
        return float(np.mean([_scores(truth[index] == k, said[index] == k)[2] for k in present]))

    result["accuracy"] = how.interval(lambda index: float((truth[index] == said[index]).mean()), len(judged))
    result["macro_f1"] = how.interval(macro, len(judged))
    result["macro_recall"] = float(np.mean([_scores(truth == k, said == k)[1] for k in present]))
    result["classes"] = [_class(names[k], truth == k, said == k) for k in present]
    result["confusion"] = _confusion(names, truth, said)
    where, answers = [i for i, _, _ in judged], [names[k] for k in said]
    return result | _errors(where, [names[k] for k in truth], answers, scores.tolist(), how.errors)


def _many_of(
    names: Sequence[str],
    where: Sequence[int],
    labels: Sequence[set[str]],
    found: Sequence[Mapping[str, float]],
    nothing: Sequence[float | None],
    how: _How,
) -> Report:
    """``found``: label -> score of what was named; ``nothing``: score of the answer that no label holds."""
    truth, said = _flags(names, labels), _flags(names, found)
    present = [k for k in range(len(names)) if truth[:, k].any()]

    def macro(index: Ints) -> float:
        return float(np.mean([_scores(truth[index, k], said[index, k])[2] for k in present])) if present else 0.0

    wrongly = [
        max((score for name, score in answer.items() if name not in held), default=None if answer else none)
        for held, answer, none in zip(labels, found, nothing, strict=True)
    ]
    right = [[name for name in names if name in held] for held in labels]
    named = [[name for name in names if name in held] for held in found]
    return {
        "rows": len(truth),
        "macro_f1": how.interval(macro, len(truth)),
        "micro_f1": how.interval(lambda index: _scores(truth[index], said[index])[2], len(truth)),
        "classes": [_class(name, truth[:, k], said[:, k]) for k, name in enumerate(names)],
    } | _errors(where, right, named, wrongly, how.errors)


def _help(where: Sequence[int], truth: Bools, said: Bools, scores: Floats, how: _How) -> Report:
    offer = NEEDS.index("offer")
    asks, called = np.delete(truth, offer, axis=1).any(axis=1), np.delete(said, offer, axis=1).any(axis=1)

    def share(of: Bools, among: Bools) -> Callable[[Ints], float]:
        return lambda index: float(of[index][among[index]].mean()) if among[index].any() else 0.0

    sure = np.maximum(scores, 1 - scores), (scores >= 0.5) == asks
    result: Report = {
        "rows": len(truth),
        "calls": int(asks.sum()),
        "ece": ece(*sure),
        "reliability": reliability(*sure),
        "confusion": _confusion(_CALL, asks.astype(np.int64), called.astype(np.int64)),
    }
    if asks.any():
        result["recall"] = how.interval(share(called, asks), len(truth))
        result["precision"] = how.interval(share(asks, called), len(truth))
    if not asks.all():
        result["specificity"] = how.interval(share(~called, ~asks), len(truth))
        result["false_per_10000"] = 1e4 * float(called[~asks].mean())
    right, answers = [_CALL[int(flag)] for flag in asks], [_CALL[int(flag)] for flag in called]
    return result | _errors(where, right, answers, np.where(called, scores, 1 - scores).tolist(), how.errors)


def _errors(
    where: Sequence[int], truth: Sequence[Any], said: Sequence[Any], scores: Sequence[float | None], most: int
) -> Report:
    """`errors`: at most ``most`` wrong answers, the surest first; nothing when none are wanted."""
    if not most:
        return {}
    wrong = [
        {"row": i, "truth": right, "answer": answer, "score": None if score is None else round(score, 4)}
        for i, right, answer, score in zip(where, truth, said, scores, strict=True)
        if right != answer
    ]
    wrong.sort(key=lambda each: (each["score"] is None, -(each["score"] or 0.0), each["row"]))
    return {"errors": wrong[:most]}


def _confusion(names: Sequence[str], truth: Ints, said: Ints) -> Report:
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (truth, said), 1)
    return {"labels": list(names), "counts": counts.tolist()}  # rows: truth, columns: answer


def _scores(truth: Bools, said: Bools) -> tuple[float, float, float]:
    """Precision, recall, F1; 0 where undefined."""
    hit = float((truth & said).sum())
    precision, recall = hit / max(1, int(said.sum())), hit / max(1, int(truth.sum()))
    return precision, recall, 2 * hit / max(1.0, float(truth.sum() + said.sum()))


def _class(label: str, truth: Bools, said: Bools) -> Report:
    precision, recall, f1 = _scores(truth, said)
    return {"label": label, "precision": precision, "recall": recall, "f1": f1, "support": int(truth.sum())}


def ece(confidence: Floats, right: Bools, bins: int = BINS) -> float:
    """Expected calibration error over ``bins`` of equal width (Guo et al., 2017)."""
    found = reliability(confidence, right, bins)
    return float(sum(row["posts"] * abs(row["confidence"] - row["accuracy"]) for row in found) / max(1, len(right)))


def reliability(confidence: Floats, right: Bools, bins: int = BINS) -> list[Report]:
    """{from, to, confidence, accuracy, posts} of each of ``bins`` of equal width that holds a post: how sure answers
    are on average, and what share of them is right."""
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return [
        {
            "from": k / bins,
            "to": (k + 1) / bins,
            "confidence": float(confidence[which == k].mean()),
            "accuracy": float(right[which == k].mean()),
            "posts": int((which == k).sum()),
        }
        for k in range(bins)
        if (which == k).any()
    ]


def interval(figure: Callable[[Ints], float], rows: int, resamples: int, seed: int) -> dict[str, float]:
    """``figure`` of all rows with its 95% percentile bootstrap interval."""
    draw = np.random.default_rng(seed)
    drawn = [figure(draw.integers(0, rows, rows)) for _ in range(resamples)] or [figure(np.arange(rows))]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"value": figure(np.arange(rows)), "low": float(low), "high": float(high)}
