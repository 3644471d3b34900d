"""The torch backend against a plain forward of transformers: values, order, batches, damage."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModel

from schemas.errors import ModelError
from tests.torch.conftest import HIDDEN, OUTPUTS, TEXTS, rehash
from udfs.encoder.bundle import Bundle, load_bundle
from udfs.encoder.deep import DeepModel
from udfs.encoder.load import load_model
from udfs.encoder.step import Classify
from udfs.encoder.torch_model import TorchModel

pytestmark = pytest.mark.torch
Make = Callable[..., Bundle]
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@pytest.fixture(scope="module")
def bundle(torch_bundle: Make, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return torch_bundle(tmp_path_factory.mktemp("bundle"), max_tokens=100)


@pytest.fixture
def model(bundle: Bundle) -> TorchModel:
    return TorchModel(bundle.path, device="cpu", max_tokens=100)


def plain(bundle: Bundle, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Logits and mean state of one text, with nothing of ours."""
    encoder = AutoModel.from_pretrained(bundle.path).eval()
    tokenizer = Tokenizer.from_file(str(bundle.path / "tokenizer.json"))
    tokenizer.enable_truncation(100)
    layers = load_file(bundle.path / "heads.safetensors")
    with torch.no_grad():
        mean = encoder(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state.mean(1)
    return (
        (mean @ layers["heads.weight"].T + layers["heads.bias"]).numpy()[0],
        (mean @ layers["embedding.weight"].T).numpy()[0],
    )


def test_it_is_a_plain_forward_with_mean_and_linear_layers(bundle: Bundle, model: TorchModel) -> None:
    logits, embedding = model.run(TEXTS[:12])
    assert embedding is not None
    for row, text in enumerate(TEXTS[:12]):
        expected, direction = plain(bundle, text)
        assert logits[row] == pytest.approx(expected, abs=1e-4)
        if text:
            assert embedding[row] == pytest.approx(direction / np.linalg.norm(direction), abs=1e-5)


def test_order_is_kept_and_a_batch_changes_nothing(model: TorchModel) -> None:
    together = model.run(TEXTS)[0]
    alone = np.concatenate([model.run([text])[0] for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together[::-1] - model.run(TEXTS[::-1])[0]).max() < 1e-5


def test_the_token_budget_is_kept(model: TorchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    forward = model._forward
    monkeypatch.setattr(model, "_forward", lambda ids, mask: shapes.append(tuple(ids.shape)) or forward(ids, mask))
    model.batch_tokens = 256
    model.run(TEXTS)
    assert max(texts * length for texts, length in shapes) <= 256
    assert sum(texts for texts, _ in shapes) == len(TEXTS)


def test_a_long_text_is_cut(model: TorchModel) -> None:
    assert max(map(len, model.tokens(["水 " * 400]))) == 100


def test_a_text_without_tokens_has_no_direction(model: TorchModel) -> None:
    _, embedding = model.run(["", "水"])
    assert embedding is not None
    assert not embedding[0].any()
    assert np.linalg.norm(embedding[1]) == pytest.approx(1)


def test_no_text(model: TorchModel) -> None:
    logits, embedding = model.run([])
    assert logits.shape == (0, OUTPUTS)
    assert embedding is not None
    assert embedding.shape == (0, 8)


def test_the_ready_made_mask_means_the_same(model: TorchModel) -> None:
    """What CUDA gets, so that the device need not be asked about the mask."""
    usual = model.run(TEXTS)[0]
    model._ready = True
    assert np.abs(model.run(TEXTS)[0] - usual).max() < 1e-5


def test_memory_that_does_not_suffice_halves_the_budget(model: TorchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = model.run(TEXTS)[0]
    forward = model._forward

    def small(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if ids.numel() > 300:
            raise torch.OutOfMemoryError
        return forward(ids, mask)

    monkeypatch.setattr(model, "_forward", small)
    assert np.abs(model.run(TEXTS)[0] - expected).max() < 1e-5
    assert 150 <= model.batch_tokens <= 300


def test_memory_for_not_even_one_text_is_an_error(model: TorchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(model, "_forward", none)
    with pytest.raises(MemoryError, match="cannot hold one text"):
        model.run(TEXTS)


def test_classify_runs_it(bundle: Bundle) -> None:
    step = Classify(str(bundle.path), device="cpu")
    step.open()
    found = step.probabilities(TEXTS, ["zh"] * len(TEXTS))
    assert np.allclose(found.sentiment.sum(axis=1), 1)
    assert found.help.shape == (len(TEXTS), 1)


def test_a_wide_model_may_stand_beside_it(torch_bundle: Make, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    np.savez_compressed(
        tmp_path / "wide.npz",
        weights=draw.integers(-127, 128, (1 << 10, 18)).astype(np.int8),
        scale=np.full(18, 0.05, np.float32),
        bias=draw.normal(size=(2, 18)).astype(np.float32),
        idf=draw.integers(20, 200, 1 << 10).astype(np.uint8),
        fingerprint=draw.integers(1, 1 << 16, 1 << 10).astype(np.uint16),
    )
    model = load_model(torch_bundle(tmp_path, mix=[[0.5] * 18, [2.0] * 18]), device="cpu")
    assert isinstance(model, DeepModel)
    assert model.wide is not None
    logits, deep = model.encode(TEXTS, ["zh"] * len(TEXTS)).logits, model.deep(TEXTS)
    wide = model.wide.logits(TEXTS, ["zh"] * len(TEXTS))
    assert np.allclose(logits[:, :18], 0.5 * wide + 2 * deep[:, :18])
    assert np.array_equal(logits[:, 18:], deep[:, 18:])


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def _layers(folder: Path, **layers: torch.Tensor) -> None:
    save_file(
        {name.replace("_", "."): part.contiguous() for name, part in layers.items()}, folder / "heads.safetensors"
    )


def _lacking(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    del state["encoder.layer.1.output.dense.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def _larger_vocabulary(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens([chr(0x4E00 + at) for at in range(3000)])
    tokenizer.save(str(folder / "tokenizer.json"))


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").rename(folder / "other.safetensors")


def _remote_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "nobody_knows", "auto_map": {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('code of a model ran')")


ZEROS = torch.zeros(OUTPUTS)
WEIGHTS = torch.zeros(OUTPUTS, HIDDEN)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: _truncate(folder / "model.safetensors"), "no encoder that transformers can load"),
        (lambda folder: _truncate(folder / "heads.safetensors"), r"heads\.safetensors cannot be read"),
        (lambda folder: (folder / "config.json").write_text("{"), "no encoder that transformers can load"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), r"tokenizer\.json is no tokenizer"),
        (_lacking, r"lacks encoder\.layer\.1\.output\.dense\.weight"),
        (_larger_vocabulary, "belong to different models"),
        (_pickled, "no encoder that transformers can load"),
        (_remote_code, "no encoder that transformers can load"),
        (lambda folder: _layers(folder, heads_weight=WEIGHTS[:, :5], heads_bias=ZEROS), r"wants \[any, 32"),
        (lambda folder: _layers(folder, heads_weight=WEIGHTS), "bias does not fit"),
        (lambda folder: _layers(folder, heads_weight=WEIGHTS[:3], heads_bias=ZEROS[:3]), "has 3 outputs"),
        (lambda folder: _layers(folder, heads_weight=WEIGHTS, heads_bias=ZEROS), "gives 0 dimensions"),
    ],
)
def test_damage_is_named(torch_bundle: Make, tmp_path: Path, damage: Callable[[Path], object], said: str) -> None:
    bundle = torch_bundle(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=said):
        load_model(bundle, device="cpu")


def test_a_changed_file_is_found_by_its_hash(torch_bundle: Make, tmp_path: Path) -> None:
    torch_bundle(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"config\.json does not match"):
        load_bundle(tmp_path)
    (tmp_path / "heads.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no hash of heads\.safetensors"):
        rehash(tmp_path)


def test_without_torch_the_remedy_is_named(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "udfs.encoder.torch_model", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"torch is not installed: pip install 'yuqing\[torch\]'"):
        load_model(bundle)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_named(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="sees no such device"):
        load_model(bundle, device="cuda")


def test_an_unknown_device_is_named(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="give auto, cpu, cuda"):
        load_model(bundle, device="tpu")


@cuda
@pytest.mark.parametrize("buffered", [True, False])
def test_cuda_is_near_the_cpu(bundle: Bundle, model: TorchModel, buffered: bool) -> None:
    on_cuda = TorchModel(bundle.path, 512, "cuda", 100, double_buffered=buffered)
    logits, embedding = on_cuda.run(TEXTS)
    expected, direction = model.run(TEXTS)
    assert embedding is not None
    assert direction is not None
    assert np.abs(logits - expected).max() < 0.5
    assert (embedding[1:] * direction[1:]).sum(axis=1).min() > 0.99


@cuda
def test_double_buffering_changes_no_bit(bundle: Bundle) -> None:
    ahead, waiting = (TorchModel(bundle.path, 512, "cuda", 100, double_buffered=way) for way in (True, False))
    assert np.array_equal(ahead.run(TEXTS * 50)[0], waiting.run(TEXTS * 50)[0])
