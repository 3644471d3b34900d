"""Who may let an intercepted option go on, and what stands in the ledger before it does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from governance.audit import Ledger, find_entry, verify
from governance.releases import MOST_REASON, release
from governance.roles import EMBEDDED_NOTICE, AccessRefused, Grant, Person
from schemas.errors import UsageError
from schemas.policy import Finding, Measure, Option, Plan, PopulationInfo, Release, Simulation, Standing

NOW = 1_764_324_000_123
REASON = "专家会已论证，依据见纪要第三条"
OFFICER = Person("ofelia", (Grant("officer", "adam", 0),))
SELF = Person("oscar", (Grant("officer", "adam", 0), Grant("operator", "adam", 0)))
ANALYST = Person("ann", (Grant("analyst", "adam", 0),))
LAPSED = Person("otto", (Grant("officer", "adam", 0, NOW - 1),))
BOTH = Person("olga", (Grant("officer", "adam", 0), Grant("auditor", "adam", 0)))
ALONE = Person("root", embedded=True)


def simulation(**changes: object) -> Simulation:
    plan = Plan(
        "plan.yaml", "试算", "", "2026-01-01", (2026,), 1, 0, "rules",
        tuple(Option(name, name, {}) for name in ("baseline", "wide", "bold", "barred")), (Measure("m", "m", "sum"),),
    )  # fmt: skip
    made = Simulation(
        run="run-1", made_at="2026-11-28T10:00:00Z", plan=plan, rules_title="", rules_version="", rules_digest="",
        levers={}, sources=(),
        population=PopulationInfo("p", "", "", True, "", ("person",), (), 1, {"person": 1}, 1.0, 1),
        results=(),
        standings=(
            Standing("baseline", "open"), Standing("wide", "open"), Standing("bold", "intercepted"),
            Standing("barred", "infeasible"),
        ),
        findings=(Finding("bold", "outside:rate", "intercept", "过高"), Finding("wide", "people:age", "warn", "-")),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger(tmp_path, "policy", lambda: NOW) as opened:
        yield opened


def entries(ledger: Ledger) -> list[tuple[str, str, str]]:
    return [(one.actor, one.action, one.subject) for one in ledger.newest_first()]


ALLOWED = [(OFFICER, "sam"), (SELF, "sam"), (ALONE, "root"), (ALONE, "")]
REFUSED = [
    (SELF, "oscar", "another person than oscar"),
    (OFFICER, "", "who that was is not known"),
    (ANALYST, "sam", "needs the role officer"),
    (LAPSED, "sam", "ended at"),
    (BOTH, "sam", "cannot audit them"),
    (Person("nobody"), "sam", "needs the role officer"),
]


@pytest.mark.parametrize(("person", "submitted_by"), ALLOWED)
def test_who_may(ledger: Ledger, tmp_path: Path, person: Person, submitted_by: str) -> None:
    made = release(simulation(), "bold", f" {REASON}\n", person, submitted_by=submitted_by, ledger=ledger, now=NOW)
    assert made == Release("bold", person.name, REASON, "2025-11-28T10:00:00.123Z", "policy/0")
    entry = find_entry(tmp_path, made.entry)
    assert (entry.actor, entry.action, entry.subject) == (person.name, "policy.release", "run-1/bold")
    notice = {"notice": EMBEDDED_NOTICE} if person.embedded else {}
    assert entry.detail == {"why": REASON, "submitted_by": submitted_by, "findings": ["outside:rate"], **notice}
    ledger.seal()
    assert not verify(tmp_path).problems


@pytest.mark.parametrize(("person", "submitted_by", "why"), REFUSED)
def test_who_may_not_and_that_it_is_written_down(ledger: Ledger, person: Person, submitted_by: str, why: str) -> None:
    with pytest.raises(AccessRefused, match=why):
        release(simulation(), "bold", REASON, person, submitted_by=submitted_by, ledger=ledger, now=NOW)
    assert entries(ledger) == [(person.name, "policy.release.refused", "run-1/bold")]


RELEASED = Release("bold", "ofelia", REASON, "2026-11-28T11:00:00Z", "policy/9")
WRONG = [
    ("other", REASON, {}, "has no option 'other'; it has baseline, wide, bold, barred"),
    ("wide", REASON, {}, "is open; only what is intercepted can be released: bold"),
    ("barred", REASON, {}, "is infeasible; only what is intercepted"),
    ("wide", REASON, {"standings": (Standing("wide", "open"),)}, "this run has nothing of that kind"),
    ("bold", "   同意         ", {}, "has 2 characters; 10 to"),
    ("bold", "a b c d e", {}, "has 9 characters"),
    ("bold", "因" * (MOST_REASON + 1), {}, "characters; 10 to"),
    ("bold", REASON, {"releases": (RELEASED,)}, "released already"),
    ("bold", REASON, {"standings": (Standing("bold", "released"),)}, "released already"),
]


@pytest.mark.parametrize(("option", "reason", "changes", "why"), WRONG)
def test_what_cannot_be_released(
    ledger: Ledger, option: str, reason: str, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        release(simulation(**changes), option, reason, OFFICER, submitted_by="sam", ledger=ledger, now=NOW)
    assert entries(ledger) == []


def test_a_reason_of_the_greatest_length_fits_into_an_entry(ledger: Ledger) -> None:
    findings = tuple(Finding("bold", f"constraint:{n}-{'红' * 100}", "intercept", "") for n in range(30))
    reason = "因" * MOST_REASON
    made = release(simulation(findings=findings), "bold", reason, ALONE, submitted_by="root", ledger=ledger, now=NOW)
    assert made.reason == reason


def test_a_release_that_stands_in_the_ledger_only_is_taken_up_not_repeated(ledger: Ledger) -> None:
    first = release(simulation(), "bold", REASON, OFFICER, submitted_by="sam", ledger=ledger, now=NOW)
    other = simulation(run="run-2")
    assert release(other, "bold", REASON, SELF, submitted_by="sam", ledger=ledger, now=NOW).entry == "policy/1"
    again = release(simulation(), "bold", "换一个同样长的理由试试", SELF, submitted_by="sam", ledger=ledger, now=NOW)
    assert again == first
    assert len(entries(ledger)) == 2
