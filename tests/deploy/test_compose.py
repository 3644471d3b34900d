"""deploy/: what can be checked without a container runtime. deploy/README.md says what else was looked at by hand."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import provisioning
from pipelines.services.flink_configuration import Size, configuration
from pipelines.store.roles import LIMITS, USERS, statements
from schemas.settings import Settings, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_SHOT = {"store-init", "yuqing"}
TAG = re.compile(r"[a-z0-9./-]+:\d+\.\d+\.\d+[\w.-]*")

each_service = pytest.mark.parametrize("name", SERVICES)


def parts(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else list(value or ())


def named_volumes(service: dict[str, Any]) -> set[str]:
    return {one.split(":")[0] for one in service.get("volumes", ()) if not one.startswith((".", "/"))}


@each_service
def test_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert not service["user"].startswith(("0", "root"))
    limits = service["deploy"]["resources"]["limits"]
    assert limits["cpus"]
    assert limits["memory"]
    assert "docker.sock" not in str(service.get("volumes"))


@each_service
def test_image_is_pinned(name: str) -> None:
    assert TAG.fullmatch(SERVICES[name]["image"]), "a full version, not a branch or latest"


@each_service
def test_health_is_looked_at(name: str) -> None:
    if name in ONE_SHOT:
        assert SERVICES[name]["restart"] == "no"
    else:
        check = SERVICES[name]["healthcheck"]
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "retries", "start_period"} <= set(check)
        assert SERVICES[name]["restart"] == "unless-stopped"


@each_service
def test_waits_for_what_it_needs(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert condition == {"condition": wanted}
        if not other.startswith("store-init"):
            assert set(SERVICES[name]["networks"]) & set(SERVICES[other]["networks"]), "it could not reach it"


def test_only_grafana_has_a_port_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"]}
    assert not [name for name, service in SERVICES.items() if service.get("network_mode")]


def test_the_store_and_the_feed_have_no_way_out() -> None:
    outward = {name for name, network in COMPOSE["networks"].items() if not (network or {}).get("internal")}
    assert outward == {"out"}
    assert {name for name, service in SERVICES.items() if "out" in service["networks"]} == {"grafana", "notifier"}
    assert "feed" not in SERVICES["grafana"]["networks"]


@pytest.mark.parametrize(
    ("kind", "used"),
    [
        ("networks", {one for service in SERVICES.values() for one in parts(service["networks"])}),
        ("secrets", {one for service in SERVICES.values() for one in parts(service.get("secrets"))}),
        ("volumes", {one for service in SERVICES.values() for one in named_volumes(service)}),
    ],
)
def test_what_is_used_is_declared_and_the_other_way(kind: str, used: set[str]) -> None:
    assert used == set(COMPOSE[kind])


def test_every_secret_is_a_file_that_the_script_makes(tmp_path: Path) -> None:
    assert all(secret == {"file": f"./secrets/{name}"} for name, secret in COMPOSE["secrets"].items())
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((DEPLOY / "make-secrets.sh").read_bytes())
    made = ["sh", str(script), "https://hook.example", "a@b.example"]
    subprocess.run(made, check=True, timeout=30)
    folder = tmp_path / "secrets"
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(first) == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o077 == 0
    assert first["alert_url"] == "https://hook.example"
    drawn = [text for name, text in first.items() if not name.startswith("alert_")]
    assert min(map(len, drawn)) >= 32
    assert len(set(drawn)) == len(drawn)
    subprocess.run(made, check=True, timeout=30)
    assert {file.name: file.read_text() for file in folder.iterdir()} == first


def test_secrets_are_in_no_repository_and_no_image() -> None:
    assert "secrets/" in (DEPLOY / ".gitignore").read_text().split()
    assert "deploy/secrets" in (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN", key):
                assert str(value).startswith("/run/secrets/"), f"{name}: {key} is a value"


def test_each_service_gets_only_its_own_passwords() -> None:
    given = {name: set(parts(service.get("secrets"))) for name, service in SERVICES.items()}
    assert given["grafana"] & set(USERS) == {"viewer", "centre"}
    assert given["notifier"] == {"notifier"}
    assert given["kafka"] == given["jobmanager"] == set()
    assert {name for name, held in given.items() if "clickhouse_admin" in held} == {"clickhouse", "store-init"}
    assert set(USERS) <= given["store-init"]


def test_files_that_are_mounted_are_here() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
                assert volume.endswith(":ro")


def test_settings_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(DEPLOY / "settings.yaml")
    assert settings.store.url == provisioning.STORE
    assert str(settings.store.passwords) == provisioning.SECRETS
    known = {"YUQING_HOME", "YUQING_SETTINGS"}
    for service in SERVICES.values():
        for name in service.get("environment", {}):
            if name.startswith("YUQING_") and name not in known:
                section, _, key = name.removeprefix("YUQING_").lower().partition("__")
                assert key in type(getattr(Settings(), section)).model_fields


def test_grafana_reads_the_files_where_they_are_mounted() -> None:
    grafana = SERVICES["grafana"]
    mounts = dict(one.split(":")[:2][::-1] for one in grafana["volumes"])
    assert mounts["/etc/grafana/provisioning"] == "../dashboards/generated/provisioning"
    assert mounts[provisioning.BOARDS] == "../dashboards/generated/boards"
    files = (ROOT / "dashboards" / "generated" / "provisioning").rglob("*.yaml")
    read = {name for file in files for name in re.findall(r"\$__file\{/run/secrets/(\w+)\}", file.read_text("utf-8"))}
    assert {"viewer", "centre"} <= read <= set(grafana["secrets"])
    plugin = f"{provisioning.PLUGIN}@{provisioning.PLUGIN_VERSION}"
    assert grafana["environment"]["GF_PLUGINS_PREINSTALL_SYNC"] == plugin


@pytest.mark.parametrize("path", provisioning.files())
def test_provisioning_files_are_what_the_code_says(path: str) -> None:
    text = (ROOT / "dashboards" / "generated" / "provisioning" / path).read_text("utf-8")
    assert text == provisioning.files()[path]
    assert yaml.safe_load(text)["apiVersion"] == 1


@pytest.mark.parametrize("user", provisioning.ACCOUNTS.values())
def test_the_plugins_timeout_fits_the_stores_limit(user: str) -> None:
    """clickhouse-go asks for ``max_execution_time`` = timeout + 5, and the store refuses more than its limit."""
    assert LIMITS[user]["max_execution_time"] >= provisioning.QUERY_TIMEOUT_S + 5


def test_flinks_settings_follow_the_embedded_ones() -> None:
    given = yaml.safe_load((DEPLOY / "flink" / "config.yaml").read_text("utf-8"))
    embedded = configuration(Path("/x"), {"rpc": 1, "rest": 2}, Size(), "hashmap")
    same = (
        "heartbeat.interval", "heartbeat.timeout", "taskmanager.numberOfTaskSlots", "env.java.opts.all",
        "execution.checkpointing.externalized-checkpoint-retention",
    )  # fmt: skip
    assert {key: given[key] for key in same} == {key: embedded[key] for key in same}
    assert given["jobmanager.rpc.address"] in SERVICES


def test_health_checks_of_services_without_a_port_compile() -> None:
    for name in ("notifier", "watch", "taskmanager"):
        command = SERVICES[name]["healthcheck"]["test"]
        compile(command[-1], name, "exec")


# -- init_store.py ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def init_store() -> Any:
    spec = importlib.util.spec_from_file_location("init_store", DEPLOY / "init_store.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Client:
    def __init__(self) -> None:
        self.ran: list[str] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def command(self, statement: str) -> None:
        self.ran.append(statement)


def test_the_store_is_prepared_in_order_and_without_a_password_in_a_statement(
    init_store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*USERS, "clickhouse_admin"):
        (tmp_path / name).write_text(f"password-of-{name}-long\n")
    client, connected, migrated = Client(), [], []
    monkeypatch.setattr(init_store, "connect", lambda settings: connected.append(settings) or client)
    monkeypatch.setattr(init_store, "migrate", lambda settings: migrated.append((settings, len(client.ran))))
    monkeypatch.setenv("SECRETS", str(tmp_path))
    monkeypatch.setenv("YUQING_HOME", str(tmp_path / "home"))
    assert init_store.main() == 0
    assert (connected[0].user, connected[0].password) == ("admin", "password-of-clickhouse_admin-long")
    assert client.ran[0] == "CREATE DATABASE IF NOT EXISTS yuqing"
    first_grant = next(index for index, one in enumerate(client.ran) if one.startswith("GRANT"))
    created = [one.split()[5] for one in client.ran[:first_grant] if one.startswith("CREATE USER")]
    assert created == list(USERS)
    assert client.ran[first_grant:] == statements()
    assert migrated[0][0].user == "yuqing"
    assert migrated[0][1] == len(client.ran), "rights come before tables"
    assert "password-of" not in " ".join(client.ran)
    assert (tmp_path / "home" / "keys").is_dir()


def test_a_short_password_is_refused(init_store: Any, tmp_path: Path) -> None:
    (tmp_path / "viewer").write_text("short")
    with pytest.raises(SystemExit, match="at least 16"):
        init_store.password(tmp_path, "viewer")
