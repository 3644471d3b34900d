"""Followers begin again at their snapshot, whatever ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.jobs import following
from pipelines.jobs.following import FollowerFailed, Following, follow, only_one
from pipelines.store.tail import Position
from schemas.errors import StoreUnavailable, UsageError


class Counter:
    """Counts posts. ``written`` is what it would have put into a store."""

    name = "counter"
    reads = ("text",)

    def __init__(self, odd: bool = False) -> None:
        self.odd = odd  # fails at post 7
        self.count = 0
        self.ticks: list[int] = []
        self.opened_with: bytes | None = b"never"

    def open(self, client: object, state: bytes | None) -> None:
        self.opened_with = state
        self.count = int(state or b"0")

    def take(self, posts: pa.RecordBatch) -> None:
        if "7" in posts.column("post_id").to_pylist() and self.odd:
            raise KeyError("the text of a post")
        self.count += posts.num_rows

    def tick(self, now_ms: int) -> None:
        self.ticks.append(now_ms)

    def finish(self) -> None:
        self.finished = (self.count, len(self.ticks))

    def state(self) -> bytes:
        return str(self.count).encode()


class Tail:
    """Ten posts, two a read, from a position on."""

    fails_at: int | None = None

    def __init__(self, client: object, columns: Sequence[str], position: Position, clock: Callable[[], int]) -> None:
        self.position = position

    def read(self) -> list[pa.RecordBatch]:
        at = self.position.stored_ms
        if at == Tail.fails_at:
            Tail.fails_at = None
            raise StoreUnavailable("posts: gone")
        if at >= 10:
            return []
        self.position = Position(at + 2)
        two = [str(at), str(at + 1)]
        return [pa.RecordBatch.from_pydict({"platform": ["p", "p"], "post_id": two, "stored_at": [at + 2] * 2})]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        self.now += 600
        return self.now


@pytest.fixture(autouse=True)
def tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PostTail", Tail)
    monkeypatch.setattr(Tail, "fails_at", None)


def built(home: Path) -> tuple[Following, list[Counter]]:
    made: list[Counter] = []

    def followers() -> list[Counter]:
        made.append(Counter())
        return [made[-1]]

    return Following(home, "test", followers, clock=Clock()), made


def test_the_snapshot_is_private_and_gone_on_from(tmp_path):
    first, [] = built(tmp_path)
    first.open(None)
    first.round()
    first.save()
    path = tmp_path / "follow" / "test.state"
    assert path.stat().st_mode & 0o777 == 0o600
    second, made = built(tmp_path)
    second.open(None)
    assert made[0].opened_with == b"2"
    while second.round():
        pass
    assert made[0].count == 10
    assert made[0].ticks


def test_after_a_crash_posts_since_the_snapshot_come_again(tmp_path):
    first, made = built(tmp_path)
    first.open(None)
    first.round()
    first.save()
    first.round()  # taken, not saved
    assert made[0].count == 4
    second, made = built(tmp_path)
    second.open(None)
    second.round()
    assert made[0].count == 4


def test_an_error_of_the_store_throws_the_memory_away(tmp_path, monkeypatch):
    class Client:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(following, "connect", lambda _: Client())
    work, made = built(tmp_path)
    work.open(None)
    work.round()
    work.save()
    Tail.fails_at = 6
    stop = threading.Event()

    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if made[-1].count >= 10:
                stop.set()
                self.set()
            return True

    follow(work, lambda: None, Waits(), poll_s=0)  # type: ignore[arg-type,return-value]
    assert [counter.opened_with for counter in made] == [None, b"2", b"2"]
    assert made[-1].count == 10


def test_one_odd_post_stops_no_follower(tmp_path, monkeypatch, capsys):
    class Client:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    class Other(Counter):
        name = "other"

    made: list[list[Counter]] = []

    def followers() -> list[Counter]:
        made.append([Counter(odd=True), Other()])
        return made[-1]

    monkeypatch.setattr(following, "connect", lambda _: Client())
    work = Following(tmp_path, "test", followers, clock=Clock())
    follow(work, lambda: None, threading.Event(), once=True, poll_s=0)  # type: ignore[arg-type,return-value]
    assert [follower.count for follower in made[-1]] == [9, 10]
    assert [follower.finished for follower in made[-1]] == [(one.count, len(one.ticks)) for one in made[-1]]
    assert all(follower.ticks for follower in made[-1]), "however short the run"
    said = capsys.readouterr()
    assert "post_id=7" in said.out + said.err
    assert "text of a post" not in said.out + said.err


def test_once_does_not_try_for_ever(tmp_path, monkeypatch):
    class Client:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    class Broken(Counter):
        def tick(self, now_ms: int) -> None:
            raise RuntimeError

    monkeypatch.setattr(following, "connect", lambda _: Client())
    work = Following(tmp_path, "test", lambda: [Broken()], clock=Clock())
    with pytest.raises(FollowerFailed, match="counter failed: RuntimeError"):
        follow(work, lambda: None, threading.Event(), once=True, poll_s=0)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(("at_once", "waits"), [(2_000, [2, 4, 6, 8, 10]), (2, [10])])
def test_a_trickle_is_read_twice_a_second_and_a_flood_at_once(tmp_path, monkeypatch, at_once, waits):
    class Client:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    waited: list[int] = []

    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            assert timeout <= 60
            waited.append(made[0].count)
            if made[0].count == 10:
                self.set()
            return True

    monkeypatch.setattr(following, "connect", lambda _: Client())
    monkeypatch.setattr(following, "ROWS_AT_ONCE", at_once)
    work, made = built(tmp_path)
    follow(work, lambda: None, Waits(), poll_s=60)  # type: ignore[arg-type,return-value]  # no store is asked
    assert waited == waits


def test_once_ends_and_raises(tmp_path, monkeypatch):
    class Client:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(following, "connect", lambda _: Client())
    work, made = built(tmp_path)
    follow(work, lambda: None, threading.Event(), once=True)  # type: ignore[arg-type,return-value]
    assert made[0].count == work.posts == 10
    Tail.fails_at = 10
    with pytest.raises(StoreUnavailable):
        follow(built(tmp_path)[0], lambda: None, threading.Event(), once=True)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("content", [b"", b"\x93", b"{}"])
def test_a_snapshot_that_is_none_is_said(tmp_path, content):
    (tmp_path / "follow").mkdir()
    (tmp_path / "follow" / "test.state").write_bytes(content)
    work, _ = built(tmp_path)
    with pytest.raises(UsageError, match=r"test\.state.*move it away"):
        work.open(None)


def test_one_process_a_home_and_name(tmp_path):
    only_one(tmp_path, "topics")
    only_one(tmp_path, "watch")
    with pytest.raises(UsageError, match="another process"):
        only_one(tmp_path, "topics")
