# ruff: noqa: E501  (lines of a Markdown table and its prose)
"""The model card of a fine-tuned bundle, from what was measured; no figure is typed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEPT = ("accuracy", "macro_f1", "micro_f1", "recall", "precision", "specificity", "false_per_10000", "ece")


def figures(report: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """head -> figure -> value, of an `evaluate` report."""
    found = {}
    for head, measured in report["heads"].items():
        flat = {key: measured[key] for key in _KEPT if key in measured}
        found[head] = {
            "rows": measured["rows"],
            **{key: round(v["value"] if isinstance(v, dict) else float(v), 4) for key, v in flat.items()},
        }
    return found


def text(
    meta: Mapping[str, Any], report: Mapping[str, Any], sizes: Mapping[str, int], hashes: Mapping[str, str]
) -> str:
    """The card in Markdown."""
    lines = [
        f"# {meta['name']}@{meta['version']}",
        "",
        meta["about"],
        "",
        "**For** social-media posts like those it was trained on, after masking. **Not for** judging or ranking people, or for "
        "deciding without a person that a call is closed or false.",
        "",
        f"Licence {meta['licence']}. Base: {meta['base']}. {meta['parameters']:,} parameters; reads the first "
        f"{meta['max_tokens']} tokens of a post.",
        "",
    ]
    if "filled" in meta:
        lines += [
            f"No row taught {', '.join(meta['filled']['heads'])}: there the shipped n-gram model {meta['filled']['model']} answers, "
            "with its own calibration and thresholds (its card says how well).",
            "",
        ]
    if meta["untaught"]:
        lines += [
            f"**Nothing taught {', '.join(meta['untaught'])}**: no row had such a label. There the model gives the prior, which is "
            "neutral (no need, no hazard) with a probability that says so, for every post. Do not use these columns.",
            "",
        ]
    lines += [
        "## Measured",
        "On the validation part, which also chose the epoch and fitted the calibration: on posts that nothing has seen, expect a "
        "little less (`yuqing bench accuracy --data FILE --bundle DIR`). In brackets 95% bootstrap intervals.",
        "",
        "| head | rows | figure | value |",
        "| --- | --- | --- | --- |",
    ]
    for head, measured in report["heads"].items():
        for key in _KEPT:
            if key in measured:
                lines.append(f"| {head} | {measured['rows']:,} | {key} | {_shown(measured[key])} |")
    for head, measured in report["heads"].items():
        if measured.get("classes"):
            lines += [
                "",
                f"### {head}",
                "| label | precision | recall | F1 | rows |",
                "| --- | --- | --- | --- | --- |",
            ]
            lines += [
                f"| {row['label']} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {row['support']} |"
                for row in measured["classes"]
            ]
    if any(row["head"] == "help" for row in meta["training"]):
        help_head = meta["heads"]["help"]
        lines += [
            "",
            "## Thresholds",
            f"Help from {help_head['threshold'][0]:.2f}, the highest F1 on the validation part; a person should look at "
            f"[{help_head['abstain'][0]:.4f}, {help_head['abstain'][1]:.4f}). If everyday posts are rarer there than in the feed, raise it: "
            "false calls grow with the feed.",
        ]
    lines += [
        "",
        "## Trained on",
        "| head | training rows | validation rows |",
        "| --- | --- | --- |",
    ]
    held = {row["head"]: row["rows"] for row in meta["validation"]}
    lines += [f"| {row['head']} | {row['rows']:,} | {held[row['head']]:,} |" for row in meta["training"]]
    lines += ["", "Options: " + ", ".join(f"{name} {value}" for name, value in meta["options"].items()) + "."]
    losses = ", ".join(f"{loss:.4f}" for loss in meta["validation_loss"])
    made = meta["made_with"]
    lines += [
        f"Validation loss by epoch {losses}; epoch {meta['best_epoch']} was kept. Trained with torch {made['torch']} on "
        f"{made['device']}.",
        "",
        f"The embedding ({meta['embedding']['dimensions']} dimensions) is the mean state on its principal axes over the training "
        "rows; how well it clusters topics was not measured.",
        "",
        "## Files",
        "| file | bytes | SHA-256 |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {name} | {size:,} | {hashes[name]} |" for name, size in sizes.items()]
    lines += [f"| {name} (data, not in the bundle) | | {digest} |" for name, digest in meta["data"].items()]
    return "\n".join([*lines, ""])


def _shown(figure: Any) -> str:
    if isinstance(figure, dict):
        return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
    return f"{figure:.3f}"
