"""`dashboards deploy`, against a stand-in that keeps to the documented API (stand_in.py). No Grafana was at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboards.boards.frame import TITLES
from dashboards.deploy import Outcome, deploy
from dashboards.deploying import marks, wanted
from dashboards.deploying.grafana import Grafana
from dashboards.deploying.token import Part
from pipelines.cli.main import app, register
from schemas.errors import ServiceError, UsageError
from tests.dashboards.stand_in import ADMIN_ACTIONS, EDITOR_ACTIONS, VIEWER_ACTIONS, StandIn

ADDRESS = {"HOOK": "https://hook.example/key-of-duty"}
PASSWORDS = {"centre": "pw-of-centre", "viewer": "pw-of-viewer"}
STORE = "http://store.example:8123"
FORCED = {"force": True}
DRY = {"dry_run": True}


def board(uid: str, source: str, title: str) -> dict[str, Any]:
    target = {
        "refId": "A",
        "datasource": {"type": "grafana-clickhouse-datasource", "uid": source},
        "rawSql": "SELECT 1",
    }
    return {"uid": uid, "title": title, "schemaVersion": 39, "panels": [{"id": 1, "title": "数", "targets": [target]}]}


def rule(uid: str, source: str = "yuqing-viewer") -> dict[str, Any]:
    return {
        "uid": uid, "title": uid, "condition": "C", "for": "60s", "noDataState": "OK", "execErrState": "Error",
        "labels": {"service": "yuqing", "severity": "page"}, "annotations": {"summary": "短语突增"},
        "data": [{"refId": "A", "datasourceUid": source, "model": {"rawSql": "SELECT 1", "version": "4.20.0"}}],
    }  # fmt: skip


RULES: dict[str, Any] = {
    "groups": [{"title": "bursts", "folderUid": "yuqing", "interval": 60, "rules": [rule("burst"), rule("silent")]}],
    "contactPoints": [
        {"uid": "duty", "name": "值班", "type": "wecom", "settings": {"url": "${HOOK}", "message": "警报"}}
    ],
    "policies": {"receiver": "值班", "group_wait": "10s", "routes": [{"receiver": "值班", "group_wait": "0s"}]},
    "templates": [{"name": "yuqing.message", "template": '{{ define "yuqing.message" }}警报{{ end }}\n'}],
}
EVERYTHING = {
    ("folder", "yuqing"), ("data source", "yuqing-centre"), ("data source", "yuqing-viewer"),
    ("template", "yuqing.message"), ("contact point", "duty"), ("policies", "route"), ("rule group", "bursts"),
    ("dashboard", "yuqing-command"), ("dashboard", "yuqing-health"),
}  # fmt: skip


def test_what_is_committed_deploys_and_stays() -> None:
    addresses = {name: f"of {name}" for name in wanted.variables()}
    with StandIn() as server:

        def run() -> list[Outcome]:
            plan = wanted.read(STORE, PASSWORDS, addresses=addresses)
            return deploy(Grafana(server.url, server.token), plan)

        first = run()
        assert {one.state for one in first} == {"created"}, [one for one in first if one.failed]
        assert set(server.boards) >= set(TITLES)
        writes = len(server.writes)
        assert {one.state for one in run()} == {"same"}
        assert len(server.writes) == writes


class Release:
    """A folder of generated files that a test may change, deployed to one stand-in."""

    def __init__(self, folder: Path, server: StandIn) -> None:
        self.folder, self.server = folder, server
        self.said: list[str] = []
        self.addresses = dict(ADDRESS)
        self.rules = deepcopy(RULES)
        self.boards = [
            board("yuqing-command", "yuqing-centre", "应急指挥"),
            board("yuqing-health", "yuqing-viewer", "运行状态"),
        ]

    def write(self) -> None:
        for name, content in {
            "api/rules.json": self.rules,
            **{f"boards/{b['uid']}.json": b for b in self.boards},
        }.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content, ensure_ascii=False), "utf-8")

    def deploy(
        self, passwords: dict[str, str] = PASSWORDS, without_centre: bool = False, **options: Any
    ) -> list[Outcome]:
        self.write()
        plan = wanted.read(
            STORE, passwords, without_centre=without_centre, addresses=self.addresses, generated=self.folder
        )
        grafana = Grafana(self.server.url, self.server.token, secrets=passwords.values())
        return deploy(grafana, plan, say=self.said.append, **options)

    def states(self, **options: Any) -> dict[tuple[str, str], str]:
        return {(one.kind, one.name): one.state for one in self.deploy(**options)}


@pytest.fixture
def release(tmp_path: Path) -> Iterator[Release]:
    with StandIn() as server:
        yield Release(tmp_path / "generated", server)


def test_first_deploy_creates_everything_and_the_second_changes_nothing(release: Release) -> None:
    assert release.states() == dict.fromkeys(EVERYTHING, "created")
    server = release.server
    assert server.boards["yuqing-command"]["dashboard"]["title"] == "应急指挥"
    assert server.boards["yuqing-command"]["meta"]["folderUid"] == "yuqing"
    assert server.sources["yuqing-centre"]["secret"] == "pw-of-centre"
    shown = server.sources["yuqing-viewer"]["shown"]["jsonData"]
    assert (shown["username"], shown["host"], shown["port"]) == ("viewer", "store.example", 8123)
    assert server.points["duty"]["provenance"] == "", "people may change it in Grafana's pages"
    before = deepcopy((server.boards, server.sources, server.templates, server.points, server.tree, server.groups))

    server.requests.clear()
    assert release.states() == dict.fromkeys(EVERYTHING, "same")
    assert server.writes == []
    assert before == (server.boards, server.sources, server.templates, server.points, server.tree, server.groups)
    assert not [line for line in release.said if line.startswith("warning")]


def test_dry_run_only_reads(release: Release) -> None:
    assert release.states(**DRY) == dict.fromkeys(EVERYTHING, "would create")
    assert release.server.writes == []
    release.states()
    release.boards[0]["title"] = "应急指挥二"
    release.server.requests.clear()
    assert release.states(**DRY) == dict.fromkeys(EVERYTHING, "same") | {
        ("dashboard", "yuqing-command"): "would change"
    }
    assert release.server.writes == []


def new_board(release: Release) -> None:
    release.boards[1]["panels"].append({"id": 2, "title": "新"})


def fewer_fields(release: Release) -> None:
    del release.boards[1]["panels"][0]["title"]


def new_rule(release: Release) -> None:
    release.rules["groups"][0]["rules"].append(rule("another"))


def new_text(release: Release) -> None:
    release.rules["templates"][0]["template"] = '{{ define "yuqing.message" }}新警报{{ end }}'


def new_policy(release: Release) -> None:
    release.rules["policies"]["group_wait"] = "20s"


def new_address(release: Release) -> None:
    release.addresses = {"HOOK": "https://hook.example/other-key"}


NEWER = [
    (new_board, ("dashboard", "yuqing-health")),
    (fewer_fields, ("dashboard", "yuqing-health")),
    (new_rule, ("rule group", "bursts")),
    (new_text, ("template", "yuqing.message")),
    (new_policy, ("policies", "route")),
    (new_address, ("contact point", "duty")),
]


def test_a_new_release_replaces_what_nobody_touched(release: Release) -> None:
    release.deploy()
    for change, what in NEWER:
        change(release)
        assert release.states() == dict.fromkeys(EVERYTHING, "same") | {what: "changed"}, change
    assert release.states() == dict.fromkeys(EVERYTHING, "same")


def person_board(server: StandIn) -> None:
    held = server.boards["yuqing-health"]["dashboard"]
    held["title"], held["version"] = "我的看板", held["version"] + 1


def person_rule(server: StandIn) -> None:
    server.groups["yuqing", "bursts"]["rules"][0]["isPaused"] = True
    server.groups["yuqing", "bursts"]["rules"][0]["for"] = "9m"


def person_text(server: StandIn) -> None:
    server.templates["yuqing.message"] |= {"template": "别的", "version": "person"}


def person_policy(server: StandIn) -> None:
    server.tree["routes"][0]["group_wait"] = "5m"


def person_point(server: StandIn) -> None:
    server.points["duty"]["name"] = "夜班"


def person_source(server: StandIn) -> None:
    server.sources["yuqing-viewer"]["shown"]["jsonData"]["username"] = "yuqing"


PERSONS = [
    (person_board, ("dashboard", "yuqing-health"), "title: 我的看板 -> 运行状态"),
    (person_rule, ("rule group", "bursts"), "rules[0].for: 9m -> 60s"),
    (person_text, ("template", "yuqing.message"), "template: 别的"),
    (person_policy, ("policies", "route"), "group_wait: 5m -> 10s"),
    (person_point, ("contact point", "duty"), "name: 夜班 -> 值班"),
    (person_source, ("data source", "yuqing-viewer"), "jsonData.username: yuqing -> viewer"),
]


def test_a_persons_change_is_shown_kept_and_overwritten_only_by_force(release: Release) -> None:
    release.deploy()
    for change, _, _ in PERSONS:
        change(release.server)
    release.server.requests.clear()
    found = {(one.kind, one.name): one for one in release.deploy()}
    for change, what, shown in PERSONS:
        assert found[what].state == "refused", change
        assert "somebody changed it" in found[what].note
        assert any(line.startswith(shown) for line in found[what].difference), found[what].difference
    assert {one.state for key, one in found.items() if key not in {what for _, what, _ in PERSONS}} == {"same"}
    assert release.server.writes == []
    assert release.states(**FORCED) == dict.fromkeys(EVERYTHING, "same") | {what: "changed" for _, what, _ in PERSONS}
    assert release.states() == dict.fromkeys(EVERYTHING, "same")


def test_what_stood_there_before_us_is_nobodys_to_overwrite(release: Release) -> None:
    release.deploy()
    release.server.templates.pop(marks.TEMPLATE)
    release.boards[0]["title"] = "应急指挥二"
    states = release.states()
    assert states.pop(("dashboard", "yuqing-command")) == "refused"
    assert set(states.values()) == {"same"}, "what is equal is adopted"


def test_other_teams_policies_and_route_stay(release: Release) -> None:
    others = {"receiver": "grafana-default-email", "object_matchers": [["team", "=", "water"]]}
    release.server.tree = {"receiver": "grafana-default-email", "group_by": ["alertname"], "routes": [others]}
    release.deploy()
    tree = release.server.tree
    assert tree["receiver"] == "grafana-default-email"
    assert tree["routes"][1:] == [others]
    ours = tree["routes"][0]
    assert ours["object_matchers"] == [["service", "=", "yuqing"], ["severity", "=", "page"]]
    assert ours["receiver"] == "值班"


def test_rules_without_a_common_label_cannot_have_policies(release: Release) -> None:
    release.rules["groups"][0]["rules"][0]["labels"] = {"other": "x"}
    with pytest.raises(UsageError, match="no label in common"):
        release.deploy()


FAILING = [
    (("POST", "/datasources"), ("data source", "yuqing-centre"), 500, "Grafana's own log"),
    (("PUT", "/v1/provisioning/folder/yuqing/rule-groups/bursts"), ("rule group", "bursts"), 400, "bad rule"),
    (("POST", "/dashboards/db"), ("dashboard", "yuqing-command"), 412, "somebody else saved it"),
]


@pytest.mark.parametrize(("fault", "what", "status", "said"), FAILING)
def test_a_step_that_fails_is_told_and_a_second_run_goes_on(
    release: Release, fault: tuple[str, str], what: tuple[str, str], status: int, said: str
) -> None:
    release.server.faults[fault] = (status, {"message": "bad rule"})
    found = {(one.kind, one.name): one for one in release.deploy()}
    assert found[what].state == "refused"
    assert said in found[what].note
    assert str(status) in found[what].note
    assert {one.state for key, one in found.items() if key != what} == {"created"}
    assert release.states() == dict.fromkeys(EVERYTHING, "same") | {what: "created"}


def test_grafana_gone_in_the_middle_keeps_what_was_done(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    release.server.faults["GET", "/dashboards/uid/yuqing-command"] = (401, {"message": "Expired API key"})
    with pytest.raises(UsageError, match="401"):
        release.deploy()
    assert "rule group bursts: created" in release.said
    assert release.states() == dict.fromkeys(EVERYTHING, "same") | {
        ("dashboard", "yuqing-command"): "created", ("dashboard", "yuqing-health"): "created",
    }  # fmt: skip


def test_a_change_between_reading_and_writing_is_not_lost(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    release.deploy()
    server = release.server
    board, source = server.boards["yuqing-health"]["dashboard"], server.sources["yuqing-viewer"]["shown"]
    release.boards[1]["title"] = "运行状态二"
    source["jsonData"]["username"] = "other"
    routes = {"_board": board, "_source": source}

    def meanwhile(name: str) -> Callable[..., tuple[int, Any]]:
        original = getattr(server, name)

        def route(method: str, rest: list[str], body: Any) -> tuple[int, Any]:
            if method != "GET":
                routes[name]["version"] += 1
            return original(method, rest, body)

        return route

    for name in routes:
        monkeypatch.setattr(server, name, meanwhile(name))
    found = {one.name: one for one in release.deploy(force=True)}
    assert "412" in found["yuqing-health"].note
    assert "409" in found["yuqing-viewer"].note
    assert (board["title"], source["jsonData"]["username"]) == ("运行状态", "other")


def test_what_files_provision_is_left_to_them(release: Release) -> None:
    release.deploy()
    server = release.server
    server.boards["yuqing-health"]["meta"]["provisioned"] = True
    server.sources["yuqing-viewer"]["shown"]["readOnly"] = True
    for one in server.groups["yuqing", "bursts"]["rules"]:
        one["provenance"] = "file"
    assert release.states() == dict.fromkeys(EVERYTHING, "same")
    release.boards[1]["title"] = "运行状态二"
    release.rules["groups"][0]["interval"] = 30
    found = {(one.kind, one.name): one for one in release.deploy(force=True)}
    for what in (("dashboard", "yuqing-health"), ("rule group", "bursts")):
        assert found[what].state == "refused"
        assert "files" in found[what].note


def test_what_an_older_deploy_locked_stays_locked_and_can_be_changed(release: Release) -> None:
    release.deploy()
    release.server.templates["yuqing.message"]["provenance"] = "api"
    new_text(release)
    assert release.states()[("template", "yuqing.message")] == "changed"
    assert release.server.templates["yuqing.message"]["provenance"] == "api"


def test_an_address_that_is_not_given_stays_as_it_stands(release: Release) -> None:
    release.addresses = {}
    found = {(one.kind, one.name): one for one in release.deploy()}
    assert found["contact point", "duty"].note == "set HOOK in the environment: where alerts are sent"
    assert found["policies", "route"].state == "refused", "its receiver is not there"
    release.addresses = dict(ADDRESS)
    release.rules["contactPoints"][0]["type"] = "dingding"
    assert release.states()[("contact point", "duty")] == "created"
    release.addresses = {}
    assert release.states() == dict.fromkeys(EVERYTHING, "same")
    release.rules["contactPoints"][0]["settings"]["message"] = "新警报"
    assert release.states() == dict.fromkeys(EVERYTHING, "same") | {("contact point", "duty"): "changed"}
    assert release.server.points["duty"]["settings"] == {"url": ADDRESS["HOOK"], "message": "新警报"}


def test_an_address_in_grafana_is_not_shown(release: Release) -> None:
    release.rules["contactPoints"][0]["type"] = "dingding"
    release.deploy()
    release.server.points["duty"]["settings"] |= {"url": "https://hook.example/of-somebody", "message": "x"}
    found = {(one.kind, one.name): one for one in release.deploy()}["contact point", "duty"]
    assert list(found.difference) == ["settings.url: (hidden)", "settings.message: x -> 警报"]


def test_without_centre_leaves_out_what_shows_calls(release: Release) -> None:
    states = release.states(without_centre=True, passwords={"viewer": "v"})
    assert set(states) == EVERYTHING - {("data source", "yuqing-centre"), ("dashboard", "yuqing-command")}
    assert "yuqing-centre" not in release.server.sources


def test_a_board_that_is_gone_is_told_once(release: Release) -> None:
    release.deploy()
    gone = release.boards.pop(0)
    (release.folder / "boards" / f"{gone['uid']}.json").unlink()
    assert release.states()[("dashboard", "yuqing-command")] == "left"
    assert ("dashboard", "yuqing-command") not in release.states()


def test_a_new_password_is_sent_when_the_store_refuses_the_old(release: Release) -> None:
    release.server.store_passwords = dict(PASSWORDS)
    release.deploy()
    release.server.store_passwords = fresh = {"centre": "fresh-one", "viewer": "pw-of-viewer"}
    assert release.states(passwords=fresh, **DRY)[("data source", "yuqing-centre")] == "would change"
    assert release.states(passwords=fresh) == dict.fromkeys(EVERYTHING, "same") | {
        ("data source", "yuqing-centre"): "changed"
    }
    assert release.states(passwords=fresh) == dict.fromkeys(EVERYTHING, "same")
    found = {one.name: one for one in release.deploy(passwords={"centre": "wrong", "viewer": "pw-of-viewer"})}
    assert found["yuqing-centre"].state == "same", "the right password stays"


def test_an_editors_token_is_enough_without_data_sources(release: Release) -> None:
    release.deploy(parts=[Part.DATASOURCES])
    release.server.actions = set(EDITOR_ACTIONS)
    states = release.states(parts=[Part.DASHBOARDS, Part.ALERTS])
    assert set(states.values()) == {"created"}
    assert not [line for line in release.said if line.startswith("warning")]


def test_missing_permissions_are_named_and_the_rest_is_done(release: Release) -> None:
    release.server.actions = set(EDITOR_ACTIONS)
    found = {(one.kind, one.name): one for one in release.deploy()}
    for uid in ("yuqing-centre", "yuqing-viewer"):
        assert found["data source", uid].state == "refused"
        assert "datasources:read" in found["data source", uid].note
    assert found["dashboard", "yuqing-command"].state == "created"
    assert any("lack, for datasources: datasources:read" in line for line in release.said)


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [([Part.DATASOURCES], "once with --only datasources"), ([Part.DASHBOARDS], "role Editor is enough")],
)
def test_an_administrators_token_is_warned_of(release: Release, parts: list[Part], remedy: str) -> None:
    release.server.actions = set(ADMIN_ACTIONS)
    release.deploy(parts=parts)
    warning = next(line for line in release.said if "administrator's" in line)
    assert "org.users:write" in warning
    assert remedy in warning


def test_nothing_is_written_without_the_plugin(release: Release) -> None:
    release.server.plugins.clear()
    with pytest.raises(UsageError, match="grafana cli plugins install grafana-clickhouse-datasource"):
        release.deploy()
    assert release.server.writes == []


def test_a_viewers_token_does_nothing(release: Release) -> None:
    release.server.actions = set(VIEWER_ACTIONS)
    states = release.states()
    assert set(states.values()) == {"refused"}
    assert release.server.boards == {}


def test_a_path_prefix_is_kept(tmp_path: Path) -> None:
    with StandIn(prefix="/grafana") as server:
        assert Release(tmp_path, server).states() == dict.fromkeys(EVERYTHING, "created")
        with pytest.raises(UsageError, match="path prefix"):
            Grafana(server.url.removesuffix("/grafana"), server.token).check()


ADDRESSES = [
    ("grafana.example", "is not an address"),
    ("http://grafana.example", "everybody on the way can read the token"),
    ("http://10.0.0.7:3000", "everybody on the way can read the token"),
    ("http://user:pw@127.0.0.1:3000", "no user or password"),
]


@pytest.mark.parametrize(("url", "said"), ADDRESSES)
def test_addresses_that_are_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        Grafana(url, "t")
    assert "pw" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["https://grafana.example", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"]
)
def test_addresses_that_are_taken(url: str) -> None:
    Grafana(url, "t")


def test_nobody_there_is_a_service_error() -> None:
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1 does not answer"):
        Grafana("http://127.0.0.1:1", "t").check()


def test_redirects_are_not_followed(release: Release) -> None:
    release.server.faults["GET", "/frontend/settings"] = (302, {"message": "to elsewhere"})
    with pytest.raises(UsageError, match=r"path prefix|redirects"):
        release.deploy()


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    register()
    release.write()
    monkeypatch.setattr(wanted, "GENERATED", release.folder)
    monkeypatch.setenv("HOOK", ADDRESS["HOOK"])
    (tmp_path / "token").write_text(f"{release.server.token}\n")
    folder = tmp_path / "passwords"
    folder.mkdir()
    for user, password in PASSWORDS.items():
        (folder / user).write_text(password)

    def run(*more: str, token: bool = True) -> Any:
        given = ["--token-file", str(tmp_path / "token")] if token else []
        home = ["--home", str(tmp_path / "home")]
        place = ["--grafana", release.server.url, "--store", STORE, "--passwords", str(folder)]
        return CliRunner().invoke(app, [*home, "dashboards", "deploy", *place, *given, *more])

    return run


def test_command_lists_what_it_did(command: Callable[..., Any]) -> None:
    first = command("--format", "json")
    assert first.exit_code == 0, first.output
    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert {(row["kind"], row["name"]) for row in rows} == EVERYTHING
    assert {row["state"] for row in rows} == {"created"}
    table = command()
    assert table.exit_code == 0
    assert "created" not in table.stdout
    assert "yuqing-command" in table.stdout


def test_command_exits_1_and_shows_the_difference(command: Callable[..., Any], release: Release) -> None:
    command()
    person_board(release.server)
    done = command("--diff")
    assert done.exit_code == 1
    assert "title: 我的看板 -> 运行状态" in done.stdout
    assert command("--force").exit_code == 0


def test_no_secret_is_ever_printed(command: Callable[..., Any], release: Release, tmp_path: Path) -> None:
    secrets = [release.server.token, *PASSWORDS.values(), ADDRESS["HOOK"]]
    release.server.faults["POST", "/datasources"] = (400, {"message": f"cannot use {' '.join(secrets)}"})
    said = [command("--diff"), command("--diff", "--format", "json"), command("--dry-run")]
    release.server.token = "another"
    said.append(command())
    assert said[0].exit_code == 1
    assert "***" in said[0].stdout
    assert isinstance(said[-1].exception, UsageError)
    shown = "".join(f"{one.output}{one.stderr}{one.exception!r}" for one in said)
    ledger = "".join(file.read_text("utf-8", "replace") for file in (tmp_path / "home").rglob("*") if file.is_file())
    for secret in secrets:
        assert secret not in shown
        assert secret not in ledger
        assert secret not in str(release.server.templates)


WRONG = [
    (("--only", "panels"), "there are datasources, dashboards, alerts"),
    (("--passwords", "/nowhere"), "store.passwords: /nowhere/centre cannot be read"),
    (("--store", "store"), "is not an address"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_usage(command: Callable[..., Any], arguments: tuple[str, ...], said: str) -> None:
    done = command(*arguments)
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)


def test_a_missing_token_is_told(command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YUQING_GRAFANA_TOKEN", raising=False)
    done = command(token=False)
    assert "--token-file" in str(done.exception)


def test_the_ledger_knows_who_gave_passwords_to_which_grafana(
    command: Callable[..., Any], release: Release, tmp_path: Path
) -> None:
    command("--dry-run")
    entries = [file.read_text("utf-8") for file in (tmp_path / "home").rglob("*.jsonl")]
    assert not any("dashboards.deploy" in text for text in entries)
    command()
    entries = [file.read_text("utf-8", "replace") for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert any("dashboards.deploy" in text and release.server.url in text for text in entries)
