"""Themes of messages by words, for histories that no department has sorted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import yaml

from schemas.errors import UsageError

SHIPPED = Path(__file__).with_name("themes.yaml")
OTHER = "其他"


class Themes:
    """Words of themes, read from a YAML file of ``theme: [word, ...]``."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self.words = words

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Themes:
        """Raises UsageError naming the file when it is no table of themes with words."""
        try:
            table = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"themes {path}: cannot be read ({type(error).__name__})") from None
        if not isinstance(table, dict) or not table:
            raise UsageError(f"themes {path}: write 'theme: [word, word]', a line a theme")
        for theme, words in table.items():
            if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
                raise UsageError(f"themes {path}: theme {theme!r} needs a list of words")
        return cls({str(theme): words for theme, words in table.items()})

    def of(self, text: str) -> str:
        """The theme with most different words in ``text``, the first of those alike; OTHER without any."""
        best, most = OTHER, 0
        for theme, pattern in self._patterns.items():
            found = len(set(pattern.findall(text)))
            if found > most:
                best, most = theme, found
        return best

    @cached_property
    def _patterns(self) -> Mapping[str, re.Pattern[str]]:
        # longest first: 高速公路 is one word, not two
        return {
            theme: re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))
            for theme, words in self.words.items()
        }
