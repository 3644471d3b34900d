"""The page's server: static files, the boards, and the answers of the store. 127.0.0.1 only, read-only."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pipelines.cli.look.boards import Boards
from pipelines.cli.look.guard import OPEN_PATH, Guard
from pipelines.cli.look.questions import Asked, Connection, Questions
from pipelines.services.look import token_of
from pipelines.services.page import DIST
from pipelines.services.registry import HOST
from schemas.errors import ServiceError, StoreUnavailable, UsageError, YuqingError

LONGEST_BODY = 65_536


def application(boards: Boards, connection: Connection, *, token: str, port: int, dist: Path = DIST) -> Starlette:
    """The whole page for one home.

    | request | answer |
    | --- | --- |
    | GET /, /d/UID | the page |
    | GET /api/boards, /api/boards/UID | uid and title of each; one board, without SQL |
    | POST /api/query ``{board, panel, from, to, interval_ms, max_points, variables}`` | ``{frames}`` |
    | POST /api/options ``{board, variable, from, to, variables}`` | ``[{value, text}]`` |
    | GET /api/health | whether the store answers |

    Errors are ``{error}``: 400 asked wrongly, 401 no link, 502 the store refuses, 503 it is away.
    """
    questions = Questions(boards, connection)
    log = structlog.get_logger("look")

    async def answered(work: Callable[[], Any]) -> Response:
        try:
            return _json(await run_in_threadpool(work))
        except YuqingError as error:
            away = isinstance(error, StoreUnavailable | ServiceError)
            status = 400 if isinstance(error, UsageError) else 503 if away else 502
            log.warning("refused", status=status, error=str(error))
            return _json({"error": str(error)}, status)

    async def listed(request: Request) -> Response:
        return await answered(boards.listed)

    async def one(request: Request) -> Response:
        return await answered(lambda: boards.page(request.path_params["uid"]))

    async def health(request: Request) -> Response:
        return await answered(lambda: questions.health() or {"store": "up"})

    async def query(request: Request) -> Response:
        body = await _body(request)
        return await answered(lambda: {"frames": questions.data(_asked(body))})

    async def options(request: Request) -> Response:
        body = await _body(request)
        return await answered(lambda: questions.options(_asked(body)))

    async def page(request: Request) -> Response:
        if not (dist / "index.html").is_file():
            return PlainTextResponse("the page is not built: make look\n", 503)
        return FileResponse(dist / "index.html", headers={"Cache-Control": "no-store"})

    routes = [
        Route(OPEN_PATH, lambda _: PlainTextResponse("Ok.")),
        Route("/api/boards", listed),
        Route("/api/boards/{uid}", one),
        Route("/api/health", health),
        Route("/api/query", query, methods=["POST"]),
        Route("/api/options", options, methods=["POST"]),
        Route("/", page),
        Route("/d/{uid}", page),
        Mount("/assets", StaticFiles(directory=dist / "assets", check_dir=False)),
        Mount("/public", StaticFiles(directory=dist / "public", check_dir=False)),
    ]
    hosts = (f"{HOST}:{port}", f"localhost:{port}")
    return Starlette(routes=routes, middleware=[Middleware(Guard, token=token, hosts=hosts, port=port)])


async def _body(request: Request) -> bytes:
    """The body, or what is more than a question can be cut off: no JSON then."""
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > LONGEST_BODY:
            break
    return found


def _asked(body: bytes) -> Asked:
    if len(body) > LONGEST_BODY:
        raise UsageError(f"a question has at most {LONGEST_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the question cannot be read: {error}") from None


def _json(found: Any, status: int = 200) -> Response:
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=str)
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def main(arguments: Sequence[str] | None = None) -> int:
    import uvicorn

    from pipelines.jobs.site import Site
    from schemas.settings import load

    parser = argparse.ArgumentParser(prog="python -m pipelines.cli.look", description="the dashboards as a local page")
    parser.add_argument("--home", type=Path, default=Path(".yuqing"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--settings", type=Path, default=None, help="YAML")
    options = parser.parse_args(arguments)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        home = options.home.absolute()
        site = Site(home, load(options.settings))
        app = application(Boards(), site.store_as, token=token_of(home), port=options.port)
    except YuqingError as error:
        print(f"look: {error}", file=sys.stderr)
        return error.exit_code
    # no log of requests: an address names what somebody looked at
    uvicorn.run(app, host=HOST, port=options.port, access_log=False, log_level="warning", server_header=False)
    return 0
