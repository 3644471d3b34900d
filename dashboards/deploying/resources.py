"""Each kind of thing that a deploy writes: how it is read, and how it is written. In the order of writing.

``read`` gives what stands there without what Grafana counts up by itself (ids, versions, times), or None. ``write``
sends the version that was read, wherever the API takes one, so that a change of somebody in between is refused (409 or
412) and not lost. Alerting resources are written with ``X-Disable-Provenance``: people may change them in Grafana's
pages, and the next deploy sees it. What stands there with a provenance keeps it, since Grafana refuses to take it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.deploying.compare import PLACEHOLDER, REDACTED
from dashboards.deploying.grafana import Grafana, Missing, Refused
from dashboards.deploying.token import Part
from dashboards.deploying.wanted import Wanted
from dashboards.provisioning import FOLDER_UID
from schemas.errors import UsageError

Content = Mapping[str, Any]
_COUNTED = frozenset(
    {"id", "version", "iteration", "updated", "created", "orgID", "orgId", "provenance", "schemaVersion"}
)

_WORDS = frozenset({"title", "message", "subject", "httpMethod", "singleEmail"})
"""Settings of a contact point that are no address and no secret."""
_FREE = frozenset({"model", "settings", "labels", "annotations"})


@dataclass(frozen=True)
class Standing:
    """What is there: ``content`` is compared, ``raw`` is what Grafana answered."""

    content: Content
    raw: Content = field(default_factory=dict)
    owner: str = ""
    """Why it cannot be changed through the API, when it cannot."""


@dataclass(frozen=True)
class Resource:
    kind: str
    name: str
    part: Part
    wanted: Content
    read: Callable[[], Standing | None]
    write: Callable[[Standing | None], None]
    hidden: frozenset[str] = frozenset()
    """Paths below ``wanted`` whose values are nobody's to read: a webhook's address lets anyone post there."""
    form: Content | None = None
    """``wanted`` with names in the place of what a site gives; None when it gives nothing."""
    given: Content = field(default_factory=dict)
    lacking: bool = False
    """Whether the site gave less than the form asks for: the rest stays as it stands."""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"


def resources(grafana: Grafana, wanted: Wanted, parts: Sequence[Part]) -> Iterator[Resource]:
    """Everything of these parts, things that others refer to first."""
    if set(parts) & {Part.DASHBOARDS, Part.ALERTS}:
        part = Part.DASHBOARDS if Part.DASHBOARDS in parts else Part.ALERTS
        for uid, title in wanted.folders.items():
            yield _folder(grafana, part, uid, title)
    if Part.DATASOURCES in parts:
        for source in wanted.sources:
            yield _source(grafana, source, wanted.passwords.get(source["uid"], ""))
    if Part.ALERTS in parts:
        yield from (_template(grafana, template) for template in wanted.templates)
        yield from (_contact_point(grafana, point, wanted.addresses) for point in wanted.contact_points)
        if wanted.policies:
            yield _policies(grafana, own_route(wanted.policies, wanted.groups))
        yield from (_group(grafana, group) for group in wanted.groups)
    if Part.DASHBOARDS in parts:
        yield from (_board(grafana, board) for board in wanted.boards)


def _found(grafana: Grafana, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return grafana.call(what, function, *arguments)
    except Missing:
        return None


def _folder(grafana: Grafana, part: Part, uid: str, title: str) -> Resource:
    api = grafana.api.folder
    what = f"folder {uid}"

    def read() -> Standing | None:
        raw = _found(grafana, what, api.get_folder, uid)
        return raw and Standing({"title": raw["title"]}, raw)

    def write(standing: Standing | None) -> None:
        if standing is None:
            grafana.call(what, api.create_folder, title, uid)
        else:
            grafana.call(what, api.update_folder, uid, title, standing.raw.get("version"))

    return Resource("folder", uid, part, {"title": title}, read, write)


def _source(grafana: Grafana, source: Content, password: str) -> Resource:
    api = grafana.api.datasource
    uid = source["uid"]
    what = f"data source {uid}"

    def read() -> Standing | None:
        raw = _found(grafana, what, api.get_datasource_by_uid, uid)
        if raw is None:
            return None
        content = {name: raw.get(name) for name in source}
        # the password itself is never shown: that one is there, is all that can be compared
        content["password"] = bool((raw.get("secureJsonFields") or {}).get("password"))
        return Standing(content, raw, "it comes from files on Grafana's server" if raw.get("readOnly") else "")

    def write(standing: Standing | None) -> None:
        if not password:
            raise Refused(0, f"there is no password for {uid}: see --passwords")
        content = {**source, "secureJsonData": {"password": password}}
        if standing is None:
            grafana.call(what, api.create_datasource, content)
        else:
            content["version"] = standing.raw.get("version")
            grafana.call(what, api.update_datasource_by_uid, uid, content)

    return Resource("data source", uid, Part.DATASOURCES, {**source, "password": True}, read, write)


def health(grafana: Grafana, uid: str) -> str:
    """Empty when Grafana reaches the store through this data source, else what it said."""
    try:
        answer = grafana.call(f"health of {uid}", grafana.api.datasource.health, uid)
    except Refused as error:
        return str(error)
    if isinstance(answer, dict) and str(answer.get("status", "")).upper() == "OK":
        return ""
    return grafana.clean(answer.get("message", answer) if isinstance(answer, dict) else answer)


def _template(grafana: Grafana, template: Content) -> Resource:
    api = grafana.api.alertingprovisioning
    name = template["name"]
    what = f"template {name}"

    def read() -> Standing | None:
        raw = _found(grafana, what, api.get_template, name)
        return raw and Standing({"template": raw["template"]}, raw, _owner(raw))

    def write(standing: Standing | None) -> None:
        content = {"template": template["template"]}
        if standing and standing.raw.get("version"):
            content["version"] = standing.raw["version"]
        grafana.call(what, api.create_or_update_template, name, content, disable_provenance=_unlocked(standing))

    return Resource("template", name, Part.ALERTS, {"template": template["template"]}, read, write)


def _contact_point(grafana: Grafana, point: Content, addresses: Mapping[str, str]) -> Resource:
    api = grafana.api.alertingprovisioning
    uid = point["uid"]
    what = f"contact point {uid}"
    places = {
        name: match.group(1)
        for name, value in point["settings"].items()
        if isinstance(value, str) and (match := PLACEHOLDER.fullmatch(value))
    }
    given = {name: addresses[variable] for name, variable in places.items() if variable in addresses}
    settings = {**point["settings"], **given}
    missing = {name: variable for name, variable in places.items() if name not in given}

    def read() -> Standing | None:
        for raw in grafana.call(what, api.get_contactpoints):
            if raw.get("uid") == uid:
                return Standing(_plain(raw), raw, _owner(raw))
        return None

    def write(standing: Standing | None) -> None:
        there = standing.raw["settings"] if standing else {}
        lacking = {name: variable for name, variable in missing.items() if there.get(name) in (None, "", REDACTED)}
        if lacking:
            raise Refused(0, f"set {', '.join(sorted(lacking.values()))} in the environment: where alerts are sent")
        content = {**point, "settings": {**settings, **{name: there[name] for name in missing}}}
        if standing is None:
            grafana.call(what, api.create_contactpoint, content, disable_provenance=True)
        else:
            grafana.call(what, api.update_contactpoint, uid, content, disable_provenance=_unlocked(standing))

    hidden = frozenset(f"settings.{name}" for name in settings if name not in _WORDS)
    filled = _plain({**point, "settings": settings})
    return Resource("contact point", uid, Part.ALERTS, filled, read, write, hidden, _plain(point), given, bool(missing))


def own_route(policies: Content, groups: Sequence[Content]) -> dict[str, Any]:
    """Our tree of policies as one route of somebody's: only for alerts with the labels that all our rules have.

    An organisation has one tree. Were ours written over it, other teams' alerts would go to our receivers or to nobody.
    Raises UsageError when the rules have no label in common.
    """
    labels = [set((rule.get("labels") or {}).items()) for group in groups for rule in group["rules"]]
    common = sorted(set.intersection(*labels)) if labels else []
    if not common:
        raise UsageError("the alert rules have no label in common: notification policies cannot tell them from others")
    return {**policies, "object_matchers": [[name, "=", value] for name, value in common]}


def _policies(grafana: Grafana, route: Content) -> Resource:
    api = grafana.api.alertingprovisioning
    what = "notification policies"

    def place(tree: Content) -> int | None:
        for index, one in enumerate(tree.get("routes") or ()):
            if sorted(one.get("object_matchers") or ()) == sorted(route["object_matchers"]):
                return index
        return None

    def tree() -> dict[str, Any]:
        return dict(grafana.call(what, api.get_notification_policy_tree))

    def read() -> Standing | None:
        whole = tree()
        index = place(whole)
        if index is None:
            owner = _owner(whole)
            if owner:
                raise Refused(0, f"{what}: {owner}")
            return None
        return Standing(_plain(whole["routes"][index]), whole, _owner(whole))

    def write(standing: Standing | None) -> None:
        whole = dict(standing.raw) if standing else tree()
        routes = list(whole.get("routes") or ())
        index = place(whole)
        if index is None:
            routes.insert(0, route)  # before routes that may take every alert
        else:
            routes[index] = route
        locked = bool(whole.pop("provenance", ""))
        grafana.call(what, api.set_notification_policy_tree, {**whole, "routes": routes}, disable_provenance=not locked)

    return Resource("policies", "route", Part.ALERTS, _plain(route), read, write)


def _group(grafana: Grafana, group: Content) -> Resource:
    api = grafana.api.alertingprovisioning
    folder, title = group["folderUid"], group["title"]
    what = f"rule group {title}"

    def read() -> Standing | None:
        raw = _found(grafana, what, api.get_rule_group, folder, title)
        if raw is None or not raw.get("rules"):
            return None
        owners = [_owner(rule) for rule in raw["rules"]]
        return Standing(_plain(raw), raw, next(filter(None, owners), ""))

    def write(standing: Standing | None) -> None:
        grafana.call(what, api.update_rule_group, folder, title, dict(group), disable_provenance=_unlocked(standing))

    return Resource("rule group", title, Part.ALERTS, _plain(group), read, write)


def _board(grafana: Grafana, board: Content) -> Resource:
    api = grafana.api.dashboard
    uid = board["uid"]
    what = f"dashboard {uid}"

    def read() -> Standing | None:
        raw = _found(grafana, what, api.get_dashboard, uid)
        if raw is None:
            return None
        content = {**_outer(raw["dashboard"]), "folderUid": raw["meta"].get("folderUid", "")}
        return Standing(
            content, raw, "it comes from files on Grafana's server" if raw["meta"].get("provisioned") else ""
        )

    def write(standing: Standing | None) -> None:
        content = {**board, "id": None}
        content.pop("version", None)
        if standing is not None:
            content |= {"id": standing.raw["dashboard"].get("id"), "version": standing.raw["dashboard"].get("version")}
        grafana.call(
            what,
            api.update_dashboard,
            {
                "dashboard": content,
                "folderUid": FOLDER_UID,
                "message": "yuqing dashboards deploy",
                "overwrite": False,
            },
        )

    return Resource("dashboard", uid, Part.DASHBOARDS, {**_outer(board), "folderUid": FOLDER_UID}, read, write)


def _outer(content: Content) -> dict[str, Any]:
    """A dashboard without its own counted fields; ids of panels stay."""
    return {name: value for name, value in content.items() if name not in _COUNTED}


def _plain(content: Any) -> Any:
    """An alerting resource without counted fields, at every level but where names are somebody else's."""
    if isinstance(content, Mapping):
        return {
            name: value if name in _FREE else _plain(value) for name, value in content.items() if name not in _COUNTED
        }
    return [_plain(one) for one in content] if isinstance(content, list | tuple) else content


def _owner(raw: Content) -> str:
    return "it comes from files on Grafana's server" if raw.get("provenance") == "file" else ""


def _unlocked(standing: Standing | None) -> bool:
    """Whether to write without provenance. A rule group has it on its rules."""
    if standing is None:
        return True
    rules = standing.raw.get("rules") or ()
    return not (standing.raw.get("provenance") or any(rule.get("provenance") for rule in rules))
