"""The home of a drill: a home like any other, but marked, with its own store and no way to people outside.

What must never happen: an exercise that pages real people, or rows of an exercise among those of the city. So a drill's
home has settings of its own; of the site's it takes only what decides how posts are judged.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import yaml

from schemas.errors import UsageError
from schemas.settings import Settings
from schemas.settings import load as load_settings

MARK = "drill.json"
SETTINGS = "settings.yaml"
TAKEN = ("model", "rules", "overload", "flink")
"""Sections of the site's settings that a drill takes over: its rules and model are what is practised with."""
_ENVIRONMENT = tuple(f"YUQING_{section.upper()}" for section in Settings.model_fields if section not in TAKEN)


def prepare(into: Path, home: Path, settings: Path | None) -> Path:
    """Make or take up the drill's home; return its settings file.

    Raises UsageError when `into` is the site's own home, or a folder that holds something and is no drill's home.
    Guarantees: with the settings file, and in the environment of this process from now on, no store of the site, no
    channel and no webhook is named.
    """
    if into.resolve() == home.resolve():
        raise UsageError(f"--into {into}: a drill never runs in the home that serves; name another folder")
    if into.exists() and any(into.iterdir()) and not (into / MARK).is_file():
        raise UsageError(f"--into {into}: this folder holds something that is no drill; name another one")
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    (into / MARK).touch(mode=0o600)
    for name in [name for name in os.environ if name.upper().startswith(_ENVIRONMENT)]:
        del os.environ[name]
    given = load_settings(settings)
    taken: dict[str, Any] = {name: getattr(given, name).model_dump(mode="json") for name in TAKEN}
    file = into / SETTINGS
    file.write_text(yaml.safe_dump(taken, allow_unicode=True), "utf-8")
    _closed(load_settings(file))
    return file


def _closed(settings: Settings) -> None:
    """Fails rather than lets anything out, should settings ever gain another way."""
    if settings.store.url or settings.alerts.webhook or settings.alerts.channels:
        raise UsageError("a drill must have a store of its own and no channel; its settings name some")


class Run(msgspec.Struct, frozen=True):
    """One drill, as DIR/drill/RUN/run.json."""

    run: str
    scenario: str
    title: str
    tasks: tuple[str, ...]
    source: str
    """The complete URI of the feed."""
    seed: int
    speed: float
    began_ms: int

    def save(self, into: Path) -> Path:
        """Write it; return the folder of this drill."""
        folder = into / "drill" / self.run
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(self)))
        return folder


def runs(into: Path) -> list[Run]:
    """The drills of a home, newest last. Raises UsageError where no drill was ever held."""
    found = [msgspec.json.decode(path.read_bytes(), type=Run) for path in into.glob("drill/*/run.json")]
    if not found:
        raise UsageError(f"{into} holds no drill; `yuqing drill run SCENARIO --into {into}` holds one")
    return sorted(found, key=lambda run: run.began_ms)


def new_seed(into: Path, wanted: int | None) -> int:
    """A seed that no drill of this home had: the same posts again would belong to alerts that are told already."""
    used = {run.seed for run in runs(into)} if (into / "drill").is_dir() and any((into / "drill").iterdir()) else set()
    if wanted is not None:
        if wanted in used:
            raise UsageError(f"--seed {wanted} has been played in this home; take another, or another --into")
        return wanted
    seed = int(time.time()) % 1_000_000
    while seed in used:
        seed += 1
    return seed
