"""Shared places stand only where a need or hazard justifies them; offsets stay those of the input."""

import pytest

from udfs.checks import check_udf, sample_batch
from udfs.render import Render


def place(name, text, level):
    start = text.index(name)
    return {"name": name, "level": level, "adcode": None, "lat": None, "lon": None, "radius_m": None} | {
        "start": start,
        "end": start + len(name),
    }


def rendered(text, *, pii=(), places=(), needs=(), hazards=()):
    batch = sample_batch(
        [text],
        {"pii": [list(pii)], "places": [list(places)], "needs": [list(needs)], "hazards": [list(hazards)]},
    )
    step = Render()
    step.open()
    return step.apply(batch).to_pylist()[0]


NEED = {"need": "rescue", "score": 0.9}


def test_everyday_post_loses_its_shared_place():
    text = "在郑州市阳光小区遛狗"
    row = rendered(text, places=[place("郑州市", text, "city"), place("阳光小区", text, "poi")])
    assert row["text"] == row["text_l2"] == "在郑州市<PLACE>遛狗"
    assert [(s["type"], s["start"], s["end"]) for s in row["pii"]] == [("PLACE", 4, 8)]


@pytest.mark.parametrize("why", [{"needs": [NEED]}, {"hazards": ["fire"]}])
def test_a_call_keeps_it_in_the_stored_text_only(why):
    text = "阳光小区进水了快来人"
    row = rendered(text, places=[place("阳光小区", text, "poi")], **why)
    assert row["text"] == text
    assert row["text_l2"] == "<PLACE>进水了快来人"
    assert row["pii"] == []


def test_place_offsets_are_those_of_the_input_on_both_sides_of_masked_spans():
    original = "电话13800138000到王家村，再打13900139000到李家村"
    masked = "电话<CN_MOBILE>到王家村，再打<CN_MOBILE>到李家村"
    pii = [
        {"type": "CN_MOBILE", "start": 2, "end": 13, "score": 1.0},
        {"type": "CN_MOBILE", "start": 20, "end": 31, "score": 1.0},
    ]
    row = rendered(masked, pii=pii, places=[place("王家村", masked, "village"), place("李家村", masked, "village")])
    found = [original[s["start"] : s["end"]] for s in row["pii"]]
    assert found == ["13800138000", "王家村", "13900139000", "李家村"]
    assert row["text"] == "电话<CN_MOBILE>到<PLACE>，再打<CN_MOBILE>到<PLACE>"


def test_overlapping_places_become_one_mask():
    text = "中山路小学门口"
    row = rendered(text, places=[place("中山路", text, "road"), place("中山路小学", text, "poi")])
    assert row["text"] == "<PLACE>门口"


def test_a_span_outside_the_text_is_refused_without_showing_it():
    bad = {"name": "x", "level": "poi", "start": 0, "end": 99}
    with pytest.raises(ValueError, match="place span 0-99 lies outside a text of 2 characters"):
        rendered("短文", places=[bad])


def test_contract():
    check_udf(Render())


def test_posts_that_lose_nothing_keep_their_spans_beside_one_that_does():
    text, phone = "在郑州市阳光小区遛狗", {"type": "CN_MOBILE", "start": 0, "end": 11, "score": 1.0}
    columns = {
        "pii": [[phone], None, [], [phone]],
        "places": [[], [place("阳光小区", text, "poi")], None, [place("郑州市", text, "city")]],
        "needs": [[], [], None, [NEED]],
        "hazards": [None, [], [], []],
    }
    rows = Render().apply(sample_batch([text] * 4, columns)).to_pylist()
    assert [row["text"] for row in rows] == [text, "在郑州市<PLACE>遛狗", text, text]
    assert [row["pii"] for row in rows] == [
        [phone],
        [{"type": "PLACE", "start": 4, "end": 8, "score": 1.0}],
        [],
        [phone],
    ]
