"""What people read, and what a site may write about it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml

from governance.automation import Outcome, watched
from pipelines.jobs.approval.stored import ALERT_RULE
from pipelines.store.notify.messages import SUBJECTS, Message, Wording, digest, reason, without_place
from schemas.errors import UsageError
from schemas.records import HAZARDS, NEEDS
from schemas.settings import Bands, load
from udfs.triage.people import VULNERABLE

CALL = Message(
    event="alert",
    idempotency_key="0123456789abcdef-1",
    alert_id="0123456789abcdef",
    rule="urgent-need",
    priority=1,
    place="某省某市某县某村",
    needs=["medical", "rescue"],
    first_at=1_626_793_200_000,  # 2021-07-20 15:00 UTC
    last_at=1_626_793_200_000,
    posts=7,
    callers=3,
    state="open",
    reasons=["need rescue", "hazard flood_rising", "vulnerable elderly", "被困 (灾情求助)"],
    post_ids=[],
)


def test_the_default_template():
    assert Wording().render(CALL) == (
        "【一级】某省某市某县某村 医疗、救援\n"
        "首报 07-20 23:00，来电 3 人，转发 4 条\n"
        "理由：需求 救援；险情 水位上涨；人群 老人；被困 (灾情求助)\n"
        "编号 0123456789ab（未接警），接警：yuqing alerts ack 0123456789ab"
    )


# change of the message, template, what it reads
WORDS = [
    ({"event": "escalation"}, "${level}", "〔升级：尚无人接警〕一级"),
    ({"event": "test", "priority": 4}, "${level}", "〔测试，请勿处置〕四级"),
    ({"place": ""}, "${place}", "地点不明"),
    ({"rule": "silence", "needs": [], "posts": 0, "callers": 0}, "${what} ${reposts}", "地区失声（无帖子） 0"),
    ({"rule": "burst:rescue", "needs": []}, "${what}", "救援 突增"),
    ({"rule": "burst:rescue", "needs": ["medical"]}, "${what}", "医疗 突增"),
    ({"rule": "flood-help", "needs": [], "reasons": ["被困 (灾情求助)"]}, "${what}", "灾情求助"),
    ({"rule": "flood-help", "needs": [], "reasons": []}, "${what} ${reasons}", "flood-help 无"),
    (
        {"rule": "approval-stopped", "place": "", "needs": [], "reasons": ["referral_high: 80 of 100, limit 0.7"]},
        "${place} ${what}：${reasons}",
        "审批 自动审批已停止：未自动准予的过多：100 件中 80 件，限 0.7",
    ),
    (
        {"rule": "approval-stopped", "reasons": ["to be looked at"]},
        "${what}：${reasons}",
        "自动审批已停止：to be looked at",
    ),
    ({"state": "acknowledged"}, "${state} $$${posts}", "已接警 $7"),
    ({"posts": 1, "callers": 3}, "${reposts}", "0"),
]


@pytest.mark.parametrize(("change", "template", "words"), WORDS)
def test_words(change, template, words):
    assert Wording(template).render(replace(CALL, **change)) == words


def test_every_label_that_the_stream_writes_has_a_chinese_name():
    kinds = {"need": set(NEEDS) - {"offer"}, "hazard": set(HAZARDS), "vulnerable": set(VULNERABLE)}
    for kind, values in kinds.items():
        assert not [value for value in values if value in reason(f"{kind} {value}")]


def test_every_band_of_automatic_approval_has_a_chinese_name():
    bands = Bands(minimum=5)
    outcomes = [Outcome("refer", 1e3, 0.1, False)] * bands.window
    left = watched(outcomes, bands)
    assert len(left) == 5
    for band in left:
        assert re.fullmatch(r"[^a-z]+：\d+ 件中 \d+ 件，限 [\d.]+", reason(str(band))), str(band)


def test_the_stop_of_automatic_approval_is_known_by_its_rule():
    assert ALERT_RULE in SUBJECTS


def test_a_digest_says_how_many_and_names_the_most_urgent():
    calls = [replace(CALL, alert_id=f"{n:012d}", priority=1 + n // 4) for n in range(8)]
    whole = digest("key", [1] * 4 + [2] * 30, calls)
    lines = Wording().render_digest(whole).splitlines()
    assert lines[0] == "【合并通知】34 条警情：一级 4 条、二级 30 条"
    assert lines[1] == "1. 一级 某省某市某县某村 医疗、救援，首报 07-20 23:00，来电 3 人，编号 000000000000"
    assert len(lines) == 7
    assert lines[-1] == "其余 29 条：yuqing alerts list"


def test_without_its_place_a_message_has_no_more_than_the_county():
    words = Wording().render(without_place(CALL, "某省某市某县"))
    assert "某村" not in words
    assert "某省某市某县 " in words


GOOD = {"name": "duty", "url": "wecombot://SECRETKEY123456"}
# channels as a site might write them, what the error says
WRONG = [
    ([GOOD | {"template": "${plcae}"}], "alerts.channels.0.template .*no field .{2}plcae}; there are level, place"),
    ([GOOD | {"template": "100 $"}], "alerts.channels.0.template .*write \\$\\$"),
    ([GOOD | {"quiet_hours": "22-7"}], "alerts.channels.0.quiet_hours = '22-7'.*not like 22:00-07:00"),
    ([GOOD | {"quiet_hours": "07:00-07:00"}], "begins when it ends"),
    ([GOOD | {"quiet_below": 1}], "alerts.channels.0.quiet_below = 1"),
    ([GOOD | {"time_zone": "Mars/Olympus"}], "'Mars/Olympus' is no time zone"),
    ([GOOD | {"priorities": [0]}], "alerts.channels.0.priorities.0 = 0"),
    ([GOOD | {"per_minute": 1}], "alerts.channels.0.per_minute = 1"),
    ([GOOD | {"url_env": "X"}], "channel duty: give exactly one of url, url_file and url_env"),
    ([{"name": "duty"}], "channel duty: give exactly one"),
    ([GOOD | {"escalate_after_s": 60}], "escalate_after_s and escalate_to go together"),
    ([GOOD | {"escalate_after_s": 60, "escalate_to": "duty"}], "escalate_to duty is no other channel"),
    ([GOOD | {"escalate_after_s": 60, "escalate_to": "chief"}], "escalate_to chief is no other channel"),
    ([GOOD, GOOD], "two channels are named duty"),
    ([GOOD | {"name": "file"}], "cannot be named file"),
    ([GOOD | {"webhook": "x"}], "alerts.channels.0.webhook: there is no such setting"),
    ([GOOD | {"url": ["wecombot://SECRETKEY123456"]}], "alerts.channels.0.url: "),
    (["wecombot://SECRETKEY123456"], "alerts.channels.0: "),
]


@pytest.mark.parametrize(("channels", "says"), WRONG)
def test_wrong_settings_are_named_and_secrets_are_not(tmp_path, channels, says):
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps({"alerts": {"channels": channels}}))  # YAML would write anchors here
    with pytest.raises(UsageError, match=says) as error:
        load(file)
    assert "SECRETKEY" not in str(error.value)


def test_a_list_in_the_environment_that_is_no_json_is_said_without_it(monkeypatch):
    monkeypatch.setenv("YUQING_ALERTS__CHANNELS", '[{"name": "duty", "url": "wecombot://SECRETKEY')
    with pytest.raises(UsageError, match=r"environment YUQING_.*alerts") as error:
        load()
    assert "SECRETKEY" not in str(error.value)


def test_settings_survive_an_override_and_their_repr_hides_the_address(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"alerts": {"channels": [GOOD]}}))
    settings = load(file, ["alerts.webhook=http://127.0.0.1:9/"])
    assert settings.alerts.channels[0].url.get_secret_value() == GOOD["url"]
    assert "SECRETKEY" not in repr(settings)
    assert "SECRETKEY" not in str(settings.model_dump())
