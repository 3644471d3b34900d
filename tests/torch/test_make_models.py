"""`make models` in small: from made sets and two tiny random bases to bundles that classify runs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel

from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS, SOURCE_KINDS, STATES
from tests.training.test_encoder_training import folder  # noqa: F401  (a fixture)
from training.encoder import export, outputs, tensors
from training.encoder.architectures import build
from training.encoder.corpus import Corpus, spliced
from udfs.checks import check_udf
from udfs.encoder.bundle import load_bundle
from udfs.encoder.load import load_model
from udfs.encoder.onnx_model import OnnxModel
from udfs.encoder.step import Classify

TEXTS = [
    "水到二楼了,奶奶下不来,谁有船",
    "今天真高兴,太棒了",
    "气死我了,真是垃圾",
    "help us please, the road is gone",
    "有车可以带人去车站,请打电话",
]


def encoder(tokenizer: Tokenizer, path: Path, hidden: int, layers: int, heads: int, pad: int) -> Path:
    """A random BERT encoder as Hugging Face keeps it."""
    path.mkdir()
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * hidden,
        max_position_embeddings=200,
        pad_token_id=pad,
    )
    save_file(BertModel(config, add_pooling_layer=False).state_dict(), path / "model.safetensors")
    tokenizer.save(str(path / "tokenizer.json"))
    return path


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    letters = sorted({letter for text in TEXTS for letter in text if letter != " "})
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    tokenizer = Tokenizer(models.Unigram([*pieces, *((letter, -5.0) for letter in letters)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return encoder(tokenizer, tmp_path_factory.mktemp("bases") / "e5", 384, 2, 12, 1)


@pytest.fixture(scope="module")
def bge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return encoder(tokenizer, tmp_path_factory.mktemp("bases") / "bge", 64, 1, 8, 0)


def test_every_stage_from_sets_to_bundles(folder: Path, e5: Path, bge: Path, tmp_path: Path) -> None:  # noqa: F811
    options = {"data": folder, "e5": e5, "bge": bge, "work": tmp_path / "work", "output": tmp_path / "bundles"}
    command = [sys.executable, "-m", "training.encoder.everything", "--smoke"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    for name in ("wide", "encoder", "accurate"):
        bundle = load_bundle(tmp_path / "bundles" / name)
        assert ("hazards" in bundle.heads) == (name != "wide")
        assert bundle.dimensions == (0 if name == "wide" else outputs.DIMENSIONS)
        assert load_model(bundle).encode(TEXTS[:2], ["zh", "zh"]).logits.shape == (2, bundle.size)
        check_udf(Classify(str(tmp_path / "bundles" / name)))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stderr.count("is skipped") == 12, "a stage that is done is not done again"


def test_outputs_stand_in_the_contract_s_order() -> None:
    assert list(outputs.SIZES.values()) == [
        len(SENTIMENTS),
        len(EMOTIONS),
        len(NEEDS) + 1,
        len(HAZARDS),
        len(SOURCE_KINDS),
        len(STATES),
    ]
    assert [EMOTIONS[k] for k in outputs.GLAD] == ["happy", "surprise"]


def tiny(shape: dict[str, object]) -> torch.nn.Module:
    torch.manual_seed(2)
    model = build(shape, outputs.OUTPUTS, outputs.DIMENSIONS).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


SHAPES = {
    "convolution": {"kind": "convolution", "pieces": 3000, "hidden": 96, "filters": 16},
    "funnel": {"kind": "funnel", "pieces": 3000, "width": 64, "hidden": 64, "heads": 4, "inner": 128, "layers": 2},
    "transformer": {
        "kind": "transformer",
        "vocab_size": 3000,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "max_position_embeddings": 130,
        "pad_token_id": 1,
    },
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_int8_says_what_float32_says_and_is_the_same_in_every_batch(name: str, e5: Path, tmp_path: Path) -> None:
    """``e5``'s tokenizer stands in: its ids are few, the networks' tables larger."""
    model = tiny(SHAPES[name])
    place = tmp_path / name
    place.mkdir()
    tokenizer = Tokenizer.from_file(str(e5 / "tokenizer.json"))
    tokenizer.save(str(place / "tokenizer.json"))
    texts = [text * k for text in TEXTS for k in (1, 2, 3)]
    graph = export.int8(dict(model.state_dict()), SHAPES[name], tokenizer, texts, texts, rank=90, smooth=0.5)
    onnx.save(graph, place / "model.onnx")
    small = OnnxModel(place)
    logits, embedding = small.run(texts)
    assert embedding is not None
    for at, text in enumerate(texts):
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.inference_mode():
            wanted, vector = (part[0].numpy() for part in model(ids, torch.ones_like(ids)))
        assert np.corrcoef(wanted, logits[at])[0, 1] > 0.98
        assert vector @ embedding[at] / np.linalg.norm(vector) > 0.97
        alone, near = small.run([text])
        assert near is not None
        assert (alone[0] == logits[at]).all()
        assert (near[0] == embedding[at]).all()


def test_packed_weights_come_back() -> None:
    weights = {"matrix": torch.randn(96, 64), "vector": torch.randn(7)}
    back = tensors.unpacked_bytes(tensors.packed(weights))
    assert torch.allclose(back["matrix"], weights["matrix"], atol=0.03)
    assert (back["vector"] == weights["vector"]).all()


def test_a_corpus_is_written_and_read_and_spliced(tmp_path: Path) -> None:
    count = len(TEXTS)
    ones = np.zeros(count, np.int8)  # part 0, label 0
    corpus = Corpus(
        TEXTS,
        np.array([False] * count),
        ones,
        ones > 0,
        ones,
        np.zeros((count, 9), np.int8),
        np.zeros((count, 8), np.int8),
        ones,
        ones,
        ones > 0,
        ones,
        ones,
        np.array(["smp2020-usual", "written-call", "a", "b", "written-offer"]),
    )
    corpus.save(tmp_path)
    read = Corpus.load(tmp_path)
    assert read.texts == TEXTS
    assert read.share({"written": 5.0, "smp": 2.0}).tolist() == [2.0, 5.0, 1.0, 1.0, 5.0]
    assert read.part_of(np.array([2, 0])).texts == [TEXTS[2], TEXTS[0]]
    made = spliced(read, 20, 1)
    assert made == spliced(read, 20, 1)
    assert made != spliced(read, 20, 2)
    assert len(made) > 10


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after a checkpoint and started again, a run sees the batches that it had not seen, and no other."""
    from training.encoder import loop

    monkeypatch.setattr(loop, "EVERY", 4)
    pieces = tensors.Pieces.of([[5] * n for n in (3, 4, 5, 6, 7, 8)], pad=1, device="cpu")

    def run(steps: int, stop_at: int | None, seen: list[tuple[int, ...]]) -> torch.Tensor:
        torch.manual_seed(0)
        model = torch.nn.Linear(1, 1)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)

        def loss_of(part: torch.Tensor) -> torch.Tensor:
            if len(seen) == stop_at:
                raise KeyboardInterrupt
            seen.append(tuple(part.tolist()))
            return (model(part.float()[:, None]) ** 2).mean()

        rows = np.arange(6)
        loop.train(
            "x",
            model,
            optimiser,
            pieces,
            lambda draw: rows,
            loss_of,
            tensors.Clock(steps, None),
            16,
            0.01,
            3,
            tmp_path / "run.part",
        )
        return model.weight.detach()

    whole: list[tuple[int, ...]] = []
    wanted = run(10, None, whole)
    first: list[tuple[int, ...]] = []
    with pytest.raises(KeyboardInterrupt):
        run(10, 6, first)
    second: list[tuple[int, ...]] = []
    assert torch.equal(run(10, None, second), wanted)
    assert first + second[2:] == whole, "two steps after the last checkpoint are done again"
    assert json.dumps(second[:2]) == json.dumps(first[4:])


@pytest.mark.parametrize("name", ["convolution", "transformer"])
def test_an_evened_embedding_has_no_common_part_and_no_axis_that_outweighs_the_rest(name: str, e5: Path) -> None:
    tokenizer = Tokenizer.from_file(str(e5 / "tokenizer.json"))
    texts = ["".join(TEXTS[(k * 7 + j) % 5][j % 6 : j % 6 + 5] for j in range(k % 9 + 1)) for k in range(300)]
    model = tiny(SHAPES[name])
    before = dict(model.state_dict())
    after = build(SHAPES[name], outputs.OUTPUTS, outputs.DIMENSIONS).eval()
    after.load_state_dict(export.evened(before, SHAPES[name], tokenizer, texts))
    spread = []
    for network in (model, after):
        with torch.inference_mode():
            parts = [network(*map(torch.from_numpy, feed.values()))[1] for feed in export.batches(tokenizer, texts, 1)]
        rows = torch.cat(parts)
        values = torch.linalg.svdvals(rows - rows.mean(0))
        spread.append((rows.mean(0).norm() / rows.norm(dim=1).mean(), values[0] / values[20]))
    assert spread[1][0] < 0.2 * spread[0][0]
    assert spread[1][1] < 0.6 * spread[0][1]
