"""`keys`: which keys there are, what only they open, and a new one in front. Never prints key material."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.access.opening import GROUP
from pipelines.cli.asking import WRITER, TokenFile, allowed, now_ms
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from governance.keys import Key
    from pipelines.jobs.site import Site

keys = typer.Typer(help="Encryption keys: what each opens, rotation. A key lost is data gone.", no_args_is_help=True)
app.add_typer(keys, name="keys", rich_help_panel=GROUP)

COLUMNS = ("key", "use", "source", "vault_values", "dead_letters")


@keys.command("list")
def keys_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List ids of keys, newest first, and what is sealed under each, where the store is up; audited. An old key may go
    when nothing is left under it; one that is missing is listed too."""
    from governance.audit import Ledger
    from governance.keys import load_keys
    from pipelines.jobs.site import Site

    given: Context = context.obj
    site = Site(given.home, given.settings())
    person = allowed(context, "keys.list", "keys", token_file, settings=site.settings)
    sources = site.settings.keys
    loaded = load_keys(site.home, sources.master, sources.token)
    with Ledger(site.home, WRITER, now_ms) as ledger:
        ledger.append(person.name, "keys.list", "keys")
    counts = _counts(site)
    missing = sorted(set(counts or ()) - {key.id for key in loaded.master})
    rows: list[dict[str, Any]] = [
        {"key": key.id, "use": "opens old values" if at else "seals new values", "source": _kind(sources.master)}
        for at, key in enumerate(loaded.master)
    ]
    rows += [{"key": key, "use": "MISSING", "source": None} for key in missing]
    for row in rows:
        values, letters = counts.get(row["key"], (0, 0)) if counts is not None else (None, None)
        row |= {"vault_values": values, "dead_letters": letters}
    rows.append(dict.fromkeys(COLUMNS) | {"key": loaded.token.id, "use": "tokens", "source": _kind(sources.token)})
    listing(rows, how, COLUMNS)
    if counts is None:
        say("the store does not answer: what is sealed under each key is not counted")
    if missing:
        say(f"{len(missing)} keys are missing: what is sealed under them does not open until they are restored")


@keys.command("rotate")
def keys_rotate(context: typer.Context, token_file: TokenFile = None) -> None:
    """Put a new master key in front and print its id; audited. Nothing is rewritten: old values open under the key they
    name. Jobs that run take the new key up when they start again."""
    from governance.audit import Ledger
    from governance.keys import ROTATION_WARNING, rotate_master
    from schemas.errors import UsageError

    given: Context = context.obj
    settings = given.settings()
    person = allowed(context, "keys.rotate", "master key", token_file, settings=settings)
    source = _kind(settings.keys.master)
    if source != "file":
        raise UsageError(
            f"keys.master is {source}: keys are made where it reads them. Put 32 new random bytes in base64 there "
            "(openssl rand -base64 32), in front of the old ones, and start jobs again"
        )
    with Ledger(given.home, WRITER, now_ms) as ledger:

        def witness(new: Key, old: Key) -> None:
            ledger.append(person.name, "keys.rotate", f"master key {new.id}", {"before": old.id})

        key = rotate_master(given.home, witness)
    print(key.id)
    say(f"new values are sealed under master key {key.id}; jobs that run go on with the one before until they restart")
    say(ROTATION_WARNING.format(folder=given.home / "keys"))


def _kind(source: str) -> str:
    """``file``, ``env:NAME`` or ``command``: a command's line may hold a secret of its own."""
    return "command" if source.startswith("command:") else source


def _counts(site: Site) -> dict[str, tuple[int, int]] | None:
    """None when the store is not there to be asked."""
    from pipelines.store.vault import ClickHouseVault
    from schemas.errors import ServiceError, StoreUnavailable

    try:
        with ClickHouseVault(site.store) as store:
            return store.key_counts()
    except (ServiceError, StoreUnavailable):
        return None
