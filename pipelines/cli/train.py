"""`train`: fine-tune an encoder on a site's own labelled posts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.main import app
from pipelines.cli.services import say
from schemas.errors import UsageError


@app.command(rich_help_panel="Models")
def train(
    base: Annotated[
        str, typer.Option(help="A folder of transformers or sentence-transformers, or a Hugging Face name.")
    ],
    data: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON lines, .gz is read: text, and any of sentiment, emotion, needs, hazards, source_kind, state.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="The bundle's folder; new or empty.")],
    validation: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Rows to judge by; default: a tenth, by hash.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    batch_tokens: Annotated[int, typer.Option(min=64, help="Padded tokens of a batch.")] = 8192,
    rate: Annotated[
        float, typer.Option(min=1e-7, max=0.1, help="Learning rate; the heads learn five times faster.")
    ] = 2e-5,
    max_tokens: Annotated[int, typer.Option(min=8, help="Tokens that are read of a post.")] = 128,
    name: Annotated[str | None, typer.Option(help="The bundle's name; default: that of the folder.")] = None,
    version: Annotated[str, typer.Option()] = "1.0.0",
    licence: Annotated[str, typer.Option(help="What the card says of the weights' licence.")] = "not stated",
    seed: Annotated[int, typer.Option()] = 7,
    every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 200,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    mask: Annotated[
        bool, typer.Option("--mask", help="Mask personal data first, as jobs do; needed unless the rows are masked.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Let the shipped n-gram model answer for required heads that no row teaches.")
    ] = False,
) -> None:
    """Fine-tune an encoder on your own posts; writes a bundle of kind torch (needs the extra torch).

    A row counts for the labels it has. Start it again after a kill, and it goes on from its checkpoint.
    """
    called = name or output.resolve().name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", called):
        raise UsageError(f"--name {called!r}: write letters, digits, dots, dashes")
    try:
        from training.finetune.run import Order, run
        from training.finetune.train import Options
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("torch", "transformers", "safetensors"):
            raise
        raise UsageError(f"train needs {error.name}, which is not installed: pip install 'yuqing[torch]'") from None
    options = Options(epochs, batch_tokens, rate, seed, every)
    order = Order(base, data, output, validation, max_tokens, called, version, licence, device, mask, wide, options)
    made = run(order, say)
    say(f"{made.model} in {output}: read its CARD.md; use it with --set model.bundle={output}")
