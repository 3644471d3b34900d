"""The inline engine: a loop in this process. It serves the filters (`score`, `mask`, `topics`), tests and benchmarks.

No services, no restarts: an error that is nobody's record's fault ends the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipelines.engines.job import Job


def run(job: Job, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows that came through, batch by batch, in order. Dead letters go to the job's writer."""
    with job.opened(breaker=False) as chain:
        for batch in batches:
            yield chain.run(batch)
