"""A brief's content, asked of a real store; each number beside what was put in."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from pipelines.store import brief, query
from pipelines.store.client import connect
from pipelines.store.sinks import StorePosts
from udfs.brief import html
from udfs.brief.content import Figure, Quote

pytestmark = pytest.mark.services

START = 1_942_279_200_000  # 2031-07-20T18:00+08:00: no other test writes there
MINUTE = 60_000
END = START + 240 * MINUTE
ERQI, GONGYI = "410103", "410181"
RESCUE, OFFER = [{"need": "rescue", "score": 0.9}], [{"need": "offer", "score": 0.9}]

EPISODE = {
    "version": 1, "kind": "help", "place": "河南省郑州市二七区旱河村", "level": "village", "adcode": ERQI,
    "lat": 34.7, "lon": 113.6, "radius_m": 500, "needs": ["rescue"], "hazards": ["flood_rising"], "items": ["艇"],
    "people": 12, "vulnerable": ["elderly"], "priority": 1, "callers": 2, "relays": 5, "posts": 7, "standing": "",
    "claims": 0, "denials": 0, "proposed": "", "proposed_by": ("", ""), "proposed_at": 0, "rank": 10.0,
    "reasons": ["p1"], "evidence": [("brief", "call-1"), ("brief", "gone")], "offers": [("brief", "offer-1", 3.0)],
}  # fmt: skip
EPISODES = [
    {"episode_id": "brief-1"},
    {"episode_id": "brief-2", "place": "", "adcode": GONGYI, "priority": 2, "rank": 5.0, "people": None, "offers": []},
    {"episode_id": "brief-3", "adcode": "", "place": "", "rank": 1.0, "priority": 3, "needs": ["supplies"]},
    {"episode_id": "brief-closed", "rank": 99.0},
    {"episode_id": "brief-merged", "rank": 98.0},
    {"episode_id": "brief-before", "rank": 97.0, "first_at": START - 4_000 * MINUTE, "last_at": START - 3_900 * MINUTE},
    {"episode_id": "brief-later", "rank": 96.0, "first_at": END, "last_at": END},
    {"episode_id": "brief-waiting", "rank": 4.0, "first_at": START - 90 * MINUTE, "last_at": START - 60 * MINUTE},
    {"episode_id": "brief-city", "rank": 2.0, "adcode": "410100", "place": "河南省郑州市", "people": None},
    {
        "episode_id": "brief-hazard", "kind": "hazard", "hazards": ["dyke_breach"], "standing": "contested",
        "rank": 3.0, "needs": [], "claims": 4, "denials": 1, "people": 30,
    },
]  # fmt: skip
EVENTS = [
    ("e1", "brief-closed", "close", "closed", "", None, ""),
    ("e2", "brief-merged", "merge", "", "", None, "brief-1"),
    ("e3", "brief-1", "dispatch", "dispatched", "消防救援大队", START + 30 * MINUTE, ""),
    ("e4", "brief-1", "called", "", "", None, ""),
]


def county(adcode):
    return [{"name": "某县", "level": "county", "adcode": adcode, "start": 0, "end": 1}]


def moment(ms):
    return datetime.fromtimestamp(ms / 1000, UTC)


@pytest.fixture(scope="module")
def night(clickhouse):
    """Forty posts of thirty authors, nine episodes, a silence, a topic."""
    from tests.pipelines.store.conftest import build_posts

    calls, copies = 6, 10
    texts = [f"水到二楼了<script>alert({n})</script> <CN_MOBILE>" for n in range(calls)]
    texts += (
        ["转发 //@甲: 一样的话"] * copies + ["有船可以去"] * 2 + [f"今天的雨真大 {chr(0x4E00 + n)}" for n in range(22)]
    )
    many = len(texts)
    ids = [f"call-{n}" for n in range(calls)] + [f"copy-{n}" for n in range(copies)] + ["offer-1", "offer-2"]
    ids += [f"talk-{n}" for n in range(many - len(ids))]
    batch = build_posts(
        texts,
        platform=["brief"] * many,
        id=ids,
        author_token=[f"author-{n % 30}" for n in range(many)],
        created_at=[START + 4 * n * MINUTE for n in range(many)],
        updated_at=[START] * many,
        ingested_at=[START + 4 * n * MINUTE + 500 for n in range(many)],
        priority=[1] * calls + [4] * (many - calls),
        needs=[RESCUE] * calls + [[]] * copies + [OFFER] * 2 + [[]] * (many - calls - copies - 2),
        places=[county(ERQI)] * calls + [[]] * copies + [county(GONGYI)] * 2 + [[]] * (many - calls - copies - 2),
        sentiment=["negative"] * many,
        emotion=["fear"] * many,
    )
    sink = StorePosts(clickhouse, clock=lambda: START + 61 * MINUTE)
    sink.open()
    sink.apply(batch)
    sink.close()
    with connect(clickhouse) as client:
        facts = [
            EPISODE | {"first_at": START + 10 * MINUTE, "last_at": START + 100 * MINUTE} | change for change in EPISODES
        ]
        for fact in facts:
            fact["last_posted_at"] = fact["last_at"]
            for name in ("first_at", "last_at", "last_posted_at", "proposed_at"):
                fact[name] = moment(fact[name])
        names = list(facts[0])
        client.insert("episode_facts", [[fact[name] for name in names] for fact in facts], column_names=names)
        client.insert(
            "episode_events",
            [
                [
                    event,
                    episode,
                    moment(START + 20 * MINUTE),
                    "someone",
                    action,
                    state,
                    unit,
                    until and moment(until),
                    "",
                    into,
                ]
                for event, episode, action, state, unit, until, into in EVENTS
            ],
            column_names="event_id episode_id at actor action state unit deadline note other_id".split(),
        )
        client.insert(
            "episode_posts",
            [
                ["brief", "claim-1", "brief-hazard", "claim", "", moment(START + 50 * MINUTE), 1],
                ["brief", "denial-1", "brief-hazard", "denial", "", moment(START + 55 * MINUTE), 1],
            ],
            column_names="platform post_id episode_id role caller_token at version".split(),
        )
        hits = [
            [
                "brief-alert-1",
                "brief",
                "call-1",
                "rules",
                "flood-help",
                1,
                "place",
                "旱河村",
                ERQI,
                moment(START + 5 * MINUTE),
                ["x"],
            ],
            [
                "brief-alert-2",
                "brief",
                "call-2",
                "rules",
                "flood-help",
                1,
                "place",
                "旱河村",
                ERQI,
                moment(START + 65 * MINUTE),
                ["x"],
            ],
            [
                "brief-alert-3",
                "",
                "",
                "burst",
                "silence",
                2,
                "place",
                "河南省郑州市登封市",
                "410185",
                moment(START + 70 * MINUTE),
                ["observed 0"],
            ],
        ]
        names = "alert_id platform post_id lane rule priority fold place adcode at reasons".split()
        client.insert("alert_hits", hits, column_names=names)
        client.insert(
            "alert_states",
            [["brief-alert-1", "acknowledged", "someone", ""]],
            column_names=["alert_id", "state", "actor", "note"],
        )
        topic = {
            "topic_id": "brief-topic", "version": 1, "name": "暴雨 被困", "terms": ["暴雨"], "first_at": moment(START),
            "last_at": moment(END), "posts": 5, "reach": 9, "authors": 21, "negative": 60, "neutral": 30,
            "positive": 10, "hour_posts": 5, "hour_before": 1, "growth": 3.0, "counties": [(ERQI, 4)],
            "representatives": [],
        }  # fmt: skip
        client.insert("topics", [list(topic.values())], column_names=list(topic))
        members = [["brief", f"talk-{n}", "brief-topic", "", 0.9, moment(START + n * MINUTE), 1] for n in range(30)]
        members += [
            ["brief", f"copy-{n}", "brief-topic", "talk-1", 0.9, moment(START + n * MINUTE), 1] for n in range(10)
        ]
        client.insert(
            "post_topics", members, column_names="platform post_id topic_id copy_of similarity at version".split()
        )
    query.refresh_roll_ups(clickhouse)


@pytest.fixture(scope="module")
def made(night, clickhouse_server):
    return brief.gather(clickhouse_server.settings, START, END, END + MINUTE, "wang")


def test_numbers(made):
    found = {one.name: one.value for one in made.figures}
    assert found == {
        "posts": 40, "authors": 30, "copies": 0.25, "calls": 6, "urgent": 6, "alerts": 3, "acknowledged": 1,
        "open": 6, "p1-open": 4, "overdue": 1,
    }  # fmt: skip
    assert made.offers == 2


def test_every_number_names_a_statement_of_the_annex(made):
    asked = {one.id for one in made.queries}
    assert all(one.query in asked for one in (*made.figures, *made.health) if one.value is not None)
    assert {one.account for one in made.queries} == {"operator", "yuqing"}
    people = [one for one in made.queries if one.account == "yuqing"]
    assert [one.about for one in people] == ["about.people"]


def test_episodes_that_wait_stand_by_rank_then_the_closed(made):
    assert [one.id for one in made.episodes] == [
        "brief-1", "brief-2", "brief-waiting", "brief-hazard", "brief-city", "brief-3", "brief-closed",
    ]  # fmt: skip
    first = made.episodes[0]
    assert (first.state, first.owner, first.deadline, first.called) == (
        "dispatched", "消防救援大队", START + 30 * MINUTE, 1,
    )  # fmt: skip
    assert (first.above, first.district, first.people, first.offers) == ("河南省郑州市", "二七区", 12, 1)
    call, gone = first.quotes
    assert call.text.startswith("水到二楼了")
    assert gone == Quote("brief", "gone")
    assert made.episodes[1].place == "河南省郑州市巩义市"


def test_districts_needs_hazards_silence_topics_moods(made):
    assert [(one.name, one.episodes, one.open, one.priority) for one in made.districts] == [
        ("二七区", 4, 3, 1), ("巩义市", 1, 1, 2),
    ]  # fmt: skip
    # an episode that only names the city is no dot among its counties
    assert [(one.name, one.open) for one in made.cities] == [("郑州市", 1)]
    assert {one.name: one.offers for one in made.districts} == {"二七区": 0, "巩义市": 2}
    assert "金水区" in {one.name for one in made.around}
    assert "二七区" not in {one.name for one in made.around}
    assert [(one.need, one.open, one.people, one.matched) for one in made.supplies] == [
        ("rescue", 4, 24, 3), ("supplies", 1, 12, 1),
    ]  # fmt: skip
    hazard = made.hazards[0]
    assert (hazard.standing, hazard.claimed, hazard.denied) == ("contested", 4, 1)
    assert [one.post_id for one in (*hazard.claims, *hazard.denials)] == ["claim-1", "denial-1"]
    assert [(one.district, one.reasons) for one in made.silences] == [("河南省郑州市登封市", ("observed 0",))]
    topic = made.topics[0]
    assert (topic.name, topic.posts, topic.reach, topic.districts) == ("暴雨 被困", 30, 40, ("二七区",))
    assert topic.moods == pytest.approx({"negative": 0.6, "neutral": 0.3, "positive": 0.1})
    # one hour, the second, has 15 posts of 15 authors and the first too: no cell of twenty
    assert made.moods == ()


def test_the_time_line_has_a_step_for_each_part_of_the_period(made):
    assert made.bin_ms == 5 * MINUTE
    assert len(made.bins) == 48
    assert sum(one.posts for one in made.bins) == 40
    assert sum(one.calls for one in made.bins) == 6
    assert [one.at - START for one in made.bins if one.alerts] == [5 * MINUTE, 65 * MINUTE, 70 * MINUTE]


def test_health(made):
    found = {one.name: one.value for one in made.health}
    assert found["stored"] == 40
    assert found["quiet"] == 239
    assert found["shed"] == 0
    assert "shed" not in made.absent


def test_without_places_nothing_is_asked_for_that_a_viewer_may_not_see(night, clickhouse_server):
    made = brief.gather(clickhouse_server.settings, START, END, END + MINUTE, "wang", places=False)
    assert {one.place for one in made.episodes} == {
        "河南省郑州市二七区", "河南省郑州市巩义市", "河南省郑州市", "",
    }  # fmt: skip
    assert made.quotes == ()
    assert not any(quote.text for one in made.episodes for quote in one.quotes)
    assert not any("v_calls" in one.sql for one in made.queries)
    page = html.render(made)
    assert "旱河村" not in page
    assert "水到二楼" not in page


def test_no_token_and_no_caller_is_on_the_page(made):
    page = html.render(made)
    assert "author-" not in page
    assert "caller_token" not in page
    assert "<script" not in page
    assert "alert(1)&lt;/script&gt;" in page


def test_a_night_without_anything(clickhouse_server):
    before = START - 400 * 24 * 60 * MINUTE
    made = brief.gather(clickhouse_server.settings, before, before + 60 * MINUTE, END, "wang")
    assert made.empty
    assert {one.name: one.why for one in made.figures if one.value is None} == {"authors": "few", "copies-verbatim": ""}
    assert "<svg" not in html.render(made)


@pytest.mark.parametrize(("hours", "minutes"), [(1, 1), (2, 2), (8, 10), (24, 30), (72, 120), (24 * 28, 720)])
def test_the_step_keeps_the_time_line_readable(hours, minutes):
    assert brief.step_of(0, hours * 3_600_000) == minutes * MINUTE


def test_a_view_that_is_not_there_is_said(night, clickhouse_server, monkeypatch):
    monkeypatch.setattr(brief.questions, "SHED", "SELECT sum(posts) AS shed FROM v_never_made")
    made = brief.gather(clickhouse_server.settings, START, END, END + MINUTE, "wang")
    assert "shed" in made.absent
    assert "过载记录" in html.render(made)


def test_figures_have_no_field_for_a_person():
    assert {field.name for field in dataclasses.fields(Figure)} == {"name", "value", "kind", "query", "why"}
