"""Common Alerting Protocol 1.2 (OASIS Standard CAP-v1.2-os, 1 July 2010; section numbers below are its own).

A message is a draft for few eyes until a person says otherwise: status Draft, scope Restricted. A message for everyone
(scope Public) names the county and no place inside it, and quotes nobody.

How an episode becomes urgency, severity and certainty (3.2.2):

| | |
| --- | --- |
| urgency | closed: Past. Priority 1: Immediate for 6 hours after its last news, then Expected; 2: Expected; 3: Future. Older than 24 hours, or priority 4: Unknown |
| severity | priority 1 Extreme, 2 Severe, 3 Moderate, 4 Minor |
| certainty | a person has verified it, or a hazard is official: Observed; contested: Unknown; else Possible |
"""  # noqa: E501 - a table row is a line

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.errors import UsageError
from udfs.export.case import CHINA, GROUPS, HAZARDS, STANDINGS, STATES, Case, Circle, printable, title, words

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
STATUSES = ("Actual", "Exercise", "Draft")
SCOPES = ("Public", "Restricted", "Private")

HOUR_MS = 3_600_000
FRESH_MS, STALE_MS = 6 * HOUR_MS, 24 * HOUR_MS
EXPIRES_MS = 6 * HOUR_MS
"""A message about people in need is soon untrue; whoever keeps it up sends an update."""
HEADLINE_CHARACTERS = 160
QUOTES, QUOTE_CHARACTERS = 3, 300
GEOCODE = "GB/T 2260"

SEVERITY: Mapping[int, str] = {1: "Extreme", 2: "Severe", 3: "Moderate", 4: "Minor"}
RESPONSE: Mapping[str, str] = {
    "unverified": "Assess", "verified": "Execute", "dispatched": "Monitor", "arrived": "Monitor", "closed": "AllClear",
}  # fmt: skip
_CATEGORY: Mapping[str, str] = {
    "rescue": "Rescue", "medical": "Health", "supplies": "Safety", "shelter": "Safety", "transport": "Transport",
    "missing_person": "Rescue", "other_help": "Safety", "offer": "Other",
    "dyke_breach": "Infra", "collapse": "Infra", "landslide": "Geo", "flood_rising": "Met", "electric": "Infra",
    "gas": "Infra", "fire": "Fire", "road_cut": "Transport",
}  # fmt: skip


@dataclass(frozen=True)
class Earlier:
    """The message that this one updates."""

    sender: str
    identifier: str
    sent: str


@dataclass(frozen=True)
class Envelope:
    """What a person decides about a message. ``sent`` is epoch ms."""

    sent: int
    sender: str = "draft@yuqing.invalid"
    sender_name: str = ""
    status: str = "Draft"
    scope: str = "Restricted"
    restriction: str = "仅供指挥中心核对，发布与否由人决定"
    addresses: tuple[str, ...] = ()
    note: str = ""
    updates: Earlier | None = None


def message(case: Case, envelope: Envelope) -> bytes:
    """The CAP message, UTF-8. Raises UsageError, naming the option, for what the standard does not allow."""
    _check(case, envelope)
    public = envelope.scope == "Public"
    alert = ET.Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", f"yuqing-{case.episode_id}-{_at(envelope.sent).strftime('%Y%m%d%H%M%S')}")
    _add(alert, "sender", envelope.sender)
    _add(alert, "sent", timestamp(envelope.sent))
    _add(alert, "status", envelope.status)
    _add(alert, "msgType", "Update" if envelope.updates else "Alert")
    _add(alert, "source", "yuqing")
    _add(alert, "scope", envelope.scope)
    if envelope.scope == "Restricted":
        _add(alert, "restriction", envelope.restriction)
    if envelope.scope == "Private":
        _add(alert, "addresses", " ".join(f'"{name}"' if " " in name else name for name in envelope.addresses))
    if envelope.note:
        _add(alert, "note", envelope.note)
    if envelope.updates:
        earlier = envelope.updates
        _add(alert, "references", f"{earlier.sender},{earlier.identifier},{earlier.sent}")
    _add(alert, "incidents", case.episode_id)
    _info(alert, case, envelope, public)
    ET.indent(alert)
    document: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _info(alert: ET.Element, case: Case, envelope: Envelope, public: bool) -> None:
    area = case.county if public else _place(case)
    name = area.name if area else (not public and case.place) or case.adcode or "地点不详"
    info = ET.SubElement(alert, "info")
    _add(info, "language", "zh-CN")
    for category in dict.fromkeys(_CATEGORY.get(label, "Other") for label in (*case.needs, *case.hazards)) or (
        "Other",
    ):
        _add(info, "category", category)
    _add(info, "event", "群众求助" if case.kind == "help" else f"险情：{words(case.hazards, HAZARDS) or '待核'}")
    _add(info, "responseType", RESPONSE.get(case.state, "Assess"))
    _add(info, "urgency", urgency(case, envelope.sent))
    _add(info, "severity", SEVERITY.get(case.priority, "Unknown"))
    _add(info, "certainty", certainty(case))
    _add(info, "onset", timestamp(case.first_at))
    _add(info, "expires", timestamp(envelope.sent + EXPIRES_MS))
    if envelope.sender_name:
        _add(info, "senderName", envelope.sender_name)
    _add(info, "headline", title(case, name)[:HEADLINE_CHARACTERS])
    _add(info, "description", _description(case, public))
    parameters: dict[str, object] = {
        "yuqing-priority": case.priority, "yuqing-state": case.state, "yuqing-callers": case.callers,
        "yuqing-relays": case.relays, "yuqing-posts": case.posts,
    }  # fmt: skip
    if case.quoted and not public:
        parameters["yuqing-evidence"] = " ".join(quoted.name for quoted in case.quoted)
    for parameter, value in parameters.items():
        _pair(info, "parameter", parameter, str(value))
    _area(info, name, area, case.adcode)


def _area(info: ET.Element, name: str, area: Circle | None, adcode: str) -> None:
    if area is None and not adcode:
        return  # 3.2.4: an area without a shape or code says nothing
    element = ET.SubElement(info, "area")
    _add(element, "areaDesc", name)
    if area is not None:
        _add(element, "circle", f"{area.lat:.5f},{area.lon:.5f} {area.radius_m / 1000:.3f}")
    if adcode:
        _pair(element, "geocode", GEOCODE, adcode)


def urgency(case: Case, now: int) -> str:
    """See the module's table."""
    if case.state == "closed":
        return "Past"
    age = now - case.last_at
    if age > STALE_MS or case.priority not in (1, 2, 3):
        return "Unknown"
    if case.priority == 1:
        return "Immediate" if age <= FRESH_MS else "Expected"
    return "Expected" if case.priority == 2 else "Future"


def certainty(case: Case) -> str:
    """See the module's table. How many posts say so makes nothing certain: copies are many."""
    if case.standing == "contested":
        return "Unknown"
    return "Observed" if case.verified_at or case.standing == "official" else "Possible"


def timestamp(ms: int) -> str:
    """3.3.2: local time with its offset, never Z, no fraction of a second."""
    return _at(ms).isoformat(timespec="seconds")


def earlier(document: bytes) -> Earlier:
    """Sender, identifier and time of a message that this module wrote. Raises UsageError for anything else."""
    found = {}
    text = document.decode("utf-8", "replace")
    # no parser of XML from elsewhere is let near a file that somebody was sent
    for name in ("sender", "identifier", "sent"):
        matched = re.search(rf"<{name}>([^<&,\s]+)</{name}>", text)
        if NAMESPACE not in text or not matched:
            raise UsageError(f"the earlier message has no {name}: it is no CAP 1.2 message of yuqing")
        found[name] = matched.group(1)
    return Earlier(**found)


def _check(case: Case, envelope: Envelope) -> None:
    for name, value, allowed in (("status", envelope.status, STATUSES), ("scope", envelope.scope, SCOPES)):
        if value not in allowed:
            raise UsageError(f"--{name} {value!r} is none of {', '.join(allowed)}")
    for name, value in (("sender", envelope.sender), ("id", case.episode_id)):
        if not re.fullmatch(r"[^\s,<&]+", value):
            raise UsageError(f"--{name} {value!r}: CAP allows no spaces, commas, < or & in it, and it is not empty")
    if envelope.status != "Draft" and envelope.sender == Envelope.sender:
        raise UsageError(f"--sender is missing: a message with status {envelope.status} names who sends it")
    if envelope.status == "Exercise" and not envelope.note.strip():
        raise UsageError("--note is missing: the note of an exercise says which exercise it belongs to")
    if envelope.scope == "Private" and not envelope.addresses:
        raise UsageError("--address is missing: a message with scope Private names whom it is for")
    if any('"' in name or not name.strip() for name in envelope.addresses):
        raise UsageError("--address holds a quotation mark or nothing")
    if envelope.scope == "Restricted" and not envelope.restriction.strip():
        raise UsageError("--restriction is empty: a message with scope Restricted says who may have it")
    if envelope.scope == "Public" and case.county is None:
        raise UsageError("--scope Public: the episode has no county, and the public is told no other place")


def _place(case: Case) -> Circle | None:
    if case.lat is None or case.lon is None:
        return replace(case.county, name=case.place or case.county.name) if case.county else None
    return Circle(case.place or case.adcode, case.lat, case.lon, case.radius_m or 0)


def _description(case: Case, public: bool) -> str:
    parts = [f"网络信息汇总：当前{STATES.get(case.state, case.state)}"]
    if case.standing:
        parts.append(f"说法{STANDINGS.get(case.standing, case.standing)}")
    if case.hazards:
        parts.append(f"反映险情：{words(case.hazards, HAZARDS)}")
    if case.people:
        parts.append(f"涉及约{case.people}人")
    if case.vulnerable:
        parts.append(f"其中有{words(case.vulnerable, GROUPS)}")
    parts.append(f"不同来电{case.callers}个，转发转述{case.relays}条")
    text = "；".join(parts) + "。"
    if not public:
        text += "".join(f"“{printable(q.text)[:QUOTE_CHARACTERS]}”（{q.name}）" for q in case.quoted[:QUOTES])
    return text


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = printable(text)


def _pair(parent: ET.Element, element: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, element)
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, CHINA)
