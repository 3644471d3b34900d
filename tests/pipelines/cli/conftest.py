"""Commands inside the tests' own process: the same entry point and exit codes, some two seconds less a command."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from unittest import mock

import structlog
import typer.main

from pipelines.cli.main import app, register, run
from tests.conftest import PATIENCE, Home


@cache
def command_line() -> object:
    """All commands: Typer builds them anew for each that runs, which takes longer than most of them."""
    register()
    return typer.main.get_command(app)


class Typed(Home):
    """A home whose commands need no process of their own. An exception that nobody catches fails the test itself."""

    def run(
        self, *arguments: str, stdin: bytes | None = None, code: int | None = 0, timeout: float = PATIENCE
    ) -> subprocess.CompletedProcess[bytes]:
        """As ``Home.run``; ``timeout`` has no meaning here."""
        command = self.command(*arguments)
        # whoever keeps the wrappers keeps the buffers open
        given, out, err = (io.TextIOWrapper(io.BytesIO(held), "utf-8") for held in (stdin or b"", b"", b""))
        returned: object = 0
        try:
            with (
                redirect_stdout(out),
                redirect_stderr(err),
                mock.patch.object(sys, "argv", command),
                mock.patch.object(sys, "stdin", given),
                mock.patch("typer.main.get_command", return_value=command_line()),
            ):
                run()
        except SystemExit as end:
            returned = end.code or 0
        finally:
            structlog.reset_defaults()  # commands log to a stderr that is gone now; a test runs several
        printed = []
        for stream in (out, err):
            stream.flush()
            printed.append(stream.buffer.getvalue())
        done = subprocess.CompletedProcess(command, int(str(returned)), *printed)
        if code is not None and done.returncode != code:
            raise AssertionError(f"{arguments}: exit {done.returncode}, not {code}\n{done.stderr.decode()[-3000:]}")
        return done
