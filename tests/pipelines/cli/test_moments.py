"""Times as people type them."""

from __future__ import annotations

import time

import pytest

from pipelines.cli.moments import milliseconds
from schemas.errors import UsageError

NOW_S = 1_790_000_000


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOW_S * 1_000_000_000)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("1789999999000", NOW_S - 1),
        ("2026-09-21T22:13:20+08:00", NOW_S),
        ("2026-09-21T14:13:20Z", NOW_S),
        ("now", NOW_S),
        ("-30m", NOW_S - 1_800),
        ("-2h", NOW_S - 7_200),
        ("-7d", NOW_S - 7 * 86_400),
    ],
)
def test_what_is_understood(typed, seconds):
    assert milliseconds("--from", typed) == seconds * 1000


@pytest.mark.parametrize("typed", ["", "yesterday", "2026-09-21T22:13:20", "2h", "-2w", "-h", "-1.5h"])
def test_what_is_not_names_the_option_and_the_ways(typed):
    with pytest.raises(UsageError, match=r"--from .*(\+08:00)"):
        milliseconds("--from", typed)
