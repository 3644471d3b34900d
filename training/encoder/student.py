"""Fine-tunes a part of multilingual-e5-small on all heads at once (torch; its own environment, see README.md).

    python -m training.encoder.student --data DATA --base E5 --output RUN --layers 0,3,7,11   # a transformer
    python -m training.encoder.student --data DATA --base E5 --output RUN --filters 128      # convolutions

``--base`` is a Hugging Face BertModel folder with tokenizer.json. Rows carry what labels they have; a missing one adds
no loss. The vocabulary is cut to what occurs. A checkpoint is written every 200 steps and a run goes on from it;
the order of rows depends on seed and step alone, so a resumed run sees the same batches.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from schemas.records import EMOTIONS, NEEDS, SENTIMENTS
from training.encoder import data, needs
from udfs.encoder.text import OTHER_TOKEN, TOKEN_CHARS

log = logging.getLogger(__name__)
LENGTH = 64
"""Tokens that are read of a text (about 85 Chinese characters; a call says what it wants early)."""
SMALLER = {
    "everyday-zh_polarity_weak": 0.05,
    "everyday-en_sentiment": 0.2,
    "stream-quiet": 0.15,
    "en_crisis": 0.3,
    "citizen": 0.3,
    "grammar-calls": 0.6,
    "grammar-chatter": 0.6,
    "emergency-news": 0.5,
}
"""Share of a source that one core has time for."""
SHARE = 0.25
"""Share of the large sentiment sets (distant labels, English)."""
OUTPUTS = len(SENTIMENTS) + len(EMOTIONS) + len(NEEDS) + 1


@dataclass
class Sample:
    """A text with the labels it has: class numbers or -1, need flags or None."""

    text: str
    sentiment: int = -1
    emotion: int = -1
    flags: list[int] | None = None
    ids: list[int] = field(default_factory=list)


def samples(folder: Path, seed: int, rows: list[needs.NeedRow]) -> list[Sample]:
    """Training rows of all heads, one a text."""
    draw = random.Random(seed)  # noqa: S311
    found: dict[str, Sample] = {}
    for row in data.emotions(folder):
        if row.part == "train":
            found.setdefault(row.text, Sample(row.text)).emotion = EMOTIONS.index(row.label)
    for row in data.sentiments(folder):
        small = row.source == "weibo-senti-100k" or row.language == "en"
        if row.part == "train" and not (small and row.text not in found and draw.random() > SHARE):
            found.setdefault(row.text, Sample(row.text)).sentiment = SENTIMENTS.index(row.label)
    for need_row in rows:
        if need_row.part == "train" and (need_row.text in found or draw.random() < SMALLER.get(need_row.source, 1.0)):
            flags = [int(need in need_row.needs) for need in NEEDS] + [int(need_row.asks)]
            found.setdefault(need_row.text, Sample(need_row.text)).flags = flags
    return list(found.values())


def cut_vocabulary(base: Path, texts: list[str], least: int) -> tuple[Tokenizer, list[int]]:
    """A tokenizer with the pieces that occur ``least`` times (single characters twice) and one a mask token.

    Also returns the base's id of each kept piece, -1 for the new ones.
    """
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    counted: Counter[int] = Counter()
    for at in range(0, len(texts), 2000):
        for encoding in tokenizer.encode_batch(texts[at : at + 2000]):
            counted.update(encoding.ids)
    written = json.loads(tokenizer.to_str())
    pieces = written["model"]["vocab"]
    kept = [i for i, (piece, _) in enumerate(pieces) if i < 4 or counted[i] >= (2 if len(piece) == 1 else least)]
    marks = [*TOKEN_CHARS.values(), OTHER_TOKEN]
    written["model"]["vocab"] = [pieces[i] for i in kept] + [[mark, 0.0] for mark in marks]
    return Tokenizer.from_str(json.dumps(written)), kept + [-1] * len(marks)


def transformer(base: Path, layers: list[int], kept: list[int]) -> torch.nn.Module:
    """``layers`` of the base model over the kept rows of its embedding."""
    whole = BertModel.from_pretrained(base, add_pooling_layer=False)
    settings = {
        **whole.config.to_dict(),
        "num_hidden_layers": len(layers),
        "vocab_size": len(kept),
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.0,
    }
    small = BertModel(BertConfig(**settings), add_pooling_layer=False)
    small.embeddings.load_state_dict(
        {k: v for k, v in whole.embeddings.state_dict().items() if "word" not in k}, strict=False
    )
    for at, layer in enumerate(layers):
        small.encoder.layer[at].load_state_dict(whole.encoder.layer[layer].state_dict())
    small.embeddings.word_embeddings = kept_rows(whole, kept)
    return Student(small)


def kept_rows(whole: BertModel, kept: list[int]) -> torch.nn.Embedding:
    """The kept pieces' rows of the embedding; a new piece starts as the mean of all."""
    source = whole.embeddings.word_embeddings.weight.data
    rows = torch.stack([source[i] if i >= 0 else source.mean(0) for i in kept])
    return torch.nn.Embedding.from_pretrained(rows, freeze=False, sparse=True)


class Student(torch.nn.Module):
    """Encoder, mean over tokens, one linear layer for all heads."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop = torch.nn.Dropout(0.1)
        self.heads = torch.nn.Linear(encoder.config.hidden_size, OUTPUTS)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        pooled = (states * weights).sum(1) / weights.sum(1)
        return self.heads(self.drop(pooled).unsqueeze(1)).squeeze(1)


class Convolution(torch.nn.Module):
    """Convolutions of widths 1 to 4 over the embedding, their maxima and means, one linear layer (Kim, 2014).

    A convolution of width k is k products with the token states, shifted and added: one matrix product for all, which
    int8 kernels run well. About a twentieth of the cost of one transformer layer.
    """

    WIDTHS = (1, 2, 3, 4)

    def __init__(self, word_embeddings: torch.nn.Embedding, filters: int) -> None:
        super().__init__()
        hidden = word_embeddings.embedding_dim
        self.word_embeddings = word_embeddings
        self.norm = torch.nn.LayerNorm(hidden)
        self.drop = torch.nn.Dropout(0.2)
        self.filters = filters
        self.products = torch.nn.Linear(hidden, filters * sum(self.WIDTHS), bias=False)
        self.bias = torch.nn.Parameter(torch.zeros(filters * len(self.WIDTHS)))
        each = filters * len(self.WIDTHS)  # maxima and means differ tenfold in size: an int8 scale for each
        self.heads = torch.nn.ModuleList([torch.nn.Linear(each, OUTPUTS), torch.nn.Linear(each, OUTPUTS, bias=False)])

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        weights = mask.unsqueeze(-1).float()
        states = self.drop(self.norm(self.word_embeddings(ids))) * weights
        products = self.products(states)
        found, at = [], 0
        for width in self.WIDTHS:
            total = products[:, :, at : at + self.filters]
            for shift in range(1, width):
                begin = at + shift * self.filters
                later = products[:, shift:, begin : begin + self.filters]
                total = total + torch.nn.functional.pad(later, (0, 0, 0, shift))
            found.append(total)
            at += width * self.filters
        active = torch.relu(torch.cat(found, dim=-1) + self.bias) * weights
        largest = self.drop(active.amax(dim=1)).unsqueeze(1)
        mean = self.drop(active.sum(dim=1) / weights.sum(dim=1)).unsqueeze(1)
        return (self.heads[0](largest) + self.heads[1](mean)).squeeze(1)


def loss_of(logits: torch.Tensor, batch: list[Sample], balance: torch.Tensor) -> torch.Tensor:
    """Cross-entropy on the one-of heads (rare emotions weigh more), binary on needs and help."""
    at = len(SENTIMENTS)
    sentiment = torch.tensor([s.sentiment for s in batch])
    emotion = torch.tensor([s.emotion for s in batch])
    total = logits.sum() * 0
    if (sentiment >= 0).any():
        total = total + 0.6 * torch.nn.functional.cross_entropy(logits[:, :at], sentiment, ignore_index=-1)
    if (emotion >= 0).any():
        total = total + torch.nn.functional.cross_entropy(
            logits[:, at : at + len(EMOTIONS)], emotion, balance, ignore_index=-1
        )
    told = [i for i, s in enumerate(batch) if s.flags is not None]
    if told:
        flags = torch.tensor([batch[i].flags for i in told], dtype=torch.float32)
        total = total + 4 * torch.nn.functional.binary_cross_entropy_with_logits(
            logits[told, at + len(EMOTIONS) :], flags
        )
    return total


def batches(rows: list[Sample], size: int, seed: int, first: int, last: int) -> Iterator[tuple[int, list[Sample]]]:
    """(step, batch) from ``first`` on; texts of like length together, batches in random order."""
    per_epoch = len(rows) // size
    for epoch in range(first // per_epoch, (last - 1) // per_epoch + 1):
        draw = random.Random(f"{seed}-{epoch}")  # noqa: S311
        order = list(range(len(rows)))
        draw.shuffle(order)
        pool = size * 40
        grouped = [sorted(order[at : at + pool], key=lambda i: len(rows[i].ids)) for at in range(0, len(order), pool)]
        flat = [i for group in grouped for i in group]
        starts = list(range(0, per_epoch * size, size))
        draw.shuffle(starts)
        for number, at in enumerate(starts):
            step = epoch * per_epoch + number
            if first <= step < last:
                yield step, [rows[i] for i in flat[at : at + size]]


def padded(batch: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(s.ids) for s in batch)
    ids = torch.tensor([s.ids + [1] * (longest - len(s.ids)) for s in batch])
    mask = torch.tensor([[1] * len(s.ids) + [0] * (longest - len(s.ids)) for s in batch])
    return ids, mask


def train(
    model: torch.nn.Module, rows: list[Sample], output: Path, steps: int, size: int, rate: float, seed: int
) -> None:
    """Run to ``steps``, from the checkpoint in ``output`` where there is one; leaves student.pt."""
    counts = torch.tensor(
        [max(1, sum(s.emotion == k for s in rows)) for k in range(len(EMOTIONS))], dtype=torch.float32
    )
    balance = (counts.mean() / counts).sqrt()
    table = [p for name, p in model.named_parameters() if "word_embeddings" in name]
    rest = [p for name, p in model.named_parameters() if "word_embeddings" not in name and "heads" not in name]
    dense = torch.optim.AdamW(
        [{"params": rest, "lr": rate}, {"params": model.heads.parameters(), "lr": rate * 5}], weight_decay=0.01
    )
    sparse = torch.optim.SparseAdam(table, lr=rate)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            o, lambda step: min(1.0, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
        )
        for o in (dense, sparse)
    ]
    checkpoint, first = output / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for part, saved in zip((dense, sparse, *schedules), state["parts"], strict=True):
            part.load_state_dict(saved)
        first = state["step"]
        log.info("goes on from step %d", first)
    model.train()
    running, seen, began = 0.0, 0, time.process_time()
    for step, batch in batches(rows, size, seed, first, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        loss = loss_of(model(*padded(batch)), batch, balance)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for optimiser, schedule in zip((dense, sparse), schedules, strict=True):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            schedule.step()
        running, seen = running + float(loss.detach()), seen + len(batch)
        if (step + 1) % 100 == 0:
            log.info(
                "step %d of %d, loss %.4f, %.0f rows a CPU-second",
                step + 1,
                steps,
                running / 100,
                seen / (time.process_time() - began),
            )
            running = 0.0
        if (step + 1) % 200 == 0:
            state = {
                "model": model.state_dict(),
                "parts": [p.state_dict() for p in (dense, sparse, *schedules)],
                "step": step + 1,
            }
            torch.save(state, checkpoint.with_suffix(".part"))
            os.replace(checkpoint.with_suffix(".part"), checkpoint)
    config = model.encoder.config.to_dict() if isinstance(model, Student) else {"filters": model.filters}
    torch.save({"model": model.state_dict(), "config": config}, output / "student.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "base", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--layers", help="transformer layers of the base to keep, such as 0,3,7,11")
    kind.add_argument("--filters", type=int, help="convolutions over the embedding, so many of each width")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--least", type=int, default=12, help="a piece must occur so often to stay in the vocabulary")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    given.output.mkdir(parents=True, exist_ok=True)
    everything = needs.everything(given.data, given.seed)
    rows = samples(given.data, given.seed, everything)
    tokenizer, kept = cut_vocabulary(given.base, [row.text for row in rows], given.least)
    tokenizer.enable_truncation(LENGTH)
    tokenizer.save(str(given.output / "tokenizer.json"))
    for at in range(0, len(rows), 2000):
        for row, encoding in zip(
            rows[at : at + 2000], tokenizer.encode_batch([r.text for r in rows[at : at + 2000]]), strict=True
        ):
            row.ids = encoding.ids
    log.info("%d rows, %d pieces, %.1f tokens a row", len(rows), len(kept), np.mean([len(row.ids) for row in rows]))
    if given.layers:
        model = transformer(given.base, [int(layer) for layer in given.layers.split(",")], kept)
    else:
        model = Convolution(
            kept_rows(BertModel.from_pretrained(given.base, add_pooling_layer=False), kept), given.filters
        )
    train(model, rows, given.output, given.steps, given.batch, given.rate, given.seed)


if __name__ == "__main__":
    main()
