"""The generated feed: the same everywhere, in the contract's form, and its truth is true of its text."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from itertools import islice, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.feeds.cities import CITIES
from pipelines.feeds.emergency import plan
from pipelines.feeds.generate import GenerateSplit, created_at, line, read, splits, truth
from pipelines.feeds.grammar import Dice, Mark, Writer, compiled
from pipelines.feeds.uri import EMERGENCIES, GenerateSource, parse
from pipelines.feeds.wording import emergencies, everyday, flood
from pipelines.feeds.wording.words import WORDS
from schemas.records import EMOTIONS, HAZARDS, NEEDS, RAW, SENTIMENTS, SOURCE_KINDS, STATES
from udfs.parse import Parse

NOW = 1_626_782_400_000
POSTS = 12_000
ONSET = int(POSTS * 0.4)
TYPES = {
    "CN_MOBILE", "CN_ID", "CN_PLATE", "BANK_CARD", "EMAIL_ADDRESS", "URL", "IM_ID", "USERNAME", "PERSON", "ADDRESS",
}  # fmt: skip
EMERGENCY = {"call", "copy", "forward", "near_copy", "update"} | {echo.kind for echo in flood.ECHOES} - {
    "news",
    "english",
}


def source(uri: str) -> GenerateSource:
    found = parse(uri, lambda: NOW)
    assert isinstance(found, GenerateSource)
    return found


FEED = source(f"generate:?posts={POSTS}&seed=11")


@pytest.fixture(scope="module")
def posts() -> list[dict[str, Any]]:
    return [msgspec.json.decode(line(FEED, index)) for index in range(POSTS)]


@pytest.fixture(scope="module")
def truths() -> list[dict[str, Any]]:
    return [truth(FEED, index) for index in range(POSTS)]


# -- the same everywhere ---------------------------------------------------------------------------
def test_splits_cover_the_feed_once_and_say_where_each_post_is() -> None:
    offset = 0
    for split in splits(FEED, 500):
        batch = read(split, lambda: NOW)
        assert batch.schema == RAW
        assert batch["offset"].to_pylist() == list(range(offset, offset + split.count))
        assert set(batch["source"].to_pylist()) == {"generate"}
        assert set(batch["partition"].to_pylist()) == {"11"}
        assert set(batch["ingested_at"].to_pylist()) == {NOW}
        assert batch["timestamp"].to_pylist() == [created_at(FEED, o) for o in batch["offset"].to_pylist()]
        offset += split.count
    assert offset == POSTS
    assert list(splits(FEED, 500, first=POSTS)) == []
    assert next(splits(FEED, 500, first=11_900)) == GenerateSplit(FEED.uri, 11_900, 100)


@settings(max_examples=30, deadline=None)
@given(first=st.integers(0, POSTS - 1), count=st.integers(1, 40), seed=st.integers(-5, 5))
def test_a_split_does_not_depend_on_others(first: int, count: int, seed: int) -> None:
    feed = source(f"generate:?posts={POSTS}&seed={seed}&bad=0.05")
    together = read(GenerateSplit(feed.uri, first, count))["raw"].to_pylist()
    alone = [read(GenerateSplit(feed.uri, at, 1))["raw"].to_pylist()[0] for at in reversed(range(first, first + count))]
    assert together == alone[::-1]


def test_another_process_makes_the_same_feed() -> None:
    program = (
        "import hashlib, sys\nfrom pipelines.feeds.generate import line\nfrom pipelines.feeds.uri import parse\n"
        "feed = parse(sys.argv[1])\n"
        "print(hashlib.sha256(b''.join(line(feed, i) for i in range(5999, 3999, -1))).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program, FEED.uri],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "12345", "TZ": "America/Lima"},
    ).stdout.strip()
    here = hashlib.sha256(b"".join(line(FEED, i) for i in range(5999, 3999, -1))).hexdigest()
    assert there == here


def test_seeds_differ() -> None:
    other = source(f"generate:?posts={POSTS}&seed=12")
    same = sum(truth(FEED, i)["kind"] == truth(other, i)["kind"] for i in range(500))
    assert same < 250
    assert len({msgspec.json.decode(line(FEED, i))["text"] for i in range(2000)}) > 1600


def test_an_unbounded_feed_goes_on_and_has_its_emergency() -> None:
    feed = source("generate:?rate=10&seed=3")
    assert [split.first for split in islice(splits(feed, 100), 3)] == [0, 100, 200]
    where = plan(feed)
    assert where is not None
    assert where.onset == 6000  # ten minutes
    assert truth(feed, 6000)["kind"] == "call"
    assert truth(feed, 10**9)["kind"]


# -- in the contract's form ------------------------------------------------------------------------
def test_every_sound_line_is_taken_and_every_malformed_one_rejected() -> None:
    feed = source("generate:?posts=6000&seed=2&bad=0.1")
    step = Parse()
    step.open()
    reasons: dict[str, set[str]] = {}
    bad = 0
    for split in splits(feed):
        out = step.apply(read(split))
        for offset, error in zip(out["offset"].to_pylist(), out["error"].to_pylist(), strict=True):
            known = truth(feed, offset)
            assert (known["kind"] == "bad") == (error is not None), (known, error)
            if error is not None:
                bad += 1
                reasons.setdefault(known["reason"], set()).add(error)
    assert bad / 6000 == pytest.approx(0.1, abs=0.015)
    assert len(reasons) == 10
    # one fault, one reason; and two faults have not the same
    assert len({min(errors) for errors in reasons.values()}) >= 9, reasons


def test_without_asking_nothing_is_malformed(truths: list[dict[str, Any]]) -> None:
    assert not [known for known in truths if known["kind"] == "bad"]


def test_ids_are_unique_and_fields_are_the_contracts(posts: list[dict[str, Any]]) -> None:
    known = {"id", "text", "platform", "author", "created_at", "url", "region", "repost_of", "likes", "reposts",
             "comments", "device"}  # fmt: skip
    assert len({post["id"] for post in posts}) == POSTS
    assert set().union(*posts) == known, "the truth is not in the post"
    assert set(Counter(post["platform"] for post in posts)) == {"weibo", "douyin", "xiaohongshu", "rss", "twitter"}
    assert max(len(line(FEED, i)) for i in range(POSTS)) < 4096


@pytest.mark.parametrize(
    ("uri", "step", "first"),
    [
        ("generate:?posts=3600", 1000, NOW - 3_600_000),
        ("generate:?posts=100&rate=4", 250, NOW),
        ("generate:?posts=100&minutes=100&start=0", 60_000, 0),
    ],
)
def test_event_time_advances_by_the_rate(uri: str, step: int, first: int) -> None:
    feed = source(uri)
    times = [created_at(feed, index) for index in range(100)]
    assert times[0] == first
    assert {later - earlier for earlier, later in pairwise(times)} == {step}


def test_times_are_written_in_the_platforms_ways_and_mean_the_same() -> None:
    step = Parse()
    step.open()
    for split in islice(splits(FEED), 4):
        out = step.apply(read(split))
        for created, event in zip(out["created_at"].to_pylist(), out["timestamp"].to_pylist(), strict=True):
            assert abs(created - event) < 1000  # RSS has whole seconds


# -- the truth -------------------------------------------------------------------------------------
def test_positions_are_exact_and_do_not_overlap(posts: list[dict[str, Any]], truths: list[dict[str, Any]]) -> None:
    seen: Counter[str] = Counter()
    for post, known in zip(posts, truths, strict=True):
        assert known["id"] == post["id"]
        spans = sorted(known["identifiers"] + known["places"], key=lambda span: span["start"])
        for span in spans:
            assert post["text"][span["start"] : span["end"]] == span["value"] != ""
            seen[span["type"]] += 1
        assert all(left["end"] <= right["start"] for left, right in pairwise(spans))
    assert set(seen) == TYPES | {"PLACE"}
    assert min(seen.values()) >= 15, seen


MOBILE = re.compile(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}")
LEFT_OVER = re.compile(r"\d{9,}|https?://|[\w.]+@example|[{}()|]|(?<![A-Za-z])@[\w]")


def test_no_identifier_stands_in_a_text_unknown(posts: list[dict[str, Any]], truths: list[dict[str, Any]]) -> None:
    for post, known in zip(posts, truths, strict=True):
        text = post["text"]
        for span in sorted(known["identifiers"], key=lambda span: span["start"], reverse=True):
            text = text[: span["start"]] + "▮" + text[span["end"] :]
        assert not MOBILE.search(text), text
        assert not LEFT_OVER.search(text), text


def test_identifiers_are_well_formed(truths: list[dict[str, Any]]) -> None:
    for span in (span for known in truths for span in known["identifiers"]):
        value, kind = span["value"], span["type"]
        if kind == "CN_MOBILE":
            assert re.fullmatch(r"(\+86)?1[3-9]\d([ -]?)\d{4}\2\d{4}", value)
        elif kind == "CN_ID":
            weights = [2 ** (17 - at) % 11 for at in range(17)]
            total = sum(int(d) * w for d, w in zip(value, weights, strict=False))
            assert "10X98765432"[total % 11] == value[17]
        elif kind == "BANK_CARD":
            doubled = [int(d) * (1 + at % 2) for at, d in enumerate(reversed(value))]
            assert sum(d // 10 + d % 10 for d in doubled) % 10 == 0
        elif kind == "CN_PLATE":
            assert re.fullmatch(r"[豫湘]A(D\d{5}|\d{3}[A-HJ-NP-Z]\d)", value)
        elif kind in ("EMAIL_ADDRESS", "URL"):
            assert re.search(r"example\.(com|cn)", value), "no address of anybody's"


def test_labels_are_the_contracts(truths: list[dict[str, Any]]) -> None:
    every: dict[str, set[Any]] = {}
    for known in truths:
        for key, value in known.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str | int | None):
                    every.setdefault(key, set()).add(one)
        assert known["priority"] in (1, 2, 3, 4, None)
        assert "offer" not in known["needs"] or known["needs"] == ["offer"]
    assert every["sentiment"] == set(SENTIMENTS)
    assert every["emotion"] <= set(EMOTIONS)
    assert every["needs"] == set(NEEDS), "every need occurs"
    assert every["hazards"] <= set(HAZARDS)
    assert every["source_kind"] == set(SOURCE_KINDS)
    assert every["state"] == {*STATES, None}
    assert every["language"] == {"zh", "en"}


def test_places_are_where_the_truth_says(posts: list[dict[str, Any]], truths: list[dict[str, Any]]) -> None:
    names = {adcode: name for city in CITIES for adcode, name in (*city.counties, (city.adcode, city.short))}
    named = 0
    for post, known in zip(posts, truths, strict=True):
        if known["adcode"]:
            assert names[known["adcode"]] in post["text"]
            named += 1
        else:
            assert not any(name in post["text"] for name in names.values())
        if known["kind"] == "call":
            assert known["adcode"].startswith("4101")
            assert not known["adcode"].endswith("00"), "a call names its county"
            assert known["places"], "and the place"
    assert named > POSTS / 5


def test_the_emergency_begins_at_its_onset_with_its_share(truths: list[dict[str, Any]]) -> None:
    kinds = [known["kind"] for known in truths]
    assert not set(kinds[:ONSET]) & EMERGENCY
    assert kinds[ONSET] == "call"
    # "news" and "english" occur on any day: count what only the emergency has, and correct for the two
    own = 1 - sum(e.weight for e in flood.ECHOES if e.kind in ("news", "english")) / sum(e.weight for e in flood.ECHOES)
    after = kinds[ONSET:]
    echoes = sum(kind in {echo.kind for echo in flood.ECHOES} - {"news", "english"} for kind in after) / own
    rest = sum(kind in {"call", "copy", "forward", "near_copy", "update"} for kind in after)
    assert (echoes + rest) / len(after) == pytest.approx(0.3, abs=0.03)
    calls = kinds.count("call")
    assert 100 <= calls <= 300
    assert sum(kind in {"copy", "forward", "near_copy"} for kind in after) > 3 * calls


@pytest.mark.parametrize(
    ("options", "calls"), [("emergency=none", 0), ("share=0", 0), ("onset=1", 0), ("onset=0", 1), ("city=长沙", 1)]
)
def test_what_can_be_asked_for(options: str, calls: int) -> None:
    feed = source(f"generate:?posts=400&{options}")
    found = [known for index in range(400) if (known := truth(feed, index))["kind"] == "call"]
    assert (len(found) >= calls) if calls else not found
    assert {known["adcode"][:4] for known in found} <= {feed.city[:4]}


@pytest.mark.parametrize("count", [1, 2, 5, 50])
def test_a_small_feed_has_a_call_too(count: int) -> None:
    feed = source(f"generate:?posts={count}")
    assert "call" in {truth(feed, index)["kind"] for index in range(count)}


def test_what_is_copied_is_an_earlier_call(posts: list[dict[str, Any]], truths: list[dict[str, Any]]) -> None:
    at = {post["id"]: index for index, post in enumerate(posts)}
    kinds: Counter[str] = Counter()
    for index, (post, known) in enumerate(zip(posts, truths, strict=True)):
        if known["kind"] == "call":
            assert known["is_copy_of"] is None
            assert known["state"] == "open"
        if known["is_copy_of"] is None:
            assert "repost_of" not in post
            continue
        original = at[known["is_copy_of"]]
        assert original < index
        first, text = truths[original], posts[original]["text"]
        assert first["kind"] == "call"
        for key in ("episode", "needs", "hazards", "people", "adcode", "priority"):
            assert known[key] == first[key]
        kinds[known["kind"]] += 1
        if known["kind"] == "near_copy":
            assert {span["value"] for span in known["places"]} == {span["value"] for span in first["places"]}
        else:
            assert post["text"].endswith(text)
        if known["kind"] == "forward":
            assert post["repost_of"] == known["is_copy_of"]
            assert f"//@{posts[original]['author']}:" in post["text"]
    assert set(kinds) == {"copy", "forward", "near_copy"}


def test_every_episode_begins_with_its_call(truths: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for known in truths:
        if known["episode"] is not None and known["episode"] not in seen:
            assert known["kind"] == "call"
            seen.add(known["episode"])


def test_traps_sound_like_help_and_ask_for_none(posts: list[dict[str, Any]], truths: list[dict[str, Any]]) -> None:
    traps = [post["text"] for post, known in zip(posts, truths, strict=True) if known["kind"] == "trap"]
    assert len(traps) > 300
    assert sum(bool(re.search("救|困|求|急|SOS|淹|塌|缺氧|窒息|呼吸机|决堤", text)) for text in traps) > 0.9 * len(
        traps
    )
    assert not any(known["needs"] for known in truths if known["kind"] == "trap")


# -- wording and grammar ---------------------------------------------------------------------------
ALL_TEMPLATES = [
    *((subject.kind, text) for subject in everyday.EVERYDAY for text in subject.templates),
    *((echo.kind, text) for echo in flood.ECHOES for text in echo.templates),
]


def test_every_template_can_be_filled() -> None:
    slots = {key: key for key in ("city", "county", "province", "river", "reservoir", "hour", "tag", "city_en")}
    for kind, template in ALL_TEMPLATES:
        for seed in range(8):
            writer = Writer(Dice(template, seed), slots, {"plate": Mark("CN_PLATE", "豫A1234Z")}, WORDS)
            text = writer.write(template).segment().text
            assert text, kind
            assert not re.search(r"[{}()|]", text), (kind, template)


@pytest.mark.parametrize("template", ["(a|b", "a)", "a|b", "{a", "a}", "((a)"])
def test_a_template_that_is_wrong_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="unmatched"):
        compiled(template)


def test_a_slot_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="nothere"):
        Writer(Dice(1)).write("{nothere}")


def test_draws_are_even() -> None:
    dice = Dice("even")
    counts = Counter(dice.below(7) for _ in range(70_000))
    assert all(count == pytest.approx(10_000, rel=0.05) for count in counts.values())
    assert len(counts) == 7


def test_known_emergencies_are_listed() -> None:
    assert set(EMERGENCIES) == {*emergencies.KINDS, "none"}


def test_speed_is_printed() -> None:
    """No floor: the machine is shared. `pytest -s` shows it."""
    feed = source("generate:?posts=20000&seed=5")
    read(next(splits(feed)))
    begin = time.process_time()
    count = sum(read(split).num_rows for split in splits(feed))
    print(f"\ngenerated {count / (time.process_time() - begin):,.0f} posts/CPU-s")
