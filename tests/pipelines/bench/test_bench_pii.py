"""`bench pii`: the figures in the table, and what is said of bad rows."""

from __future__ import annotations

import io
import json

import pytest

from pipelines.bench import pii
from schemas.errors import UsageError
from udfs.pii.step import Mask

PHONE = "13812345678"


@pytest.fixture(scope="module")
def step():
    step = Mask(names=False, mask_places=True)
    step.open()
    return step


def _write(tmp_path, *rows):
    file = tmp_path / "gold.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_types_leaks_and_both_speeds_are_shown(tmp_path, step):
    file = _write(
        tmp_path,
        {"text": f"电话{PHONE}", "pii": [{"type": "CN_MOBILE", "start": 2, "end": 13}]},
        {"text": "暗号甲乙丙", "pii": [{"type": "PERSON", "start": 2, "end": 5}]},
        {"text": f"打{PHONE}吧"},
    )
    report = pii.measure(file, step, seconds=0.01)
    assert report["leaking_lines"] == [2]
    out = io.StringIO()
    pii.show(report, out)
    lines = out.getvalue().splitlines()
    mobile = next(line.split() for line in lines if "CN_MOBILE" in line)
    assert mobile == ["CN_MOBILE", "1", "2", "0.500", "1.000", "0.667", "0.500", "1.000", "0.667", "1.000"]
    assert any(line.startswith("post-level leak rate") and "0.5000  (1 of 2 posts" in line for line in lines)
    assert sum("posts a CPU-second" in line and not line.split()[-4].startswith("0") for line in lines) == 2
    assert PHONE not in out.getvalue()
    assert lines[-1] == "lines that leak: 2"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"pii": []}, "line 2: no text"),
        ({"text": "秘密", "pii": [{"type": "PERSON", "start": 0, "end": 9}]}, "line 2: span 0-9 does not lie"),
        ({"text": "秘密", "pii": [{"type": "PERSON", "start": 1}]}, "line 2: pii must be"),
        ({"text": "秘密", "pii": "PERSON"}, "line 2: pii must be"),
    ],
)
def test_a_bad_row_is_named_and_not_quoted(tmp_path, step, row, said):
    with pytest.raises(UsageError, match=said) as caught:
        pii.measure(_write(tmp_path, {"text": "好"}, row), step)
    assert "秘密" not in str(caught.value)
