"""The four data classes: what they mean, who may see them, how long they are kept.

Which column has which class is declared in ``schemas/migrations`` (``schemas.tables.data_classes``). Mapped to GB/T
43697-2024 "Data security technology: rules for data classification and grading", whose section 6 has core, important
and general data and whose informative Annex H grades general data from 1 to 4; the table stands in docs/governance.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import UsageError

DAY_MS = 86_400_000


class DataClass(StrEnum):
    """L1 to L4; they compare in that order."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"


@dataclass(frozen=True)
class ClassRules:
    """What holds for a class. ``ttl_days``: kept from when it was stored; None: as long as the job needs it."""

    name: str
    holds: str
    gbt_43697: str
    harm: str
    ttl_days: int | None


CLASSES: Mapping[DataClass, ClassRules] = {
    DataClass.L1: ClassRules(
        name="public",
        holds="counts without a person, definitions, models' versions, gazetteer",
        gbt_43697="general data, grade 1",
        harm="none to persons or organisations",
        ttl_days=None,
    ),
    DataClass.L2: ClassRules(
        name="internal",
        holds="masked text (text_l2), labels, ids of posts, places down to the county",
        gbt_43697="general data, grade 2 (de-identified personal information)",
        harm="slight: a public post can be found again by who knows it",
        ttl_days=1_095,
    ),
    DataClass.L3: ClassRules(
        name="sensitive",
        holds="text with shared places, keyed author and phone tokens, region text, who did what in the audit log",
        gbt_43697="general data, grade 3 (pseudonymised personal information, whereabouts of groups)",
        harm="serious: links posts of one person, shows where people in need are",
        ttl_days=180,
    ),
    DataClass.L4: ClassRules(
        name="restricted",
        holds="identifiers in the vault, urls and authors, raw bytes of dead letters (all of them encrypted)",
        gbt_43697="general data, grade 4 (personal and sensitive personal information in clear)",
        harm="particularly serious: fraud, stalking, harm to people in distress",
        ttl_days=30,
    ),
}

AUDIT_LEDGER_MIN_DAYS = 1_095
"""The ledger and impact assessments are kept at least three years (Personal Information Protection Law, article 56)."""


def ttl_days(data_class: str, overrides: Mapping[str, int] | None = None) -> int | None:
    """Days a class is kept: a site may shorten them (``governance.ttl_days.L3 = 90``), never extend L3 and L4."""
    try:
        known = DataClass(data_class)
    except ValueError:
        raise UsageError(f"{data_class!r} is no data class; there are {', '.join(DataClass)}") from None
    default = CLASSES[known].ttl_days
    days = (overrides or {}).get(known, default)
    if days is not None and days < 1:
        raise UsageError(f"governance.ttl_days.{known} = {days}: at least one day")
    if known in (DataClass.L3, DataClass.L4) and default is not None and (days is None or days > default):
        raise UsageError(f"governance.ttl_days.{known} = {days}: personal data is kept at most {default} days")
    return days


def allowed(ceiling: DataClass, data_class: str) -> bool:
    """Whether someone cleared up to ``ceiling`` may see ``data_class``. Raises ValueError for an unknown class."""
    return DataClass(data_class) <= ceiling
