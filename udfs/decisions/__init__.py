"""Judges an application by its type's rules: ``decide``. Called by jobs; knows no type by name and reads no file.

``view`` what rules may see, ``facts`` derived facts, ``expressions`` zen-engine, ``generic`` checks of every type,
``rulings`` a type's own, ``deciding`` the outcome.
"""

from udfs.decisions.deciding import decide

__all__ = ["decide"]
