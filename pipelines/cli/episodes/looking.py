"""`episodes list | show`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import TokenFile, now_ms
from pipelines.cli.episodes.opening import SEE, EpisodeId, at_desk, episodes, subject_of
from pipelines.cli.output import Format, listing

if TYPE_CHECKING:
    from pipelines.store.desk_reading import Event

COLUMNS = (
    "id", "priority", "place", "needs", "people", "callers", "relays", "last_at", "state", "owner", "deadline",
    "proposed",
)  # fmt: skip

State = Annotated[
    str, typer.Option(help="unverified, verified, dispatched, arrived, closed; open (all but closed) or all.")
]


def states(given: str) -> tuple[str, ...]:
    """The states that ``--state`` means. Raises UsageError."""
    from pipelines.store.desk_reading import OPEN, STATES
    from schemas.errors import UsageError

    if given == "open":
        return OPEN
    if given == "all":
        return STATES
    if given in STATES:
        return (given,)
    raise UsageError(f"--state {given!r} is none of {', '.join(STATES)}, open, all")


@episodes.command("list")
def episodes_list(
    context: typer.Context,
    state: State = "open",
    adcode: Annotated[str, typer.Option(help="A county, or a city or province with all in it: 410181, 410100.")] = "",
    kind: Annotated[str, typer.Option(help="help or hazard.")] = "",
    unit: Annotated[str, typer.Option(help="Only what this unit owns.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List episodes, the most urgent first. Of people with tokens each look is audited."""
    from pipelines.store.desk_reading import division, short
    from schemas.errors import UsageError

    wanted, _ = states(state), division(adcode)
    if kind not in ("", "help", "hazard"):
        raise UsageError(f"--kind {kind!r} is neither help nor hazard")
    with at_desk(context, SEE, "episodes", token_file) as here:
        if not here.person.embedded:
            here.record("episode.list", "episodes", {"state": state, "adcode": adcode, "kind": kind, "limit": limit})
        rows = here.desk.find(wanted, adcode, kind, unit, limit)
    if how is Format.JSON:
        listing(rows, how)
        return
    late = now_ms()
    for row in rows:
        row["id"], row["needs"] = short(row["episode_id"]), row["needs"] or row["hazards"]
        due = row["deadline"]
        if due is not None and due.timestamp() * 1000 < late and row["state"] != "closed":
            row["deadline"] = f"{due.isoformat(' ', 'seconds')} LATE"
    listing(rows, how, COLUMNS)


@episodes.command("show")
def episodes_show(
    context: typer.Context,
    episode: EpisodeId,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """Show one episode: facts, reasons, the masked posts behind it, offers nearby, what was done, who has phoned.
    Audited."""
    with at_desk(context, SEE, subject_of(episode), token_file) as here:
        whole = here.desk.full_id(episode)
        here.record("episode.show", f"episode {whole}", {})
        facts = here.desk.episode(whole)
        evidence = here.desk.evidence(whole)
        events, calls = here.desk.events([whole]), here.desk.calls_back(whole)
        offers = here.desk.offers(whole)
        facts["numbers"] = here.desk.numbers([whole]).get(whole, 0)
    done = [told(event) for event in events]
    phoned = [told(event) for event in calls]
    if how is Format.JSON:
        listing([facts | {"evidence": evidence, "offers": offers, "events": done, "calls_back": phoned}], how)
        return
    for name in ("evidence", "offers", *(() if facts["proposed"] else ("proposed_by", "proposed_at"))):
        facts.pop(name)
    listing([{"fact": name, "value": value} for name, value in facts.items() if value not in ("", None, [])], how)
    for title, rows, columns in (
        ("posts", evidence, ("platform", "post_id", "role", "created_at", "priority", "state", "text")),
        ("offers nearby", offers, ("platform", "post_id", "km", "state", "text")),
        ("what was done", done, ("at", "actor", "action", "unit", "deadline", "note", "other", "posts", "event")),
        ("who has phoned (this number, in any episode)", phoned, ("at", "actor", "note", "episode_id")),
    ):
        sys.stdout.write(f"\n{title}\n")
        listing(rows, how, columns)


def told(event: Event) -> dict[str, Any]:
    """An event as lists show it."""
    return {
        "event": event.event_id[:12],
        "episode_id": event.episode_id,
        "at": moment(event.at),
        "actor": event.actor,
        "action": event.action,
        "state": event.state,
        "unit": event.unit,
        "deadline": None if event.deadline is None else moment(event.deadline),
        "note": event.note,
        "other": event.other_id,
        "posts": [str(post) for post in event.posts],
    }


def moment(ms: int) -> datetime:
    """In UTC, to the second: what tables of yuqing show."""
    return datetime.fromtimestamp(ms // 1000, UTC)
