"""While a job runs over TLS: no secret of the home stands where another can read it, no port is open to others."""

from __future__ import annotations

import base64
import json
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import httpx
import psutil
import pytest
from confluent_kafka import Producer

from pipelines.services import kafka_access
from pipelines.services.process import HOME_MARK, marked
from pipelines.services.registry import Registry
from schemas.errors import UsageError
from schemas.settings import KafkaSection, load
from tests.conftest import lines
from tests.security.conftest import Secured

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

POSTS = 20
SUBMITTERS = token_hex(16)
"""In the environment of whoever submits, under a name that Flink itself does not take for a secret's (it stars those
with `token` or `password` in them): a proxy's address has a password in it more often than not."""


@pytest.fixture(scope="module")
def running(secured: Secured) -> Iterator[Secured]:
    """The opinion job on the home's cluster: from Kafka by TLS, with a password and a certificate, into
    the store by TLS, its posts stored. (A certificate alone, from the command: test_tls.py.)"""
    broker = f"127.0.0.1:{secured.both}"
    producer = Producer({"bootstrap.servers": broker} | kafka_access.librdkafka(secured.kafka_section("both")))
    for number in range(POSTS):
        post = {
            "id": f"tls-{number}",
            "platform": "weibo",
            "author": f"a{number}",
            "text": f"房子进水了，求救 {number}",
        }
        producer.produce("secured", lines(post))
    assert producer.flush(60) == 0
    home = secured.home
    rest = Registry(home.path).services()["flink-jobmanager"].url.removeprefix("http://")
    settings = ("--settings", str(secured.settings("both")))
    source = ("--source", f"kafka://{broker}/secured", "--target", f"flink://{rest}", "--parallelism", "1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPSTREAM_PROXY", SUBMITTERS)
        job = home.run(*settings, "submit", "opinion", *source).stdout.decode().strip()
    deadline = time.monotonic() + 200
    while home.one("SELECT count() FROM posts FINAL WHERE startsWith(post_id, 'tls-')") < POSTS:
        assert time.monotonic() < deadline, (home.path / "logs" / "flink-taskmanager.log").read_text()[-3000:]
        time.sleep(0.5)
    yield secured
    home.run("cancel", job)


def secrets_of(secured: Secured) -> dict[str, bytes]:
    """Name -> the secret, in each form in which it might stand somewhere."""
    keys = secured.home.path / "keys"
    found = {f"password of {user}": word for user, word in json.loads((keys / "clickhouse.json").read_text()).items()}
    found["password of Kafka"] = secured.password[:24]  # up to its first special sign: however it is escaped after it
    key = secured.authority.issue("client")[1]
    found["private key"] = key.read_text().splitlines()[1]
    ring = json.loads((keys / "keyring.json").read_text())
    encoded = {f"master key {at}": word for at, word in enumerate(ring["master"])} | {"token key": ring["token"]}
    encoded |= {f"disk key {at}": word for at, word in enumerate((keys / "disk.key").read_text().split())}
    found["environment of whoever submitted"] = SUBMITTERS
    plain = {name: word.encode() for name, word in (found | encoded).items()}
    for name, word in encoded.items():
        raw = base64.b64decode(word)
        plain |= {f"{name}, raw": raw, f"{name}, in hex": raw.hex().encode()}
    return plain


def argv(_: Secured) -> Iterator[tuple[str, bytes]]:
    for process in psutil.process_iter():
        for name in ("cmdline", "environ"):
            try:
                yield f"{name} of {process.name()}", Path(f"/proc/{process.pid}/{name}").read_bytes()
            except (OSError, psutil.Error):
                continue


def files(secured: Secured) -> Iterator[tuple[str, bytes]]:
    """Everything under the home but keys/: logs, specs, checkpoints, the cluster's work; and what has come into the
    folder for temporary files since the home began, other tests' folders left out."""
    shared = Path(tempfile.gettempdir())
    tops = [path for path in secured.home.path.iterdir() if path.name != "keys"]
    for path in shared.iterdir():
        with suppress(OSError):
            other = path.name.startswith(("pytest-", "home-", "bash_"))
            tops += [path] if not other and path.lstat().st_mtime >= secured.began else []
    for top in tops:
        for path in (top, *top.rglob("*")):
            with suppress(OSError):
                state = path.lstat()
                if stat.S_ISREG(state.st_mode) and state.st_mtime >= secured.began and state.st_size < 1 << 25:
                    yield str(path), path.read_bytes()


def rest(secured: Secured) -> Iterator[tuple[str, bytes]]:
    """Flink's pages, as its REST gives them to anybody on this machine."""
    url = Registry(secured.home.path).services()["flink-jobmanager"].url
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        seen = ["/config", "/overview", "/jobmanager/config", "/jobmanager/environment", "/jobmanager/logs", "/jars"]
        for job in client.get("/jobs").json()["jobs"]:
            at = f"/jobs/{job['id']}"
            seen += [at, *(f"{at}/{page}" for page in ("config", "plan", "checkpoints", "checkpoints/config"))]
            seen += [f"{at}/exceptions", f"{at}/accumulators", f"{at}/execution-result"]
            for vertex in client.get(at).json().get("vertices", []):
                seen += [f"{at}/vertices/{vertex['id']}", f"{at}/vertices/{vertex['id']}/accumulators"]
        for manager in client.get("/taskmanagers").json()["taskmanagers"]:
            seen += [f"/taskmanagers/{manager['id']}/{page}" for page in ("log", "stdout", "logs", "thread-dump")]
        for page in seen:
            yield page, client.get(page).content


def commands(secured: Secured) -> Iterator[tuple[str, bytes]]:
    settings = ("--settings", str(secured.settings("sasl")))
    dry = ("submit", "opinion", "--source", f"kafka://127.0.0.1:{secured.sasl}/secured", "--dry-run")
    for arguments in (("status",), ("status", "--format", "json"), (*settings, *dry), ("jobs",)):
        done = secured.home.run(*arguments)
        yield " ".join(arguments), done.stdout + done.stderr


PLACES: tuple[Callable[[Secured], Iterator[tuple[str, bytes]]], ...] = (argv, files, rest, commands)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_no_secret_stands_in(running: Secured, place: Callable[[Secured], Iterator[tuple[str, bytes]]]) -> None:
    secrets, looked = secrets_of(running), 0
    assert len(secrets) > 15
    leaks = []
    for where, content in place(running):
        looked += bool(content)
        leaks += [f"{name} in {where}" for name, secret in secrets.items() if secret in content]
    assert not leaks
    assert looked >= 4, "nothing was searched"


def test_secrets_are_their_owners_alone(running: Secured) -> None:
    keys = running.home.path / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    names = {path.name for path in keys.iterdir()}
    assert {"keyring.json", "clickhouse.json", "disk.key"} < names
    assert any(re.fullmatch(r"kafka-[0-9a-f]{12}\.properties", name) for name in names)
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in keys.iterdir()} == dict.fromkeys(
        names, "0o600"
    )


def test_ports_are_open_to_this_machine_only(running: Secured) -> None:
    """All but Beam's in the TaskManager, which has no setting for it (docs/security.md)."""
    ours = {process.pid: process for process, _ in marked(HOME_MARK, str(running.home.path))}
    listening = [
        (connection.laddr, ours[connection.pid])
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.pid in ours
    ]
    assert len(listening) > 8
    outside = [
        (address.port, process)
        for address, process in listening
        if address.ip.removeprefix("::ffff:") not in ("127.0.0.1", "::1")
    ]
    strangers = [
        (port, process.name()) for port, process in outside if "TaskManagerRunner" not in str(process.cmdline())
    ]
    assert strangers == []


REFUSED = {
    "store.password=very-secret": "store.password",
    "kafka.sasl_password=very-secret": "kafka.sasl_password",
    "kafka.sasl_username=x": "security_protocol",
    "kafka.ssl_ca=/ca.pem": "security_protocol",
    "kafka.security_protocol=SASL_SSL": "sasl_username is missing",
    "kafka.security_protocol=TLS": "kafka.security_protocol",
    "store.certificate=/c.pem": "key is missing",
    "store.url=https://me:very-secret@host": "without",
}


@pytest.mark.parametrize("override", REFUSED)
def test_settings_that_make_no_sense(override: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[override]) as told:
        load(None, [override])
    assert "very-secret" not in str(told.value)


SECTIONS = (
    ("kafka: {security_protocol: SASL_SSL, sasl_password: very-secret}", "sasl_username"),
    ("kafka: {security_protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, sasl_username: u, sasl_password: very-secret}",
     "SASL_SSL"),
    ("store: {url: 'http://host:8123', ca: /ca.pem, password: very-secret}", "https"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "named"), SECTIONS)
def test_a_refused_section_is_not_shown(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(UsageError, match=named) as told:
        load(tmp_path / "site.yaml")
    assert "very-secret" not in str(told.value)


def test_a_key_that_java_cannot_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN EC PRIVATE KEY-----\nAAAA\n")
    (tmp_path / "pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    section = KafkaSection(security_protocol="SSL", ssl_certificate=tmp_path / "pem", ssl_key=tmp_path / "key")
    with pytest.raises(UsageError, match=r"kafka\.ssl_key.*pkcs8"):
        kafka_access.flink(section, tmp_path)
