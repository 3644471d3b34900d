"""A site's rules for revealing, from a YAML file; every key has a safe default."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from governance.classes import CLASSES, DataClass
from schemas import yaml_files
from schemas.errors import UsageError

SECOND_PERSON = ("never", "outside_emergency", "always")


@dataclass(frozen=True)
class RevealPolicy:
    """Limits on reveals. A priority-1 post (life at risk now) passes all of them and is reviewed afterwards."""

    reveals_per_hour: int = 20
    """Posts a person may reveal within an hour outside an emergency."""
    second_person: str = "never"
    """Whether another authorised person must approve: never, outside_emergency, always."""
    emergency_max_hours: int = 72
    """Longest emergency session; it can be followed by another, with a new approval."""
    emergency_batch: int = 200
    """Posts one batch reveal may open."""
    expire_days_after_emergency: int = 7
    """Vault values from the emergency's region live this long after its end, unless held."""
    hold_max_days: int = 365
    """Longest recorded hold."""


_RANGES = {
    "reveals_per_hour": (0, 10_000),
    "emergency_max_hours": (1, 720),
    "emergency_batch": (1, 10_000),
    "expire_days_after_emergency": (0, CLASSES[DataClass.L4].ttl_days or 30),
    "hold_max_days": (1, 3_650),
}


def load_policy(path: Path | None) -> RevealPolicy:
    """Read a policy file; None gives the defaults. Raises UsageError naming the file, the key and what it may be."""
    if path is None:
        return RevealPolicy()
    try:
        given: Any = yaml_files.read(path.read_bytes(), aliases=False) or {}
    except OSError as error:
        raise UsageError(f"the reveal policy {path} cannot be read ({type(error).__name__})") from None
    except yaml_files.NotYaml as error:
        raise UsageError(f"the reveal policy {path} cannot be read: {error}; correct it there") from None
    if not isinstance(given, dict):
        raise UsageError(f"the reveal policy {path} must be a list of `key: value` lines")
    known = [field.name for field in fields(RevealPolicy)]
    for key, value in given.items():
        if key not in known:
            raise UsageError(f"the reveal policy {path} has an unknown key {key!r}; known: {', '.join(known)}")
        if key == "second_person":
            if value not in SECOND_PERSON:
                raise UsageError(f"{path}: second_person is {value!r}; one of {', '.join(SECOND_PERSON)}")
            continue
        low, high = _RANGES[key]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise UsageError(f"{path}: {key} is {value!r}; a whole number from {low} to {high}")
    return RevealPolicy(**given)
