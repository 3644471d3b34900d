"""One organisation of one Grafana, reached with a token through grafana-client.

What goes wrong is said with the address, the status and what to do, and never with a secret. The statement of an error
that concerns one thing only (no rights on it, refused content) is ``Refused``: the rest of a deploy goes on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import ServiceError, UsageError

TIMEOUT_S = 20.0
HIDDEN = "***"


class Refused(Exception):
    """Grafana answered and did not do it. ``status``: HTTP; the message has no secret in it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Missing(Refused):
    """404: there is no such thing yet, or no such endpoint."""


class Grafana:
    """Calls of grafana-client with errors translated. Not for threads.

    Raises UsageError for an address that is none, for http to a host that is not this machine unless ``insecure``
    (the token would go over the network in the clear), and for a token that Grafana does not know.
    """

    def __init__(
        self, url: str, token: str, *, insecure: bool = False, ca: Path | None = None, secrets: Iterable[str] = ()
    ) -> None:
        from grafana_client import GrafanaApi

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"--grafana {url!r} is not an address like https://grafana.example:3000")
        if parts.username or parts.password:
            raise UsageError("--grafana: no user or password in the address; use --token-file")
        local = is_loopback(parts.hostname)
        if parts.scheme == "http" and not local and not insecure:
            raise UsageError(
                f"--grafana {url}: over plain http everybody on the way can read the token; use https, or --insecure"
            )
        self.url = url.rstrip("/")
        self._secrets = sorted({token, *secrets} - {""}, key=len, reverse=True)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        prefix = parts.path.strip("/")
        self.api = GrafanaApi(
            token,
            host=host,
            port=parts.port,
            protocol=parts.scheme,
            url_path_prefix=f"{prefix}/" if prefix else "",
            verify=str(ca) if ca else True,
            timeout=TIMEOUT_S,
        )
        session = self.api.client.s
        # A redirect turns a POST into a GET, and may lead the token elsewhere.
        session.max_redirects = 0
        if local:
            session.trust_env = False  # a proxy of the environment is no way to this machine

    def call(self, what: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Run one call of grafana-client and return what Grafana answered.

        Raises Refused (Missing for 404) when only this one thing is concerned, UsageError or ServiceError when nothing
        else can work either.
        """
        from grafana_client.client import GrafanaException
        from niquests.exceptions import JSONDecodeError, RequestException, SSLError, TooManyRedirects

        try:
            return function(*arguments, **named)
        except GrafanaException as error:
            raise self._translated(what, error) from None
        except SSLError as error:
            raise UsageError(
                f"{self.url}: TLS: {self.clean(error)}; give the authority's certificate with --ca FILE"
            ) from None
        except TooManyRedirects:
            raise UsageError(f"{self.url} redirects: give --grafana the address where it ends") from None
        except JSONDecodeError:
            raise UsageError(f"{self.url} does not answer as a Grafana ({what}): is the path prefix right?") from None
        except RequestException as error:
            raise ServiceError(
                f"{self.url} does not answer ({what}): {self.clean(error)}; what was done stays, run it again"
            ) from None

    def _translated(self, what: str, error: Any) -> Exception:
        status, said = error.status_code, self.clean(_message(error))
        if status == 401:
            return UsageError(
                f"{self.url}: 401, {said}: the token is not known or has expired. Make one for a service account"
                " (Administration > Service accounts) and name its file with --token-file"
            )
        if status == 403:
            return Refused(403, f"403 at {what}: {said}; {_PERMISSION_REMEDY}")
        if status == 404:
            return Missing(404, f"404 at {what}: {said}")
        if status in (409, 412):
            return Refused(status, f"{status} at {what}: {said}; somebody else saved it meanwhile, look and run again")
        if status == 0:
            return ServiceError(f"{self.url} does not answer ({what}): {said}; what was done stays, run it again")
        if status >= 500:
            return Refused(status, f"{status} at {what}: {said}; Grafana's own log says more")
        return Refused(status, f"{status} at {what}: {said}")

    def clean(self, message: object) -> str:
        """The message on one line, without the token and the passwords."""
        text = " ".join(str(message).split())
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text[:500]

    def check(self) -> str:
        """The version of the Grafana that answers. Raises UsageError when what answers is none."""
        try:
            settings = self.call("frontend settings", self.api.client.GET, "/frontend/settings")
        except Missing:
            settings = None
        version = (settings.get("buildInfo") or {}).get("version") if isinstance(settings, dict) else None
        if not version:
            raise UsageError(f"{self.url} does not answer as a Grafana: is the path prefix right?")
        return str(version)

    def has_plugin(self, plugin: str) -> bool:
        """Whether the plugin is installed, and True when this may not be asked: then the data source will tell."""
        try:
            self.call(f"plugin {plugin}", self.api.client.GET, f"/plugins/{plugin}/settings")
        except Missing:
            return False
        except Refused:
            return True
        return True


_PERMISSION_REMEDY = "docs/deploying.md lists what the token needs"


def _message(error: Any) -> str:
    answer = error.response
    if isinstance(answer, dict) and answer.get("message"):
        return str(answer["message"])
    return str(error.message)


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
