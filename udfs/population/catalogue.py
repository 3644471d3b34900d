"""The catalogue of columns: what the synthetic population has, as `schemas.policy.Column`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from schemas.policy import ENTITIES, Column
from udfs import lined

FILE = Path(__file__).with_name("catalogue.yaml")


@cache
def catalogue() -> dict[str, Column]:
    """Every column by name, lowest entity first. Raises UsageError with file and line when the file is wrong."""
    root = lined.read(FILE)
    root.mapping(allowed=ENTITIES)
    found: dict[str, Column] = {}
    for entity in ENTITIES:
        for name, node in root[entity].items():
            if name in found:
                node.fail(f"{name!r} is a column of {found[name].entity} already")
            found[name] = _column(name, entity, node)
    return found


def _column(name: str, entity: str, node: lined.Node) -> Column:
    node.mapping(allowed=("title", "kind", "unit", "class", "categories"), required=("title",))
    categories = node.get("categories")
    kind = "category" if categories else node["kind"].text(("boolean",)) if "kind" in node else "number"
    unit = node.get("unit")
    data_class = node.get("class")
    return Column(
        name=name,
        entity=entity,
        kind=kind,
        unit=unit.text() if unit else "1",
        data_class=data_class.text(("L1", "L2", "L3", "L4")) if data_class else "L2",
        title=node["title"].text(),
        categories=tuple(categories.mapping()) if categories else (),
        titles=tuple(title.text() for _, title in categories.items()) if categories else (),
    )
