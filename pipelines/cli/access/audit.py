"""`audit`: the ledger, checked and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.access.opening import GROUP
from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import app

audit = typer.Typer(help="The audit ledger: who did what, when and why.", no_args_is_help=True)
app.add_typer(audit, name="audit", rich_help_panel=GROUP)


@audit.command("verify")
def audit_verify(
    context: typer.Context,
    head: Annotated[Path | None, typer.Option(help="The newest head as kept elsewhere; default: in HOME/keys.")] = None,
    public_key: Annotated[
        str | None, typer.Option(help="Public key as noted elsewhere, 64 hexadecimal digits; default: of HOME/keys.")
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Find every entry that was removed, altered or moved; a line each, and exit code 1 when there is one."""
    from governance.audit import verify
    from governance.audit.heads import ANCHOR
    from schemas.errors import YuqingError

    home = context.obj.home
    allowed(context, "audit.verify", "the ledger", token_file)
    if not (home / "audit").is_dir() and not (head or home / "keys" / ANCHOR).exists():
        raise YuqingError(f"there is no audit ledger in {home}: nothing was audited yet, or it was removed")
    report = verify(home, _public_key(public_key), head)
    for problem in report.problems:
        print(problem)
    unsealed = f"{report.unsealed} not yet sealed, " if report.unsealed else ""
    newest = f"newest head {report.newest.number} {report.newest.hash}" if report.newest else "no head"
    state = "intact" if report.ok else f"NOT intact, {len(report.problems)} problems"
    print(f"{state}: {report.entries} entries, {unsealed}{report.heads} heads; {newest}")
    if not report.ok:
        raise typer.Exit(1)


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
