"""A drill's home: apart from the one that serves, and without a way to people outside."""

from __future__ import annotations

import pytest

from pipelines.feeds import generate
from pipelines.jobs.drill import place, scenario, sheet
from pipelines.jobs.drill.score import Hit, Seen, score
from schemas import settings
from schemas.errors import UsageError

RUN = place.Run("drill-1", "flood_night", "<b>夜</b>", ("核实",), "generate:?posts=1", 5, 10.0, 1_700_000_000_000)


def test_of_the_sites_settings_it_takes_no_store_and_no_channel(tmp_path, monkeypatch):
    site = tmp_path / "site.yaml"
    site.write_text(
        "store: {url: 'http://city:8123', password: secret}\n"
        "alerts:\n  webhook: 'http://duty-officer/'\n"
        "model: {bundle: wide}\nflink: {parallelism: 1}\n"
    )
    monkeypatch.setenv("YUQING_ALERTS__WEBHOOK", "http://duty-officer/too")
    monkeypatch.setenv("YUQING_STORE__URL", "http://city:8123")
    file = place.prepare(tmp_path / "drill", tmp_path / "home", site)
    found = settings.load(file)
    assert (found.store.url, found.alerts.webhook, found.alerts.channels) == ("", "", ())
    assert (str(found.model.bundle), found.flink.parallelism) == ("wide", 1)
    assert "secret" not in file.read_text()


@pytest.mark.parametrize("taken", ["home", "full"])
def test_it_refuses_a_home_that_serves_and_a_folder_that_holds_something(tmp_path, taken):
    home = tmp_path / "home"
    home.mkdir()
    full = tmp_path / "full"
    full.mkdir()
    (full / "keys").mkdir()
    with pytest.raises(UsageError, match="--into"):
        place.prepare(tmp_path / taken, home, None)


def test_it_takes_up_its_own_home_again(tmp_path):
    place.prepare(tmp_path / "drill", tmp_path / "home", None)
    (tmp_path / "drill" / "clickhouse").mkdir()
    place.prepare(tmp_path / "drill", tmp_path / "home", None)


def test_a_seed_is_played_once(tmp_path):
    RUN.save(tmp_path)
    with pytest.raises(UsageError, match="--seed 5"):
        place.new_seed(tmp_path, 5)
    assert place.new_seed(tmp_path, 6) == 6
    assert place.new_seed(tmp_path, None) != 5


@pytest.mark.parametrize("name", scenario.names())
@pytest.mark.parametrize("speed", [0.5, 1, 60])
def test_no_post_of_a_drill_is_from_the_future(name, speed):
    found = scenario.load(name)
    now = 1_790_000_000_000
    source = found.source(seed=3, speed=speed, now_ms=now, lead_s=20)
    assert source.posts == found.posts
    for at in range(0, source.posts, 97):
        handed = now + 1000 * (20 + at / source.rate)
        assert generate.created_at(source, at) <= handed + 1
    assert found.posts / source.rate == pytest.approx(found.hours * 3600 / speed, rel=1e-3)


@pytest.mark.parametrize("name", scenario.names())
def test_a_shipped_scenario_has_episodes_that_must_alert_and_tasks(name):
    found = scenario.load(name)
    source = found.source(seed=3, speed=1, now_ms=1_790_000_000_000)
    truths = (generate.truth(source, at) for at in range(source.posts))
    assert any(row.get("episode") and (row["priority"] or 4) <= 2 for row in truths)
    assert found.tasks
    assert found.title


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: x\nhours: 1\nposts: 500\nfeed: {rate: 5}\n", "feed.rate"),
        ("title: x\nhours: 30\nposts: 500\n", "hours"),
        ("title: x\nhours: 1\nposts: 500\nextra: 1\n", "extra"),
        ("- just\n- a list\n", "the file"),
        ("title: [\n", "not YAML"),
        ("title: x\nhours: 1\nhours: 9\n", "not YAML: line 3: key 'hours' is written twice"),
    ],
)
def test_a_wrong_scenario_is_told_by_its_key(tmp_path, text, words):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        scenario.load(str(file))


def test_a_name_that_is_none_tells_those_there_are():
    with pytest.raises(UsageError, match="flood_night"):
        scenario.load("flood_knight")


def test_the_sheet_escapes_and_says_missed():
    truths = [
        {"id": "a", "kind": "call", "episode": "e", "priority": 1, "needs": ["rescue"], "hazards": [], "adcode": None},
        {"id": "t", "kind": "trap", "episode": None, "priority": 4},
    ]
    found = score(truths, Seen({"a": 0, "t": 5}, [Hit("A", "flood-help", 1, "t", 50)], {}, {}, []))
    page = sheet.render(RUN, found)
    assert "<b>夜</b>" not in page
    assert "漏报</span>" in page
    assert "flood-help" in page
    assert "script" not in page
