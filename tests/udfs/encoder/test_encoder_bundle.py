"""Every way a bundle can be wrong is told apart, with the file and the remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ModelError
from udfs.encoder.bundle import BUNDLES, Bundle, load_bundle

Damage = Callable[[Path], Any]
Make = Callable[..., Bundle]


def edit(change: Callable[[dict[str, Any]], Any]) -> Damage:
    def damage(folder: Path) -> None:
        file = folder / "bundle.json"
        meta = json.loads(file.read_text(encoding="utf-8"))
        change(meta)
        file.write_text(json.dumps(meta), encoding="utf-8")

    return damage


def append_byte(folder: Path) -> None:
    with (folder / "wide.npz").open("ab") as stream:
        stream.write(b"\0")


CASES: list[tuple[str, Damage, str]] = [
    ("no bundle.json", lambda f: (f / "bundle.json").unlink(), "bundle.json is missing"),
    ("no weights", lambda f: (f / "wide.npz").unlink(), "wide.npz is missing"),
    ("no card", lambda f: (f / "CARD.md").unlink(), "CARD.md is missing"),
    ("one byte more", append_byte, "wide.npz does not match its SHA-256"),
    ("card edited", lambda f: (f / "CARD.md").write_text("better\n", encoding="utf-8"), "CARD.md does not match"),
    ("half a json", lambda f: (f / "bundle.json").write_text('{"format": 1', encoding="utf-8"), "is damaged"),
    ("other format", edit(lambda m: m.update(format=99)), "format 99"),
    ("other kind", edit(lambda m: m.update(kind="llm")), "kind 'llm'"),
    ("hash left out", edit(lambda m: m["files"].pop("wide.npz")), "no hash of wide.npz"),
    ("labels swapped", edit(lambda m: m["heads"]["emotion"]["labels"].reverse()), "labels of head emotion"),
    ("head left out", edit(lambda m: m["heads"].pop("help")), "KeyError: 'help'"),
    ("threshold short", edit(lambda m: m["heads"]["needs"]["threshold"].pop()), "threshold of head needs needs 8"),
    ("one optional head", edit(lambda m: m["heads"].update(state={})), "hazards, source is missing"),
    ("unknown head", edit(lambda m: m["heads"].update(topic={})), "head 'topic'"),
    ("no dimensions", edit(lambda m: m.update(embedding={})), "KeyError: 'dimensions'"),
    ("0 dimensions", edit(lambda m: m.update(embedding={"dimensions": 0})), "dimensions 0 is not in 1"),
    ("half a dimension", edit(lambda m: m.update(embedding={"dimensions": 64.5})), "dimensions 64.5 is not in"),
    ("torch without files", edit(lambda m: m.update(kind="torch")), "no hash of config.json"),
    ("slope no number", edit(lambda m: m["heads"]["help"].update(slope=["x"])), "is damaged"),
]


@pytest.mark.parametrize(("damage", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_damage_is_named(tmp_path: Path, damage: Damage, message: str, tiny_bundle: Make) -> None:
    tiny_bundle(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match="(?s)" + message.replace("(", r"\(")) as caught:
        load_bundle(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_whole_bundle_loads(tmp_path: Path, tiny_bundle: Make) -> None:
    bundle = tiny_bundle(tmp_path, version="2.3.4")
    assert load_bundle(str(tmp_path)) == bundle
    assert bundle.model == "tiny@2.3.4"
    assert bundle.size == 18
    assert bundle.dimensions == 0
    assert bundle.heads["help"].abstain == (0.2, 0.4)


def test_optional_heads_come_after_the_required_ones(tmp_path: Path, tiny_bundle: Make) -> None:
    bundle = tiny_bundle(tmp_path, hints=True, embedding={"dimensions": 64})
    assert list(bundle.heads) == ["sentiment", "emotion", "needs", "help", "hazards", "source", "state"]
    assert bundle.size == 36
    assert bundle.dimensions == 64
    assert [len(bundle.heads[name].threshold) for name in ("hazards", "source", "state")] == [8, 0, 0]
    meta = json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))
    meta["heads"] = dict(reversed(meta["heads"].items()))
    (tmp_path / "bundle.json").write_text(json.dumps(meta), encoding="utf-8")
    assert list(load_bundle(tmp_path).heads) == list(bundle.heads)  # whatever order the file has


def test_a_torch_bundle_has_its_own_files(tmp_path: Path, tiny_bundle: Make) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json", "heads.safetensors"):
        (tmp_path / name).write_bytes(b"")
    assert tiny_bundle(tmp_path, kind="torch").kind == "torch"


def test_an_unknown_folder_says_so() -> None:
    with pytest.raises(ModelError, match="give the folder"):
        load_bundle("no-such-bundle")


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in BUNDLES.glob("*/bundle.json")))
def test_shipped_bundles_are_whole(folder: str) -> None:
    bundle = load_bundle(folder)
    assert bundle.name == folder
    assert bundle.meta["training"]
    assert bundle.meta["measured"]
    assert bundle.model in (bundle.path / "CARD.md").read_text(encoding="utf-8")


def test_shipped_bundles_are_small_together() -> None:
    assert sum(file.stat().st_size for file in BUNDLES.rglob("*") if file.is_file()) < 60e6


def test_the_default_is_shipped() -> None:
    assert load_bundle(None).path.parent == BUNDLES
