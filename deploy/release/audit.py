"""What bandit says of the code that is shipped, and what is publicly known against the locked packages.

    python deploy/release/audit.py [code] [packages]          (both without a word)

Exit code 0: nothing beyond EXPECTED below, and every locked package was asked about. 1: something was found, or told of
in EXPECTED and gone. 3: the service that knows of vulnerabilities could not be asked about all packages: pip-audit
itself ends with 0 then, as if there were nothing to know.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "udfs", "governance", "pipelines", "dashboards", "training/finetune", "deploy", "setup.py")

EXPECTED: dict[tuple[str, str], tuple[int, str]] = {
    ("governance/applications/sealing.py", "B107"): (1, "an empty field of a row"),
    ("governance/keys.py", "B105"): (1, "the name of a source of keys"),
    ("governance/keys.py", "B107"): (2, "the name of a source of keys"),
    ("governance/people.py", "B106"): (1, "takes a token's hash away"),
    ("governance/seal.py", "B107"): (1, "the name of a source of keys"),
    ("governance/vault/rows.py", "B106"): (1, "takes a token away"),
    ("dashboards/deploying/resources.py", "B105"): (1, "a flag that there is a password"),
    ("pipelines/bench/topics.py", "B311"): (2, "an order, a feed: no secret"),
    ("pipelines/cli/dashboards/deploy.py", "B105"): (1, "the name of a variable"),
    ("pipelines/feeds/grammar.py", "B307"): (1, "compiles our own templates, at import; nothing foreign gets there"),
    ("pipelines/jobs/flink_health.py", "B501"): (1, "loopback over plain http: there is no certificate, and no need to"
        " load authorities for each watch"),
    ("pipelines/services/look.py", "B105"): (1, "the name of a file"),
    ("pipelines/store/disk.py", "B406"): (1, "escape() writes XML and parses none"),
    ("pipelines/store/embedded.py", "B406"): (1, "escape() writes XML and parses none"),
    ("schemas/yaml_files.py", "B506"): (1, "a subclass of the safe loader"),
    ("training/finetune/measure_gpu.py", "B106"): (1, "a word of a tokenizer"),
    ("training/finetune/model.py", "B615"): (1, "whoever trains names the model; code of it is never run"),
    ("training/finetune/train.py", "B311"): (1, "the order of examples, to be the same each time"),
    ("udfs/checks.py", "B301"): (1, "what it has pickled itself, to see that a step can be"),
    ("udfs/checks.py", "B403"): (1, "what it has pickled itself, to see that a step can be"),
    ("udfs/encoder/torch_model.py", "B615"): (1, "from the bundle's folder, whose hashes are checked"),
    ("udfs/export/cap.py", "B405"): (1, "writes XML and parses none"),
    ("udfs/render.py", "B105"): (1, "a mask, <PLACE>"),
    ("udfs/types/loading.py", "B506"): (1, "a subclass of the safe loader"),
}  # fmt: skip
"""(file, bandit's test) -> how many, and why they may stand. What pyproject.toml skips as a whole is not in it."""


def compared(found: dict[tuple[str, str], list[int]]) -> list[str]:
    """What bandit found (lines by file and test) against EXPECTED: what is wrong, in words; empty when nothing is."""
    wrong = []
    for (file, test), lines in sorted(found.items()):
        expected = EXPECTED.get((file, test), (0, ""))[0]
        if len(lines) > expected:
            places = ", ".join(map(str, lines))
            wrong.append(f"{file}, line {places}: {test} {len(lines)} times, {expected} known")
    for (file, test), (count, _) in EXPECTED.items():
        if len(found.get((file, test), ())) < count:
            wrong.append(f"{file}: {test} is told of and gone: take it out of EXPECTED")
    return wrong


def code() -> int:
    done = _run("bandit", "-q", "-r", *ROOMS, "-c", "pyproject.toml", "-f", "json", "--exit-zero")
    found: dict[tuple[str, str], list[int]] = {}
    for one in done["results"]:
        found.setdefault((one["filename"].removeprefix("./"), one["test_id"]), []).append(one["line_number"])
    wrong = compared(found) + [f"{one['filename']}: not read: {one['reason']}" for one in done["errors"]]
    lines = done["metrics"]["_totals"]["loc"]
    print(f"bandit: {lines} lines, {sum(map(len, found.values()))} findings, {len(wrong)} of them not explained")
    print("".join(f"  {line}\n" for line in wrong), end="")
    return 1 if wrong else 0


def judged(said: dict[str, Any]) -> tuple[int, list[str]]:
    """Exit code and words for what pip-audit said (its JSON)."""
    packages = said["dependencies"]
    skipped = [one for one in packages if "skip_reason" in one]
    known = [(one, vulnerability) for one in packages for vulnerability in one.get("vulns", ())]
    asked = len(packages) - len(skipped)
    told = [f"pip-audit: {len(packages)} packages, {asked} asked about, {len(known)} known faults"]
    for one, vulnerability in known:
        mended = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        told.append(f"  {one['name']} {one['version']}: {vulnerability['id']}, mended in {mended}")
    for reason, count in Counter(one["skip_reason"].partition(":")[0] for one in skipped).most_common():
        told.append(f"  NOT AUDITED: {count} packages: {reason}")
    if not packages:
        told.append("  NOT AUDITED: no package was read from the lock")
    return 1 if known else 3 if skipped or not packages else 0, told


def packages() -> int:
    try:
        said = _run("pip-audit", "-f", "json", "--progress-spinner", "off", "--require-hashes", "--disable-pip",
                    "-r", "requirements-dev.lock")  # fmt: skip
    except ValueError as error:
        print(f"pip-audit: NOT AUDITED: {error}")
        return 3
    exit_code, told = judged(said)
    print("\n".join(told))
    return exit_code


def _run(tool: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a tool of this environment writes. Raises ValueError with its last words where it writes none."""
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ValueError(f"{tool} ended with {done.returncode}: {last[:300]}") from None


PARTS = {"code": code, "packages": packages}


def main(arguments: list[str]) -> int:
    unknown = [word for word in arguments if word not in PARTS]
    if unknown:
        print(f"{unknown[0]!r} is no part: one of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    return max([PARTS[word]() for word in arguments or PARTS])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
