"""What runs a Beam stage inside Flink's Python workers: one element, one bundle, one line of what it counted.

PyFlink finishes a bundle before it lets a checkpoint barrier pass: an element in a checkpoint was processed. After a
failure elements come again; their lines say so by their number, so that nothing is counted twice.
"""

from __future__ import annotations

import base64
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pandas as pd
import structlog
from pyflink.table.udf import FunctionContext, ScalarFunction

from pipelines.engines.beam_run_folder import COUNTED, STAGE
from pipelines.engines.beam_stage import Bundles


class RunBundle(ScalarFunction):  # type: ignore[misc]  # the base has no types
    """Lines ``NUMBER BASE64`` of encoded elements -> 1."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def open(self, function_context: FunctionContext) -> None:
        # PyFlink replaces `print` by one that takes no `flush`, on which structlog's default logger fails
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
        # a thread of its own: this worker is itself a Beam SDK worker, and a thread has one state sampler
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="beam-stage")
        self._bundles = self._thread.submit(Bundles, (self._folder / STAGE).read_bytes()).result()
        self._done = function_context.get_metric_group().counter("elements")
        name = COUNTED.replace("*", f"{os.getpid()}-{id(self):x}")
        self._counted = (self._folder / name).open("ab", buffering=0)

    def eval(self, lines: pd.Series) -> pd.Series:
        for line in lines:
            number, _, encoded = line.partition(" ")
            _, counted = self._thread.submit(self._bundles.run, base64.b64decode(encoded)).result()
            self._counted.write(msgspec.json.encode([int(number), counted]) + b"\n")
            self._done.inc()
        return pd.Series([1] * len(lines))

    def close(self) -> None:
        if hasattr(self, "_bundles"):
            self._thread.submit(self._bundles.close).result()
        if hasattr(self, "_counted"):
            self._counted.close()
        self._thread.shutdown()
