"""What scanners, copiers and phones do to a page. Each effect is drawn by chance; a careful person can still read it.

Deterministic for a generator of numbers; cost about .1 s a page of 150 dpi.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

Pixels = np.ndarray


def lightly(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A good flatbed scanner: a trace of noise, half a degree at most."""
    pixels = np.asarray(picture)
    if rng.random() < 0.5:
        pixels = skewed(pixels, rng.uniform(-0.4, 0.4))
    return Image.fromarray(noisy(pixels, rng, rng.uniform(0, 4)))


def badly(picture: Image.Image, rng: random.Random) -> tuple[Image.Image, list[str]]:
    """Two to four effects; which ones."""
    pixels = np.asarray(picture)
    chosen = rng.sample(sorted(EFFECTS), rng.randint(2, 4))
    if "photo" in chosen and "skew" in chosen:
        chosen.remove("skew")
    # a sheet is bent and lit before it is turned and squeezed
    for name in sorted(chosen, key=ORDER.index):
        pixels = EFFECTS[name](pixels, rng)
    return Image.fromarray(pixels), sorted(chosen)


def skewed(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    # the sheet grows so that no corner is cut
    size = int(width * cos + height * sin), int(width * sin + height * cos)
    turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return cv2.warpAffine(
        pixels, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(250, 250, 250)
    )


def skew(pixels: Pixels, rng: random.Random) -> Pixels:
    return skewed(pixels, rng.choice((-1, 1)) * rng.uniform(0.8, 4.0))


def noisy(pixels: Pixels, rng: random.Random, strength: float) -> Pixels:
    generator = np.random.default_rng(rng.getrandbits(32))
    # noise of a page of its own size costs more than all the rest: a tile is enough
    tile = generator.normal(0, strength, (256, 256)).astype(np.float32)
    height, width = pixels.shape[:2]
    noise = np.tile(tile, (height // 256 + 1, width // 256 + 1))[:height, :width, None]
    return np.clip(pixels.astype(np.float32) + noise, 0, 255).astype(np.uint8)


def noise(pixels: Pixels, rng: random.Random) -> Pixels:
    """Grain, and some specks of dirt."""
    pixels = noisy(pixels, rng, rng.uniform(6, 16))
    generator = np.random.default_rng(rng.getrandbits(32))
    count = rng.randint(20, 150)
    ys, xs = generator.integers(0, pixels.shape[0] - 1, count), generator.integers(0, pixels.shape[1] - 1, count)
    pixels[ys, xs] = 60
    pixels[ys + 1, xs] = 90
    return pixels


def blur(pixels: Pixels, rng: random.Random) -> Pixels:
    # in pixels of a page of 150 dpi, where a character is about 22 wide
    return cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.6, 1.0) * pixels.shape[1] / 1240)


def faint(pixels: Pixels, rng: random.Random) -> Pixels:
    """Low contrast: grey ink on greyish paper."""
    low, high = rng.uniform(70, 110), rng.uniform(200, 240)
    return (low + pixels.astype(np.float32) * ((high - low) / 255)).astype(np.uint8)


def light(pixels: Pixels, rng: random.Random) -> Pixels:
    """Uneven light: a shadow that falls from one side or corner."""
    height, width = pixels.shape[:2]
    across, down = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)[:, None]
    if rng.random() < 0.5:
        across = across[::-1]
    if rng.random() < 0.5:
        down = down[::-1]
    shade = 1 - rng.uniform(0.2, 0.45) * (rng.random() * across + rng.random() * down) / 1.2
    return (pixels * shade[:, :, None]).astype(np.uint8)


def photo(pixels: Pixels, rng: random.Random) -> Pixels:
    """A phone's photo of the sheet on a desk: perspective, and the desk around it."""
    height, width = pixels.shape[:2]
    rim = int(width * rng.uniform(0.03, 0.08))
    size = width + 2 * rim, height + 2 * rim
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    moved = (
        corners
        + rim
        + np.array([(rng.uniform(-0.7, 0.9) * rim, rng.uniform(-0.7, 0.9) * rim) for _ in corners], np.float32)
    )
    desk = tuple(rng.randint(60, 130) for _ in "rgb")
    return cv2.warpPerspective(
        pixels,
        cv2.getPerspectiveTransform(corners, moved),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=desk,
    )


def turned(pixels: Pixels, rng: random.Random) -> Pixels:
    """By a quarter, a half or three quarters of a turn."""
    return np.ascontiguousarray(np.rot90(pixels, rng.randint(1, 3)))


def squeezed(pixels: Pixels, rng: random.Random) -> Pixels:
    """JPEG of low quality."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=rng.randint(40, 60))
    return np.asarray(Image.open(out).convert("RGB"))


EFFECTS: dict[str, Callable[[Pixels, random.Random], Pixels]] = {
    "faint": faint,
    "blur": blur,
    "light": light,
    "photo": photo,
    "skew": skew,
    "noise": noise,
    "turned": turned,
    "squeezed": squeezed,
}
ORDER = list(EFFECTS)
