"""Whether what stands in a Grafana is what we want, although Grafana adds fields, hides secrets and rewrites times."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

REDACTED = "[REDACTED]"
"""What Grafana shows in the place of a contact point's secret."""
PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
"""A value that whoever deploys did not give: what stands there is right, whatever it is."""
ABSENT = "(absent)"
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+[wdhms])+")
_SHOWN = 120


def differences(standing: Any, wanted: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, what stands, what is wanted) wherever ``standing`` does not say what ``wanted`` says.

    Fields that only ``standing`` has are not looked at. A list must have the same length.
    """
    if isinstance(wanted, Mapping) and isinstance(standing, Mapping):
        for key, value in wanted.items():
            if key in standing:
                yield from differences(standing[key], value, f"{path}.{key}" if path else str(key))
            elif not _empty(value):  # Grafana leaves out what is empty
                yield (f"{path}.{key}" if path else str(key)), ABSENT, value
    elif isinstance(wanted, list | tuple) and isinstance(standing, list | tuple):
        if len(wanted) != len(standing):
            yield f"{path}[]", f"{len(standing)} entries", f"{len(wanted)} entries"
        for index, (one, other) in enumerate(zip(standing, wanted, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif standing != wanted and not _alike(standing, wanted):
        yield path, standing, wanted


def lines(standing: Any, wanted: Any, hidden: Collection[str] = ()) -> list[str]:
    """``differences`` as lines for people, long values cut, and none of paths that are ``hidden``."""
    return [
        f"{path}: (hidden)" if path in hidden else f"{path}: {_short(one)} -> {_short(other)}"
        for path, one, other in differences(standing, wanted)
    ]


def _alike(standing: Any, wanted: Any) -> bool:
    if standing == REDACTED or (isinstance(wanted, str) and PLACEHOLDER.fullmatch(wanted)):
        return True
    if _empty(standing) and _empty(wanted):
        return True
    if isinstance(standing, str) and isinstance(wanted, str):
        return standing.strip() == wanted.strip() or _seconds(wanted) == _seconds(standing) is not None
    return False


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | Mapping) and not value)


def _seconds(text: str) -> int | None:
    """A duration as Prometheus writes it: 90s and 1m30s are the same."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(int(part[:-1]) * _UNITS[part[-1]] for part in re.findall(r"\d+[wdhms]", text))


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
