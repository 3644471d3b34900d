"""Word pieces by the quick way are those of the tokenizer as it stands in the bundle."""

import json

import pytest
from tokenizers import Tokenizer

from udfs.encoder.bundle import load_bundle
from udfs.encoder.pieces import WordPieces

TEXTS = [
    "",
    "被困在屋顶,水还在涨,救救我们 135 0000",
    "help us, water is rising 😭😭",
    "ｆｕｌｌ　ｗｉｄｔｈ，①②③",  # NFKC changes these: they go the long way
    "é and e\u0301, ﬁre, ㎡",
    "two  blanks   three",
    "\ue00d在\ue003楼",  # masks as text.normalise writes them
    "각 \u1100\u1161\u11a8",
    "𝟙𝟛𝟝 \U000105c9 \u0897",  # characters younger than some versions of Unicode
    "长" * 300,
]


@pytest.fixture(scope="module")
def file():
    return load_bundle().path / "tokenizer.json"


@pytest.mark.parametrize("normaliser", ["shipped", "another"])
def test_pieces_are_the_tokenizers_own(file, tmp_path, normaliser):
    if normaliser == "another":  # a site's own bundle: nothing is known of what it leaves alone
        held = json.loads(file.read_text("utf-8"))
        held["normalizer"] = {"type": "Lowercase"}
        file = tmp_path / "tokenizer.json"
        file.write_text(json.dumps(held), "utf-8")
        assert WordPieces(file).of(["HELP"]) == WordPieces(file).of(["help"])
    whole = Tokenizer.from_file(str(file))
    whole.no_padding()
    found = WordPieces(file)
    assert found.of(TEXTS) == [whole.encode(text).ids for text in TEXTS]
    assert found.of([]) == []
    assert found.marks == len(found.of([""])[0])
