"""TLS and passwords for Kafka and the store: the right ones let in, each wrong one is refused by its setting's name."""

from __future__ import annotations

import pytest

from pipelines.services import kafka_access
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
        from pipelines.services.registry import Registry

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
