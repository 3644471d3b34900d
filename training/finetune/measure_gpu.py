"""Times the torch backend on a device and prints JSON: `python -m training.finetune.measure_gpu`.

Random weights and random texts of 40 characters, so it needs no model, no data and no network; only torch,
transformers, tokenizers, safetensors and numpy. Weights do not matter to the speed. They matter to the gaps, which
are those of an untrained model whose logits spread like a trained one's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from udfs.encoder.batching import Floats
from udfs.encoder.deep import DeepModel
from udfs.encoder.torch_model import TorchModel

CHARACTERS = 40
OUTPUTS = 36
DIMENSIONS = 64
_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_FIRST, _LAST = 0x4E00, 0x9FA5


def make(folder: Path, layers: int, hidden: int, seed: int) -> None:
    """Files of a bundle of kind "torch": a random BertModel over single Chinese characters, heads and embedding."""
    torch.manual_seed(seed)
    vocabulary = [*_SPECIAL, *map(chr, range(_FIRST, _LAST + 1))]
    pieces = {piece: at for at, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(pieces, unk_token="<unk>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32 if hidden < 768 else hidden // 64,
        intermediate_size=4 * hidden,
        pad_token_id=0,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    heads = {
        "heads.weight": torch.randn(OUTPUTS, hidden) * 6 / hidden**0.5,
        "heads.bias": torch.randn(OUTPUTS),
        "embedding.weight": torch.randn(DIMENSIONS, hidden) / hidden**0.5,
    }
    save_file(heads, folder / "heads.safetensors")


def texts(count: int, seed: int) -> list[str]:
    """Random texts of 20 to 60 characters, 40 on average."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(CHARACTERS // 2, CHARACTERS * 3 // 2 + 1, count)
    points = draw.integers(_FIRST, _LAST + 1, lengths.sum()).astype("<u4")
    ends = np.cumsum(lengths)
    whole = points.tobytes().decode("utf-32-le")
    return [whole[end - length : end] for length, end in zip(lengths.tolist(), ends.tolist(), strict=True)]


def chance(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)))


def rate(model: TorchModel, posts: list[str], seconds: float) -> dict[str, float]:
    """Posts and tokens a second of `DeepModel.encode`, tokenising included, and of the device alone, tokens ready."""
    deep = DeepModel(Path(), model)
    languages = ["zh"] * len(posts)
    deep.encode(posts[:4096], languages[:4096])
    best, began, runs = 0.0, time.perf_counter(), 0
    while not runs or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        deep.encode(posts, languages)
        best, runs = max(best, len(posts) / (time.perf_counter() - start)), runs + 1
    start = time.perf_counter()
    tokens = model.tokens(posts)
    tokenised = len(posts) / (time.perf_counter() - start)
    count = sum(map(len, tokens))
    start = time.perf_counter()
    with torch.inference_mode():
        model._batches(tokens)
    if model.device == "cuda":
        torch.cuda.synchronize()
    alone = len(posts) / (time.perf_counter() - start)
    each = count / len(posts)
    return {
        "posts_per_s": round(best),
        "tokens_per_s": round(best * each),
        "tokenised_posts_per_s": round(tokenised),
        "device_posts_per_s": round(alone),
        "device_tokens_per_s": round(alone * each),
        "tokens_per_post": round(each, 1),
    }


def gaps(folder: Path, device: str, posts: list[str]) -> dict[str, Any]:
    """How far bfloat16 is from float32, and how far a text's result depends on its batch."""
    model = TorchModel(folder, device=device)
    usual, embedding = model.run(posts)
    exact, exact_embedding = TorchModel(folder, device=device, full_precision=True).run(posts)
    alone = np.concatenate([model.run([post])[0] for post in posts])
    model.batch_tokens = 512
    small = model.run(posts)[0]
    assert embedding is not None  # noqa: S101
    assert exact_embedding is not None  # noqa: S101
    return {
        "logits_spread": _short(exact.std()),
        "bf16_fp32_largest_probability_gap": _short(np.abs(chance(usual) - chance(exact)).max()),
        "bf16_fp32_least_cosine": round(float((embedding * exact_embedding).sum(axis=1).min()), 6),
        "differs_by_batch": bool((usual != alone).any() or (usual != small).any()),
        "texts_that_differ_alone": _short((usual != alone).any(axis=1).mean()),
        "largest_logit_gap_by_batch": _short(max(np.abs(usual - alone).max(), np.abs(usual - small).max())),
        "largest_probability_gap_by_batch": _short(
            max(np.abs(chance(usual) - chance(alone)).max(), np.abs(chance(usual) - chance(small)).max())
        ),
    }


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="12x384,24x1024", help="layers x hidden, comma-separated")
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    parser.add_argument("--budgets", default="16384,65536", help="batch_tokens to try, comma-separated")
    parser.add_argument("--posts", type=int, default=65_536, help="a quarter of it for hidden sizes from 768")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    report: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if given.device == "cuda" else "cpu",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "models": {},
    }
    for size in given.sizes.split(","):
        layers, hidden = map(int, size.split("x"))
        posts = texts(given.posts // (4 if hidden >= 768 else 1), given.seed)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            make(folder, layers, hidden, given.seed)
            found: dict[str, Any] = {}
            model = TorchModel(folder, device=given.device)
            for budget in map(int, given.budgets.split(",")):
                for buffered in (True, False) if given.device == "cuda" else (False,):
                    model.batch_tokens, model.double_buffered = budget, buffered
                    name = f"{budget} tokens, {'double' if buffered else 'single'} buffer"
                    found[name] = rate(model, posts, given.seconds)
            del model
            report["models"][size] = {**found, "gaps": gaps(folder, given.device, posts[:128])}
            if given.device == "cuda":
                report["models"][size]["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        print(json.dumps({size: report["models"][size]}), flush=True)  # should the rest run out of time
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
