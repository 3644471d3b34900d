"""Channels by apprise against a real HTTP receiver and a real mail server."""

from __future__ import annotations

import email
import email.policy
import logging

import pytest

from pipelines.store.notify.channels import AppriseChannel, DeliveryFailed, escalations_of, routes_of
from pipelines.store.notify.messages import Wording, digest
from pipelines.store.notify.outbox import Escalation, Wanted
from pipelines.store.notify.pacing import QuietHours
from schemas.errors import UsageError
from schemas.settings import Settings, load
from tests.pipelines.store.notify.test_words import CALL


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def json_url(receiver):
    return receiver.url.replace("http://", "json://")


def test_a_json_webhook(receiver):
    channel = AppriseChannel("hook", json_url(receiver), Wording("${level} ${place}"))
    assert channel.send(CALL) == "accepted"
    assert [body["message"] for _, body in receiver.received] == ["一级 某省某市某县某村"]


def test_a_digest_is_one_message(receiver):
    AppriseChannel("hook", json_url(receiver)).send(digest("key", [1] * 9, [CALL]))
    assert [body["message"].partition("\n")[0] for _, body in receiver.received] == ["【合并通知】9 条警情：一级 9 条"]


def test_a_mail(mailbox):
    port = mailbox.server_address[1]
    url = f"mailto://_?smtp=127.0.0.1&port={port}&mode=insecure&from=duty@a.example&to=chief@b.example"
    assert AppriseChannel("mail", url).send(CALL) == "accepted"
    ((sender, receiver, data),) = mailbox.mails
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert ("duty@a.example" in sender, "chief@b.example" in receiver) == (True, True)
    assert mail["Subject"] == "【一级】某省某市某县某村 医疗、救援"
    body = mail.get_body(("plain",)).get_content()
    assert "首报 07-20 23:00，来电 3 人，转发 4 条" in body


def test_a_mail_server_that_is_not_there():
    url = "mailto://_?smtp=127.0.0.1&port=1&mode=insecure&from=duty@a.example&to=chief@b.example"
    with pytest.raises(DeliveryFailed, match="connection error"):
        AppriseChannel("mail", url).send(CALL)


def test_500_then_200(receiver):
    receiver.statuses = [500, 200]
    channel = AppriseChannel("hook", json_url(receiver))
    with pytest.raises(DeliveryFailed, match=r"^HTTP 500$"):
        channel.send(CALL)
    assert channel.send(CALL) == "accepted"


def test_one_that_hangs_is_given_up(receiver):
    receiver.release.clear()
    with pytest.raises(DeliveryFailed, match="connection error"):
        AppriseChannel("hook", json_url(receiver) + "?rto=0.2").send(CALL)


# address, where the plugin keeps the service's own
BOTS = [("wecombot://BOTKEY0123456789", "api_url"), ("dingtalk://abcdefgh1234567", "notify_url")]


@pytest.mark.parametrize(("url", "attribute"), BOTS)
def test_a_refusal_with_http_200_is_no_delivery(receiver, monkeypatch, url, attribute):
    channel = AppriseChannel("bot", url)
    monkeypatch.setattr(channel._plugin, attribute, receiver.url, raising=True)
    monkeypatch.setattr(channel._plugin, "request_rate_per_sec", 0)
    receiver.answer = b'{"errcode": 45009, "errmsg": "api freq out of limit"}'
    with pytest.raises(DeliveryFailed, match=r"^refused with errcode 45009$"):
        channel.send(CALL)
    receiver.answer = b'{"errcode": 0, "errmsg": "ok"}'
    assert channel.send(CALL) == "accepted"
    words = str(receiver.received[0][1])
    assert words.count("【一级】") == 1


@pytest.mark.parametrize("url", ["nothing://SECRETKEY", "SECRETKEY", "wecombot://", "mailto://SECRETKEY"])
def test_an_address_that_is_none_is_not_shown(url):
    with pytest.raises(UsageError, match="channel duty: apprise does not understand its address") as error:
        AppriseChannel("duty", url)
    assert "SECRETKEY" not in str(error.value)


def test_nothing_of_an_address_or_a_message_is_logged(receiver, caplog, capfd):
    receiver.statuses = [403]
    channel = AppriseChannel("hook", json_url(receiver) + "?+Token=SECRETKEY")
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryFailed) as error:
        channel.send(CALL)
    said = caplog.text + "".join(capfd.readouterr()) + str(error.value)
    assert "SECRETKEY" not in said
    assert "某村" not in said


def test_routes_of_the_settings(tmp_path, monkeypatch):
    (tmp_path / "address").write_text("json://127.0.0.1:9/\n")
    monkeypatch.setenv("CHIEF_ADDRESS", "json://127.0.0.1:9/chief")
    (tmp_path / "settings.yaml").write_text(f"""
alerts:
  channels:
    - name: 值班
      url_file: {tmp_path / "address"}
      priorities: [1, 2, 3]
      quiet_hours: 22:00-07:00
      escalate_after_s: 300
      escalate_to: chief
      places: true
      per_minute: 30
    - {{name: chief, url_env: CHIEF_ADDRESS, priorities: []}}
""")
    settings = load(tmp_path / "settings.yaml")
    plain, duty, chief = routes_of(tmp_path, settings)
    quiet = QuietHours("22:00-07:00", 3)
    assert (plain.channel.name, plain.wanted, plain.quiet, plain.per_minute) == ("file", Wanted(), None, 0)
    assert (duty.channel.name, duty.wanted, duty.quiet) == ("值班", Wanted("值班", (1, 2, 3)), quiet)
    assert (duty.per_minute, duty.channel.places, chief.channel.places) == (30, True, False)
    assert chief.wanted == Wanted("chief", ())
    assert escalations_of(settings) == [Escalation("chief", 1, 300_000, (1, 2, 3), quiet)]
    monkeypatch.delenv("CHIEF_ADDRESS")
    with pytest.raises(UsageError, match="channel chief: environment variable CHIEF_ADDRESS is not set"):
        routes_of(tmp_path, settings)
    (tmp_path / "address").unlink()
    with pytest.raises(UsageError, match=r"channel 值班: url_file .* cannot be read"):
        routes_of(tmp_path, settings)


def test_without_settings_there_is_the_file_alone(tmp_path):
    assert [route.channel.name for route in routes_of(tmp_path, Settings())] == ["file"]
