"""Rule files: what each key does, and what is said about a file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UsageError
from udfs.keywords.ruleset import RuleSet, load_rules
from udfs.keywords.step import shipped_rules


def rules(tmp_path: Path, text: str, name: str = "a.yaml") -> RuleSet:
    (tmp_path / name).write_text(text, "utf-8")
    return load_rules(tmp_path)


def terms(rule_set: RuleSet, text: str) -> list[str]:
    return [hit.term for hit in rule_set.scan([text])[0]]


CONDITIONS = (
    # keys of the rule, text that fires, text that does not
    ("terms: [被困]", "老人被困", "老人平安"),
    ("terms: [被困], exclude: [被困扰]", "车被困", "被困扰多年"),
    ("terms: [被困], exclude: {adjacent: [没有人]}", "没有人管，被困了", "没有人被困"),
    ("terms: [被困], exclude: {before: [如果], within: 4}", "如果下雨，被困", "如果车被困"),
    ("terms: [被困], exclude: {before: [如果], within: 2}", "如果车子又被困", "如果车被困"),
    ("terms: [被困], exclude: {after: [演练], within: 3}", "被困。演练", "被困者演练"),
    ("terms: [被困], exclude: {near: [电影], within: 5}", "电影散场，我被困", "演电影被困"),
    ("terms: [被困], exclude: {anywhere: [演练]}", "被困", "今天演练，一整天都很热闹，有人演被困"),
    ("terms: [被困], near: [洪水], within: 5", "洪水，被困", "洪水是一种自然现象，被困"),
    ("terms: [被困], all_of: [[洪水, 大水], [老人]]", "老人说大水来了，被困", "老人被困"),
    ("terms: [被困, 洪水, 求救], min_hits: 2", "洪水，求救", "求救求救求救"),
    ("terms: [gas leak]", "a GAS Leak here", "gas leaking"),
    ("terms: [sos]", "SOS!", "sosa"),
    ("terms: [120急救]", "打120急救", "打8120急救"),
    ("terms: [被困], variants: {被困: [背困]}", "人背困了", "人背着困"),
    ("terms: [救命]", "救 命", "救  命"),
    ("terms: [斷電]", "断电了", "断点"),
)


@pytest.mark.parametrize(("keys", "fires", "silent"), CONDITIONS)
def test_conditions(tmp_path: Path, keys: str, fires: str, silent: str) -> None:
    rule_set = rules(tmp_path, f"rules:\n- {{id: r, category: c, {keys}}}\n")
    assert terms(rule_set, fires)
    assert terms(rule_set, silent) == []


def test_a_variant_is_reported_as_its_term(tmp_path: Path) -> None:
    rule_set = rules(tmp_path, "rules:\n- {id: r, category: c, terms: [被困], variants: {被困: [背困]}}\n")
    hit = rule_set.scan(["人背困了"])[0][0]
    assert (hit.term, hit.start, hit.end) == ("被困", 1, 3)


def test_lists_are_shared_over_files(tmp_path: Path) -> None:
    (tmp_path / "z.yaml").write_text("lists:\n  water: [洪水, $more]\n  more: [大水]\n", "utf-8")
    rule_set = rules(tmp_path, "rules:\n- {id: r, category: c, terms: [被困], near: [$water]}\n")
    assert terms(rule_set, "大水，被困") == ["被困"]
    assert terms(rule_set, "被困") == []


def test_spans_count_code_points_after_emoji(tmp_path: Path) -> None:
    rule_set = rules(tmp_path, "rules:\n- {id: r, category: c, terms: [被困]}\n")
    texts = ["😀" * 5 + "被困", "", "被困😀", "x" * 100, "被" + "困"]
    assert [[(hit.start, hit.end) for hit in hits] for hits in rule_set.scan(texts)] == [
        [(5, 7)],
        [],
        [(0, 2)],
        [],
        [(0, 2)],
    ]


def test_nothing_matches_across_posts(tmp_path: Path) -> None:
    rule_set = rules(tmp_path, "rules:\n- {id: r, category: c, terms: [被困], exclude: {anywhere: [演练]}}\n")
    assert [bool(hits) for hits in rule_set.scan(["人被", "困了", "演练", "被困", "\0被困\0", "演练被困"])] == [
        False,
        False,
        False,
        True,
        True,
        False,
    ]


def test_the_version_is_that_of_names_and_contents(tmp_path: Path) -> None:
    one = "rules:\n- {id: r, category: c, terms: [被困]}\n"
    first = rules(tmp_path, one).version
    assert rules(tmp_path, one).version == first
    assert rules(tmp_path, one + "# a remark\n").version != first
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    assert load_rules(tmp_path).version != first


WRONG = (
    # the file, what the message must say
    ("rules: [", ("a.yaml", "correct the YAML")),
    ("- 1\n", ("a.yaml", "`lists` and `rules`")),
    ("rulez: []\n", ("a.yaml", "rulez")),
    ("rules: {}\nlists: {}\n", ("no rule",)),
    ("rules:\n- 被困\n", ("a.yaml", "rule number 1", "- id")),
    ("rules:\n- {category: c, terms: [被困]}\n", ("rule number 1", "id")),
    ("rules:\n- {id: A_B, category: c, terms: [被困]}\n", ("A_B", "lower-case")),
    ("rules:\n- {id: r, terms: [被困]}\n", ("rule r", "category")),
    ("rules:\n- {id: r, category: c}\n", ("rule r", "`terms`", "at least one")),
    ("rules:\n- {id: r, category: c, terms: [困]}\n", ("rule r", "single character")),
    ("rules:\n- {id: r, category: c, terms: [119]}\n", ("rule r", "119", "quotes")),
    ("rules:\n- {id: r, category: c, terms: [no]}\n", ("rule r", "bool", "quotes")),
    ("rules:\n- {id: r, category: c, terms: 被困}\n", ("rule r", "`terms`", "list")),
    (f"rules:\n- {{id: r, category: c, terms: [{'长' * 41}]}}\n", ("rule r", "41", "at most 40")),
    ("rules:\n- {id: r, category: c, terms: [被困], exclud: [x]}\n", ("rule r", "exclud", "keys are")),
    ("rules:\n- {id: r, category: c, terms: [被困], exclude: {behind: [x]}}\n", ("rule r", "behind", "keys are")),
    ("rules:\n- {id: r, category: c, terms: [被困], critical: maybe}\n", ("rule r", "critical", "true or false")),
    ("rules:\n- {id: r, category: c, terms: [被困], priority: 9}\n", ("rule r", "priority", "from 1 to 4")),
    ("rules:\n- {id: r, category: c, terms: [被困], within: a}\n", ("rule r", "within", "number")),
    ("rules:\n- {id: r, category: c, terms: [被困], min_hits: 2}\n", ("rule r", "min_hits", "fewer terms")),
    ("rules:\n- {id: r, category: c, terms: [被困], all_of: [洪水]}\n", ("rule r", "all_of", "list of lists")),
    ("rules:\n- {id: r, category: c, terms: [被困], near: [$water]}\n", ("rule r", "$water", "lists")),
    ("rules:\n- {id: r, category: c, terms: [被困], variants: {洪水: [x]}}\n", ("rule r", "variants", "terms")),
    ("rules:\n- {id: r, category: c, terms: [被困], terms: [x]}\n", ("a.yaml", "terms", "twice")),
    ("rules:\n- {id: r, category: c, terms: [被困]}\n- {id: r, category: c, terms: [xx]}\n", ("rule r", "its own")),
    ("lists: {a: [$b], b: [$a]}\nrules:\n- {id: r, category: c, terms: [$a]}\n", ("rule r", "circle")),
    ('rules:\n- {id: r, category: c, terms: ["a\\tb"]}\n', ("rule r", "control character")),
    ("rules:\n- {id: r, category: c, terms: [被困], weight: 2}\n", ("rule r", "weight")),
)


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, says: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        rules(tmp_path, text)
    for words in says:
        assert words in str(caught.value)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("rules: [被困]".encode("gbk"))
    with pytest.raises(UsageError, match="UTF-8"):
        load_rules(tmp_path)


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_no_files(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="rules:"):
        load_rules(tmp_path / folder)


def test_the_same_list_name_twice(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("lists: {water: [洪水]}\n", "utf-8")
    with pytest.raises(UsageError, match="water is defined in"):
        rules(tmp_path, "lists: {water: [大水]}\nrules:\n- {id: r, category: c, terms: [被困]}\n")


def test_shipped_rules_cover_the_categories() -> None:
    rule_set = load_rules(shipped_rules())
    categories = {rule.category for rule in rule_set.rules}
    wanted = "灾情求助 物资短缺 谣言核实 医疗急救 停水停电 道路中断 火情 食物中毒 踩踏拥挤 燃气泄漏"
    assert set(wanted.split()) <= categories
    assert all(rule.priority <= 2 for rule in rule_set.rules if rule.critical)
