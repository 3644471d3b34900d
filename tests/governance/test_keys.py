"""Key material: made once, kept private, read from three sources, rotated without rewriting."""

from __future__ import annotations

import base64
import multiprocessing
import pickle
import stat
from pathlib import Path

import pytest

from governance.crypto import CannotOpen, Sealer
from governance.keys import KEYRING, Key, create_once, ensure_keys, load_keys, rotate_master
from schemas.errors import UsageError

A, B = b"a" * 32, b"b" * 32


def b64(*secrets: bytes) -> str:
    return " ".join(base64.b64encode(secret).decode() for secret in secrets)


def test_first_call_makes_private_keys_and_later_calls_find_them(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path)
    again = ensure_keys(tmp_path)
    assert (first.created, again.created, load_keys(tmp_path).created) == (True, False, False)
    assert first == again == load_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / KEYRING).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [KEYRING]


def race(home: str, start: multiprocessing.synchronize.Barrier, out: multiprocessing.queues.SimpleQueue) -> None:
    start.wait()
    keys = ensure_keys(Path(home))
    out.put((keys.created, keys.master[0].id, keys.token.id))


def test_processes_that_race_get_the_same_keys(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    for turn in range(5):
        home, start, out = tmp_path / str(turn), spawn.Barrier(4), spawn.SimpleQueue()
        racers = [spawn.Process(target=race, args=(str(home), start, out)) for _ in range(4)]
        for racer in racers:
            racer.start()
        results = [out.get() for _ in racers]
        for racer in racers:
            racer.join(30)
        assert sum(created for created, *_ in results) == 1
        assert len({ids for _, *ids in map(tuple, results) for ids in [tuple(ids)]}) == 1


def test_keys_stay_out_of_repr_and_pickles() -> None:
    key = Key(A)
    assert "aaaa" not in repr(key)
    with pytest.raises(TypeError, match="load them where they are used"):
        pickle.dumps(key)
    assert key.id == Key(A).id != Key(B).id
    assert len(key.id) == 16


def test_rotation_opens_old_values_and_seals_new_ones_under_the_new_key(tmp_path: Path) -> None:
    old = ensure_keys(tmp_path)
    sealed = Sealer(old.master).seal(b"13800000000", b"row")
    new = rotate_master(tmp_path)
    keys = load_keys(tmp_path)
    assert [key.id for key in keys.master] == [new.id, old.master[0].id]
    assert keys.token == old.token
    assert Sealer(keys.master).open(sealed, b"row") == b"13800000000"
    assert Sealer(keys.master).key_id == new.id
    with pytest.raises(CannotOpen, match=old.master[0].id):
        Sealer([new]).open(sealed, b"row")


def test_rotation_is_witnessed_before_it_happens(tmp_path: Path) -> None:
    old = ensure_keys(tmp_path).master[0]
    seen: list[tuple[Key, Key]] = []
    new = rotate_master(tmp_path, lambda *keys: seen.append(keys))
    assert seen == [(new, old)]

    def full_disk(*_: Key) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        rotate_master(tmp_path, full_disk)
    assert load_keys(tmp_path).master == (new, old)


def test_rotation_without_keys_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run `yuqing up` once"):
        rotate_master(tmp_path / "none")


def test_keys_from_the_environment_and_from_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YQ_TEST_MASTER", b64(A, B))
    (tmp_path / "out").write_text(b64(B) + "\n")
    keys = load_keys(tmp_path / "no-home", "env:YQ_TEST_MASTER", f"command:cat {tmp_path}/out")
    assert keys.master == (Key(A), Key(B))
    assert keys.token == Key(B)
    assert not (tmp_path / "no-home").exists()
    mixed = ensure_keys(tmp_path / "home", "env:YQ_TEST_MASTER")
    assert mixed.created
    assert mixed.master == (Key(A), Key(B))


@pytest.mark.parametrize(
    ("master", "token", "value", "says"),
    [
        ("file", "file", "", "run `yuqing up` once"),
        ("env:YQ_TEST", "file", b64(A), "run `yuqing up` once"),
        ("env:YQ_TEST", "env:YQ_TEST", "", "environment variable YQ_TEST .* is empty"),
        ("env:YQ_TEST", "env:YQ_TEST", "not base64!", "not valid base64"),
        ("env:YQ_TEST", "env:YQ_TEST", b64(b"short"), "a key of 5 bytes; it must have 32"),
        ("env:YQ_TEST", "command:echo " + b64(B), b64(A, A), "the same key twice"),
        ("env:YQ_TEST", "env:YQ_TEST", b64(A, B), "gives 2 keys; there must be exactly one"),
        ("env:", "file", b64(A), "run `yuqing up` once"),
        ("vault", "env:YQ_TEST", b64(A), "'vault' is no key source; use file, env:NAME or command:LINE"),
        ("command:false", "env:YQ_TEST", b64(A), "ended with exit code 1"),
        ("command:/no/such/program", "env:YQ_TEST", b64(A), "did not run .FileNotFoundError"),
        ("command:true", "env:YQ_TEST", b64(A), "the command of keys.master is empty"),
    ],
)
def test_wrong_sources_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, master: str, token: str, value: str, says: str
) -> None:
    monkeypatch.setenv("YQ_TEST", value)
    with pytest.raises(UsageError, match=says) as caught:
        load_keys(tmp_path, master, token)
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [("keys", 0o755, "chmod 700"), ("keys/" + KEYRING, 0o640, "chmod 600"), ("keys/" + KEYRING, 0o604, "chmod 600")],
)
def test_keys_that_others_can_read_are_refused(tmp_path: Path, name: str, mode: int, says: str) -> None:
    ensure_keys(tmp_path)
    (tmp_path / name).chmod(mode)
    with pytest.raises(UsageError, match=says):
        load_keys(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"version": 1}', '{"version": 1, "master": [], "token": ""}', '{"version": 1, "master": [1]}'],
)
def test_a_damaged_key_ring_is_refused_and_never_replaced(tmp_path: Path, content: str) -> None:
    ensure_keys(tmp_path)
    (tmp_path / "keys" / KEYRING).write_text(content)
    with pytest.raises(UsageError, match=r"damaged: restore it from your backup|must have 32"):
        ensure_keys(tmp_path)
    assert (tmp_path / "keys" / KEYRING).read_text() == content


def test_damage_never_quotes_the_secret(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    ring = tmp_path / "keys" / KEYRING
    ring.write_text(ring.read_text()[:-5])
    with pytest.raises(UsageError) as caught:
        load_keys(tmp_path)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_newer_key_ring_is_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    (tmp_path / "keys" / KEYRING).write_text('{"version": 2}')
    with pytest.raises(UsageError, match="version 2; this program reads version 1"):
        load_keys(tmp_path)


def test_create_once_leaves_no_half_file_when_making_fails(tmp_path: Path) -> None:
    def fails() -> bytes:
        raise RuntimeError("no randomness")

    with pytest.raises(RuntimeError):
        create_once(tmp_path, "x.key", fails)
    assert list((tmp_path / "keys").iterdir()) == []
    assert create_once(tmp_path, "x.key", lambda: b"1")
    assert not create_once(tmp_path, "x.key", fails)
