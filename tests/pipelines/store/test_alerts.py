"""Which posts raise an alert, which fold into one, and what the real store counts under repeats and replays."""

from __future__ import annotations

import itertools
import random

import pytest

from pipelines.store.alerts import HOUR_MS, WriteAlerts, copy_group, find_hits
from pipelines.store.query import ack_alert, full_alert_id, list_alerts
from schemas.errors import UsageError

NOON = 1_700_000_000_000 // (6 * HOUR_MS) * 6 * HOUR_MS
COUNTY = {"name": "河南省郑州市二七区", "level": "county", "adcode": "410103"}
VILLAGE = {"name": "河南省郑州市二七区某村", "level": "village", "adcode": "410103"}
OTHER_VILLAGE = VILLAGE | {"name": "河南省郑州市二七区别村"}
CRITICAL = {"rule": "flood-help", "category": "灾情求助", "term": "被困", "critical": True}
RESCUE = {"need": "rescue", "score": 0.9}
MEDICAL = {"need": "medical", "score": 0.7}
OFFER = {"need": "offer", "score": 0.9}
TEXT = "村口积水很深，我们几个人在屋顶等人来接"
OTHER_TEXT = "医院停电，病人等着用药，哪位能送一趟"

_NOWHERE = {"lat": None, "lon": None, "radius_m": None, "start": 0, "end": 1}
DEFAULTS = {
    "text": TEXT, "platform": "alerts", "created_at": NOON, "ingested_at": NOON + 1_000, "author_token": "author",
    "phone_tokens": [], "places": [], "keywords": [], "needs": [], "hazards": [], "people": {"vulnerable": []},
    "priority": 4, "state": "open",
}  # fmt: skip


def batch_of(make_posts, posts):
    posts = [DEFAULTS | {"id": f"post-{n}"} | post for n, post in enumerate(posts)]
    for post in posts:
        post["places"] = [_NOWHERE | place for place in post["places"]]
        post.setdefault("updated_at", post["created_at"])
    columns = {name: [post[name] for post in posts] for name in posts[0] if name != "text"}
    return make_posts([post["text"] for post in posts], **columns)


# lane, post, the rules that it hits
RAISED = [
    ("rules", {}, []),
    ("rules", {"keywords": [CRITICAL]}, ["flood-help"]),
    ("rules", {"keywords": [CRITICAL | {"critical": False}]}, []),
    ("rules", {"keywords": [CRITICAL, CRITICAL | {"term": "求救"}]}, ["flood-help"]),
    ("rules", {"keywords": [CRITICAL, CRITICAL | {"rule": "gas"}]}, ["flood-help", "gas"]),
    ("rules", {"priority": 1, "needs": [RESCUE]}, []),
    ("needs", {"keywords": [CRITICAL]}, []),
    ("needs", {"priority": 1, "needs": [RESCUE]}, ["urgent-need"]),
    ("needs", {"priority": 1, "needs": [RESCUE, MEDICAL]}, ["urgent-need"]),
    ("needs", {"priority": 1, "needs": [RESCUE], "state": "partial"}, ["urgent-need"]),
    ("needs", {"priority": 1, "needs": [RESCUE], "state": "closed"}, []),
    ("needs", {"priority": 1, "needs": [], "hazards": ["dyke_breach"]}, ["urgent-need"]),
    ("needs", {"priority": 1, "needs": [OFFER]}, []),
    ("needs", {"priority": 1, "needs": []}, []),
    ("needs", {"priority": 2, "needs": [RESCUE]}, []),
]


@pytest.mark.parametrize(("lane", "post", "rules"), RAISED)
def test_what_raises_an_alert(make_posts, lane, post, rules):
    quiet: dict[str, object] = {}
    hits = find_hits(batch_of(make_posts, [quiet, post, quiet]), lane)
    assert [hit.rule for hit in hits] == rules
    assert {hit.row for hit in hits} <= {1}


P, Q = {"phone_tokens": ["p"]}, {"phone_tokens": ["q"]}
OTHER = {"text": OTHER_TEXT}
TAIL = {"text": TEXT + "//@某人:转发//@另一人:扩散"}
DRESSED = {"text": "#暴雨互助#" + TEXT + "<CN_MOBILE> @某人 13:20！！"}

# name, one post, another post, do they fold
FOLDED = [
    ("the same village", {"places": [VILLAGE]}, {"places": [COUNTY, VILLAGE]} | OTHER, True),
    ("two villages", {"places": [VILLAGE]}, {"places": [OTHER_VILLAGE]}, False),
    ("the same village, other phones", {"places": [VILLAGE]} | P, {"places": [VILLAGE]} | Q, True),
    ("a county is no event", {"places": [COUNTY]}, {"places": [COUNTY]} | OTHER, False),
    ("a county, the same phone", {"places": [COUNTY]} | P, P | OTHER, True),
    ("a county, two phones", {"places": [COUNTY]} | P, {"places": [COUNTY]} | Q, False),
    ("only the first phone counts", {"phone_tokens": ["p", "q"]}, {"phone_tokens": ["p", "r"]} | OTHER, True),
    ("the same text", {}, {"author_token": "another"}, True),
    ("other texts", {}, OTHER, False),
    ("copied with a tail", {}, TAIL, True),
    ("copied with a hashtag, a mention and numbers", {}, DRESSED, True),
    ("the end of the window", {}, {"created_at": NOON + 6 * HOUR_MS - 1}, True),
    ("the next window", {}, {"created_at": NOON + 6 * HOUR_MS}, False),
    ("before the window", {}, {"created_at": NOON - 1}, False),
]


@pytest.mark.parametrize("lane", ["rules", "needs"])
@pytest.mark.parametrize(("name", "one", "another", "fold"), FOLDED)
def test_what_folds(make_posts, lane, name, one, another, fold):
    raised = {"keywords": [CRITICAL], "needs": [RESCUE], "priority": 1}
    ids = [hit.alert_id for hit in find_hits(batch_of(make_posts, [raised | one, raised | another]), lane)]
    assert len(ids) == 2, name
    assert (ids[0] == ids[1]) is fold, name


def test_the_deepest_place_and_the_caller_are_named(make_posts):
    posts = [
        {"places": [COUNTY, VILLAGE], "phone_tokens": ["p", "q"]},
        {"places": [], "phone_tokens": []},
        {"places": [COUNTY], "author_token": None},
    ]
    hits = find_hits(batch_of(make_posts, [post | {"keywords": [CRITICAL]} for post in posts]), "rules")
    assert [(hit.place, hit.adcode, hit.caller_token, hit.fold) for hit in hits] == [
        (VILLAGE["name"], "410103", "p", "place"),
        ("", "", "author", "copy"),
        (COUNTY["name"], "410103", "", "copy"),
    ]


def test_reasons_quote_rules_and_labels_only(make_posts):
    post = {
        "keywords": [CRITICAL, CRITICAL | {"term": "求救"}],
        "needs": [RESCUE, MEDICAL],
        "hazards": ["flood_rising"],
        "people": {"count": 3, "vulnerable": ["elderly"]},
        "priority": 1,
    }
    batch = batch_of(make_posts, [post])
    assert find_hits(batch, "rules")[0].reasons == ("被困 (灾情求助)", "求救 (灾情求助)")
    needs = find_hits(batch, "needs")[0]
    assert needs.reasons == ("need rescue", "need medical", "hazard flood_rising", "vulnerable elderly")
    assert needs.needs == ("rescue", "medical")


def test_a_batch_and_its_slices_give_the_same_hits(make_posts):
    raised = [
        {},
        {"keywords": [CRITICAL]},
        {},
        {"keywords": [CRITICAL], "places": [VILLAGE], "priority": 1, "needs": [RESCUE]},
    ]
    batch = batch_of(make_posts, raised * 3)
    for lane in ("rules", "needs"):
        whole = [hit.alert_id for hit in find_hits(batch, lane)]
        assert whole == [hit.alert_id for n in range(12) for hit in find_hits(batch.slice(n, 1), lane)]
        assert find_hits(batch.slice(0, 0), lane) == []


def test_near_copies_meet_and_different_texts_do_not():
    rng = random.Random(7)
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 400)]
    texts = ["".join(rng.choice(letters) for _ in range(100)) for _ in range(300)]
    assert len({copy_group(text) for text in texts}) == 300
    met = sum(copy_group(text) == copy_group(text[:50] + rng.choice(letters) + text[50:]) for text in texts)
    assert 0.6 < met / 300 < 0.9  # one character more among 100: J = 94/101, J**4 = .75


@pytest.mark.parametrize(
    "text", ["", "，。！", "12345", "<CN_MOBILE>", "#只有话题#", "a" * 65_536, "//" * 30_000, "\ud800"]
)
def test_texts_without_words(text):
    assert len(copy_group(text)) == 35


def found(rows, alert):
    sql = f"""SELECT posts, callers, priority, place, needs, state, toUnixTimestamp64Milli(first_at),
        toUnixTimestamp64Milli(last_at), reasons FROM alerts WHERE alert_id = '{alert}'"""
    return rows(sql)


def write(clickhouse, batch, lane="needs", **options):
    sink = WriteAlerts(clickhouse, lane, **options)
    sink.open()
    assert sink.apply(batch) is batch
    sink.close()


@pytest.mark.services
def test_repeats_raise_the_counts_and_replays_do_not(clickhouse, make_posts, rows):
    place = VILLAGE | {"name": "河南省郑州市二七区重复村"}
    urgent = {"priority": 1, "needs": [RESCUE], "places": [place]}
    first = [urgent | {"id": "1", "phone_tokens": ["p"]}]
    repeats = [
        urgent | {"id": "2", "phone_tokens": ["p"], "created_at": NOON + 60_000},
        urgent | {"id": "3", "phone_tokens": ["q"], "needs": [MEDICAL], "created_at": NOON + 30_000},
        urgent | {"id": "3", "platform": "elsewhere", "phone_tokens": ["q"]},
        {"id": "4"},
    ]
    alert = find_hits(batch_of(make_posts, first), "needs")[0].alert_id
    write(clickhouse, batch_of(make_posts, first))
    one = (1, 1, 1, place["name"], ["rescue"], "open", NOON, NOON, ["need rescue"])
    assert found(rows, alert) == [one]
    write(clickhouse, batch_of(make_posts, repeats))
    needs = ["medical", "rescue"]
    all_of_them = (4, 2, 1, place["name"], needs, "open", NOON, NOON + 60_000, [f"need {need}" for need in needs])
    assert found(rows, alert) == [all_of_them]
    for generation, again in itertools.product((0, 0, 1), (first, repeats)):
        write(clickhouse, batch_of(make_posts, again), generation=generation)
    assert found(rows, alert) == [all_of_them]
    assert rows(f"SELECT min(notify) FROM alert_hits FINAL WHERE alert_id = '{alert}'") == [(1,)]


# generation, age of the post in hours, is it sent
NOTIFIED = [(0, 0, 1), (0, 23.9, 1), (0, 24.1, 0), (0, -1, 1), (1, 0, 0)]


@pytest.mark.services
@pytest.mark.parametrize(("generation", "age_hours", "notify"), NOTIFIED)
def test_replays_and_old_events_are_counted_but_not_sent(clickhouse, make_posts, rows, generation, age_hours, notify):
    platform = f"alerts-notify-{generation}-{age_hours}"
    created_at = NOON - int(age_hours * HOUR_MS)
    post = {"platform": platform, "keywords": [CRITICAL], "created_at": created_at, "ingested_at": NOON}
    write(clickhouse, batch_of(make_posts, [post]), "rules", generation=generation)
    assert rows(f"SELECT notify, lane FROM alert_hits FINAL WHERE platform = '{platform}'") == [(notify, "rules")]


@pytest.mark.services
def test_people_acknowledge_and_close(clickhouse, make_posts, rows):
    place = VILLAGE | {"name": "河南省郑州市二七区确认村"}
    batch = batch_of(make_posts, [{"keywords": [CRITICAL], "places": [place]}])
    alert = find_hits(batch, "rules")[0].alert_id
    write(clickhouse, batch, "rules")
    assert full_alert_id(clickhouse, alert[:12]) == alert
    for state in ("acknowledged", "closed", "open"):
        ack_alert(clickhouse, alert, "duty officer", "a boat is on its way", state)
        assert found(rows, alert)[0][5] == state
    listed = [row for row in list_alerts(clickhouse, "open", limit=100_000) if row["alert_id"] == alert]
    assert [(row["place"], row["posts"], row["rule"]) for row in listed] == [(place["name"], 1, "flood-help")]
    assert not [row for row in list_alerts(clickhouse, "closed") if row["alert_id"] == alert]
    assert rows(f"SELECT count() FROM alert_states WHERE alert_id = '{alert}'") == [(3,)]
    for start in ("", "no such alert"):
        with pytest.raises(UsageError):
            full_alert_id(clickhouse, start)


def test_a_lane_that_is_none(clickhouse):
    with pytest.raises(ValueError, match="lane"):
        WriteAlerts(clickhouse, "urgent")
