"""Jobs that can be submitted, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from governance.purpose import require_purpose
from pipelines.engines.job import Job
from pipelines.feeds.uri import KafkaSource, parse
from pipelines.jobs.run import Spec
from pipelines.jobs.site import Site
from schemas.errors import UsageError
from schemas.settings import Settings

NAMES = ("opinion",)


def build(name: str, site: Site) -> Job:
    """The job `name` for a site. Raises UsageError for an unknown name or a job without purpose."""
    from pipelines.jobs.opinion import opinion

    jobs: dict[str, Callable[[Site], Job]] = {"opinion": opinion}
    if name not in jobs:
        raise UsageError(f"there is no job {name!r}; jobs are {', '.join(NAMES)}")
    job = jobs[name](site)
    require_purpose(job)
    return job


def of_spec(spec: Spec) -> tuple[Job, Settings]:
    """The job that a run submitted, and the settings of now. Raises UsageError as `build` and the settings do."""
    settings = spec.settings()
    source = parse(spec.source)
    live = isinstance(source, KafkaSource) and not source.bounded and spec.generation == 0
    return build(spec.job, Site(Path(spec.home), settings, spec.generation, spec.run, live)), settings
