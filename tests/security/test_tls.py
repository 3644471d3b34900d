"""TLS and passwords for Kafka and the store: the right ones let in, each wrong one is refused by its setting's name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pipelines.services import kafka_access
from pipelines.services.registry import Registry
from pipelines.store import migrate
from pipelines.store.client import connect, external
from schemas.errors import StoreError, StoreUnavailable, UsageError
from tests.security.conftest import Secured

pytestmark = pytest.mark.services


def _wrong(secured: Secured, text: str) -> object:
    file = secured.folder / "wrong-password"
    file.write_text(text)
    return file


KAFKA = {
    # way in, port, changes of the settings -> what the refusal must name ("" for none, None: let in)
    "password": ("sasl", "sasl", {}, None),
    "certificate": ("mutual", "mutual", {}, None),
    "the wrong authority": ("sasl", "sasl", {"ssl_ca": "stranger"}, "kafka.ssl_ca"),
    "the wrong password": ("sasl", "sasl", {"sasl_password_file": "wrong"}, "kafka.sasl_password_file"),
    "an unknown name": ("sasl", "sasl", {"sasl_username": "nobody"}, "kafka.sasl_username"),
    "another mechanism": ("sasl", "sasl", {"sasl_mechanism": "PLAIN"}, "kafka.sasl_mechanism"),
    "plain where TLS is": ("plain", "sasl", {}, "kafka.security_protocol"),
    "TLS where plain is": ("sasl", "plain", {}, "kafka.security_protocol"),
    "no certificate": ("sasl", "mutual", {"security_protocol": "SSL", "sasl_username": None,
        "sasl_password_file": None}, "kafka.ssl_certificate"),
    "a stranger's certificate": ("mutual", "mutual", {"ssl_certificate": "stranger", "ssl_key": "stranger"},
        "kafka.ssl_certificate"),
}  # fmt: skip


@pytest.mark.parametrize("case", KAFKA)
def test_kafka(secured: Secured, case: str) -> None:
    way, port, changes, named = KAFKA[case]
    given: dict[str, object] = dict(changes)
    if given.get("ssl_ca") == "stranger":
        given["ssl_ca"] = secured.stranger.ca
    if given.get("ssl_key") == "stranger":
        given["ssl_certificate"], given["ssl_key"] = secured.stranger.issue("client")
    if given.get("sasl_password_file") == "wrong":
        given["sasl_password_file"] = _wrong(secured, "not the password")
    section = secured.kafka_section("sasl", **given) if way == "sasl" else secured.kafka_section("mutual", **given)
    if way == "plain":
        section = type(section)()
    said = kafka_access.refusal(f"127.0.0.1:{getattr(secured, port)}", section)
    assert (said is None) if named is None else (said is not None and named in said), said
    assert secured.password not in (said or "")


STORE = {
    "password over TLS": ({}, "store", None, None),
    "a certificate beside it": ({"certificate": "ours", "key": "ours"}, "mutual_store", None, None),
    "not verified": ({"ca": "stranger", "verify": False}, "store", None, None),
    "the wrong authority": ({"ca": "stranger"}, "store", StoreError, "store.ca"),
    "the system's authorities": ({"ca": None}, "store", StoreError, "store.ca"),
    "the wrong password": ({"password_file": "wrong"}, "store", StoreError, "store.password_file"),
    "another host": ({"url": "https://localhost:{port}"}, "store", StoreError, "store.url"),
    "plain where TLS is": ({"url": "http://127.0.0.1:{port}", "ca": None}, "store", StoreUnavailable, "store.url"),
    "TLS where plain is": ({}, "http", StoreError, "store.url"),
    "no certificate": ({}, "mutual_store", StoreUnavailable, "store.certificate"),
    "a stranger's certificate": ({"certificate": "stranger", "key": "stranger"}, "mutual_store", StoreUnavailable,
        "store.certificate"),
    "no such file": ({"ca": "/nowhere/ca.pem"}, "store", UsageError, "store.ca"),
}  # fmt: skip


@pytest.mark.parametrize("case", STORE)
def test_store(secured: Secured, case: str) -> None:
    changes, port_name, error, named = STORE[case]
    given: dict[str, object] = dict(changes)
    if port_name == "http":
        port = Registry(secured.home.path).services()["clickhouse"].ports["http"]
    else:
        port = getattr(secured, port_name)
    given["url"] = str(given.get("url", "https://127.0.0.1:{port}")).format(port=port)
    if given.get("ca") == "stranger":
        given["ca"] = secured.stranger.ca
    if "key" in given:
        signer = secured.authority if given["key"] == "ours" else secured.stranger
        given["certificate"], given["key"] = signer.issue("store-client")
    if given.get("password_file") == "wrong":
        given["password_file"] = _wrong(secured, "not the password")
    if error is None:
        with connect(external(secured.store_section(**given))) as client:
            assert client.command("SELECT currentUser()") == "yuqing"
        return
    with pytest.raises(error, match=str(named).replace(".", r"\.")) as told:
        connect(external(secured.store_section(**given))).close()
    assert "not the password" not in str(told.value)


PREPARED: dict[str, tuple[dict[str, str | None], str]] = {
    # options -> what is said
    "over TLS": ({}, "up to date"),
    "with a certificate": ({"certificate": "ours", "key": "ours"}, "up to date"),
    "the system's authorities": ({"ca": None}, "store.ca"),
    "the wrong authority": ({"ca": "stranger"}, "store.ca"),
    "half a certificate": ({"certificate": "ours"}, "key is missing"),
    "no store": ({"url": None}, "--url"),
}


def _prepared(secured: Secured, case: str) -> dict[str, str]:
    """Settings of the store by their names, for a case of PREPARED."""
    changes, _ = PREPARED[case]
    certificate, key = secured.authority.issue("administrator")
    known = {"certificate": certificate, "key": key, "ca": secured.stranger.ca}
    port = secured.mutual_store if "key" in changes else secured.store
    values: dict[str, object] = {"url": f"https://127.0.0.1:{port}", "ca": secured.authority.ca}
    values["password_file"] = secured.store_section().password_file
    values |= {name: known[name] if given else None for name, given in changes.items()}
    return {name: str(value) for name, value in values.items() if value is not None}


@pytest.mark.parametrize("case", PREPARED)
def test_migrations(secured: Secured, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = _prepared(secured, case)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    code, said = migrate.main(options), capsys.readouterr()
    assert PREPARED[case][1] in said.out + said.err
    assert (code == 0) is (PREPARED[case][1] == "up to date")


@pytest.mark.parametrize("case", [case for case in PREPARED if case != "no store"])
def test_preparing_a_store_of_ones_own(
    secured: Secured, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The embedded store has no administrator: who comes through TLS is told that name or password is wrong."""
    spec = importlib.util.spec_from_file_location("init", Path(__file__).parents[2] / "deploy" / "init_store.py")
    assert spec is not None
    assert spec.loader is not None
    init = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(init)
    for name in (*init.USERS, "clickhouse_admin"):
        (tmp_path / name).write_text("long enough to be one")
    for name, value in _prepared(secured, case).items():
        if name != "password_file":
            monkeypatch.setenv(f"YUQING_STORE__{name.upper()}", value)
    monkeypatch.setenv("SECRETS", str(tmp_path))
    monkeypatch.setenv("YUQING_HOME", str(tmp_path / "home"))
    assert init.main() != 0
    wanted = PREPARED[case][1]
    assert ("AUTHENTICATION_FAILED" if wanted == "up to date" else wanted) in capsys.readouterr().err
