"""Jobs that can be submitted, by name."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.engines.job import Job
from pipelines.jobs.site import Site
from schemas.errors import UsageError

NAMES = ("opinion",)


def build(name: str, site: Site) -> Job:
    """The job `name` for a site. Raises UsageError for an unknown name or a job without purpose."""
    from pipelines.jobs.opinion import opinion

    jobs: dict[str, Callable[[Site], Job]] = {"opinion": opinion}
    if name not in jobs:
        raise UsageError(f"there is no job {name!r}; jobs are {', '.join(NAMES)}")
    job = jobs[name](site)
    if not job.purpose.strip() or not job.lawful_basis.strip():
        raise UsageError(f"job {name} declares no purpose and lawful basis; its job file must, before it may start")
    return job
