"""`episodes handover | export`: what leaves as paper or file."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import TokenFile, now_ms
from pipelines.cli.episodes.opening import ACT, EXPORT, SEE, Actor, at_desk, episodes, subject_of, without_identities
from pipelines.cli.moments import milliseconds
from pipelines.cli.services import say

if TYPE_CHECKING:
    from udfs.export.case import Circle

MOST = 1_000
"""Episodes in one note; a shift that has more left open has other worries."""

Output = Annotated[Path, typer.Option(help="File to write; - is stdout.")]


class Kind(StrEnum):
    TICKET_CSV = "ticket-csv"
    TICKET_JSON = "ticket-json"
    CAP = "cap"


class Status(StrEnum):
    DRAFT = "Draft"
    EXERCISE = "Exercise"
    ACTUAL = "Actual"


class Scope(StrEnum):
    RESTRICTED = "Restricted"
    PRIVATE = "Private"
    PUBLIC = "Public"


@episodes.command("handover")
def episodes_handover(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="When the shift began: RFC 3339 with an offset, or epoch ms.")],
    unit: Annotated[str, typer.Option(help="Only what this unit owns.")] = "",
    shift: Annotated[
        str, typer.Option(help="Words for the next shift; they stand in the note and beside each open episode in it.")
    ] = "",
    output: Output = Path("-"),
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """The note from shift to shift, in Chinese, to print: what is open, what changed, what waits for a person."""
    from pipelines.store.desk_reading import STATES, case
    from schemas.errors import UsageError
    from udfs.export.handover import Change, Shift, note

    from_ms, now = milliseconds("--from", start), now_ms()
    if from_ms >= now:
        raise UsageError(f"--from {start!r} has not come yet")
    words = without_identities("--shift", shift)
    with at_desk(context, ACT if words else SEE, "episodes", token_file) as here:
        who = here.name(actor)
        rows = here.desk.find(unit=unit, limit=MOST)
        numbers = here.desk.numbers([row["episode_id"] for row in rows])
        changes = [
            Change(one.episode_id, one.at, one.actor, one.action, one.unit, one.deadline, one.note, one.other_id)
            for one in here.desk.events(None, from_ms, now)
            if one.action != "handover"
        ]
        if unit:
            mine = {row["episode_id"] for row in here.desk.find(STATES, unit=unit, limit=MOST)}
            changes = [change for change in changes if change.episode_id in mine]
        detail = {"from": from_ms, "to": now, "unit": unit, "open": len(rows), "as": who}
        if words:
            ids = [row["episode_id"] for row in rows]
            here.desk.hand_over(ids, who, words, lambda _: here.record("episode.handover", "episodes", detail))
        else:
            here.record("episode.handover", "episodes", detail)
    cases = [case(row, numbers.get(row["episode_id"], 0)) for row in rows]
    _write(output, note(Shift(from_ms, now, who, unit, words), cases, changes).encode())
    if len(rows) == MOST:
        say(f"only the {MOST} most urgent open episodes are in the note")


@episodes.command("export")
def episodes_export(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of episodes, or their first characters.")],
    kind: Annotated[Kind, typer.Option("--as", help="A work order for a 12345 hotline, or CAP 1.2 (one episode).")],
    output: Output,
    status: Annotated[Status, typer.Option(help="CAP: publishing is a person's decision.")] = Status.DRAFT,
    scope: Annotated[Scope, typer.Option(help="CAP: Public names the county and quotes nobody.")] = Scope.RESTRICTED,
    sender: Annotated[str, typer.Option(help="CAP: who sends it, like duty@city.example; a draft may have none.")] = "",
    sender_name: Annotated[str, typer.Option(help="CAP: the sender in words.")] = "",
    address: Annotated[list[str] | None, typer.Option(help="CAP, scope Private: whom it is for.")] = None,
    restriction: Annotated[str, typer.Option(help="CAP, scope Restricted: who may have it.")] = "",
    note: Annotated[str, typer.Option(help="CAP: of an exercise, which one.")] = "",
    updates: Annotated[Path | None, typer.Option(help="CAP: file of the message that this one updates.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Write episodes as work orders of a 12345 hotline (a template: every city has its own) or as a CAP 1.2 message.
    Masked text only; audited."""
    from pipelines.store.desk_reading import case, short
    from schemas.errors import UsageError
    from udfs.export import cap, ticket

    if kind is Kind.CAP and len(ids) > 1:
        raise UsageError("--as cap: a message is about one episode")
    with at_desk(context, EXPORT, subject_of(*ids), token_file) as here:
        whole = list(dict.fromkeys(here.desk.full_id(start) for start in ids))
        numbers = here.desk.numbers(whole)
        cases = []
        for one in whole:
            row = here.desk.episode(one)
            if row["merged_into"]:
                raise UsageError(f"episode {short(one)} was merged into {short(row['merged_into'])}: export that one")
            county = county_of(row["adcode"]) if kind is Kind.CAP else None
            cases.append(case(row, numbers.get(one, 0), here.desk.evidence(one), county))
        if kind is Kind.CAP:
            envelope = cap.Envelope(
                sent=now_ms(),
                sender=sender or cap.Envelope.sender,
                sender_name=sender_name,
                status=status.value,
                scope=scope.value,
                restriction=restriction or cap.Envelope.restriction,
                addresses=tuple(address or ()),
                note=note,
                updates=cap.earlier(_read(updates)) if updates else None,
            )
            document = cap.message(cases[0], envelope)
        else:
            document = ticket.as_csv(cases) if kind is Kind.TICKET_CSV else ticket.as_json(cases)
        detail = {"as": kind.value} | ({"status": status.value, "scope": scope.value} if kind is Kind.CAP else {})
        for one in whole:
            here.record("episode.export", f"episode {one}", detail)
    _write(output, document)


def county_of(adcode: str) -> Circle | None:
    """The county's circle, from the gazetteer; None for a code that it does not have."""
    from udfs.export.case import Circle
    from udfs.places.gazetteer import Gazetteer

    try:
        county = Gazetteer.load().by_adcode(adcode)
    except KeyError:
        return None
    return Circle(county.path, county.lat, county.lon, county.radius_m)


def _read(path: Path) -> bytes:
    from schemas.errors import UsageError

    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"--updates {path} cannot be read ({type(error).__name__})") from None


def _write(path: Path, content: bytes) -> None:
    from schemas.errors import UsageError

    if str(path) == "-":
        sys.stdout.write(content.decode())
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"--output {path} cannot be written ({type(error).__name__})") from None
    say(f"{len(content):,} bytes in {path}")
