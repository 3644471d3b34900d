"""The score of a drill, against truths and alerts written by hand."""

from __future__ import annotations

import pytest

from pipelines.jobs.drill.score import Act, Hit, Seen, score


def truth(name, kind="food", episode=None, priority=4, **more):
    return {"id": name, "kind": kind, "episode": episode, "priority": priority, "adcode": "410103"} | {
        "needs": [],
        "hazards": [],
        **more,
    }


NIGHT = [
    truth("a1", "call", "a", 1, needs=["rescue"]),
    truth("x1"),
    truth("b1", "call", "b", 2, needs=["supplies"]),
    truth("a2", "copy", "a", 1, needs=["rescue"]),
    truth("c1", "call", "c", 3, needs=["other_help"]),
    truth("trap", "trap"),
    truth("dyke", "hazard", None, 1, hazards=["dyke_breach"]),
    truth("a3", "update", "a", 4),
]
HANDED = {row["id"]: 1_000 * at for at, row in enumerate(NIGHT)}


def scored(hits=(), told=(), episodes=(), acts=(), handed=HANDED):
    return score(NIGHT, Seen(handed, list(hits), dict(told), dict(episodes), list(acts)))


def episode(sheet, name):
    return next(row for row in sheet["episodes"] if row["episode"] == name)


def test_an_episode_without_an_alert_is_missed():
    sheet = scored([Hit("A", "flood-help", 1, "a1", 2_500)])
    assert sheet["summary"]["must_alert"] == {
        "episodes": 2,
        "alerted": 1,
        "missed": 1,
        "first_alert_p50_s": 2.5,
        "first_alert_p95_s": 2.5,
        "first_alert_max_s": 2.5,
    }
    assert sheet["summary"]["by_priority"]["3"]["missed"] == 1
    assert episode(sheet, "b")["first_alert_s"] is None


def test_time_counts_from_the_first_call_to_the_first_alert_of_any_of_its_posts():
    late = [Hit("B", "urgent-need", 1, "a2", 9_000), Hit("A", "flood-help", 1, "a2", 4_500)]
    row = episode(scored(late, told={"A": 6_000, "B": 9_500}), "a")
    assert (row["first_alert_s"], row["told_s"], row["alerts"]) == (4.5, 6.0, 2)
    assert row["posts_before_alert"] == 2  # a1 and a2, not the update


def test_an_alert_at_the_clocks_zero_counts():
    handed = HANDED | {"a1": -500}
    assert episode(scored([Hit("A", "r", 1, "a1", 0)], handed=handed), "a")["first_alert_s"] == 0.5


@pytest.mark.parametrize(
    ("post", "false"),
    [("trap", True), ("x1", True), ("a1", False), ("a3", False), ("dyke", False), ("c1", False)],
)
def test_a_false_alert_has_no_post_that_needs_anybody(post, false):
    sheet = scored([Hit("A", "flood-help", 2, post, 9_000)])
    assert sheet["summary"]["false_alerts"] == int(false)
    if false:
        (row,) = sheet["false_alerts"]
        assert (row["rule"], row["posts"], row["kinds"]) == ("flood-help", 1, {NIGHT_KIND[post]: 1})


NIGHT_KIND = {row["id"]: row["kind"] for row in NIGHT}


def test_one_true_post_makes_an_alert_true():
    sheet = scored([Hit("A", "r", 1, "trap", 9_000), Hit("A", "r", 1, "b1", 9_100)])
    assert sheet["summary"]["false_alerts"] == 0
    assert episode(sheet, "b")["first_alert_s"] == 7.1


def test_posts_of_other_feeds_and_posts_that_were_not_stored_do_not_count():
    handed = {name: at for name, at in HANDED.items() if name != "a1"}
    sheet = scored([Hit("A", "r", 1, "other-feed", 1_000)], handed=handed)
    assert sheet["summary"]["alerts"] == 0
    assert sheet["summary"]["posts"] == len(NIGHT) - 1
    assert episode(sheet, "a")["first_call"] == "a2"


def test_what_people_did_is_found_through_the_softwares_episodes():
    acts = [Act("e1", "dispatch", 61_000), Act("e1", "verify", 31_000), Act("elsewhere", "close", 5_000)]
    sheet = scored(episodes={"a1": "e1", "a2": "e2", "b1": "e3"}, acts=acts)
    row = episode(sheet, "a")
    assert row["found_as"] == 2
    assert (row["acts"], row["first_act_s"], row["dispatched_s"]) == (["verify", "dispatch"], 31.0, 61.0)
    assert sheet["people"] == {
        "episodes": 2,
        "acted_on": 1,
        "first_act_p50_s": 31.0,
        "dispatched": 1,
        "dispatched_p50_s": 61.0,
        "untouched": ["b"],
    }
