"""Texts to the numbers of their word pieces, on one thread, as fast as the tokenizer goes.

A tokenizer's normaliser (NFKC and blanks, in the shipped bundles) keeps track of where every character came from, which
takes it a third of its time; `text.normalise` has done that work before. So a text that the normaliser would leave as
it is goes past it, and the whole batch goes in one call that keeps no offsets.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

_NFKC_AND_BLANKS = {
    "type": "Sequence",
    "normalizers": [{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}],
}
_UNSURE = re.compile("[^\\x00-\u024f\u2000-\u2bff\u2e80-\u9fff\uac00-\ud7a3\ue000-\uffef\U0001f300-\U0001faff]|  ")
"""Two blanks; and characters other than Latin, Han, kana, Hangul, signs and pictographs, where Python's Unicode and the
tokenizer's, of another version, might not agree on what NFKC leaves alone."""


class WordPieces:
    """The tokenizer of a bundle; what of a long text is read its truncation says (the first so many pieces)."""

    def __init__(self, file: Path) -> None:
        """Raises what tokenizers raises for a file that holds none."""
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # asked at each call: a worker has one core, and no threads
        self._whole = Tokenizer.from_file(str(file))
        self._whole.no_padding()
        self._plain: Tokenizer | None = None
        if json.loads(file.read_text("utf-8")).get("normalizer") == _NFKC_AND_BLANKS:
            self._plain = Tokenizer.from_file(str(file))
            self._plain.no_padding()
            self._plain.normalizer = None
        self.marks: int = len(self._whole.encode("").ids)
        """Pieces that stand around those of every text."""

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """The pieces of each text."""
        if self._plain is None:
            return [found.ids for found in self._whole.encode_batch_fast(list(texts))]
        plain = [
            row
            for row, text in enumerate(texts)
            if not _UNSURE.search(text) and unicodedata.is_normalized("NFKC", text)
        ]
        result: list[list[int]] = [[]] * len(texts)
        for row, found in zip(plain, self._plain.encode_batch_fast([texts[row] for row in plain]), strict=True):
            result[row] = found.ids
        rest = sorted(set(range(len(texts))).difference(plain))
        for row, found in zip(rest, self._whole.encode_batch_fast([texts[row] for row in rest]), strict=True):
            result[row] = found.ids
        return result
