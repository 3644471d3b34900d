"""Rules that follow their files: a changed file takes effect without a restart.

Checked at most once a second, at the start of a batch, by name, size, times and inode; only when one of these differs
are the contents read and hashed, and only when the hash differs are they compiled. An edit that does not check keeps
the rules in force and is logged once; the next good edit is taken. What is in force is echoed with file names,
counts and hash, so that an operator can see that an edit arrived.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from schemas.errors import UsageError
from udfs.keywords.rules import check_rules, read_files, rule_paths, version_of
from udfs.keywords.ruleset import RuleSet

INTERVAL = 1.0
"""Seconds between two looks at the files."""

_UNREADABLE = "unreadable"
"""Stands for the hash of files that cannot be read."""

_Signature = tuple[tuple[str, int, int, int, int], ...]


class FollowedRules:
    """The compiled rules of ``folders``, kept up to date. ``clock`` gives seconds and never goes back.

    ``changed`` is called with the rules before they are in force: when they are loaded first and at each change. What
    it raises stops the change.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        clock: Callable[[], float],
        changed: Callable[[RuleSet], None] = lambda rules: None,
    ) -> None:
        self._folders = list(folders)
        self._clock = clock
        self._changed = changed
        self._signature: _Signature | None = self._sign()
        files = read_files(self._folders)
        self._refused = ""
        self.current = RuleSet(check_rules(files))
        changed(self.current)
        self._looked = clock()
        self._echo("keyword rules loaded")

    def refresh(self) -> RuleSet:
        """Return the rules in force, after a look at the files if the last one is `INTERVAL` or more ago."""
        now = self._clock()
        if now - self._looked < INTERVAL:
            return self.current
        self._looked = now
        signature = self._sign()
        if signature == self._signature and signature is not None:
            return self.current
        self._signature = signature  # of before the read: a change during it is seen next time
        version = _UNREADABLE
        try:
            files = read_files(self._folders)
            version = version_of(files)
            if version == self.current.version:
                self._refused = ""
            elif version != self._refused:
                rules = RuleSet(check_rules(files))
                self._changed(rules)
                self.current = rules
                self._refused = ""
                self._echo("keyword rules reloaded")
        except UsageError as error:
            self._refuse(version, str(error))
        return self.current

    def _sign(self) -> _Signature | None:
        """Return what is cheap to compare, None when the files cannot be listed."""
        try:
            stats = [(path, path.stat()) for path in rule_paths(self._folders)]
        except (OSError, UsageError):
            return None
        return tuple((str(path), s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for path, s in stats)

    def _refuse(self, version: str, problem: str) -> None:
        if version == self._refused:
            return
        self._refused = version
        _log().error(
            "keyword rules refused, the old ones stay in force", problem=problem, rules=self.current.version[:12]
        )

    def _echo(self, event: str) -> None:
        rules = self.current
        _log().info(
            event,
            files=[f"{file.name} ({file.rules} rules, {file.terms} terms)" for file in rules.files],
            rules=len(rules.rules),
            terms=rules.terms,
            version=rules.version[:12],
        )


def _log() -> Any:
    """Return the application's logger; without one configured, a plain one on stderr (stdout is for data)."""
    if structlog.is_configured():
        return structlog.get_logger()
    return structlog.wrap_logger(structlog.PrintLogger(sys.stderr))
