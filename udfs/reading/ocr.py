"""Text in a picture: PP-OCRv6 detection and recognition on one thread of the CPU, from the files of rapidocr.

The two networks are run here directly instead of through ``rapidocr.RapidOCR`` for three reasons: nothing can be
downloaded, the detector sees a smaller picture than the recogniser, and every line is recognised alone at its own
width, so that its result does not depend on its neighbours. Detection after "Real-time Scene Text Detection with
Differentiable Binarization" (Liao et al., AAAI 2020); recognition is CTC.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from schemas.errors import ModelError

Picture = npt.NDArray[Any]
"""uint8, height x width x 3, BGR. (The types that OpenCV declares are wider than what it returns.)"""
Quad = npt.NDArray[Any]
"""float32, 4 x 2: corners from top left clockwise, in pixels."""

DETECTOR, RECOGNISER, TURNED = (
    "PP-OCRv6_det_small.onnx",
    "PP-OCRv6_rec_small.onnx",
    "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
)
DETECT_SIDE = 1280
"""Longer side of what the detector sees: 9 pt on A4 is then 14 pixels high."""
INK, SURE = 0.3, 0.5
"""Of the detector's map: a pixel is text; a box is text."""
UNCLIP = 1.6
LINE_HEIGHT = 48
NARROWEST, WIDEST = 64, 3200


def model_files() -> dict[str, Path]:
    """The three networks in the installed package. Raises ModelError: a file is missing."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("rapidocr is not installed: install the package that requirements.lock names")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    files = {name: folder / name for name in (DETECTOR, RECOGNISER, TURNED)}
    for name, path in files.items():
        if not path.is_file():
            raise ModelError(f"the installed rapidocr has no model {name}: install the version in requirements.lock")
    return files


def model_name() -> str:
    """``rapidocr@3.10.0#0123456789ab``: version of the package and digest of the three networks."""
    digest = hashlib.sha256()
    for path in model_files().values():
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"rapidocr@{importlib.metadata.version('rapidocr')}#{digest.hexdigest()[:12]}"


class Ocr:
    """Detects and recognises lines. Loads each network when it is first needed; about 0.4 s and 300 MiB in all."""

    def __init__(self) -> None:
        self._files = model_files()

    @cached_property
    def _detector(self) -> _Network:
        return _Network(self._files[DETECTOR])

    @cached_property
    def _recogniser(self) -> _Network:
        return _Network(self._files[RECOGNISER])

    @cached_property
    def _turned(self) -> _Network:
        return _Network(self._files[TURNED])

    @cached_property
    def _characters(self) -> list[str]:
        return ["", *self._recogniser.metadata("character").splitlines(), " "]

    def detect(self, picture: Picture, side: int = DETECT_SIDE) -> list[Quad]:
        """Quadrilaterals of lines, top to bottom; ``side`` is the longer side of what the network sees."""
        height, width = picture.shape[:2]
        scale = min(1.0, side / max(height, width))
        small_height, small_width = (max(32, round(edge * scale / 32) * 32) for edge in (height, width))
        small = cv2.resize(picture, (small_width, small_height), interpolation=cv2.INTER_AREA)
        heat = self._detector.run(_normalised(small)[None])[0, 0]
        mask = cv2.dilate((heat > INK).astype(np.uint8), np.ones((2, 2), np.uint8))
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        found = []
        for contour in contours:
            (x, y), (w, h), angle = cv2.minAreaRect(contour)
            if min(w, h) < 3 or _mean_inside(heat, cv2.boxPoints(((x, y), (w, h), angle))) < SURE:
                continue
            grown = UNCLIP * w * h / (w + h)  # twice the paper's offset: it is added on both sides
            quad = clockwise(cv2.boxPoints(((x, y), (w + grown, h + grown), angle)))
            quad *= np.array([width / small_width, height / small_height], np.float32)
            found.append(quad)
        return sorted(found, key=lambda quad: (float(quad[:, 1].min()), float(quad[:, 0].min())))

    def recognise(self, crop: Picture) -> tuple[str, float]:
        """Text of an upright crop of one line, and the probability of its least sure character (0 without any)."""
        height, width = crop.shape[:2]
        drawn = min(WIDEST, max(1, round(LINE_HEIGHT * width / height)))
        line = np.zeros((3, LINE_HEIGHT, max(NARROWEST, -(-drawn // 16) * 16)), np.float32)
        line[:, :, :drawn] = _normalised(cv2.resize(crop, (drawn, LINE_HEIGHT)))
        steps = self._recogniser.run(line[None])[0]
        ids = steps.argmax(axis=1)
        fresh = ids != 0
        fresh[1:] &= ids[1:] != ids[:-1]
        text = "".join(self._characters[index] for index in ids[fresh])
        return text, round(float(steps.max(axis=1)[fresh].min()), 4) if text.strip() else 0.0

    def upside_down(self, crops: list[Picture]) -> float:
        """Mean probability that the crops of lines stand on their heads, by the classifier for turned text."""
        chances = []
        for crop in crops:
            height, width = crop.shape[:2]
            drawn = min(192, max(1, round(LINE_HEIGHT * width / height)))
            line = np.zeros((1, 3, LINE_HEIGHT, 192), np.float32)
            line[0, :, :, :drawn] = _normalised(cv2.resize(crop, (drawn, LINE_HEIGHT)))
            chances.append(float(self._turned.run(line)[0, 1]))
        return sum(chances) / len(chances) if chances else 0.0


def cut(picture: Picture, quad: Quad) -> Picture:
    """The quadrilateral of a line drawn upright; a tall one is turned by a quarter counter-clockwise."""
    width = max(1, round(float(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[3] - quad[2])))))
    height = max(1, round(float(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2])))))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    crop = cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.rot90(crop)) if height >= 1.5 * width else crop


class _Network:
    """One ONNX graph with one input on one thread, without an arena: memory goes back after each run."""

    def __init__(self, path: Path) -> None:
        import onnxruntime  # half a second: only a process that reads pictures pays it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own that it does not export
            raise ModelError(f"{path.name} cannot be run ({type(error).__name__}): install rapidocr anew") from error
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._session.run(None, {self._input: batch})[0]  # type: ignore[no-any-return]

    def metadata(self, key: str) -> str:
        return str(self._session.get_modelmeta().custom_metadata_map[key])


def _normalised(picture: Picture) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32) / np.float32(127.5) - np.float32(1)


def _mean_inside(heat: npt.NDArray[np.float32], quad: Quad) -> float:
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 1
    window = np.ascontiguousarray(heat[top:bottom, left:right])
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(quad - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(window, mask)[0])


def clockwise(corners: Quad) -> Quad:
    """The corners from top left clockwise."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (by_x[:2], by_x[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)
