"""What a governed command works with: store, keys, ledger and policy, opened for a person who was identified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import identify, now_ms, refuse
from pipelines.cli.main import Context
from pipelines.cli.services import say

if TYPE_CHECKING:
    from governance.audit import Ledger
    from governance.roles import Person
    from governance.vault import SubjectRequests, Vault
    from pipelines.jobs.site import Site
    from pipelines.store.vault import ClickHouseVault

GROUP = "Governance"
POLICY = "reveal-policy.yaml"
PURPOSE = "reach people who asked for help, so that rescue and city services can respond"

Reason = Annotated[str, typer.Option(help="Why; stands in the audit ledger, so name no number or person.")]


@dataclass
class Access:
    """What a governed command works with."""

    site: Site
    person: Person
    vault: Vault
    requests: SubjectRequests
    store: ClickHouseVault
    ledger: Ledger


@contextmanager
def opened(context: typer.Context, token_file: Path | None, action: str, what: str) -> Iterator[Access]:
    """Open ledger, store and keys for whoever asks. Refuses, audited, when it cannot be told who that is."""
    import json

    from governance.audit import Ledger
    from governance.crypto import Sealer
    from governance.keys import load_keys
    from governance.roles import EMBEDDED_NOTICE
    from governance.tokens import Tokeniser
    from governance.vault import SubjectRequests, Vault, load_policy
    from pipelines.jobs.site import Site
    from pipelines.store.vault import ClickHouseVault
    from schemas.errors import YuqingError

    settings: Context = context.obj
    home = settings.home
    site = Site(home, settings.settings())
    policy = home / POLICY
    rules = load_policy(policy if policy.exists() else None)
    keys = load_keys(home, site.settings.keys.master, site.settings.keys.token)
    sealer = Sealer(keys.master)
    with ClickHouseVault(site.store) as store, Ledger(home, "vault", now_ms) as ledger:
        person, why = identify(home, site.settings, token_file)
        try:
            if person is None or why:
                refuse(ledger, person, action, what, why)
            if person.embedded:
                say(EMBEDDED_NOTICE)
            vault = Vault(store, ledger, sealer, rules, now_ms)
            requests = SubjectRequests(store, ledger, sealer, Tokeniser(keys.token), now_ms)
            yield Access(site, person, vault, requests, store, ledger)
        except json.JSONDecodeError:
            raise YuqingError("the audit ledger is damaged: `yuqing audit verify` says where") from None


def close_lapsed(access: Access) -> None:
    """Sessions end by themselves; what their end brings about, the next command does."""
    closed = access.vault.emergencies.close_lapsed()
    if closed:
        say(f"{closed} emergency sessions had run out; the values of their regions end sooner now")
