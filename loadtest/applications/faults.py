"""Defects that every type knows: breaks one application as drawn, and says what is then wrong with it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from loadtest.applications.invention import Inventor, spoilt
from loadtest.applications.paper import Case, Defect

REPLACEABLE = ("organisation", "uscc", "person", "number", "area", "amount", "date", "id_number", "phone", "text")
"""Kinds for which another value can be invented; choices are left out, for another word may break another rule."""


def missing(case: Case, rng: random.Random, on: date) -> Defect | None:
    """A required document is not there."""
    paper = rng.choice([paper for paper in case.papers if paper.document not in case.voluntary])
    case.papers.remove(paper)
    return Defect("generic.missing", "supplement", document=paper.document)


def required(case: Case, rng: random.Random, on: date) -> Defect | None:
    """A required field is left blank wherever it stands."""
    names = [name for name in placed(case) if name not in case.optional and kind(case, name) != "signature"]
    name = rng.choice(names)
    for document in placed(case)[name]:
        case.elsewhere[document, name] = None
    return Defect("generic.required", "supplement", field=name)


def identifier(case: Case, rng: random.Random, on: date) -> Defect | None:
    """An identity number or credit code whose check digit is wrong, the same everywhere."""
    names = [name for name in placed(case) if kind(case, name) in ("uscc", "id_number")]
    if not names:
        return None
    name = rng.choice(names)
    case.values[name] = spoilt(case.values[name], rng)
    return Defect("generic.identifier", "supplement", field=name)


def capitals(case: Case, rng: random.Random, on: date) -> Defect | None:
    """An amount whose capitals say another sum than its digits."""
    names = [name for name in placed(case) if kind(case, name) == "amount"]
    if not names:
        return None
    name = rng.choice(names)
    case.contradicted[name] = round(float(case.values[name]) * rng.choice((1.1, 2, 0.9)), 2)
    return Defect("generic.identifier", "supplement", field=name)


def documents_differ(case: Case, rng: random.Random, on: date) -> Defect | None:
    """One document says another value than the first."""
    where = {name: documents for name, documents in placed(case).items() if len(documents) > 1}
    names = [name for name in where if kind(case, name) in REPLACEABLE]
    if not names:
        return None
    name = rng.choice(names)
    document = where[name][-1]
    case.elsewhere[document, name] = other(case, name, rng, on)
    return Defect("generic.consistent", "supplement", field=name, document=document)


def form_differs(case: Case, rng: random.Random, on: date) -> Defect | None:
    """The declared value is another than the papers'."""
    names = [name for name in case.declared if name in placed(case) and kind(case, name) in REPLACEABLE]
    if not names:
        return None
    name = rng.choice(names)
    case.elsewhere["form", name] = other(case, name, rng, on)
    return Defect("generic.consistent", "supplement", field=name, document="form")


def unsigned(case: Case, rng: random.Random, on: date) -> Defect | None:
    name = rng.choice([name for name in placed(case) if kind(case, name) == "signature"])
    for document in placed(case)[name]:
        case.elsewhere[document, name] = None
    return Defect("generic.signature", "supplement", field=name)


def signed_by_another(case: Case, rng: random.Random, on: date) -> Defect | None:
    names = [name for name in placed(case) if kind(case, name) == "signature" and name in case.signed]
    if not names:
        return None
    name = rng.choice(names)
    make = Inventor(rng, on)
    person = make.person()
    while any(c in str(case.values[name]) for c in person):
        person = make.person()
    case.values[name] = person
    return Defect("generic.signature", "refer", field=name)


FAULTS: dict[str, Callable[[Case, random.Random, date], Defect | None]] = {
    "generic.missing": missing,
    "generic.required": required,
    "generic.identifier": identifier,
    "generic.identifier:capitals": capitals,
    "generic.consistent:documents": documents_differ,
    "generic.consistent:form": form_differs,
    "generic.signature": unsigned,
    "generic.signature:other": signed_by_another,
}
"""Name of the defect -> what makes it; the rule is the part before the colon. The plan makes `generic.duplicate`."""


def placed(case: Case) -> dict[str, list[str]]:
    """Fields of the type (no tables) -> documents on which they stand, in order."""
    found: dict[str, list[str]] = {}
    for paper in case.papers:
        for name in sorted(paper.fields()):
            if name in case.values and case.value(paper.document, name) is not None:
                found.setdefault(name, []).append(paper.document)
    return found


def kind(case: Case, name: str) -> str:
    return case.words[name].kind


def other(case: Case, name: str, rng: random.Random, on: date) -> Any:
    """Another value of the field's kind that nobody takes for the same."""
    make, value = Inventor(rng, on), case.values[name]
    if kind(case, name) in ("number", "area"):
        return round(value + rng.choice((2, 3, 5)), 2)
    if kind(case, name) == "amount":
        return round(value * rng.choice((1.5, 2, 1.2)), 2)
    if kind(case, name) == "date":
        return (date.fromisoformat(value) + timedelta(days=rng.randint(2, 9))).isoformat()
    drawn: dict[str, Callable[[], Any]] = {
        "organisation": make.organisation,
        "uscc": make.uscc,
        "person": make.person,
        "id_number": make.id_number,
        "phone": make.phone,
        "text": make.road,
    }
    found = value
    while found == value:
        found = drawn[kind(case, name)]()
    return found
