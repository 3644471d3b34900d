"""What every command on episodes works with: the group, the desk, and words that may stand in the store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import allowed, now_ms
from pipelines.cli.main import Context, app

if TYPE_CHECKING:
    from governance.roles import Person
    from pipelines.store.desk import Desk

episodes = typer.Typer(help="Episodes: calls and hazards, what is needed where, who sees to it.", no_args_is_help=True)
app.add_typer(episodes, name="episodes", rich_help_panel="Store")

SEE, ACT, EXPORT = "episode.see", "episode.act", "episode.export"
LOCK = "episodes.lock"
LONGEST_NAME, LONGEST_WORDS = 64, 2_000
"""Characters of a name, and of a note."""

EpisodeId = Annotated[str, typer.Argument(metavar="ID", help="Id of the episode, or its first characters.")]
Actor = Annotated[
    str | None, typer.Option("--as", help="Who; default: whoever asks. Only where nobody is in the register.")
]

_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_OF_PERSONS = frozenset(
    {"CN_MOBILE", "CN_LANDLINE", "PHONE_NUMBER", "CN_ID", "CN_PASSPORT", "CN_PERMIT", "BANK_CARD", "EMAIL_ADDRESS"}
) | {"IM_ID"}
"""What no note may hold; a plate or a credit code may be that of the unit that was sent."""


@dataclass(frozen=True)
class AtDesk:
    """A person who may do what they ask for, and the store."""

    desk: Desk
    person: Person
    home: Path

    def record(self, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Write into the ledger, before it takes effect, what is done."""
        from pipelines.jobs import traced

        traced.note(self.home, self.person.name, action, subject, detail)

    def name(self, given: str | None) -> str:
        """Who acts: the name given by ``--as`` where nobody has a token. Raises UsageError where people have."""
        from schemas.errors import UsageError

        if given and not self.person.embedded:
            raise UsageError(f"--as {given!r}: your token says who you are ({self.person.name})")
        if given and not (given.isprintable() and given.strip() and len(given) <= LONGEST_NAME):
            raise UsageError(f"--as: a name has 1 to {LONGEST_NAME} characters that print")
        return given or self.person.name


@contextmanager
def at_desk(context: typer.Context, action: str, subject: str, token_file: Path | None) -> Iterator[AtDesk]:
    """Open the store for whoever asks, once they may. ``subject``: an id or ids, fit for the ledger."""
    from pipelines.jobs.site import Site
    from pipelines.store.client import connect
    from pipelines.store.desk import Desk

    given: Context = context.obj
    settings = given.settings()
    person = allowed(context, action, subject, token_file, settings=settings)
    with connect(Site(given.home, settings).store) as client:
        yield AtDesk(Desk(client, given.home / LOCK, now_ms), person, given.home)


def subject_of(*starts: str) -> str:
    """The subject of a ledger entry. Raises UsageError for what is no id: it would stand there for good."""
    from schemas.errors import UsageError

    for start in starts:
        if not _ID.fullmatch(start):
            raise UsageError("that is no id of an episode: `yuqing episodes list` shows them")
    return f"episode {' '.join(starts)}"


def without_identities(option: str, text: str) -> str:
    """``text`` as it may be stored. Raises UsageError that names the kind of identifier in it, never the identifier.

    Names of people are not found: that takes the model of ``mask``. Cost: .2 s once a process.
    """
    if not text.strip():
        return ""
    from schemas.errors import UsageError
    from udfs.pii.detector import Detector
    from udfs.pii.registry import identifier_recognisers, public_numbers

    found = Detector(identifier_recognisers(), public_numbers=public_numbers()).find(text)
    if len(text) > LONGEST_WORDS:
        raise UsageError(f"{option} has {len(text):,} characters: {LONGEST_WORDS:,} fit")
    kinds = sorted({span.type for span in found} & _OF_PERSONS)
    if kinds:
        raise UsageError(
            f"{option} holds a {kinds[0]}: identities stay in the vault; name the post, `yuqing reveal` opens it"
        )
    return text.strip()
