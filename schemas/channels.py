"""Channels of alerts, as a site writes them into its settings: who is told what, when, and in which words."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Priority = Annotated[int, Field(ge=1, le=4)]

TEMPLATE_FIELDS = (
    "level", "place", "what", "first", "callers", "reposts", "posts", "reasons", "state", "rule", "id",
)  # fmt: skip
"""What a template may name. None of them is text of a post."""

DEFAULT_TEMPLATE = (
    "【${level}】${place} ${what}\n"
    "首报 ${first}，来电 ${callers} 人，转发 ${reposts} 条\n"
    "理由：${reasons}\n"
    "编号 ${id}（${state}），接警：yuqing alerts ack ${id}"
)

PLAIN_NAMES = ("webhook", "file")
"""Of the channel that every site has: ``alerts.webhook``, else a file under HOME."""

_HOURS = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")


class ChannelSection(BaseModel):
    """One way to people. The address is an apprise URL, given in exactly one of three ways."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^\w[\w-]{0,31}$")]
    """What commands, the log and the outbox call it."""
    url: SecretStr = SecretStr("")
    url_file: Path | None = None
    """A file that holds the address, so that its secret stays out of the settings."""
    url_env: str = ""
    """An environment variable that holds it."""
    priorities: tuple[Priority, ...] = (1, 2)
    """Which alerts it is told; none: only what is escalated to it."""
    quiet_hours: str = ""
    """HH:MM-HH:MM, over midnight too; alerts of priority >= quiet_below wait until they end."""
    quiet_below: Literal[2, 3, 4] = 3
    """Never 1: a life at risk does not wait for the morning."""
    time_zone: str = "Asia/Shanghai"
    escalate_after_s: Annotated[float, Field(gt=0)] | None = None
    """An alert that nobody acknowledges for so long goes to the channel ``escalate_to``, once."""
    escalate_to: str = ""
    escalate_priority: Priority = 1
    """Alerts of this priority and more urgent ones are escalated."""
    per_minute: Annotated[int, Field(ge=2, le=600)] = 20
    """Most messages; the rest is folded into digests."""
    places: bool = False
    """True: the place of an alert (L3) is sent; false: no more than its county."""
    template: str = DEFAULT_TEMPLATE

    @field_validator("quiet_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        if value:
            minutes_of(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"{value!r} is no time zone like Asia/Shanghai") from None
        return value

    @field_validator("template")
    @classmethod
    def _template(cls, value: str) -> str:
        template = Template(value)
        if not template.is_valid():
            raise ValueError("a $ must begin a field like ${place}; write $$ for the sign itself")
        for field in template.get_identifiers():
            if field not in TEMPLATE_FIELDS:
                raise ValueError(f"there is no field ${{{field}}}; there are {', '.join(TEMPLATE_FIELDS)}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> ChannelSection:
        given = [bool(self.url.get_secret_value()), self.url_file is not None, bool(self.url_env)]
        if sum(given) != 1:
            raise ValueError(f"channel {self.name}: give exactly one of url, url_file and url_env")
        if (self.escalate_after_s is None) != (not self.escalate_to):
            raise ValueError(f"channel {self.name}: escalate_after_s and escalate_to go together")
        return self


def minutes_of(hours: str) -> tuple[int, int]:
    """``22:00-07:00`` as (1320, 420): minutes of the day. Raises ValueError for anything else."""
    matched = _HOURS.match(hours)
    if matched is None:
        raise ValueError(f"{hours!r} is not like 22:00-07:00")
    hour, minute, to_hour, to_minute = (int(part) for part in matched.groups())
    start, end = hour * 60 + minute, to_hour * 60 + to_minute
    if start == end:
        raise ValueError(f"{hours!r} begins when it ends")
    return start, end


def check_together(channels: tuple[ChannelSection, ...]) -> None:
    """Raises ValueError when two share a name or one escalates to a channel that is not there."""
    names = [channel.name for channel in channels]
    for name in names:
        if name in PLAIN_NAMES:
            raise ValueError(f"a channel cannot be named {name}: that is what the plain one is called")
        if names.count(name) > 1:
            raise ValueError(f"two channels are named {name}")
    for channel in channels:
        if channel.escalate_to and (channel.escalate_to not in names or channel.escalate_to == channel.name):
            raise ValueError(f"channel {channel.name}: escalate_to {channel.escalate_to} is no other channel")
