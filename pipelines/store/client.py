"""One way to the store: clickhouse-connect over HTTP, whether the server is embedded or anybody's.

Errors come out as two kinds. ``StoreUnavailable``: no answer, or an overloaded, full or stopping server; the same
request may succeed later. ``StoreError``: the server understood and refused. Neither carries data that was sent: an
insert's error names ClickHouse's code only, since its message may quote the value it choked on.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error, OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential
from urllib3.exceptions import HTTPError

from pipelines.metrics import declared
from schemas.errors import StoreError, StoreUnavailable, UsageError
from schemas.settings import StoreSection

Result = TypeVar("Result")

TRANSIENT = {
    3: "UNEXPECTED_END_OF_FILE",  # the client died in mid-insert, or the server did
    75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",  # a full disk, like 243
    76: "CANNOT_OPEN_FILE",
    159: "TIMEOUT_EXCEEDED",
    173: "CANNOT_ALLOCATE_MEMORY",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    236: "ABORTED",  # what queries get while the server shuts down
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    285: "TOO_FEW_LIVE_REPLICAS",
    319: "UNKNOWN_STATUS_OF_INSERT",
    373: "SESSION_IS_LOCKED",
    394: "QUERY_WAS_CANCELLED",
    425: "SYSTEM_ERROR",
    439: "CANNOT_SCHEDULE_TASK",
    473: "DEADLOCK_AVOIDED",
    598: "UNKNOWN_ERROR_IN_KEEPER",
    745: "SERVER_OVERLOADED",
    999: "KEEPER_EXCEPTION",
}
"""ClickHouse error codes after which the same request may succeed."""


@dataclass(frozen=True)
class StoreSettings:
    """Where the store is and who asks. Pickles; ``repr`` hides the password."""

    url: str
    user: str = "yuqing"
    password: str = field(default="", repr=False)
    database: str = "yuqing"
    """Tables without a prefix are of this database. Empty: of none; that is how migrations come before it exists."""
    connect_timeout_s: int = 5
    send_receive_timeout_s: int = 60
    ca: str | None = None
    """PEM of the authority that must have signed the server's certificate; None: the operating system's."""
    certificate: str | None = None
    key: str | None = None
    verify: bool = True


def external(section: StoreSection, user: str = "yuqing") -> StoreSettings:
    """The store that the settings name, as ``user``: ``yuqing`` is the account in the settings, the others have a file
    in the folder ``store.passwords``. Raises UsageError that names the setting when there is no password for it."""
    if user != "yuqing":
        if section.passwords is None:
            raise UsageError(
                f"setting store.passwords is missing: a folder with a file {user}, which holds the password of the "
                f"store's user {user} (docs/store.md says what it may)"
            )
        password = _secret("store.passwords", section.passwords / user)
    elif section.password_file is not None:
        user, password = section.user, _secret("store.password_file", section.password_file)
    else:
        user, password = section.user, section.password.get_secret_value()
    ca, certificate, key = (readable(f"store.{name}", getattr(section, name)) for name in ("ca", "certificate", "key"))
    return StoreSettings(section.url, user, password, ca=ca, certificate=certificate, key=key, verify=section.verify)


def readable(setting: str, file: Path | None) -> str | None:
    """The absolute path of a file that a setting names, None for none. Raises UsageError when it cannot be read."""
    if file is None:
        return None
    try:
        with file.open("rb"):
            return str(file.absolute())
    except OSError as error:
        raise UsageError(f"setting {setting}: {file} cannot be read ({error.strerror})") from None


def _secret(setting: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"setting {setting}: {file} cannot be read ({type(error).__name__})") from None


def connect(settings: StoreSettings, query_settings: Mapping[str, Any] | None = None) -> Client:
    """Open a client. One per thread: it keeps an HTTP connection alive, and no server-side session.

    Raises UsageError for a URL that is none, StoreUnavailable when nobody answers, StoreError for a wrong password and
    for a server whose certificate is not to be trusted; the message names the setting.
    """
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        shown = settings.url.rpartition("@")[2]  # what stands before an @ is a password more often than not
        raise UsageError(f"store.url {shown!r} is not an address like http://127.0.0.1:8123")
    tls: dict[str, Any] = {}
    if parts.scheme == "https":
        tls = {"verify": settings.verify, "ca_cert": settings.ca}
        if settings.certificate:
            # strict: beside the password; the driver would send it in the password's place
            tls |= {"client_cert": settings.certificate, "client_cert_key": settings.key, "tls_mode": "strict"}
    with translated("connect"), _explained(settings):
        client = clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            interface=parts.scheme,
            username=settings.user,
            password=settings.password,
            database=settings.database or None,
            show_clickhouse_errors="scrub",
            connect_timeout=settings.connect_timeout_s,
            send_receive_timeout=settings.send_receive_timeout_s,
            settings=dict(query_settings or {}),
            autogenerate_session_id=False,
            query_limit=0,
            query_retries=0,
            **tls,
        )
    return _measured(client) if declared.INSERT_SECONDS.counts else client


_REFUSALS = (
    ("is not valid for", "the certificate of {url} is for another host: write store.url as the certificate has it"),
    ("CERTIFICATE_VERIFY_FAILED", "the certificate of {url} is not signed by the authority in store.ca"),
    ("WRONG_VERSION_NUMBER", "{url} does not speak TLS: write store.url with http://, or with its https port"),
    ("RECORD_LAYER_FAILURE", "{url} does not speak TLS: write store.url with http://, or with its https port"),
    ("CERTIFICATE_REQUIRED", "{url} asks for a certificate: set store.certificate and store.key"),
    ("UNKNOWN_CA", "{url} does not trust the certificate in store.certificate"),
    ("[SSL", "TLS with {url} failed: see store.ca, store.certificate and store.key"),
)
"""What OpenSSL and the driver say, and which setting is to blame. The first that fits counts."""


@contextmanager
def _explained(settings: StoreSettings) -> Iterator[None]:
    """Say which setting is to blame when a server that is there does not let us in: waiting would not help."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ClickHouseError) and _code(error)[0] == 516:
            raise StoreError(
                f"connect: ClickHouse error 516 AUTHENTICATION_FAILED: {settings.user} at {settings.url}: "
                "name or password is wrong: see store.user, store.password_file and store.passwords"
            ) from None
        said = "; ".join(_said(error))
        if any(words in said for words in ("EOF occurred in violation", "RemoteDisconnected", "SSLEOFError")):
            # it may be stopping as well, so this is no refusal
            remedy = (
                "if it asks for a certificate, set store.certificate and store.key"
                if settings.url.startswith("https")
                else "if it speaks TLS, write store.url with https://"
            )
            raise StoreUnavailable(f"connect: {settings.url} hung up; {remedy}") from None
        for words, why in _REFUSALS:
            if settings.url.startswith("https") and words in said:
                raise StoreError(f"connect: {why.format(url=settings.url)}") from None
        raise


def _said(error: BaseException | None) -> Iterator[str]:
    """The messages of an error and of what caused it."""
    while error is not None:
        yield str(error)
        error = error.__cause__ or error.__context__


def _measured(client: Client) -> Client:
    """The client with its inserts counted, whoever calls them: only where a service serves metrics."""

    def measured(insert: Callable[..., Any]) -> Callable[..., Any]:
        def inserted(table: str, rows: Any, *arguments: Any, **options: Any) -> Any:
            began = time.monotonic()
            answer = insert(table, rows, *arguments, **options)
            declared.INSERT_SECONDS.observe(time.monotonic() - began)
            declared.INSERTED_ROWS.add(len(rows))
            return answer

        return inserted

    client.insert = measured(client.insert)  # type: ignore[method-assign]
    client.insert_arrow = measured(client.insert_arrow)  # type: ignore[method-assign]
    return client


@contextmanager
def translated(doing: str, detail: bool = True) -> Iterator[None]:
    """Turn what the driver raises into StoreUnavailable or StoreError.

    ``detail=False`` leaves ClickHouse's message out (code and name stay): for requests that carry posts.
    """
    try:
        yield
    except ClickHouseError as error:
        code, name = _code(error)
        label = f"{doing}: ClickHouse error {code} {name}" if code else f"{doing}: {type(error).__name__}"
        status = _http_status(error)
        if code in TRANSIENT or (code is None and (isinstance(error, OperationalError) or status >= 500)):
            declared.STORE_ERRORS.add(outcome="unavailable", code=code or "none")
            raise StoreUnavailable(label) from None
        declared.STORE_ERRORS.add(outcome="refused", code=code or "none")
        message = str(error).strip().splitlines()[0][:500] if detail and str(error).strip() else ""
        raise StoreError(f"{label}: {message}" if message else label) from None
    except (HTTPError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError, OSError) as error:
        declared.STORE_ERRORS.add(outcome="unavailable", code="none")
        raise StoreUnavailable(f"{doing}: {type(error).__name__}") from None


def with_retries(request: Callable[[], Result], give_up_after_s: float, first_wait_s: float = 0.1) -> Result:
    """Run ``request`` until it stops raising StoreUnavailable, waiting 0.1 s to 5 s (exponential, full jitter).

    After ``give_up_after_s`` the last StoreUnavailable goes to the caller: inside an engine that means a restart of
    the job from its checkpoint, with the engine's own back-off. Anything else is raised at once.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(StoreUnavailable),
        wait=wait_random_exponential(multiplier=first_wait_s, max=5.0),
        stop=stop_after_delay(give_up_after_s),
        reraise=True,
    )
    return retrying(request)


def _code(error: ClickHouseError) -> tuple[int | None, str]:
    if isinstance(error, Error):
        return error.code, error.name or ""
    return None, ""


def _http_status(error: ClickHouseError) -> int:
    text = str(error)
    marker = "HTTP status "  # the driver's own words for an answer that is not ClickHouse's (a proxy's 502, say)
    at = text.find(marker)
    digits = text[at + len(marker) : at + len(marker) + 3] if at >= 0 else ""
    return int(digits) if digits.isdigit() else 0
