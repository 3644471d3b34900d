"""Which savepoints `resume` takes: a damaged one is refused, with the remedy, before anything is started."""

from __future__ import annotations

import pytest

from pipelines.jobs.run import HEADER, METADATA, Spec, of_savepoint
from schemas.errors import UsageError


@pytest.fixture
def spec(tmp_path):
    spec = Spec(job="opinion", source="generate:?posts=1", home=str(tmp_path), run="opinion-1")
    spec.save()
    for number in (1, 2):
        (spec.folder / f"checkpoints/id/chk-{number}").mkdir(parents=True)
        (spec.folder / f"checkpoints/id/chk-{number}" / METADATA).write_bytes(HEADER + b"the rest")
    return spec


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (HEADER + b"\x00\x00\x00\x05", None),
        (b"", "is damaged: its _metadata is missing or not Flink's; take another of this job: .*/chk-1"),
        (HEADER[:2], "is damaged"),
        (b"\x48" + HEADER[1:] + b"the rest", "is damaged"),
        (None, "is damaged"),
    ],
)
def test_a_damaged_checkpoint_is_refused(spec, metadata, said):
    newest = spec.folder / "checkpoints/id/chk-2"
    (newest / METADATA).unlink() if metadata is None else (newest / METADATA).write_bytes(metadata)
    if said is None:
        assert of_savepoint(f"file:{newest}").restore_from == newest.as_uri()
    else:
        with pytest.raises(UsageError, match=said):
            of_savepoint(str(newest))


def test_one_of_no_run_is_refused(tmp_path):
    (tmp_path / METADATA).write_bytes(HEADER)
    for path, said in ((tmp_path, "belongs to no run"), (tmp_path / "chk-9", "there is no such folder")):
        with pytest.raises(UsageError, match=said):
            of_savepoint(str(path))
