"""What a post can be compared by: its distinct words, hashtags whole and in parts.

Chinese is cut by rjieba (jieba's algorithm and dictionary), everything else at non-letters. Left out: stop words, masks
(``<PERSON>``), mentions, addresses, forwarded tails, single Han characters, numbers of one or two digits. Who is
mentioned is no feature: topics group by what is said.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

import rjieba
import yaml

LONGEST = 1_000
"""Characters of a post that are read: bounds the cost of one post."""
LONGEST_WORD = 40

_NOISE = re.compile(r"https?://\S*|<[A-Z_]+>|@[\w\-]+|&\w+;|//\s*@.*$", re.DOTALL)
_HAN_TAG = re.compile(r"#([^#\s]{1,60})#")
_TOKEN = re.compile(r"#\w+|[^\W_]+(?:['’][^\W_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+")
_S = re.compile(r"['’]s$")


def words(text: str) -> list[str]:
    """Distinct words of a masked text, in order. Cost: about 40 us at 100 characters."""
    text = _NOISE.sub(" ", unicodedata.normalize("NFKC", text[: 2 * LONGEST])[:LONGEST])
    text = _HAN_TAG.sub(r" \1 ", text)  # #话题#: two signs around what is no more than words
    found: dict[str, None] = {}
    for token in _TOKEN.findall(text):
        if token[0] == "#":
            _hashtag(token[1:], found)
        elif _HAN.search(token):
            _han(token, found)
        else:
            _latin(token, found)
    return list(found)


def _hashtag(tag: str, found: dict[str, None]) -> None:
    if _HAN.search(tag):
        _han(tag, found)
        return
    # a hashtag is chosen to name the event: it counts as itself, and by its parts it meets posts without it
    found["#" + tag.lower()[:LONGEST_WORD]] = None
    for part in _PART.findall(tag) or [tag]:
        if len(part) > 2:
            _latin(part, found)


def _han(run: str, found: dict[str, None]) -> None:
    stop = stop_words()
    for word in rjieba.cut(run):
        if len(word) > 1 and word not in stop:
            if _HAN.search(word):
                found[word] = None
            else:
                _latin(word, found)


def _latin(word: str, found: dict[str, None]) -> None:
    word = _S.sub("", word.lower())
    stop = stop_words()
    if len(word) < 2 or word in stop or (word.isdigit() and len(word) < 3):
        return
    word = singular(word)[:LONGEST_WORD]
    if word not in stop:
        found[word] = None


def singular(word: str) -> str:
    """English plural off: fires and fire are one word. Other languages lose an s, the same in every post."""
    if len(word) > 4:
        if word.endswith("ies"):
            return word[:-3] + "y"
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            return word[:-1]
    return word


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    text = files("udfs.topics").joinpath("stop_words.yaml").read_text(encoding="utf-8")
    return frozenset(word for line in yaml.safe_load(text).values() for word in str(line).split())
