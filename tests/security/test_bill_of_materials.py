"""The bill of a release names all that is shipped, and no licence beside the permissive ones goes unnoticed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("sbom", ROOT / "deploy" / "release" / "sbom.py")
assert spec is not None
assert spec.loader is not None
sbom = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sbom)


def test_the_bill_of_this_checkout(tmp_path: Path) -> None:
    file = tmp_path / "yuqing.cdx.json"
    assert sbom.main([str(file)]) == 0
    parts = json.loads(file.read_text())["components"]
    kinds = {part["purl"].partition("/")[0] for part in parts}
    assert kinds == {"pkg:pypi", "pkg:npm", "pkg:generic"}
    names = {part["name"] for part in parts}
    assert {"apache-flink", "clickhouse-connect", "flink-sql-connector-kafka", "react"} <= names
    assert any(name.startswith("encoder/") for name in names)
    assert len({part["bom-ref"] for part in parts}) == len(parts)
    bare = [part["name"] for part in parts if not part.get("hashes") and not part.get("properties")]
    assert bare == []


LICENCES = {
    "MIT": True, "Apache-2.0": True, "BSD-3-Clause": True, "Apache Software License": True, "ISC": True,
    "GPL-3.0-only OR MIT": True, "GPL-3.0-only": False, "LGPLv3": False, "AGPL-3.0": False, "MPL-2.0": False,
    "MIT AND GPL-2.0-only": False, "BUSL-1.1": False, "": False,
}  # fmt: skip


@pytest.mark.parametrize("licence", LICENCES)
def test_what_counts_as_permissive(licence: str) -> None:
    part = {"name": "x", "licenses": [{"license": {"name": licence}}]}
    assert (sbom.unwelcome([part]) == []) is LICENCES[licence]


def test_exceptions_are_needed_and_reasoned() -> None:
    assert all(len(reason) > 20 for reason in sbom.EXCEPTIONS.values())
    names = {part["name"] for part in (*sbom.python_parts(), *sbom.npm_parts())}
    assert set(sbom.EXCEPTIONS) <= names
