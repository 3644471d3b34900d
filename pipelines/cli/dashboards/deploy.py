"""`dashboards deploy`: data sources, dashboards and alert rules into a Grafana."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import allowed
from pipelines.cli.dashboards import dashboards
from pipelines.cli.main import Context
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboards.deploy import Outcome

TOKEN = "YUQING_GRAFANA_TOKEN"  # noqa: S105 - the name of a variable
COLUMNS = ("kind", "name", "state", "note")


@dashboards.command("deploy")
def dashboards_deploy(
    context: typer.Context,
    grafana: Annotated[str, typer.Option("--grafana", help="Address of the Grafana, like https://grafana.example.")],
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help=f"File with Grafana's token; or set {TOKEN}.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="datasources, dashboards or alerts; repeat for two. Default: all.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read only, and say what would be done.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show where Grafana differs: what stands -> what is ours.")] = (
        False
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite what people changed in Grafana.")] = False,
    without_centre: Annotated[
        bool,
        typer.Option("--without-centre", help="Leave out what shows places and texts of calls: for other offices."),
    ] = False,
    store: Annotated[
        str | None, typer.Option(help="The store's address as Grafana reaches it; default: as yuqing does.")
    ] = None,
    passwords: Annotated[
        Path | None, typer.Option(help="Folder with files centre and viewer; default: those of the home or settings.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="Certificate of the authority that signed Grafana's.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Send the token over plain http to another machine.")
    ] = False,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    person_token_file: Annotated[
        Path | None, typer.Option(help="File with your own token of yuqing; or set YUQING_TOKEN.")
    ] = None,
) -> None:
    """Bring a Grafana to the committed dashboards, rules and data sources. Twice is once; what people changed there is
    kept unless --force. Alerts go to YUQING_ALERT_URL and YUQING_ALERT_EMAIL of the environment. Exit code 1 when
    something was refused. docs/deploying.md has the rights that a token needs."""
    from dashboards.deploy import deploy
    from dashboards.deploying import wanted
    from dashboards.deploying.grafana import Grafana
    from dashboards.deploying.token import Part
    from pipelines.jobs import traced
    from schemas.errors import UsageError

    try:
        parts = [Part(one) for one in dict.fromkeys(only or list(Part))]
    except ValueError:
        raise UsageError(f"--only {' '.join(only or ())}: there are {', '.join(Part)}") from None
    given: Context = context.obj
    token = _token(token_file)
    address, secrets = None, {}
    if Part.DATASOURCES in parts:
        address, secrets = _store(given, grafana, store, passwords, without_centre)
    if not dry_run:
        person = allowed(context, "deploy", f"grafana {grafana}", person_token_file)
        # whoever administers that Grafana can from now on read the store as these users
        detail = {"parts": [str(part) for part in parts], "passwords of": sorted(secrets), "force": force}
        traced.note(given.home, person.name, "dashboards.deploy", f"grafana {grafana}", detail)
    addresses = {name: os.environ[name] for name in wanted.variables() if os.environ.get(name)}
    target = Grafana(grafana, token, insecure=insecure, ca=ca, secrets=[*secrets.values(), *addresses.values()])
    plan = wanted.read(address, secrets, without_centre=without_centre, addresses=addresses)
    outcomes = deploy(target, plan, parts=parts, force=force, dry_run=dry_run, say=say)
    _show(outcomes, how, diff)
    if any(one.failed for one in outcomes):
        raise typer.Exit(1)


def _token(file: Path | None) -> str:
    from schemas.errors import UsageError

    if file is None:
        token = os.environ.get(TOKEN, "").strip()
        if not token:
            raise UsageError(f"Grafana's token is missing: --token-file FILE, or {TOKEN} in the environment")
    else:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--token-file {file} cannot be read ({type(error).__name__})") from None
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise UsageError(
            "Grafana's token must be one word of ASCII characters: the file or variable holds another thing"
        )
    return token


def _store(
    given: Context, grafana: str, store: str | None, passwords: Path | None, without_centre: bool
) -> tuple[str, dict[str, str]]:
    """Where Grafana finds the store, and user -> password of the accounts that it gets."""
    from urllib.parse import urlsplit

    from dashboards.deploying.grafana import is_loopback
    from dashboards.provisioning import ACCOUNTS
    from pipelines.jobs.site import Site
    from pipelines.store.client import external

    users = [user for user in ACCOUNTS.values() if not (without_centre and user == "centre")]
    settings = given.settings()
    if passwords is not None:
        section = settings.store.model_copy(update={"url": store or settings.store.url, "passwords": passwords})
        accounts = {user: external(section, user) for user in users}
    else:
        site = Site(given.home, settings)
        accounts = {user: site.store_as(user) for user in users}
    address = store or accounts[users[0]].url
    if is_loopback(urlsplit(address).hostname or "") and not is_loopback(urlsplit(grafana).hostname or ""):
        say(f"warning: Grafana will look for the store at {address}, on its own machine; --store gives another address")
    return address, {user: account.password for user, account in accounts.items()}


def _show(outcomes: Sequence[Outcome], how: Format, diff: bool) -> None:
    rows = [
        {"kind": one.kind, "name": one.name, "state": one.state, "note": one.note}
        | ({"difference": list(one.difference)} if diff and how is Format.JSON else {})
        for one in outcomes
    ]
    listing(rows, how, COLUMNS)
    if diff and how is Format.TABLE:
        for one in outcomes:
            if one.difference:
                print(f"{one.kind} {one.name}")
                for line in one.difference:
                    print(f"  {line}")
