"""The loop: epochs over length-sorted batches, checkpoints, an early stop, the best epoch's weights.

The order of rows and the dropout depend on seed, epoch and step alone, so a run that was killed goes on from its last
checkpoint as if nothing had been.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from schemas.errors import UsageError
from training.finetune.model import Base, Tuned, losses
from training.finetune.rows import Row
from udfs.encoder import batching
from udfs.encoder.batching import Batch

_POOL = 50
"""Batches among which texts are sorted by length: little padding, and still another order in every epoch."""
_WARM_UP = 0.06
"""Share of the steps in which the rate rises."""
HEADS_RATE = 5.0
"""The heads start from nothing and learn faster by this."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What decides the weights that come out, given base and rows."""

    epochs: int = 3
    batch_tokens: int = 8192
    rate: float = 2e-5
    seed: int = 7
    every: int = 200
    """Steps between checkpoints."""


@dataclass(slots=True)
class Progress:
    """Where a run is; what a checkpoint holds besides weights."""

    step: int = 0
    best: float = float("inf")
    best_epoch: int = -1
    history: tuple[float, ...] = ()
    """Validation loss after each finished epoch."""


def fingerprint(rows: Sequence[Row], *parts: Any) -> str:
    """Tells whether a checkpoint belongs to these rows and options."""
    digest = hashlib.sha256(repr(parts).encode())
    for row in rows:
        digest.update(repr((row.normal, sorted(row.labels.items()))).encode("utf-8", "replace"))
    return digest.hexdigest()


def batches(rows: Sequence[Row], budget: int, seed: int, epoch: int) -> list[Batch]:
    """An epoch's batches of at most ``budget`` padded tokens, in random order."""
    draw = random.Random(f"{seed}-{epoch}")  # noqa: S311
    order = list(range(len(rows)))
    draw.shuffle(order)
    each = sum(len(row.ids) for row in rows) / max(1, len(rows))
    pool = max(1, int(_POOL * budget / max(1.0, each)))
    found = []
    for at in range(0, len(order), pool):
        part = order[at : at + pool]
        for batch in batching.sorted_by_length([rows[row].ids for row in part], budget):
            found.append(Batch([part[row] for row in batch.rows], batch.length))
    draw.shuffle(found)
    return found


def fed(model: Tuned, rows: Sequence[Row], found: Sequence[Batch], pad: int, device: str) -> Iterator[Any]:
    """(batch, mean states, logits by head) of each batch; bfloat16 products on CUDA."""
    tokens = [row.ids for row in rows]
    for batch in found:
        ids, mask = (torch.from_numpy(part).to(device) for part in batching.padded(tokens, batch, pad))
        with torch.autocast("cuda", torch.bfloat16, enabled=device == "cuda"):
            mean, logits = model(ids, mask)
        yield batch, mean, {head: scores.float() for head, scores in logits.items()}


def validation_loss(model: Tuned, rows: Sequence[Row], budget: int, pad: int, device: str) -> float:
    """Sum over heads of the mean loss over the rows that have the head's label."""
    model.eval()
    total: dict[str, float] = {}
    count: dict[str, int] = {}
    with torch.no_grad():
        found = list(batching.sorted_by_length([row.ids for row in rows], budget))
        for batch, _, logits in fed(model, rows, found, pad, device):
            part = [rows[row] for row in batch.rows]
            for head, loss in losses(logits, part).items():
                told = sum(head in row.labels for row in part)
                total[head] = total.get(head, 0.0) + float(loss) * told
                count[head] = count.get(head, 0) + told
    model.train()
    return sum(total[head] / count[head] for head in total)


class Run:
    """One training run in the folder ``work``, which it goes on from where it stands."""

    def __init__(self, model: Tuned, base: Base, options: Options, work: Path, device: str, say: Say) -> None:
        self.model, self.base, self.options, self.work, self.device, self.say = model, base, options, work, device, say
        self.progress = Progress()

    def train(self, training: Sequence[Row], validation: Sequence[Row]) -> Progress:
        """Leave the model with the weights of the epoch whose validation loss was least."""
        options, model = self.options, self.model
        per_epoch = [len(batches(training, options.batch_tokens, options.seed, e)) for e in range(options.epochs)]
        steps = sum(per_epoch)
        heads = list(model.heads.parameters())
        optimiser = torch.optim.AdamW(
            [
                {"params": list(model.encoder.parameters()), "lr": options.rate},
                {"params": heads, "lr": options.rate * HEADS_RATE},
            ],
            weight_decay=0.01,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: min(1.0, (step + 1) / max(1.0, _WARM_UP * steps)) * max(0.02, 1 - step / steps)
        )
        mark = fingerprint(training, asdict(options), self.base.origin, sorted(model.heads))
        self._resume(mark, optimiser, schedule)
        model.train()
        first = 0
        for epoch, count in enumerate(per_epoch):
            if first + count > self.progress.step and len(self.progress.history) == epoch:
                found = batches(training, options.batch_tokens, options.seed, epoch)[self.progress.step - first :]
                self._epoch(training, found, steps, mark, optimiser, schedule)
            first += count
            if len(self.progress.history) == epoch:
                self._judge(epoch, validation)
                self._checkpoint(mark, optimiser, schedule)
            if self.progress.best_epoch < epoch:
                if epoch + 1 < options.epochs:
                    self.say(f"epoch {epoch + 1} is no better than the one before: stopping")
                break
        model.load_state_dict(torch.load(self.work / "best.pt", weights_only=True, map_location=self.device))
        return self.progress

    def _epoch(
        self, rows: Sequence[Row], found: Sequence[Batch], steps: int, mark: str, optimiser: Any, schedule: Any
    ) -> None:
        running, seen = 0.0, 0
        each = fed(self.model, rows, found, self.base.pad, self.device)
        while True:
            torch.manual_seed(self.options.seed * 1_000_003 + self.progress.step)
            batch, _, logits = next(each, (None, None, None))
            if batch is None:
                return
            parts = losses(logits, [rows[row] for row in batch.rows])
            loss = torch.stack(list(parts.values())).sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            schedule.step()
            self.progress.step += 1
            running, seen = running + loss.detach(), seen + 1
            if self.progress.step % self.options.every == 0:
                self._checkpoint(mark, optimiser, schedule)
                self.say(f"step {self.progress.step} of {steps}, loss {float(running) / seen:.4f}; checkpoint written")
                running, seen = 0.0, 0

    def _judge(self, epoch: int, validation: Sequence[Row]) -> None:
        loss = validation_loss(self.model, validation, self.options.batch_tokens, self.base.pad, self.device)
        self.progress.history = (*self.progress.history, loss)
        self.say(f"epoch {epoch + 1} of {self.options.epochs}: validation loss {loss:.4f}")
        if loss < self.progress.best:
            self.progress.best, self.progress.best_epoch = loss, epoch
            _written(self.model.state_dict(), self.work / "best.pt")

    def _checkpoint(self, mark: str, optimiser: Any, schedule: Any) -> None:
        state = {
            "mark": mark,
            "model": self.model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "progress": asdict(self.progress),
        }
        _written(state, self.work / "checkpoint.pt")

    def _resume(self, mark: str, optimiser: Any, schedule: Any) -> None:
        file = self.work / "checkpoint.pt"
        if not file.exists():
            return
        state = torch.load(file, weights_only=True, map_location=self.device)
        if state["mark"] != mark:
            raise UsageError(
                f"{file} is of a run with other rows or options: give the same ones to go on, or remove the folder"
            )
        self.model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        self.progress = Progress(**state["progress"])
        self.say(f"goes on from step {self.progress.step}")


def _written(state: Any, file: Path) -> None:
    """A file that is there is whole."""
    aside = file.with_suffix(".part")
    torch.save(state, aside)
    os.replace(aside, file)
