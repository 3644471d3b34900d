"""Loading: a mapping in YAML and the files it names -> a folder of shards. docs/population.md has the mapping's form.

tables:
  person: {file: people.csv.gz, id: pid, part_of: hid, weight: w, columns: {age: {from: age, unit: year}}}
  household: {file: people.csv.gz, id: hid, repeated: true, weight: hw, columns: {...}}
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.policy import ENTITIES, Column, PopulationInfo
from udfs import lined
from udfs.population import store
from udfs.population.catalogue import catalogue
from udfs.population.shard import Array, Shard
from udfs.population.spec import find
from udfs.population.store import SHARD_PEOPLE
from udfs.population.tables import Floats, Table, stable_ids

_TABLE = ("file", "id", "part_of", "weight", "repeated", "columns")
_COLUMN = ("from", "unit", "title", "class", "kind", "categories", "values", "missing", "low", "high", "yes", "no")
Places = NDArray[np.int64]


@dataclass
class Entity:
    """One entity's table as it was read."""

    name: str
    node: lined.Node
    table: Table
    rows: Places
    """The first row of each record in the file."""
    of_row: Places
    """The record of each row."""
    keys: pa.Array
    """Text ids of the records."""
    weight: Floats | None
    columns: dict[str, Column]
    values: dict[str, Array]


def load_tables(
    spec: str | Path, folder: Path, data: Path | None = None, shard_people: int = SHARD_PEOPLE
) -> PopulationInfo:
    """Reads the files that the mapping ``spec`` (a file, or the name of a shipped one) names, from the folder ``data``
    (default: the mapping's own), and writes the population to ``folder``.

    Raises UsageError with file, column and line: weights that are missing, NaN or negative, a household in two weights,
    ids twice, a household that is not there, a household of nobody, values outside their categories or bounds.
    """
    path = find(spec)
    root = lined.read(path)
    top = ("population", "title", "source", "synthetic", "demonstration", "tables")
    root.mapping(allowed=top, required=("population", "title", "source", "tables"))
    files: dict[str, Table] = {}
    nodes = root["tables"].mapping(allowed=ENTITIES, required=("person", "household"))
    names = [name for name in ENTITIES if name in nodes]
    entities = [_entity(name, nodes[name], data or path.parent, files) for name in names]
    columns: dict[str, Column] = {}
    for entity in entities:
        for name, column in entity.columns.items():
            if name in columns:
                entity.node["columns"][name].fail(f"{name!r} is a column of {columns[name].entity} already")
            columns[name] = column
    whole = _together(entities, columns)
    synthetic, demonstration = root.get("synthetic"), root.get("demonstration")
    return store.write(
        folder,
        _cut(whole, shard_people),
        name=root["population"].text(),
        title=root["title"].text(),
        source=root["source"].text(),
        synthetic=synthetic.boolean() if synthetic else False,
        demonstration=demonstration.text() if demonstration else "",
    )


def _entity(name: str, node: lined.Node, data: Path, files: dict[str, Table]) -> Entity:
    node.mapping(allowed=_TABLE, required=("file",))
    file = node["file"].text()
    table = files.get(file) or files.setdefault(file, Table(data / file))
    listed = dict(node["columns"].items()) if "columns" in node else {}
    wanted = {node[key].text(): node[key] for key in ("id", "part_of") if key in node}
    weight = node.get("weight")
    if weight is not None and isinstance(weight.value, str):
        wanted[weight.text()] = weight
    wanted |= {each["from"].text(): each["from"] for each in listed.values()}
    table.load(wanted)
    keys = table.keys(node["id"].text()) if "id" in node else table.numbered()
    encoded = keys.dictionary_encode()
    of_row = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    _, rows = np.unique(of_row, return_index=True)
    repeated = node.get("repeated")
    if len(rows) < len(of_row) and not (repeated is not None and repeated.boolean()):
        twice = np.ones(len(of_row), dtype=np.bool_)
        twice[rows] = False
        row = int(np.argmax(twice))
        table.fail(node["id"].text(), row, f"the {name} {keys[row].as_py()!r} stands twice; `repeated: true` if it may")
    entity = Entity(name, node, table, rows, of_row, encoded.dictionary, None, {}, {})
    if weight is not None:
        entity.weight = _weight(entity, weight)
    for each, column_node in listed.items():
        entity.columns[each], values = _column(each, entity, column_node)
        entity.values[each] = _one_each(entity, column_node["from"].text(), values)
    return entity


def _weight(entity: Entity, node: lined.Node) -> Floats:
    if not isinstance(node.value, str):
        return np.full(len(entity.rows), node.number(0))
    numbers = entity.table.weights(node.text())
    return np.asarray(_one_each(entity, node.text(), numbers), dtype=np.float64)


def _one_each(entity: Entity, name: str, values: Array) -> Array:
    """From values of rows to those of records: the rows of one record must agree."""
    first = values[entity.rows]
    other = first[entity.of_row] != values
    if other.any():
        row = int(np.argmax(other))
        record = int(entity.of_row[row])
        entity.table.fail(
            name,
            row,
            f"{entity.name} {entity.keys[record].as_py()!r} has {values[row]} here and {first[record]} in an earlier "
            f"line: it has one, or the column is of {ENTITIES[0]}",
        )
    return first


def _column(name: str, entity: Entity, node: lined.Node) -> tuple[Column, Array]:
    """The column and its values by row. What the mapping leaves out is as in the catalogue."""
    node.mapping(allowed=_COLUMN, required=("from",))
    known = catalogue().get(name)
    if known is not None and known.entity != entity.name:
        known = None
    categories = dict(node["categories"].items()) if "categories" in node else {}
    usual = "category" if categories else known.kind if known else "number"
    kind = node["kind"].text(("number", "boolean", "category")) if "kind" in node else usual
    names = tuple(categories) or (known.categories if known and kind == "category" else ())
    if kind == "category" and not names:
        node.fail("a category needs `categories:` (name: title)")
    titles = tuple(title.text() for title in categories.values()) or (known.titles if known and names else ())

    def said(key: str, otherwise: str) -> str:
        return node[key].text() if key in node else otherwise

    column = Column(
        name=name,
        entity=entity.name,
        kind=kind,
        unit=said("unit", known.unit if known else "1"),
        data_class=said("class", known.data_class if known else "L2"),
        title=said("title", known.title if known else name),
        categories=names,
        titles=titles,
    )
    return column, _values(node, column, entity.table)


def _values(node: lined.Node, column: Column, table: Table) -> Array:
    source, missing = node["from"].text(), node.get("missing")
    if column.kind == "number":
        low, high = (node[key].number() if key in node else None for key in ("low", "high"))
        return table.numbers(source, missing.number() if missing else None, low, high)
    if column.kind == "boolean":
        yes = node["yes"].texts() if "yes" in node else ("true", "True", "TRUE", "1", "yes")
        no = node["no"].texts() if "no" in node else ("false", "False", "FALSE", "0", "no")
        codes = dict.fromkeys(yes, 1) | dict.fromkeys(no, 0)
        said: Array = table.codes(source, codes, int(missing.boolean()) if missing else None) == 1
        return said
    names = column.categories
    if "values" in node:
        given = {value: names.index(name.text(names)) for value, name in node["values"].items()}
    else:
        given = {name: place for place, name in enumerate(names)}
    return table.codes(source, given, names.index(missing.text(names)) if missing else None)


def _together(entities: list[Entity], columns: dict[str, Column]) -> Shard:
    """The whole population as one shard, every table in the order of the next higher one."""
    parents = {low.name: _parents(low, high) for low, high in itertools.pairwise(entities)}
    weights = _weights(entities, parents)
    order: dict[str, Places] = {}
    place = np.arange(len(entities[-1].rows))
    order[entities[-1].name] = place
    for low, high in reversed(list(itertools.pairwise(entities))):
        # positions of the higher records after they were sorted
        moved = np.empty_like(order[high.name])
        moved[order[high.name]] = np.arange(len(moved))
        above = moved[parents[low.name]]
        order[low.name] = np.argsort(above, kind="stable")
        parents[low.name] = above[order[low.name]]
    return Shard(
        number=0,
        columns=columns,
        values={name: values[order[e.name]] for e in entities for name, values in e.values.items()},
        ids={each.name: _ids(each)[order[each.name]] for each in entities},
        weights={each.name: weights[each.name][order[each.name]] for each in entities},
        parents=parents,
    )


def _ids(entity: Entity) -> NDArray[np.uint64]:
    ids = stable_ids(entity.keys)
    if len(np.unique(ids)) < len(ids):
        entity.node.fail(f"two ids of {entity.name} are one number (such as 7 and 07): make them different")
    return ids


def _parents(low: Entity, high: Entity) -> Places:
    if "part_of" not in low.node:
        low.node.fail(f"`part_of` is missing: the column with the id of the {high.name}")
    name = low.node["part_of"].text()
    refers = low.table.keys(name)
    places = pc.index_in(refers, high.keys)
    if places.null_count:
        row = int(np.argmax(places.is_null().to_numpy(zero_copy_only=False)))
        low.table.fail(name, row, f"there is no {high.name} {refers[row].as_py()!r} in {high.table.file}")
    of_row = np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64)
    found = np.asarray(_one_each(low, name, of_row), dtype=np.int64)
    empty = np.bincount(found, minlength=len(high.rows)) == 0
    if empty.any():
        record = int(np.argmax(empty))
        high.table.fail(
            high.node["id"].text() if "id" in high.node else "",
            int(high.rows[record]),
            f"the {high.name} {high.keys[record].as_py()!r} has no {low.name} in {low.table.file}: take it out",
        )
    return found


def _weights(entities: list[Entity], parents: dict[str, Places]) -> dict[str, Floats]:
    """Persons and households take each other's where only one of them has weights; 1 above."""
    person, household = entities[0], entities[1]
    if person.weight is None and household.weight is None:
        person.node.fail("no weights: give `weight:`, a column or 1")
    found = {each.name: each.weight if each.weight is not None else np.ones(len(each.rows)) for each in entities}
    of_person = parents["person"]
    if person.weight is None and household.weight is not None:
        found["person"] = household.weight[of_person]
    if household.weight is None and person.weight is not None:
        first = np.zeros(len(household.rows), dtype=np.int64)
        first[of_person[::-1]] = np.arange(len(of_person))[::-1]
        found["household"] = person.weight[first]
        other = person.weight != found["household"][of_person]
        if other.any():
            record = int(np.argmax(other))
            key = household.keys[int(of_person[record])].as_py()
            person.table.fail(
                person.node["weight"].text(),
                int(person.rows[record]),
                f"household {key!r} has two weights, {person.weight[record]:g} here: give `weight:` of the household",
            )
    return found


def _cut(whole: Shard, shard_people: int) -> Iterator[Shard]:
    """Runs of whole clusters; every table is in the order of the one above, so all of them are slices."""
    entities = whole.entities
    cluster, ids = whole.clusters()
    people = np.bincount(whole.above("person", cluster), minlength=len(ids))
    number = (np.cumsum(people) - people) // shard_people
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1), len(ids)]
    for position, (low, high) in enumerate(itertools.pairwise(edges)):
        span: dict[str, slice] = {cluster: slice(int(low), int(high))}
        at = entities.index(cluster)
        for entity in reversed(entities[:at]):
            upper = span[entities[entities.index(entity) + 1]]
            bounds = np.searchsorted(whole.parents[entity], [upper.start, upper.stop])
            span[entity] = slice(int(bounds[0]), int(bounds[1]))
        for entity in entities[at + 1 :]:
            lower = entities[entities.index(entity) - 1]
            inside = whole.parents[lower][span[lower]]
            span[entity] = slice(int(inside[0]), int(inside[-1]) + 1)
        yield Shard(
            number=position,
            columns=whole.columns,
            values={name: values[span[whole.columns[name].entity]] for name, values in whole.values.items()},
            ids={entity: whole.ids[entity][span[entity]] for entity in entities},
            weights={entity: whole.weights[entity][span[entity]] for entity in entities},
            parents={
                entity: whole.parents[entity][span[entity]] - span[entities[entities.index(entity) + 1]].start
                for entity in whole.parents
            },
        )
