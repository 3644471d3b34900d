"""A tiny random BertModel and its tokenizer, made on the spot: no model is fetched."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from udfs.encoder.bundle import LABELS, MULTI_LABEL, OPTIONAL, Bundle, write_bundle

HIDDEN = 32
HEADS = {**LABELS, **OPTIONAL}
OUTPUTS = sum(map(len, HEADS.values()))
MOODS = {
    "今天真高兴,太棒了": ("positive", "happy", []),
    "气死我了,真是垃圾": ("negative", "angry", []),
    "救命啊,我们被水困住了": ("negative", "fear", ["rescue"]),
    "我有多余的棉被可以送": ("positive", "neutral", ["offer"]),
    "路上车不多不少": ("neutral", "neutral", []),
}
"""Sentences with their sentiment, emotion and needs."""
PLACES = ("河边", "学校", "车站", "医院", "山脚", "桥头", "菜场", "公园")
TEXTS = [
    "",
    "水",
    "水到二楼了,奶奶下不来",
    "help us please",
    "急" * 300,
    *(f"第{i}条,{PLACES[i % 8]}今天天气{'好' * (i % 30)}" for i in range(80)),
]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as transformers writes it: 2 layers of 32, and a tokenizer trained on made text."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)  # a Chinese character is a word
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["<pad>", "<unk>", "<s>", "</s>"]
    tokenizer.train_from_iterator([*TEXTS, *MOODS], trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", cls_token="<s>", sep_token="</s>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=512,
        pad_token_id=0,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def torch_bundle(base: Path) -> Callable[..., Bundle]:
    """torch_bundle(folder, **changes of the description) -> Bundle of kind torch over `base`, with random heads."""

    def make(folder: Path, embedding: bool = True, **changes: Any) -> Bundle:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_bytes((base / name).read_bytes())
        torch.manual_seed(4)
        layers = {"heads.weight": torch.randn(OUTPUTS, HIDDEN), "heads.bias": torch.randn(OUTPUTS)}
        if embedding:
            layers["embedding.weight"] = torch.randn(8, HIDDEN)
            changes = {"embedding": {"dimensions": 8}, **changes}
        save_file(layers, folder / "heads.safetensors")
        (folder / "CARD.md").write_text("A card.\n", encoding="utf-8")
        return write_bundle(folder, description(**changes))

    return make


def description(**changes: Any) -> dict[str, Any]:
    heads = {}
    for name, labels in HEADS.items():
        many = name in MULTI_LABEL
        each = len(labels) if many else 1
        heads[name] = {
            "labels": labels,
            "slope": [1.0] * each,
            "offset": [0.0] * each,
            "threshold": [0.5] * each if many else [],
            "abstain": [0.2, 0.4],
        }
    return {"name": "tiny", "version": "0.1.0", "kind": "torch", "heads": heads, **changes}


def rehash(folder: Path) -> None:
    """Make bundle.json's hashes those of the files as they are."""
    meta = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    del meta["format"], meta["files"]
    write_bundle(folder, meta)
