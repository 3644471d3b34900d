"""ADDRESS on a table of made-up posts: where the span begins and ends, and what is none."""

from __future__ import annotations

import pytest

from tests.udfs.pii.address_posts import RULES_MADE_FOR, RULES_MET_LATER
from udfs.pii.evaluate import evaluate
from udfs.pii.step import Mask


def _row(marked):
    """A post of the table as a row with gold spans: [ADDRESS]; {PLACE} is the tagger's and left out."""
    text, gold, opened = "", [], []
    for char in marked:
        if char in "[{":
            opened.append(len(text))
        elif char in "]}":
            start = opened.pop()
            if char == "]":
                gold.append({"type": "ADDRESS", "start": start, "end": len(text)})
        else:
            text += char
    return {"text": text, "pii": gold}


@pytest.mark.parametrize(("posts", "exact", "overlap"), [(RULES_MADE_FOR, 0.9, 0.95), (RULES_MET_LATER, 0.9, 0.95)])
def test_f1_on_the_table(posts, exact, overlap):
    mask = Mask(names=False)
    mask.open()
    scores = evaluate([_row(line) for line in posts.splitlines()], mask)["types"]["ADDRESS"]
    assert scores["gold"] > 40
    assert scores["exact"]["f1"] >= exact
    assert scores["overlap"]["f1"] >= overlap


def test_the_table_has_posts_of_both_kinds():
    lines = (RULES_MADE_FOR + RULES_MET_LATER).splitlines()
    assert sum("[" in line for line in lines) > 150
    assert sum("[" not in line for line in lines) > 60
