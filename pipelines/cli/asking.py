"""Who asks, and may they: what a command calls before it acts.

A person shows the token that the register of people (``governance.people``) gave them. While nobody is in the register
and the store is the embedded one, there is one person only: the account of the operating system.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipelines.cli.main import Context

if TYPE_CHECKING:
    from governance.audit import Ledger
    from governance.people import Register
    from governance.roles import Person
    from schemas.settings import Settings

TOKEN, APPROVER_TOKEN = "YUQING_TOKEN", "YUQING_APPROVER_TOKEN"
WRITER = "cli"
"""The ledger's writer for what is asked at the command line, but for the vault, which has a writer of its own."""

EVERYDAY = frozenset(
    {"look", "query.views", "query.base", "job.operate", "dlq.retry", "alert.ack", "rules.change", "settings.change",
     "deploy", "episode.see", "episode.act", "episode.export"}
)  # fmt: skip
"""Actions before which an embedded home does not repeat that it separates no duties: they touch no identity."""

TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with your token; or set {TOKEN}. None in embedded mode."),
]
Approver = Annotated[str | None, typer.Option("--approved-by", help="Who approves: another person.")]
ApproverFile = Annotated[
    Path | None, typer.Option(help=f"File with the approver's token; or set {APPROVER_TOKEN}. None in embedded mode.")
]


def allowed(
    context: typer.Context,
    action: str,
    subject: str,
    token_file: Path | None = None,
    *,
    about: str | None = None,
    settings: Settings | None = None,
) -> Person:
    """Return whoever asks, once it is settled that they may do ``action`` (``governance.roles.ACTIONS``) now.

    ``subject``: to what, in words fit for the ledger: ids and tokens, never values. ``about``: whose reveal or grant it
    concerns. ``settings``: those the command works with, where it has overrides of its own; else the context's.
    Guarantees: a refusal stands in the ledger (writer ``cli``, ``ACTION.refused``) before AccessRefused is raised. What
    is then done, the caller audits. Cost: some ms; reads one small file, and writes only when it refuses.
    """
    from governance.audit import Ledger
    from governance.roles import EMBEDDED_NOTICE, Decision, authorise
    from pipelines.cli.services import say

    given: Context = context.obj
    person, why = identify(given.home, settings or given.settings(), token_file, everyday=action in EVERYDAY)
    decision = Decision(False, why)
    if person is not None:
        if person.embedded and action not in EVERYDAY:
            say(EMBEDDED_NOTICE)
        # in embedded mode everything is about the one account there is
        about = None if person.embedded else about
        decision = Decision(False, why) if why else authorise(person, action, now_ms(), about)
    if person is None or not decision:
        with Ledger(given.home, WRITER, now_ms) as ledger:
            refuse(ledger, person, action, subject, decision.reason)
    return person


def identify(
    home: Path, settings: Settings, token_file: Path | None, everyday: bool = False
) -> tuple[Person | None, str]:
    """Who asks, and why they may do nothing yet ("" when they may); None when it cannot be told who that is.

    Raises UsageError for a token file that cannot be read.

    Before there are people, a store that is not the embedded one takes ``everyday`` actions from the account of the
    operating system, so that a site can run a job first; what touches identities waits for the register.
    """
    from governance.people import load_register
    from governance.roles import Person

    register = load_register(home)
    if register.entries:
        token = read_token(token_file, TOKEN)
        if not token:
            return None, f"people have tokens here: show yours by --token-file or {TOKEN}"
        person = register.identify(token)
        if person is None:
            return None, "the token is nobody's: it was replaced or locked, or is mistyped"
        return person, _not_own(register, person)
    if settings.store.url and not everyday:
        return (
            None,
            "the store is not the embedded one and nobody is in the register of people: `yuqing people add` first",
        )
    return Person(account(), embedded=True), ""


def approver(home: Path, name: str | None, token_file: Path | None) -> Person | None:
    """The second person, by a token of their own; in embedded mode by name, which nothing proves there."""
    from governance.people import load_register
    from governance.roles import Person
    from pipelines.cli.services import say

    if name is None:
        return None
    register = load_register(home)
    if not register.entries:
        return Person(name, embedded=True)
    person = register.identify(read_token(token_file, APPROVER_TOKEN))
    why = "the token shown is not theirs" if person is None or person.name != name else _not_own(register, person)
    if why:
        say(f"--approved-by {name}: not approved, {why}")
        return None
    return person


def _not_own(register: Register, person: Person) -> str:
    issuer = register.issued_by(person.name)
    return (
        f"{issuer} made this token and knows it: first get one of your own by `yuqing people token`" if issuer else ""
    )


def refuse(ledger: Ledger, person: Person | None, action: str, subject: str, why: str) -> NoReturn:
    """Write the refusal down, then raise AccessRefused. ``person`` is None when nobody could be told."""
    from governance.roles import AccessRefused

    actor = person.name if person else f"account {account()}"
    ledger.append(actor, f"{action}.refused", subject, {"why": why})
    raise AccessRefused(why)


def read_token(file: Path | None, variable: str) -> str:
    """From a file or the environment, never from the command line, which other users of the machine can read."""
    from schemas.errors import UsageError

    if file is None:
        return os.environ.get(variable, "").strip()
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token file {file} cannot be read ({type(error).__name__})") from None


def account() -> str:
    """Name of the operating system's account."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000
