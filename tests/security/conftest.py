"""One home for all these tests: a store behind TLS, and a broker that wants TLS and a password, or a certificate."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from pipelines.services import kafka
from pipelines.services.registry import Registry, free_port
from schemas.settings import KafkaSection, StoreSection
from tests.conftest import Home
from tests.security.authority import Authority, tls_before

ACCOUNT = "reader"


@dataclass
class Secured:
    """A home and the ways into it."""

    home: Home
    began: float
    """When it was made, in seconds since 1970."""
    folder: Path
    authority: Authority
    stranger: Authority
    store: int
    """Port of the store's TLS; `mutual_store` wants a certificate too."""
    mutual_store: int
    plain: int
    """Ports of the broker."""
    sasl: int
    mutual: int
    both: int
    """Wants a password and a certificate."""
    password: str
    """Of ACCOUNT at the broker; it stands in `password_file`."""

    @property
    def password_file(self) -> Path:
        return self.folder / "kafka-password"

    def kafka_section(self, way: str = "sasl", **changes: object) -> KafkaSection:
        """How to sign in by SASL_SSL ("sasl"), by certificate ("mutual") or by "both"; None in changes takes away."""
        values: dict[str, object] = {"security_protocol": "SASL_SSL", "ssl_ca": self.authority.ca}
        if way != "mutual":
            values |= {"sasl_username": ACCOUNT, "sasl_password_file": self.password_file}
        if way != "sasl":
            certificate, key = self.authority.issue("client")
            values |= {"ssl_certificate": certificate, "ssl_key": key}
        if way == "mutual":
            values["security_protocol"] = "SSL"
        return KafkaSection(**{key: value for key, value in (values | changes).items() if value is not None})

    def store_section(self, **changes: object) -> StoreSection:
        file = self.folder / "store-password"
        file.write_text(json.loads((self.home.path / "keys" / "clickhouse.json").read_text())["yuqing"])
        values: dict[str, object] = {"url": f"https://127.0.0.1:{self.store}", "password_file": file}
        values |= {"ca": self.authority.ca}
        return StoreSection(**{key: value for key, value in (values | changes).items() if value is not None})

    def settings(self, way: str) -> Path:
        """A settings file for both, as a site writes it."""
        file = self.folder / f"{way}.yaml"
        sections = {"kafka": self.kafka_section(way), "store": self.store_section()}
        file.write_text(
            json.dumps({name: json.loads(part.model_dump_json(exclude_unset=True)) for name, part in sections.items()})
        )
        return file


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if shutil.which("mvn") is None:
        pytest.skip("Maven is missing: apt-get install maven")
    began, folder = time.time(), tmp_path_factory.mktemp("secured")
    home = Home(folder / "home")
    authority, stranger = Authority(folder / "authority", "ours"), Authority(folder / "stranger", "somebody else's")
    certificate, key = authority.issue("server")
    both = folder / "authority" / "server.both.pem"
    sasl, mutual, doubly = free_port(19_400), free_port(19_500), free_port(19_600)

    def change(own: kafka.Properties) -> kafka.Properties:
        further = f"SECURE://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual},BOTH://127.0.0.1:{doubly}"
        for name in ("listeners", "advertised.listeners"):
            own[name] = f"{own[name]},{further}"
        own["listener.security.protocol.map"] = (
            f"{own['listener.security.protocol.map']},SECURE:SASL_SSL,MUTUAL:SSL,BOTH:SASL_SSL"
        )
        own |= {f"listener.name.{name}.ssl.client.auth": "required" for name in ("mutual", "both")}
        own["sasl.enabled.mechanisms"] = "SCRAM-SHA-512"
        module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        own |= {f"listener.name.{name}.scram-sha-512.sasl.jaas.config": module for name in ("secure", "both")}
        for name in ("secure", "mutual", "both"):
            at = f"listener.name.{name}.ssl"
            own |= {f"{at}.keystore.type": "PEM", f"{at}.keystore.location": str(both)}
            own |= {f"{at}.truststore.type": "PEM", f"{at}.truststore.location": str(authority.ca)}
        return own

    try:
        home.run("up", "--flink")
        registry = Registry(home.path)
        with registry.locked():
            broker = kafka.start(registry, change)
        password = secrets.token_urlsafe(18) + "\"'\\ =${x}"  # whatever has a meaning on the way
        (folder / "kafka-password").write_text(password + "\n")
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap(broker), "log_level": 0})
        account = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        made = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(ACCOUNT, account, password.encode())])
        made[ACCOUNT].result(60)
        http = registry.services()["clickhouse"].ports["http"]
        with ExitStack() as opened:
            store = opened.enter_context(tls_before(http, certificate, key))
            mutual_store = opened.enter_context(tls_before(http, certificate, key, authority.ca))
            plain = broker.ports["client"]
            yield Secured(
                home, began, folder, authority, stranger, store, mutual_store, plain, sasl, mutual, doubly, password
            )
    finally:
        home.run("down", code=None)
