"""Where a job runs: its home, settings and the connections that its sinks use, resolved once by whoever submits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipelines.services import control
from pipelines.store.client import StoreSettings, external
from schemas.settings import Settings


@dataclass(frozen=True)
class Site:
    """Plain values only, so that steps built from it pickle."""

    home: Path
    settings: Settings = field(default_factory=Settings)
    generation: int = 0
    """0 for live posts; a replay raises it, its rows win and its alerts are counted, never sent."""
    run: str = ""
    """Name of the run, for the audit ledger; empty for what is none."""
    live: bool = False
    """Whether posts come as they are published: records of Kafka, without an end. Only such a job may shed, since a
    file, a bounded source or a replay is old by nature, and in no hurry."""

    @property
    def store(self) -> StoreSettings:
        """The external ClickHouse that the settings name, else the embedded one of this home."""
        return self.store_as("yuqing")

    def store_as(self, role: str) -> StoreSettings:
        """The same store as another of its users.

        Raises UsageError when a store of one's own was given no password for that user: never is the pipeline's own
        account, which sees the vault, taken in its place.
        """
        section = self.settings.store
        if not section.url:
            return control.connection(self.home, role)
        return external(section, role)
