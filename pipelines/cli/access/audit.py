"""`audit`: the ledger, checked and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.access.opening import GROUP
from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing

audit = typer.Typer(help="The audit ledger: who did what, when and why.", no_args_is_help=True)
app.add_typer(audit, name="audit", rich_help_panel=GROUP)


@audit.command("verify")
def audit_verify(
    context: typer.Context,
    head: Annotated[Path | None, typer.Option(help="The newest head as kept elsewhere; default: in HOME/keys.")] = None,
    public_key: Annotated[
        str | None, typer.Option(help="Public key as noted elsewhere, 64 hexadecimal digits; default: of HOME/keys.")
    ] = None,
    store: Annotated[
        bool | None,
        typer.Option("--store/--no-store", help="Check against the copy in the store too; default: when it answers."),
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Find every entry that was removed, altered or moved; a line each, and exit code 1 when there is one."""
    from governance.audit import untaken, verify
    from governance.audit.heads import ANCHOR
    from schemas.errors import YuqingError

    home = context.obj.home
    allowed(context, "audit.verify", "the ledger", token_file)
    if not (home / "audit").is_dir() and not (head or home / "keys" / ANCHOR).exists():
        raise YuqingError(f"there is no audit ledger in {home}: nothing was audited yet, or it was removed")
    copy = _copy(context, store)
    report = verify(home, _public_key(public_key), head, copy)
    for problem in report.problems:
        print(problem)
    unsealed = f"{report.unsealed} not yet sealed, " if report.unsealed else ""
    unsealed += f"decisions of {len(drafts)} workers not yet entered, " if (drafts := untaken(home)) else ""
    newest = f"newest head {report.newest.number} {report.newest.hash}" if report.newest else "no head"
    state = "intact" if report.ok else f"NOT intact, {len(report.problems)} problems"
    checked = f"; {len(copy)} of them in the store too" if copy is not None else ""
    print(f"{state}: {report.entries} entries, {unsealed}{report.heads} heads; {newest}{checked}")
    if not report.ok:
        raise typer.Exit(1)


def _copy(context: typer.Context, wanted: bool | None) -> list[dict[str, Any]] | None:
    """The store's copy of the ledger; None when it is not to be asked, or does not answer and need not."""
    from pipelines.cli.services import say
    from pipelines.jobs.site import Site
    from pipelines.store.audit import copied_entries
    from schemas.errors import ServiceError, StoreUnavailable

    if wanted is False:
        return None
    settings: Context = context.obj
    try:
        return list(copied_entries(Site(settings.home, settings.settings()).store))
    except (ServiceError, StoreUnavailable) as error:
        if wanted:
            raise
        say(f"the copy in the store was not looked at: {error}")
        return None


@audit.command("list")
def audit_list(
    context: typer.Context,
    action: Annotated[
        str | None, typer.Option(help="Only these, by their beginning: reveal, job, rules.change.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person or run did.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List entries, the newest first: id, time, who, what, to what. `audit show ID` gives the whole of one."""
    import heapq
    from datetime import UTC, datetime

    from governance.audit import newest_first, writers
    from schemas.errors import YuqingError

    home = context.obj.home
    person = allowed(context, "audit.show", "entries", token_file)
    if not (home / "audit").is_dir():
        listing([], how, LISTED)
        return
    streams = (newest_first(home, writer) for writer in writers(home))
    rows: list[dict[str, Any]] = []
    try:
        for entry in heapq.merge(*streams, key=lambda entry: -entry.at):
            others = person.embedded or entry.actor != person.name  # nobody audits what is their own
            if others and entry.action.startswith(action or "") and actor in (None, entry.actor):
                at = datetime.fromtimestamp(entry.at / 1000, UTC)
                rows.append(vars(entry) | {"id": entry.id, "at": at})
            if len(rows) == limit:
                break
    except (ValueError, KeyError, TypeError):
        raise YuqingError("the audit ledger is damaged: `yuqing audit verify` says where") from None
    listing([{name: row[name] for name in LISTED} for row in rows], how, LISTED)


LISTED = ("id", "at", "actor", "action", "subject")


@audit.command("show")
def audit_show(
    context: typer.Context,
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the entry: writer/number, like vault/12.")],
    token_file: TokenFile = None,
) -> None:
    """Print an entry of the ledger as JSON."""
    import json

    from governance.audit import find_entry
    from schemas.errors import YuqingError

    try:
        entry = find_entry(context.obj.home, entry_id)
    except (ValueError, KeyError, TypeError):
        raise YuqingError(f"audit entry {entry_id} is damaged: `yuqing audit verify` says where") from None
    allowed(context, "audit.show", f"entry {entry.id}", token_file, about=entry.actor)
    print(json.dumps({"id": entry.id, **vars(entry)}, ensure_ascii=False, indent=1))


def _public_key(given: str | None) -> bytes | None:
    from schemas.errors import UsageError

    if given is None:
        return None
    try:
        key = bytes.fromhex(given)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError(f"--public-key {given!r}: 64 hexadecimal digits")
    return key
