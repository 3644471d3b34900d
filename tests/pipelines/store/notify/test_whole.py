"""The notifier as a site sets it up: a file, a webhook and mail from settings, stopped and started again."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from functools import partial

import pytest
import yaml

from pipelines.store.client import connect
from pipelines.store.notify.channels import escalations_of, routes_of
from pipelines.store.notify.outbox import Outbox
from pipelines.store.notify.service import run
from schemas.settings import load
from tests.pipelines.store.notify.test_notify import wait_for


@pytest.mark.services
def test_each_alert_once_a_channel_over_a_restart(
    notifier_user, clickhouse, client, hit, receiver, mailbox, tmp_path, monkeypatch
):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    smtp = f"mailto://_?smtp=127.0.0.1&port={mailbox.server_address[1]}&mode=insecure&from=a@a.example&to=b@b.example"
    duty = {"name": "whole-duty", "url": receiver.url.replace("http://", "json://"), "template": "${id}"}
    chief = {"name": "whole-chief", "url": smtp, "priorities": [], "template": "${id} ${place}"}
    duty |= {"escalate_after_s": 0.001, "escalate_to": "whole-chief"}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"alerts": {"channels": [duty, chief]}}))
    settings = load(tmp_path / "settings.yaml")
    Outbox(client).join(["whole-duty", "whole-chief"], 0)
    receiver.statuses = [500, 200]
    monkeypatch.setattr("pipelines.store.notify.service.BEHIND_S", 0.1)
    monkeypatch.setattr("pipelines.store.notify.service.ESCALATE_S", 0.1)

    def mails():
        parsed = [email.message_from_bytes(data, policy=email.policy.default) for _, _, data in mailbox.mails]
        return [mail.get_body(("plain",)).get_content().strip() for mail in parsed]

    def filed():
        path = tmp_path / "alerts.jsonl"
        return [json.loads(line)["alert_id"] for line in path.read_text().splitlines()] if path.exists() else []

    def hooked():
        return [body["message"] for _, body in receiver.received]

    def one_life(done):
        stop = threading.Event()
        arguments = (partial(connect, notifier_user), routes_of(tmp_path, settings), stop, 0.02)
        thread = threading.Thread(target=run, args=arguments, kwargs={"escalations": escalations_of(settings)})
        thread.start()
        try:
            wait_for(done)
        finally:
            stop.set()
            thread.join(30)
        assert not thread.is_alive()

    hit("whole-one", priority=1)
    hit("whole-two", priority=3)  # of no priority that the channel is told
    one_life(lambda: len(hooked()) == 2 and mails() and len(filed()) == 2)
    hit("whole-three", priority=2)  # told, not escalated
    one_life(lambda: len(hooked()) == 3 and len(filed()) == 3)
    assert hooked() == ["whole-one", "whole-one", "whole-three"]  # the first was refused
    assert mails() == ["〔升级：尚无人接警〕whole-one 地点不明"]  # a county that is none
    assert filed() == ["whole-one", "whole-two", "whole-three"]
