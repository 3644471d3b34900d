"""The exception tree. No message ever contains text of a post.

YuqingError                 exit 1
├── UsageError              exit 2: wrong arguments or settings; names the key and the remedy
├── RecordError             one record cannot be processed: it becomes a dead letter
├── StoreError              the store refused a request for good (bad SQL, missing table, no rights)
├── StoreUnavailable        the store does not answer: wait and try again, nothing is lost
├── ModelError              a model bundle is missing, damaged or does not fit
├── ServiceError            an embedded service did not start, stop or answer
└── CircuitOpen             too many records of one step fail: the job stops and says so
"""

from __future__ import annotations


class YuqingError(Exception):
    """Root of every error this project raises on purpose."""

    exit_code = 1


class UsageError(YuqingError):
    """Wrong arguments or settings. The message names the key, the value and the remedy."""

    exit_code = 2


class RecordError(YuqingError):
    """A single record cannot be processed. The message is the dead letter's reason: no post text in it."""


class StoreError(YuqingError):
    """The store answered and refused: retrying the same request cannot help."""


class StoreUnavailable(YuqingError):
    """The store did not answer or was overloaded: the same request may succeed later."""


class ModelError(YuqingError):
    """A model bundle is missing, damaged, or made for another version."""


class JobError(YuqingError):
    """The steps of a job do not fit together: one needs a column that none before it writes."""


class ServiceError(YuqingError):
    """An embedded service did not start, stop or answer in time."""


class CircuitOpen(YuqingError):
    """More than the allowed share of records failed in one step; a person must look before the job goes on."""
