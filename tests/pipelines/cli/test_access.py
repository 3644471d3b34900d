"""`reveal`, `audit`, `emergency`, `subject` as a rescuer and an auditor type them, on a real store."""

from __future__ import annotations

import getpass
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.people import update_register
from governance.roles import Grant
from governance.seal import Seal
from pipelines.services import control
from pipelines.store.client import connect
from pipelines.store.sinks import StorePosts, StoreVault
from schemas import records
from tests.conftest import Home
from udfs.checks import sample_batch

pytestmark = pytest.mark.services

MOBILE, NAME = "13812345678", "张晓梅"
NOTICE = b"no duties are separated"
REASON = ("--reason", "call back")
PLACE = {"name": "", "level": "county", "adcode": "410103", "lat": 34.7, "lon": 113.6, "radius_m": 9, "start": 0}


def store_posts(home: Path, platform: str, posts: dict[str, str], **columns: Sequence[Any]) -> None:
    """Posts through the step `seal` and the job's own sinks: id -> its mobile number."""
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
    for step in (Seal(home), StoreVault(store), StorePosts(store)):
        step.open()
        batch = step.apply(batch)
        step.close()
        if isinstance(step, Seal):
            batch = records.with_columns(batch, records.RENDERED, rendered)


@pytest.fixture(scope="module")
def posts(home: Home) -> Home:
    home.empty()
    store_posts(home.path, "weibo", {"p1": MOBILE, "p2": "13900001111", "both": MOBILE})
    store_posts(home.path, "wechat", {"both": MOBILE})
    return home


def values(stdout: bytes) -> list[tuple[str, str]]:
    return [(row["type"], row["value"]) for row in map(json.loads, stdout.splitlines())]


def entries(home: Path, writer: str = "vault") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "audit" / f"{writer}.jsonl").read_bytes().splitlines()]


def test_reveal_gives_the_plain_number_and_leaves_an_entry(posts: Home) -> None:
    done = posts.run("reveal", "p1", *REASON)
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
    policy = posts.path / "reveal-policy.yaml"
    policy.write_text("reveals_per_hour: 0\n")
    try:
        done = posts.run("reveal", "p1", *REASON, code=1)
        assert b"the policy allows 0" in done.stderr
        assert done.stdout == b""
        store_posts(posts.path, "weibo", {"life": MOBILE}, priority=[1])
        life = posts.run("reveal", "life", *REASON)
        assert ("CN_MOBILE", MOBILE) in values(life.stdout)
        assert b"will be reviewed" in life.stderr
    finally:
        policy.unlink()


def altered(ledger: bytes, how: str) -> bytes:
    lines = ledger.splitlines(keepends=True)
    if how == "a byte":
        at = ledger.index(b"call back")
        return ledger[:at] + b"C" + ledger[at + 1 :]
    return b"".join({"removed": lines[1:], "moved": [lines[1], lines[0], *lines[2:]], "cut off": lines[:-1]}[how])


@pytest.mark.parametrize("how", ["a byte", "removed", "moved", "cut off"])
def test_verify_passes_and_fails_once_the_ledger_is_altered(posts: Home, tmp_path: Path, how: str) -> None:
    posts.run("reveal", "p1", *REASON)
    copy = Home(tmp_path)
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
    done = Home(tmp_path / "none").run("audit", "verify", code=1)
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


def test_a_person_s_number_is_found_and_deleted(home: Home) -> None:
    number = "13711112222"
    store_posts(home.path, "weibo", {"s1": number, "s2": number, "s3": "13711112223"})
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
    entered = (home.path / "audit" / "vault.jsonl").read_text()
    assert number not in entered
    assert "subject.delete.done" in entered


@dataclass
class Office:
    """A home with people, over a store that is not its own: duties are separated."""

    home: Home
    settings: Path
    tokens: dict[str, str]

    def run(self, *arguments: str, code: int = 0) -> Any:
        return self.home.run("--settings", str(self.settings), *arguments, code=code)


@pytest.fixture(scope="module")
def office(posts: Home, tmp_path_factory: pytest.TempPathFactory) -> Office:
    path = tmp_path_factory.mktemp("office")
    (path / "keys").mkdir(mode=0o700)
    shutil.copy(posts.path / "keys" / "keyring.json", path / "keys")  # what opens the vault, not the ledger's own
    store = control.connection(posts.path)
    section = {"url": store.url, "user": store.user, "password": store.password}
    settings = path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"store": section}))
    return Office(Home(path), settings, {})


def test_a_store_of_its_own_demands_people(office: Office) -> None:
    done = office.run("reveal", "p1", *REASON, code=1)
    assert b"register of people" in done.stderr
    assert NOTICE not in done.stderr
    assert entries(office.home.path)[-1]["action"] == "reveal.refused"


@pytest.fixture
def people(office: Office) -> dict[str, str]:
    if not office.tokens:
        for name, role in (("rita", "rescuer"), ("rob", "rescuer"), ("vera", "viewer"), ("aud", "auditor")):

            def add(register: Any, name: str = name, role: str = role) -> Any:
                register, office.tokens[name] = register.with_person(name)
                return register.with_grant(name, Grant(role, "setup", 0))

            update_register(office.home.path, add)
    return office.tokens


# whose token, command, exit code, words on stderr
DUTIES = [
    ("rita", ("reveal", "p1", *REASON), 0, b"audit entry vault/"),
    ("vera", ("reveal", "p1", *REASON), 1, b"needs the role rescuer"),
    ("aud", ("reveal", "p1", *REASON), 1, b"needs the role rescuer"),
    (None, ("reveal", "p1", *REASON), 1, b"YUQING_TOKEN"),
    ("stranger", ("reveal", "p1", *REASON), 1, b"nobody's"),
    ("aud", ("audit", "verify"), 0, b""),
    ("rita", ("audit", "verify"), 1, b"needs the role auditor"),
    ("aud", ("audit", "show", "vault/0"), 0, b""),
    ("rita", ("audit", "show", "vault/0"), 1, b"needs the role auditor"),
    ("vera", ("subject", "find", MOBILE, "--reason", "request 18"), 1, b"needs the role rescuer"),
    ("vera", ("emergency", "list"), 0, b""),
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
    writer = "cli" if command[0] == "audit" else "vault"
    done = office.run(*command, code=code)
    assert words in done.stderr
    assert NOTICE not in done.stderr
    if code:
        assert done.stdout == b""
        assert entries(office.home.path, writer)[-1]["action"].endswith(".refused")
    elif who == "rita":
        assert ("CN_MOBILE", MOBILE) in values(done.stdout)
        assert entries(office.home.path)[-1]["actor"] == "rita"


@pytest.mark.parametrize(("second", "code"), [("rob", 0), ("rita", 1), ("vera", 1), (None, 1)])
def test_a_second_person_shows_a_token_too(
    office: Office, people: dict[str, str], tmp_path: Path, second: str | None, code: int
) -> None:
    policy = office.home.path / "reveal-policy.yaml"
    policy.write_text("second_person: always\n")
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.write_text(people["rita"] + "\n")
    options = ["--token-file", str(mine)]
    if second:
        other.write_text(people[second])
        options += ["--approved-by", second, "--approver-token-file", str(other)]
    try:
        done = office.run("reveal", "p2", *REASON, *options, code=code)
        assert bool(done.stdout) is not bool(code)
        # a name without the token of that name approves nothing
        other.write_text(people["vera"])
        forged = [*options[:2], "--approved-by", "rob", "--approver-token-file", str(other)]
        assert b"not approved" in office.run("reveal", "p2", *REASON, *forged, code=1).stderr
    finally:
        policy.unlink()


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
