"""The group `policy` itself."""

import typer

from pipelines.cli.main import app

policy = typer.Typer(help="Policy simulation: populations, rules, runs, releases.", no_args_is_help=True)
app.add_typer(policy, name="policy", rich_help_panel="Policy")
