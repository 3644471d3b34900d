"""From a trained model to a bundle of kind "torch": calibration on the validation part, embedding, figures, card."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.calibration import Floats, best_threshold, platt, temperature
from training.finetune import card
from training.finetune.model import Base, Tuned, save
from training.finetune.rows import HEADS, Row, counts
from training.finetune.train import Options, Progress, fed
from udfs.encoder import batching
from udfs.encoder.bundle import BUNDLES, LABELS, MULTI_LABEL, Bundle, load_bundle, sha256, write_bundle
from udfs.encoder.evaluate import evaluate
from udfs.encoder.step import Classify

DIMENSIONS = 64
"""Of the embedding: what the shipped encoders give at most twice of; 64 bytes a post."""
_SAMPLE = 20_000
"""Training rows from which the embedding's axes are computed."""
_UNSURE = {"sentiment": 0.45, "emotion": 0.35, "source": 0.4, "state": 0.4}
"""A one-of head below this probability is too close to call."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a bundle says of itself and no measurement can tell."""

    name: str
    version: str
    licence: str
    data: Mapping[str, str]
    """SHA-256 of each data file by its name."""
    wide: bool = False
    """Whether required heads that no row teaches come from the shipped n-gram model."""


def heads_of(training: Sequence[Row]) -> tuple[list[str], list[str]]:
    """(heads of the bundle, those among them that some row teaches).

    The required four, and all three optional ones as soon as one of them has a labelled row.
    """
    found = counts(training)
    taught = [head for head in HEADS if found[head]]
    whole = list(LABELS) if set(taught) <= set(LABELS) else list(HEADS)
    return whole, taught


def scored(
    model: Tuned, rows: Sequence[Row], budget: int, pad: int, device: str
) -> tuple[dict[str, Floats], torch.Tensor]:
    """Logits [rows, labels] by head, and mean states [rows, hidden] on the CPU."""
    model.eval()
    logits = {head: np.zeros((len(rows), len(HEADS[head]))) for head in model.heads}
    states = torch.zeros(len(rows), model.encoder.config.hidden_size)
    with torch.no_grad():
        found = list(batching.sorted_by_length([row.ids for row in rows], budget))
        for batch, mean, by_head in fed(model, rows, found, pad, device):
            states[batch.rows] = mean.float().cpu()
            for head, scores in by_head.items():
                logits[head][batch.rows] = scores.double().cpu().numpy()
    return logits, states


def calibrated(head: str, scores: Floats | None, rows: Sequence[Row]) -> dict[str, Any]:
    """The head's part of bundle.json, fitted on the ``rows`` that have its label; neutral where nothing taught it."""
    names = HEADS[head]
    many = head in MULTI_LABEL
    each = len(names) if many else 1
    meta: dict[str, Any] = {
        "labels": list(names),
        "slope": [1.0] * each,
        "offset": [0.0] * each,
        "threshold": [0.5] * each if many else [],
        "abstain": [0.0, _UNSURE.get(head, 0.0)],
    }
    told = [at for at, row in enumerate(rows) if head in row.labels]
    if scores is None or not told:
        return meta
    if not many:
        meta["slope"] = [temperature(scores[told], np.array([rows[at].number(head) for at in told]))]
        return meta
    flags = np.array([rows[at].flags(head) for at in told], dtype=bool)
    curves = [platt(scores[told, k], flags[:, k]) for k in range(len(names))]
    meta["slope"], meta["offset"] = ([curve[k] for curve in curves] for k in (0, 1))
    chance = 1 / (1 + np.exp(-np.clip(scores[told] * meta["slope"] + meta["offset"], -30, 30)))
    meta["threshold"] = [
        best_threshold(chance[:, k], flags[:, k]) if flags[:, k].any() else 0.5 for k in range(len(names))
    ]
    if head == "help":
        meta["abstain"] = [meta["threshold"][0] / 4, meta["threshold"][0]]
    return meta


def axes(states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight [dimensions, hidden] and bias of the embedding: principal axes of the centred mean states."""
    mean = states.mean(0)
    centred = (states - mean).double()
    _, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(states) - 1))
    weight = vectors.flip(1)[:, :DIMENSIONS].T.float()
    return weight, -(weight @ mean)


def fill(folder: Path, meta: dict[str, Any], untaught: Sequence[str]) -> list[str]:
    """Let the shipped n-gram model answer for the required heads among ``untaught``, with its own calibration and
    thresholds; returns which these are."""
    filled = [head for head in LABELS if head in untaught]
    if filled:
        shipped = load_bundle(BUNDLES / "wide")
        shutil.copyfile(shipped.path / "wide.npz", folder / "wide.npz")
        alone = [float(head in filled) for head, labels in LABELS.items() for _ in labels]
        meta["mix"] = [alone, [1.0 - share for share in alone]]
        meta["heads"] |= {head: shipped.meta["heads"][head] for head in filled}
        meta["filled"] = {"heads": filled, "model": shipped.model}
    return filled


def write(
    folder: Path,
    model: Tuned,
    base: Base,
    described: Described,
    options: Options,
    progress: Progress,
    training: Sequence[Row],
    validation: Sequence[Row],
    max_tokens: int,
    device: str,
) -> Bundle:
    """Calibrate on ``validation``, write the files, measure the bundle through `classify`, write card and hashes."""
    heads, taught = heads_of(training)
    logits, _ = scored(model, validation, options.batch_tokens, base.pad, device)
    _, states = scored(model, training[:_SAMPLE], options.batch_tokens, base.pad, device)
    embedding = axes(states)
    folder.mkdir(parents=True, exist_ok=True)
    save(model, base.tokenizer, heads, embedding, folder)
    rows_of = {"training": counts(training), "validation": counts(validation)}
    meta: dict[str, Any] = {
        "name": described.name,
        "version": described.version,
        "kind": "torch",
        "licence": described.licence,
        "about": f"{base.origin}, fine-tuned by `yuqing train`; mean over tokens, one linear layer a head.",
        "base": base.origin,
        "max_tokens": max_tokens,
        "embedding": {"dimensions": len(embedding[0])},
        "heads": {head: calibrated(head, logits.get(head), validation) for head in heads},
        "untaught": [head for head in heads if head not in taught],
        "options": asdict(options),
        "validation_loss": [round(loss, 5) for loss in progress.history],
        "best_epoch": progress.best_epoch + 1,
        "parameters": sum(part.numel() for part in model.parameters()),
        "training": [
            {"head": head, "set": "the site's own", "rows": rows_of["training"][head]}
            for head in heads
            if head in taught
        ],
        "validation": [{"head": head, "rows": rows_of["validation"][head]} for head in heads if head in taught],
        "data": dict(described.data),
        "made_with": {"torch": torch.__version__, "device": device, "machine": platform.machine()},
    }
    if described.wide:
        filled = fill(folder, meta, meta["untaught"])
        meta["untaught"] = [head for head in meta["untaught"] if head not in filled]
    (folder / "CARD.md").write_text("being measured\n", encoding="utf-8")
    write_bundle(folder, meta)
    step = Classify(str(folder), cache_size=0, device=device)
    step.open()
    report = evaluate([row.as_given() for row in validation if row.labels], step, resamples=300)
    step.close()
    meta["measured"] = {"validation": json.loads(json.dumps(card.figures(report)))}
    sizes = {name: (folder / name).stat().st_size for name in ("model.safetensors", "heads.safetensors")}
    hashes = {name: sha256(folder / name) for name in sizes}
    (folder / "CARD.md").write_text(card.text(meta, report, sizes, hashes), encoding="utf-8")
    return write_bundle(folder, meta)
