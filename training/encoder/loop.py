"""The one training loop: batches of an epoch, a loss, a step; a checkpoint every so often from which a run goes on."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from training.encoder.tensors import Clock, Pieces, Rows

log = logging.getLogger(__name__)
EVERY = 500
"""Steps between two checkpoints."""


def train(
    name: str,
    model: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    pieces: Pieces,
    epoch_rows: Callable[[np.random.Generator], Rows],
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    clock: Clock,
    budget: int,
    peak: float,
    seed: int,
    checkpoint: Path | None = None,
) -> None:
    """Train until ``clock`` has run out.

    ``epoch_rows`` draws the rows of an epoch, ``loss_of`` gives the loss of a batch of rows; ``budget``: padded
    tokens of a batch; ``peak``: largest learning rate, times the `scale` of a parameter group. A run by steps goes on
    from ``checkpoint`` where there is one, with the batches that would have come next: the order of an epoch depends
    on seed and epoch alone.
    """
    done = _restored(checkpoint, model, optimiser)
    torch.manual_seed(seed + done)
    model.train()
    began, epoch, loss = time.monotonic(), 0, torch.zeros(())
    while clock.share < 1:
        draw = np.random.default_rng((seed, epoch))
        for part in pieces.batches(epoch_rows(draw), budget, draw):
            if clock.step < done:
                clock.step += 1
                continue
            for group in optimiser.param_groups:
                group["lr"] = clock.rate(peak) * group.get("scale", 1.0)
            loss = loss_of(part)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            clock.step += 1
            if checkpoint is not None and clock.step % EVERY == 0:
                _keep(checkpoint, model, optimiser, clock.step)
            if clock.share >= 1:
                break
        epoch += 1
        log.info(
            "%s, epoch %d, step %d, loss %.3f, %.0f s", name, epoch, clock.step, loss.item(), time.monotonic() - began
        )
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


def _keep(path: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    part = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, part)
    os.replace(part, path)


def _restored(path: Path | None, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Steps that the checkpoint in ``path`` has seen; 0 where there is none."""
    if path is None or not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location=next(model.parameters()).device)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    log.info("goes on from step %d", state["step"])
    return int(state["step"])
