"""Hashed n-grams against a slow, obvious account of what they are."""

from collections import Counter

import numpy as np
import pytest

from udfs.encoder import ngrams

TEXTS = ["水到二楼了", "", "a", "help me now", "help", "it's 3 pm 在郑州", "né à l'été", "😀😀", "同一句话", "同一句话"]


def hashes_of(text: str) -> Counter[int]:
    _, hashes = ngrams.hashed([text])
    return Counter(hashes.tolist())


def expected_features(text: str) -> int:
    bordered = f"\x02{text}\x03"
    characters = sum(max(0, len(bordered) - n + 1) for n in range(1, ngrams.MAX_N + 1))
    words = "".join(c if (c.isascii() and c.isalnum()) or c == "'" or "À" <= c <= "ɏ" else " " for c in text).split()
    return characters + len(words) + max(0, len(words) - 1)


@pytest.mark.parametrize("text", TEXTS)
def test_count_of_features(text: str) -> None:
    assert sum(hashes_of(text).values()) == expected_features(text)


def test_a_batch_is_its_texts_one_by_one() -> None:
    row, hashes = ngrams.hashed(TEXTS)
    for number, text in enumerate(TEXTS):
        assert Counter(hashes[row == number].tolist()) == hashes_of(text)


def test_words_do_not_pair_across_texts() -> None:
    together = ngrams.hashed(["red", "car"])[1]
    apart = hashes_of("red") + hashes_of("car")
    assert Counter(together.tolist()) == apart


def test_hashes_are_the_same_on_every_machine() -> None:
    """The shipped weights are addressed by these numbers: a change of hash needs new bundles."""
    assert int(np.bitwise_xor.reduce(ngrams.hashed(["水到二楼了 help me"])[1])) == 0xD698987B9F182B59
    assert ngrams.hashed([""])[1].shape == (3,)


def test_distinct_ngrams_rarely_share_a_hash() -> None:
    texts = [chr(0x4E00 + i) + chr(0x4E00 + (i * 7919) % 20000) for i in range(5000)]
    _, hashes = ngrams.hashed(texts)
    grams = {text[a:b] for text in (f"\x02{t}\x03" for t in texts) for a in range(4) for b in range(a + 1, 5)}
    assert len(np.unique(hashes)) == len(grams)
    bucket, fingerprint = ngrams.split(hashes, 18)
    assert bucket.max() < 1 << 18
    assert fingerprint.min() >= 1
    spread = np.bincount(bucket & 0xFF, minlength=256)
    assert spread.min() > 0.5 * spread.mean()
