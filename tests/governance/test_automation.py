"""The circuit breaker of automatic approval, as a table of histories; who may close it; what the ledger says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from governance.audit import verify
from governance.automation import (
    CLOSED,
    OPEN,
    Band,
    Outcome,
    State,
    close,
    judge,
    note_closing,
    note_opening,
    note_refusal,
    ocr_confidence,
    stop,
    would,
)
from governance.keys import ensure_keys
from governance.roles import AccessRefused, Grant, Person
from schemas.applications import FileReading, Line, Page, Reading
from schemas.errors import UsageError
from schemas.settings import Bands

NOW = 1_700_000_000_000
BANDS = Bands(window=200, minimum=50, reviews=100, reviews_minimum=5)
FINE = Outcome("approve", 5.0)
KEPT = replace(FINE, decision="refer")
REJECTED = replace(FINE, decision="propose_reject")
SLOW = replace(FINE, seconds=21.0)
SCAN, POOR = replace(FINE, ocr_confidence=0.95), replace(FINE, ocr_confidence=0.5)
SAME, OTHER = replace(FINE, agreed=True), replace(FINE, agreed=False)
USUAL = [*[FINE] * 4, KEPT]  # a fifth is referred


def last(*outcomes):
    """After a hundred usual applications."""
    return [*USUAL * 20, *outcomes]


HISTORIES = {
    # nothing, or too few
    "nothing happened": ([], ""),
    "usual": (USUAL * 40, ""),
    "three that are bad in every way": ([replace(KEPT, seconds=99, ocr_confidence=0.1, agreed=False)] * 3, ""),
    "49 referred": ([KEPT] * 49, ""),
    "50 referred": ([KEPT] * 50, "referral_high"),
    "49 slow": ([*[SLOW] * 48, KEPT], ""),
    "50 slow": ([*[SLOW] * 49, KEPT], "slower"),
    # referrals: the limit is 0.70 of the latest 200; 155 have a probability of .0111 there, 156 of .0072
    "referrals at the limit": ([*[FINE] * 60, *[KEPT] * 140], ""),
    "referrals just in": ([*[FINE] * 45, *[KEPT] * 155], ""),
    "referrals just out": ([*[FINE] * 44, *[KEPT] * 156], "referral_high"),
    "proposed rejections count as not approved": ([*[FINE] * 44, *[REJECTED] * 156], "referral_high"),
    "referrals long ago are forgotten": ([*[KEPT] * 300, *USUAL * 40], ""),
    # suspiciously few: under 0.02; none of 200 has a probability of .0176 there (see below)
    "none of 200 referred": ([FINE] * 200, ""),
    "one of 20 referred": ([*[FINE] * 19, KEPT] * 10, ""),
    # latency: 0.05 of 200 may be slow; eighteen have a probability of .0121 there, nineteen of .0058
    "slow just in": ([*USUAL * 40, *[SLOW] * 18], ""),
    "slow just out": ([*USUAL * 40, *[SLOW] * 19], "slower"),
    "exactly at the limit is in time": (last(*[replace(FINE, seconds=20.0)] * 80), ""),
    "a time that is not a number is slow": (last(*[replace(FINE, seconds=math.nan)] * 60), "slower"),
    # OCR: the median of those with OCR; 62 poor of 100 have a probability of .0105, 63 of .0060
    "no scans at all": (USUAL * 40, ""),
    "scans fine": (last(*[SCAN] * 60), ""),
    "scans half poor": (last(*[SCAN, POOR] * 40), ""),
    "49 poor scans": (last(*[POOR] * 49), ""),
    "50 poor scans": (last(*[POOR] * 50), "ocr_confidence"),
    "poor just in": (last(*[SCAN] * 38, *[POOR] * 62), ""),
    "poor just out": (last(*[SCAN] * 37, *[POOR] * 63), "ocr_confidence"),
    "poor scans beside many text layers": ([*[*USUAL, POOR] * 60], ""),  # 33 of the latest 200
    "a confidence that is no number is poor": (last(*[replace(FINE, ocr_confidence=math.nan)] * 50), "ocr_confidence"),
    # reviews
    "one disagreement, the first review": (last(OTHER), ""),
    "four disagreements, too few reviews": (last(*[OTHER] * 4), ""),
    "one of five": (last(OTHER, *[SAME] * 4), ""),
    "two of five": (last(OTHER, OTHER, *[SAME] * 3), "disagreement"),
    "two of seven": (last(OTHER, OTHER, *[SAME] * 5), "disagreement"),
    "two of eight": (last(OTHER, OTHER, *[SAME] * 6), ""),
    "three of twelve": (last(*[OTHER] * 3, *[SAME] * 9), "disagreement"),
    "two of a hundred": ([*[SAME] * 49, OTHER] * 2 + USUAL * 20, ""),
    "reviews older than the window of applications count": ([OTHER, OTHER, *[SAME] * 3, *USUAL * 60], "disagreement"),
    "disagreements before the latest hundred reviews are forgotten": ([*[OTHER] * 20, *[SAME] * 100, *USUAL * 40], ""),
    "reviews are judged before there are fifty applications": ([*[OTHER] * 5], "disagreement"),
    # flapping: good and bad by turns, on the limit, opens nothing
    "flapping about the referral limit": ([*[KEPT] * 7, *[FINE] * 3] * 20, ""),
    "flapping about the latency limit": ([*[FINE] * 8, KEPT, KEPT, *[FINE] * 9, SLOW] * 10, ""),
    # clocks
    "a clock that goes back": ([replace(KEPT, at=NOW - n * 60_000) for n in range(60)], "referral_high"),
    "a clock that stands": ([replace(KEPT, at=NOW)] * 60, "referral_high"),
    "two at once": ([replace(POOR, decision="refer", seconds=60)] * 60, "ocr_confidence referral_high slower"),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history(name):
    history, opens = HISTORIES[name]
    verdict = judge(State(), history, BANDS, NOW)
    assert [why.split(":")[0].split()[0] for why in verdict.why] == opens.split(), verdict.why
    assert verdict.opens == bool(opens)
    assert verdict.state == (State(OPEN, 0, NOW, verdict.why, "breaker") if opens else State())


def test_suspiciously_few_referrals():
    wide = Bands(window=400)
    assert not judge(State(), [FINE] * 227, wide, NOW).opens  # .98 ** 227 is .0102
    assert judge(State(), [FINE] * 228, wide, NOW).why == ("referral_low: 0 of 228, limit 0.02",)
    assert not judge(State(), [*[FINE] * 380, *[KEPT] * 3], wide, NOW).opens


def person(name, *roles):
    return Person(name, tuple(Grant(role, "setup", 0) for role in roles))


OFFICER, OPERATOR, ANALYST = person("ofelia", "officer"), person("olga", "operator"), person("ann", "analyst")
BOTH = person("bo", "officer", "auditor")
OPENED = judge(State(), [KEPT] * 60, BANDS, NOW).state


def test_open_stays_open_whatever_comes():
    for history in ([], USUAL * 40, [KEPT] * 60):
        assert judge(OPENED, history, BANDS, NOW + 1) == judge(OPENED, [], BANDS, NOW)
        assert judge(OPENED, history, BANDS, NOW + 1).state is OPENED


def test_after_a_person_closed_it_old_history_no_longer_counts():
    old = [KEPT] * 60
    closed = close(OPENED, OFFICER, "new scanners are set up", NOW + 5)
    assert closed == State(CLOSED, 1, NOW + 5, ("new scanners are set up",), "ofelia")
    assert not judge(closed, old, BANDS, NOW + 6).opens
    later = [replace(one, epoch=1) for one in old]
    assert not judge(closed, [*old, *later[:49]], BANDS, NOW + 6).opens
    again = judge(closed, [*old, *later], BANDS, NOW + 7)
    assert again.state == State(OPEN, 1, NOW + 7, ("referral_high: 60 of 60, limit 0.7",), "breaker")
    # a clock that was set back by a day hides nothing
    early = [replace(one, at=NOW - 86_400_000) for one in later]
    assert judge(closed, early, BANDS, NOW - 86_400_000).opens


@pytest.mark.parametrize(
    ("change", "state", "who", "reason", "refused"),
    [
        (close, OPENED, OFFICER, "mended", None),
        (close, OPENED, person("emb"), "mended", AccessRefused),
        (close, OPENED, OPERATOR, "mended", AccessRefused),
        (close, OPENED, ANALYST, "mended", AccessRefused),
        (close, OPENED, BOTH, "mended", AccessRefused),
        (close, OPENED, Person("sole", embedded=True), "mended", None),
        (close, OPENED, Person(" ", embedded=True), "mended", UsageError),
        (close, OPENED, OFFICER, "  ok ", UsageError),
        (close, State(), OFFICER, "mended", UsageError),
        (stop, State(), OFFICER, "a wrong rule", None),
        (stop, State(), OPERATOR, "a wrong rule", None),
        (stop, State(), ANALYST, "a wrong rule", AccessRefused),
        (stop, State(), OPERATOR, "", UsageError),
        (stop, OPENED, OPERATOR, "a wrong rule", UsageError),
    ],
)
def test_who_may_stop_and_close(change, state, who, reason, refused):
    if refused is None:
        after = change(state, who, reason, NOW)
        assert (after.automatic, after.by, after.why) == (change is close, who.name, (reason,))
        assert after.epoch == state.epoch + (change is close)
    else:
        with pytest.raises(refused):
            change(state, who, reason, NOW)


def test_the_ledger_says_what_happened(tmp_path):
    ensure_keys(tmp_path)
    clock = lambda: NOW  # noqa: E731
    stopped = stop(State(), OPERATOR, "a wrong rule", NOW)
    entries = [
        note_opening(tmp_path, OPENED, clock),
        note_refusal(tmp_path, ANALYST, "automation.close", AccessRefused("needs the role officer"), clock),
        note_closing(tmp_path, close(OPENED, OFFICER, "mended", NOW), clock),
        note_opening(tmp_path, stopped, clock),
    ]
    assert [(one.actor, one.action, one.detail["why"]) for one in entries] == [
        ("breaker", "automation.opened", ["referral_high: 60 of 60, limit 0.7"]),
        ("ann", "automation.close.refused", "needs the role officer"),
        ("ofelia", "automation.close", ["mended"]),
        ("olga", "automation.stop", ["a wrong rule"]),
    ]
    report = verify(tmp_path)
    assert (report.ok, report.entries) == (True, 4)


@pytest.mark.parametrize(
    ("band", "probability"),
    [
        (Band("a", 3, 3, 0.5), 0.125),
        (Band("a", 2, 3, 0.5), 0.5),
        (Band("a", 0, 3, 0.5), 1.0),
        (Band("a", 0, 3, 0.5, -1), 0.125),
        (Band("a", 3, 3, 0.5, -1), 1.0),
        (Band("a", 1, 9, 0.0), 0.0),
        (Band("a", 0, 9, 0.0), 1.0),
        (Band("a", 9, 9, 1.0), 1.0),
        (Band("a", 8, 9, 1.0, -1), 0.0),
        (Band("a", 2, 5, 0.02), 1 - 0.98**5 - 5 * 0.02 * 0.98**4),
        (Band("a", 0, 10_000, 0.02, -1), 0.98**10_000),
    ],
)
def test_the_probability_is_the_binomials(band, probability):
    assert band.doubt() == pytest.approx(probability, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("decision", "reasons", "said"),
    [
        ("approve", (), "approve"),
        ("refer", ("audit_sample",), "approve"),
        ("refer", ("breaker", "audit_sample"), "approve"),
        ("refer", ("breaker", "check:a"), "refer"),
        ("refer", ("uncertain:a",), "refer"),
        ("refer", (), "refer"),
        ("propose_reject", ("breaker",), "propose_reject"),
    ],
)
def test_what_the_machine_would_do_alone(decision, reasons, said):
    assert would(decision, reasons) == said


def page(source, *confidences):
    lines = tuple(Line("-", (0, 0, 1, 1), confidence) for confidence in confidences)
    return Page("a.pdf", 1, source, 1, 1, lines)


@pytest.mark.parametrize(
    ("pages", "confidence"),
    [
        ((), None),
        ((page("text", 1.0), page("blank")), None),
        ((page("ocr"),), None),
        ((page("ocr", 0.5, 0.9), page("ocr", 0.8), page("text", 0.1)), 0.7),
    ],
)
def test_the_confidence_of_the_worst_page(pages, confidence):
    reading = Reading((FileReading("a.pdf", "", 1, "pdf", pages),), "model")
    assert ocr_confidence(reading) == (None if confidence is None else pytest.approx(confidence))
