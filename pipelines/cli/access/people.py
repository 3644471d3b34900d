"""`people`: who has a token here, and which roles they were granted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.access.opening import GROUP
from pipelines.cli.asking import WRITER, TokenFile, account, allowed, identify, now_ms, refuse
from pipelines.cli.main import Context, app
from pipelines.cli.moments import milliseconds
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from governance.audit import Ledger
    from governance.people import Register
    from governance.roles import Grant, Person

people = typer.Typer(help="People: their tokens and roles, so that duties are separated.", no_args_is_help=True)
app.add_typer(people, name="people", rich_help_panel=GROUP)

COLUMNS = ("name", "token", "role", "state", "since", "until", "granted_by")
Name = Annotated[str, typer.Argument(help="Whose: letters, digits and . @ - _")]
RoleName = Annotated[
    str, typer.Argument(metavar="ROLE", help="viewer, analyst, operator, rescuer, officer, auditor or admin.")
]
Why = Annotated[str, typer.Option("--reason", help="Why; stands in the audit ledger.")]
Change = Callable[["Register", "Ledger"], "Register"]


@people.command("list")
def people_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List everyone with every grant, ended ones too; a row a grant. Audited."""
    from governance.audit import Ledger
    from governance.people import load_register

    person = allowed(context, "access.list", "people", token_file)
    with Ledger(context.obj.home, WRITER, now_ms) as ledger:
        ledger.append(person.name, "access.list", "people")
    rows: list[dict[str, Any]] = []
    for entry in load_register(context.obj.home).entries:
        token = "locked" if not entry.token_sha256 else f"made by {entry.issued_by}" if entry.issued_by else "own"
        who = dict.fromkeys(COLUMNS) | {"name": entry.person.name, "token": token}
        rows += [who | _columns(grant, now_ms()) for grant in entry.person.grants] or [who]
    listing(rows, how, COLUMNS)


@people.command("add")
def people_add(context: typer.Context, name: Name, why: Why = "", token_file: TokenFile = None) -> None:
    """Add a person and print a token, once, with which they get one of their own (`people token`). The first of all is
    added by the account that HOME belongs to, and is admin."""
    from governance.people import load_register
    from schemas.errors import UsageError

    home = context.obj.home
    if not load_register(home).entries:
        _found(home, name)
        return
    admin = allowed(context, "access.grant", f"person {name}", token_file, about=name)
    made = ""

    def add(register: Register, ledger: Ledger) -> Register:
        nonlocal made
        if any(entry.person.name == name for entry in register.entries):
            raise UsageError(f"{name} is in the register: `yuqing people token {name}` makes a new token")
        register, made = register.with_person(name, issued_by=admin.name)
        ledger.append(admin.name, "access.add", f"person {name}", {"reason": why})
        return register

    _change(home, admin, f"person {name}", add)
    print(made)
    say(f"for {name}, shown once: it serves to get a token of their own by `yuqing people token`")


@people.command("grant")
def people_grant(
    context: typer.Context,
    name: Name,
    role: RoleName,
    days: Annotated[int | None, typer.Option(min=1, help="It ends by itself after so many days.")] = None,
    until: Annotated[str | None, typer.Option(help="... or then: RFC 3339 with an offset, or epoch ms.")] = None,
    why: Why = "",
    token_file: TokenFile = None,
) -> None:
    """Give a role, for good or until an end. Refused where duties would no longer be separated."""
    from governance.classes import DAY_MS
    from governance.roles import Grant
    from schemas.errors import UsageError

    if days is not None and until is not None:
        raise UsageError("--days and --until: give one of the two")
    admin = allowed(context, "access.grant", f"person {name}", token_file, about=name)
    since = now_ms()
    end = milliseconds("--until", until) if until is not None else since + days * DAY_MS if days is not None else None

    def grant(register: Register, ledger: Ledger) -> Register:
        register = register.with_grant(name, Grant(role, admin.name, since, end))
        ledger.append(
            admin.name, "access.grant", f"person {name}", {"role": role, "since": since, "until": end, "reason": why}
        )
        return register

    _change(context.obj.home, admin, f"person {name}", grant)
    say(f"{name} is {role}{f' until {_utc(end)}' if end is not None else ''}")


@people.command("revoke")
def people_revoke(
    context: typer.Context, name: Name, role: RoleName, why: Why = "", token_file: TokenFile = None
) -> None:
    """Take a role away, from now on; that it was held stays on record."""
    admin = allowed(context, "access.grant", f"person {name}", token_file, about=name)

    def revoke(register: Register, ledger: Ledger) -> Register:
        register = register.revoked(name, role, now_ms())
        ledger.append(admin.name, "access.revoke", f"person {name}", {"role": role, "reason": why})
        return register

    _change(context.obj.home, admin, f"person {name}", revoke)
    say(f"{name} is {role} no more")


@people.command("lock")
def people_lock(context: typer.Context, name: Name, why: Why = "", token_file: TokenFile = None) -> None:
    """Make a person's token useless at once (lost, stolen, left the office); grants stay on record."""
    admin = allowed(context, "access.grant", f"person {name}", token_file, about=name)

    def lock(register: Register, ledger: Ledger) -> Register:
        register = register.locked(name, now_ms())
        ledger.append(admin.name, "access.lock", f"person {name}", {"reason": why})
        return register

    _change(context.obj.home, admin, f"person {name}", lock)
    say(f"the token of {name} opens nothing any more; `yuqing people token {name}` makes a new one")


@people.command("token")
def people_token(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Whose, by an admin; default: your own.")] = None,
    why: Why = "",
    token_file: TokenFile = None,
) -> None:
    """Print a new token, once; the old one works no more. One that an admin makes for somebody else serves only to get
    one of their own."""
    given: Context = context.obj
    person, _ = identify(given.home, given.settings(), token_file)  # a token that an admin made may do just this
    if person is None or person.embedded or name not in (None, person.name):
        person = allowed(context, "access.grant", f"person {name or '?'}", token_file, about=name)
    actor, whose, made = person.name, name or person.name, ""

    def renew(register: Register, ledger: Ledger) -> Register:
        nonlocal made
        register.person(whose)  # raises for nobody
        register, made = register.with_person(whose, issued_by=actor)
        ledger.append(actor, "access.token", f"person {whose}", {"reason": why})
        return register

    _change(given.home, person, f"person {whose}", renew)
    print(made)
    say("your token, shown once" if whose == actor else f"for {whose}, shown once: it serves to get one of their own")


def _found(home: Path, name: str) -> None:
    """Whoever owns HOME could write the register by hand; so they may begin it, and the ledger says that they did."""
    founder = f"account {account()}"
    made = ""

    def found(register: Register, ledger: Ledger) -> Register:
        nonlocal made
        register, made = register.founded(name, founder, now_ms())
        ledger.append(founder, "access.found", f"person {name}", {"role": "admin"})
        return register

    home.mkdir(parents=True, exist_ok=True)
    _change(home, None, f"person {name}", found)
    print(made)
    say(f"{name} is the first person here and admin; the token is shown once. From now on everyone shows a token")


def _change(home: Path, person: Person | None, subject: str, change: Change) -> None:
    """Change the register under its lock: decide, write the entry, save. A refusal is written down and raised."""
    from governance.audit import Ledger
    from governance.people import update_register
    from governance.roles import AccessRefused

    with Ledger(home, WRITER, now_ms) as ledger:
        try:
            update_register(home, lambda register: change(register, ledger))
        except AccessRefused as refusal:
            refuse(ledger, person, "access.grant", subject, str(refusal))


def _columns(grant: Grant, now: int) -> dict[str, Any]:
    state = "active" if grant.active(now) else "to come" if now < grant.since else "ended"
    since, until = _utc(grant.since), _utc(grant.until)
    return {"role": grant.role, "state": state, "since": since, "until": until, "granted_by": grant.granted_by}


def _utc(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms // 1000, UTC)
