"""A run in the store, where dashboards and analysts find it; and what a plan asks of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from pipelines.jobs.site import Site
from pipelines.store.moods import county_moods
from pipelines.store.policy import PolicyStore
from schemas.policy import Plan, Reading, Release, Simulation

_BEIJING = timezone(timedelta(hours=8))


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


def moods(site: Site, plan: Plan, now: datetime | None = None) -> Reading | None:
    """Moods of the plan's counties over the days before ``now``; None when the plan asks for none.

    Asked as analyst, who reads no base table. Raises StoreError, StoreUnavailable; UsageError: a store of one's own was
    given no password for that user.
    """
    if plan.sentiment is None:
        return None
    end = now or datetime.now(UTC)
    start = end - timedelta(days=plan.sentiment.days)
    edges = [round(moment.timestamp() * 1000) for moment in (start, end)]
    found = county_moods(site.store_as("analyst"), plan.sentiment.districts.values(), *edges)
    return Reading(found, *(moment.astimezone(_BEIJING).date().isoformat() for moment in (start, end)))
