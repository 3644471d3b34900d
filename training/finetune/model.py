"""The base encoder with heads: how it is loaded, its loss, and how it is written as a bundle's files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer

from schemas.errors import UsageError
from training.finetune.rows import HEADS, Row
from udfs.encoder.bundle import MULTI_LABEL
from udfs.encoder.text import OTHER_TOKEN, TOKEN_CHARS
from udfs.encoder.torch_model import load_encoder, mean_state, quiet

DROPOUT = 0.1
MARKS = (*TOKEN_CHARS.values(), OTHER_TOKEN)
"""What mask tokens are in the form that a model sees: each becomes a piece of the vocabulary."""
NEUTRAL = {"sentiment": "neutral", "emotion": "neutral", "source": "other", "state": "unclear"}
"""What a one-of head that nothing taught answers, with a probability hardly over chance."""
_UNTAUGHT = -6.0
"""Logit of a label of needs, help and hazards that nothing taught."""


@dataclass(frozen=True, slots=True)
class Base:
    """A pretrained encoder and where it is from."""

    encoder: Any
    tokenizer: Tokenizer
    pad: int
    origin: str
    """For the card: a name with its commit, or the folder's name."""


def load_base(base: str, max_tokens: int) -> Base:
    """The encoder ``base``: a folder (of transformers or sentence-transformers) or a name that Hugging Face knows.

    Weights are read as safetensors only and no code that comes with them runs. Mask tokens become pieces of their own,
    whose vectors start as the mean of all. Raises UsageError with the remedy.
    """
    from transformers import AutoTokenizer

    folder = Path(base)
    local = folder.is_dir()
    if not local and base.count("/") > 1:
        raise UsageError(f"--base {base}: there is no such folder")
    source = str(_transformer(folder)) if local else base
    try:
        with quiet():
            loaded = AutoTokenizer.from_pretrained(source, local_files_only=local, trust_remote_code=False)
        encoder = load_encoder(source, fetch=not local)
    except Exception as error:  # what transformers raises depends on what is missing
        reason = (str(error).splitlines() or [""])[0]
        raise UsageError(
            f"--base {base} cannot be loaded ({type(error).__name__}: {reason}); give a folder with config.json, "
            "model.safetensors and tokenizer.json, or a name while the network is there"
        ) from error
    if not hasattr(loaded, "backend_tokenizer"):
        raise UsageError(f"--base {base} has no tokenizer.json (a fast tokenizer); choose another base")
    longest = min(loaded.model_max_length, getattr(encoder.config, "max_position_embeddings", max_tokens))
    if max_tokens > longest:
        raise UsageError(f"--max-tokens {max_tokens}: {base} reads {longest} at most")
    tokenizer = Tokenizer.from_str(loaded.backend_tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    tokenizer.add_tokens([AddedToken(mark, normalized=False) for mark in MARKS])
    if tokenizer.get_vocab_size() > encoder.get_input_embeddings().weight.shape[0]:
        _widen(encoder, tokenizer.get_vocab_size())
    pad = loaded.pad_token_id if loaded.pad_token_id is not None else 0
    encoder.config.pad_token_id = pad
    commit = getattr(encoder.config, "_commit_hash", None)
    return Base(encoder, tokenizer, pad, folder.resolve().name if local else f"{base} ({commit or 'no commit known'})")


def _transformer(folder: Path) -> Path:
    """Where in a sentence-transformers ``folder`` the encoder lies: at its root, or where modules.json says."""
    if (folder / "config.json").is_file() or not (folder / "modules.json").is_file():
        return folder
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    return folder / next((part["path"] for part in modules if part["type"].endswith("Transformer")), "")


def _widen(encoder: Any, pieces: int) -> None:
    table = encoder.get_input_embeddings()
    known = table.weight.shape[0]
    mean = table.weight.detach().mean(0)
    encoder.resize_token_embeddings(pieces, mean_resizing=False)
    with torch.no_grad():
        encoder.get_input_embeddings().weight[known:] = mean


class Tuned(torch.nn.Module):
    """Encoder, mean over tokens, one linear layer a head."""

    def __init__(self, encoder: Any, heads: Sequence[str]) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop = torch.nn.Dropout(DROPOUT)
        self.heads = torch.nn.ModuleDict(
            {head: torch.nn.Linear(encoder.config.hidden_size, len(HEADS[head])) for head in heads}
        )

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Mean states [texts, hidden]; logits [texts, labels] by head; float32."""
        mean = mean_state(self.encoder, ids, mask)
        dropped = self.drop(mean)
        return mean, {name: head(dropped) for name, head in self.heads.items()}


def losses(logits: dict[str, torch.Tensor], rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    """Mean loss of each head over the rows that have its label; a head that no row has a label of is absent.

    Cross-entropy for a one-of head; for a head of several labels binary cross-entropy, summed over its labels.
    """
    found = {}
    for head, scores in logits.items():
        told = [at for at, row in enumerate(rows) if head in row.labels]
        if not told:
            continue
        if head in MULTI_LABEL:
            flags = torch.tensor([rows[at].flags(head) for at in told], dtype=torch.float32, device=scores.device)
            each = torch.nn.functional.binary_cross_entropy_with_logits(scores[told], flags, reduction="none")
            found[head] = each.sum(1).mean()
        else:
            numbers = torch.tensor([rows[at].number(head) for at in told], device=scores.device)
            found[head] = torch.nn.functional.cross_entropy(scores[told], numbers)
    return found


def untaught(head: str) -> torch.Tensor:
    """Bias of a head without a labelled row: a neutral answer, hardly likelier than any other; no need, no hazard."""
    if head in MULTI_LABEL:
        return torch.full((len(HEADS[head]),), _UNTAUGHT)
    return torch.tensor([0.05 if label == NEUTRAL[head] else 0.0 for label in HEADS[head]])


def save(
    model: Tuned, tokenizer: Tokenizer, heads: Sequence[str], embedding: tuple[torch.Tensor, torch.Tensor], folder: Path
) -> None:
    """Write config.json, model.safetensors, tokenizer.json and heads.safetensors; ``heads``: those of the bundle."""
    hidden = model.encoder.config.hidden_size
    taught = {name: (head.weight.detach().cpu(), head.bias.detach().cpu()) for name, head in model.heads.items()}
    layers = [taught.get(head, (torch.zeros(len(HEADS[head]), hidden), untaught(head))) for head in heads]
    with quiet():
        model.encoder.save_pretrained(folder, max_shard_size="1000GB")  # one file, as a bundle has it
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file(
        {
            "heads.weight": torch.cat([weight for weight, _ in layers]).contiguous(),
            "heads.bias": torch.cat([bias for _, bias in layers]),
            "embedding.weight": embedding[0].contiguous(),
            "embedding.bias": embedding[1].contiguous(),
        },
        folder / "heads.safetensors",
    )
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors writes for its owner alone, workers may run as another user
