"""CAP 1.2: every rule of the OASIS standard that a message of ours could break, checked on what is written.

No schema file is shipped: ``ALERT``, ``INFO`` and ``AREA`` are its sequences (CAP-v1.2-os, section 3.4), with how often
an element may stand.
"""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from schemas.errors import UsageError
from udfs.export.cap import EXPIRES_MS, HOUR_MS, Earlier, Envelope, certainty, earlier, message, urgency
from udfs.export.case import Case, Circle, Quoted

NOW = 1_790_000_000_000
NS = "{urn:oasis:names:tc:emergency:cap:1.2}"
COUNTY = Circle("河南省郑州市巩义市", 34.75, 112.98, 20_000)
CASE = Case(
    episode_id="ab12" * 8, kind="help", priority=1, place="河南省郑州市巩义市某镇某村", level="village",
    adcode="410181", first_at=NOW - HOUR_MS, last_at=NOW - 60_000, lat=34.7, lon=113.0, radius_m=900,
    needs=("rescue", "medical"),
    hazards=("flood_rising",), vulnerable=("elderly",), people=5, callers=2, relays=9, posts=11, numbers=2,
    quoted=(Quoted("weibo", "p1", "<PLACE>被困，<PERSON>&一家"),), county=COUNTY,
)  # fmt: skip
DRAFT = Envelope(NOW)
ACTUAL = Envelope(NOW, "duty@city.example", "某市应急指挥中心", "Actual", "Public")
EARLIER = Earlier("duty@city.example", "yuqing-x-1", "2026-09-21T21:00:00+08:00")

# element -> least and most often; in this order
ALERT = {
    "identifier": (1, 1), "sender": (1, 1), "sent": (1, 1), "status": (1, 1), "msgType": (1, 1), "source": (0, 1),
    "scope": (1, 1), "restriction": (0, 1), "addresses": (0, 1), "code": (0, 99), "note": (0, 1), "references": (0, 1),
    "incidents": (0, 1), "info": (0, 99),
}  # fmt: skip
INFO = {
    "language": (0, 1), "category": (1, 99), "event": (1, 1), "responseType": (0, 99), "urgency": (1, 1),
    "severity": (1, 1), "certainty": (1, 1), "audience": (0, 1), "eventCode": (0, 99), "effective": (0, 1),
    "onset": (0, 1), "expires": (0, 1), "senderName": (0, 1), "headline": (0, 1), "description": (0, 1),
    "instruction": (0, 1), "web": (0, 1), "contact": (0, 1), "parameter": (0, 99), "resource": (0, 99), "area": (0, 99),
}  # fmt: skip
AREA = {
    "areaDesc": (1, 1), "polygon": (0, 99), "circle": (0, 99), "geocode": (0, 99), "altitude": (0, 1),
    "ceiling": (0, 1),
}  # fmt: skip
PAIR = {"valueName": (1, 1), "value": (1, 1)}
WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
IDENTIFIER = re.compile(r"[^\s,<&]+")


def in_order(element: ET.Element, sequence: dict[str, tuple[int, int]]) -> None:
    names = [child.tag.removeprefix(NS) for child in element]
    assert all(child.tag.startswith(NS) for child in element)
    assert names == sorted(names, key=list(sequence).index), f"{element.tag}: out of order"
    for name, (least, most) in sequence.items():
        assert least <= names.count(name) <= most, f"{element.tag}: {name} {names.count(name)} times"


def valid(document: bytes) -> ET.Element:
    """The message, after every check."""
    alert = ET.fromstring(document)  # noqa: S314 - our own
    assert alert.tag == f"{NS}alert"
    in_order(alert, ALERT)
    for info in alert.findall(f"{NS}info"):
        in_order(info, INFO)
        for area in info.findall(f"{NS}area"):
            in_order(area, AREA)
            for circle in area.findall(f"{NS}circle"):
                lat, lon, km = map(float, re.fullmatch(r"(\S+),(\S+) (\S+)", circle.text or "").groups())
                assert -90 <= lat <= 90 and -180 <= lon <= 180 and km >= 0  # noqa: PT018
    for pair in (*alert.iter(f"{NS}parameter"), *alert.iter(f"{NS}geocode"), *alert.iter(f"{NS}eventCode")):
        in_order(pair, PAIR)
    for name, allowed in WORDS.items():
        assert {element.text for element in alert.iter(f"{NS}{name}")} <= set(allowed.split()), name
    for name in ("sent", "effective", "onset", "expires"):
        for element in alert.iter(f"{NS}{name}"):
            assert TIME.fullmatch(element.text or ""), f"{name} {element.text}"
    for name in ("identifier", "sender"):
        assert IDENTIFIER.fullmatch(text(alert, name)), name
    # what hangs together: 3.2.1 of the standard
    assert (text(alert, "scope") == "Restricted") == (alert.find(f"{NS}restriction") is not None)
    assert (text(alert, "scope") == "Private") == (alert.find(f"{NS}addresses") is not None)
    if text(alert, "msgType") in ("Update", "Cancel"):
        for one in text(alert, "references").split():
            sender, identifier, sent = one.split(",")
            assert IDENTIFIER.fullmatch(sender) and IDENTIFIER.fullmatch(identifier) and TIME.fullmatch(sent)  # noqa: PT018
    assert all((element.text or "").strip() for element in alert.iter() if len(element) == 0), "an empty element"
    return alert


def text(element: ET.Element, name: str) -> str:
    found = element.find(f".//{NS}{name}")
    assert found is not None, name
    return found.text or ""


BARE = replace(
    CASE, lat=None, lon=None, radius_m=None, place="", adcode="", needs=(), hazards=(), people=None, county=None
)
CASES: dict[str, Case] = {
    "full": CASE,
    "bare": replace(BARE, quoted=(), vulnerable=()),
    "no point": replace(CASE, lat=None, lon=None),
    "hazard": replace(CASE, kind="hazard", needs=(), hazards=("dyke_breach",), standing="contested"),
    "closed": replace(CASE, state="closed"),
    "controls": replace(CASE, place="某村\x00\x0b\ud800<&>", quoted=(Quoted("x", "\ufffe", "a\x1b[0m\ud83d]]>"),)),
    "unknown labels": replace(CASE, priority=9, needs=("new_need",), state="new_state", standing="new"),
}
ENVELOPES: dict[str, Envelope] = {
    "draft": DRAFT,
    "private": replace(DRAFT, scope="Private", addresses=("某 单位", "duty@b.example")),
    "exercise": replace(ACTUAL, status="Exercise", scope="Restricted", note="2026 演练"),
    "update": replace(DRAFT, updates=EARLIER),
}


@pytest.mark.parametrize(("case", "envelope"), list(itertools.product(CASES, ENVELOPES)))
def test_every_message_keeps_to_the_standard(case: str, envelope: str) -> None:
    valid(message(CASES[case], ENVELOPES[envelope]))


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.county])
def test_every_public_message_keeps_to_the_standard(case: str) -> None:
    valid(message(CASES[case], ACTUAL))


# (what is done to a good message, words of the check): the checks above can fail
BROKEN = [
    (lambda good: re.sub(rb"(<sent>[^<]*)\+08:00", rb"\1Z", good), "sent"),
    (lambda good: good.replace(b"<scope>Restricted</scope>", b""), "scope"),
    (lambda good: good.replace(b">Draft<", b">Secret<"), "status"),
    (lambda good: re.sub(rb"(<status>.*?</status>)(\s*)(<msgType>.*?</msgType>)", rb"\3\2\1", good), "order"),
    (lambda good: re.sub(rb"<event>.*?</event>", b"", good), "event"),
    (lambda good: good.replace(b"<sender>", b"<sender>a "), "sender"),
    (lambda good: re.sub(rb"<restriction>.*?</restriction>", b"", good), "restriction|None"),
    (lambda good: re.sub(rb"<areaDesc>.*?</areaDesc>", b"", good), "areaDesc"),
    (lambda good: re.sub(rb"<circle>.*?</circle>", b"<circle>95,113 1</circle>", good), "90"),
]


@pytest.mark.parametrize(("breaks", "words"), BROKEN)
def test_the_checks_see_what_is_wrong(breaks: Any, words: str) -> None:
    broken = breaks(message(CASE, DRAFT))
    assert broken != message(CASE, DRAFT)
    with pytest.raises(AssertionError, match=words):
        valid(broken)


def test_a_message_is_a_draft_for_few_until_a_person_says_otherwise() -> None:
    alert = valid(message(CASE, DRAFT))
    assert [text(alert, name) for name in ("status", "scope", "msgType")] == ["Draft", "Restricted", "Alert"]
    assert text(alert, "identifier") == f"yuqing-{CASE.episode_id}-20260921221320"
    assert text(alert, "sent") == "2026-09-21T22:13:20+08:00"
    assert datetime.fromisoformat(text(alert, "expires")).timestamp() * 1000 == NOW + EXPIRES_MS
    assert [element.text for element in alert.iter(f"{NS}category")] == ["Rescue", "Health", "Met"]
    assert text(alert, "circle") == "34.70000,113.00000 0.900"
    assert "<PLACE>被困，<PERSON>&一家" in text(alert, "description")


def test_the_public_is_told_the_county_and_nobody_is_quoted() -> None:
    document = message(CASE, ACTUAL)
    alert = valid(document)
    assert [text(alert, name) for name in ("areaDesc", "value", "circle")] == [
        COUNTY.name, "1", "34.75000,112.98000 20.000",
    ]  # fmt: skip
    for hidden in ("某村", "某镇", "被困", "p1", "113.0", "34.7,"):
        assert hidden not in document.decode()
    assert "某村" in message(CASE, DRAFT).decode()


def test_an_update_names_the_message_before() -> None:
    first = message(CASE, replace(ACTUAL, scope="Restricted"))
    before = earlier(first)
    assert (before.sender, before.sent) == ("duty@city.example", "2026-09-21T22:13:20+08:00")
    second = valid(message(CASE, replace(ACTUAL, sent=NOW + HOUR_MS, updates=before)))
    assert text(second, "msgType") == "Update"
    assert text(second, "references") == f"duty@city.example,{before.identifier},{before.sent}"
    for other in (b"", b"<sender>a</sender>", b"\xff\x00", first.replace(b"cap:1.2", b"cap:1.1")):
        with pytest.raises(UsageError, match=r"no CAP 1\.2 message"):
            earlier(other)


# envelope, words of the error
WRONG = [
    (replace(DRAFT, status="Actual"), "--sender is missing"),
    (replace(DRAFT, status="Secret"), "--status 'Secret'"),
    (replace(DRAFT, scope="Everybody"), "--scope 'Everybody'"),
    (replace(ACTUAL, sender="duty officer"), "no spaces"),
    (replace(ACTUAL, sender="a,b"), "no spaces"),
    (replace(ACTUAL, sender="<a>"), "no spaces"),
    (replace(ACTUAL, sender=""), "not empty"),
    (replace(ACTUAL, status="Exercise"), "--note is missing"),
    (replace(DRAFT, scope="Private"), "--address is missing"),
    (replace(DRAFT, scope="Private", addresses=('a"b',)), "quotation mark"),
    (replace(DRAFT, restriction=" "), "--restriction is empty"),
]


@pytest.mark.parametrize(("envelope", "words"), WRONG)
def test_envelopes_that_the_standard_does_not_allow(envelope: Envelope, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        message(CASE, envelope)


def test_the_public_is_told_nothing_without_a_county() -> None:
    with pytest.raises(UsageError, match="has no county"):
        message(replace(CASE, county=None), ACTUAL)


# priority, hours since the last news, state -> urgency
URGENCIES = [
    (1, 0, "unverified", "Immediate"), (1, 6, "verified", "Immediate"), (1, 7, "verified", "Expected"),
    (1, 25, "verified", "Unknown"), (2, 0, "unverified", "Expected"), (2, 25, "arrived", "Unknown"),
    (3, 23, "unverified", "Future"), (4, 0, "unverified", "Unknown"), (1, 0, "closed", "Past"),
]  # fmt: skip


@pytest.mark.parametrize(("priority", "hours", "state", "expected"), URGENCIES)
def test_urgency(priority: int, hours: int, state: str, expected: str) -> None:
    case = replace(CASE, priority=priority, last_at=NOW - hours * HOUR_MS, state=state)
    assert urgency(case, NOW) == expected
    assert text(valid(message(case, DRAFT)), "urgency") == expected


# standing, verified, callers -> certainty
CERTAINTIES = [
    ("", False, 99, "Possible"), ("", True, 1, "Observed"), ("unverified", False, 9, "Possible"),
    ("official", False, 1, "Observed"), ("contested", False, 9, "Unknown"), ("contested", True, 9, "Unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("standing", "verified", "callers", "expected"), CERTAINTIES)
def test_certainty(standing: str, verified: bool, callers: int, expected: str) -> None:
    case = replace(CASE, standing=standing, verified_at=NOW if verified else None, callers=callers)
    assert certainty(case) == expected
    assert text(valid(message(case, DRAFT)), "certainty") == expected


SEVERITIES = {1: "Extreme", 2: "Severe", 3: "Moderate", 4: "Minor", 5: "Unknown"}


@pytest.mark.parametrize(("priority", "severity"), SEVERITIES.items())
def test_severity(priority: int, severity: str) -> None:
    assert text(valid(message(replace(CASE, priority=priority), DRAFT)), "severity") == severity


def test_a_long_headline_is_cut() -> None:
    alert = valid(message(replace(CASE, place="很长的地名" * 60), DRAFT))
    assert len(text(alert, "headline")) == 160
