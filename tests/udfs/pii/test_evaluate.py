"""The evaluation counts what it says, on answers known beforehand."""

from __future__ import annotations

import pytest

from udfs.pii.evaluate import evaluate
from udfs.pii.step import Mask


@pytest.fixture(scope="module")
def mask():
    mask = Mask(names=False)
    mask.open()
    return mask


def _gold(text, *spans):
    return {"text": text, "pii": [{"type": kind, "start": start, "end": end} for kind, start, end in spans]}


def test_precision_recall_and_leaks(mask):
    rows = [
        _gold("电话13800001234", ("CN_MOBILE", 2, 13)),  # found
        _gold("暗号甲乙丙", ("PERSON", 2, 5)),  # missed: a leak
        _gold("打13900001234吧"),  # found, and no gold: false
        _gold("号+86 13800001234", ("CN_MOBILE", 5, 16)),  # wider than gold: covered, not exact
        _gold("在幸福小区", ("PLACE", 1, 5)),  # shared places are not the step's to mask
        _gold("什么也没有"),
    ]
    report = evaluate(rows, mask)
    mobile = report["types"]["CN_MOBILE"]
    assert (mobile["gold"], mobile["found"]) == (2, 3)
    assert mobile["exact"] == {"precision": pytest.approx(1 / 3), "recall": 0.5, "f1": pytest.approx(0.4)}
    assert mobile["overlap"]["precision"] == pytest.approx(2 / 3)
    assert mobile["overlap"]["recall"] == 1.0
    assert mobile["covered"] == 1.0
    assert report["types"]["PERSON"]["covered"] == 0.0
    assert report["leaking_posts"] == [1]
    assert (report["posts"], report["posts_with_gold"]) == (6, 3)
    assert report["leak_rate"] == pytest.approx(1 / 3)
    assert set(report["posts_per_cpu_second"]) == {"identifiers", "everything"}


def test_a_half_masked_span_is_a_leak(mask):
    report = evaluate([_gold("卡13800001234后56", ("BANK_CARD", 1, 15))], mask)
    assert report["leaking_posts"] == [0]


def test_nothing_to_compare(mask):
    report = evaluate([], mask)
    assert report["leak_rate"] == 0.0
    assert report["types"] == {}
