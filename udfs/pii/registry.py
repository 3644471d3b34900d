"""The registry: which recognisers run, and the declared place of batched ones and of a site's own.

Three kinds:

* identifier recognisers (``udfs.pii.recogniser``): found by being a file in ``recognisers/``; run in the combined pass;
* batched recognisers (taggers for PERSON, ADDRESS, PLACE): see ``BatchedRecogniser``; one call a batch;
* plug-ins: any Presidio EntityRecognizer a site names as "module:Class"; run one text at a time through their own
  ``analyze``. They cost what they cost.
"""

from __future__ import annotations

import datetime
import importlib
import inspect
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from schemas import yaml_files
from schemas.errors import UsageError
from udfs.pii import recognisers
from udfs.pii.recogniser import IdentifierRecogniser
from udfs.pii.spans import Span

if TYPE_CHECKING:
    from presidio_analyzer import RecognizerRegistry

    from udfs.pii.presidio import PlugIn

_PUBLIC_NUMBERS = Path(__file__).with_name("public_numbers.yaml")


@runtime_checkable
class BatchedRecogniser(Protocol):
    """A recogniser that is only fast on many texts at once.

    ``analyze_batch`` returns one list of spans a text, in offsets of that text; the spans of a text must not depend
    on the other texts of the batch. A Presidio EntityRecognizer may offer it besides ``analyze``.
    """

    def load(self) -> None:
        """Load the model; called once, in ``open``."""

    def analyze_batch(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of each text."""


def identifier_recognisers(language: str = "zh") -> list[IdentifierRecogniser]:
    """Return one instance of every recogniser under ``recognisers/`` that takes ``language``, in order of files."""
    found = []
    for info in sorted(pkgutil.iter_modules(recognisers.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{recognisers.__name__}.{info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ != module.__name__ or not issubclass(kind, IdentifierRecogniser):
                continue
            if language in kind.LANGUAGES:
                found.append(kind())
    return found


def presidio_registry(language: str = "zh") -> RecognizerRegistry:
    """Return a Presidio registry with the same recognisers, for a site that runs its own AnalyzerEngine."""
    from udfs.pii.presidio import registry_of  # imports Presidio

    return registry_of(identifier_recognisers(language), language)


def plug_in(path: str) -> PlugIn:
    """Return the recogniser named as "module:Class", loaded. Raises UsageError with the remedy."""
    module_name, _, name = path.partition(":")
    try:
        kind = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"recogniser {path!r} cannot be imported ({error}); write it as 'module:Class'") from None
    from presidio_analyzer import EntityRecognizer

    from udfs.pii.presidio import PlugIn

    if not (inspect.isclass(kind) and issubclass(kind, EntityRecognizer)):
        raise UsageError(f"recogniser {path!r} is no presidio_analyzer.EntityRecognizer")
    return PlugIn(kind())  # type: ignore[call-arg]


def public_numbers(path: str | None = None) -> frozenset[str]:
    """Return the digits of the numbers that stay, from the shipped file and the site's. Raises UsageError."""
    numbers: set[str] = set()
    for file in (_PUBLIC_NUMBERS, *([Path(path)] if path else [])):
        try:
            entries = yaml_files.read(file.read_bytes())["numbers"]
            numbers.update("".join(filter(str.isdigit, str(entry["number"]))) for entry in entries)
        except (OSError, yaml_files.NotYaml, KeyError, TypeError) as error:
            raise UsageError(f"public_numbers: {file} cannot be read as a list of numbers: {error}") from None
    return frozenset(numbers)


def batched_recognisers(model: str | None = None) -> list[BatchedRecogniser]:
    """Return the batched recognisers, loaded. Raises ModelError."""
    from udfs.pii.tagger import MODEL, NameTagger

    return [NameTagger(model or MODEL)]


def allowed_names(path: str | None, today: str | None = None) -> frozenset[str]:
    """Return the names that stay today, from a site's allow-list of office holders; none without a file.

    The file holds ``office_holders``, each with name, office, from, until (dates) and approved_by: a name stands
    because a named person decided so, for a term. Raises UsageError.
    """
    if path is None:
        return frozenset()
    day = datetime.date.fromisoformat(today) if today else datetime.datetime.now(datetime.UTC).date()
    try:
        entries = yaml_files.read(Path(path).read_bytes())["office_holders"] or []
        for entry in entries:
            missing = [key for key in ("name", "office", "from", "until", "approved_by") if not entry.get(key)]
            if missing:
                raise UsageError(f"allow_list: an entry of {path} lacks {', '.join(missing)}")
        return frozenset(str(entry["name"]) for entry in entries if entry["from"] <= day <= entry["until"])
    except yaml_files.NotYaml as error:
        raise UsageError(f"allow_list: {path} cannot be read: {error}") from None
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"allow_list: {path} cannot be read: {type(error).__name__}") from None
