"""Several channels and one store: each is told once what it is to be told, whatever happens to the others."""

from __future__ import annotations

import random
import threading
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.store.client import connect
from pipelines.store.notify.channels import DeliveryFailed, Route
from pipelines.store.notify.messages import Digest
from pipelines.store.notify.notifier import Notifier
from pipelines.store.notify.outbox import Escalation, Outbox, Wanted
from pipelines.store.notify.pacing import QuietHours
from pipelines.store.notify.service import Dispatcher
from pipelines.store.sinks import now_ms
from schemas.errors import StoreUnavailable

pytestmark = pytest.mark.services
MINUTE = 60_000


class Fake:
    """A channel that keeps what it was sent; ``down`` refuses, ``hangs`` waits until it is set."""

    def __init__(self, name, places=True):
        self.name, self.places = name, places
        self.sent = []
        self.down = False
        self.hangs = None
        self.tries = 0

    def send(self, message):
        self.tries += 1
        if self.hangs is not None:
            self.hangs.wait(30)
        if self.down:
            raise DeliveryFailed("HTTP 503")
        self.sent.append(message)
        return "accepted"

    @property
    def alerts(self):
        return [message.alert_id for message in self.sent if not isinstance(message, Digest)]


@pytest.fixture
def route(client, request):
    """``route("duty", priorities=...)``: a channel that is told of all that the store holds, with a fake behind it."""

    def build(name, priorities=(1, 2), places=True, since=0, **options):
        receiver = f"{request.node.name}-{name}"
        outbox = Outbox(client)
        outbox.join([receiver], since)
        return Route(Fake(receiver, places), Wanted(receiver, tuple(priorities)), **options)

    return build


def notifiers(client, clock, *routes):
    return [Notifier(client, route, clock) for route in routes]


def states(rows, alert):
    sql = f"SELECT receiver, kind, status, attempt FROM alert_deliveries WHERE alert_id = '{alert}'"
    return sorted((receiver.rpartition("-")[2], *rest) for receiver, *rest in rows(sql))


def acknowledge(clickhouse, alert, at_ms):
    with connect(clickhouse) as writer:
        sql = (
            "INSERT INTO alert_states SELECT {id:String}, fromUnixTimestamp64Milli({at:Int64}), 'acknowledged', 'w', ''"
        )
        writer.command(sql, {"id": alert, "at": at_ms})


def test_a_channel_that_is_down_loses_nothing_and_stops_nobody(client, hit, rows, route):
    hit("one", priority=1)
    hit("three", priority=3)
    now = [now_ms()]
    down, up = route("down"), route("up", priorities=(1, 2, 3))
    down.channel.down = True
    for notifier in notifiers(client, lambda: now[0], down, up):
        notifier.round()
    assert (down.channel.sent, up.channel.alerts) == ([], ["one", "three"])
    down.channel.down = False
    for _ in range(2):  # started anew: what was failed before is in the store alone
        for notifier in notifiers(client, lambda: now[0], down, up):
            notifier.round()
    assert (down.channel.alerts, up.channel.alerts) == (["one"], ["one", "three"])
    assert states(rows, "one") == [
        ("down", "alert", "done", 2),
        ("down", "alert", "failed", 1),
        ("down", "alert", "intent", 1),
        ("down", "alert", "intent", 2),
        ("up", "alert", "done", 1),
        ("up", "alert", "intent", 1),
    ]


def test_a_channel_that_is_down_rests(client, hit, route):
    hit(*(f"many-{n}" for n in range(6)), priority=1)
    now = [now_ms()]
    down = route("down")
    down.channel.down = True
    (notifier,) = notifiers(client, lambda: now[0], down)
    tries = []
    for _ in range(8):
        now[0] += 1_000
        before = down.channel.tries
        notifier.round()
        tries.append(down.channel.tries - before)
    assert tries == [3, 1, 0, 1, 0, 0, 0, 1]
    down.channel.down = False
    now[0] += MINUTE
    notifier.round()
    assert sorted(down.channel.alerts) == [f"many-{n}" for n in range(6)]


def test_a_new_channel_is_told_no_history(client, hit, route):
    hit("before")
    late = route("late", since=now_ms() + 1_000)
    (notifier,) = notifiers(client, now_ms, late)
    notifier.round()
    assert late.channel.alerts == []
    hit("before", post="2", stored_at=now_ms() + 2_000)
    notifier.round()
    assert late.channel.alerts == ["before"]  # it goes on: there is a post that came later


def test_one_that_hangs_holds_up_no_other(notifier_user, client, hit, route, monkeypatch):
    monkeypatch.setattr("pipelines.store.notify.service.BEHIND_S", 0.0)
    hit("hang", priority=1)
    stuck, well = route("stuck"), route("well")
    stuck.channel.hangs = threading.Event()
    dispatcher = Dispatcher(lambda: connect(notifier_user), [stuck, well], [])
    try:
        deadline = time.monotonic() + 20
        while well.channel.alerts != ["hang", "later"] and time.monotonic() < deadline:
            dispatcher.round(client)
            if well.channel.alerts == ["hang"]:
                hit("later", priority=1)
            time.sleep(0.02)
        assert (well.channel.alerts, stuck.channel.tries) == (["hang", "later"], 1)
        stuck.channel.hangs.set()
        while stuck.channel.alerts != ["hang", "later"] and time.monotonic() < deadline:
            dispatcher.round(client)
            time.sleep(0.02)
        dispatcher.round(client)
    finally:
        stuck.channel.hangs.set()
        dispatcher.close()
    assert stuck.channel.alerts == well.channel.alerts == ["hang", "later"]


def test_a_slow_channel_is_given_the_most_urgent_first_again(client, hit, route):
    hit(*(f"slow-{n}" for n in range(4)), priority=2)
    now = [now_ms()]
    slow = route("slow")
    accept = slow.channel.send

    def send(message):
        now[0] += 1_500
        return accept(message)

    slow.channel.send = send
    (notifier,) = notifiers(client, lambda: now[0], slow)
    assert notifier.round() == 2
    hit("slow-urgent", priority=1)
    notifier.round()
    assert slow.channel.alerts[:3] == ["slow-0", "slow-1", "slow-urgent"]


def test_looks(notifier_user, client, hit, route, monkeypatch):
    """What is new is found at once, what is late or was left over with the next look at everything."""
    looks = []
    due = Outbox.due

    def watched(self, wanted, from_ms=None):
        if wanted:
            looks.append("all" if from_ms is None else "new")
        return due(self, wanted, from_ms)

    def look():
        looks.clear()
        dispatcher.round(client)
        wait_until(lambda: dispatcher._lanes[0].idle)
        return looks[:]

    monkeypatch.setattr(Outbox, "due", watched)
    only = route("only")
    first = [1]

    def connection():
        if first and first.pop():
            raise StoreUnavailable("away")
        return connect(notifier_user)

    hit("looks-first")
    dispatcher = Dispatcher(connection, [only], [Escalation(only.receiver, 1, 0)])
    lane = dispatcher._lanes[0]
    try:
        assert (look(), only.channel.alerts) == (["all"], [])  # the thread could not connect, and lives
        lane.all_at = time.monotonic()
        assert look() == []  # behind: the next look comes after BEHIND_S
        lane.all_at -= 2
        assert (look(), only.channel.alerts) == (["all"], ["looks-first"])
        assert (look(), look()) == (["all"], ["new"])
        hit("looks-new")
        hit("looks-late", stored_at=now_ms() - 120_000)
        assert (look(), only.channel.alerts) == (["new"], ["looks-first", "looks-new"])
        assert look() == ["all"]  # it got on, so it is asked again at once
        assert only.channel.alerts == ["looks-first", "looks-new", "looks-late"]
        hit("looks-urgent", priority=1)
        lane.escalated_at -= 5
        look()
        events = [message.event for message in only.channel.sent if message.alert_id == "looks-urgent"]
        assert sorted(events) == ["alert", "escalation"]
    finally:
        dispatcher.close()


@pytest.mark.parametrize("named", [1_000, 2])
@pytest.mark.parametrize("seed", range(8))
def test_recent_posts_tell_all_that_is_newly_due(client, hit, seed, named, monkeypatch):
    """After all was told that was due, a look at recent posts finds what a look at everything finds."""
    monkeypatch.setattr("pipelines.store.notify.outbox.MOST_TOUCHED", named)
    chance, now = random.Random(seed), now_ms()
    mark = f"recent-{seed}-{named}"
    wanted = [Wanted(f"{mark}-{n}", one) for n, one in enumerate([(1, 2, 3, 4), (1,), (2, 3), (4,), ()])]
    outbox = Outbox(client, {f"{mark}-1": now - 300_000, f"{mark}-2": now + 500})

    def hits(count, stored_at):
        for _ in range(count):
            columns = {"priority": chance.randint(1, 4), "notify": int(chance.random() < 0.8), "stored_at": stored_at}
            hit(f"recent-{chance.randrange(10)}", post=str(chance.randrange(6)), **columns)

    hits(12, now - 600_000)
    hits(4, now - 200_000)
    for receiver, due in outbox.due(wanted).items():
        outbox.record(receiver, "file", "done", {one: one.idempotency_key for one in due}, "200")
    assert not any(outbox.due(wanted).values())
    hits(8, now + 1_000)
    assert outbox.due(wanted, now) == (whole := outbox.due(wanted))
    assert any(whole.values())
    for one in wanted:  # alone: what another has not heard of makes nothing a candidate
        assert outbox.due([one], now) == outbox.due([one])


def test_posts_of_what_was_told_cost_one_question(client, hit, monkeypatch):
    hit("told")
    outbox, plain = Outbox(client), Wanted("cost-plain")
    (due,) = outbox.due([plain], 0)["cost-plain"]
    outbox.record("cost-plain", "file", "done", {due: due.idempotency_key}, "200")
    hit("told", post="2")
    asked = []
    query = client.query
    monkeypatch.setattr(client, "query", lambda sql, *rest: asked.append(sql) or query(sql, *rest))
    assert (outbox.due([plain], 0), len(asked)) == ({"cost-plain": []}, 1)
    hit("told", post="3", priority=1)
    assert ([one.priority for one in outbox.due([plain], 0)["cost-plain"]], len(asked)) == ([1], 3)


def wait_until(what):
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_quiet_hours_end_in_the_morning(client, hit, route):
    for priority in (1, 2, 3):
        hit(f"night-{priority}", priority=priority)
    night = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=23, minute=0, second=0, microsecond=0)
    now = [int(night.timestamp() * 1000)]
    duty = route("duty", priorities=(1, 2, 3), quiet=QuietHours("22:00-07:00", 3))
    heard = []
    for hours in (0, 3, 7.9, 8):
        now[0] = int((night.timestamp() + hours * 3600) * 1000)
        notifiers(client, lambda: now[0], duty)[0].round()
        heard.append(len(duty.channel.sent))
    assert heard == [2, 2, 2, 3]
    assert duty.channel.alerts == ["night-1", "night-2", "night-3"]


def test_a_flood_is_folded_and_nothing_is_dropped(client, hit, rows, route):
    for priority in (1, 2):
        hit(*(f"flood-{n:02d}" for n in range(priority * 15 - 15, priority * 15)), priority=priority)
    now = [now_ms()]
    duty = route("duty", per_minute=6)
    (notifier,) = notifiers(client, lambda: now[0], duty)
    assert notifier.round() == 30
    last = duty.channel.sent[-1]
    assert duty.channel.alerts == ["flood-00", "flood-01"]
    assert (last.count, last.priorities) == (28, {1: 13, 2: 15})
    assert [message.alert_id for message in last.top] == [f"flood-{n:02d}" for n in range(2, 7)]
    done = f"WHERE status = 'done' AND receiver = '{duty.receiver}'"
    assert rows(f"SELECT uniqExact(alert_id), count() FROM alert_deliveries {done}") == [(30, 30)]
    hit("flood-30", "flood-31", priority=1)
    sizes = []
    for seconds in (1, 18, 1, 40):
        now[0] += seconds * 1_000
        sizes.append(notifier.round())
    assert sizes == [0, 0, 2, 0]  # 20 s after the burst the next message is allowed: it holds both
    fresh = Notifier(client, duty, clock=lambda: now[0])
    hit("flood-32", priority=1)
    assert fresh.round() == 0, "after a restart, what was sent in the last minute counts"


def test_a_digest_that_is_refused_is_due_again(client, hit, route):
    hit(*(f"refused-{n}" for n in range(5)), priority=1)
    now = [now_ms()]
    duty = route("duty", per_minute=2)
    duty.channel.down = True
    (notifier,) = notifiers(client, lambda: now[0], duty)
    assert notifier.round() == 0
    assert (notifier.round(), duty.channel.tries) == (0, 1)
    duty.channel.down = False
    now[0] += 2 * MINUTE
    assert notifier.round() == 5
    assert [message.count for message in duty.channel.sent] == [5]


def test_a_place_goes_only_where_it_may(client, hit, route):
    hit("placed", adcode="410103", place="河南省郑州市二七区某小区")
    hit("nowhere", adcode="", place="某村")
    open_, shut = route("open"), route("shut", places=False)
    for notifier in notifiers(client, now_ms, open_, shut):
        notifier.round()
    found = {message.alert_id: message.place for message in open_.channel.sent}
    assert found == {"placed": "河南省郑州市二七区某小区", "nowhere": "某村"}
    found = {message.alert_id: message.place for message in shut.channel.sent}
    assert found == {"placed": "河南省郑州市二七区", "nowhere": ""}


# name, priorities told, (minutes after its coming, what happens, alerts at the chief so far)
ESCALATIONS = [
    ("nobody answers", [(4, "", 0), (5, "", 1), (6, "", 1), (60, "restart", 1)]),
    ("answered in time", [(4, "", 0), (4, "answered", 0), (6, "", 0), (60, "restart", 0)]),
    ("answered late", [(5, "", 1), (6, "answered", 1), (60, "", 1)]),
    ("restarted between", [(4, "", 0), (4, "restart", 0), (5, "restart", 1), (6, "restart", 1)]),
    ("the chief is away", [(5, "down", 0), (6, "", 0), (8, "up", 1), (9, "", 1)]),
]


@pytest.mark.parametrize(("name", "steps"), ESCALATIONS)
def test_escalation(client, clickhouse, hit, rows, route, name, steps):
    alert = name.replace(" ", "-")
    came = now_ms()
    hit(alert, priority=1, stored_at=came)
    hit(f"{alert}-less", priority=2, stored_at=came)
    now = [came]
    duty, chief = route("duty"), route("chief", priorities=())
    rule = [Escalation(chief.receiver, 1, 5 * MINUTE, (1, 2))]
    both = notifiers(client, lambda: now[0], duty, chief)
    for minutes, happens, told in steps:
        now[0] = came + minutes * MINUTE
        if happens == "answered":
            acknowledge(clickhouse, alert, now[0])
        elif happens == "restart":
            both = notifiers(client, lambda: now[0], duty, chief)
        elif happens in ("down", "up"):
            chief.channel.down = happens == "down"
        for notifier in both:
            notifier.round(rule)
        assert len(chief.channel.sent) == told
    assert [(message.event, message.alert_id) for message in chief.channel.sent] == [("escalation", alert)] * told
    assert sorted(duty.channel.alerts) == [alert, f"{alert}-less"]
    done = [state for state in states(rows, alert) if state[2] == "done"]
    assert [state[:2] for state in done] == [("chief", "escalation")] * told + [("duty", "alert")]


def test_what_rises_after_it_was_answered_needs_another_answer(client, clickhouse, hit, route):
    came = now_ms()
    hit("rising", priority=2, stored_at=came)
    acknowledge(clickhouse, "rising", came + 1)
    hit("rising", post="2", priority=1, stored_at=came + MINUTE)
    chief = route("chief", priorities=())
    rule = [Escalation(chief.receiver, 1, 5 * MINUTE, (1, 2))]
    for minutes, told in ((5, 0), (6, 1)):
        notifiers(client, lambda at=minutes: came + at * MINUTE, chief)[0].round(rule)
        assert len(chief.channel.sent) == told


def test_an_alert_that_waits_for_the_morning_is_not_escalated_in_the_night(client, hit, route):
    night = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=23, minute=0, second=0, microsecond=0)
    came = int(night.timestamp() * 1000)
    hit("slept", priority=3, stored_at=came)
    chief = route("chief", priorities=())
    rule = [Escalation(chief.receiver, 3, 5 * MINUTE, (3,), QuietHours("22:00-07:00", 3))]
    heard = []
    for minutes in (6, 8 * 60, 8 * 60 + 5):
        notifiers(client, lambda at=minutes: came + at * MINUTE, chief)[0].round(rule)
        heard.append(len(chief.channel.sent))
    assert heard == [0, 0, 1]


def test_accepted_while_the_store_is_away_is_written_later_and_not_sent_again(client, hit, rows, route, monkeypatch):
    hit("away")
    duty = route("duty")
    (notifier,) = notifiers(client, now_ms, duty)
    record = Outbox.record

    def broken(self, receiver, channel, status, dues, detail):
        if status == "done":
            raise StoreUnavailable("away")
        record(self, receiver, channel, status, dues, detail)

    monkeypatch.setattr(Outbox, "record", broken)
    with pytest.raises(StoreUnavailable):
        notifier.round()
    monkeypatch.undo()
    notifier.round()
    assert duty.channel.tries == 1
    assert states(rows, "away") == [("duty", "alert", "done", 1), ("duty", "alert", "intent", 1)]
