"""What Flink's REST API says of a running job: how busy and held back it is, its records, its checkpoints."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from loadtest.outside import Failed

_METRICS = ("busyTimeMsPerSecond", "backPressuredTimeMsPerSecond", "idleTimeMsPerSecond", "numRecordsInPerSecond")


class Flink:
    """A job of a cluster. Raises what urllib raises when the cluster does not answer."""

    def __init__(self, rest: str, job: str) -> None:
        self._rest, self.job = rest.rstrip("/"), job
        self._vertices: list[tuple[str, str]] = []
        # a proxy has no business between us and the cluster
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        with self._opener.open(self._rest + path, timeout=10) as answer:
            return json.load(answer)

    def running(self) -> bool:
        """All tasks run: a job is RUNNING for Flink while its Python workers still load. Failed where it has ended."""
        found = self.get(f"/jobs/{self.job}")
        if found["state"] in ("FAILED", "CANCELED", "FINISHED"):
            raise Failed(f"job {self.job} is {found['state']}: `yuqing jobs`, and the run's folder under HOME/runs")
        return found["state"] == "RUNNING" and all(one["status"] == "RUNNING" for one in found["vertices"])

    def state(self) -> str:
        return str(self.get(f"/jobs/{self.job}")["state"])

    def sample(self) -> dict[str, Any]:
        """busy, back_pressured, idle (ms a second, of the busiest subtask of all vertices), records (1/s, into all),
        and checkpoints: completed, failed, last_ms, last_bytes."""
        if not self._vertices:
            self._vertices = [(one["id"], one["name"]) for one in self.get(f"/jobs/{self.job}")["vertices"]]
        found: dict[str, Any] = {}
        for vertex, _ in self._vertices:
            path = f"/jobs/{self.job}/vertices/{vertex}/subtasks/metrics?get={','.join(_METRICS)}&agg=max,sum"
            for one in self.get(path):
                name = one["id"].removesuffix("TimeMsPerSecond").removesuffix("PerSecond")
                value = one["sum"] if name == "numRecordsIn" else one["max"]
                if isinstance(value, float | int) and value == value:
                    known = found.get(name, 0.0)
                    found[name] = known + value if name == "numRecordsIn" else max(known, value)
        checkpoints = self.get(f"/jobs/{self.job}/checkpoints")
        counts, last = checkpoints["counts"], (checkpoints.get("latest") or {}).get("completed") or {}
        found["checkpoints"] = {
            "completed": counts["completed"],
            "failed": counts["failed"],
            "restored": counts["restored"],
            "last_ms": last.get("end_to_end_duration"),
            "last_bytes": last.get("state_size"),
        }
        return found


def newest(rest: str, name: str = "opinion") -> str | None:
    """The id of the job of that name that was started last and runs; None without one."""
    jobs = [one for one in Flink(rest, "").get("/jobs/overview")["jobs"] if one["name"] == name]
    running = [one for one in jobs if one["state"] in ("RUNNING", "CREATED", "RESTARTING")]
    return str(max(running, key=lambda one: one["start-time"])["jid"]) if running else None
