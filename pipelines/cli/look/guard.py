"""Who may ask: whoever was given the link of this home.

The page listens on 127.0.0.1, where every user and every web page of this machine can knock. So:

* a secret a home (HOME/keys/look, mode 0600) stands in the link that ``up --look`` prints; the first visit changes it
  for a cookie (HttpOnly, SameSite=Strict) and takes it out of the address;
* the Host header must name this server, so that a page whose name was pointed at 127.0.0.1 gets nothing;
* a question must be JSON and, where the browser names an origin, come from this page; no other origin is ever allowed;
* the policy lets the page load what this server serves, and be framed by nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATH = "/ping"
PARAMETER = "token"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Grafana's components write their styles into the page
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware around the page's application."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str], port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset(hosts)
        self._cookie = f"yuqing-look-{port}"  # a cookie belongs to a host, whatever the port: two homes have one each
        self._pass = hmac.new(token.encode(), b"cookie of look", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host", "") not in self._hosts:
            return PlainTextResponse("unknown host", 421)
        if scope["path"] == OPEN_PATH:
            return None
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["method"] == "GET" and any(name == PARAMETER for name, _ in given):
            return self._exchange(scope["path"], given)
        if not secrets.compare_digest(self._shown(headers), self._pass):
            return self._unknown(scope["path"])
        origin = headers.get("origin")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            return JSONResponse({"error": "other origins may not ask"}, 403)
        if scope["method"] == "POST" and headers.get("content-type", "").split(";")[0].strip() != "application/json":
            return JSONResponse({"error": "a question is application/json"}, 415)
        return None

    def _shown(self, headers: Headers) -> str:
        morsel = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        return morsel.value if morsel is not None and morsel.value.isascii() else ""

    def _exchange(self, path: str, given: list[tuple[str, str]]) -> Response:
        """The cookie for the token; the address goes on without it."""
        tokens = [value for name, value in given if name == PARAMETER]
        if not all(secrets.compare_digest(token.encode(), self._token.encode()) for token in tokens):
            return self._unknown(path)
        rest = urlencode([(name, value) for name, value in given if name != PARAMETER])
        # never another server's: "//host" would be one
        answer = RedirectResponse("/" + path.lstrip("/") + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(self._cookie, self._pass, max_age=30 * 86_400, httponly=True, samesite="strict")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @staticmethod
    def _unknown(path: str) -> Response:
        if path.startswith("/api/"):
            return JSONResponse({"error": "the link of this page is missing or no longer valid"}, 401)
        return PlainTextResponse("此页需要链接：请运行 yuqing up --look，用它给出的链接打开。\n", 401)
