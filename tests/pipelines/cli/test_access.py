"""Governed commands as rescuer, operator and auditor type them, on a real store."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml

from governance.keys import ensure_keys, load_keys
from governance.seal import Seal
from governance.tokens import Tokeniser
from pipelines.cli import asking
from pipelines.services import control
from pipelines.store.client import connect
from pipelines.store.settle import Settle
from pipelines.store.sinks import StorePosts, StoreVault
from schemas import records
from tests.conftest import Home
from tests.pipelines.cli.conftest import Typed
from udfs.checks import sample_batch

pytestmark = pytest.mark.services

MOBILE, NAME = "13812345678", "张晓梅"
NOTICE = b"no duties are separated"
REASON = ("--reason", "call back")
PLACE = {"name": "", "level": "county", "adcode": "410103", "lat": 34.7, "lon": 113.6, "radius_m": 9, "start": 0}


def store_posts(
    home: Path, platform: str, posts: dict[str, str], generation: int = 0, **columns: Sequence[Any]
) -> None:
    """Posts through the step `seal` and the job's own sinks: id -> its mobile number. With a generation: a replay."""
    count = len(posts)
    found = [
        [
            {"type": "PERSON", "start": 0, "end": 3, "value": NAME},
            {"type": "CN_MOBILE", "start": 4, "end": 15, "value": number},
        ]
        for number in posts.values()
    ]
    given: dict[str, Sequence[Any]] = {
        "id": list(posts),
        "platform": [platform] * count,
        "identifiers": found,
        "author": [None] * count,
        "needs": [[{"need": "rescue", "score": 0.9}]] * count,
        "places": [[PLACE | {"end": 2}]] * count,
        "priority": [2] * count,
    }
    batch = sample_batch(["-"] * count, given | columns)
    store = control.connection(home)
    rendered = {"text": ["<PERSON> <CN_MOBILE>"] * count, "text_l2": ["-"] * count, "pii": batch.column("pii")}
    again = [Settle(store)] if generation else []
    for step in (Seal(home), *again, StoreVault(store, generation), StorePosts(store, generation)):
        step.open()
        batch = step.apply(batch)
        step.close()
        if isinstance(step, Seal):
            batch = records.with_columns(batch, records.RENDERED, rendered)


@contextmanager
def policy(home: Path, text: str) -> Iterator[None]:
    """Another reveal policy for a while."""
    path = home / "reveal-policy.yaml"
    before = path.read_text() if path.exists() else ""
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)


@pytest.fixture(scope="module")
def posts(home: Home) -> Iterator[Home]:
    home.empty()
    store_posts(home.path, "weibo", {"p1": MOBILE, "p2": "13900001111", "both": MOBILE})
    store_posts(home.path, "wechat", {"both": MOBILE})
    with policy(home.path, "reveals_per_hour: 10000\n"):  # these tests reveal more than a person may within an hour
        yield Typed(home.path)


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let commands believe that it is so many hours later than it is; the store keeps its own time."""
    now = time.time_ns

    def later(count: float) -> None:
        monkeypatch.setattr(asking, "time", SimpleNamespace(time_ns=lambda: now() + round(count * 3600e9)))

    return later


def values(stdout: bytes) -> list[tuple[str, str]]:
    return [(row["type"], row["value"]) for row in map(json.loads, stdout.splitlines())]


def entries(home: Path, writer: str = "vault") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "audit" / f"{writer}.jsonl").read_bytes().splitlines()]


def test_reveal_gives_the_plain_number_and_leaves_an_entry(posts: Home, home: Home) -> None:
    done = home.run("reveal", "p1", *REASON)  # once as a process of its own
    assert values(done.stdout) == [("PERSON", NAME), ("CN_MOBILE", MOBILE)]
    assert done.stderr.count(NOTICE) == 1
    entry = entries(posts.path)[-1]
    assert (entry["actor"], entry["action"], entry["subject"]) == (getpass.getuser(), "reveal", "post weibo/p1")
    assert entry["detail"]["reason"] == "call back"
    entry_id = re.search(rb"audit entry (vault/\d+)", done.stderr)
    assert entry_id
    shown = json.loads(posts.run("audit", "show", entry_id[1].decode()).stdout)
    assert shown == {"id": entry_id[1].decode()} | entry


# arguments, exit code, words on stderr, action of the audit entry (None: none, since nothing was asked yet)
REFUSALS = [
    (("reveal", "p1"), 1, b"--reason", "reveal.refused"),
    (("reveal", "p1", "--reason", "  x "), 1, b"--reason", "reveal.refused"),
    (("reveal", "p1", "--purpose", "", *REASON), 1, b"purpose", "reveal.refused"),
    (("reveal", "nobody-posted-this", *REASON), 1, b"no such post", "reveal.refused"),
    (("reveal", "both", *REASON), 2, b"--platform", None),
    (("reveal", *REASON), 2, b"post_id", None),
]


@pytest.mark.parametrize(("arguments", "code", "words", "action"), REFUSALS)
def test_refusals_are_audited(
    posts: Home, arguments: tuple[str, ...], code: int, words: bytes, action: str | None
) -> None:
    posts.run("reveal", "p2", *REASON)
    before = len(entries(posts.path))
    done = posts.run(*arguments, code=code)
    assert done.stdout == b""
    assert words.lower() in done.stderr.lower()
    assert b"Traceback" not in done.stderr
    assert [entry["action"] for entry in entries(posts.path)[before:]] == ([action] if action else [])


def test_the_platform_decides_between_two_posts_of_one_id(posts: Home) -> None:
    done = posts.run("reveal", "both", "--platform", "wechat", *REASON)
    assert ("CN_MOBILE", MOBILE) in values(done.stdout)
    assert entries(posts.path)[-1]["subject"] == "post wechat/both"


def test_the_policy_of_the_home_limits_reveals(posts: Home) -> None:
    with policy(posts.path, "reveals_per_hour: 0\n"):
        done = posts.run("reveal", "p1", *REASON, code=1)
        assert b"the policy allows 0" in done.stderr
        assert done.stdout == b""
        store_posts(posts.path, "weibo", {"life": MOBILE}, priority=[1])
        life = posts.run("reveal", "life", *REASON)
        assert ("CN_MOBILE", MOBILE) in values(life.stdout)
        assert b"will be reviewed" in life.stderr


def altered(ledger: bytes, how: str) -> bytes:
    lines = ledger.splitlines(keepends=True)
    if how == "a byte":
        at = ledger.index(b"call back")
        return ledger[:at] + b"C" + ledger[at + 1 :]
    return b"".join({"removed": lines[1:], "moved": [lines[1], lines[0], *lines[2:]], "cut off": lines[:-1]}[how])


@pytest.mark.parametrize("how", ["a byte", "removed", "moved", "cut off"])
def test_verify_passes_and_fails_once_the_ledger_is_altered(posts: Home, tmp_path: Path, how: str) -> None:
    posts.run("reveal", "p1", *REASON)
    copy = Typed(tmp_path)
    for folder in ("audit", "keys"):
        shutil.copytree(posts.path / folder, tmp_path / folder)
    intact = copy.run("audit", "verify")
    assert intact.stdout.startswith(b"intact: ")
    assert NOTICE in intact.stderr
    ledger = tmp_path / "audit" / "vault.jsonl"
    ledger.write_bytes(altered(ledger.read_bytes(), how))
    done = copy.run("audit", "verify", code=1)
    assert b"vault/" in done.stdout
    assert b"NOT intact" in done.stdout


def test_a_home_without_a_ledger_is_not_called_intact(tmp_path: Path) -> None:
    done = Typed(tmp_path / "none").run("audit", "verify", code=1)
    assert b"no audit ledger" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_key_from_elsewhere_is_the_judge(posts: Home) -> None:
    posts.run("audit", "verify", "--public-key", "00" * 31, code=2)
    done = posts.run("audit", "verify", "--public-key", "11" * 32, code=1)
    assert b"heads/" in done.stdout


@pytest.mark.parametrize("entry_id", ["vault/99999", "nobody/0", "../keys/0", "vault"])
def test_show_of_what_is_not_there(posts: Home, entry_id: str) -> None:
    done = posts.run("audit", "show", entry_id, code=1)
    assert entry_id.encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_emergency_opens_the_calls_of_its_region_and_ends(posts: Home) -> None:
    start = ("emergency", "start", "--region", "410100", "--hours", "2", *REASON)
    itself = posts.run(*start, "--approved-by", getpass.getuser(), code=1)
    assert b"another person" in itself.stderr
    session = posts.run(*start, "--approved-by", "duty-officer").stdout.decode().strip()
    store_posts(posts.path, "weibo", {"during": "13622223333"})
    listed = json.loads(posts.run("emergency", "list", "--format", "json").stdout)
    assert (listed["id"], listed["region"], listed["approved_by"]) == (session, "4101", "duty-officer")
    before = len(entries(posts.path))
    lines = posts.run("emergency", "reveal", session, "--limit", "2", *REASON).stdout.splitlines()
    opened = {(row["platform"], row["post_id"]) for row in map(json.loads, lines)}
    assert len(opened) == 2
    assert [entry["action"] for entry in entries(posts.path)[before:]] == ["reveal", "reveal"]
    ended = posts.run("emergency", "end", session, "--reason", "water is falling")
    assert b"; 2 values" in ended.stderr  # those stored while it ran: the number and the name
    days = "SELECT max(dateDiff('day', now(), expires_at)) FROM pii_vault FINAL WHERE post_id = '{}'"
    assert posts.one(days.format("during")) <= 7
    assert posts.one(days.format("p1")) > 7
    posts.run("emergency", "reveal", session, *REASON, code=1)


def test_a_session_that_ran_out_brings_the_nearer_end_with_the_next_command(
    posts: Home, hours: Callable[[float], None]
) -> None:
    start = ("emergency", "start", "--region", "410100", "--hours", "1", "--approved-by", "duty-officer", *REASON)
    session = posts.run(*start).stdout.decode().strip()
    store_posts(posts.path, "weibo", {"lapsing": "13622224444"})
    days = "SELECT max(dateDiff('hour', now(), expires_at)) / 24 FROM pii_vault FINAL WHERE post_id = '{}'"
    assert posts.one(days.format("lapsing")) > 29
    assert b"had run out" not in posts.run("emergency", "list").stderr
    hours(1.1)
    assert b"had run out" in posts.run("reveal", "p1", *REASON).stderr
    assert 6.9 < posts.one(days.format("lapsing")) < 7.1  # seven days after its end, not after somebody noticed
    assert posts.one(days.format("p1")) > 29
    closed = next(entry for entry in entries(posts.path)[::-1] if entry["action"] == "emergency.lapsed")
    assert (closed["actor"], closed["subject"]) == ("clock", session)
    assert session.encode() not in posts.run("emergency", "list").stdout
    assert b"running emergency" in posts.run("emergency", "reveal", session, *REASON, code=1).stderr


def test_a_running_session_lifts_the_limit_in_its_region_only(posts: Home) -> None:
    with policy(posts.path, "reveals_per_hour: 0\nsecond_person: outside_emergency\n"):
        start = ("emergency", "start", "--region", "410103", "--hours", "1", "--approved-by", "duty-officer", *REASON)
        session = posts.run(*start).stdout.decode().strip()
        store_posts(posts.path, "weibo", {"outside": MOBILE}, places=[[PLACE | {"adcode": "330106", "end": 2}]])
        assert ("CN_MOBILE", MOBILE) in values(posts.run("reveal", "p1", *REASON).stdout)
        assert entries(posts.path)[-1]["detail"]["emergency"] == session
        refused = posts.run("reveal", "outside", *REASON, code=1)
        assert b"the policy allows 0" in refused.stderr
        assert b"another person's approval" in refused.stderr
        posts.run("emergency", "end", session, "--reason", "water is falling")
        posts.run("reveal", "p1", *REASON, code=1)


def test_a_person_s_number_is_found_and_deleted(posts: Home) -> None:
    home, number = posts, "13711112222"
    given = {"s1": number, "s2": number, "s3": "13711112223"}
    store_posts(home.path, "weibo", given)
    find = ("subject", "find", "-", "--reason", "request 17", "--format", "json")
    found = [json.loads(line) for line in home.run(*find, stdin=f"+86 {number}\n".encode()).stdout.splitlines()]
    assert [row["post_id"] for row in found] == ["s1", "s2"]
    assert number not in json.dumps(found)
    done = home.run("subject", "delete", "-", "--reason", "request 17", stdin=number.encode())
    assert b"2 values of 2 posts deleted" in done.stderr
    assert home.run(*find, stdin=number.encode()).stdout == b""
    assert values(home.run("reveal", "s1", *REASON).stdout) == [("PERSON", NAME)]
    assert ("CN_MOBILE", "13711112223") in values(home.run("reveal", "s3", *REASON).stdout)
    counted = "SELECT countIf(notEmpty(phone_tokens)) FROM posts FINAL WHERE post_id IN ('s1', 's2', 's3')"
    assert home.one(counted) == 1
    store_posts(home.path, "weibo", given, generation=1)  # the feed is replayed
    assert home.one(counted) == 1
    assert home.run(*find, stdin=number.encode()).stdout == b""
    assert values(home.run("reveal", "s1", *REASON).stdout) == [("PERSON", NAME)]
    entered = (home.path / "audit" / "vault.jsonl").read_text()
    assert number not in entered
    assert "subject.delete.done" in entered


def test_an_author_s_own_post_is_deleted_from_the_vault(posts: Home) -> None:
    given = {"o1": "13766667777", "o2": "13766667777"}
    store_posts(posts.path, "weibo", given)
    done = posts.run("subject", "delete-post", "o1", "--platform", "weibo", "--reason", "request 20")
    assert b"2 values of 1 posts deleted" in done.stderr
    for generation in (0, 1):
        if generation:
            store_posts(posts.path, "weibo", given, generation)  # the feed is replayed
        assert values(posts.run("reveal", "o1", *REASON).stdout) == []
        assert len(values(posts.run("reveal", "o2", *REASON).stdout)) == 2
        counted = "SELECT countIf(notEmpty(phone_tokens)) FROM posts FINAL WHERE post_id IN ('o1', 'o2')"
        assert posts.one(counted) == 1


def test_a_person_s_number_is_corrected_everywhere_but_under_a_hold(posts: Home) -> None:
    wrong, right = "13733334444", "13733335555"
    given = {"c1": wrong, "c2": wrong, "c3": "13733336666"}
    store_posts(posts.path, "weibo", given)
    posts.run("hold", "set", "c2", "--days", "3", "--reason", "court order 7")
    correct = ("subject", "correct", "-", "--with", "-", "--reason", "request 19")
    done = posts.run(*correct, stdin=f"+86 {wrong}\n{right}\n".encode())
    assert b"1 values of 1 posts corrected" in done.stderr
    assert b"1 values are under a recorded hold" in done.stderr
    token = Tokeniser(load_keys(posts.path).token)
    counted = "SELECT post_id, phone_tokens[1] FROM posts FINAL WHERE post_id IN ('c1', 'c2') ORDER BY post_id"
    for generation in (0, 1):
        if generation:
            store_posts(posts.path, "weibo", given, generation)  # the feed is replayed
        assert ("CN_MOBILE", right) in values(posts.run("reveal", "c1", *REASON).stdout)
        assert ("CN_MOBILE", wrong) in values(posts.run("reveal", "c2", *REASON).stdout)
        tokens = [token.token("CN_MOBILE", one) for one in (right, wrong)]
        assert [row[1] for row in posts.rows(counted)] == tokens
    assert b"same number" in posts.run("subject", "correct", right, "--with", right, *REASON, code=2).stderr
    acts = [entry for entry in entries(posts.path) if entry["action"].startswith("subject.correct")]
    assert [entry["action"] for entry in acts][:2] == ["subject.correct", "subject.correct.done"]
    assert not any(one in json.dumps(acts) for one in (wrong, right))


def test_a_hold_is_set_listed_and_lifted(posts: Home) -> None:
    number = "13744445555"
    store_posts(posts.path, "weibo", {"h1": number, "h2": number})
    set_ = ("hold", "set", "h1", "--reason", "court order 7", "--days")
    assert b"the policy allows 1 to 365" in posts.run(*set_, "366", code=2).stderr
    posts.run(*set_, "60")
    ends = (
        "SELECT max(dateDiff('day', now(), greatest(expires_at, hold_until))) FROM pii_vault FINAL WHERE post_id = '{}'"
    )
    assert (posts.one(ends.format("h1")), posts.one(ends.format("h2"))) == (60, 30)
    rows = [json.loads(line) for line in posts.run("hold", "list", "--format", "json").stdout.splitlines()]
    held = next(row for row in rows if row["post_id"] == "h1")
    assert (held["values"], held["reason"], held["by"]) == (2, "court order 7", getpass.getuser())
    assert "no entry" not in posts.run("hold", "list").stderr.decode()
    assert b"under a recorded hold" in posts.run("subject", "delete", number, *REASON).stderr
    assert ("CN_MOBILE", number) in values(posts.run("reveal", "h1", *REASON).stdout)
    assert ("CN_MOBILE", number) not in values(posts.run("reveal", "h2", *REASON).stdout)
    posts.run("hold", "lift", "h1", "--reason", "order withdrawn")
    assert posts.one(ends.format("h1")) == 30
    assert b'"h1"' not in posts.run("hold", "list", "--format", "json").stdout
    assert b"under no hold" in posts.run("hold", "lift", "h1", *REASON, code=2).stderr
    assert [entry["action"] for entry in entries(posts.path) if "h1" in entry["subject"]] == [
        *("hold.set", "reveal", "hold.lift"),
    ]


def test_keys_are_listed_and_rotated_without_rewriting(posts: Home, tmp_path: Path) -> None:
    def listed() -> list[dict[str, Any]]:
        return [json.loads(line) for line in posts.run("keys", "list", "--format", "json").stdout.splitlines()]

    store_posts(posts.path, "weibo", {"k1": "13755556666"})
    ring = (posts.path / "keys" / "keyring.json").read_text()
    before = listed()
    assert entries(posts.path, "cli")[-1]["action"] == "keys.list"
    assert [row["use"] for row in before] == ["seals new values", "tokens"]
    assert before[0]["vault_values"] == posts.one("SELECT count() FROM pii_vault FINAL WHERE notEmpty(ciphertext)")
    done = posts.run("keys", "rotate")
    new = done.stdout.decode().strip()
    assert b"gone for good" in done.stderr
    assert b"until they restart" in done.stderr
    store_posts(posts.path, "weibo", {"k2": "13755557777"})
    after = listed()
    assert [(row["key"], row["use"]) for row in after[:2]] == [
        (new, "seals new values"),
        (before[0]["key"], "opens old values"),
    ]
    assert [row["vault_values"] for row in after[:2]] == [2, before[0]["vault_values"]]
    assert ("CN_MOBILE", "13755556666") in values(posts.run("reveal", "k1", *REASON).stdout)
    assert ("CN_MOBILE", "13755557777") in values(posts.run("reveal", "k2", *REASON).stdout)
    entry = next(entry for entry in entries(posts.path, "cli")[::-1] if entry["action"] == "keys.rotate")
    assert (entry["subject"], entry["detail"]) == (f"master key {new}", {"before": before[0]["key"]})
    printed = done.stdout + done.stderr + posts.run("keys", "list").stdout
    secrets = [*json.loads(ring)["master"], *json.loads((posts.path / "keys" / "keyring.json").read_text())["master"]]
    assert not any(secret.encode() in printed for secret in secrets)
    # a key that is gone is told, and so is what only it opens
    alone = Typed(tmp_path)
    shutil.copytree(posts.path / "keys", tmp_path / "keys")
    shutil.copy(posts.path / "services.json", tmp_path)
    whole = json.loads((tmp_path / "keys" / "keyring.json").read_text())
    (tmp_path / "keys" / "keyring.json").write_text(json.dumps(whole | {"master": whole["master"][:1]}))
    lost = alone.run("keys", "list", "--format", "json")
    row = json.loads(lost.stdout.splitlines()[1])
    assert (row["key"], row["use"], row["vault_values"]) == (before[0]["key"], "MISSING", before[0]["vault_values"])
    assert b"1 keys are missing" in lost.stderr


def test_up_says_once_that_a_key_lost_is_data_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_start", "clickhouse"):  # nothing is started here
        monkeypatch.setattr(control, name, mock.MagicMock())
    monkeypatch.setattr("pipelines.store.migrate.migrate", lambda _: None)
    first, again = (Typed(tmp_path).run("up").stderr for _ in range(2))
    assert b"if the keys are lost" in first
    assert b"gone for good" in first
    assert str(tmp_path / "keys").encode() in first
    assert b"keys" not in again


def test_keys_without_a_store_or_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Typed(tmp_path)
    assert b"run `yuqing up` once" in home.run("keys", "list", code=2).stderr
    assert b"run `yuqing up` once" in home.run("keys", "rotate", code=2).stderr
    ensure_keys(tmp_path)
    done = home.run("keys", "list", "--format", "json")
    assert json.loads(done.stdout.splitlines()[0])["vault_values"] is None
    assert b"does not answer" in done.stderr
    ring = (tmp_path / "keys" / "keyring.json").read_bytes()
    monkeypatch.setenv("YUQING_KEYS__MASTER", "env:MASTER")
    monkeypatch.setenv("MASTER", json.loads(ring)["master"][0])
    told = home.run("keys", "rotate", code=2)
    assert b"keys.master is env:MASTER: keys are made where it reads them" in told.stderr
    monkeypatch.setenv("YUQING_KEYS__MASTER", "command:kms --password secret")
    told = home.run("keys", "rotate", code=2)
    assert b"keys.master is command: " in told.stderr
    assert b"secret" not in told.stderr
    assert (tmp_path / "keys" / "keyring.json").read_bytes() == ring


@dataclass
class Office:
    """A home with people, over a store that is not its own: duties are separated."""

    home: Home
    settings: Path
    tokens: dict[str, str]

    def run(self, *arguments: str, code: int = 0) -> Any:
        return self.home.run("--settings", str(self.settings), *arguments, code=code)

    def by(self, who: str, *arguments: str, code: int = 0) -> Any:
        """Run as a person, or with a token."""
        with mock.patch.dict(os.environ, {asking.TOKEN: self.tokens.get(who, who)}):
            return self.run(*arguments, code=code)


@pytest.fixture(scope="module")
def office(posts: Home, tmp_path_factory: pytest.TempPathFactory) -> Office:
    path = tmp_path_factory.mktemp("office")
    (path / "keys").mkdir(mode=0o700)
    shutil.copy(posts.path / "keys" / "keyring.json", path / "keys")  # what opens the vault, not the ledger's own
    store = control.connection(posts.path)
    section = {"url": store.url, "user": store.user, "password": store.password}
    settings = path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"store": section}))
    return Office(Typed(path), settings, {})


def test_a_store_of_its_own_demands_people(office: Office) -> None:
    done = office.run("reveal", "p1", *REASON, code=1)
    assert b"register of people" in done.stderr
    assert NOTICE not in done.stderr
    assert entries(office.home.path)[-1]["action"] == "reveal.refused"


@pytest.fixture
def people(office: Office) -> dict[str, str]:
    if not office.tokens:
        office.tokens["adam"] = office.run("people", "add", "adam").stdout.decode().strip()
        roles = {"rita": "rescuer", "rob": "rescuer", "vera": "viewer", "aud": "auditor", "olga": "operator"}
        for name, role in roles.items():
            given = office.by("adam", "people", "add", name).stdout.decode().strip()
            office.by("adam", "people", "grant", name, role)
            office.tokens[name] = office.by(given, "people", "token").stdout.decode().strip()
    return office.tokens


# whose token, command, exit code, words on stderr
DUTIES = [
    ("rita", ("reveal", "p1", *REASON), 0, b"audit entry vault/"),
    ("vera", ("reveal", "p1", *REASON), 1, b"needs the role rescuer"),
    ("aud", ("reveal", "p1", *REASON), 1, b"needs the role rescuer"),
    (None, ("reveal", "p1", *REASON), 1, b"YUQING_TOKEN"),
    ("stranger", ("reveal", "p1", *REASON), 1, b"nobody's"),
    ("aud", ("audit", "verify", "--no-store"), 0, b""),  # the store has the copy of another home's ledger
    ("rita", ("audit", "verify"), 1, b"needs the role auditor"),
    ("aud", ("audit", "show", "vault/0"), 0, b""),
    ("rita", ("audit", "show", "vault/0"), 1, b"needs the role auditor"),
    ("vera", ("subject", "find", MOBILE, "--reason", "request 18"), 1, b"needs the role rescuer"),
    ("vera", ("subject", "correct", MOBILE, "--with", "1", *REASON), 1, b"needs the role rescuer"),
    ("vera", ("emergency", "list"), 0, b""),
    ("aud", ("hold", "set", "p1", "--days", "1", *REASON), 0, b"2 values"),
    ("rita", ("hold", "set", "p1", "--days", "1", *REASON), 1, b"needs the role auditor"),
    ("adam", ("hold", "lift", "p1", *REASON), 1, b"needs the role auditor"),
    ("aud", ("hold", "list"), 0, b""),
    ("rita", ("hold", "list"), 1, b"needs the role auditor"),
    ("aud", ("hold", "lift", "p1", *REASON), 0, b"2 values"),
    ("rita", ("review", "list"), 1, b"needs the role auditor"),
    ("rita", ("review", "done", "vault/0", "--note", "was right"), 1, b"needs the role auditor"),
    ("aud", ("review", "list"), 0, b""),
    ("aud", ("people", "list"), 0, b""),
    ("rita", ("people", "list"), 1, b"needs the role admin or auditor"),
    ("rita", ("people", "grant", "rob", "auditor"), 1, b"needs the role admin"),
    ("adam", ("people", "grant", "adam", "rescuer"), 1, b"another person"),
    ("adam", ("people", "grant", "rita", "auditor"), 1, b"who reveals cannot audit"),
    ("adam", ("people", "grant", "rita", "emperor"), 2, b"there is no role"),
    ("adam", ("people", "revoke", "adam", "admin"), 1, b"another person"),
    ("adam", ("keys", "list"), 0, b""),
    ("aud", ("keys", "rotate"), 1, b"needs the role admin"),
    ("olga", ("keys", "list"), 1, b"needs the role admin or auditor"),
]


@pytest.mark.parametrize(("who", "command", "code", "words"), DUTIES)
def test_duties(
    office: Office,
    people: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    who: str | None,
    command: tuple[str, ...],
    code: int,
    words: bytes,
) -> None:
    if who is not None:
        monkeypatch.setenv("YUQING_TOKEN", people.get(who, "yq_mistyped"))
    writer = "cli" if command[0] in ("audit", "people", "keys") else "vault"
    before = len(entries(office.home.path, writer))
    done = office.run(*command, code=code)
    assert words in done.stderr
    assert NOTICE not in done.stderr
    if code:
        assert done.stdout == b""
        refused = [entry["action"] for entry in entries(office.home.path, writer)[before:]]
        assert len(refused) == (code == 1)
        assert all(action.endswith(".refused") for action in refused)
    elif command[0] == "reveal":
        assert ("CN_MOBILE", MOBILE) in values(done.stdout)
        assert entries(office.home.path)[-1]["actor"] == "rita"


@pytest.mark.parametrize(("second", "code"), [("rob", 0), ("rita", 1), ("vera", 1), (None, 1)])
def test_a_second_person_shows_a_token_too(
    office: Office, people: dict[str, str], tmp_path: Path, second: str | None, code: int
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.write_text(people["rita"] + "\n")
    options = ["--token-file", str(mine)]
    if second:
        other.write_text(people[second])
        options += ["--approved-by", second, "--approver-token-file", str(other)]
    with policy(office.home.path, "second_person: always\n"):
        done = office.run("reveal", "p2", *REASON, *options, code=code)
        assert bool(done.stdout) is not bool(code)
        # a name without the token of that name approves nothing
        other.write_text(people["vera"])
        forged = [*options[:2], "--approved-by", "rob", "--approver-token-file", str(other)]
        assert b"not approved" in office.run("reveal", "p2", *REASON, *forged, code=1).stderr


# who starts, the name given as approver, whose token that is, exit code, words on stderr
STARTS = [
    ("olga", "olga", "olga", 1, "another person than olga"),
    ("olga", "rita", "rita", 1, "needs the role admin or operator"),
    ("olga", "adam", "rita", 1, "the token shown is not theirs"),
    ("olga", "adam", None, 1, "needs their own token"),
    ("olga", "bo", "bo", 1, "adam made this token and knows it"),
    ("rita", "adam", "adam", 1, "needs the role operator"),
    ("olga", "adam", "adam", 0, "batch reveals in 4401"),
]


def test_an_emergency_needs_an_operator_and_another_person(
    office: Office, people: dict[str, str], tmp_path: Path
) -> None:
    bo = office.by("adam", "people", "add", "bo").stdout.decode()
    office.by("adam", "people", "grant", "bo", "operator")
    start = ("emergency", "start", "--region", "440100", "--hours", "1", *REASON, "--approved-by")
    for who, approver, token, code, words in STARTS:
        (tmp_path / "second").write_text(({"bo": bo} | people).get(token, "") if token else "")
        done = office.by(who, *start, approver, "--approver-token-file", str(tmp_path / "second"), code=code)
        assert words in done.stderr.decode(), (who, approver, token)
        entry = entries(office.home.path)[-1]
        assert (entry["actor"], entry["action"]) == (who, "emergency.refused" if code else "emergency.start")
    assert entry["detail"]["approved_by"] == "adam"
    session = done.stdout.decode().strip()
    assert session in office.by("vera", "emergency", "list").stdout.decode()
    office.by("rita", "emergency", "end", session, *REASON, code=1)
    office.by("aud", "emergency", "end", session, *REASON)


def test_a_life_at_risk_waits_for_nobody_and_is_reviewed_by_another(office: Office, people: dict[str, str]) -> None:
    with policy(office.home.path, "reveals_per_hour: 0\nsecond_person: always\n"):
        office.by("rita", "reveal", "p2", *REASON, code=1)
        assert ("CN_MOBILE", MOBILE) in values(office.by("rita", "reveal", "life", *REASON).stdout)
    pending = [json.loads(one) for one in office.by("aud", "review", "list", "--format", "json").stdout.splitlines()]
    (waits,) = [one for one in pending if one["post"] == "post weibo/life"]
    assert (waits["by"], waits["priority"]) == ("rita", 1)
    assert "another person's approval" in waits["passed"]
    done = ("review", "done", waits["entry"], "--note", "she was called within a minute")
    office.by("rita", *done, code=1)
    assert b"is reviewed, justified" in office.by("aud", *done).stderr
    entry = entries(office.home.path)[-1]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("aud", "reveal.reviewed", waits["entry"])
    assert waits["entry"].encode() not in office.by("aud", "review", "list").stdout
    office.by("aud", *done, code=2)


def test_nobody_reviews_their_own_reveal_in_an_embedded_home(posts: Home) -> None:
    store_posts(posts.path, "weibo", {"life": MOBILE}, priority=[1])
    entry = re.search(rb"audit entry (vault/\d+)", posts.run("reveal", "life", *REASON).stderr)
    assert entry
    assert entry[1] in posts.run("review", "list").stdout
    done = posts.run("review", "done", entry[1].decode(), "--note", "was right", code=1)
    assert b"another person" in done.stderr


def test_nothing_in_clear_in_ledger_or_store(posts: Home, office: Office) -> None:
    for home in (posts, office.home):
        for path in (home.path / "audit").iterdir():
            kept = path.read_bytes()
            for clear in (MOBILE, "13900001111", NAME):
                assert clear.encode() not in kept, path.name
                assert json.dumps(clear).strip('"').encode() not in kept, path.name
    with connect(control.connection(posts.path)) as client:
        for table in ("pii_vault", "posts", "audit_log"):
            held = client.raw_query(f"SELECT * FROM {table}", fmt="JSONEachRow")
            assert MOBILE.encode() not in held
            assert NAME.encode() not in held
