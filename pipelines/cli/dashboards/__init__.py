"""`dashboards`: build the committed files, check them, deploy them to a Grafana. One module a command."""

from __future__ import annotations

import typer

from pipelines.cli.main import app

dashboards = typer.Typer(help="Dashboards and alert rules of Grafana, as code.", no_args_is_help=True)
app.add_typer(dashboards, name="dashboards", rich_help_panel="Grafana")

from pipelines.cli.dashboards import build as _build  # noqa: E402, F401 - it needs `dashboards` above
from pipelines.cli.dashboards import check as _check  # noqa: E402, F401 - it needs `dashboards` above
from pipelines.cli.dashboards import deploy as _deploy  # noqa: E402, F401 - it needs `dashboards` above
