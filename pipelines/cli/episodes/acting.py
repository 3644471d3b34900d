"""`episodes verify | dispatch | arrive | close | reopen | reject-proposal | merge | split | note | called`.

Each is checked against the episode's state, written into the ledger, and then a row of ``episode_events``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import TokenFile, now_ms
from pipelines.cli.episodes.looking import told
from pipelines.cli.episodes.opening import ACT, SEE, Actor, EpisodeId, at_desk, episodes, subject_of, without_identities
from pipelines.cli.moments import milliseconds
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from pipelines.cli.episodes.opening import AtDesk
    from pipelines.store.desk import Act
    from pipelines.store.desk_reading import Event

NONE = "none"
Seen = Annotated[
    str | None,
    typer.Option(help=f"Last event that you know of, as `show` prints it, or {NONE}; refused if there is a later one."),
]
Note = Annotated[str, typer.Option(help="What was said or seen; no number and no name of a person in need.")]
_SPAN = re.compile(r"(\d{1,4})(m|h)")


@episodes.command("verify")
def episodes_verify(
    context: typer.Context,
    episode: EpisodeId,
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Say that it is true, because somebody phoned or saw it."""
    _act(context, token_file, "verify", episode, actor, seen=seen, note=note)


@episodes.command("dispatch")
def episodes_dispatch(
    context: typer.Context,
    episode: EpisodeId,
    unit: Annotated[str, typer.Option(help="Who goes; owns the episode from now on.")],
    deadline: Annotated[str, typer.Option(help="Until when: RFC 3339, epoch ms, or from now on, like 30m or 2h.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Another unit takes over from the one that was sent.")] = False,
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Send a unit to a verified episode."""
    from schemas.errors import UsageError

    unit = without_identities("--unit", unit)
    if not unit:
        raise UsageError("--unit is empty: say who goes")
    until = _until(deadline) if deadline else None
    _act(context, token_file, "dispatch", episode, actor, seen=seen, note=note, unit=unit, deadline=until, again=again)


@episodes.command("arrive")
def episodes_arrive(
    context: typer.Context,
    episode: EpisodeId,
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Say that the unit is there."""
    _act(context, token_file, "arrive", episode, actor, seen=seen, note=note)


@episodes.command("close")
def episodes_close(
    context: typer.Context,
    episode: EpisodeId,
    note: Annotated[str, typer.Option(help="Why it is over; no number and no name of a person in need.")],
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Say that it is over, in any state, and why; takes up a proposal, if a post made one."""
    from schemas.errors import UsageError

    if not note.strip():
        raise UsageError("--note is empty: say why it is over")
    _act(context, token_file, "close", episode, actor, seen=seen, note=note)


@episodes.command("reopen")
def episodes_reopen(
    context: typer.Context,
    episode: EpisodeId,
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Say that a closed episode is not over: it is verified again."""
    _act(context, token_file, "reopen", episode, actor, seen=seen, note=note)


@episodes.command("reject-proposal")
def episodes_reject(
    context: typer.Context,
    episode: EpisodeId,
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Turn down what a post proposes (that people are safe); the state stays."""
    _act(context, token_file, "reject", episode, actor, seen=seen, note=note)


@episodes.command("merge")
def episodes_merge(
    context: typer.Context,
    episode: EpisodeId,
    into: Annotated[str, typer.Argument(metavar="INTO", help="Id of the episode that goes on.")],
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Say that it is the same as another: its posts, now and later, belong to that one."""
    _act(context, token_file, "merge", episode, actor, seen=seen, note=note, other=into)


@episodes.command("split")
def episodes_split(
    context: typer.Context,
    episode: EpisodeId,
    posts: Annotated[list[str], typer.Option(help="Posts that leave: ids, or platform/id, with commas between them.")],
    note: Note = "",
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Say that these posts are about something else: they become an episode of their own."""
    named = [name.strip() for given in posts for name in given.split(",") if name.strip()]
    _act(context, token_file, "split", episode, actor, seen=seen, note=note, posts=named)


@episodes.command("note")
def episodes_note(
    context: typer.Context,
    episode: EpisodeId,
    text: Annotated[str, typer.Argument(help="What was said or seen; no number and no name of a person in need.")],
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Write something beside it; the state stays."""
    from schemas.errors import UsageError

    if not text.strip():
        raise UsageError("the note is empty")
    _act(context, token_file, "note", episode, actor, seen=seen, note=text)


@episodes.command("called")
def episodes_called(
    context: typer.Context,
    episode: EpisodeId,
    note: Note = "",
    again: Annotated[bool, typer.Option("--again", help="Record a call although somebody has phoned already.")] = False,
    look: Annotated[bool, typer.Option("--look", help="Only show who has phoned; record nothing.")] = False,
    how: Annotated[Format, typer.Option("--format", help="table or json: who has phoned so far.")] = Format.TABLE,
    seen: Seen = None,
    actor: Actor = None,
    token_file: TokenFile = None,
) -> None:
    """Call before phoning again: shows who has phoned this number, in any episode, and records that you phone now.
    When somebody has phoned, that takes --again."""
    with at_desk(context, SEE if look else ACT, subject_of(episode), token_file) as here:
        whole = here.desk.full_id(episode)
        if look:
            here.record("episode.show", f"episode {whole}", {"what": "calls back"})
        calls = here.desk.calls_back(whole)
        listing([told(event) for event in calls], how, ("at", "actor", "note", "episode_id"))
        if not look:
            _at(here, "called", episode, actor, seen=seen, note=note, again=again)


def _act(
    context: typer.Context, token_file: Path | None, action: str, episode: str, actor: str | None, **more: Any
) -> None:
    others = [more["other"]] if "other" in more else []
    with at_desk(context, ACT, subject_of(episode, *others), token_file) as here:
        _at(here, action, episode, actor, **more)


def _at(here: AtDesk, action: str, episode: str, actor: str | None, **more: Any) -> None:
    """Do it. ``posts``: names as typed; ``other``: a beginning of an id; ``seen``: of an event."""
    from pipelines.store.desk import Act
    from pipelines.store.desk_reading import short
    from udfs.episodes.fold import split_id

    who = here.name(actor)
    whole = here.desk.full_id(episode)
    more["note"] = without_identities("the note", more["note"])
    if "other" in more:
        more["other"] = here.desk.full_id(more["other"])
    if "posts" in more:
        more["posts"] = _posts(here, whole, more["posts"])
    if more["seen"] == NONE:
        more["seen"] = ""
    act = Act(action, whole, who, **more)
    event = here.desk.act(act, lambda event: here.record(f"episode.{action}", f"episode {whole}", _detail(act, event)))
    after = f" is {event.state}" if event.state else f": {action} recorded"
    unit = f", {event.unit}" if event.unit else ""
    say(f"{short(whole)}{after}{unit} (event {event.event_id[:12]})")
    if action == "split":
        say(
            f"its {len(act.posts)} posts become episode {short(split_id(event.event_id))} once the watch has seen to it"
        )


def _detail(act: Act, event: Event) -> dict[str, Any]:
    """For the ledger: ids and labels. What a note says stands in the store only."""
    detail: dict[str, Any] = {"event": event.event_id, "as": act.actor, "state": event.state, "unit": act.unit}
    detail |= {"deadline": act.deadline, "into": act.other, "posts": [str(post) for post in act.posts]}
    return {name: value for name, value in detail.items() if value not in ("", None, [])} | (
        {"again": True} if act.again else {}
    )


def _posts(here: AtDesk, whole: str, named: list[str]) -> tuple[Any, ...]:
    """The posts of the episode that are meant by ids, or by platform/id. Raises UsageError."""
    from pipelines.store.desk_reading import short
    from schemas.errors import UsageError

    there = sorted(here.desk.posts_of(whole))
    found = []
    for name in dict.fromkeys(named):
        fitting = [post for post in there if name in (post.post_id, str(post))]
        if len(fitting) != 1:
            why = "on several platforms: write platform/id" if fitting else "it has no such post"
            raise UsageError(f"--posts {name!r}: episode {short(whole)}: {why}")
        found += fitting
    return tuple(found)


def _until(deadline: str) -> int:
    """Epoch ms. Raises UsageError for a time that has passed."""
    from schemas.errors import UsageError

    now = now_ms()
    if span := _SPAN.fullmatch(deadline):
        return now + int(span.group(1)) * (60_000 if span.group(2) == "m" else 3_600_000)
    until = milliseconds("--deadline", deadline)
    if until <= now:
        raise UsageError(f"--deadline {deadline!r} has passed")
    return until
