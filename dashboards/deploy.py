"""Deploy: make a Grafana hold what the committed files say; safe to run twice, and careful with people's changes.

For each thing (``dashboards.deploying.resources``), in an order in which nothing refers to what is not there yet:

1. read what stands there;
2. nothing: create it; what we want: leave it;
3. another content that nobody touched since we wrote it (``marks``): replace it;
4. a content that a person changed, or that was never ours: refuse, unless ``force``.

What fails is told and the rest goes on; what was done stays; the next run does what is left. After a change Grafana's
own form of it is read again and remembered, so a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboards.deploying import compare, marks
from dashboards.deploying.grafana import Grafana, Refused
from dashboards.deploying.marks import Mark, digest
from dashboards.deploying.resources import Resource, Standing, health, resources
from dashboards.deploying.token import Part, warnings
from dashboards.deploying.wanted import Wanted
from dashboards.provisioning import PLUGIN
from schemas.errors import UsageError, YuqingError

Say = Callable[[str], None]
CREATED, CHANGED, SAME, REFUSED, LEFT = "created", "changed", "same", "refused", "left"
AHEAD = {CREATED: "would create", CHANGED: "would change"}


@dataclass(frozen=True)
class Outcome:
    """What became of one thing. ``difference``: lines ``path: what stood -> what is wanted``."""

    kind: str
    name: str
    state: str
    note: str = ""
    difference: Sequence[str] = ()

    @property
    def failed(self) -> bool:
        return self.state == REFUSED


def deploy(
    grafana: Grafana,
    wanted: Wanted,
    *,
    parts: Sequence[Part] = tuple(Part),
    force: bool = False,
    dry_run: bool = False,
    say: Say = lambda _: None,
) -> list[Outcome]:
    """Bring ``grafana`` to ``wanted`` and return one outcome a thing; with ``dry_run`` only read.

    Raises UsageError for an address that is no Grafana, an unknown token or a missing plugin, before anything is
    written; ServiceError when Grafana goes away meanwhile (what was done stays and is remembered).
    """
    version = grafana.check()
    say(f"Grafana {version} at {grafana.url}")
    for line in warnings(grafana, parts):
        say(f"warning: {line}")
    if Part.DATASOURCES in parts and not grafana.has_plugin(PLUGIN):
        raise UsageError(
            f"{grafana.url}: the plugin {PLUGIN} is not installed; on its server: grafana cli plugins install {PLUGIN}"
        )
    try:
        known = marks.read(grafana)
    except Refused as error:
        say(f"warning: what was deployed before cannot be read, so every difference counts as a person's: {error}")
        known = {}
    now = dict(known)
    outcomes: list[Outcome] = []
    try:
        for resource in resources(grafana, wanted, parts):
            outcomes.append(_bring(grafana, resource, now, force, dry_run))
    except YuqingError:
        for outcome in outcomes:
            say(f"{outcome.kind} {outcome.name}: {outcome.state}")
        raise
    else:
        outcomes += _left(now, outcomes, parts)
    finally:
        if not dry_run and now != known:
            _remember(grafana, now, say)
    return outcomes


def _remember(grafana: Grafana, now: dict[str, Mark], say: Say) -> None:
    try:
        marks.write(grafana, now)
    except (Refused, YuqingError) as error:
        say(f"warning: what was deployed is not remembered; the next deploy may need --force: {error}")


def _bring(grafana: Grafana, resource: Resource, now: dict[str, Mark], force: bool, dry_run: bool) -> Outcome:
    def outcome(state: str, note: str = "", difference: Sequence[str] = ()) -> Outcome:
        shown = AHEAD.get(state, state) if dry_run else state
        return Outcome(resource.kind, resource.name, shown, note, difference)

    try:
        standing = resource.read()
        if standing is None:
            if dry_run:
                return outcome(CREATED)
            _write(grafana, resource, None, now)
            return outcome(CREATED, _reach(grafana, resource))
        found = compare.lines(standing.content, resource.wanted, resource.hidden)
        mark = now.get(resource.key)
        touched = mark is None or mark.standing != digest(standing.content)
        outdated = mark is not None and mark.outdated(*_asked(resource))
        if not found and (touched or not outdated):
            note = "with additions made in Grafana" if mark is not None and touched else ""
            if mark is None and not dry_run:
                now[resource.key] = marks.of(*_asked(resource), standing.content, None)
            return _checked(grafana, resource, standing, now, dry_run) or outcome(SAME, note or standing.owner)
        if standing.owner:
            return outcome(REFUSED, f"{standing.owner}: change it there", found)
        if found and not touched and not outdated:
            # Grafana's own form of what we wrote; it reads back otherwise than it was sent
            return outcome(SAME)
        if touched and not force:
            why = "somebody changed it in Grafana" if mark else "it stands there and was not deployed from here"
            return outcome(REFUSED, f"{why}; --diff shows it, --force overwrites it", found)
        if not dry_run:
            _write(grafana, resource, standing, now)
            if said := _reach(grafana, resource):
                return outcome(CHANGED, said, found)
        return outcome(CHANGED, "a person's change was overwritten" if touched and mark else "", found)
    except Refused as error:
        return outcome(REFUSED, str(error))


def _write(grafana: Grafana, resource: Resource, standing: Standing | None, now: dict[str, Mark]) -> None:
    resource.write(standing)
    written = resource.read()
    if written is None:
        raise Refused(0, "Grafana took it, and it is not there")
    now[resource.key] = marks.of(*_asked(resource), written.content, now.get(resource.key))


def _asked(resource: Resource) -> tuple[object, object]:
    form = resource.wanted if resource.form is None else resource.form
    return form, None if resource.lacking else resource.given


def _checked(
    grafana: Grafana, resource: Resource, standing: Standing, now: dict[str, Mark], dry_run: bool
) -> Outcome | None:
    """A data source looks the same with an old password: ask whether the store lets it in, else send ours again."""
    if resource.part is not Part.DATASOURCES:
        return None
    said = health(grafana, resource.name)
    if not said:
        return None
    if not _wrong_password(said) or standing.owner:
        return Outcome(resource.kind, resource.name, SAME, f"it does not reach the store: {said}")
    if dry_run:
        return Outcome(resource.kind, resource.name, AHEAD[CHANGED], "the store refuses its password")
    _write(grafana, resource, standing, now)
    said = health(grafana, resource.name)
    if said:
        return Outcome(resource.kind, resource.name, REFUSED, f"the store refuses the password: {said}")
    return Outcome(resource.kind, resource.name, CHANGED, "the store refused its password; it has the new one")


def _reach(grafana: Grafana, resource: Resource) -> str:
    said = health(grafana, resource.name) if resource.part is Part.DATASOURCES else ""
    return f"it does not reach the store: {said}" if said else ""


def _wrong_password(said: str) -> bool:
    return "516" in said or "uthentication" in said


def _left(now: dict[str, Mark], outcomes: Sequence[Outcome], parts: Sequence[Part]) -> list[Outcome]:
    """What an older release deployed and this one does not have: people look at it, so it is theirs to delete. It is
    said once, and then forgotten."""
    if set(parts) != set(Part):
        return []
    there = {f"{one.kind}/{one.name}" for one in outcomes}
    gone = sorted(key for key in now if key not in there)
    for key in gone:
        del now[key]
    return [
        Outcome(*key.split("/", 1), LEFT, "deployed before and no longer a part; delete it in Grafana") for key in gone
    ]
