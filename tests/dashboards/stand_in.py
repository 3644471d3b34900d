"""A stand-in for Grafana: the endpoints that a deploy uses, as Grafana's HTTP API documents them, with state.

It is written from the documentation and the source of Grafana, and no proof of what a server does. It keeps to: uids,
versions (409 for data sources and templates, 412 for folders and dashboards), the access control's actions with 403 and
their names, provenance (``X-Disable-Provenance``; what came by the API with provenance cannot lose it; what came from
files cannot be changed), secrets that are never given back, and fields that Grafana adds. Faults are data: ``faults``
maps (method, path) to the answer that it gets once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

VIEWER_ACTIONS = {
    "folders:read",
    "dashboards:read",
    "datasources:query",
    "alert.rules:read",
    "alert.notifications:read",
}
EDITOR_ACTIONS = VIEWER_ACTIONS | {
    "folders:create", "folders:write", "dashboards:create", "dashboards:write", "alert.rules:write",
    "alert.rules:create", "alert.notifications:write", "alert.provisioning.provenance:write",
}  # fmt: skip
ADMIN_ACTIONS = EDITOR_ACTIONS | {
    "datasources:read", "datasources:create", "datasources:write", "alert.provisioning:write", "orgs:write",
    "org.users:write", "serviceaccounts:write",
}  # fmt: skip
DEPLOYER_ACTIONS = EDITOR_ACTIONS | {"datasources:read", "datasources:create", "datasources:write"}
"""A custom role of Grafana Enterprise or Cloud: all that a deploy needs."""

REDACTED = {"wecom": {"url"}, "dingding": set(), "webhook": {"password"}, "email": set()}
"""Type of a contact point -> the settings that Grafana does not give back."""


class Answer(Exception):
    def __init__(self, code: int, /, **body: Any) -> None:
        super().__init__(code)
        self.code, self.body = code, body


class StandIn(AbstractContextManager["StandIn"]):
    """Runs in a thread on a free port; all state is open to the test."""

    def __init__(self, actions: set[str] = DEPLOYER_ACTIONS, prefix: str = "") -> None:
        self.token = "glsa_stand_in"
        self.actions = set(actions)
        self.prefix = prefix
        self.plugins = {"grafana-clickhouse-datasource"}
        self.store_passwords: dict[str, str] | None = None
        """The store's users; None: every password is right."""
        self.folders: dict[str, Any] = {}
        self.sources: dict[str, Any] = {}
        self.boards: dict[str, Any] = {}
        self.templates: dict[str, Any] = {}
        self.points: dict[str, Any] = {}
        self.tree: dict[str, Any] = {"receiver": "grafana-default-email", "group_by": ["grafana_folder", "alertname"]}
        self.groups: dict[tuple[str, str], Any] = {}
        self.faults: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self.requests: list[tuple[str, str]] = []
        self._ids = 0
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's acknowledgement
            wbufsize = -1

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                stand_in._answer(self)

            do_POST = do_PUT = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}{prefix}"

    def __enter__(self) -> StandIn:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.requests if one[0] != "GET"]

    # -- requests -------------------------------------------------------------------------------------------------

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = json.loads(request.rfile.read(length)) if length else None
        path = unquote(urlsplit(request.path).path)
        status, answer = 404, {"message": "Not found"}
        try:
            if path.startswith(f"{self.prefix}/api/"):
                path = path.removeprefix(f"{self.prefix}/api")
                self.requests.append((request.command, path))
                if fault := self.faults.pop((request.command, path), None):
                    raise Answer(fault[0], **fault[1])
                if request.headers.get("Authorization") != f"Bearer {self.token}":
                    raise Answer(401, message="Invalid API key")
                locked = request.headers.get("X-Disable-Provenance") is None
                status, answer = self._route(request.command, path.strip("/").split("/"), body, locked)
        except Answer as refused:
            status, answer = refused.code, refused.body
        sent = b"" if answer is None else json.dumps(answer, ensure_ascii=False).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(sent)))
        request.end_headers()
        request.wfile.write(sent)

    def _route(self, method: str, path: list[str], body: Any, locked: bool) -> tuple[int, Any]:
        match [method, *path]:
            case ["GET", "frontend", "settings"]:
                return 200, {"buildInfo": {"version": "12.4.0", "edition": "Open Source"}}
            case ["GET", "access-control", "user", "permissions"]:
                return 200, {action: ["*"] for action in self.actions}
            case ["GET", "plugins", plugin, "settings"]:
                return self._one({one: {"id": one} for one in self.plugins}, plugin, "Plugin not found")
            case [_, "folders", *rest]:
                return self._folder(method, rest, body)
            case [_, "datasources", *rest]:
                return self._source(method, rest, body)
            case [_, "dashboards", *rest]:
                return self._board(method, rest, body)
            case [_, "v1", "provisioning", kind, *rest]:
                return self._provisioning(method, kind, rest, body, locked)
        raise Answer(404, message="Not found")

    def _need(self, *actions: str) -> None:
        if not self.actions.intersection(actions):
            raise Answer(
                403,
                title="Access denied",
                message="You'll need additional permissions to perform this action. Permissions needed: "
                f"{' or '.join(actions)}",
            )

    @staticmethod
    def _one(held: dict[str, Any], name: str, message: str) -> tuple[int, Any]:
        if name not in held:
            raise Answer(404, message=message)
        return 200, held[name]

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    # -- folders, data sources, dashboards ------------------------------------------------------------------------

    def _folder(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            self._need("folders:read")
            return self._one(self.folders, rest[0], "folder not found")
        if method == "POST":
            self._need("folders:create")
            if body["uid"] in self.folders:
                raise Answer(409, message="a folder with the same uid already exists")
            self.folders[body["uid"]] = {"id": self._next(), "uid": body["uid"], "title": body["title"], "version": 1}
            return 200, self.folders[body["uid"]]
        self._need("folders:write")
        folder = self._one(self.folders, rest[0], "folder not found")[1]
        if not body.get("overwrite") and body.get("version") != folder["version"]:
            raise Answer(412, status="version-mismatch", message="the folder has been changed by someone else")
        folder.update(title=body["title"], version=folder["version"] + 1)
        return 200, folder

    def _source(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if rest[-1:] == ["health"]:
            self._need("datasources:query")
            held = self._one(self.sources, rest[1], "Data source not found")[1]
            right = self.store_passwords
            if right is not None and held["secret"] != right.get(held["shown"]["jsonData"]["username"]):
                raise Answer(400, status="ERROR", message="[HTTP 516] Authentication failed")
            return 200, {"status": "OK", "message": "Data source is working"}
        if method == "GET":
            self._need("datasources:read")
            return 200, self._one(self.sources, rest[1], "Data source not found")[1]["shown"]
        if method == "POST":
            self._need("datasources:create")
            if body["uid"] in self.sources:
                raise Answer(409, message="data source with the same uid already exists")
            held = {"secret": None, "shown": {"id": self._next(), "orgId": 1, "version": 0, "readOnly": False}}
            self.sources[body["uid"]] = held
        else:
            self._need("datasources:write")
            held = self._one(self.sources, rest[1], "Data source not found")[1]
            if held["shown"]["readOnly"]:
                raise Answer(403, message="Cannot update read-only data source")
            if body.get("version") is not None and body["version"] != held["shown"]["version"]:
                raise Answer(409, message="Datasource has already been updated by someone else")
        held["secret"] = (body.get("secureJsonData") or {}).get("password", held["secret"])
        kept = {name: value for name, value in body.items() if name not in ("secureJsonData", "version")}
        held["shown"] |= {"url": "", "basicAuth": False, "isDefault": False} | kept
        held["shown"]["version"] += 1
        held["shown"]["secureJsonFields"] = {"password": True} if held["secret"] else {}
        return 200, {"datasource": held["shown"], "id": held["shown"]["id"], "message": "Datasource saved"}

    def _board(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            self._need("dashboards:read")
            return 200, self._one(self.boards, rest[1], "Dashboard not found")[1]
        board = deepcopy(body["dashboard"])
        held = self.boards.get(board["uid"])
        self._need("dashboards:write" if held else "dashboards:create")
        if body["folderUid"] not in self.folders:
            raise Answer(400, message="folder not found")
        if held and held["meta"]["provisioned"]:
            raise Answer(400, message="Cannot save provisioned dashboard")
        if held and not body.get("overwrite") and board.get("version") != held["dashboard"]["version"]:
            raise Answer(412, status="version-mismatch", message="The dashboard has been changed by someone else")
        board |= {
            "id": held["dashboard"]["id"] if held else self._next(),
            "version": held["dashboard"]["version"] + 1 if held else 1,
        }
        meta = {"folderUid": body["folderUid"], "provisioned": False}
        self.boards[board["uid"]] = {"dashboard": board, "meta": meta}
        return 200, {"id": board["id"], "uid": board["uid"], "status": "success", "version": board["version"]}

    # -- alerting -------------------------------------------------------------------------------------------------

    def _provisioning(self, method: str, kind: str, rest: list[str], body: Any, locked: bool) -> tuple[int, Any]:
        given = "api" if locked else ""
        rules = kind == "folder"
        if method == "GET":
            self._need("alert.provisioning:write", "alert.rules:read" if rules else "alert.notifications:read")
        else:
            self._need("alert.provisioning:write", "alert.provisioning.provenance:write")
            self._need("alert.provisioning:write", "alert.rules:write" if rules else "alert.notifications:write")
        serve: Callable[..., tuple[int, Any]] = {
            "templates": self._template, "contact-points": self._point, "policies": self._policies,
            "folder": self._group,
        }[kind]  # fmt: skip
        return serve(method, rest, body, given)

    @staticmethod
    def _keeps(stored: str, given: str) -> str:
        if stored == given or not stored:
            return given
        raise Answer(409, message=f"cannot update with provided provenance '{given}', needs '{stored}'")

    def _template(self, method: str, rest: list[str], body: Any, given: str) -> tuple[int, Any]:
        if method == "GET":
            return self._one(self.templates, rest[0], "template not found")
        held = self.templates.get(rest[0])
        if held and body.get("version") not in (None, "", held["version"]):
            raise Answer(409, message="provided version of the template is stale")
        provenance = self._keeps(held["provenance"], given) if held else given
        self.templates[rest[0]] = {
            "name": rest[0], "template": body["template"].strip(), "version": f"v{self._next()}",
            "provenance": provenance,
        }  # fmt: skip
        return 202, self.templates[rest[0]]

    def _point(self, method: str, rest: list[str], body: Any, given: str) -> tuple[int, Any]:
        if method == "GET":
            return 200, [self._shown(point) for point in self.points.values()]
        uid = rest[0] if rest else body["uid"]
        held = self.points.get(uid)
        if method == "POST" and held:
            raise Answer(400, message="receiver with this uid already exists")
        if method == "PUT" and not held:
            raise Answer(404, message="contact point not found")
        provenance = self._keeps(held["provenance"], given) if held else given
        self.points[uid] = {"disableResolveMessage": False} | body | {"uid": uid, "provenance": provenance}
        return 202, self._shown(self.points[uid])

    @staticmethod
    def _shown(point: dict[str, Any]) -> dict[str, Any]:
        hidden = REDACTED.get(point["type"], set())
        settings = {name: "[REDACTED]" if name in hidden else value for name, value in point["settings"].items()}
        return {**point, "settings": settings}

    def _policies(self, method: str, _: list[str], body: Any, given: str) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.tree
        known = {point["name"] for point in self.points.values()} | {"grafana-default-email"}
        unknown = {one["receiver"] for one in self._routes(body) if one.get("receiver")} - known
        if unknown:
            raise Answer(400, message=f"invalid object specification: receiver '{sorted(unknown)[0]}' does not exist")
        provenance = self._keeps(self.tree.get("provenance", ""), given)
        self.tree = {**body, "provenance": provenance} if provenance else body
        return 202, {"message": "policies updated"}

    def _routes(self, route: dict[str, Any]) -> list[dict[str, Any]]:
        return [route, *(deep for one in route.get("routes") or () for deep in self._routes(one))]

    def _group(self, method: str, rest: list[str], body: Any, given: str) -> tuple[int, Any]:
        key = (rest[0], rest[2])
        if method == "GET":
            if key not in self.groups:
                raise Answer(404, message="rule group not found")
            return 200, self.groups[key]
        if rest[0] not in self.folders:
            raise Answer(400, message="folder does not exist")
        held = self.groups.get(key)
        for rule in held["rules"] if held else ():
            stored = rule.get("provenance", "")
            if stored != given and stored and not (stored == "api" and not given):
                raise Answer(409, message=f"cannot change provenance from '{stored}' to '{given}'")
        rules = [
            {"isPaused": False, **rule, "id": self._next(), "orgID": 1, "updated": f"at {self._next()}",
             "folderUID": rest[0], "ruleGroup": rest[2]} | ({"provenance": given} if given else {})
            for rule in body["rules"]
        ]  # fmt: skip
        for rule in rules:  # Grafana writes durations its own way
            if rule.get("for") == "60s":
                rule["for"] = "1m"
        self.groups[key] = {"title": rest[2], "folderUid": rest[0], "interval": body["interval"], "rules": rules}
        return 200, self.groups[key]
