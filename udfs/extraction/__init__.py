"""From pages to documents and fields: where each value stands, what it is, and how sure that is.

Called by jobs with a ``Type`` and a ``Reading``. ``kinds`` has one module a kind of value and is for whoever compares
values (``kinds.normalise``); ``calibrate`` fits the weights of confidence. Nothing here reads files or logs text.
"""

from udfs.extraction.extracting import Record, extract, extract_with_records, same
from udfs.extraction.kinds import normalise

__all__ = ["Record", "extract", "extract_with_records", "normalise", "same"]
