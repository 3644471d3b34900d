"""How jobs sign in to Kafka with TLS and a password: the settings ``kafka.*``, in the words of our two clients.

Java's client runs inside Flink. What is said to it stands in the options of a table, so in the plan that Flink keeps:
passwords and keys are written to a file of mode 0600 under HOME/keys, and Flink gets their *place* only, which Kafka's
own FileConfigProvider (KIP-297) opens when a reader starts. So a password that has changed counts from the next start
of a reader. librdkafka asks from the command itself whether a broker answers, before anything is submitted.
"""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Any

from governance.keys import write_private
from pipelines.services.kafka import answers_of
from pipelines.store.client import readable
from schemas.errors import UsageError
from schemas.settings import KafkaSection

_SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Where Flink's connector keeps its copy of Kafka's client."""
_MODULES = {"PLAIN": "plain.PlainLoginModule"}
_SCRAM = "scram.ScramLoginModule"


def password(section: KafkaSection) -> str:
    """The password of the account. Raises UsageError for a file that cannot be read or is empty."""
    if section.sasl_password_file is None:
        return section.sasl_password.get_secret_value()
    readable("kafka.sasl_password_file", section.sasl_password_file)
    found = section.sasl_password_file.read_text("utf-8", "replace").strip()
    if not found:
        raise UsageError(f"setting kafka.sasl_password_file: {section.sasl_password_file} is empty")
    return found


def librdkafka(section: KafkaSection) -> dict[str, Any]:
    """Options for confluent-kafka's clients, passwords among them: for use in this process."""
    options: dict[str, Any] = {"security.protocol": section.security_protocol}
    if section.tls:
        for name, setting in (("ca", "ssl_ca"), ("certificate", "ssl_certificate"), ("key", "ssl_key")):
            if file := readable(f"kafka.{setting}", getattr(section, setting)):
                options[f"ssl.{name}.location"] = file
        options["ssl.endpoint.identification.algorithm"] = "https" if section.ssl_verify_hostname else "none"
    if section.sasl:
        options["sasl.mechanism"] = section.sasl_mechanism
        options["sasl.username"], options["sasl.password"] = section.sasl_username, password(section)
    return options


def flink(section: KafkaSection, home: Path) -> dict[str, str]:
    """Kafka properties for Flink's connector, without a secret: those are written under ``home``/keys.

    The workers must see ``home`` under the same path, as they must for the run's folder. Raises UsageError for files
    that cannot be read or are not what Java reads.
    """
    if section.security_protocol == "PLAINTEXT":
        return {}
    options = {"security.protocol": section.security_protocol}
    secret: dict[str, str] = {}
    if section.tls:
        if not section.ssl_verify_hostname:
            options["ssl.endpoint.identification.algorithm"] = ""
        if ca := readable("kafka.ssl_ca", section.ssl_ca):
            options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": ca}
        if section.ssl_certificate and section.ssl_key:
            options["ssl.keystore.type"] = "PEM"
            secret["ssl.keystore.certificate.chain"] = _pem(
                "kafka.ssl_certificate", section.ssl_certificate, "CERTIFICATE"
            )
            secret["ssl.keystore.key"] = _pem("kafka.ssl_key", section.ssl_key, "PRIVATE KEY")
    if section.sasl:
        options["sasl.mechanism"] = section.sasl_mechanism
        module = f"{_SHADED}.security.{_MODULES.get(section.sasl_mechanism, _SCRAM)}"
        name, word = (_jaas(value) for value in (section.sasl_username, password(section)))
        secret["sasl.jaas.config"] = f'{module} required username="{name}" password="{word}";'
    if secret:
        file = _keep(home, section, secret)
        options |= {"config.providers": "file"}
        options |= {"config.providers.file.class": f"{_SHADED}.config.provider.FileConfigProvider"}
        options |= {key: f"${{file:{file}:{key}}}" for key in secret}
    return options


def refusal(brokers: str, section: KafkaSection) -> str | None:
    """None when a broker of ``brokers`` lets us in; else why not, with the setting to look at, "" where nobody is
    there. At most some 6 s."""
    said = answers_of(brokers, librdkafka(section), timeout=3 if section.security_protocol == "PLAINTEXT" else 6)
    if said is None:
        return None
    known = next((why for words, why in _REFUSALS if words in said), "")
    return known or (_HUNG_UP if any(_listens(broker) for broker in brokers.split(",")) else "")


_HUNG_UP = "it hung up: it wants TLS or a password, or is starting; see kafka.security_protocol"


def _listens(broker: str) -> bool:
    host, _, port = broker.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except OSError:
        return False
    return True


_REFUSALS = (
    (
        "certificate verify failed",
        "its certificate is not signed by the authority in kafka.ssl_ca, or for another host",
    ),
    ("Authentication failed", "name or password is wrong: see kafka.sasl_username and kafka.sasl_password_file"),
    ("SASL authentication error", "name or password is wrong: see kafka.sasl_username and kafka.sasl_password_file"),
    ("Unsupported SASL mechanism", "it does not take the mechanism in kafka.sasl_mechanism"),
    ("certificate required", "it asks for a certificate: set kafka.ssl_certificate and kafka.ssl_key"),
    ("bad certificate", "it does not take the certificate in kafka.ssl_certificate"),
    ("unknown ca", "it does not trust the certificate in kafka.ssl_certificate"),
    ("connecting to a SSL listener", "it wants TLS or a password: see kafka.security_protocol"),
    ("connecting to a PLAINTEXT", "it does not speak TLS: see kafka.security_protocol"),
    ("SSL handshake failed", "TLS failed: see kafka.security_protocol and kafka.ssl_ca"),
    ("security.protocol", "see kafka.security_protocol"),
)
"""librdkafka's words and the setting to blame. The first that fits counts."""


def _pem(setting: str, file: Path, kind: str) -> str:
    readable(setting, file)
    text = file.read_text("ascii", "replace").strip()
    if f"-----BEGIN {kind}-----" not in text:
        remedy = " (openssl pkcs8 -topk8 -nocrypt -in KEY makes one)" if kind == "PRIVATE KEY" else ""
        raise UsageError(f"setting {setting}: {file} has no line -----BEGIN {kind}-----{remedy}")
    return text


def _keep(home: Path, section: KafkaSection, secret: dict[str, str]) -> Path:
    """Write what is secret to a file, the same for the same account, so that running jobs find a new password."""
    if any(sign in str(home) for sign in ":}"):
        raise UsageError(f"--home {home}: Kafka's client cannot open a path with ':' or '}}'; use another folder")
    who = f"{section.security_protocol}|{section.sasl_mechanism}|{section.sasl_username}|{section.ssl_certificate}"
    folder = Path(home).absolute() / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"kafka-{hashlib.sha256(who.encode()).hexdigest()[:12]}.properties"
    text = "".join(f"{key}={_property(value)}\n" for key, value in secret.items())
    write_private(folder, text.encode()).replace(file)
    return file


def _property(value: str) -> str:
    """A value as java.util.Properties reads it back."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "")


def _jaas(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise UsageError("setting kafka.sasl_username or its password: more than one line; leave one")
    return value.replace("\\", "\\\\").replace('"', '\\"')
