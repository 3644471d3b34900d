"""The software bill of materials of a release, CycloneDX 1.6 JSON: Python, jars, npm and the model bundles.

    python deploy/release/sbom.py dist/yuqing.cdx.json [--lenient]

Versions and hashes come from the locks, licences of Python packages from what is installed (so run it in the locked
environment), those of npm from its lock; jars.lock has none, and so says nothing of theirs. Ends with exit code 1, and
the names, when a licence is neither permissive nor excepted below; `--lenient` writes the file all the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

PERMISSIVE = re.compile(
    r"apache|mit\b|mit-0|bsd|isc|zlib|psf|python software|unlicense|cc0|0bsd|blueoak|hpnd|boost|public domain|zpl", re.I
)
WEAK = re.compile(r"gpl|agpl|sspl|busl|commons clause|proprietary", re.I)
EXCEPTIONS: dict[str, str] = {
    "certifi": "MPL-2.0: a list of authorities, used as it is and not changed",
    "zen-engine": "names none in its metadata; its README and LICENSE say MIT",
    "fast-shallow-equal": "names none in the lock; its LICENSE is the Unlicense",
    "react-universal-interface": "names none in the lock; its LICENSE is the Unlicense",
    "@fontsource/inter": "OFL-1.1: a font, which may be shipped with software, not sold alone",
    "get-document": "names none in its package at all: ask its author or replace what needs it",
}
"""Package -> why its licence, which is not permissive, may be shipped with."""


def hashes_of(lock: Path) -> dict[str, list[str]]:
    """Package -> SHA-256 of its files, of a lock in pip's form."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lock.read_text("utf-8").splitlines():
        if start := re.match(r"([A-Za-z0-9._-]+)(\[.*\])?==", line):
            name = _normal(start[1])
        if name:
            found.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def runtime(wanted: list[str]) -> dict[str, metadata.Distribution]:
    """The installed packages that those requirements need, with what these need; raises when one is not installed."""
    found: dict[str, metadata.Distribution] = {}
    while wanted:
        requirement = Requirement(wanted.pop())
        name = _normal(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if name not in found:
            found[name] = metadata.distribution(name)
            wanted += found[name].requires or []
    return found


def licence(package: metadata.Distribution) -> str:
    """What a package says of its licence: its expression, else its classifiers, else the first line of the field."""
    said = package.metadata
    classes = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if line.startswith("License")]
    field = (said.get("License") or "").strip().splitlines() or [""]
    return said.get("License-Expression") or "; ".join(classes) or field[0][:100]


def python_parts() -> list[dict[str, Any]]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.in").read_text("utf-8").splitlines())
    hashes = hashes_of(ROOT / "requirements-dev.lock")
    return [
        _part(
            "library",
            name,
            package.version,
            f"pkg:pypi/{name}@{package.version}",
            licence(package),
            hashes.get(name, []),
        )
        for name, package in sorted(runtime([line for line in lines if line and line[0] != "-"]).items())
    ]


def jar_parts() -> list[dict[str, Any]]:
    parts = []
    for line in (ROOT / "pipelines/services/jars.lock").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            digest, file = line.split()
            name, version = re.fullmatch(r"(.+?)-(\d[^/]*)\.jar", file).groups()  # type: ignore[union-attr] # Maven's names
            parts.append(_part("library", name, version, f"pkg:generic/{name}@{version}", None, [digest]))
    return parts


def npm_parts() -> list[dict[str, Any]]:
    lock = json.loads((ROOT / "dashboards/render/package-lock.json").read_text("utf-8"))
    parts = []
    for path, package in sorted(lock["packages"].items()):
        if path and not package.get("dev"):
            name, version = path.rpartition("node_modules/")[2], package["version"]
            part = _part("library", name, version, f"pkg:npm/{name}@{version}", package.get("license", ""), [])
            kind, _, value = package.get("integrity", "").partition("-")
            if kind == "sha512":
                part["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(value).hex()}]
            parts.append(part)
    return parts


def model_parts() -> list[dict[str, Any]]:
    parts = []
    for file in sorted((ROOT / "udfs/encoder/bundles").glob("*/*")):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        name = f"{file.parent.name}/{file.name}"
        parts.append(
            _part("machine-learning-model", name, digest[:12], f"pkg:generic/{name}@{digest[:12]}", None, [digest])
        )
    return parts


def _part(kind: str, name: str, version: str, purl: str, licensed: str | None, hashes: list[str]) -> dict[str, Any]:
    """``licensed``: None where the source tells none; "" where it should and does not."""
    part: dict[str, Any] = {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}
    if len(hashes) == 1:
        part["hashes"] = [{"alg": "SHA-256", "content": hashes[0]}]
    elif hashes:  # one of several files of the version is installed
        part["properties"] = [{"name": "yuqing:sha256", "value": one} for one in hashes]
    if licensed is not None:
        part["licenses"] = [{"license": {"name": licensed or "unknown"}}]
    return part


def unwelcome(parts: list[dict[str, Any]]) -> list[str]:
    """Parts whose licence is known and neither permissive nor excepted, with the licence."""
    found = []
    for part in parts:
        for one in part.get("licenses", ()):
            said = one["license"]["name"]
            good = PERMISSIVE.search(said) and (not WEAK.search(said) or " or " in said.lower())
            if not good and part["name"] not in EXCEPTIONS:
                found.append(f"{part['name']}: {said}")
    return found


def main(arguments: list[str]) -> int:
    parts = [*python_parts(), *jar_parts(), *npm_parts(), *model_parts()]
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    bill["metadata"] = {"component": {"type": "application", "name": "yuqing", "version": metadata.version("yuqing")}}
    # one file may lie in two places of npm's tree
    bill["components"] = list({part["bom-ref"]: part for part in parts}.values())
    bad = unwelcome(parts)
    if not bad or "--lenient" in arguments:
        Path(arguments[0]).parent.mkdir(parents=True, exist_ok=True)
        Path(arguments[0]).write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(bill['components'])} parts; licences to look at: {'; '.join(bad) or 'none'}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
