"""A student: learns from the mean of the teachers' logits on every text there is, from labels, and from the bases'
embeddings.

    python -m training.encoder.distil --corpus CORPUS --base PACKED --run RUN --name NAME --shape '{"kind": "teacher"}'

RUN holds what `teach` left for both bases. The embedding's target is the bases' own: centred, side by side, and cut to
DIMENSIONS principal components. SHAPE is a network of `architectures` (JSON), or {"kind": "teacher"}: the e5 teacher
goes on learning. Writes NAME.pt; a student starts from the rows of e5's embedding, cut to its width by principal
components.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from training.encoder import loop, outputs, teach, tensors
from training.encoder.architectures import build
from training.encoder.corpus import Corpus, spliced

log = logging.getLogger(__name__)
HEAT = 1.5
GOLD = 0.4
"""Weight of the labels beside the teachers."""
EMBEDDING = 1.0
SHARE = {
    "unlabelled-titles": 0.5,
    "grammar": 0.7,
    "unlabelled-en_crisis": 0.7,
    "citizen": 0.5,
    "written": 4.0,
    "smp": 2.0,
    "weibo2018": 2.0,
    "en_needs": 2.0,
}
"""How often an epoch shows a text, by the start of its origin; 1 for the rest."""


def principal(rows: torch.Tensor, dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and the first ``dimensions`` principal axes [width, dimensions] of ``rows``."""
    middle = rows.mean(0)
    centred = rows - middle
    _, vectors = torch.linalg.eigh(centred.t() @ centred / len(rows))
    return middle, vectors.flip(1)[:, :dimensions]


def target(run: Path, device: str) -> torch.Tensor:
    """What the embedding should be, rows of length one."""
    parts = []
    for name in teach.BASES:
        raw = torch.from_numpy(np.load(run / f"{name}-raw.npy")).to(device).float()
        parts.append(functional.normalize(raw - raw.mean(0), dim=-1))
    both = torch.cat(parts, dim=1)
    _, axes = principal(both, outputs.DIMENSIONS)
    return functional.normalize(both @ axes, dim=-1).half()


def begun(shape: dict[str, Any], run: Path, device: str) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The student before its first step, and its full shape."""
    weights, whole = tensors.load(run / "e5-teacher.pt")
    if shape["kind"] == "teacher":
        model = build(whole, outputs.OUTPUTS, outputs.DIMENSIONS)
        model.load_state_dict(weights)
        return model.to(device), whole
    if shape["kind"] == "layers":
        kept = shape["of"]
        shape = {**whole, "num_hidden_layers": len(kept)}
        model = build(shape, outputs.OUTPUTS, outputs.DIMENSIONS)
        names = {f"encoder.encoder.layer.{old}.": f"encoder.encoder.layer.{new}." for new, old in enumerate(kept)}
        state = {k: v for k, v in weights.items() if ".layer." not in k}
        for name, value in weights.items():
            for old, new in names.items():
                if name.startswith(old):
                    state[new + name.removeprefix(old)] = value
        model.load_state_dict(state)
        return model.to(device), shape
    rows = weights["encoder.embeddings.word_embeddings.weight"]
    shape = {**shape, "pieces": len(rows)}
    model = build(shape, outputs.OUTPUTS, outputs.DIMENSIONS)
    width = model.word_embeddings.embedding_dim
    if width < rows.shape[1]:
        middle, axes = principal(rows, width)
        rows = (rows - middle) @ axes
    model.word_embeddings.weight.data.copy_(rows)
    return model.to(device), shape


def shares(corpus: Corpus, extra: int) -> npt.NDArray[np.float64]:
    """How often an epoch shows each text: none that a held-out figure rests on."""
    held = (corpus.part > 0) | (corpus.need_part == 2)
    return np.concatenate([np.where(held, 0.0, corpus.share(SHARE)), np.ones(extra)])


def learn(
    model: torch.nn.Module,
    pieces: tensors.Pieces,
    corpus: Corpus,
    wanted: torch.Tensor,
    meant: torch.Tensor,
    clock: tensors.Clock,
    budget: int,
    peak: float,
    seed: int,
    kept: Path,
) -> None:
    """Train on the teachers' logits ``wanted``, the embedding's target ``meant`` and what labels there are."""
    device, count = pieces.device, len(corpus.texts)
    labels = outputs.Labels(corpus, device)
    extra = len(pieces.lengths) - count
    hidden = torch.from_numpy(np.concatenate([corpus.need_part > 0, np.zeros(extra, np.bool_)])).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.01, fused=device == "cuda")
    share = shares(corpus, extra)

    def loss_of(part: torch.Tensor) -> torch.Tensor:
        with teach.half(device):
            logits, vector = model(*pieces.padded(part))
        logits = logits.float()
        loss = outputs.agreement(logits, wanted[part].float(), hidden[part], HEAT)
        known = part < count
        if bool(known.any()):
            loss = loss + GOLD * labels.loss(logits[known], part[known])
        near = (functional.normalize(vector.float(), dim=-1) * meant[part].float()).sum(1)
        return loss + EMBEDDING * (1 - near).mean()

    loop.train(
        "student",
        model,
        optimiser,
        pieces,
        lambda draw: teach.sampled(share, draw),
        loss_of,
        clock,
        budget,
        peak,
        seed,
        kept,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "base", "run"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--shape", type=json.loads, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--budget", type=int, default=32_768, help="padded tokens of a batch")
    parser.add_argument("--longest", type=int, default=64, help="pieces read of a text")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--rows", type=int, help="only so many texts (smoke test)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {given.name} %(message)s")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    corpus = Corpus.load(given.corpus)
    if given.rows:
        corpus = corpus.part_of(np.random.default_rng(0).permutation(len(corpus.texts))[: given.rows])
    more = spliced(corpus, teach.SPLICED if not given.rows else 100, 11)
    both = [np.load(given.run / f"{name}-logits.npy").astype(np.float32) for name in teach.BASES]
    total = np.mean(both, axis=0)
    log.info("teachers together: %s", json.dumps(outputs.judged(corpus, total[: len(corpus.texts)])))
    wanted = torch.from_numpy(total.astype(np.float16)).to(device)
    meant = target(given.run, device)
    pieces = tensors.Pieces(given.base.with_suffix(".json"), corpus.texts + more, given.longest, 1, device)
    model, shape = begun(given.shape, given.run, device)
    log.info("%s, %d weights", json.dumps(shape), sum(p.numel() for p in model.parameters()))
    clock = tensors.Clock(given.steps, given.seconds)
    learn(
        model,
        pieces,
        corpus,
        wanted,
        meant,
        clock,
        given.budget,
        given.rate,
        given.seed,
        given.run / f"{given.name}.part",
    )
    logits = teach.predicted(model, pieces, given.budget * 4).astype(np.float32)
    log.info("%d steps: %s", clock.step, json.dumps(outputs.judged(corpus, logits[: len(corpus.texts)])))
    tensors.save(given.run / f"{given.name}.pt", model, shape)
    (given.run / f"{given.name}.xz").write_bytes(tensors.packed(dict(model.state_dict())))
    (given.run / f"{given.name}.json").write_text(json.dumps(shape | {"steps": clock.step}), encoding="utf-8")


if __name__ == "__main__":
    main()
