"""`reveal`, `audit`, `emergency`, `subject`: governed access to what the vault holds, and the ledger of it.

Who asks is shown by the token of a person in the register (``governance.people``). A home whose register is empty, with
the embedded store, knows one person only: the account of the operating system; commands say what that means.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from governance.audit import Ledger
    from governance.roles import Person
    from governance.vault import SubjectRequests, Vault
    from pipelines.jobs.site import Site
    from pipelines.store.vault import ClickHouseVault
    from schemas.settings import Settings

GROUP = "Governance"
TOKEN, APPROVER_TOKEN = "YUQING_TOKEN", "YUQING_APPROVER_TOKEN"
POLICY = "reveal-policy.yaml"
PURPOSE = "reach people who asked for help, so that rescue and city services can respond"

audit = typer.Typer(help="The audit ledger: who did what, when and why.", no_args_is_help=True)
emergency = typer.Typer(help="Emergency sessions: a region and hours of batch reveals.", no_args_is_help=True)
subject = typer.Typer(help="Requests of persons: what is held about my number.", no_args_is_help=True)
app.add_typer(audit, name="audit", rich_help_panel=GROUP)
app.add_typer(emergency, name="emergency", rich_help_panel=GROUP)
app.add_typer(subject, name="subject", rich_help_panel=GROUP)

TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with your token; or set {TOKEN}. None in embedded mode."),
]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit ledger, so name no number or person.")]
Approver = Annotated[str | None, typer.Option("--approved-by", help="Who approves: another person.")]
ApproverFile = Annotated[
    Path | None, typer.Option(help=f"File with the approver's token; or set {APPROVER_TOKEN}. None in embedded mode.")
]


@dataclass
class Access:
    """What a governed command works with."""

    site: Site
    person: Person
    vault: Vault
    requests: SubjectRequests
    store: ClickHouseVault
    ledger: Ledger


@app.command(rich_help_panel=GROUP)
def reveal(
    context: typer.Context,
    post_id: Annotated[str, typer.Argument(help="Id of the post on its platform.")],
    reason: Reason = "",
    platform: Annotated[str | None, typer.Option(help="Where the id exists on several platforms.")] = None,
    purpose: Annotated[str, typer.Option(help="What the data is used for.")] = PURPOSE,
    approved_by: Approver = None,
    approver_token_file: ApproverFile = None,
    token_file: TokenFile = None,
) -> None:
    """Decrypt what one post holds, after the audit entry is written; a JSON line a value, with type and value.
    Needs --reason. A refusal is audited too and ends with exit code 1."""
    with _access(context, token_file, "reveal", f"post {platform or '?'}/{post_id}") as access:
        approver = _approver(access.site, approved_by, approver_token_file)
        revealed = access.vault.reveal(access.person, post_id, reason, purpose, platform, approver)
        for value in revealed.values:
            _print({"type": value.type, "value": value.value})
        say(f"audit entry {revealed.entry.id}: {len(revealed.values)} values of {revealed.post.subject}")
        if revealed.entry.detail.get("review"):
            say("this reveal was let through for a life at risk and will be reviewed by an auditor")
        _close_lapsed(access)
        if revealed.failed:
            say(f"{revealed.failed} values do not open (key lost, or altered); the ledger says which")
            raise typer.Exit(1)


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
    _may_audit(context, token_file, "audit.verify", "the ledger", None)
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
    _may_audit(context, token_file, "audit.show", f"entry {entry.id}", entry.actor)
    print(json.dumps({"id": entry.id, **vars(entry)}, ensure_ascii=False, indent=1))


@emergency.command("start")
def emergency_start(
    context: typer.Context,
    region: Annotated[str, typer.Option(help="Adcode of a province, city or county: 410000, 410100, 410105.")],
    hours: Annotated[int, typer.Option(help="It ends by itself then; the policy has a maximum.")],
    approved_by: Annotated[str, typer.Option("--approved-by", help="Who approves: another person.")],
    reason: Reason,
    approver_token_file: ApproverFile = None,
    token_file: TokenFile = None,
) -> None:
    """Open batch reveals of a region's open calls, each audited; prints the id of the session."""
    with _access(context, token_file, "emergency", f"region {region}") as access:
        _close_lapsed(access)
        approver = _approver(access.site, approved_by, approver_token_file)
        if approver is None:
            why = f"the approval of {approved_by} needs their own token (--approver-token-file or {APPROVER_TOKEN})"
            _refuse(access.ledger, access.person.name, "emergency", f"region {region}", why)
        session = access.vault.emergencies.start(access.person, region, hours, approver, reason)
        print(session.id)
        say(f"batch reveals in {session.region} for {hours} hours: yuqing emergency reveal {session.id} --reason ...")


@emergency.command("list")
def emergency_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List the sessions that run now."""
    from datetime import UTC, datetime

    from governance.roles import authorise

    with _access(context, token_file, "look", "emergencies") as access:
        decision = authorise(access.person, "look", _now_ms())
        if not decision:
            _refuse(access.ledger, access.person.name, "look", "emergencies", decision.reason)
        _close_lapsed(access)
        rows: list[dict[str, Any]] = [dict(vars(one)) for one in access.vault.emergencies.active()]
        for row in rows:
            row |= {name: datetime.fromtimestamp(row[name] / 1000, UTC) for name in ("since", "until")}
        listing(rows, how, ("id", "region", "since", "until", "started_by", "approved_by"))


@emergency.command("reveal")
def emergency_reveal(
    context: typer.Context,
    emergency_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the session.")],
    reason: Reason = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Calls to open; the policy has a maximum.")] = None,
    purpose: Annotated[str, typer.Option(help="What the data is used for.")] = PURPOSE,
    approved_by: Approver = None,
    approver_token_file: ApproverFile = None,
    token_file: TokenFile = None,
) -> None:
    """Decrypt the open calls of a running session's region, most urgent first, each after its own audit entry; a JSON
    line a value, with platform, post_id, type and value."""
    with _access(context, token_file, "reveal", emergency_id) as access:
        approver = _approver(access.site, approved_by, approver_token_file)
        calls = failed = 0
        for one in access.vault.reveal_region(access.person, emergency_id, reason, purpose, approver, limit):
            calls, failed = calls + 1, failed + one.failed
            for value in one.values:
                post = {"platform": one.post.platform, "post_id": one.post.post_id}
                _print(post | {"type": value.type, "value": value.value})
        say(f"{calls} calls opened, {failed} values did not open")


@emergency.command("end")
def emergency_end(
    context: typer.Context,
    emergency_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the session.")],
    reason: Reason,
    token_file: TokenFile = None,
) -> None:
    """End a session early; the vault values of its region get a nearer end, unless they are under a hold."""
    with _access(context, token_file, "emergency", emergency_id) as access:
        changed = access.vault.emergencies.end(access.person, emergency_id, reason)
        say(f"{emergency_id} is ended; {changed} values of its region end sooner now")


@subject.command("find")
def subject_find(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="The person's number; - reads it from stdin (no trace in history).")],
    reason: Reason,
    kind: Annotated[str | None, typer.Option(help="CN_MOBILE, CN_ID, ...; default: every kind with a token.")] = None,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List where a number is held; audited."""
    with _access(context, token_file, "subject.find", "a number") as access:
        held = access.requests.find(access.person, _number(number), reason, kind)
        columns = ("platform", "post_id", "type", "token", "expires_at", "hold_until")
        listing([dict(vars(one)) for one in held], how, columns)


@subject.command("delete")
def subject_delete(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="The person's number; - reads it from stdin (no trace in history).")],
    reason: Reason,
    kind: Annotated[str | None, typer.Option(help="CN_MOBILE, CN_ID, ...; default: every kind with a token.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Delete a number from the vault and its token from posts; audited. What is under a hold stays."""
    from governance.keys import load_keys
    from governance.tokens import PHONE_KINDS, Tokeniser

    with _access(context, token_file, "subject.delete", "a number") as access:
        plain = _number(number)
        outcome = access.requests.delete(access.person, plain, reason, kind)
        if outcome.held:
            say(f"{outcome.held} values are under a recorded hold and stay, so does the token in posts")
        else:
            keys = access.site.settings.keys
            tokeniser = Tokeniser(load_keys(access.site.home, keys.master, keys.token).token)
            access.store.forget_tokens(tokeniser.token(one, plain) for one in PHONE_KINDS if kind in (None, one))
        say(f"{outcome.changed} values of {len(outcome.posts)} posts deleted")


@contextmanager
def _access(context: typer.Context, token_file: Path | None, action: str, what: str) -> Iterator[Access]:
    """Open ledger, store and keys for whoever asks. Refuses, audited, when it cannot be told who that is."""
    import json

    from governance.audit import Ledger
    from governance.crypto import Sealer
    from governance.keys import load_keys
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
    with ClickHouseVault(site.store) as store, Ledger(home, "vault", _now_ms) as ledger:
        person, why = _person(home, site.settings, token_file)
        try:
            if person is None:
                _refuse(ledger, f"account {_account()}", action, what, why)
            vault = Vault(store, ledger, sealer, rules, _now_ms)
            requests = SubjectRequests(store, ledger, sealer, Tokeniser(keys.token), _now_ms)
            yield Access(site, person, vault, requests, store, ledger)
        except json.JSONDecodeError:
            raise YuqingError("the audit ledger is damaged: `yuqing audit verify` says where") from None


def _person(home: Path, settings: Settings, token_file: Path | None) -> tuple[Person | None, str]:
    """Who asks; None and why when that cannot be told. Says on stderr when no duties are separated."""
    from governance.people import load_register
    from governance.roles import EMBEDDED_NOTICE, Person

    register = load_register(home)
    if register.entries:
        token = _token(token_file, TOKEN)
        if not token:
            return None, f"people have tokens here: show yours by --token-file or {TOKEN}"
        person = register.identify(token)
        return (person, "") if person else (None, "the token is nobody's: it was replaced or locked, or is mistyped")
    if settings.store.url:
        return None, "the store is not the embedded one and nobody is in the register of people: add them first"
    say(EMBEDDED_NOTICE)
    return Person(_account(), embedded=True), ""


def _approver(site: Site, name: str | None, token_file: Path | None) -> Person | None:
    """The second person, by a token of their own; in embedded mode by name, which nothing proves there."""
    from governance.people import load_register
    from governance.roles import Person

    if name is None:
        return None
    register = load_register(site.home)
    if not register.entries:
        return Person(name, embedded=True)
    person = register.identify(_token(token_file, APPROVER_TOKEN))
    if person is None or person.name != name:
        say(f"--approved-by {name}: not approved, the token shown is not that of {name}")
        return None
    return person


def _token(file: Path | None, variable: str) -> str:
    """From a file or the environment, never from the command line, which other users of the machine can read."""
    from schemas.errors import UsageError

    if file is None:
        return os.environ.get(variable, "").strip()
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token file {file} cannot be read ({type(error).__name__})") from None


def _may_audit(context: typer.Context, token_file: Path | None, action: str, what: str, about: str | None) -> None:
    """Raise AccessRefused, audited, unless whoever asks may do ``action`` on entries about ``about``."""
    from governance.audit import Ledger
    from governance.roles import Decision, authorise

    settings: Context = context.obj
    person, why = _person(settings.home, settings.settings(), token_file)
    decision = Decision(False, why)
    if person is not None:
        # in embedded mode every entry is about the one account there is
        decision = authorise(person, action, _now_ms(), about=None if person.embedded else about)
    if not decision:
        with Ledger(settings.home, "cli", _now_ms) as ledger:
            _refuse(ledger, person.name if person else f"account {_account()}", action, what, decision.reason)


def _refuse(ledger: Ledger, actor: str, action: str, what: str, why: str) -> NoReturn:
    from governance.vault import AccessRefused

    ledger.append(actor, f"{action}.refused", what, {"why": why})
    raise AccessRefused(why)


def _close_lapsed(access: Access) -> None:
    """Sessions end by themselves; what their end brings about, the next command does."""
    closed = access.vault.emergencies.close_lapsed()
    if closed:
        say(f"{closed} emergency sessions had run out; the values of their regions end sooner now")


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


def _number(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _account() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def _print(row: dict[str, str]) -> None:
    import json

    print(json.dumps(row, ensure_ascii=False), flush=True)
