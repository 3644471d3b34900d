"""The folder of a Beam pipeline's run on Flink, which its client and its workers share.

configuration.json   Flink's keys for this job
stage.bin            the steps that workers run (a ProcessBundleDescriptor)
elements/            numbered, encoded elements as lines, in files
job_id               what Flink calls the job
bundles-*.jsonl      a worker's lines: number of an element that is done, and what its bundle counted
checkpoints/
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

CONFIGURATION, STAGE, ELEMENTS, JOB_ID = "configuration.json", "stage.bin", "elements", "job_id"
COUNTED = "bundles-*.jsonl"


def write_elements(folder: Path, elements: Sequence[bytes], files: int) -> None:
    """Deal the elements to ``files`` files, which Flink's readers take one after the other as they get free."""
    lines = [f"{number} {base64.b64encode(element).decode()}\n" for number, element in enumerate(elements)]
    (folder / ELEMENTS).mkdir()
    for number in range(files):
        (folder / ELEMENTS / f"{number:06d}").write_text("".join(lines[number::files]), "ascii")


def read_counted(folder: Path) -> dict[int, Any]:
    """Number of each element that is done -> what its bundle counted. A line that a kill cut short does not count."""
    found: dict[int, Any] = {}
    for path in sorted(folder.glob(COUNTED)):
        for line in path.read_bytes().split(b"\n")[:-1]:
            number, counted = msgspec.json.decode(line)
            found[number] = counted
    return found
