"""What Grafana and its ClickHouse plugin write into a statement before it reaches the store.

Two steps, in Grafana's order. The browser puts in dashboard variables, of which we use one form only,
``${name:singlequote}``: a quoted string, or several with commas. Then the plugin's backend puts in its macros
(plugin 4.20, ``pkg/macros``):

| macro | becomes |
| --- | --- |
| ``$__timeFilter(c)``, ``$__timeFilter_ms(c)`` | ``c >= FROM AND c <= TO``, both ends included |
| ``$__fromTime``, ``$__toTime``, and with ``_ms`` | the ends of the dashboard's range |
| ``$__timeInterval(c)``, ``$__timeInterval_ms(c)`` | ``toStartOfInterval`` with the panel's interval |
| ``$__interval_s`` | the panel's interval in whole seconds, at least 1 |

Alert rules know macros, but no variables: nobody has chosen any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from schemas.errors import UsageError


@dataclass(frozen=True)
class Window:
    """The dashboard's range, both ends in epoch milliseconds, and the panel's interval in milliseconds."""

    start_ms: int
    end_ms: int
    interval_ms: int


Variables = Mapping[str, str | Sequence[str]]
NO_VARIABLES: Variables = MappingProxyType({})

_VARIABLE = re.compile(r"\$\{(\w+):singlequote\}")
_MACRO = re.compile(r"\$__(\w+)")
_OTHER = re.compile(r"\$\{[^}]*\}|\$\w+|\[\[\w+(?::\w+)?\]\](?!\])")
_ESCAPING = re.compile(r"[\\$]")


def expand(sql: str, window: Window, variables: Variables = NO_VARIABLES) -> str:
    """The statement as the store receives it.

    Raises UsageError, and names it, for an unknown macro or variable, a variable in another form than
    ``${name:singlequote}`` (unquoted, a value could end the string it stands in), a macro with the wrong number of
    arguments, and a value with ``\\`` or ``$``: Grafana escapes neither, so such a value could leave its quotes or be
    read as a macro.
    """
    expanded = _VARIABLE.sub(lambda found: quoted(found[1], variables), sql)
    expanded = _macros(expanded, window)
    other = _OTHER.search(expanded)
    if other and not _is_array(other[0]):
        raise UsageError(f"{other[0]} is no form of a variable that is used here: write ${{name:singlequote}}")
    return expanded


def quoted(name: str, variables: Variables) -> str:
    """The value of a variable as Grafana's ``singlequote`` writes it: ``'a'``, or ``'a','b'`` for several."""
    if name not in variables:
        known = ", ".join(sorted(variables)) or "none"
        raise UsageError(f"variable {name!r} is unknown (known: {known})")
    value = variables[name]
    values = [value] if isinstance(value, str) else list(value)
    for each in values:
        if _ESCAPING.search(each):
            raise UsageError(f"variable {name!r}: a value may hold neither \\ nor $, which Grafana does not escape")
    return ",".join("'" + each.replace("'", "\\'") + "'" for each in values)


def names_of_variables(sql: str) -> list[str]:
    """The variables that a statement names in our form, in order, each once."""
    return list(dict.fromkeys(_VARIABLE.findall(sql)))


def _is_array(found: str) -> bool:
    """``[[1]]`` is an array of an array to ClickHouse, and no variable."""
    return found.startswith("[[") and found[2:-2].isdigit()


def _macros(sql: str, window: Window) -> str:
    parts, done = [], 0
    for found in _MACRO.finditer(sql):
        if found.start() < done:
            raise UsageError(f"{found[0]} stands inside the arguments of another macro")
        name = found[1]
        if name not in MACROS:
            raise UsageError(f"macro {found[0]} is unknown (known: {', '.join('$__' + known for known in MACROS)})")
        takes, write = MACROS[name]
        end, arguments = _arguments(sql, found.end(), found[0])
        if len(arguments) != takes:
            raise UsageError(f"{found[0]} takes {takes} arguments and got {len(arguments)} (it splits at every comma)")
        parts += [sql[done : found.start()], write(window, *arguments)]
        done = end
    return "".join([*parts, sql[done:]])


def _arguments(sql: str, start: int, macro: str) -> tuple[int, list[str]]:
    """The end of the macro and its arguments; the plugin splits them at every comma, in brackets or not."""
    if sql[start : start + 1] != "(":
        return start, []
    depth = 0
    for position in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[position], 0)
        if depth == 0:
            inside = sql[start + 1 : position].strip()
            return position + 1, [part.strip() for part in inside.split(",")] if inside else []
    raise UsageError(f"{macro}: the bracket after it is never closed")


def _seconds(at_ms: int) -> str:
    return f"toDateTime({at_ms // 1000})"


def _milliseconds(at_ms: int) -> str:
    return f"fromUnixTimestamp64Milli({at_ms})"


def _whole_seconds(window: Window) -> int:
    return max(window.interval_ms // 1000, 1)


Write = Callable[..., str]

MACROS: Mapping[str, tuple[int, Write]] = {
    "timeFilter": (1, lambda w, c: f"{c} >= {_seconds(w.start_ms)} AND {c} <= {_seconds(w.end_ms)}"),
    "timeFilter_ms": (1, lambda w, c: f"{c} >= {_milliseconds(w.start_ms)} AND {c} <= {_milliseconds(w.end_ms)}"),
    "fromTime": (0, lambda w: _seconds(w.start_ms)),
    "toTime": (0, lambda w: _seconds(w.end_ms)),
    "fromTime_ms": (0, lambda w: _milliseconds(w.start_ms)),
    "toTime_ms": (0, lambda w: _milliseconds(w.end_ms)),
    "timeInterval": (1, lambda w, c: f"toStartOfInterval(toDateTime({c}), INTERVAL {_whole_seconds(w)} second)"),
    "timeInterval_ms": (
        1,
        lambda w, c: f"toStartOfInterval(toDateTime64({c}, 3), INTERVAL {max(w.interval_ms, 1)} millisecond)",
    ),
    "interval_s": (0, lambda w: str(_whole_seconds(w))),
}
"""Name -> number of arguments, and what the plugin writes. ``$__dateFilter`` and the rest of the plugin's are left out
until a panel needs them."""
