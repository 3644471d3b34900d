"""The bundle: a folder that holds a model and all that is needed to trust and run it.

    bundle.json   name, version, kind, heads, help and abstain thresholds, hashes, training sets, figures
    CARD.md       the model card
    wide.npz      the n-gram model (kinds "wide" and "encoder")
    model.onnx, tokenizer.json   the transformer (kind "encoder"), whose logits are added to the wide model's
    config.json, model.safetensors, tokenizer.json, heads.safetensors   an encoder for torch (kind "torch")

Format 2: besides the four required heads a bundle may have those of OPTIONAL, and an embedding (`dimensions`).

Every file but bundle.json stands in `files` with its SHA-256, and loading proves them: a half-copied folder must not
score a single post.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ModelError
from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS, SOURCE_KINDS, STATES

FORMAT = 2
BUNDLES = Path(__file__).parent / "bundles"
"""Where the shipped bundles lie."""
DEFAULT = "encoder"
"""Name of the shipped bundle that `classify` takes unless told otherwise."""
KINDS = {
    "wide": ("wide.npz",),
    "encoder": ("wide.npz", "model.onnx", "tokenizer.json"),
    "torch": ("config.json", "model.safetensors", "tokenizer.json", "heads.safetensors"),
}
"""Files a bundle of each kind must have besides its card."""
LABELS = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "needs": NEEDS, "help": ("help",)}
"""The heads of every bundle, in the order of the model's outputs, with their labels in the order of the contract."""
OPTIONAL = {"hazards": HAZARDS, "source": SOURCE_KINDS, "state": STATES}
"""Heads that a bundle has all of, after the required ones in this order, or none of: hints for triage."""
MULTI_LABEL = frozenset({"needs", "help", "hazards"})
"""Heads of which several labels may hold at once, each with a curve and a threshold of its own; the rest are one-of."""
MOST_DIMENSIONS = 1024


@dataclass(frozen=True, slots=True)
class Head:
    """One decision. ``slope`` and ``offset`` calibrate logits (Platt, 1999): p = f(slope * logit + offset), f being
    softmax over a one-of head (one slope: a temperature), the logistic function over MULTI_LABEL heads (one a label).
    """

    labels: tuple[str, ...]
    slope: tuple[float, ...]
    offset: tuple[float, ...]
    threshold: tuple[float, ...]
    """MULTI_LABEL heads: report from this probability on. Empty for one-of heads, which always answer."""
    abstain: tuple[float, float]
    """A probability in [low, high) is too close to call: a person should look (review, circuit breaker)."""


@dataclass(frozen=True, slots=True)
class Bundle:
    path: Path
    name: str
    version: str
    kind: str
    heads: Mapping[str, Head]
    """Those of LABELS, then all of OPTIONAL or none; iteration order is the order of the model's outputs."""
    meta: Mapping[str, Any]
    """bundle.json as it stands: training sets and sizes, figures, licence."""

    @property
    def model(self) -> str:
        """What stands in the `model` column."""
        return f"{self.name}@{self.version}"

    @property
    def size(self) -> int:
        """Number of logits a model of this bundle gives a text."""
        return sum(len(head.labels) for head in self.heads.values())

    @property
    def dimensions(self) -> int:
        """Length of the embedding that the model gives a text; 0 when it gives none."""
        return int(self.meta["embedding"]["dimensions"]) if "embedding" in self.meta else 0


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def resolve(bundle: str | None) -> Path:
    """Folder of ``bundle``: None is the shipped default, a bare name a shipped bundle, else a path."""
    if bundle is None:
        return BUNDLES / DEFAULT
    shipped = BUNDLES / bundle
    return shipped if "/" not in bundle and shipped.is_dir() else Path(bundle)


def load_bundle(path: str | Path | None = None) -> Bundle:
    """Read and prove the bundle in folder ``path`` (None or a shipped name as in `resolve`).

    Raises ModelError, which names the file and the remedy, when the folder or a file is missing, a hash differs, or the
    format, kind or labels are not this version's. Cost: one read of every file (tens of milliseconds).
    """
    folder = path if isinstance(path, Path) else resolve(path)
    description = folder / "bundle.json"
    if not description.is_file():
        raise ModelError(f"no model bundle in {folder}: {description.name} is missing; give the folder that holds it")
    try:
        meta = json.loads(description.read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            raise ModelError(
                f"{description}: format {meta['format']!r}, this version reads {FORMAT}; use a matching bundle"
            )
        if meta["kind"] not in KINDS:
            raise ModelError(
                f"{description}: kind {meta['kind']!r} is none of {', '.join(KINDS)}; use a matching bundle"
            )
        heads = {name: _head(description, name, labels, meta["heads"]) for name, labels in _wanted(description, meta)}
        _prove(folder, meta)
        return Bundle(folder, meta["name"], meta["version"], meta["kind"], heads, meta)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{description} is damaged ({type(error).__name__}: {error}); copy the bundle again"
        ) from error


def _wanted(description: Path, meta: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Names and labels of the heads that the bundle must have by what it says of itself."""
    if unknown := sorted(set(meta["heads"]) - {*LABELS, *OPTIONAL}):
        raise ModelError(f"{description}: head {unknown[0]!r} is not this version's; use a matching bundle")
    missing = [name for name in OPTIONAL if name not in meta["heads"]]
    if missing and len(missing) < len(OPTIONAL):
        raise ModelError(
            f"{description}: heads {', '.join(OPTIONAL)} come together, {', '.join(missing)} is missing; retrain it"
        )
    if "embedding" in meta:
        dimensions = meta["embedding"]["dimensions"]
        if not isinstance(dimensions, int) or not 1 <= dimensions <= MOST_DIMENSIONS:
            raise ModelError(f"{description}: embedding.dimensions {dimensions!r} is not in 1..{MOST_DIMENSIONS}")
    return [*LABELS.items(), *(() if missing else OPTIONAL.items())]


def _head(description: Path, name: str, labels: tuple[str, ...], heads: Mapping[str, Any]) -> Head:
    meta = heads[name]
    if tuple(meta["labels"]) != labels:
        raise ModelError(
            f"{description}: labels of head {name} are not this version's; retrain the bundle (make models)"
        )
    many = name in MULTI_LABEL
    each = len(labels) if many else 1
    numbers = {key: tuple(float(value) for value in meta[key]) for key in ("slope", "offset", "threshold", "abstain")}
    wanted = {"slope": each, "offset": each, "threshold": each if many else 0, "abstain": 2}
    for key, count in wanted.items():
        if len(numbers[key]) != count:
            raise ModelError(
                f"{description}: {key} of head {name} needs {count} numbers; retrain the bundle (make models)"
            )
    low, high = numbers["abstain"]
    return Head(labels, numbers["slope"], numbers["offset"], numbers["threshold"], (low, high))


def _prove(folder: Path, meta: Mapping[str, Any]) -> None:
    for needed in (*KINDS[meta["kind"]], "CARD.md"):
        if needed not in meta["files"]:
            raise ModelError(f"{folder / 'bundle.json'}: no hash of {needed}; retrain the bundle (make models)")
    for name, expected in meta["files"].items():
        file = folder / name
        if not file.is_file():
            raise ModelError(f"{file} is missing; copy the bundle again or make it anew (make models)")
        if sha256(file) != expected:
            raise ModelError(
                f"{file} does not match its SHA-256 in bundle.json; copy the bundle again (git lfs, line ends?)"
            )


def write_bundle(folder: Path, meta: Mapping[str, Any]) -> Bundle:
    """Hash every file in ``folder``, write bundle.json with ``meta`` around it, and load the result back."""
    files = {file.name: sha256(file) for file in sorted(folder.iterdir()) if file.name != "bundle.json"}
    whole = {"format": FORMAT, **meta, "files": files}
    (folder / "bundle.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return load_bundle(folder)
