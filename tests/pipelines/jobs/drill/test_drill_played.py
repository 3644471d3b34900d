"""A drill from beginning to end: a home of its own, the whole pipeline, a sheet, and what people did afterwards."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Home

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

NIGHT = """
title: 半夜起火
about: 一栋居民楼起火，多人求助。
hours: 0.5
posts: 800
feed: {emergency: fire, city: "410100", onset: 0.1, share: 0.4}
tasks: [三分钟内派出]
"""


@pytest.fixture
def drilled(tmp_path, home):
    """A drill beside a home that serves; taken down afterwards."""
    (tmp_path / "night.yaml").write_text(NIGHT)
    into = Home(tmp_path / "drilled")
    yield into
    into.run("down")


def test_a_night_is_played_scored_and_scored_again_when_people_have_acted(home, drilled, tmp_path):
    before = home.one("SELECT count() FROM posts")
    night = str(tmp_path / "night.yaml")
    home.run("drill", "run", night, "--into", str(drilled.path), "--speed", "60", "--seed", "3", timeout=500)
    assert home.one("SELECT count() FROM posts") == before, "the home that serves was not touched"

    (sheet,) = drilled.path.glob("drill/*/sheet.json")
    summary = json.loads(sheet.read_bytes())["summary"]
    assert summary["posts"] == 800
    must = summary["must_alert"]
    assert must["episodes"] > 0
    assert must["alerted"] + must["missed"] == must["episodes"]
    assert must["alerted"] > 0
    assert 0 < must["first_alert_p50_s"] < 120
    assert (drilled.path / "alerts.jsonl").read_text().count("\n") >= must["alerted"], "told in the drill's own home"
    assert "半夜起火" in sheet.with_suffix(".html").read_text()

    def score():
        done = home.run("drill", "score", "--into", str(drilled.path), "--format", "json")
        return json.loads(done.stdout)

    assert score()["people"]["acted_on"] == 0
    listed = drilled.run("episodes", "list", "--format", "json")
    for episode in map(json.loads, listed.stdout.splitlines()[:2]):
        drilled.run("episodes", "verify", episode["episode_id"])
    assert score()["people"]["acted_on"] in (1, 2), "one of them may be nothing that the night has"


def test_a_drill_does_not_play_into_the_home_that_serves(home, tmp_path):
    (tmp_path / "night.yaml").write_text(NIGHT)
    refused = home.run("drill", "run", str(tmp_path / "night.yaml"), "--into", str(home.path), code=2)
    assert str(home.path) in refused.stderr.decode()
