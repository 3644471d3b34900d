"""`yuqing`: the application, its global options, and how errors become exit codes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import YuqingError

if TYPE_CHECKING:
    from schemas.settings import Settings

app = typer.Typer(
    name="yuqing",
    help="Public opinion and emergencies from social feeds: masked, classified, alerted.\n\n"
    "Start with `yuqing demo`. Data goes to stdout, logs to stderr. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 done with dead letters under --strict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing boxes would double the time that --help takes
)


@dataclass
class Context:
    """What the global options say; commands get it as `context.obj`."""

    home: Path = Path(".yuqing")
    settings_file: Path | None = None
    overrides: list[str] = field(default_factory=list)

    def settings(self, overrides: list[str] | None = None) -> Settings:
        from schemas import settings

        return settings.load(self.settings_file, [*self.overrides, *(overrides or [])])


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[Path, typer.Option(help="Folder of services, keys and state.", envvar="YUQING_HOME")] = Path(
        ".yuqing"
    ),
    settings: Annotated[Path | None, typer.Option(help="YAML file of settings.", envvar="YUQING_SETTINGS")] = None,
) -> None:
    _log_to_stderr()
    context.obj = Context(home.expanduser().absolute(), settings.absolute() if settings else None)


def _log_to_stderr() -> None:
    """One line an event, on stderr; warnings only of libraries."""
    import logging

    import structlog

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


_MODULES = (
    "demo", "drill", "services", "filters", "feed", "approve", "simulate", "policy", "jobs", "store", "alerts",
    "episodes", "warn", "brief", "dashboards", "access", "bench", "train",
)  # fmt: skip
"""Each adds its commands, in the order of `--help`."""


def register() -> None:
    """Let every module add its commands. Not at the top: these modules import `app`."""
    import importlib

    for name in _MODULES:
        importlib.import_module(f"pipelines.cli.{name}")


def run() -> None:
    """Entry point: errors that the project raises on purpose become one line on stderr and an exit code."""
    register()
    try:
        app()
    except YuqingError as error:
        print(f"yuqing: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # whoever read our output has gone; nothing is wrong
        sys.stderr.close()
        raise SystemExit(0) from None
