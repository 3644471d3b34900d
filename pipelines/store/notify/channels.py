"""The ways to people: a plain webhook, a file, and whatever `apprise` has an address for.

企业微信 ``wecombot://KEY``, 钉钉 ``dingtalk://SECRET@TOKEN``, 飞书 ``feishu://TOKEN``, ``mailto://``, ``json://`` and
SMS gateways. Each ``send`` blocks for a few times ``SEND_TIMEOUT_S`` at most; every channel has a thread of its own.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from pipelines.store.notify.messages import Digest, Message, Wording, without_place
from pipelines.store.notify.outbox import EVERYTHING, Escalation, Wanted
from pipelines.store.notify.pacing import QuietHours
from schemas.channels import ChannelSection
from schemas.errors import UsageError
from schemas.settings import Settings

SEND_TIMEOUT_S = 10.0


class DeliveryFailed(Exception):
    """The receiver did not accept. The message says how (status or kind of error), never what was sent or where to."""


class Channel(Protocol):
    """A way to a person. ``send`` returns what the receiver answered, or raises DeliveryFailed."""

    name: str
    places: bool
    """False: messages come without more of a place than its county."""

    def send(self, message: Message | Digest) -> str: ...


class Webhook:
    """POSTs JSON; any 2xx is acceptance. Redirects are not followed."""

    name = "webhook"
    places = True

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"alerts.webhook {url!r} is not an http or https address")
        self.url = url
        self._http = httpx.Client(timeout=SEND_TIMEOUT_S, transport=transport, trust_env=False)

    def send(self, message: Message | Digest) -> str:
        try:
            answer = self._http.post(
                self.url, json=asdict(message), headers={"Idempotency-Key": message.idempotency_key}
            )
        except httpx.HTTPError as error:
            raise DeliveryFailed(type(error).__name__) from None
        if not answer.is_success:
            raise DeliveryFailed(f"HTTP {answer.status_code}")
        return f"HTTP {answer.status_code}"


class AlertFile:
    """Appends a line a message: for a site that has no receiver yet."""

    name = "file"
    places = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: Message | Digest) -> str:
        try:
            line = json.dumps(asdict(message), ensure_ascii=False) + "\n"
            with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise DeliveryFailed(error.strerror or type(error).__name__) from None
        return "written"


class AppriseChannel:
    """Sends words through apprise.

    apprise has no idempotency: a message that was accepted just before the notifier was killed comes twice, with the
    same number in it. Raises UsageError for an address that apprise does not understand, without the address.
    """

    def __init__(self, name: str, url: str, wording: Wording | None = None, places: bool = False) -> None:
        import apprise

        self.name = name
        self.places = places
        self._wording = wording or Wording()
        _listen()
        self._plugin: Any = apprise.Apprise.instantiate(url.strip(), suppress_exceptions=True)
        if self._plugin is None:
            scheme = url.partition("://")[0] if "://" in url else ""
            shown = f" ({scheme}://...)" if re.fullmatch(r"[a-z0-9]{1,20}", scheme) else ""
            raise UsageError(f"alerts.channels: channel {name}: apprise does not understand its address{shown}")
        if "cto=" not in url:
            self._plugin.socket_connect_timeout = SEND_TIMEOUT_S
        if "rto=" not in url:
            self._plugin.socket_read_timeout = SEND_TIMEOUT_S
        if "overflow=" not in url:  # an SMS holds 160 characters: several are better than one that is refused
            self._plugin.overflow_mode = apprise.OverflowMode.SPLIT
        self._kind: Any = apprise.NotifyType
        self._answers = _watch(self._plugin)

    def send(self, message: Message | Digest) -> str:
        if isinstance(message, Digest):
            body, urgent = self._wording.render_digest(message), min(message.priorities) <= 2
        else:
            body, urgent = self._wording.render(message), message.priority <= 2
        _heard.reason = ""
        if self._answers:
            self._answers.forget()
        accepted = self._plugin.notify(
            body=body,
            title=body.partition("\n")[0] if self._mail() else "",
            notify_type=self._kind.WARNING if urgent else self._kind.INFO,
            body_format="text",
        )
        if not accepted:
            raise DeliveryFailed(_heard.reason or "not accepted")
        if self._answers and (refused := self._answers.refused()):
            raise DeliveryFailed(refused)
        return "accepted"

    def _mail(self) -> bool:
        """Only e-mail has a subject line; elsewhere a title would repeat the text's first line."""
        return str(type(self._plugin).__module__).startswith("apprise.plugins.email")


@dataclass(frozen=True)
class Route:
    """A channel and what it is told when. The plain one has no name, no quiet hours and no limit."""

    channel: Channel
    wanted: Wanted = EVERYTHING
    quiet: QuietHours | None = None
    per_minute: int = 0

    @property
    def receiver(self) -> str:
        return self.wanted.receiver


def plain_channel(home: Path, settings: Settings) -> Channel:
    """The webhook of the settings, else ``HOME/alerts.jsonl``."""
    return Webhook(settings.alerts.webhook) if settings.alerts.webhook else AlertFile(home / "alerts.jsonl")


def routes_of(home: Path, settings: Settings) -> list[Route]:
    """The plain one and every channel of the settings. Raises UsageError that names the channel that does not fit."""
    return [Route(plain_channel(home, settings)), *(_route(section) for section in settings.alerts.channels)]


def escalations_of(settings: Settings) -> list[Escalation]:
    return [
        Escalation(
            receiver=section.escalate_to,
            priority=section.escalate_priority,
            after_ms=int(section.escalate_after_s * 1000),
            priorities=section.priorities,
            quiet=_quiet(section),
        )
        for section in settings.alerts.channels
        if section.escalate_after_s is not None
    ]


def _route(section: ChannelSection) -> Route:
    wording = Wording(section.template, section.time_zone)
    return Route(
        AppriseChannel(section.name, _address(section), wording, section.places),
        Wanted(section.name, section.priorities),
        _quiet(section),
        section.per_minute,
    )


def _quiet(section: ChannelSection) -> QuietHours | None:
    return QuietHours(section.quiet_hours, section.quiet_below, section.time_zone) if section.quiet_hours else None


def _address(section: ChannelSection) -> str:
    if section.url_file is not None:
        try:
            return section.url_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"alerts.channels: channel {section.name}: url_file {section.url_file} cannot be read "
                f"({type(error).__name__})"
            ) from None
    if section.url_env:
        if section.url_env not in os.environ:
            raise UsageError(
                f"alerts.channels: channel {section.name}: environment variable {section.url_env} is not set"
            )
        return os.environ[section.url_env]
    return section.url.get_secret_value()


def county_of(adcode: str) -> str:
    """Full path of a county; empty without one. Loads the gazetteer on its first use (.5 s)."""
    from udfs.places.gazetteer import Gazetteer

    try:
        return Gazetteer.load().by_adcode(adcode).path
    except KeyError:
        return ""


def reduced(message: Message, adcode: str, channel: Channel) -> Message:
    """The message as ``channel`` may have it."""
    return message if channel.places else without_place(message, county_of(adcode) if adcode else "")


_heard = threading.local()
"""Why apprise says that it failed, by thread."""


class _Reasons(logging.Handler):
    """Takes from apprise's log what failed, and keeps the rest, which may quote an address or an answer, to itself."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        status = re.search(r"\berror=(\d{3})\b", message)
        if status:
            _heard.reason = f"HTTP {status[1]}"
        elif "onnection error" in message or "Exception" in message:
            _heard.reason = "connection error"


def _listen() -> None:
    logger = logging.getLogger("apprise")
    if not any(isinstance(handler, _Reasons) for handler in logger.handlers):
        logger.addHandler(_Reasons(logging.WARNING))
    logger.propagate = False
    logger.setLevel(logging.WARNING)


class _Answers:
    """Stands in for the module ``requests`` in one of apprise's plugins and reads what the service answered.

    企业微信 and 钉钉 refuse (a wrong key, too many messages) with HTTP 200 and ``errcode`` in the body, which apprise
    2.3 takes for accepted: an alert would be gone.
    """

    def __init__(self, requests: Any) -> None:
        self._requests = requests
        self._said = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    def post(self, *arguments: Any, **options: Any) -> Any:
        answer = self._requests.post(*arguments, **options)
        try:
            body = answer.json()
        except ValueError:
            body = None
        code = body.get("errcode") if isinstance(body, dict) else None
        if code and not getattr(self._said, "refused", ""):
            self._said.refused = f"refused with errcode {code}" if isinstance(code, int) else "refused"
        return answer

    def forget(self) -> None:
        self._said.refused = ""

    def refused(self) -> str:
        return str(getattr(self._said, "refused", ""))


_JUDGED = ("apprise.plugins.wecombot", "apprise.plugins.dingtalk")


def _watch(plugin: Any) -> _Answers | None:
    module: Any = sys.modules[type(plugin).__module__]
    if module.__name__ not in _JUDGED:
        return None
    if not isinstance(module.requests, _Answers):
        module.requests = _Answers(module.requests)
    answers: _Answers = module.requests
    return answers
