"""`policy`: populations, rules and example plans; what came of a run; release of an intercepted option."""

from pipelines.cli.policy import after, before, leaving

__all__ = ["after", "before", "leaving"]
