"""A run in the store: dashboards and analysts find it there."""

from __future__ import annotations

from pipelines.jobs.site import Site
from pipelines.store.policy import PolicyStore
from schemas.policy import Release, Simulation


def ready(site: Site) -> None:
    """Raise StoreUnavailable or StoreError when results could not be stored now."""
    with PolicyStore(site.store) as store:
        store.runs(1)


def keep(site: Site, simulation: Simulation, person: str) -> None:
    """Write the rows of a run; again the same rows change nothing. Raises StoreUnavailable, StoreError."""
    with PolicyStore(site.store) as store:
        store.write(simulation, person)


def keep_release(site: Site, simulation: Simulation, release: Release) -> None:
    """Put a release and the standings after it beside the run. Raises StoreUnavailable, StoreError."""
    with PolicyStore(site.store) as store:
        store.release(simulation, release)
