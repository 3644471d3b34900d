"""The `language` step: zh, en, or und (undetermined: passes through, classified with what the model makes of it).

Script decides first: it is certain and free. Only posts written in Latin letters ask py3langid (a naive Bayes
identifier over byte n-grams, Lui & Baldwin 2012), which is weak on a handful of words; a post with several of the
commonest English words needs no identifier at all.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from schemas.records import LANGUAGE, values_of, with_columns
from schemas.step import Step

_NOISE = re.compile(r"https?://\S+|[@#]\S+|<[A-Z_]+>")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u1100-\u11ff]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’][a-z]+)?")
_OTHER_LETTER = re.compile(r"[^\W\d_]")
_ENGLISH = frozenset(
    "the a an and or but of to in on at for from with is are was were be been am i you he she it we they my your our "
    "their this that these those not no do does did have has had will would can could should what who when where why "
    "how there here just all so if as by out up about me him her us them i'm it's don't can't please help need".split()
)
_MOST = 2_000
"""Characters looked at: more do not change the answer and would let one long post cost like a thousand."""


class Language(Step):
    """Name the language. Cost: about 3 microseconds for Chinese, 50 where py3langid is asked."""

    name = "language"
    reads = ("text",)
    writes = LANGUAGE

    def open(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = values_of(batch.column("text"))
        return with_columns(batch, self.writes, {"language": [self._language(text[:_MOST]) for text in texts]})

    def _language(self, text: str) -> str:
        han = len(_HAN.findall(text))
        if han and not _KANA_HANGUL.search(text):
            words = len(_LATIN_WORD.findall(text))
            if han * 2 >= words:  # a Latin word says about as much as two Han characters
                return "zh"
        elif han > 4 * len(_KANA_HANGUL.findall(text)):
            return "zh"
        plain = _NOISE.sub(" ", text)
        words_found = [word.lower() for word in _LATIN_WORD.findall(plain)]
        letters = sum(map(len, words_found))
        if letters < 3 or letters * 2 < len(_OTHER_LETTER.findall(plain)):
            return "und"
        common = sum(word in _ENGLISH for word in words_found)
        if common >= 2 and common * 6 >= len(words_found):
            return "en"
        code, _score = self._identifier.classify(" ".join(words_found))
        return "en" if code == "en" else "und"
