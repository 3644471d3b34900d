"""From a bundle to the model that runs it."""

from __future__ import annotations

from schemas.errors import ModelError
from udfs.encoder.bundle import Bundle
from udfs.encoder.model import Encoded, Model
from udfs.encoder.wide import WideModel

BATCH_TOKENS = 4096
"""Word pieces that a model on a CPU runs over at once unless told otherwise."""


def load_model(bundle: Bundle, batch_tokens: int | None = None, device: str = "auto") -> Model:
    """The model of ``bundle``, ready to run. ``batch_tokens``: None leaves it to the model; ``device``: auto, cpu or
    cuda, for models that can run on either. Raises ModelError when a file does not fit."""
    if bundle.kind == "wide":
        model = WideModel.load(bundle.path / "wide.npz")
        if model.outputs != bundle.size:
            raise ModelError(
                f"{bundle.path / 'wide.npz'} has {model.outputs} outputs, its labels are {bundle.size}; retrain it"
            )
        return model
    if bundle.kind == "encoder":
        return _Deep(bundle, batch_tokens or BATCH_TOKENS)
    raise ModelError(f"{bundle.path}: kind {bundle.kind} cannot be run by this version; use a matching bundle")


class _Deep:
    """The deep model without embedding."""

    def __init__(self, bundle: Bundle, batch_tokens: int) -> None:
        from udfs.encoder.deep import DeepModel  # onnxruntime takes a second to import: only where it is used

        self.deep = DeepModel(bundle.path, bundle.meta["mix"], batch_tokens)

    def encode(self, texts: list[str], languages: list[str]) -> Encoded:
        return Encoded(self.deep.logits(texts, languages), None)
