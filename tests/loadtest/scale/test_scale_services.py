"""A small cost report on a real home: what was counted agrees with the store, and the second call runs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.scale import kept, runs
from loadtest.scale.__main__ import main
from tests.conftest import Home


@pytest.mark.services
def test_a_cost_report_of_a_real_home_is_kept(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["cost", "--home", str(home.path), "--output", str(tmp_path), "--sizes", "1024", "--parallelism", "1"]
    given += ["--starts", "1", "--set", "model.memo=7"]
    monkeypatch.setattr(runs, "idle", lambda home: 0.05)  # half a minute of nothing is no part of this test
    assert main(given) in (0, 1)  # whether one size is flat is no question
    found = kept.read(tmp_path / "cost.json")
    assert found is not None
    point = kept.read(tmp_path / "points" / "posts-1024.json")
    assert point is not None
    assert point["posts"] == 1024 == home.one("SELECT uniqExact(post_id) FROM posts WHERE partition = '101'")
    assert point["counted"]["classify"]["texts"] == 1024
    assert 0 <= point["remembered"] < 1
    assert {"parse", "mask", "classify", "store"} <= set(point["step_us"])
    # a JVM, a worker and a preflight with the models take seconds, and so they are seen; the store works too
    assert point["cpu_s"]["command"] > 3
    assert point["cpu_by_kind"]["clickhouse"] > 0
    runs_before = sorted(path.name for path in (home.path / "runs").iterdir())
    assert main(given) in (0, 1)
    assert sorted(path.name for path in (home.path / "runs").iterdir()) == runs_before
    assert kept.read(tmp_path / "cost.json") == found
