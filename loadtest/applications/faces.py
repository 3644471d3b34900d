"""Fonts of the generated papers, all from Debian. The split `figure` uses none that `tune` uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/usr/share/fonts")


@dataclass(frozen=True)
class Face:
    """A font file. ``index`` is its number in a collection."""

    name: str
    path: str
    package: str
    index: int = 0
    embeds: bool = True
    """TrueType outlines, which reportlab can put into a PDF; the others are only drawn."""
    hand: bool = False
    """Looks like handwriting: for filled-in values and signatures."""

    @property
    def file(self) -> Path:
        return ROOT / self.path


FACES: dict[str, tuple[Face, ...]] = {
    "tune": (
        Face("wqy-microhei", "truetype/wqy/wqy-microhei.ttc", "fonts-wqy-microhei"),
        Face("noto-serif-sc", "opentype/noto/NotoSerifCJK-Regular.ttc", "fonts-noto-cjk", index=2, embeds=False),
        Face("ukai", "truetype/arphic/ukai.ttc", "fonts-arphic-ukai", hand=True),
        Face("gkai", "truetype/arphic-gkai00mp/gkai00mp.ttf", "fonts-arphic-gkai00mp", hand=True),
    ),
    "figure": (
        Face("wqy-zenhei", "truetype/wqy/wqy-zenhei.ttc", "fonts-wqy-zenhei"),
        Face("noto-sans-sc", "opentype/noto/NotoSansCJK-Regular.ttc", "fonts-noto-cjk", index=2, embeds=False),
        Face("uming", "truetype/arphic/uming.ttc", "fonts-arphic-uming"),
        Face("gbsn", "truetype/arphic-gbsn00lp/gbsn00lp.ttf", "fonts-arphic-gbsn00lp"),
        Face("lxgw-wenkai", "truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf", "fonts-lxgw-wenkai", hand=True),
        Face("lxgw-wenkai-light", "truetype/lxgw-wenkai/LXGWWenKai-Light.ttf", "fonts-lxgw-wenkai", hand=True),
    ),
}  # fmt: skip


class FontsMissing(Exception):
    """Fonts that the split needs are not installed."""


def check(split: str) -> None:
    """Raises FontsMissing with the line that installs what is missing."""
    missing = sorted({face.package for face in FACES[split] if not face.file.is_file()})
    if missing:
        raise FontsMissing(
            f"fonts of split {split} are missing: apt-get install --no-install-recommends {' '.join(missing)}"
        )


def printed(split: str, *, embedded: bool) -> list[Face]:
    """Faces for printed text; with ``embedded`` only those that go into a PDF."""
    return [face for face in FACES[split] if not face.hand and (face.embeds or not embedded)]


def handwritten(split: str) -> list[Face]:
    return [face for face in FACES[split] if face.hand]
