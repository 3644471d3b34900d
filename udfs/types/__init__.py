"""Types of application, each a folder of data files; the rest of the approval knows none of them by name.

Called by jobs (``load`` by name, alias or Chinese title); extraction, decisions and explanations get a ``Type``.
"""

from udfs.types.loading import FOLDER, load, names
from udfs.types.spec import ColumnSpec, Confidence, DocumentSpec, Fact, FieldSpec, Rule, RuleVersion, Type

__all__ = [
    "FOLDER",
    "ColumnSpec",
    "Confidence",
    "DocumentSpec",
    "Fact",
    "FieldSpec",
    "Rule",
    "RuleVersion",
    "Type",
    "load",
    "names",
]
