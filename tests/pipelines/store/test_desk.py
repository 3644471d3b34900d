"""What officers do about episodes, on the real store: the state machine, who was first, merges, splits, calls back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from pipelines.store.client import StoreSettings, connect
from pipelines.store.desk import TRANSITIONS, Act, Conflict, Desk, state_after
from pipelines.store.desk_reading import STATES, DeskReader, Event, Post, case, division
from pipelines.store.sinks import StorePosts
from schemas.errors import UsageError
from udfs.episodes.fold import split_id

NOW = 1_790_000_000_000
PLATFORM = "desk"


class Clock:
    """A second a look, so that events have an order."""

    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        self.ms += 1_000
        return self.ms


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def found(client: Client, *rows: dict[str, Any]) -> None:
    """Facts as the follower writes them."""
    standard = {
        "version": 1, "kind": "help", "place": "河南省郑州市巩义市某镇某村", "level": "village", "adcode": "410181",
        "lat": 34.7, "lon": 113.0, "radius_m": 900, "needs": ["rescue"], "people": 5, "vulnerable": ["elderly"],
        "priority": 1, "callers": 2, "relays": 3, "posts": 5, "first_at": moment(NOW - 3_600_000),
        "last_at": moment(NOW - 60_000), "last_posted_at": moment(NOW), "proposed": "",
        "proposed_by": ("", ""), "proposed_at": moment(0), "rank": 10.0, "evidence": [],
    }  # fmt: skip
    values = [standard | row for row in rows]
    names = list(values[0])
    client.insert("episode_facts", [[row[name] for name in names] for row in values], column_names=names)


def holds(client: Client, episode: str, *posts: str, caller: str = "", version: int = 1) -> None:
    rows = [[PLATFORM, post, episode, "call", caller, moment(NOW), version] for post in posts]
    names = ["platform", "post_id", "episode_id", "role", "caller_token", "at", "version"]
    client.insert("episode_posts", rows, column_names=names)


def nothing(_: Event) -> None:
    """A ledger that nobody reads."""


@pytest.fixture(scope="module")
def client(clickhouse: StoreSettings) -> Iterator[Client]:
    with connect(clickhouse) as client:
        yield client


@pytest.fixture
def desk(client: Client, tmp_path: Path) -> Desk:
    return Desk(client, tmp_path / "episodes.lock", Clock())


@pytest.fixture
def do(desk: Desk) -> Callable[..., Event]:
    def act(action: str, episode: str, who: str = "ann", **more: Any) -> Event:
        return desk.act(Act(action, episode, who, **more), nothing)

    return act


# state, then what each action makes of it; what is not named is refused
MACHINE = {
    "unverified": {"verify": "verified", "close": "closed"},
    "verified": {"dispatch": "dispatched", "close": "closed"},
    "dispatched": {"arrive": "arrived", "close": "closed"},
    "arrived": {"close": "closed"},
    "closed": {"reopen": "verified"},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", TRANSITIONS)
def test_the_state_machine(state: str, action: str) -> None:
    act = Act(action, "an-episode-with-a-long-id", "ann")
    if action in MACHINE[state]:
        assert state_after(act, state) == MACHINE[state][action]
        return
    only = ", ".join(MACHINE[state])
    with pytest.raises(
        UsageError, match=f"episode an-episode-w is {state}: {action} is not allowed there, only {only}"
    ):
        state_after(act, state)


@pytest.mark.parametrize("state", STATES)
def test_another_unit_takes_over_only_where_one_was_sent(state: str) -> None:
    act = Act("dispatch", "x", "ann", again=True)
    if state in ("verified", "dispatched", "arrived"):
        assert state_after(act, state) == "dispatched"
    else:
        with pytest.raises(UsageError, match="dispatch is not allowed"):
            state_after(act, state)


@pytest.mark.services
def test_from_the_first_call_to_the_end(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(client, {"episode_id": "way"})
    assert desk.episode("way")["state"] == "unverified"
    for action in ("verify", "dispatch", "arrive", "close", "reopen"):
        event = do(action, "way", unit="boats" if action == "dispatch" else "")
        assert desk.episode("way")["state"] == event.state == TRANSITIONS[action][1]
    with pytest.raises(UsageError, match=r"is verified \(reopen by ann at 2026-09-.* UTC\): arrive"):
        do("arrive", "way")


@pytest.mark.services
def test_what_an_episode_remembers(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(client, {"episode_id": "memory"})
    verified = do("verify", "memory", "ann", note="phoned the village")
    do("dispatch", "memory", "bob", unit="3rd company", deadline=NOW + 3_600_000)
    row = desk.episode("memory")
    assert (row["state"], row["owner"], row["verified_by"]) == ("dispatched", "3rd company", "ann")
    shown = case(row)
    assert (shown.deadline, shown.verified_at) == (NOW + 3_600_000, verified.at)
    with pytest.raises(UsageError, match=r"dispatched \(dispatch 3rd company by bob at .* --again sends another unit"):
        do("dispatch", "memory", "cyd", unit="boats")
    do("dispatch", "memory", "cyd", unit="boats", again=True)
    assert desk.episode("memory")["owner"] == "boats"
    events = desk.events(["memory"])
    assert [(event.actor, event.action, event.state, event.unit) for event in events] == [
        ("ann", "verify", "verified", ""), ("bob", "dispatch", "dispatched", "3rd company"),
        ("cyd", "dispatch", "dispatched", "boats"),
    ]  # fmt: skip
    assert events[0].note == "phoned the village"
    assert desk.events(["memory"], events[1].at, events[2].at) == [events[1]]


@pytest.mark.services
def test_an_event_that_comes_twice_counts_once(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(client, {"episode_id": "twice"})
    event = do("called", "twice", note="nobody answered")
    desk._write([event])
    assert desk.events(["twice"]) == [event]
    assert desk.episode("twice")["calls"] == 1


@pytest.mark.services
def test_nothing_happens_that_cannot_be_written_down(client: Client, desk: Desk) -> None:
    found(client, {"episode_id": "ledger"})

    def full(_: Event) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        desk.act(Act("verify", "ledger", "ann"), full)
    assert desk.events(["ledger"]) == []


@pytest.mark.services
def test_whoever_saw_something_else_is_told(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(client, {"episode_id": "seen"})
    first = do("verify", "seen", "ann", seen="")
    with pytest.raises(UsageError, match="changed since you looked: verify by ann"):
        do("close", "seen", "bob", seen="")
    do("note", "seen", "bob", note="x", seen=first.event_id[:8])
    with pytest.raises(UsageError, match="changed since you looked: note by bob"):
        do("close", "seen", "cyd", seen=first.event_id)


@pytest.mark.services
def test_of_two_officers_at_once_one_is_first(client: Client, clickhouse: StoreSettings, tmp_path: Path) -> None:
    found(client, {"episode_id": "race"})
    Desk(client, tmp_path / "lock", Clock()).act(Act("verify", "race", "ann"), nothing)
    outcome: list[str] = []
    together = threading.Barrier(4)

    def officer(name: str) -> None:
        with connect(clickhouse) as own:
            desk = Desk(own, tmp_path / "lock", Clock())
            together.wait(30)
            try:
                desk.act(Act("dispatch", "race", name, unit=name), nothing)
                outcome.append("first")
            except UsageError as error:
                outcome.append(str(error))

    officers = [threading.Thread(target=officer, args=(f"officer{n}",)) for n in range(4)]
    for one in officers:
        one.start()
    for one in officers:
        one.join(60)
    assert outcome.count("first") == 1
    reader = DeskReader(client)
    (sent,) = [event for event in reader.events(["race"]) if event.action == "dispatch"]
    assert all(word == "first" or f"dispatch {sent.unit} by {sent.actor}" in word for word in outcome)


@pytest.mark.services
def test_another_home_s_act_at_the_same_moment_is_told(client: Client, desk: Desk, tmp_path: Path) -> None:
    found(client, {"episode_id": "homes"})
    elsewhere = Desk(client, tmp_path / "other.lock", Clock())

    def meanwhile(_: Event) -> None:
        elsewhere.act(Act("close", "homes", "bob"), nothing)

    with pytest.raises(Conflict, match=r"your verify stands, and so does .*close by bob"):
        desk.act(Act("verify", "homes", "ann"), meanwhile)


@pytest.mark.services
def test_an_event_is_later_than_the_one_it_followed(client: Client, desk: Desk, tmp_path: Path) -> None:
    found(client, {"episode_id": "clocks"})
    desk.act(Act("verify", "clocks", "ann"), nothing)
    slow = Desk(client, tmp_path / "episodes.lock", lambda: NOW - 3_600_000)
    slow.act(Act("dispatch", "clocks", "bob", unit="boats"), nothing)
    assert slow.episode("clocks")["state"] == "dispatched"


@pytest.mark.services
def test_merges(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(client, *({"episode_id": f"merge-{n}", "adcode": "999901"} for n in range(4)))
    do("merge", "merge-0", other="merge-1")
    assert [row["episode_id"] for row in desk.find(adcode="999901")] == ["merge-1", "merge-2", "merge-3"]
    do("close", "merge-3")
    wrong = [
        ({"episode": "merge-0", "action": "verify"}, "was merged into merge-1"),
        ({"episode": "merge-0", "action": "merge", "other": "merge-2"}, "was merged into merge-1"),
        ({"episode": "merge-1", "action": "merge", "other": "merge-0"}, "itself merged into merge-1"),
        ({"episode": "merge-2", "action": "merge", "other": "merge-2"}, "into itself"),
        ({"episode": "merge-2", "action": "merge", "other": "merge-3"}, "is closed"),
        ({"episode": "merge-2", "action": "merge", "other": "nowhere"}, "no episode 'nowhere'"),
    ]
    for arguments, words in wrong:
        with pytest.raises(UsageError, match=words):
            do(**arguments)
    do("note", "merge-0", note="still to be told")


@pytest.mark.services
def test_splits(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(client, {"episode_id": "split"}, {"episode_id": "split-other"})
    holds(client, "split", "s1", "s2", "s3")
    holds(client, "split-other", "s4")
    s1, s2, s3, s4 = (Post(PLATFORM, f"s{n}") for n in (1, 2, 3, 4))
    for posts, words in (
        ((s1, s4), "not of episode split: desk/s4"),
        ((s1, s2, s3), "all posts"),
        ((), "none was named"),
    ):
        with pytest.raises(UsageError, match=words):
            do("split", "split", posts=posts)
    do("split", "split", posts=(s1, s2))
    assert desk.events(["split"])[0].posts == (s1, s2)


@pytest.mark.services
def test_a_proposal_is_turned_down_once(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    proposal = {"proposed": "closed", "proposed_by": (PLATFORM, "p9"), "proposed_at": moment(NOW)}
    found(client, {"episode_id": "proposal", **proposal}, {"episode_id": "no-proposal"})
    assert case(desk.episode("proposal")).proposed_by == "desk/p9"
    do("reject", "proposal")
    assert (desk.episode("proposal")["proposed"], desk.episode("proposal")["state"]) == ("", "unverified")
    for one in ("proposal", "no-proposal"):
        with pytest.raises(UsageError, match="no post proposes"):
            do("reject", one)


def store(make_posts: Any, settings: StoreSettings, ids: Sequence[str], tokens: Sequence[list[str]]) -> None:
    sink = StorePosts(settings)
    sink.open()
    columns = {"id": list(ids), "platform": [PLATFORM] * len(ids), "phone_tokens": list(tokens)}
    sink.apply(
        make_posts(["被困，电话<CN_MOBILE>"] * len(ids), text_l2=[f"<PLACE>被困 {one}" for one in ids], **columns)
    )
    sink.close()


@pytest.mark.services
def test_call_before_phoning_again(
    client: Client, clickhouse: StoreSettings, desk: Desk, do: Callable[..., Event], make_posts: Any
) -> None:
    """A number is phoned once, though it stands in several episodes: after a split, say."""
    ids = ["c-one", "c-same-number", "c-other", "c-merged"]
    found(client, *({"episode_id": one} for one in ids))
    store(make_posts, clickhouse, ["c1", "c2", "c3", "c4"], [["tel-1"], ["tel-1", "tel-2"], ["tel-3"], []])
    for one, post, token in zip(ids, ["c1", "c2", "c3", "c4"], ["tel-1", "tel-1", "tel-3", "poster"], strict=True):
        holds(client, one, post, caller=token)
    holds(client, "c-same-number", "c5")
    assert desk.numbers(ids) == {"c-one": 1, "c-same-number": 2, "c-other": 1}
    first = do("called", "c-one", "ann", note="was answered")
    assert desk.calls_back("c-same-number") == [first]
    for one in ("c-one", "c-same-number"):
        with pytest.raises(UsageError, match=r"has phoned already .called by ann .* --again"):
            do("called", one, "bob")
    do("called", "c-same-number", "bob", again=True)
    assert [event.actor for event in desk.calls_back("c-one")] == ["ann", "bob"]
    do("called", "c-other", "cyd")
    do("called", "c-merged", "dan")
    do("merge", "c-merged", other="c-other")
    assert [event.actor for event in desk.calls_back("c-other")] == ["cyd", "dan"]
    # what the follower makes of a split: the number has left the episode in which it was phoned
    apart = split_id(do("split", "c-same-number", posts=(Post(PLATFORM, "c2"),)).event_id)
    found(client, {"episode_id": apart})
    holds(client, apart, "c2", caller="tel-2", version=2)
    assert [event.actor for event in desk.calls_back(apart)] == ["ann", "bob"]


@pytest.mark.services
def test_evidence_is_masked_text_in_the_order_of_the_facts(
    client: Client, clickhouse: StoreSettings, desk: Desk, make_posts: Any
) -> None:
    evidence = [(PLATFORM, "e2"), (PLATFORM, "gone"), (PLATFORM, "e1")]
    offers = [(PLATFORM, "e1", 2.5), (PLATFORM, "gone", 7.0)]
    found(client, {"episode_id": "evidence", "evidence": evidence, "offers": offers})
    holds(client, "evidence", "e1", "e2", "gone")
    store(make_posts, clickhouse, ["e1", "e2"], [[], []])
    shown = [(post["post_id"], post["role"], post["text"]) for post in desk.evidence("evidence")]
    assert shown == [("e2", "call", "<PLACE>被困 e2"), ("gone", "call", ""), ("e1", "call", "<PLACE>被困 e1")]
    assert [post["created_at"] is None for post in desk.evidence("evidence")] == [False, True, False]
    assert [(post["post_id"], post["km"], post["text"]) for post in desk.offers("evidence")] == [
        ("e1", 2.5, "<PLACE>被困 e1"), ("gone", 7.0, ""),
    ]  # fmt: skip


@pytest.mark.services
def test_the_list(client: Client, desk: Desk, do: Callable[..., Event]) -> None:
    found(
        client,
        {"episode_id": "list-low", "adcode": "888801", "rank": 1.0},
        {"episode_id": "list-high", "adcode": "888801", "rank": 9.0, "kind": "hazard"},
        {"episode_id": "list-shut", "adcode": "888802", "rank": 5.0},
        {"episode_id": "list-away", "adcode": "887701", "rank": 7.0},
    )
    do("verify", "list-low")
    do("dispatch", "list-low", unit="boats")
    do("close", "list-shut")

    def listed(**how: Any) -> list[str]:
        return [row["episode_id"].removeprefix("list-") for row in desk.find(**how)]

    assert listed(adcode="888800") == ["high", "low"]
    assert listed(adcode="880000") == ["high", "away", "low"]
    assert listed(adcode="888801", limit=1) == ["high"]
    assert listed(adcode="888800", states=STATES) == ["high", "shut", "low"]
    assert listed(adcode="880000", kind="help") == ["away", "low"]
    assert listed(adcode="880000", unit="boats") == ["low"]
    with pytest.raises(UsageError, match="six digits"):
        division("郑州")


@pytest.mark.services
def test_ids_by_their_beginning(client: Client, desk: Desk) -> None:
    found(client, {"episode_id": "ab12ff"}, {"episode_id": "ab12"}, {"episode_id": "cd34ee"})
    assert [desk.full_id(start) for start in ("ab12", "ab12f", "cd")] == ["ab12", "ab12ff", "cd34ee"]
    for start, why in (("ab", "more than one"), ("zz9", "there is none"), ("", "there is none")):
        with pytest.raises(UsageError, match=why):
            desk.full_id(start)


@pytest.mark.services
def test_words_of_a_shift_stand_beside_its_episodes(client: Client, desk: Desk) -> None:
    found(client, {"episode_id": "shift-1"}, {"episode_id": "shift-2"})
    counted: list[int] = []
    assert desk.hand_over(["shift-1", "shift-2"], "ann", "boats come at nine", counted.append) == 2
    assert counted == [2]
    assert [(event.action, event.note) for event in desk.events(["shift-2"])] == [("handover", "boats come at nine")]
    assert desk.episode("shift-1")["state"] == "unverified"


@pytest.mark.services
def test_times_are_utc_wherever_the_machine_stands(
    client: Client, desk: Desk, do: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(client, {"episode_id": "zone"})
    try:
        monkeypatch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        event = do("dispatch", "zone", unit="boats", deadline=NOW + 60_000) if do("verify", "zone") else None
        shown = case(desk.episode("zone"))
        assert (shown.last_at, shown.deadline) == (NOW - 60_000, NOW + 60_000)
        assert desk.events(["zone"])[-1] == event
    finally:
        monkeypatch.undo()
        time.tzset()
