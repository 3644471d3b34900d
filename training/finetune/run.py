"""`yuqing train` from its arguments to the bundle."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from schemas.errors import UsageError
from training.finetune import bundle, rows
from training.finetune.model import Tuned, load_base
from training.finetune.rows import Row
from training.finetune.train import Options, Run
from udfs.encoder.bundle import Bundle, load_bundle, sha256
from udfs.encoder.torch_model import choose

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a user asks for."""

    base: str
    data: Path
    output: Path
    validation: Path | None
    max_tokens: int
    name: str
    version: str
    licence: str
    device: str
    mask: bool
    wide: bool
    options: Options


def run(order: Order, say: Say) -> Bundle:
    """Read, train, calibrate, write; a run that was killed goes on from OUTPUT.work when it is given again.

    Raises UsageError for arguments, rows or a base that do not fit, ModelError for a device that is not there.
    """
    if order.output.exists() and any(order.output.iterdir()):
        raise UsageError(f"--output {order.output} is not empty; give a new folder")
    device = choose(order.device)
    training, validation = _parts(order, say)
    base = load_base(order.base, order.max_tokens)
    for part in (training, validation):
        for row in part:
            row.ids = base.tokenizer.encode(row.normal).ids
    heads, taught = bundle.heads_of(training)
    if untaught := [head for head in heads if head not in taught]:
        filled = (
            "the shipped n-gram model answers for the required ones among them; for the rest " if order.wide else ""
        )
        say(f"no row teaches {', '.join(untaught)}: {filled}the bundle will give a prior there, for every post")
    torch.manual_seed(order.options.seed)  # the heads start at random
    model = Tuned(base.encoder, taught).to(device)
    work = order.output.with_name(order.output.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    say(f"{len(training):,} training rows, {len(validation):,} for validation, on {device}; checkpoints in {work}")
    try:
        progress = Run(model, base, order.options, work, device, say).train(training, validation)
    except torch.OutOfMemoryError as error:
        raise UsageError(
            f"--batch-tokens {order.options.batch_tokens}: the device's memory does not suffice; halve it and go on"
        ) from error
    described = bundle.Described(
        order.name,
        order.version,
        order.licence,
        {file.name: sha256(file) for file in (order.data, order.validation) if file is not None},
        order.wide,
    )
    aside = work / "bundle"  # OUTPUT appears when it is whole
    shutil.rmtree(aside, ignore_errors=True)
    bundle.write(aside, model, base, described, order.options, progress, training, validation, order.max_tokens, device)
    order.output.parent.mkdir(parents=True, exist_ok=True)
    if order.output.exists():
        order.output.rmdir()
    aside.rename(order.output)
    shutil.rmtree(work)
    return load_bundle(order.output)


def _parts(order: Order, say: Say) -> tuple[Sequence[Row], Sequence[Row]]:
    """Training and validation rows with at least one label; no text is in both."""
    given = rows.read(order.data, order.mask)
    if order.validation is None:
        training, validation = rows.split(given)
    else:
        validation = rows.read(order.validation, order.mask)
        seen = {row.normal for row in validation}
        training = [row for row in given if row.normal not in seen]
        if len(training) < len(given):
            say(f"{len(given) - len(training)} training rows left out: --validation has the same text")
    for part, name in ((training, "training"), (validation, "validation")):
        labelled = [row for row in part if row.labels]
        if len(labelled) < len(part):
            say(f"{len(part) - len(labelled)} {name} rows have no label and are left out")
        if not labelled:
            raise UsageError(f"--data {order.data}: no labelled row is left for {name}; give more, or --validation")
        part[:] = labelled
    missing = [head for head, count in rows.counts(training).items() if count and not rows.counts(validation)[head]]
    if missing:
        raise UsageError(
            f"no validation row has a label for {', '.join(missing)}: give more rows, or a --validation file"
        )
    return training, validation
