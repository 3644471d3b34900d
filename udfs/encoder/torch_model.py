"""The torch backend: any Hugging Face encoder, in bfloat16 on CUDA or float32 on the CPU.

    config.json, model.safetensors, tokenizer.json   the encoder, as transformers saves it
    heads.safetensors   heads.weight [outputs, hidden], heads.bias [outputs],
                        and where there is an embedding: embedding.weight [dimensions, hidden], embedding.bias

Mean over tokens, then the linear layers, in float32 on either device. Nothing is fetched, no code comes with the
model, and weights are read as safetensors only.

On CUDA batches are double buffered: while one computes, the next is padded into pinned memory and copied on a stream
of its own, and results come back without waiting. Rounding of bfloat16 may differ with a batch's shape, so a logit may
differ by the batch its text was in: docs/models.md says by how much.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from schemas.errors import ModelError
from udfs.encoder import batching
from udfs.encoder.batching import Batch, Floats, Tokens

BATCH_TOKENS = {"cuda": 65_536, "cpu": 4096}
MAX_TOKENS = 128
"""Tokens that are read of a text unless the bundle says otherwise: about 170 Chinese characters."""
DEVICES = ("auto", "cpu", "cuda")
_TEXTS = 16_384
"""Texts that are tokenised before their batches are sent off: the next ones are tokenised while these compute."""
_PLAIN = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
"""Kinds of model (model_type) in which every token sees every other, so that the mask may be given ready-made."""
_UNUSED = "pooler."
"""Weights that some encoders have and mean pooling does not use."""
Part = tuple[Batch, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Layers:
    """The linear layers over the mean state; tensors in float32."""

    heads: Any
    bias: Any
    embedding: Any = None
    embedding_bias: Any = None

    def over(self, mean: Any) -> Any:
        """[texts, hidden] to [texts, outputs + dimensions]."""
        logits = torch.nn.functional.linear(mean, self.heads, self.bias)
        if self.embedding is None:
            return logits
        return torch.cat((logits, torch.nn.functional.linear(mean, self.embedding, self.embedding_bias)), dim=1)


def choose(device: str) -> str:
    """``device`` (auto, cpu or cuda) as cpu or cuda. Raises ModelError when it is not there."""
    if device not in DEVICES:
        raise ModelError(f"model.device is {device!r}: give {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            "model.device is cuda and torch sees no such device: check the driver (nvidia-smi) and that torch is a "
            "CUDA build, or set model.device to auto or cpu"
        )
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def mean_state(encoder: Any, ids: Any, mask: Any, attention: Any = None) -> Any:
    """Mean of the last hidden states over the tokens of each text, float32 [texts, hidden].

    ``attention``: what the encoder gets instead of ``mask`` [texts, tokens]."""
    states = encoder(input_ids=ids, attention_mask=mask if attention is None else attention).last_hidden_state
    summed = (states * mask.unsqueeze(-1).to(states.dtype)).sum(1, dtype=torch.float32)
    return summed / mask.sum(1, keepdim=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Transformers without progress bars and warnings."""
    from transformers.utils import logging as told

    level, bars = told.get_verbosity(), told.is_progress_bar_enabled()
    told.set_verbosity_error()
    told.disable_progress_bar()
    try:
        yield
    finally:
        told.set_verbosity(level)
        if bars:
            told.enable_progress_bar()


def load_encoder(source: str | Path, fetch: bool = False) -> Any:
    """The encoder in the folder ``source`` in float32, for inference; with ``fetch`` it may be a name to download.

    Raises ModelError when files are missing or do not fit each other."""
    from transformers import AutoModel

    try:
        with quiet():  # it warns of weights that are missing; below they are an error
            encoder, report = AutoModel.from_pretrained(
                source,
                local_files_only=not fetch,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # what it raises depends on the kind of model and of damage
        reason = (str(error).splitlines() or [""])[0]
        raise ModelError(
            f"{source} holds no encoder that transformers can load ({type(error).__name__}: {reason}); copy it again "
            "or train it anew"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(_UNUSED))
    if missing:
        raise ModelError(f"{source}: model.safetensors lacks {missing[0]} of config.json's encoder; train it anew")
    return encoder.float().eval()


class TorchModel:
    """Runs a bundle of kind "torch"."""

    def __init__(
        self,
        folder: Path,
        batch_tokens: int | None = None,
        device: str = "auto",
        max_tokens: int = MAX_TOKENS,
        double_buffered: bool = True,
        full_precision: bool = False,
    ) -> None:
        """``batch_tokens``: padded tokens of a batch, 16,384 on CUDA and 4,096 on the CPU unless given; halved for good
        when CUDA's memory does not suffice. ``max_tokens``: what is read of a text, special tokens included.
        ``double_buffered``: on CUDA only; off, every batch waits for the one before. ``full_precision``: float32 on
        CUDA too. These two are for measurement."""
        self.device = choose(device)
        self.batch_tokens = batch_tokens or BATCH_TOKENS[self.device]
        self.double_buffered = double_buffered and self.device == "cuda"
        self._encoder = load_encoder(folder)
        config = self._encoder.config
        self._ready = self.device == "cuda" and config.model_type in _PLAIN and config._attn_implementation == "sdpa"
        self._layers = _layers(folder / "heads.safetensors", config.hidden_size)
        self.outputs: int = self._layers.heads.shape[0]
        self.dimensions: int = 0 if self._layers.embedding is None else self._layers.embedding.shape[0]
        self._prior = self._layers.bias.double().numpy()
        self._tokenizer = _tokenizer(folder / "tokenizer.json", max_tokens)
        rows = self._encoder.get_input_embeddings().weight.shape[0]
        if self._tokenizer.get_vocab_size() > rows:
            raise ModelError(
                f"{folder / 'tokenizer.json'} has {self._tokenizer.get_vocab_size()} pieces, the encoder {rows} rows; "
                "they belong to different models"
            )
        self._marks = len(self._tokenizer.encode("").ids)
        pad = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("pad_token_id")
        self._pad = 0 if pad is None else int(pad)
        if self.device == "cuda":
            self._encoder = self._encoder.to("cuda", torch.float32 if full_precision else torch.bfloat16)
            tensors = (self._layers.heads, self._layers.bias, self._layers.embedding, self._layers.embedding_bias)
            self._layers = Layers(*(None if tensor is None else tensor.to("cuda") for tensor in tensors))
            self._copies = torch.cuda.Stream()

    def run(self, texts: Sequence[str]) -> tuple[Floats, Floats | None]:
        """Logits and, where there is one, embedding of length one of each text (zeros for a text without a token).

        Raises MemoryError when CUDA cannot hold even one text."""
        tokens: list[list[int]] = []
        parts: list[Part] = []
        with torch.inference_mode():
            for at in range(0, len(texts), _TEXTS):
                fresh = self.tokens(texts[at : at + _TEXTS])
                parts += [(Batch([at + row for row in batch.rows], batch.length), part) for batch, part in
                          self._batches(fresh)]  # fmt: skip
                tokens += fresh
            if self.device == "cuda":
                torch.cuda.current_stream().synchronize()  # the last results are on their way
        width = self.outputs + self.dimensions
        filling = np.concatenate((self._prior, np.zeros(self.dimensions)))
        result = batching.scattered(len(texts), width, parts, filling)
        logits = np.ascontiguousarray(result[:, : self.outputs])
        if not self.dimensions:
            return logits, None
        return logits, batching.unit(result[:, self.outputs :], batching.blank(tokens, self._marks))

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of ``texts``, at most max_tokens each. On CUDA on all cores, else they wait for the tokenizer."""
        if self.device == "cuda":
            return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        return [self._tokenizer.encode(text).ids for text in texts]

    def _batches(self, tokens: Tokens) -> list[Part]:
        while True:
            batches = list(batching.sorted_by_length(tokens, self.batch_tokens))
            try:
                return list(self._ahead(tokens, batches) if self.double_buffered else self._one_by_one(tokens, batches))
            except torch.OutOfMemoryError as error:
                if max(len(batch.rows) for batch in batches) == 1:
                    raise MemoryError(
                        f"CUDA cannot hold one text of {batches[0].length} tokens beside the model: other processes on "
                        "this device, or a model too large for it"
                    ) from error
                self.batch_tokens //= 2
            torch.cuda.empty_cache()  # out of the handler: the failed batch is no longer referred to

    def _one_by_one(self, tokens: Tokens, batches: Iterable[Batch]) -> Iterator[Part]:
        for batch in batches:
            ids, mask = (torch.from_numpy(part).to(self.device) for part in batching.padded(tokens, batch, self._pad))
            yield batch, self._forward(ids, mask).cpu().numpy()

    def _ahead(self, tokens: Tokens, batches: Sequence[Batch]) -> Iterator[Part]:
        """The arrays fill later: read them after the current stream was synchronised."""
        compute = torch.cuda.current_stream()
        uploaded = [self._upload(tokens, batch) for batch in batches[:1]]
        for at, batch in enumerate(batches):
            (ids, mask), there = uploaded.pop()
            compute.wait_event(there)
            for part in (ids, mask):
                part.record_stream(compute)  # made on the other stream: keep until this one has read it
            found = self._forward(ids, mask)
            result = torch.empty(found.shape, dtype=torch.float32, pin_memory=True)
            result.copy_(found, non_blocking=True)
            if at + 1 < len(batches):
                uploaded.append(self._upload(tokens, batches[at + 1]))
            yield batch, result.numpy()

    def _upload(self, tokens: Tokens, batch: Batch) -> Any:
        """Ids and mask on their way to the device, and the event after which they are there."""
        pinned = [torch.from_numpy(part).pin_memory() for part in batching.padded(tokens, batch, self._pad)]
        with torch.cuda.stream(self._copies):
            parts = [part.to("cuda", non_blocking=True) for part in pinned]
            there = torch.cuda.Event()
            there.record()
        return parts, there

    def _forward(self, ids: Any, mask: Any) -> Any:
        # given a mask of two dimensions transformers asks the device whether it is all ones, and waits for the answer
        attention = mask[:, None, None, :].bool() if self._ready else None
        return self._layers.over(mean_state(self._encoder, ids, mask, attention))


def _tokenizer(file: Path, max_tokens: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises bare exceptions
        raise ModelError(f"{file} is no tokenizer ({error}); copy the bundle again") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _layers(file: Path, hidden: int) -> Layers:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = {name: tensor.float() for name, tensor in load_file(file).items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} cannot be read ({error}); copy the bundle again") from error
    layers = Layers(
        found.get("heads.weight"),
        found.get("heads.bias"),
        found.get("embedding.weight"),
        found.get("embedding.bias"),
    )
    for name, weight, bias in (
        ("heads", layers.heads, layers.bias),
        ("embedding", layers.embedding, layers.embedding_bias),
    ):
        if weight is None and name == "embedding":
            continue
        if weight is None or weight.dim() != 2 or weight.shape[1] != hidden:
            shape = None if weight is None else tuple(weight.shape)
            raise ModelError(f"{file}: {name}.weight is {shape}, the encoder wants [any, {hidden}]; train it anew")
        if (bias is None and name == "heads") or (bias is not None and bias.shape != weight.shape[:1]):
            raise ModelError(f"{file}: {name}.bias does not fit {name}.weight; train it anew")
    return layers
