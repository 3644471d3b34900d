"""A teacher: a base goes on with masked-language modelling on the corpus (Gururangan et al., 2020), then learns the
labels.

    python -m training.encoder.teach --corpus CORPUS --base PACKED --name e5 --output RUN

PACKED.xz and PACKED.json come from `bases`. Writes, under RUN:
NAME-raw.npy (embedding of every text by the base as it is), NAME-logits.npy (mean of all seeds, corpus texts, then
spliced ones), NAME-teacher.pt (the first seed), NAME-base.pt (after masked-language modelling).
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from training.encoder import loop, outputs, tensors
from training.encoder.architectures import Transformer, build
from training.encoder.corpus import Corpus, spliced

log = logging.getLogger(__name__)
BASES: dict[str, dict[str, Any]] = {
    "e5": {"heads": 12, "pad": 1, "mask": "<mask>", "special": (0, 1, 2, 3), "prefix": "query: ", "pool": "mean"},
    "bge": {"heads": 8, "pad": 0, "mask": "[MASK]", "special": (0, 1, 2, 3, 4), "prefix": None, "pool": "first"},
}
LONGEST = 96
SPLICED = 200_000
SHARE = {
    "weibo2018": 2.0,
    "weibo-senti": 0.5,
    "tweeteval": 1.5,
    "covid19": 0.7,
    "grammar-calls": 0.4,
    "grammar-chatter": 0.5,
    "stream-quiet": 0.4,
    "en_crisis": 0.4,
    "citizen": 0.3,
    "emergency-news": 0.5,
    "en_needs": 2.0,
    "stream-calls": 8.0,
    "written": 5.0,
    "everyday-en": 0.5,
}
"""How often an epoch shows a row, by the start of its origin; 1 for the rest."""


def half(device: str) -> torch.autocast:
    """bfloat16 on a GPU; on most CPUs it is emulated, and far slower than float32."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda")


def groups(model: Transformer, rate: float, decay: float) -> list[dict[str, Any]]:
    """Parameters with a rate that falls from layer to layer downwards (Howard & Ruder, 2018)."""
    layers = len(model.encoder.encoder.layer)
    found: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name.startswith("heads"):
            scale = 8.0
        elif ".layer." in name:
            scale = decay ** (layers - 1 - int(name.split(".layer.")[1].split(".")[0]))
        else:
            scale = decay**layers
        found.setdefault(scale, []).append(parameter)
    return [{"params": parameters, "scale": scale, "lr": rate * scale} for scale, parameters in found.items()]


class Masked(torch.nn.Module):
    """A transformer with a head that guesses masked pieces; the output table is the input's."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        hidden = model.encoder.config.hidden_size
        self.model = model
        self.head = torch.nn.Sequential(torch.nn.Linear(hidden, hidden), torch.nn.GELU(), torch.nn.LayerNorm(hidden))
        self.bias = torch.nn.Parameter(torch.zeros(model.encoder.config.vocab_size))

    def loss(self, pieces: tensors.Pieces, part: torch.Tensor, mask_id: int, special: torch.Tensor) -> torch.Tensor:
        """15% of the pieces are to be guessed, of which 80% are masked and 10% other pieces (Devlin et al., 2019)."""
        ids, mask = pieces.padded(part)
        chosen = (mask == 1) & ~torch.isin(ids, special) & (torch.rand(ids.shape, device=ids.device) < 0.15)
        kind = torch.rand(ids.shape, device=ids.device)
        shown = torch.where(chosen & (kind < 0.8), mask_id, ids)
        shown = torch.where(
            chosen & (kind > 0.9), torch.randint(5, len(self.bias), ids.shape, device=ids.device), shown
        )
        with half(pieces.device):
            table = self.model.encoder.embeddings.word_embeddings.weight
            logits = self.head(self.model.states(shown, mask)[chosen]) @ table.t() + self.bias
        return functional.cross_entropy(logits.float(), ids[chosen])


def pretrain(
    model: Transformer, pieces: tensors.Pieces, base: dict[str, Any], clock: tensors.Clock, budget: int, kept: Path
) -> None:
    """Masked-language modelling on every text."""
    masked = Masked(model).to(pieces.device)
    used = [p for name, p in masked.named_parameters() if not name.startswith("model.heads")]
    optimiser = torch.optim.AdamW(used, lr=3e-4, weight_decay=0.01, fused=pieces.device == "cuda")
    special = torch.tensor(base["special"], device=pieces.device)
    rows = np.arange(len(pieces.lengths))
    loop.train(
        "masked",
        masked,
        optimiser,
        pieces,
        lambda draw: rows,
        lambda part: masked.loss(pieces, part, base["mask_id"], special),
        clock,
        budget,
        3e-4,
        5,
        kept,
    )


def shares(corpus: Corpus) -> npt.NDArray[np.float64]:
    """How often an epoch shows each row: labelled ones of the train parts."""
    labelled = ((corpus.part == 0) & ((corpus.emotion >= 0) | (corpus.sentiment >= 0))) | (
        (corpus.need_part == 0) & (corpus.flags[:, 0] >= 0)
    )
    return np.where(labelled, corpus.share(SHARE), 0.0)


def sampled(share: npt.NDArray[np.float64], draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """Rows of one epoch; a share of 1.5 shows a row once or twice."""
    return np.repeat(
        np.arange(len(share)), np.where(share > 0, np.floor(share + draw.random(len(share))), 0).astype(np.int64)
    )


def learn(
    model: Transformer,
    pieces: tensors.Pieces,
    corpus: Corpus,
    labels: outputs.Labels,
    clock: tensors.Clock,
    budget: int,
    peak: float,
    seed: int,
    kept: Path,
) -> None:
    """Fine-tuning on the labels of every head."""
    optimiser = torch.optim.AdamW(groups(model, peak, 0.93), weight_decay=0.01, fused=pieces.device == "cuda")
    share = shares(corpus)

    def loss_of(part: torch.Tensor) -> torch.Tensor:
        with half(pieces.device):
            logits, _ = model(*pieces.padded(part))
        return labels.loss(logits.float(), part)

    loop.train(
        "labels", model, optimiser, pieces, lambda draw: sampled(share, draw), loss_of, clock, budget, peak, seed, kept
    )


@torch.inference_mode()
def predicted(model: torch.nn.Module, pieces: tensors.Pieces, budget: int) -> npt.NDArray[np.float16]:
    """Logits of every text."""
    model.eval()
    found = torch.zeros(len(pieces.lengths), outputs.OUTPUTS, dtype=torch.float16, device=pieces.device)
    for part in pieces.batches(np.arange(len(pieces.lengths)), budget, None):
        with half(pieces.device):
            logits, _ = model(*pieces.padded(part))
        found[part] = logits.half()
    return found.cpu().numpy()


@torch.inference_mode()
def embedded(model: Transformer, pieces: tensors.Pieces, pool: str, budget: int) -> npt.NDArray[np.float16]:
    """Embedding of every text by the base as it is, rows of length one."""
    model.eval()
    width = model.encoder.config.hidden_size
    found = torch.zeros(len(pieces.lengths), width, dtype=torch.float16, device=pieces.device)
    for part in pieces.batches(np.arange(len(pieces.lengths)), budget, None):
        ids, mask = pieces.padded(part)
        with half(pieces.device):
            states = model.states(ids, mask).float()
        pooled = states[:, 0] if pool == "first" else (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        found[part] = functional.normalize(pooled, dim=-1).half()
    return found.cpu().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="packed base, without .xz")
    parser.add_argument("--name", choices=sorted(BASES), required=True)
    parser.add_argument("--output", type=Path, required=True)
    for name, what in (("pretrain", "masked-language modelling"), ("learn", "labels, of each seed")):
        parser.add_argument(f"--{name}-steps", type=int, help=f"steps of {what}")
        parser.add_argument(f"--{name}-seconds", type=float, help=f"or its seconds: {what}")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--budget", type=int, default=16_384, help="padded tokens of a batch")
    parser.add_argument("--rows", type=int, help="only so many texts (smoke test)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {given.name} %(message)s")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    given.output.mkdir(parents=True, exist_ok=True)
    corpus = Corpus.load(given.corpus)
    if given.rows:
        corpus = corpus.part_of(np.random.default_rng(0).permutation(len(corpus.texts))[: given.rows])
    more = spliced(corpus, SPLICED if not given.rows else 100, 11)
    base = BASES[given.name]
    tokenizer = given.base.with_suffix(".json")
    coder = Tokenizer.from_file(str(tokenizer))
    base["mask_id"] = coder.token_to_id(base["mask"])
    weights = tensors.unpacked(given.base.with_suffix(".xz"))
    shape = tensors.config_of(weights, base["heads"], base["pad"])
    model = build(shape, outputs.OUTPUTS, outputs.DIMENSIONS)
    model.encoder.load_state_dict(weights)
    model.to(device)
    start = coder.encode(base["prefix"], add_special_tokens=False).ids if base["prefix"] else None
    every = tensors.Pieces(tokenizer, corpus.texts + more, LONGEST, base["pad"], device)
    log.info("%d texts, %.1f pieces each", len(every.lengths), every.lengths.mean())
    known = tensors.Pieces(tokenizer, corpus.texts + more, 64, base["pad"], device, start) if start else every
    np.save(given.output / f"{given.name}-raw.npy", embedded(model, known, base["pool"], given.budget * 4))
    del known
    log.info("embedded")
    clock = tensors.Clock(given.pretrain_steps, given.pretrain_seconds)
    pretrain(model, every, base, clock, given.budget * 2, given.output / f"{given.name}-masked.part")
    tensors.save(given.output / f"{given.name}-base.pt", model, shape)
    labels = outputs.Labels(corpus, device)
    total: npt.NDArray[np.float32] | None = None
    for seed in range(given.seeds):
        taught = copy.deepcopy(model)
        clock = tensors.Clock(given.learn_steps, given.learn_seconds)
        kept = given.output / f"{given.name}-{seed}.part"
        learn(taught, every, corpus, labels, clock, given.budget, given.rate, seed, kept)
        logits = predicted(taught, every, given.budget * 4)
        log.info(
            "seed %d, %d steps: %s", seed, clock.step, json.dumps(outputs.judged(corpus, logits[: len(corpus.texts)]))
        )
        total = logits.astype(np.float32) + (0 if total is None else total)
        if seed == 0:
            tensors.save(given.output / f"{given.name}-teacher.pt", taught, shape)
    if total is None:
        parser.error("--seeds must be at least 1")
    total /= given.seeds
    np.save(given.output / f"{given.name}-logits.npy", total.astype(np.float16))
    log.info("all seeds: %s", json.dumps(outputs.judged(corpus, total[: len(corpus.texts)])))


if __name__ == "__main__":
    main()
