"""Types load; a folder that does not hold together is refused with file, key and remedy."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors import UsageError
from udfs import types
from udfs.types.checking import references

TABLE = {
    "nodes": [
        {"id": "a", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {
            "id": "b",
            "type": "decisionTableNode",
            "name": "t",
            "position": {"x": 0, "y": 0},
            "content": {
                "hitPolicy": "first",
                "inputs": [{"id": "size", "name": "size", "field": "fields.size.value"}, {"id": "if", "name": "if"}],
                "outputs": [{"id": "passed", "name": "passed", "field": "passed"}],
                "rules": [
                    {"_id": "1", "size": "> 3", "if": "facts.double < 100", "passed": "true"},
                    {"_id": "2", "size": "", "if": "", "passed": "false"},
                ],
            },
        },
        {"id": "c", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
    ],
    "edges": [
        {"id": "1", "sourceId": "a", "targetId": "b", "type": "edge"},
        {"id": "2", "sourceId": "b", "targetId": "c", "type": "edge"},
    ],
}
FILES = {
    "type.yaml": "type: tent\ntitle: 搭帐篷\naliases: [帐篷]\nversion: 1.0.0\nscope: 试验\nduplicates: [big]\n",
    "documents.yaml": "form: {title: 申请书, titles: [帐篷申请书], required: true}\n"
    "proof: {title: 证明, titles: [证明], required: fields.size.value > 5}\n",
    "fields.yaml": "size: {title: 大小, kind: number, labels: [大小], documents: [form], declared: big}\n"
    "day: {title: 日期, kind: date, labels: [日期], documents: [form], part: last}\n"
    "sign: {title: 签字, kind: signature, labels: [签字], documents: [form], signer: people.who}\n"
    "people: {title: 名单, kind: table, labels: [名单], documents: [form], columns: {\n"
    "  who: {title: 姓名, kind: person, labels: [姓名]}}}\n",
    "facts.yaml": "double: {zen: fields.size.value * 2}\nleft: {days_between: [on, fields.day]}\n"
    "camp: {matches: {field: size, list: places}}\nnumber: {rows: people, where: {who: 甲}}\n",
    "lists/places.yaml": "- 山\n- 水\n",
    "rules.yaml": "- rule: size.small\n  title: 不大\n  outcome: supplement\n  reason: 大小{size}的两倍是{double}\n"
    "  uses: [size]\n  applies: fields.size.present\n  versions:\n"
    "    - {version: a, from: 2020-01-01, to: 2020-12-31, table: small.json, legal_basis: 某法}\n"
    "    - {version: b, from: 2021-01-01, table: small.json, legal_basis: 某法}\n",
    "rules/small.json": json.dumps(TABLE),
}


@pytest.fixture
def tent(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def write(top: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = top / "tent" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return top


@pytest.mark.parametrize("name", types.names())
def test_every_type_loads_and_pickles(name: str) -> None:
    kind = types.load(name)
    assert kind.type == name
    assert types.load(kind.title) is kind
    assert all(types.load(alias) is kind for alias in kind.aliases)
    assert pickle.loads(pickle.dumps(kind)) == kind
    assert {field.declared for field in kind.fields.values()} >= set(kind.duplicates)
    assert kind.out_of_scope
    assert {"authority", "appeal"} <= set(kind.texts)


def test_a_folder_is_a_type(tent: Path) -> None:
    kind = types.load("帐篷", folders=[tent])
    assert types.load("tent", folders=[tent / "tent"]) == kind
    assert kind.label == f"tent@1.0.0#{kind.digest[:8]}"
    assert (kind.fields["size"].declared, kind.fields["day"].declared) == ("big", "day")
    assert kind.lists == {"places": {"山": {}, "水": {}}}
    assert "tent" in types.names([tent])
    assert "tent" not in types.names()


def test_a_change_of_a_file_is_seen_and_changes_the_digest(tent: Path) -> None:
    before = types.load("tent", folders=[tent])
    (tent / "tent" / "lists" / "places.yaml").write_text("- 山\n- 水\n- 海\n", encoding="utf-8")
    after = types.load("tent", folders=[tent])
    assert (len(before.lists["places"]), len(after.lists["places"])) == (2, 3)
    assert before.digest != after.digest


def test_a_test_case_is_no_rule(tent: Path) -> None:
    before = types.load("tent", folders=[tent])
    (tent / "tent" / "cases.yaml").write_text("- {name: 大}\n", encoding="utf-8")
    assert types.load("tent", folders=[tent]).digest == before.digest
    # of this name in another place it is a list like any other
    (tent / "tent" / "lists" / "cases.yaml").write_text("- 大\n", encoding="utf-8")
    assert types.load("tent", folders=[tent]).digest != before.digest


def test_words_of_yaml_1_1_are_names(tmp_path: Path) -> None:
    way = "way: {title: 方式, kind: choice, labels: [方式], choices: {yes: [是], true: [真]}}\n"
    kind = types.load("tent", folders=[write(tmp_path, FILES | {"fields.yaml": FILES["fields.yaml"] + way})])
    assert set(kind.fields["way"].choices) == {"yes", True}


Change = Callable[[dict[str, str]], dict[str, str]]


def put(name: str, old: str, new: str) -> Change:
    def change(files: dict[str, str]) -> dict[str, str]:
        assert old in files[name], "the case changes nothing"
        return files | {name: files[name].replace(old, new)}

    return change


def drop(name: str) -> Change:
    return lambda files: {key: content for key, content in files.items() if key != name}


BROKEN: list[tuple[Change, str, str]] = [
    # what is done to the folder, words of the message: file and key
    (drop("documents.yaml"), "documents.yaml", "missing"),
    (drop("rules/small.json"), "rules.yaml", "rules/small.json"),
    (drop("lists/places.yaml"), "facts.yaml: camp", "places"),
    (put("type.yaml", "type: tent", "type: hut"), "type.yaml", "hut"),
    (put("type.yaml", "scope", "skope"), "type.yaml", "skope"),
    (put("type.yaml", "[big]", "[big, length]"), "duplicates", "length"),
    (put("fields.yaml", "kind: number", "kind: colour"), "fields.yaml: size", "colour"),
    (put("fields.yaml", "kind: number", "kind: choice"), "fields.yaml: size", "choices"),
    (put("fields.yaml", "kind: number", "kind: table"), "fields.yaml: size", "columns"),
    (put("fields.yaml", "labels: [大小], ", ""), "fields.yaml: size", "labels"),
    (put("fields.yaml", "documents: [form], declared", "documents: [from], declared"), "fields.yaml: size", "from"),
    (put("fields.yaml", "part: last", "part: middle"), "fields.yaml: day", "middle"),
    (put("fields.yaml", "kind: date", "kind: text"), "fields.yaml: day", "part"),
    (put("fields.yaml", "people.who", "people.where"), "fields.yaml: sign", "people.where"),
    (put("fields.yaml", "size:", "Size:"), "tent", "Size"),
    (put("fields.yaml", "day:", "size:"), "fields.yaml", "twice"),
    (put("documents.yaml", "[证明]", "[]"), "documents.yaml: proof", "titles"),
    (put("documents.yaml", "value > 5", "value >> 5"), "documents.yaml: proof.required", "zen"),
    (put("documents.yaml", "fields.size", "fields.height"), "documents.yaml: proof.required", "fields.height"),
    (put("documents.yaml", "size.value", "size.worth"), "documents.yaml: proof.required", "worth"),
    (put("facts.yaml", "rows: people", "rows: size"), "facts.yaml: number", "size"),
    (put("facts.yaml", "rows: people", "count: people"), "facts.yaml: number", "operator"),
    (put("facts.yaml", "{who: 甲}", "{when: 甲}"), "facts.yaml: number", "people.when"),
    (put("facts.yaml", "where:", "unless:"), "facts.yaml: number", "unless"),
    (put("facts.yaml", "[on, fields.day]", "[on]"), "facts.yaml: left", "two values"),
    (put("facts.yaml", "fields.size.value * 2", "facts.left * 2"), "facts.yaml: double", "before its use"),
    (put("facts.yaml", "field: size, ", ""), "facts.yaml: camp", "field"),
    (put("rules.yaml", "uses: [size]", "uses: [sizes]"), "rules.yaml: size.small", "sizes"),
    (put("rules.yaml", "outcome: supplement", "outcome: shrug"), "rules.yaml", "shrug"),
    (put("rules.yaml", "{double}", "{triple}"), "rules.yaml: size.small", "triple"),
    (put("rules.yaml", "to: 2020-12-31", "to: 2021-01-01"), "rules.yaml: size.small", "same day"),
    (put("rules.yaml", "to: 2020-12-31, ", ""), "rules.yaml: size.small", "same day"),
    (put("rules.yaml", "to: 2020-12-31", "to: 2019-12-31"), "rules.yaml: size.small", "before it begins"),
    (put("rules.yaml", "size.small", "generic.small"), "rules.yaml: generic.small", "generic"),
    (put("rules.yaml", "fields.size.present", "fields.size.present and"), "rules.yaml: size.small.applies", "zen"),
    (put("rules/small.json", '"first"', '"collect"'), "rules/small.json", "hitPolicy"),
    (put("rules/small.json", "decisionTableNode", "functionNode"), "rules/small.json", "functionNode"),
    (put("rules/small.json", '"field": "passed"', '"field": "done"'), "rules/small.json", "passed"),
    (put("rules/small.json", "> 3", "'a','b'"), "rules/small.json: row 1, column size", "cell"),
    (put("rules/small.json", "facts.double <", "facts.treble <"), "rules/small.json: row 1", "facts.treble"),
    (put("rules/small.json", "facts.double <", "facts.double < <"), "rules/small.json: row 1", "zen"),
    (put("rules/small.json", "{", "["), "rules/small.json", "JSON"),
]


@pytest.mark.parametrize(("change", "where", "what"), BROKEN, ids=[f"{w} {t}" for _, w, t in BROKEN])
def test_what_does_not_hold_together_is_refused(tmp_path: Path, change: Change, where: str, what: str) -> None:
    with pytest.raises(UsageError) as refused:
        types.load("tent", folders=[write(tmp_path, change(dict(FILES)))])
    assert where in str(refused.value)
    assert what in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_an_unknown_type_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="food_business_licence"):
        types.load("circus")


def test_references_of_an_expression() -> None:
    assert references("fields.a.value > facts.b and 'fields.c.value' != form.d") == {
        ("fields", "a", "value"),
        ("facts", "b", ""),
        ("form", "d", ""),
    }
