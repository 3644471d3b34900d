"""Manners, copies, disguises, skew, hours, scripts of the generated feed: what is asked for is there, and is true."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from pipelines.feeds import counters
from pipelines.feeds.curve import DENSITY, times
from pipelines.feeds.generate import Feed, created_at, line, truth
from pipelines.feeds.grammar import Grammar, Mark, segment
from pipelines.feeds.scenario import HAZARDS, plan, plans
from pipelines.feeds.uri import GenerateSource, parse
from pipelines.feeds.wording import emergencies
from pipelines.feeds.wording.manners import MANNERS
from pipelines.feeds.wording.words import WORDS
from schemas.errors import UsageError
from schemas.records import EMOTIONS, NEEDS

POSTS = 3000
MIXED = "manners=weibo:6,douyin:3,rss:1,twitter:1"
Posts = list[tuple[dict[str, Any], dict[str, Any]]]


def source(options: str, posts: int | None = POSTS) -> GenerateSource:
    count = "" if posts is None else f"posts={posts}&"
    found = parse(f"generate:?{count}start=1795300000000&{options}")
    assert isinstance(found, GenerateSource)
    return found


def posts_of(options: str, posts: int = POSTS) -> Posts:
    feed = Feed(source(options, posts))
    return list(zip(map(msgspec.json.decode, feed.lines(0, posts)), feed.truths(0, posts), strict=True))


ALL = (
    f"{MIXED}&seed=3&copies=.2&sarcasm=.2&disguised=.3&long=.01&skew=place:.1,author:.1,topic:.1&curve=day&bad=.02"
    "&emergency=crush"
)


# -- one function of the URI and the index -----------------------------------------------------------------------------
def test_any_cut_of_the_feed_gives_the_same_bytes() -> None:
    feed = source(ALL)
    whole = Feed(feed).lines(0, POSTS)
    cuts = [0, 1, 700, 701, 1212, 2222, POSTS]
    fresh = [Feed(feed) for _ in cuts]
    parts = [made.lines(a, b - a) for made, (a, b) in reversed(list(zip(fresh, pairwise(cuts), strict=False)))]
    assert [one for part in reversed(parts) for one in part] == whole
    assert [line(feed, at) for at in range(POSTS - 1, 0, -379)] == [whole[at] for at in range(POSTS - 1, 0, -379)]
    assert parse(feed.uri) == feed
    assert Feed(source(ALL.replace("seed=3", "seed=4"))).lines(0, 50) != whole[:50]


def test_a_word_alone_is_the_word_of_its_row() -> None:
    start = counters.base(7, "words")
    for index in (0, 1, 2**40):
        row = counters.rows(start, index, 1)[0]
        assert row == [counters.word(start, index, at) for at in range(counters.ROW)]
        dice = counters.dice(start, index, None, 3)
        drawn = [dice.next() for _ in range(200)]
        assert drawn[: counters.ROW - 3] == row[3:]
        assert len(set(drawn)) > 190, "it goes on, and not with the same"


# -- manners -----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def mixed() -> Posts:
    return posts_of(f"{MIXED}&emergency=none&seed=8&copies=.2&sarcasm=.1&disguised=.5&bad=0")


def test_manners_have_their_shares_and_platforms(mixed: Posts) -> None:
    shares = Counter(post["platform"] for post, known in mixed if known["is_copy_of"] is None)
    for name, weight in (("weibo", 6), ("douyin", 3), ("rss", 1), ("twitter", 1)):
        assert shares[name] / shares.total() == pytest.approx(weight / 11, abs=0.03)
    assert {known["manner"] for _, known in mixed} == set(MANNERS)


@pytest.mark.parametrize(
    ("manner", "signs"),
    [
        (
            "weibo",
            ["#[^#]+#", "//@", r"\[[^\]]+\]", "[\U0001f300-\U0001faff]", "@", "deadline|KPI|mood|get|nice"],
        ),
        ("douyin", ["[\U0001f300-\U0001faff]{2}", "yyds|xswl|u1s1|绝绝子|栓Q|蚌埠住了", "nice|happy|so good", "@"]),
        ("rss", ["\n", "记者", "据悉|记者获悉|据介绍|了解到"]),
        ("twitter", ["#[A-Za-z]+", "ngl|tbh|smh|imo|fr|lol", "[\u4e00-\u9fff]", "@", "https?://"]),
    ],
)
def test_a_manner_has_its_signs(mixed: Posts, manner: str, signs: list[str]) -> None:
    texts = [post["text"] for post, known in mixed if known["manner"] == manner]
    for sign in signs:
        assert sum(bool(re.search(sign, text)) for text in texts) >= 3, sign
    if manner == "douyin":
        assert sum(map(len, texts)) / len(texts) < 30


def test_there_are_thousands_of_forms() -> None:
    """Slots count as one word each."""
    forms = {name: manner.forms() for name, manner in MANNERS.items()}
    assert all(count >= 2000 for count in forms.values()), forms
    assert sum(forms.values()) >= 30_000
    grammar = Grammar(WORDS)
    for name, kind in emergencies.KINDS.items():
        own = kind.situations and sum(grammar.forms(text) for one in kind.situations for text in one.templates)
        frames = 1
        for part in (kind.tags, kind.openings, kind.where, kind.contacts, kind.closings):
            frames *= sum(map(grammar.forms, part))
        assert own * frames >= 5000, name


@pytest.mark.parametrize(
    ("template", "count"), [("a", 1), ("(a|b)", 2), ("(a|b(c|d|)){x}(e|f)", 8), ("{3-9}", 1), ("(|)", 2)]
)
def test_forms_are_counted(template: str, count: int) -> None:
    assert Grammar({}).forms(template) == count


def test_sarcasm_means_the_opposite(mixed: Posts) -> None:
    found = [known for _, known in mixed if known["sarcasm"]]
    assert len(found) / POSTS == pytest.approx(0.09, abs=0.03)  # rss has none
    assert {known["sentiment"] for known in found} == {"negative"}
    assert not any(known["sarcasm"] for _, known in posts_of(f"{MIXED}&sarcasm=0&emergency=none", 500))


def test_copies_repeat_an_earlier_ordinary_post(mixed: Posts) -> None:
    at = {known["id"]: number for number, (_, known) in enumerate(mixed)}
    exact = near = 0
    for number, (post, known) in enumerate(mixed):
        if known["is_copy_of"] is None:
            continue
        original, told = mixed[at[known["is_copy_of"]]]
        assert at[known["is_copy_of"]] < number
        assert told["is_copy_of"] is None
        for key in ("kind", "sentiment", "emotion", "adcode", "sarcasm", "manner"):
            assert known[key] == told[key], key
        exact += post["text"] == original["text"]
        near += post["text"] != original["text"]
        assert abs(len(post["text"]) - len(original["text"])) < 20
    assert min(exact, near) > 0.07 * POSTS
    assert (exact + near) / POSTS == pytest.approx(0.2, abs=0.04)


# -- identifiers -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [ALL, "emergency=food&disguised=.5&seed=2", f"{MIXED}&disguised=1&emergency=none"])
def test_every_span_is_where_the_truth_says(options: str) -> None:
    feed = Feed(source(options))
    hidden = 0
    for raw, known in zip(feed.lines(0, POSTS), feed.truths(0, POSTS), strict=True):
        if known["kind"] == "bad":
            continue
        text = msgspec.json.decode(raw)["text"]
        assert not re.search("[\ue000-\ue0ff{}|]", text), text
        spans = sorted(known["identifiers"] + known["places"], key=lambda span: span["start"])
        assert all(left["end"] <= right["start"] for left, right in pairwise(spans))
        rest = text
        for span in reversed(spans):
            assert text[span["start"] : span["end"]] == span["value"]
            rest = rest[: span["start"]] + "▮" + rest[span["end"] :]
            if span.get("disguised"):
                hidden += 1
                assert span["type"] in ("CN_MOBILE", "IM_ID")
                if span["type"] == "CN_MOBILE":
                    assert not re.fullmatch(r"(\+86)?1[3-9]\d([ -]?)[0-9]{4}\2[0-9]{4}", span["value"]) or any(
                        sign in span["value"] for sign in "- "
                    )
        assert known["disguised"] == any(span.get("disguised") for span in spans)
        assert not re.search(r"\d{9,}|[０-９]{5}|https?://|example\.", rest), rest
    assert hidden >= 20


def test_a_segment_is_read_from_its_signs() -> None:
    grammar = Grammar({"who": lambda dice: Mark("PERSON", "王芳")})
    text = grammar.of("a{who}b{who}")(*_draws(), {})
    assert segment(text).text == "a王芳b王芳"
    assert [(span.start, span.end) for span in segment(text).spans] == [(1, 3), (4, 6)]


def _draws() -> Any:
    dice = counters.dice(1, 1)
    return dice, dice.next


# -- hours -------------------------------------------------------------------------------------------------------------
def test_a_day_has_its_hours() -> None:
    feed = source(f"{MIXED}&curve=day&hours=48&emergency=none", 48_000)
    known = times(feed)
    moments = known.at(0, 48_000)
    assert (moments[1:] >= moments[:-1]).all()
    assert [created_at(feed, at) for at in (0, 777, 47_999)] == moments[[0, 777, 47_999]].tolist()
    hours = Counter(known.hour(moment) for moment in moments.tolist())
    for hour, density in enumerate(DENSITY):
        assert hours[hour] == pytest.approx(2000 * density, rel=0.03, abs=3)
    for seconds in (0, 1, 3600, 40_000, 100_000):
        first = known.index(seconds)
        assert abs(int(known.at(first)[0]) - feed.start - seconds * 1000) < 15_000
    rush, night = (Counter(truth(feed, at)["kind"] for at in range(48_000) if known.hour(int(moments[at])) == hour
                           and at % 5 == 0) for hour in (18, 21))  # fmt: skip
    assert rush["traffic"] / rush.total() > 1.5 * night["traffic"] / night.total()


# -- load --------------------------------------------------------------------------------------------------------------
def test_skew_long_and_bad() -> None:
    posts = posts_of("emergency=none&skew=place:.5,author:.2,topic:.3&long=.05&seed=4", 3000)
    place = Counter(known["adcode"] for _, known in posts).most_common(1)[0]
    assert place[0] == "410102"
    assert place[1] / 3000 == pytest.approx(0.48, abs=0.06)
    assert Counter(post.get("author") for post, _ in posts).most_common(1)[0][1] / 3000 == pytest.approx(0.2, abs=0.03)
    assert sum(known["kind"] == "hot" for _, known in posts) / 3000 == pytest.approx(0.3, abs=0.03)
    lengths = [len(post["text"]) for post, _ in posts if len(post["text"]) >= 2000]
    assert len(lengths) / 3000 == pytest.approx(0.05, abs=0.015)
    assert max(lengths) > 12_000
    assert max(map(len, Feed(source("long=1")).lines(0, 300))) <= 65_536


# -- emergencies and scripts -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("hazard", HAZARDS)
def test_each_emergency_is_told_and_known(hazard: str) -> None:
    feed = source(f"emergency={hazard}&seed=6&onset=.1", 3000)
    found = Feed(feed).truths(0, 3000)
    where = plan(feed)
    assert where is not None
    assert found[where.onset]["first"]
    call = emergencies.KINDS[hazard].call
    firsts = [known for known in found if known["first"]]
    assert {known["kind"] for known in firsts} == {call}
    assert len({known["episode"] for known in firsts}) == len(firsts) > 20
    assert all(known["is_copy_of"] is None and known["adcode"] and known["places"] for known in firsts)
    kinds = Counter(known["kind"] for known in found)
    assert min(kinds["copy"], kinds["forward"], kinds["near_copy"]) > 20
    assert kinds["denial" if hazard == "rumour" else "update"] > 10
    assert {need for known in found for need in known["needs"]} <= set(NEEDS)
    assert {known["emotion"] for known in found} <= set(EMOTIONS)
    if hazard == "rumour":
        assert not any(known["needs"] for known in firsts)
    else:
        assert all(known["needs"] and known["priority"] in (1, 2, 3) for known in firsts)


SCRIPT = """
episodes:
  - {name: 仓库火灾, hazard: fire, onset: 0.2, place: 金水区, share: 0.2, posts: 150, spread: 5}
  - {name: 停电, hazard: power, onset_minutes: 30, place: "410103", share: 0.3, minutes: 10}
  - {name: 谣言, hazard: rumour, onset: 0.2, place: 长沙, share: 0.1}
"""


def test_a_script_is_played(tmp_path: Any) -> None:
    path = tmp_path / "剧本.yaml"
    path.write_text(SCRIPT, encoding="utf-8")
    feed = source(f"script={path}&minutes=60", 6000)
    assert parse(feed.uri) == feed
    fire, power, rumour = plans(feed)
    assert 1200 <= fire.onset < 1203
    assert fire.end - fire.onset == pytest.approx(750, abs=3)
    assert power.onset == pytest.approx(3000, abs=3)
    assert power.end == pytest.approx(4000, abs=3)
    found = Feed(feed).truths(0, 6000)
    for where, adcode in ((fire, "410105"), (power, "410103"), (rumour, "4301")):
        own = {at: known for at, known in enumerate(found) if known["incident"] == where.name}
        firsts = [at for at, known in own.items() if known["first"]]
        assert firsts[0] == min(own) == where.onset
        last = min(where.end, 6000)
        numbers = [n for n in range(10_000) if where.first_call(n) < last][-1] + 1
        assert len(firsts) == numbers, "no first call takes the place of another"
        assert max(own) < where.end
        assert len(own) / (last - where.onset) == pytest.approx(where.share, abs=0.05)
        assert all(known["adcode"].startswith(adcode) for known in own.values() if known["episode"])
    fires = [known for known in found if known["incident"] == fire.name]
    calls = sum(known["first"] for known in fires)
    assert sum(known["is_copy_of"] is not None for known in fires) / calls == pytest.approx(5, abs=2.5)
    path.write_text(SCRIPT + "  - {hazard: food, onset: 0.5}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has changed"):
        parse(feed.uri)


@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        ("- 1", "no list `episodes`"),
        ("episodes: []", "no list `episodes`"),
        ("a: [", "write YAML"),
        ("episodes:\n- {hazard: fire, onset: !!float x}\n", "line 2: a value cannot be read as float"),
        ("episodes: [3]", "no mapping"),
        ("episodes: [{hazard: war, onset: .1}]", "one of flood, fire"),
        ("episodes: [{hazard: fire}]", "one of onset"),
        ("episodes: [{hazard: fire, onset: .1, onset_minutes: 3}]", "one of onset"),
        ("episodes: [{hazard: fire, onset: 2}]", "from 0 to 1"),
        ("episodes: [{hazard: fire, onset: true}]", "from 0 to 1"),
        ("episodes: [{hazard: fire, onset: .1, place: 北京}]", "郑州 (410100)"),
        ("episodes: [{hazard: fire, onset: .1, posts: 3, minutes: 3}]", "give one of them"),
        ("episodes: [{hazard: fire, onset: .1, when: now}]", "unknown key 'when'"),
        ("episodes: [{hazard: fire, onset: 0, share: .7}, {hazard: food, onset: 0, share: .7}]", "1 or less"),
    ],
)
def test_a_script_that_is_wrong_is_refused(tmp_path: Any, script: str, remedy: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(script, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        plans(source(f"script={path}"))
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ("manners=weibo:6,fax:1", "'fax'"),
        ("manners=weibo,weibo", "at most once"),
        ("manners=weibo:0", "is nothing"),
        ("manners=weibo:x", "must be a number"),
        ("skew=place:2", "from 0 to 1"),
        ("skew=hour:.5", "each of place, author, topic"),
        ("curve=moon", "flat or day"),
        ("copies=2", "from 0 to 1"),
        ("script=/nothere.yaml", "cannot be read"),
    ],
)
def test_a_wrong_option_is_refused(options: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        source(options)
    assert remedy in str(caught.value)
