"""`approve`: approval of application folders, what officers say of it, and the stop of automatic approval."""

from pipelines.cli.approve import automation, review, run, show

__all__ = ["automation", "review", "run", "show"]
