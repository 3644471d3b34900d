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


def evaluate(rows: Iterable[Mapping[str, Any]], classify: Step, *, resamples: int = 1000, seed: int = 0) -> Report:
    """Judge ``classify`` (opened) on ``rows``.

    Returns {rows, model, heads}; heads holds `sentiment`, `emotion`, `source` and `state` (accuracy, macro_f1, classes,
    confusion, ece), `needs` and `hazards` (classes, macro_f1, micro_f1) and `help` (precision, recall, specificity,
    false_per_10000, ece), as far as labelled.
    Single figures are {value, low, high}: 95% percentile bootstrap over rows (Efron, 1979), ``resamples`` draws by
    ``seed``. Raises RecordError, with the row's number, for a label that the contract does not have.
    """
    kept = [dict(row) for row in rows]
    _check(kept)
    answers = classified([row["text"] for row in kept], [row.get("language") or "zh" for row in kept], classify)
    heads: Report = {}
    for head, names in (("sentiment", SENTIMENTS), ("emotion", EMOTIONS)):
        picked = [i for i, row in enumerate(kept) if row.get(head) is not None]
        if picked:
            heads[head] = _one_of(head, names, [kept[i] for i in picked], [answers[i] for i in picked], resamples, seed)
    picked = [i for i, row in enumerate(kept) if row.get("needs") is not None or row.get("need") is not None]
    if picked:
        truth = np.array([[need in _needs(kept[i]) for need in NEEDS] for i in picked])
        said = np.array(
            [[any(found["need"] == need for found in answers[i]["needs"]) for need in NEEDS] for i in picked]
        )
        scores = np.array([answers[i]["help_score"] for i in picked], dtype=np.float64)
        heads["needs"] = _many_of(NEEDS, truth, said, resamples, seed)
        heads["help"] = _help(truth, said, scores, resamples, seed)
    heads |= _hinted(kept, answers, resamples, seed)
    return {"rows": len(kept), "model": answers[0]["model"] if answers else None, "heads": heads}


def _hinted(
    rows: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]], resamples: int, seed: int
) -> Report:
    """The heads that speak through `hints`."""
    heads: Report = {}
    told = [(row, answer["hints"]) for row, answer in zip(rows, answers, strict=True) if answer["hints"] is not None]
    if picked := [(row["hazards"], hints["hazards"]) for row, hints in told if row.get("hazards") is not None]:
        truth = np.array([[hazard in hazards for hazard in HAZARDS] for hazards, _ in picked])
        named = [{each["hazard"] for each in hazards} for _, hazards in picked]
        said = np.array([[hazard in names for hazard in HAZARDS] for names in named])
        heads["hazards"] = _many_of(HAZARDS, truth, said, resamples, seed)
    for head, column, names in (("source", "source_kind", SOURCE_KINDS), ("state", "state", STATES)):
        labels = [(row.get(column) or row.get(head), hints) for row, hints in told]
        judged = [({head: label}, hints) for label, hints in labels if label in names]
        if judged:
            said_rows = [{head: hints[column], f"{head}_score": hints[f"{head}_score"]} for _, hints in judged]
            heads[head] = _one_of(head, names, [row for row, _ in judged], said_rows, resamples, seed)
    return heads


def _check(rows: Sequence[Mapping[str, Any]]) -> None:
    allowed = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "need": (*NEEDS, "none"), "state": STATES}
    allowed |= {"source_kind": SOURCE_KINDS}
    for number, row in enumerate(rows):
        if not isinstance(row.get("text"), str):
            raise RecordError(f"row {number}: text is missing or no string")
        for key, names in allowed.items():
            if row.get(key) is not None and row[key] not in names:
                raise RecordError(f"row {number}: {key} {row[key]!r} is none of {', '.join(names)}")
        for key, names in (("needs", NEEDS), ("hazards", HAZARDS)):
            for label in row.get(key) or ():
                if label not in names:
                    raise RecordError(f"row {number}: {key[:-1]} {label!r} is none of {', '.join(names)}")


def _needs(row: Mapping[str, Any]) -> set[str]:
    if row.get("needs") is not None:
        return set(row["needs"])
    return {row["need"]} - {"none"}


def _one_of(
    head: str,
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    resamples: int,
    seed: int,
) -> Report:
    truth = np.array([names.index(row[head]) for row in rows])
    said = np.array([names.index(answer[head]) for answer in answers])
    present = [k for k in range(len(names)) if (truth == k).any()]
    result: Report = {"rows": len(rows), "two_way": False}
    if head == "sentiment" and not (truth == names.index("neutral")).any():
        fold = [names.index("positive" if answer["emotion"] in _GLAD else "negative") for answer in answers]
        said = np.where(said == names.index("neutral"), fold, said)
        result["two_way"] = True
    else:
        scores = np.array([answer[f"{head}_score"] for answer in answers], dtype=np.float64)
        result["ece"] = ece(scores, said == truth)

    def macro(index: Ints) -> float:
        return float(np.mean([_scores(truth[index] == k, said[index] == k)[2] for k in present]))

    result["accuracy"] = interval(lambda index: float((truth[index] == said[index]).mean()), len(rows), resamples, seed)
    result["macro_f1"] = interval(macro, len(rows), resamples, seed)
    result["macro_recall"] = float(np.mean([_scores(truth == k, said == k)[1] for k in present]))
    result["classes"] = [_class(names[k], truth == k, said == k) for k in present]
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (truth, said), 1)
    result["confusion"] = {"labels": list(names), "counts": counts.tolist()}  # rows: truth, columns: answer
    return result


def _many_of(names: Sequence[str], truth: Bools, said: Bools, resamples: int, seed: int) -> Report:
    present = [k for k in range(len(names)) if truth[:, k].any()]

    def macro(index: Ints) -> float:
        return float(np.mean([_scores(truth[index, k], said[index, k])[2] for k in present])) if present else 0.0

    return {
        "rows": len(truth),
        "macro_f1": interval(macro, len(truth), resamples, seed),
        "micro_f1": interval(lambda index: _scores(truth[index], said[index])[2], len(truth), resamples, seed),
        "classes": [_class(name, truth[:, k], said[:, k]) for k, name in enumerate(names)],
    }


def _help(truth: Bools, said: Bools, scores: Floats, resamples: int, seed: int) -> Report:
    offer = NEEDS.index("offer")
    asks, called = np.delete(truth, offer, axis=1).any(axis=1), np.delete(said, offer, axis=1).any(axis=1)

    def share(of: Bools, among: Bools) -> Callable[[Ints], float]:
        return lambda index: float(of[index][among[index]].mean()) if among[index].any() else 0.0

    result: Report = {
        "rows": len(truth),
        "calls": int(asks.sum()),
        "ece": ece(np.maximum(scores, 1 - scores), (scores >= 0.5) == asks),
    }
    if asks.any():
        result["recall"] = interval(share(called, asks), len(truth), resamples, seed)
        result["precision"] = interval(share(asks, called), len(truth), resamples, seed)
    if not asks.all():
        result["specificity"] = interval(share(~called, ~asks), len(truth), resamples, seed)
        result["false_per_10000"] = 1e4 * float(called[~asks].mean())
    return result


def _scores(truth: Bools, said: Bools) -> tuple[float, float, float]:
    """Precision, recall, F1; 0 where undefined."""
    hit = float((truth & said).sum())
    precision, recall = hit / max(1, said.sum()), hit / max(1, truth.sum())
    return precision, recall, 2 * hit / max(1.0, float(truth.sum() + said.sum()))


def _class(label: str, truth: Bools, said: Bools) -> Report:
    precision, recall, f1 = _scores(truth, said)
    return {"label": label, "precision": precision, "recall": recall, "f1": f1, "support": int(truth.sum())}


def ece(confidence: Floats, right: Bools, bins: int = BINS) -> float:
    """Expected calibration error over ``bins`` of equal width (Guo et al., 2017)."""
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = [
        (which == k).mean() * abs(float(confidence[which == k].mean()) - float(right[which == k].mean()))
        for k in range(bins)
        if (which == k).any()
    ]
    return float(sum(gaps))


def interval(figure: Callable[[Ints], float], rows: int, resamples: int, seed: int) -> dict[str, float]:
    """``figure`` of all rows with its 95% percentile bootstrap interval."""
    draw = np.random.default_rng(seed)
    drawn = [figure(draw.integers(0, rows, rows)) for _ in range(resamples)] or [figure(np.arange(rows))]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"value": figure(np.arange(rows)), "low": float(low), "high": float(high)}
