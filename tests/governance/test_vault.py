"""Reveals, emergencies, reviews, holds and requests of persons, over a store that lives in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from governance.audit import Ledger, verify
from governance.classes import DAY_MS
from governance.crypto import Sealer
from governance.keys import ensure_keys, load_keys, rotate_master
from governance.roles import Grant, Person
from governance.seal import Seal, vault_context
from governance.tokens import Tokeniser
from governance.vault import (
    PII_VAULT,
    AccessRefused,
    PostFacts,
    RevealPolicy,
    SubjectRequests,
    Vault,
    VaultRow,
    load_policy,
    vault_rows,
)
from schemas import records
from schemas.errors import UsageError, YuqingError
from udfs.checks import sample_batch

NOW = 1_700_000_000_000
HOUR = 3_600_000
MOBILE, OTHER = "13812345678", "13900001111"


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class MemoryStore:
    """A VaultStore in memory; keeps every version, as the real table may, and notes when it was asked for rows."""

    posts: dict[tuple[str, str], PostFacts] = field(default_factory=dict)
    versions: list[tuple[int, VaultRow]] = field(default_factory=list)  # (stored_at, row)
    asked: list[str] = field(default_factory=list)
    phone_tokens: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def facts(self, post_id: str, platform: str | None = None) -> Sequence[PostFacts]:
        return [p for (on, one), p in self.posts.items() if one == post_id and platform in (None, on)]

    def newest(self) -> dict[tuple[str, str, int, str], tuple[int, VaultRow]]:
        best: dict[tuple[str, str, int, str], tuple[int, VaultRow]] = {}
        for stored_at, row in self.versions:
            key = (row.platform, row.post_id, row.start, row.type)
            if key not in best or row.version >= best[key][1].version:
                best[key] = (best[key][0] if key in best else stored_at, row)
        return best

    def rows(self, platform: str, post_id: str) -> Sequence[VaultRow]:
        self.asked.append(post_id)
        return [row for _, row in self.newest().values() if (row.platform, row.post_id) == (platform, post_id)]

    def with_token(self, tokens: Iterable[str]) -> Sequence[VaultRow]:
        wanted = set(tokens)
        return [row for _, row in self.newest().values() if row.token in wanted]

    def open_posts(self, region: str, limit: int) -> Sequence[PostFacts]:
        there = [
            p for p in self.posts.values() if p.state == "open" and any(code.startswith(region) for code in p.adcodes)
        ]
        return sorted(there, key=lambda p: p.priority)[:limit]

    def rows_in_region(self, region: str, since: int, until: int) -> Sequence[VaultRow]:
        return [
            row
            for stored_at, row in self.newest().values()
            if since <= stored_at <= until
            and any(code.startswith(region) for code in self.posts[row.platform, row.post_id].adcodes)
        ]

    def held(self, now: int) -> Sequence[VaultRow]:
        return [row for _, row in self.newest().values() if row.hold_until > now and row.ciphertext]

    def retoken(self, changes: Mapping[str, str], but: Iterable[tuple[str, str]] = ()) -> None:
        kept = set(but)
        for post, tokens in self.phone_tokens.items():
            if post not in kept:
                moved = [changes.get(token, token) for token in tokens]
                self.phone_tokens[post] = [token for token in moved if token]

    def forget_phones(self, platform: str, post_id: str) -> None:
        self.phone_tokens[platform, post_id] = []

    def put(self, rows: Sequence[VaultRow]) -> None:
        self.versions += [(NOW, row) for row in rows]

    def purge(self, rows: Sequence[VaultRow]) -> None:
        below = {(row.platform, row.post_id, row.start, row.type): row.version for row in rows}
        self.versions = [
            (at, r) for at, r in self.versions if r.version >= below.get((r.platform, r.post_id, r.start, r.type), 0)
        ]


def person(name: str, *roles: str) -> Person:
    return Person(name, tuple(Grant(role, "setup", 0) for role in roles))


RESCUER, SECOND = person("rita", "rescuer"), person("rob", "rescuer")
OPERATOR, CHIEF = person("olga", "operator"), person("carl", "operator")
ADMIN, AUDITOR = person("adam", "admin"), person("aud", "auditor")
NOBODY = person("nell", "viewer", "analyst")
BOTH = person("bo", "rescuer", "auditor")
LATE = Person("lara", (Grant("rescuer", "setup", 0, NOW),))


class Place:
    """A home with keys, a vault writer, and posts: p1..p9 in 410105, q1 in 330106, life (priority 1) nowhere."""

    def __init__(self, home: Path, policy: RevealPolicy | None = None) -> None:
        ensure_keys(home)
        self.home, self.clock, self.store = home, Clock(), MemoryStore()
        self.ledger = Ledger(home, "vault", self.clock, durable=False, seal_every_ms=None)
        keys = load_keys(home)
        self.sealer, self.tokeniser = Sealer(keys.master), Tokeniser(keys.token)
        self.vault = Vault(self.store, self.ledger, self.sealer, policy or RevealPolicy(), self.clock)
        self.requests = SubjectRequests(self.store, self.ledger, self.sealer, self.tokeniser, self.clock)
        for number in range(1, 10):
            self.add(f"p{number}", ("410105",), MOBILE if number < 4 else OTHER)
        self.add("q1", ("330106",), MOBILE)
        self.add("life", (), MOBILE, priority=1)

    def add(self, post_id: str, adcodes: tuple[str, ...], number: str, priority: int = 3, platform: str = "w") -> None:
        self.store.posts[platform, post_id] = PostFacts(platform, post_id, priority, "open", adcodes)
        for kind, start, value in (("CN_MOBILE", 5, number), ("PERSON", 0, "张三")):
            token = "" if kind == "PERSON" else self.tokeniser.token(kind, value)
            sealed = self.sealer.seal(value.encode(), vault_context(platform, post_id, kind, start))
            row = VaultRow(
                platform,
                post_id,
                start,
                start + len(value),
                kind,
                token,
                sealed,
                self.sealer.key_id,
                1,
                NOW + 30 * DAY_MS,
            )
            self.store.versions.append((NOW, row))
        self.store.phone_tokens[platform, post_id] = [self.tokeniser.token("CN_MOBILE", number)]

    def reveal(self, who: Person = RESCUER, post_id: str = "p1", **options: Any) -> list[str]:
        given = {"reason": "call back", "purpose": "rescue", **options}
        return [value.value for value in self.vault.reveal(who, post_id, **given).values]

    def actions(self) -> list[tuple[str, str]]:
        return [(entry.actor, entry.action) for entry in self.ledger.newest_first()][::-1]

    def emergency(self, region: str = "410100", hours: int = 6) -> str:
        return self.vault.emergencies.start(OPERATOR, region, hours, CHIEF, "flood").id


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_rescuer_reads_the_number_and_leaves_an_entry(place: Place) -> None:
    assert place.reveal() == ["张三", MOBILE]
    entry = next(place.ledger.newest_first())
    assert (entry.actor, entry.action, entry.subject) == ("rita", "reveal", "post w/p1")
    assert entry.detail["reason"] == "call back"
    assert entry.detail["purpose"] == "rescue"
    assert (entry.detail["regime"], entry.detail["review"]) == ("normal", False)
    assert verify(place.home).ok


def test_the_entry_is_written_before_anything_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place.ledger, "append", full)
    with pytest.raises(OSError, match="No space"):
        place.reveal()
    assert place.store.asked == []


def test_no_value_ever_stands_in_the_ledger(place: Place) -> None:
    place.reveal()
    place.requests.find(RESCUER, MOBILE, "asked in person")
    place.requests.correct(RESCUER, MOBILE, OTHER, "asked in person")
    written = (place.home / "audit" / "vault.jsonl").read_text(encoding="utf-8")
    assert MOBILE not in written
    assert OTHER not in written
    assert "张三" not in written
    assert MOBILE not in repr(place.vault.reveal(RESCUER, "p4", "call back", "rescue"))


REFUSALS = [
    # who, options, words
    (NOBODY, {}, "needs the role rescuer"),
    (OPERATOR, {}, "needs the role rescuer"),
    (ADMIN, {}, "needs the role rescuer"),
    (AUDITOR, {}, "needs the role rescuer"),
    (BOTH, {}, "who reveals cannot audit"),
    (LATE, {}, "ended at"),
    (RESCUER, {"reason": ""}, "needs a purpose and --reason"),
    (RESCUER, {"reason": " x "}, "needs a purpose and --reason"),
    (RESCUER, {"purpose": " "}, "needs a purpose and --reason"),
    (RESCUER, {"post_id": "p999"}, "no such post"),
    (NOBODY, {"post_id": "p999"}, "needs the role rescuer"),
    (RESCUER, {"platform": "other"}, "no such post"),
    (NOBODY, {"post_id": "life"}, "needs the role rescuer"),
]


@pytest.mark.parametrize(("who", "options", "words"), REFUSALS)
def test_a_refusal_says_why_opens_nothing_and_is_audited(
    place: Place, who: Person, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(AccessRefused, match=words):
        place.reveal(who, **options)
    entry = next(place.ledger.newest_first())
    assert (entry.actor, entry.action) == (who.name, "reveal.refused")
    assert words in str(entry.detail["why"])
    assert place.store.asked == []


def test_an_id_on_two_platforms_needs_the_platform(place: Place) -> None:
    place.add("p1", ("410105",), OTHER, platform="d")
    with pytest.raises(UsageError, match="exists on w, d: add --platform"):
        place.reveal()
    assert place.reveal(platform="d") == ["张三", OTHER]


def test_reveals_are_limited_per_person_and_hour(tmp_path: Path) -> None:
    place = Place(tmp_path, RevealPolicy(reveals_per_hour=3))
    for number in (1, 2, 3):
        place.reveal(post_id=f"p{number}")
        place.clock.now += 60_000
    with pytest.raises(AccessRefused, match="3 posts within an hour, the policy allows 3: wait 58 minutes"):
        place.reveal(post_id="p4")
    place.reveal(SECOND, "p4")  # another person's count
    assert place.reveal(post_id="life") == ["张三", MOBILE]  # a life at risk is not delayed
    place.clock.now = NOW + HOUR + 1
    place.reveal(post_id="p4")
    with pytest.raises(AccessRefused, match="wait"):
        place.reveal(post_id="p5")


def test_the_limit_holds_across_processes(tmp_path: Path) -> None:
    place = Place(tmp_path, RevealPolicy(reveals_per_hour=1))
    place.reveal()
    again = Ledger(tmp_path, "vault", place.clock, durable=False, seal_every_ms=None)
    other = Vault(place.store, again, place.sealer, RevealPolicy(reveals_per_hour=1), place.clock)
    with pytest.raises(AccessRefused, match="wait"):
        other.reveal(RESCUER, "p2", "call back", "rescue")


SECOND_PERSON = [
    # rule, in an emergency, approver, post, allowed
    ("never", False, None, "p1", True),
    ("outside_emergency", False, None, "p1", False),
    ("outside_emergency", False, SECOND, "p1", True),
    ("outside_emergency", False, OPERATOR, "p1", True),
    ("outside_emergency", False, RESCUER, "p1", False),
    ("outside_emergency", False, NOBODY, "p1", False),
    ("outside_emergency", False, LATE, "p1", False),
    ("outside_emergency", True, None, "p1", True),
    ("outside_emergency", True, None, "q1", False),
    ("outside_emergency", False, None, "life", True),
    ("always", True, None, "p1", False),
    ("always", True, SECOND, "p1", True),
    ("always", False, None, "life", True),
]


@pytest.mark.parametrize(("rule", "emergency", "approver", "post_id", "allowed"), SECOND_PERSON)
def test_a_second_person(
    tmp_path: Path, rule: str, emergency: bool, approver: Person | None, post_id: str, allowed: bool
) -> None:
    place = Place(tmp_path, RevealPolicy(second_person=rule))
    if emergency:
        place.emergency()
    if allowed:
        assert place.reveal(post_id=post_id, approved_by=approver)
        counted = approver.name if approver and rule != "never" else None
        assert next(place.ledger.newest_first()).detail["approved_by"] == counted
    else:
        with pytest.raises(AccessRefused):
            place.reveal(post_id=post_id, approved_by=approver)


def test_a_life_at_risk_is_reviewed_afterwards_by_someone_else(tmp_path: Path) -> None:
    place = Place(tmp_path, RevealPolicy(reveals_per_hour=0, second_person="always"))
    place.reveal(post_id="life")
    (pending,) = place.vault.pending_reviews()
    assert (pending.detail["review"], pending.detail["regime"]) == (True, "priority-1")
    assert "the policy allows 0" in str(pending.detail["passed"])
    for who, words in ((SECOND, "auditor"), (ADMIN, "auditor"), (person("rita", "auditor"), "another person")):
        with pytest.raises(AccessRefused, match=words):
            place.vault.review(who, pending.id, True, "she was called within a minute")
        assert place.actions()[-1] == (who.name, "reveal.review.refused")
    with pytest.raises(AccessRefused, match="auditor"):
        place.vault.reviews(SECOND)
    with pytest.raises(UsageError, match="note"):
        place.vault.review(AUDITOR, pending.id, True, " x ")
    assert place.vault.reviews(AUDITOR) == [pending]
    assert place.actions()[-1] == ("aud", "review.list")
    place.vault.review(AUDITOR, pending.id, True, "she was called within a minute")
    assert place.vault.pending_reviews() == []
    with pytest.raises(UsageError, match="no reveal that waits"):
        place.vault.review(AUDITOR, pending.id, False, "once more")


def test_an_emergency_lifts_the_limit_in_its_region_and_ends_by_itself(tmp_path: Path) -> None:
    place = Place(tmp_path, RevealPolicy(reveals_per_hour=0))
    with pytest.raises(AccessRefused):
        place.reveal()
    session = place.emergency(hours=6)
    place.reveal()
    assert next(place.ledger.newest_first()).detail["emergency"] == session
    with pytest.raises(AccessRefused):
        place.reveal(post_id="q1")
    place.clock.now += 6 * HOUR - 1
    place.reveal()
    place.clock.now += 1
    with pytest.raises(AccessRefused):
        place.reveal()


STARTS: list[tuple[Person, Person, str, int, type[YuqingError], str]] = [
    (RESCUER, CHIEF, "410100", 6, AccessRefused, "operator"),
    (NOBODY, CHIEF, "410100", 6, AccessRefused, "operator"),
    (OPERATOR, OPERATOR, "410100", 6, AccessRefused, "another person"),
    (OPERATOR, RESCUER, "410100", 6, AccessRefused, "admin or operator"),
    (OPERATOR, CHIEF, "410100", 0, UsageError, "1 to 72"),
    (OPERATOR, CHIEF, "410100", 73, UsageError, "1 to 72"),
    (OPERATOR, CHIEF, "郑州", 6, UsageError, "adcode"),
    (OPERATOR, CHIEF, "4", 6, UsageError, "adcode"),
    (OPERATOR, CHIEF, "", 6, UsageError, "adcode"),
    (OPERATOR, CHIEF, "41010", 6, UsageError, "adcode"),
    (OPERATOR, CHIEF, "000000", 6, UsageError, "adcode"),
]


@pytest.mark.parametrize(("who", "approver", "region", "hours", "error", "words"), STARTS)
def test_an_emergency_that_does_not_start(
    place: Place, who: Person, approver: Person, region: str, hours: int, error: type[YuqingError], words: str
) -> None:
    with pytest.raises(error, match=words):
        place.vault.emergencies.start(who, region, hours, approver, "flood")
    assert place.vault.emergencies.active() == []
    assert place.actions() == ([(who.name, "emergency.refused")] if error is AccessRefused else [])


@pytest.mark.parametrize(
    ("region", "prefix", "covers_p1"),
    [("410000", "41", True), ("410100", "4101", True), ("410105", "410105", True), ("41", "41", True),
     ("330000", "33", False), ("410103", "410103", False)],
)  # fmt: skip
def test_the_region_of_an_emergency(place: Place, region: str, prefix: str, covers_p1: bool) -> None:
    session = place.vault.emergencies.start(OPERATOR, region, 1, ADMIN, "flood")
    assert session.region == prefix
    assert bool(place.vault.emergencies.active(("410105",))) is covers_p1


def test_batch_reveal_opens_each_open_call_of_the_region_once_and_audits_each(place: Place) -> None:
    place.add("urgent", ("410122",), OTHER, priority=1)
    place.store.posts["w", "p9"] = replace(place.store.posts["w", "p9"], state="closed")
    session = place.emergency()
    revealed = list(place.vault.reveal_region(RESCUER, session, "call back", "rescue"))
    assert [one.post.post_id for one in revealed] == ["urgent", *(f"p{n}" for n in range(1, 9))]
    assert place.actions()[1:] == [("rita", "reveal")] * 9
    assert {one.entry.detail["regime"] for one in revealed} == {"emergency"}


def test_batch_reveal_opens_no_more_than_is_taken(place: Place) -> None:
    calls = place.vault.reveal_region(RESCUER, place.emergency(), "call back", "rescue")
    next(calls)
    next(calls)
    assert place.actions().count(("rita", "reveal")) == 2
    place.clock.now += 6 * HOUR
    assert list(calls) == []


@pytest.mark.parametrize(
    ("who", "session", "reason", "words"),
    [
        (NOBODY, None, "call back", "rescuer"),
        (OPERATOR, None, "call back", "rescuer"),
        (RESCUER, "vault/99", "call back", "running emergency"),
        (RESCUER, None, "", "reason"),
    ],
)
def test_batch_reveals_that_are_refused(
    place: Place, who: Person, session: str | None, reason: str, words: str
) -> None:
    running = place.emergency()
    with pytest.raises(AccessRefused, match=words):
        next(place.vault.reveal_region(who, session or running, reason, "rescue"))
    assert place.actions()[-1] == (who.name, "reveal.refused")
    assert place.store.asked == []


def test_the_batch_has_a_limit_and_a_grant_may_end_within_it(tmp_path: Path) -> None:
    place = Place(tmp_path, RevealPolicy(emergency_batch=4))
    session = place.emergency()
    assert len(list(place.vault.reveal_region(RESCUER, session, "call back", "rescue"))) == 4
    assert len(list(place.vault.reveal_region(RESCUER, session, "call back", "rescue", limit=2))) == 2
    assert len(list(place.vault.reveal_region(RESCUER, session, "call back", "rescue", limit=99))) == 4
    shift = Person("sue", (Grant("rescuer", "setup", 0, NOW + HOUR),))
    calls = place.vault.reveal_region(shift, session, "call back", "rescue")
    next(calls)
    place.clock.now += HOUR
    with pytest.raises(AccessRefused, match="ended at"):
        next(calls)


def ends(place: Place) -> dict[str, int]:
    return {post_id: max(row.expires_at for row in place.store.rows("w", post_id)) for post_id in ("p1", "p2", "q1")}


@pytest.mark.parametrize("by_itself", [False, True])
def test_after_an_emergency_its_region_s_values_expire_unless_held(place: Place, by_itself: bool) -> None:
    session = place.emergency(hours=6)
    assert place.vault.holds.hold(AUDITOR, "p2", 60, "court order 7").values == 2
    if by_itself:
        place.clock.now += 20 * HOUR
        assert place.vault.emergencies.close_lapsed() == 1
        assert place.vault.emergencies.close_lapsed() == 0
        ended = NOW + 6 * HOUR
    else:
        place.clock.now += HOUR
        assert place.vault.emergencies.end(OPERATOR, session, "water is falling") == 18
        ended = NOW + HOUR
    assert ends(place) == {"p1": ended + 7 * DAY_MS, "p2": ended + 7 * DAY_MS, "q1": NOW + 30 * DAY_MS}
    place.clock.now = ended + 7 * DAY_MS
    assert place.reveal(post_id="p1") == []
    assert place.reveal(post_id="p2") == ["张三", MOBILE]
    assert place.reveal(post_id="q1") == ["张三", MOBILE]
    place.clock.now = NOW + 60 * DAY_MS
    assert place.reveal(post_id="p2") == []


def test_ending_an_emergency_needs_the_right_and_a_running_one(place: Place) -> None:
    session = place.emergency()
    with pytest.raises(AccessRefused, match="auditor or operator"):
        place.vault.emergencies.end(RESCUER, session, "x")
    place.vault.emergencies.end(AUDITOR, session, "abuse")
    with pytest.raises(UsageError, match="no emergency"):
        place.vault.emergencies.end(OPERATOR, session, "again")
    assert place.vault.emergencies.active() == []


HOLDS: list[tuple[Person, str, int, str, type[YuqingError], str]] = [
    (RESCUER, "p1", 10, "court order 7", AccessRefused, "auditor"),
    (ADMIN, "p1", 10, "court order 7", AccessRefused, "auditor"),
    (BOTH, "p1", 10, "court order 7", AccessRefused, "cannot audit"),
    (RESCUER, "nobody-posted-this", 10, "court order 7", AccessRefused, "auditor"),
    (AUDITOR, "p1", 0, "court order 7", UsageError, "1 to 365"),
    (AUDITOR, "p1", 366, "court order 7", UsageError, "1 to 365"),
    (AUDITOR, "p1", 10, " x ", UsageError, "--reason"),
    (AUDITOR, "nobody-posted-this", 10, "court order 7", UsageError, "no post"),
    (AUDITOR, "p1", 10, "court order 7", UsageError, "holds nothing"),
]


@pytest.mark.parametrize(("who", "post_id", "days", "reason", "error", "words"), HOLDS)
def test_holds_that_are_refused(
    place: Place, who: Person, post_id: str, days: int, reason: str, error: type[YuqingError], words: str
) -> None:
    if words == "holds nothing":
        place.requests.delete_post(RESCUER, "w", "p1", "request 13")
    before = len(place.actions())
    with pytest.raises(error, match=words):
        place.vault.holds.hold(who, post_id, days, reason)
    refused = [(who.name, "hold.set.refused")] if error is AccessRefused else []
    assert place.actions()[before:] == refused
    assert place.vault.holds.active(AUDITOR) == []


def test_a_hold_is_listed_with_its_reason_until_it_is_lifted_or_ends(place: Place) -> None:
    holds = place.vault.holds
    first = holds.hold(AUDITOR, "p2", 60, "court order 7")
    assert (first.until, first.values) == (NOW + 60 * DAY_MS, 2)
    place.clock.now += 5
    longer = holds.hold(AUDITOR, "p2", 90, "court order 8")
    assert holds.hold(AUDITOR, "q1", 10, "court order 9").post_id == "q1"
    listed = holds.active(AUDITOR)
    assert [(one.post_id, one.until, one.values) for one in listed] == [
        ("q1", NOW + 5 + 10 * DAY_MS, 2),
        ("p2", longer.until, 2),
    ]
    assert [one.entry.detail["reason"] for one in listed if one.entry] == ["court order 9", "court order 8"]
    for who in (RESCUER, ADMIN, OPERATOR):
        with pytest.raises(AccessRefused, match="auditor"):
            holds.lift(who, "p2", "order withdrawn")
        with pytest.raises(AccessRefused, match="auditor"):
            holds.active(who)
        assert place.actions()[-2:] == [(who.name, "hold.lift.refused"), (who.name, "hold.list.refused")]
    place.clock.now = NOW + 40 * DAY_MS  # past the values' own end, and that of q1's hold
    assert place.reveal(post_id="p2") == ["张三", MOBILE]
    assert holds.lift(AUDITOR, "p2", "order withdrawn") == 2
    assert next(place.ledger.newest_first()).detail == {"reason": "order withdrawn", "values": 2, "expired": 2}
    assert holds.active(AUDITOR) == []
    assert place.actions()[-1] == ("aud", "hold.list")
    assert place.reveal(post_id="p2") == []
    with pytest.raises(UsageError, match="no hold"):
        holds.lift(AUDITOR, "p2", "order withdrawn")


def test_a_hold_that_no_entry_knows_is_shown_as_such(place: Place) -> None:
    place.store.put([row.held(NOW + DAY_MS) for row in place.store.rows("w", "p3")])
    (hold,) = place.vault.holds.active(AUDITOR)
    assert (hold.post_id, hold.entry) == ("p3", None)


def test_a_hold_names_the_platform_where_two_have_the_id(place: Place) -> None:
    place.add("p1", ("410105",), OTHER, platform="d")
    with pytest.raises(UsageError, match="exists on w, d: add --platform"):
        place.vault.holds.hold(AUDITOR, "p1", 10, "court order 7")
    assert place.vault.holds.hold(AUDITOR, "p1", 10, "court order 7", "d").platform == "d"


def test_a_number_is_found_in_any_spelling_and_by_nothing_else(place: Place) -> None:
    for spelling in (MOBILE, "+86 138-1234-5678", "一三八一二三四五六七八"):
        held = place.requests.find(RESCUER, spelling, "asked in person")
        assert sorted(one.post_id for one in held) == ["life", "p1", "p2", "p3", "q1"]
    assert place.requests.find(RESCUER, MOBILE, "asked in person", kind="BANK_CARD") == []
    for kind in ("PERSON", "AUTHOR", "USERNAME", "ADDRESS"):
        with pytest.raises(UsageError, match="nobody is looked for"):
            place.requests.find(RESCUER, "张三", "asked in person", kind=kind)


def test_a_deleted_number_is_gone_but_for_holds(place: Place) -> None:
    place.vault.holds.hold(AUDITOR, "p2", 10, "court order 7")
    outcome = place.requests.delete(RESCUER, MOBILE, "request 12 of 3 May")
    assert (outcome.changed, outcome.held, outcome.posts) == (4, 1, ("w/life", "w/p1", "w/p3", "w/q1"))
    assert place.reveal(post_id="p1") == ["张三"]
    assert place.reveal(post_id="p2") == ["张三", MOBILE]
    assert place.reveal(post_id="p5") == ["张三", OTHER]
    assert [a for _, a in place.actions()][1:3] == ["subject.delete", "subject.delete.done"]
    counted = {post_id for (_, post_id), tokens in place.store.phone_tokens.items() if tokens}
    assert counted == {"p2", *(f"p{n}" for n in range(4, 10))}


def test_a_whole_post_is_deleted_by_its_id(place: Place) -> None:
    place.vault.holds.hold(AUDITOR, "p2", 10, "court order 7")
    for post_id, changed, held in (("p1", 2, 0), ("p2", 0, 2), ("nobody-posted-this", 0, 0)):
        outcome = place.requests.delete_post(RESCUER, "w", post_id, "request 13")
        assert (outcome.changed, outcome.held) == (changed, held)
    assert place.reveal(post_id="p1") == []
    assert [bool(place.store.phone_tokens["w", one]) for one in ("p1", "p2", "p3")] == [False, True, True]
    with pytest.raises(AccessRefused, match="rescuer"):
        place.requests.delete_post(ADMIN, "w", "p3", "request 13")
    assert place.reveal(post_id="p3") == ["张三", MOBILE]


def test_a_corrected_number_is_sealed_anew_and_found_under_its_new_token(place: Place) -> None:
    rotate_master(place.home)
    keys = load_keys(place.home)
    sealer = Sealer(keys.master)
    requests = SubjectRequests(place.store, place.ledger, sealer, place.tokeniser, place.clock)
    place.vault.holds.hold(AUDITOR, "p3", 10, "court order 7")
    right, wrong = (place.tokeniser.token("CN_MOBILE", one) for one in ("13700000000", MOBILE))
    outcome = requests.correct(RESCUER, MOBILE, "137-0000-0000", "typing error")
    assert (outcome.changed, outcome.held) == (4, 1)
    held, corrected = [(post_id, place.store.phone_tokens["w", post_id]) for post_id in ("p3", "p1")]
    assert (held, corrected) == (("p3", [wrong]), ("p1", [right]))
    # what was sealed wrongly is on the disk no more
    assert not any(row.token == wrong for _, row in place.store.versions if row.post_id == "p1")
    vault = Vault(place.store, place.ledger, sealer, RevealPolicy(), place.clock)
    assert [v.value for v in vault.reveal(RESCUER, "p1", "call back", "rescue").values] == ["张三", "137-0000-0000"]
    assert [one.post_id for one in requests.find(RESCUER, MOBILE, "check")] == ["p3"]
    assert len(requests.find(RESCUER, "137 0000 0000", "check")) == 4
    assert {row.key_id for row in place.store.rows("w", "p1")} == {key.id for key in keys.master}


@pytest.mark.parametrize(("right", "words"), [("unknown", "says nothing"), ("+86 " + MOBILE, "is the same number")])
def test_a_correction_that_corrects_nothing(place: Place, right: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        place.requests.correct(RESCUER, MOBILE, right, "typing error")
    assert place.reveal() == ["张三", MOBILE]
    assert len(place.requests.find(RESCUER, MOBILE, "check")) == 5


def test_a_replay_undoes_no_decision(place: Place) -> None:
    stream = [row for _, row in place.store.versions]
    place.requests.delete(RESCUER, MOBILE, "request 12 of 3 May")
    place.requests.correct(RESCUER, OTHER, "13700000000", "typing error")
    place.vault.holds.hold(AUDITOR, "p5", 10, "court order 7")
    erased = {row.post_id for _, row in place.store.versions if not row.ciphertext}
    assert erased == {"p1", "p2", "p3", "q1", "life"}
    assert not any(r.ciphertext for _, r in place.store.versions if r.post_id in erased and r.type == "CN_MOBILE")
    place.store.put([replace(row, version=row.version + (1 << 59)) for row in stream])
    assert place.reveal(post_id="p1") == ["张三"]
    assert place.reveal(post_id="p4") == ["张三", "13700000000"]
    assert {row.hold_until for row in place.store.rows("w", "p5")} == {NOW + 10 * DAY_MS}
    assert place.requests.find(RESCUER, MOBILE, "check") == []


@pytest.mark.parametrize("call", ["find", "delete", "correct"])
@pytest.mark.parametrize("who", [NOBODY, OPERATOR, ADMIN, AUDITOR, BOTH])
def test_requests_need_the_role_and_refusals_are_audited(place: Place, call: str, who: Person) -> None:
    more = (OTHER,) if call == "correct" else ()
    with pytest.raises(AccessRefused):
        getattr(place.requests, call)(who, MOBILE, *more, "asked in person")
    assert place.actions() == [(who.name, f"subject.{call}.refused")]
    assert place.reveal() == ["张三", MOBILE]


@pytest.mark.parametrize(
    ("number", "reason", "words"),
    [("", "asked in person", "empty"), ("电话", "asked", "empty"), (MOBILE, "", "reason")],
)
def test_requests_need_a_number_and_a_reason(place: Place, number: str, reason: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        place.requests.find(RESCUER, number, reason, kind="CN_MOBILE")


def test_a_lost_key_is_said_and_audited(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Sealer(ensure_keys(tmp_path / "other").master)
    vault = Vault(place.store, place.ledger, stranger, RevealPolicy(), place.clock)
    with pytest.raises(YuqingError, match=f"master key {place.sealer.key_id}, which is not loaded"):
        vault.reveal(RESCUER, "p1", "call back", "rescue")
    assert [action for _, action in place.actions()] == ["reveal", "reveal.failed"]


def test_one_altered_value_does_not_hide_the_others(place: Place) -> None:
    row = next(row for row in place.store.rows("w", "p1") if row.type == "CN_MOBILE")
    place.store.put([replace(row, ciphertext=row.ciphertext[:-1] + bytes([row.ciphertext[-1] ^ 1]), version=2)])
    revealed = place.vault.reveal(RESCUER, "p1", "call back", "rescue")
    assert ([value.value for value in revealed.values], revealed.failed) == (["张三"], 1)


CONTACT_CASES = [
    ({}, False),
    ({"needs": [{"need": "rescue", "score": 0.9}]}, True),
    ({"needs": [{"need": "offer", "score": 0.9}]}, True),
    ({"hazards": ["flood_rising"]}, True),
    ({"keywords": [{"rule": "r", "category": "c", "term": "t", "critical": True}]}, True),
    ({"keywords": [{"rule": "r", "category": "c", "term": "t", "critical": False}]}, False),
]


@pytest.mark.parametrize(("columns", "kept"), CONTACT_CASES)
def test_urls_and_authors_are_kept_only_of_posts_that_ask_offer_or_warn(
    tmp_path: Path, columns: dict[str, Any], kept: bool
) -> None:
    ensure_keys(tmp_path)
    step = Seal(tmp_path)
    step.open()
    found = [{"type": "CN_MOBILE", "start": 0, "end": 11, "value": MOBILE}]
    given = {name: [value] for name, value in columns.items()}
    batch = step.apply(sample_batch(["x"], {"url": ["https://a.example/1"], "identifiers": [found], **given}))
    rows = vault_rows(batch, NOW)
    assert rows.schema == PII_VAULT
    assert rows.column("type").to_pylist() == ["CN_MOBILE", *(["URL_FIELD"] if kept else [])]
    assert set(rows.column("expires_at").to_pylist()) == {NOW + 30 * DAY_MS}
    first = VaultRow(**rows.slice(0, 1).to_pylist()[0])
    assert Sealer(load_keys(tmp_path).master).open(first.ciphertext, first.context).decode() == MOBILE
    assert set(vault_rows(batch, NOW, ttl=3).column("expires_at").to_pylist()) == {NOW + 3 * DAY_MS}
    with pytest.raises(UsageError, match="at most 30 days"):
        vault_rows(batch, NOW, ttl=31)


def test_vault_rows_keep_each_post_s_values_with_their_post(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    step = Seal(tmp_path)
    step.open()
    found = [[{"type": "CN_MOBILE", "start": n, "end": n + 11, "value": MOBILE}] * n for n in (0, 2, 0, 1, 3)]
    given = {"identifiers": found, "author": [None] * 5, "updated_at": [1, 2, 3, 4, None]}
    rows = vault_rows(step.apply(sample_batch(list("abcde"), given)), NOW).to_pylist()
    assert [(row["post_id"], row["start"], row["version"]) for row in rows] == [
        *[("sample-1", 2, 2)] * 2,
        ("sample-3", 1, 4),
        *[("sample-4", 3, NOW)] * 3,
    ]
    batch = step.apply(sample_batch(["x"], {"author": [None]}))
    assert vault_rows(batch, NOW).num_rows == vault_rows(batch.slice(0, 0), NOW).num_rows == 0
    assert vault_rows(step.apply(sample_batch(list("abcde"), given)).slice(3, 1), NOW).column("start").to_pylist() == [
        1
    ]
    bare = records.without_columns(batch, ["needs", "hazards", "keywords", "updated_at"])
    assert vault_rows(bare, NOW).num_rows == 0


POLICIES = [
    ("", RevealPolicy()),
    ("reveals_per_hour: 5\nsecond_person: always\n", RevealPolicy(reveals_per_hour=5, second_person="always")),
    ("reveals_per_hour: -1", "reveals_per_hour is -1; a whole number from 0"),
    ("reveals_per_hour: true", "whole number"),
    ("reveals_per_hour: '5'", "whole number"),
    ("second_person: sometimes", "one of never, outside_emergency, always"),
    ("expire_days_after_emergency: 31", "from 0 to 30"),
    ("reveals_per_day: 5", "unknown key 'reveals_per_day'"),
    ("- 5", "must be a list of"),
    ("a: [", "cannot be read: line "),
    ("reveals_per_hour: 5\nreveals_per_hour: 500\n", "line 2: key 'reveals_per_hour' is written twice"),
    ("reveals_per_hour: 5\nhold_max_days: 2021-02-30\n", "line 2: a value cannot be read as timestamp"),
]


@pytest.mark.parametrize(("text", "result"), POLICIES)
def test_policy_files(tmp_path: Path, text: str, result: RevealPolicy | str) -> None:
    path = tmp_path / "reveal.yaml"
    path.write_text(text)
    if isinstance(result, str):
        with pytest.raises(UsageError, match=result):
            load_policy(path)
    else:
        assert load_policy(path) == result
    assert load_policy(None) == RevealPolicy()
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(tmp_path / "missing.yaml")
