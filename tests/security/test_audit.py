"""What the audit makes of what its tools say: nothing passes that was not looked at."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("audit", ROOT / "deploy" / "release" / "audit.py")
assert spec is not None
assert spec.loader is not None
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

SOUND = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([SOUND], 0, "1 asked about, 0 known"),
        ([SOUND, FAULTY], 1, "b 2: PYSEC-1, mended in 3"),
        ([SOUND, UNKNOWN], 3, "NOT AUDITED: 1 packages"),
        ([FAULTY, UNKNOWN], 1, "NOT AUDITED: 1 packages"),
        ([], 3, "NOT AUDITED"),
    ],
)
def test_what_pip_audit_says(packages: list[dict[str, Any]], code: int, words: str) -> None:
    found, told = audit.judged({"dependencies": packages})
    assert found == code
    assert words in "\n".join(told)


def test_what_bandit_finds_is_held_against_what_is_known() -> None:
    known = {place: list(range(count)) for place, (count, _) in audit.EXPECTED.items()}
    assert audit.compared(known) == []
    place = next(iter(known))
    assert "gone" in audit.compared({**known, place: []})[0]
    assert len(audit.compared({**known, place: [1, 2, 3]})) == 1
    assert "B602 1 times, 0 known" in audit.compared({**known, ("schemas/x.py", "B602"): [7]})[0]


def test_what_is_known_is_there_and_reasoned() -> None:
    for (file, _), (count, reason) in audit.EXPECTED.items():
        ast.parse((ROOT / file).read_text("utf-8"))
        assert count > 0
        assert len(reason) > 10
    assert all((ROOT / room).exists() for room in audit.ROOMS)
