"""What a kind gives for a text, and what it is told besides the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHECKED = 1
"""``Value.checked``: a check digit, or two ways of writing the same, confirm what was read."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of the place where a text stands."""

    choices: Mapping[Any, tuple[str, ...]] = field(default_factory=dict)
    """Of a choice: value -> words, folded."""
    unit: str = ""
    """Of a number, amount or area: from the type, or from the label (注册资本（万元））."""
    ocr: bool = False
    """Read from an image: look-alike characters may be repaired where the kind decides."""
    last: bool = False
    """Of a period with two dates, the second is meant (占用期限 of ``ends_on``)."""
    several: bool = False
    """Of a signature: several persons sign at one place."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a folded text, ``text[start:end]``."""

    value: Any
    start: int
    end: int
    faults: tuple[str, ...] = ()
    checked: bool = False
    repaired: int = 0
    """Characters taken for another; a swap that only a check digit decided counts 2."""
