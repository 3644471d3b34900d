"""Policy simulation: seconds and memory by people and options, and whether results are the same to the bit.

Populations are synthesised first and kept in HOME/populations; their making is timed apart.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pipelines.bench import machine
from pipelines.engines.pool import run_pool
from pipelines.jobs.policy.prepared import Prepared, prepare, specification, synthesised
from pipelines.jobs.policy.simulate import simulate
from pipelines.jobs.run import new_run
from schemas.errors import UsageError
from udfs import policies


def measure(
    home: Path,
    policy: str,
    spec: str,
    people: Sequence[int],
    options: Sequence[int],
    parallelism: Sequence[int],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """A row for each size x number of options x number of processes. Raises UsageError."""
    if policy not in policies.NAMES:
        raise UsageError(f"--policy {policy!r}: one of {', '.join(policies.NAMES)}")
    rows = []
    for size in people:
        began = time.monotonic()
        folder = synthesised(specification(spec), size, 1, home / "populations", say)
        made = time.monotonic() - began
        whole = prepare(policies.folder(policy) / "plan.yaml", folder, home / "populations")
        for number in options:
            prepared = _cut(whole, number)
            for processes in parallelism:
                say(
                    f"{policy}: {whole.info.counts['person']} people, {len(prepared.plan.options)} options, {processes}"
                )
                rows.append(_row(home, prepared, processes) | {"made_s": round(made, 1)})
    return {"policy": policy, "rows": rows, "machine": machine.description()}


def _cut(prepared: Prepared, options: int) -> Prepared:
    """The same plan with its baseline and the first ``options`` others."""
    plan = prepared.plan
    if options + 1 > len(plan.options):
        raise UsageError(f"--options {options}: the plan has {len(plan.options) - 1} beside the baseline")
    return replace(prepared, plan=msgspec.structs.replace(plan, options=plan.options[: options + 1]))


def _row(home: Path, prepared: Prepared, processes: int) -> dict[str, Any]:
    began, cpu = time.monotonic(), time.process_time()
    with machine.PeakMemory(home, 0.25) as memory:
        done = simulate(
            prepared, home=home, engine=partial(run_pool, parallelism=processes), run=new_run("bench-policy")
        )
    plan = prepared.plan
    return {
        "people": prepared.info.counts["person"],
        "options": len(plan.options) - 1,
        "processes": processes,
        "seconds": round(time.monotonic() - began, 2),
        "command_cpu_s": round(time.process_time() - cpu, 2),
        "peak_mib": round(memory.mib),
        "phases": dict(done.phases),
        "columns": len(prepared.info.columns),
        "columns_read": len(prepared.columns),
        "variables": len(prepared.rules.variables),
        "measures": len(plan.measures),
        "draws": plan.draws,
        "samples": plan.sensitivity,
        "rows": len(done.simulation.results),
        "results": hashlib.sha256(repr(done.simulation.results).encode()).hexdigest()[:16],
    }
