"""The vault's store on the real server: the newest version counts, deleted is gone, a region is a region."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from governance.classes import DAY_MS
from governance.crypto import Sealer
from governance.keys import Key
from governance.seal import VAULT
from governance.vault.rows import GOVERNED, PostFacts, VaultRow
from pipelines.store.client import StoreSettings, connect
from pipelines.store.settle import Settle
from pipelines.store.sinks import StorePosts, StoreVault, now_ms
from pipelines.store.vault import KEYS_A_REQUEST, ClickHouseVault
from schemas import records
from schemas.errors import StoreUnavailable

pytestmark = pytest.mark.services

MOBILE = {"type": "CN_MOBILE", "start": 3, "end": 14, "token": "t1", "ciphertext": b"\x00\xff\x80", "key_id": "k"}
PERSON = MOBILE | {"type": "PERSON", "start": 20, "end": 22, "token": "", "ciphertext": b"\x01"}
NEEDS = [{"need": "rescue", "score": 0.9}]
PLACE = {"name": "", "level": "county", "adcode": "", "lat": 34.5, "lon": 113.5, "radius_m": 9, "start": 0, "end": 2}


@pytest.fixture
def vault(clickhouse):
    with ClickHouseVault(clickhouse) as store:
        yield store


@pytest.fixture
def store_posts(clickhouse, make_posts):
    """Store posts as the job does; ``values`` a list of vault values a post, ``adcodes`` one a post."""

    def store(platform, ids, values, adcodes=None, generation=0, **columns):
        places = [[PLACE | {"adcode": code}] if code else [] for code in adcodes or [None] * len(ids)]
        columns = {"needs": [NEEDS] * len(ids), "priority": [2] * len(ids), "places": places} | columns
        batch = make_posts(["-"] * len(ids), platform=[platform] * len(ids), id=ids, **columns)
        batch = records.with_columns(batch, VAULT, {"vault": values})
        for sink in (StoreVault(clickhouse, generation), StorePosts(clickhouse, generation)):
            sink.open()
            sink.apply(batch)
            sink.close()

    return store


@pytest.fixture
def physical(rows):
    """Rows on the disk for a platform, merged or not: (post_id, type, version)."""
    sql = "SELECT post_id, type, version FROM pii_vault WHERE platform = '{}' ORDER BY post_id, start, version"
    return lambda platform: rows(sql.format(platform))


def test_facts(vault, store_posts):
    store_posts("vault-facts-a", ["vault-x"], [[]], ["410103"], priority=[1], state=["partial"])
    store_posts("vault-facts-b", ["vault-x"], [[]], priority=[4])
    first = PostFacts("vault-facts-a", "vault-x", 1, "partial", ("410103",))
    second = PostFacts("vault-facts-b", "vault-x", 4, "open", ())
    assert vault.facts("vault-x") == [first, second]
    assert vault.facts("vault-x", "vault-facts-b") == [second]
    assert vault.facts("vault-x", "vault-facts-c") == []
    assert vault.facts("vault-x' OR '1' = '1") == []


def test_rows_come_back_as_they_were_sealed(vault, store_posts):
    before = now_ms()
    store_posts("vault-rows", ["1", "2"], [[PERSON, MOBILE], []], updated_at=[5, 5])
    mobile, person = vault.rows("vault-rows", "1")
    assert before + 30 * DAY_MS <= mobile.expires_at <= now_ms() + 30 * DAY_MS
    expected = VaultRow("vault-rows", "1", 3, 14, "CN_MOBILE", "t1", b"\x00\xff\x80", "k", 5 << 16, mobile.expires_at)
    assert mobile == expected
    assert (person.type, person.ciphertext) == ("PERSON", b"\x01")
    assert vault.rows("vault-rows", "2") == []


@pytest.mark.parametrize("merged", [False, True])
def test_a_decision_outlasts_redelivery_and_replay(vault, store_posts, clickhouse, merged):
    platform = f"vault-decision-{merged}"
    store_posts(platform, ["1"], [[MOBILE]])
    held = [row.held(now_ms() + 60 * DAY_MS) for row in vault.rows(platform, "1")]
    vault.put(held)
    for generation in (0, 7):
        store_posts(platform, ["1"], [[MOBILE | {"ciphertext": b"again"}]], generation=generation)
    if merged:
        with connect(clickhouse) as client:
            client.command("OPTIMIZE TABLE pii_vault FINAL")
    assert vault.rows(platform, "1") == held
    assert held[0].version == GOVERNED + 1


def test_with_token_sees_newest_versions_only(vault, store_posts):
    platform = "vault-token"
    tokens = ["tok-a", "tok-a", "tok-b", ""]
    store_posts(platform, list("1234"), [[MOBILE | {"token": token}] for token in tokens])
    assert [row.post_id for row in vault.with_token(["tok-a"])] == ["1", "2"]
    assert [row.post_id for row in vault.with_token(["tok-b", "tok-a", "tok-c"])] == ["1", "2", "3"]
    assert vault.with_token([""]) == []  # names and addresses have none: nobody is found by it
    assert vault.with_token([]) == []
    (first,) = vault.rows(platform, "1")
    vault.put([replace(first, token="tok-c", version=first.next_version)])
    assert [row.post_id for row in vault.with_token(["tok-a"])] == ["2"]
    assert [row.post_id for row in vault.with_token(["tok-c"])] == ["1"]


def test_deletion_removes_every_older_version_and_no_other_row(vault, store_posts, physical):
    platform = "vault-purge"
    count = KEYS_A_REQUEST + 5
    ids = [f"{number:04}" for number in range(count)]
    store_posts(platform, ids, [[MOBILE, PERSON]] * count)
    store_posts(platform, ids[:3], [[MOBILE, PERSON]] * 3, generation=1)
    mobiles = [row for post_id in ids[1:] for row in vault.rows(platform, post_id) if row.type == "CN_MOBILE"]
    erased = [row.erased() for row in mobiles]
    vault.put(erased)
    vault.purge(erased)
    left = physical(platform)
    assert [row for row in left if row[1] == "CN_MOBILE" and row[0] != ids[0]] == [
        (post_id, "CN_MOBILE", GOVERNED + 1) for post_id in ids[1:]
    ]
    assert {row[0] for row in left if row[1] == "PERSON"} == set(ids)
    assert [row.ciphertext for row in vault.rows(platform, ids[0])] == [b"\x00\xff\x80", b"\x01"]
    store_posts(platform, ids[1:2], [[MOBILE]], generation=2)
    assert not vault.rows(platform, ids[1])[0].alive(now_ms())


def test_what_is_erased_outlives_every_row_that_a_replay_may_write(vault, store_posts):
    platform = "vault-erased"
    store_posts(platform, ["1"], [[MOBILE]])
    (row,) = vault.rows(platform, "1")
    vault.put([row.erased()])
    (erased,) = vault.rows(platform, "1")
    assert erased.expires_at > row.expires_at + 100 * DAY_MS
    assert (erased.ciphertext, erased.token) == (b"", "")
    assert not erased.alive(now_ms())


def test_a_nearer_end_leaves_no_older_version_to_outlive_it(vault, store_posts, physical, clickhouse):
    platform = "vault-end"
    store_posts(platform, ["1", "2"], [[MOBILE], [MOBILE]])
    ended = [row.expiring(now_ms() - DAY_MS) for row in vault.rows(platform, "1")]
    vault.put(ended)
    assert all(version > GOVERNED for post_id, _, version in physical(platform) if post_id == "1")
    with connect(clickhouse) as client:
        client.command("OPTIMIZE TABLE pii_vault FINAL")
    # TTL has taken the ended row; nothing comes to light from under it
    assert [row[0] for row in physical(platform)] == ["2"]
    assert vault.rows(platform, "1") == []


def test_a_hold_rewrites_nothing(vault, store_posts, physical):
    platform = "vault-hold"
    store_posts(platform, ["1"], [[MOBILE]])
    vault.put([row.held(now_ms() + 90 * DAY_MS) for row in vault.rows(platform, "1")])
    assert [row[2] for row in physical(platform)][-1] == GOVERNED + 1
    vault.put([])
    vault.purge([])


# region, which of the posts below, most urgent first
REGIONS = [
    ("99", ["life", "p2", "no-phone", "partial"]),
    ("9901", ["life", "p2", "no-phone", "partial"]),
    ("990102", ["life", "p2", "partial"]),
    ("9902", []),
]
CALLS = [
    # id, adcode, priority, state, needs, phone tokens, values
    ("p2", "990102", 2, "open", NEEDS, ["ph1"], [MOBILE]),
    ("copy", "990102", 3, "open", NEEDS, ["ph1"], [MOBILE]),
    ("life", "990102", 1, "open", NEEDS, ["ph3", "ph2"], [MOBILE]),
    ("life-copy", "990102", 1, "open", NEEDS, ["ph2", "ph3"], [MOBILE]),
    ("partial", "990102", 3, "partial", NEEDS, ["ph4"], [MOBILE]),
    ("no-phone", "990103", 2, "open", NEEDS, [], [PERSON]),
    ("closed", "990102", 1, "closed", NEEDS, ["ph5"], [MOBILE]),
    ("unclear", "990102", 1, "unclear", NEEDS, ["ph6"], [MOBILE]),
    ("no-call", "990102", 4, "open", [], ["ph7"], [MOBILE]),
    ("nothing-held", "990102", 1, "open", NEEDS, [], []),
    ("elsewhere", "980102", 1, "open", NEEDS, ["ph8"], [MOBILE]),
    ("nowhere", None, 1, "open", NEEDS, ["ph9"], [MOBILE]),
]


@pytest.fixture(scope="module")
def region_posts():
    """Whether the calls of this file are stored already: they are the same for every case."""
    return []


@pytest.mark.parametrize(("region", "expected"), REGIONS)
def test_open_posts(vault, store_posts, region_posts, region, expected):
    if not region_posts:
        ids, adcodes, priority, state, needs, tokens, values = map(list, zip(*CALLS, strict=True))
        newest_first = [2_000_000_000_000 - number for number in range(len(ids))]
        columns = {"priority": priority, "state": state, "needs": needs, "phone_tokens": tokens}
        store_posts("vault-region", ids, values, adcodes, created_at=newest_first, **columns)
        region_posts.append(True)
    assert [post.post_id for post in vault.open_posts(region, 100)] == expected
    assert [post.post_id for post in vault.open_posts(region, 2)] == expected[:2]


def test_rows_in_region_are_those_stored_in_between(vault, store_posts):
    platform, before = "vault-between", now_ms()
    ids, adcodes = ["in", "other", "nowhere"], ["970102", "960102", None]
    store_posts(platform, ids, [[MOBILE, PERSON]] * 3, adcodes)
    after = now_ms()
    assert [(row.post_id, row.type) for row in vault.rows_in_region("9701", before, after)] == [
        ("in", "CN_MOBILE"),
        ("in", "PERSON"),
    ]
    assert vault.rows_in_region("9701", 0, before - 1) == []
    assert vault.rows_in_region("9701", after + 1, after + DAY_MS) == []


def test_tokens_of_numbers_follow_what_was_decided(vault, store_posts, rows):
    platform = "vault-retoken"
    tokens = [["f1", "f2"], ["f2"], ["f3"], ["f2", "f4"], ["f2"]]
    store_posts(platform, list("12345"), [[]] * 5, phone_tokens=tokens)
    vault.retoken({"f2": "f1", "f4": ""}, [(platform, "5"), ("elsewhere", "1")])
    sql = f"SELECT post_id, phone_tokens FROM posts FINAL WHERE platform = '{platform}' ORDER BY post_id"
    assert rows(sql) == [("1", ["f1"]), ("2", ["f1"]), ("3", ["f3"]), ("4", ["f1"]), ("5", ["f2"])]
    vault.retoken({"f1": ""})
    assert rows(sql) == [("1", []), ("2", []), ("3", ["f3"]), ("4", []), ("5", ["f2"])]
    vault.forget_phones(platform, "3")
    assert rows(sql)[2:] == [("3", []), ("4", []), ("5", ["f2"])]
    vault.retoken({})
    vault.retoken({"": "f9"})
    assert len(rows(sql)) == 5


def test_holds_are_what_the_newest_versions_say(vault, store_posts, monkeypatch):
    platform = "vault-holds"
    store_posts(platform, ["1", "2", "3"], [[MOBILE, PERSON]] * 3)
    until = now_ms() + 60 * DAY_MS
    for post_id in ("1", "2"):
        vault.put([row.held(until) for row in vault.rows(platform, post_id)])
    monkeypatch.setattr(vault, "_delete_below", lambda *_: None)  # killed before the held version is removed
    vault.put([row.released() for row in vault.rows(platform, "2")])

    def held(now):
        return [(row.post_id, row.type) for row in vault.held(now) if row.platform == platform]

    assert held(now_ms()) == [("1", "CN_MOBILE"), ("1", "PERSON")]
    assert held(until) == []
    assert [row.hold_until for row in vault.rows(platform, "2")] == [0, 0]


def test_what_is_held_is_found_when_its_post_is_gone(vault, store_posts, clickhouse):
    platform = "vault-outlives"
    store_posts(platform, ["held-1", "free-1"], [[MOBILE]] * 2)
    vault.put([row.held(now_ms() + 300 * DAY_MS) for row in vault.rows(platform, "held-1")])
    with connect(clickhouse) as client:
        client.command(f"ALTER TABLE posts DELETE WHERE platform = '{platform}'", settings={"mutations_sync": 2})
    assert vault.facts("held-1") == [PostFacts(platform, "held-1", 4, "unclear")]
    assert vault.facts("held-1", "elsewhere") == []
    assert vault.facts("free-1") == []


def test_what_each_key_opens_is_counted(vault, store_posts, clickhouse):
    platform = "vault-keys"
    store_posts(platform, ["1", "2"], [[MOBILE | {"key_id": "counted"}, PERSON | {"key_id": "other"}]] * 2)
    erased = [row.erased() for row in vault.rows(platform, "1") if row.type == "CN_MOBILE"]
    vault.put(erased)
    key = Key(b"counted by this test".ljust(32))  # other tests of this store have posts under their own keys
    with connect(clickhouse) as client:
        for offset, raw in ((1, Sealer([key]).seal(b"{", b"x")), (2, Sealer([key]).seal(b"}", b"y")), (3, b"")):
            row = ["vault-keys", "0", offset, "parse", "-", raw, "-", "opinion"]
            names = ["source", "partition", "offset", "step", "reason", "raw", "sha256", "job"]
            client.insert("dead_letters", [row], column_names=names)
    counts = vault.key_counts()
    assert counts["counted"] == (1, 0)
    assert counts[key.id] == (0, 2)
    assert "" not in counts


def test_a_replay_settles_phone_tokens_by_what_was_decided(vault, store_posts, clickhouse, make_posts):
    platform = "vault-settle"
    other = MOBILE | {"start": 30, "end": 41, "token": "t2"}
    ids, values = ["erased", "corrected", "held", "free", "none"], [[MOBILE, PERSON, other]] * 4 + [[]]
    store_posts(platform, ids, values)
    first = {post_id: vault.rows(platform, post_id)[0] for post_id in ids[:4]}
    corrected = replace(first["corrected"], token="t9", version=first["corrected"].next_version)
    vault.put([first["erased"].erased(), corrected, first["held"].held(now_ms() + DAY_MS)])
    tokens = [["t1", "t2"]] * 4 + [[]]
    batch = make_posts(["-"] * 5, id=ids, platform=[platform] * 5, phone_tokens=tokens)
    batch = records.with_columns(batch, VAULT, {"vault": values})
    step = pickle.loads(pickle.dumps(Settle(clickhouse)))
    step.open()
    settled = step.apply(batch)
    one_by_one = [step.apply(batch.slice(row, 1)).column("phone_tokens").to_pylist()[0] for row in range(5)]
    assert settled.column("phone_tokens").to_pylist() == one_by_one == [["t2"], ["t9", "t2"], *tokens[2:]]
    assert records.without_columns(settled, ["phone_tokens"]) == records.without_columns(batch, ["phone_tokens"])
    elsewhere = make_posts(["-"], id=["erased"], platform=["other"], phone_tokens=[["t1"]])
    elsewhere = records.with_columns(elsewhere, VAULT, {"vault": [[MOBILE]]})
    assert step.apply(elsewhere) is elsewhere
    assert step.apply(batch.slice(0, 0)).num_rows == 0
    step.close()
    step.close()


def test_a_store_that_is_down_says_so_and_names_no_post():
    with ClickHouseVault(StoreSettings("http://127.0.0.1:9", "yuqing", "x")) as vault:
        with pytest.raises(StoreUnavailable) as raised:
            vault.rows("weibo", "secret-post")
        assert "secret-post" not in str(raised.value)
