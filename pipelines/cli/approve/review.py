"""`approve form ID`, `approve review FILE`, `approve agreement`: what officers decide, and how often as the machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.approve.desk import Reason, Register, opened
from pipelines.cli.approve.run import approve
from pipelines.cli.asking import TokenFile
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say


@approve.command()
def form(
    context: typer.Context,
    application_id: Annotated[str, typer.Argument(help="Id of the application.")],
    register: Register = None,
    reason: Reason = "",
    token_file: TokenFile = None,
) -> None:
    """Print the form that an officer fills in and gives to `approve review`: JSON, identity numbers in part only."""
    from udfs import types
    from udfs.explanations import review_form

    with opened(context, "application.see", application_id, register, token_file) as desk:
        desk.look(application_id, reason)
        case = desk.cases.get(application_id)
        _has_type(case.decision.rules)
        kind = types.load(case.decision.type, desk.settings.approval.types)
        filled = review_form(case.decision, kind) | {"officer": desk.person.name}
    print(json.dumps(filled, ensure_ascii=False, indent=2))


@approve.command()
def review(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The form of `approve form`, filled in.")],
    register: Register = None,
    token_file: TokenFile = None,
) -> None:
    """Keep what an officer decided: it is the decision from now, and counts for the agreement with the machine."""
    import msgspec

    from pipelines.jobs.approval import reviews
    from pipelines.jobs.approval.automation import Automation
    from pipelines.jobs.approval.cases import render
    from pipelines.jobs.approval.stored import tell_store
    from pipelines.jobs.site import Site
    from pipelines.jobs.traced import note
    from schemas.errors import UsageError
    from udfs import types
    from udfs.explanations import parse_review
    from udfs.reading import Limits, Reader

    raw = file.read_bytes()
    identity = _identity(file, raw)
    with opened(context, "application.review", identity, register, token_file) as desk:
        case = desk.cases.get(identity)
        _has_type(case.decision.rules)
        kind = types.load(case.decision.type, desk.settings.approval.types)
        checks = {check.rule for check in case.decision.checks}
        made = parse_review(raw, kind, rules=checks, now=datetime.now(UTC))
        reviews.check(case.decision, made)
        if made.officer != desk.person.name and not desk.person.embedded:
            raise UsageError(f"{file}: officer is {made.officer!r}, your token says that you are {desk.person.name}")
        same = reviews.agreed(case.decision, made)
        detail: dict[str, Any] = {
            "decision": made.decision, "machine": case.decision.decision, "agreed": same, "changes": len(made.changes),
            "overruled": [one.rule for one in made.overruled][:20], "fingerprint": made.fingerprint, "as": made.officer,
        }  # fmt: skip
        note(desk.home, desk.person.name, "application.review", f"application {identity}", detail)
        case = msgspec.structs.replace(case, reviews=(*case.reviews, made))
        settings = desk.settings.approval
        with Reader(Limits(**settings.reading.model_dump())) as reader:
            report = desk.cases.put(case, render(case, reader, settings.types))
        desk.book.write(case, made, report)
        site = Site(desk.home, desk.settings)
        automation = Automation(desk.home, settings, say, lambda state: tell_store(site, state, say))
        automation.observe_review(case.decision, made)
    words = {True: "as the machine", False: "other than the machine", None: "where the machine took no side"}[same]
    say(f"application {identity}: {made.decision} by {made.officer}, {words}")


@approve.command()
def agreement(
    context: typer.Context,
    register: Register = None,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """How often officers decided as the machine: by type, with a 95 % interval."""
    from pipelines.jobs.approval.reviews import agreement as counted

    with opened(context, "look", "", register, token_file) as desk:
        pairs = desk.book.agreed()
    listing(counted(pairs), how, ("type", "reviews", "compared", "agreed", "share", "low", "high"))


def _identity(file: Path, raw: bytes) -> str:
    """Whose form it is; the rest is looked at when the case is open."""
    from schemas.errors import UsageError

    try:
        identity = json.loads(raw)["application_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{file}: no form of a review; `yuqing approve form ID` prints one") from None
    if not isinstance(identity, str) or not identity:
        raise UsageError(f"{file}: application_id must name the application")
    return identity


def _has_type(rules: str) -> None:
    from schemas.errors import UsageError

    if not rules:
        raise UsageError(
            "the application's form could not be used, so there is nothing to review: mend application.json"
        )
