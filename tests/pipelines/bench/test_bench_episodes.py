"""The judge of `bench episodes`, on assignments whose figures are known; the night's truth."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.bench.episodes import cases, judge
from pipelines.bench.flood_night import CASES, NightPost, night

TABLE = [
    # found, truth, precision, recall, over-merged, over-split
    ("aabb", "1122", 1.0, 1.0, 0, 0),
    ("aaaa", "1122", 2 / 6, 1.0, 1, 0),
    ("abab", "1122", 0.0, 0.0, 2, 2),
    ("abcc", "1122", 1.0, 0.5, 0, 1),
    ("a-bb", "1122", 1.0, 0.5, 0, 0),
]


@pytest.mark.parametrize(("found", "truth", "precision", "recall", "merged", "split"), TABLE)
def test_judge(found: str, truth: str, precision: float, recall: float, merged: int, split: int) -> None:
    report = judge([None if one == "-" else one for one in found], list(truth))
    figures = tuple(report[name] for name in ("precision", "recall", "over_merged", "over_split"))
    assert figures == (precision, recall, merged, split)
    assert report["in_no_episode"] == found.count("-")


def test_cases_say_where_it_went_wrong() -> None:
    posts = [
        NightPost(f"{n}", "", "", n, episode, case)
        for n, (episode, case) in enumerate(
            [("1", "first"), ("1", "copy"), ("2", "first"), ("2", "copy"), ("3", "moved"), ("1", "flip")]
        )
    ]
    report = cases(posts, ["a", "a", "b", "c", "a", None])
    assert report["first"] == {"posts": 2, "right": 2}
    assert report["copy"] == {"posts": 2, "right": 1, "split": 1}
    assert report["moved"] == {"posts": 1, "merged": 1}
    assert report["flip"] == {"posts": 1, "in_none": 1}


def test_the_night_has_every_case_and_is_the_same_again() -> None:
    posts = night(20, 3)
    assert posts == night(20, 3)
    assert set(Counter(post.case for post in posts)) == set(CASES)
    assert posts == sorted(posts, key=lambda post: (post.created_at, post.post_id))
    assert len({post.post_id for post in posts}) == len(posts)
    texts = {post.case: post for post in posts}
    assert texts["moved"].episode != texts["first"].episode
