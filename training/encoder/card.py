# ruff: noqa: E501  (lines of a Markdown table)
"""Writes a bundle's model card from what was measured; no figure is typed by hand."""

from __future__ import annotations

import platform
import random
import time
from typing import Any

from training.encoder.calls import expand
from training.encoder.chatter import CHATTER
from udfs.encoder.evaluate import Report, classified
from udfs.encoder.step import Classify

ABOUT = {
    "wide": "Hashed character n-grams (1-4, and Latin words 1-2) with TF-IDF into one linear layer for all heads; int8, pure numpy.",
    "encoder": "An encoder in ONNX (int8) whose logits are added to those of a hashed n-gram model: wide and deep (Cheng et al., 2016).",
}


def figures(reports: dict[str, Report]) -> dict[str, Any]:
    """The figures that stand in bundle.json: set -> head -> name -> value."""
    result: dict[str, Any] = {}
    for name, report in reports.items():
        head = name.split(",")[0]
        found = report["heads"][head]
        kept = ("accuracy", "macro_f1", "macro_recall", "recall", "precision", "specificity", "false_per_10000", "ece")
        flat = {key: found[key] for key in kept if key in found}
        result[name] = {
            "rows": report["rows"],
            **{k: round(v["value"] if isinstance(v, dict) else v, 4) for k, v in flat.items()},
        }
    return result


def speed(step: Classify, posts: int = 4000, seed: int = 3) -> dict[str, float]:
    """Posts per CPU-second of ``step`` (opened, no cache) on grammar-written posts cut to about 40 characters."""
    draw = random.Random(seed)  # noqa: S311
    texts = []
    while len(texts) < posts:
        text = "，".join(
            expand(f"{{{draw.choice(('scene', 'wish', 'ask', 'opinion'))}}}", draw, CHATTER) for _ in range(4)
        )
        texts.append(text[: draw.randint(30, 50)])
    classified(texts[:512], ["zh"] * 512, step)
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        classified(texts, ["zh"] * posts, step)
        best = max(best, posts / (time.process_time() - started))
    return {
        "posts_per_cpu_second": round(best),
        "characters": round(sum(map(len, texts)) / posts),
        "processor": _processor(),
    }


def _hints(heads: dict[str, Any]) -> list[str]:
    """What the model alone tells triage, on the hand-written posts."""
    if "hazards" not in heads:
        return []
    lines = [
        "",
        "### Hints for triage",
        "Hazards, source and state by the model alone, on the same posts; triage weighs them against its rules.",
        "",
        "| head | accuracy | macro-F1 | micro-F1 | posts |",
        "| --- | --- | --- | --- | --- |",
    ]
    for head in ("hazards", "source", "state"):
        found = heads[head]
        figures = (_ci(found.get("accuracy")), _ci(found["macro_f1"]), _ci(found.get("micro_f1")))
        lines.append(f"| {head} | {' | '.join(figures)} | {found['rows']} |")
    return lines


def text(
    meta: dict[str, Any],
    reports: dict[str, Report],
    by_kind: dict[str, Report],
    fair: list[dict[str, Any]],
) -> str:
    """The card in Markdown."""
    rate = meta["speed"]
    lines = [
        f"# {meta['name']}@{meta['version']}",
        "",
        meta["about"],
        "",
        "**For** sentiment, emotion and need of social-media posts, Chinese first, English second, after masking. **Not for** "
        "judging or ranking people, for medical or legal text, or for deciding without a person that a call is closed or false.",
        "",
        f"Licence {meta['licence']}. Speed: {rate['posts_per_cpu_second']:,} posts of {rate['characters']} characters per "
        f"CPU-second, one thread, {rate['processor']}, no cache.",
        "",
        "## Measured",
        "On rows that training did not see (a tenth of each set, drawn by hash; figures in brackets are 95% bootstrap intervals).",
        "",
        "| set | rows | accuracy | macro-F1 | ECE |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, report in reports.items():
        head = name.split(",")[0]
        if head in ("sentiment", "emotion"):
            found = report["heads"][head]
            lines.append(
                f"| {name} | {report['rows']:,} | {_ci(found['accuracy'])} | {_ci(found['macro_f1'])} | {_number(found.get('ece'))} |"
            )
    lines += [
        "",
        "| set | rows | calls | recall | precision | specificity | false calls in 10,000 | ECE |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, report in reports.items():
        if name.startswith("help"):
            found = report["heads"]["help"]
            false = f"{found['false_per_10000']:.1f}" if "false_per_10000" in found else ""
            lines.append(
                f"| {name} | {report['rows']:,} | {found['calls']:,} | {_ci(found.get('recall'))} | {_ci(found.get('precision'))} "
                f"| {_ci(found.get('specificity'))} | {false} | {_number(found['ece'])} |"
            )
    lines += [
        "",
        "`hand-written` is this project's own development set (`training/encoder/dev_needs.jsonl`): short, deliberately hard posts.",
        "One author wrote it and the grammar, so real posts may be easier or harder. Needs on it, and by kind of post:",
        "",
        "| need | precision | recall | F1 | posts |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in reports["help, hand-written"]["heads"]["needs"]["classes"]:
        lines.append(
            f"| {row['label']} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {row['support']} |"
        )
    lines += ["", "| kind | posts | calls | found | falsely called |", "| --- | --- | --- | --- | --- |"]
    for kind, found in sorted(by_kind.items()):
        caught = round(found["recall"]["value"] * found["calls"]) if "recall" in found else 0
        false = round(found.get("false_per_10000", 0) / 1e4 * (found["rows"] - found["calls"]))
        lines.append(f"| {kind} | {found['rows']} | {found['calls']} | {caught} | {false} |")
    lines += _hints(reports["help, hand-written"]["heads"])
    for name in ("emotion, everyday Weibo", "emotion, epidemic Weibo"):
        lines += ["", f"### {name}", "| emotion | precision | recall | F1 | rows |", "| --- | --- | --- | --- | --- |"]
        for row in reports[name]["heads"]["emotion"]["classes"]:
            lines.append(
                f"| {row['label']} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {row['support']} |"
            )
    lines += [
        "",
        "## Fairness",
        "The same sentence with one word for a group exchanged (`training/encoder/fairness.py`): mean change over all pairs; the aim is at most .05.",
        "",
        "| group | pairs | probability of negative | probability of help | another need |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['group']} | {row['pairs']} | {row['negative']:.3f} | {row['help']:.3f} | {row['need_changed']:.1%} |"
        for row in fair
    ]
    heads = meta["heads"]
    lines += [
        "",
        "## Thresholds",
        f"Help from {heads['help']['threshold'][0]:.4f}, set for few false calls on everyday posts; a person should look "
        f"at [{heads['help']['abstain'][0]:.4f}, {heads['help']['abstain'][1]:.4f}). Sentiment below {heads['sentiment']['abstain'][1]} and "
        f"emotion below {heads['emotion']['abstain'][1]} are too close to call.",
        "",
        "## Trained on",
        "| head | set | rows |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {row['head']} | {row['set']} | {row['rows']:,} |" for row in meta["training"]]
    lines += [
        "",
        "Public sets carry their authors' labels and errors; several have no licence file. No Chinese set of calls for help is public: "
        "`grammar-*` and `written-*` are this project's own, `stream-calls` are chosen by wording, `everyday-*` count as asking nothing though nobody read them all. "
        "How often each is shown: `teach.py`, SHARE. Students also saw the teachers' word on texts without labels (`collect.py`).",
        "",
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _ci(figure: dict[str, float] | None) -> str:
    return "" if figure is None else f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"
