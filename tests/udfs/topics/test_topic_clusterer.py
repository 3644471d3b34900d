"""Topics of made-up posts: order, memory, copies, merges, what a restart may not change."""

import random

import numpy as np
import pytest

from udfs.topics.clusterer import IDLE_MS, Clusterer, Post, topic_id
from udfs.topics.copies import Copies

EVENTS = {
    "bridge": "bridge collapse elmton river truck cable engineer inspection closed detour span concrete".split(),
    "strike": "strike bakers union wage flour picket negotiation bread shortage wilton mayor vote".split(),
    "comet": "comet sky telescope night visible astronomer tail photograph brightest observatory dust orbit".split(),
    "match": "final goal striker penalty cup stadium referee northam fans trophy coach extra".split(),
}
FILLER = "today people street morning news city photo family work road evening shop market school team".split()


def stream(count=400, seed=3, events=EVENTS):
    """(posts, true event of each), mixed; every post has five words of its event and three of none."""
    rng = random.Random(seed)
    names = [rng.choice(list(events)) for _ in range(count)]
    texts = [" ".join([*rng.sample(events[name], 5), *rng.sample(FILLER, 3)]) for name in names]
    return [Post(f"weibo\x1f{at}", text, at * 1_000) for at, text in enumerate(texts)], names


def in_windows(clusterer, posts, size):
    return [place for at in range(0, len(posts), size) for place in clusterer.take(posts[at : at + size])]


def pairs_agree(found, truth):
    """(precision, recall) over pairs of posts."""
    found, truth = np.array(found), np.array(truth)
    same_found, same_truth = found[:, None] == found[None, :], truth[:, None] == truth[None, :]
    both = (same_found & same_truth).sum()
    return both / same_found.sum(), both / same_truth.sum()


@pytest.mark.parametrize("window", [20, 100, 400])
def test_events_are_told_apart_and_not_into_pieces(window):
    posts, truth = stream()
    topics = [place.topic_id for place in in_windows(Clusterer(), posts, window)]
    precision, recall = pairs_agree(topics, truth)
    assert precision > 0.95
    assert recall > 0.9


def test_every_post_has_a_topic_named_after_its_first_post():
    posts, _ = stream(100)
    placed = in_windows(Clusterer(), posts, 50)
    assert len(placed) == 100
    first = {}
    for post, place in zip(posts, placed, strict=True):
        first.setdefault(place.topic_id, post.key)
    assert all(topic == topic_id(key) for topic, key in first.items())


def test_the_same_windows_give_the_same_topics():
    posts, _ = stream()
    assert in_windows(Clusterer(), posts, 100) == in_windows(Clusterer(), posts, 100)


def test_copies_follow_their_original_and_weigh_nothing():
    posts, _ = stream(40)
    shouted = Post("weibo\x1fcopy", "RT @who: " + posts[3].text.upper() + " http://x.yz/1", 50_000)
    clusterer = Clusterer()
    placed = clusterer.take([*posts, shouted])
    assert placed[-1].copy_of == posts[3].key
    assert placed[-1].topic_id == placed[3].topic_id
    assert clusterer.posts.sum() == 40
    later = clusterer.take([Post("weibo\x1flater", posts[3].text, 60_000)])
    assert (later[0].copy_of, later[0].topic_id) == (posts[3].key, placed[3].topic_id)


def test_posts_without_words_are_alone():
    placed = Clusterer().take([Post("a", "", 0), Post("b", "", 0), Post("c", "😂😂", 0)])
    assert len({place.topic_id for place in placed}) == 3
    assert all(not place.copy_of for place in placed)


def test_two_topics_that_become_one_are_a_merge():
    halves = {"a": EVENTS["bridge"][:6], "b": EVENTS["bridge"][6:]}
    apart, _ = stream(60, events=halves)
    clusterer = Clusterer()
    before = {place.topic_id for place in clusterer.take(apart)}
    assert len(before) == 2
    merges = []
    rng = random.Random(1)
    for at in range(40):
        texts = [" ".join(rng.sample(EVENTS["bridge"], 8)) for _ in range(20)]
        clusterer.take([Post(f"m{at}-{n}", text, 10**6) for n, text in enumerate(texts)])
        merges += clusterer.changes
        if merges:
            break
    assert [change.kind for change in merges] == ["merge"]
    assert {merges[0].topic_id, merges[0].other_id} == before
    assert clusterer.standing(merges[0].other_id) == merges[0].topic_id
    assert merges[0].posts >= 20


def test_what_nobody_speaks_of_is_over():
    posts, _ = stream(60)
    clusterer = Clusterer(remembered=1)
    before = {place.topic_id for place in clusterer.take(posts)}
    later = [Post("again" + post.key, post.text + " again", post.at_ms + 2 * IDLE_MS) for post in posts]
    assert not before & {place.topic_id for place in clusterer.take(later)}


def test_memory_is_bounded():
    rng = random.Random(5)
    clusterer = Clusterer(live=50, remembered=100)
    for window in range(10):
        texts = [" ".join(f"w{rng.randrange(10**6)}" for _ in range(8)) for _ in range(200)]
        clusterer.take([Post(f"{window}-{n}", text, 0) for n, text in enumerate(texts)])
    assert len(clusterer.ids) == clusterer.counts.shape[0] == 50
    assert len(clusterer.copies.state()) <= 100
    assert len(clusterer.spelling) < 30_000


def test_copies_forget_the_oldest():
    copies = Copies(remembered=2)
    sets = [np.arange(at * 10, at * 10 + 6, dtype=np.int64) for at in range(3)]
    assert [copies.original(str(at), found) for at, found in enumerate(sets)] == [None] * 3
    assert copies.original("again", sets[2]) == "2"
    assert copies.original("gone", sets[0]) is None


def test_a_topic_that_falls_in_two_is_a_split():
    """A flood and a fire that were spoken of together go separate ways."""
    rng = random.Random(2)
    both = EVENTS["bridge"][:6] + EVENTS["comet"][:6]
    clusterer = Clusterer()
    clusterer.background.total = 20_000.0  # the stream spoke of other things before
    together = [Post(f"t{at}", " ".join(rng.sample(both, 8)), at) for at in range(80)]
    assert len({place.topic_id for place in clusterer.take(together)}) == 1
    sides = {"one": EVENTS["bridge"], "two": EVENTS["comet"]}
    changes = []
    for window in range(4):
        truth = [rng.choice(list(sides)) for _ in range(200)]
        texts = [" ".join(rng.sample(sides[side], 6)) for side in truth]
        placed = clusterer.take([Post(f"{window}-{at}", text, 1_000) for at, text in enumerate(texts)])
        changes += clusterer.changes
    assert [change.kind for change in changes] == ["split"]
    precision, recall = pairs_agree([place.topic_id for place in placed], truth)
    assert precision > 0.95
    assert recall > 0.9
