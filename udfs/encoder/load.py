"""From a bundle to the model that runs it."""

from __future__ import annotations

from schemas.errors import ModelError
from udfs.encoder.bundle import Bundle
from udfs.encoder.model import Model
from udfs.encoder.wide import WideModel


def load_model(bundle: Bundle, batch_tokens: int | None = None, device: str = "auto") -> Model:
    """The model of ``bundle``, ready to run. ``batch_tokens``: padded tokens that an encoder runs over at once, None
    for what suits it; ``device``: auto, cpu or cuda. Only kind "torch" runs on CUDA.

    Raises ModelError when a file does not fit, or what runs it is not installed or not there."""
    if device == "cuda" and bundle.kind != "torch":
        raise ModelError(
            f"model.device is cuda, and {bundle.model} (kind {bundle.kind}) runs on the CPU only: give a bundle of "
            "kind torch (yuqing train), or set model.device to auto"
        )
    if bundle.kind == "wide":
        model = WideModel.load(bundle.path / "wide.npz")
        _check(bundle, "wide.npz", model.outputs, 0)
        return model
    from udfs.encoder.deep import Backend, DeepModel

    backend: Backend
    if bundle.kind == "encoder":
        from udfs.encoder.onnx_model import OnnxModel  # onnxruntime takes a second to import: only where it is used

        backend = OnnxModel(bundle.path, batch_tokens)
        _check(bundle, "model.onnx", backend.outputs, backend.dimensions)
        return DeepModel(bundle.path, backend, bundle.meta["mix"])
    try:
        from udfs.encoder.torch_model import MAX_TOKENS, TorchModel

        backend = TorchModel(bundle.path, batch_tokens, device, int(bundle.meta.get("max_tokens", MAX_TOKENS)))
    except ImportError as error:
        raise ModelError(
            f"{bundle.model} is a bundle of kind torch and {error.name} is not installed: pip install 'yuqing[torch]', "
            "or use another bundle"
        ) from error
    _check(bundle, "heads.safetensors", backend.outputs, backend.dimensions)
    return DeepModel(bundle.path, backend, bundle.meta.get("mix"))


def _check(bundle: Bundle, file: str, outputs: int, dimensions: int) -> None:
    if outputs != bundle.size:
        raise ModelError(f"{bundle.path / file} has {outputs} outputs, its labels are {bundle.size}; retrain it")
    if dimensions != bundle.dimensions:
        raise ModelError(
            f"{bundle.path / file} gives {dimensions} dimensions of an embedding, bundle.json says {bundle.dimensions}"
            "; retrain it"
        )
