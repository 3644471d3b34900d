"""Alert rules as data and as files: what Grafana's provisioning would read. On a store: test_alert_rules.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dashboards.provisioning import ACCOUNTS, FOLDER_TITLE, VIEWER
from dashboards.rules import notify
from dashboards.rules.files import ALERTING, API, api_form, files, rules
from dashboards.rules.rule import AlertRule

GENERATED = Path(__file__).parents[2] / "dashboards" / "generated"
RULES = rules()


def of_file(name: str) -> dict:
    return yaml.safe_load(files()[f"{ALERTING}/{name}.yaml"])


def expanded(value: str) -> str:
    """What Grafana's provisioning makes of a string: ``$$`` is ``$``, other ``$NAME`` the environment's, here empty."""
    return "$".join(re.sub(r"\$\w+|\$\{\w+\}", "", part) for part in value.split("$$"))


def test_the_committed_files_are_those_of_the_code() -> None:
    for name, text in files().items():
        assert (GENERATED / name).read_text(encoding="utf-8") == text, name


def test_the_seven_rules_are_there() -> None:
    assert [rule.uid for rule in RULES] == [
        "yuqing-priority-1-call",
        "yuqing-keyword-burst",
        "yuqing-sentiment-collapse",
        "yuqing-feed-silent",
        "yuqing-dead-letters-rising",
        "yuqing-job-lag",
        "yuqing-breaker-open",
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_a_rule_is_written_for_whoever_reads_it(rule: AlertRule) -> None:
    assert re.search("[一-鿿]", rule.title)
    assert "？" in rule.question
    assert len(rule.uid) <= 40
    assert "$" not in "".join((*rule.annotations.values(), *rule.labels.values())), "versions of Grafana read it apart"
    assert rule.labels["origin"] == "yuqing"
    assert re.match(r"d/yuqing-(command|opinion|health)\?", rule.evidence)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_a_rule_names_only_labels_that_its_statement_gives(rule: AlertRule) -> None:
    for name in re.findall(r"\.Labels\.(\w+)", rule.summary + rule.evidence):
        assert re.search(rf"(AS|SELECT|,) {name}\b", rule.sql), name


def test_every_rule_reads_what_needs_no_place() -> None:
    for group in api_form()["groups"]:
        for rule in group["rules"]:
            assert [query["datasourceUid"] for query in rule["data"]] == [VIEWER, "__expr__", "__expr__"]
            assert rule["data"][0]["model"]["datasource"]["uid"] == VIEWER
    assert ACCOUNTS[VIEWER] == "viewer"


def test_a_file_says_what_the_api_form_says() -> None:
    groups = of_file("rules")["groups"]
    for group, sent in zip(groups, api_form()["groups"], strict=True):
        assert (group["name"], group["folder"], group["interval"]) == (
            sent["title"],
            FOLDER_TITLE,
            f"{sent['interval']}s",
        )
        for rule, other in zip(group["rules"], sent["rules"], strict=True):
            assert {name: expanded(value) for name, value in rule["labels"].items()} == other["labels"]
            assert {name: expanded(value) for name, value in rule["annotations"].items()} == other["annotations"]
            assert rule["keepFiringFor"] == other["keep_firing_for"]
            # the model is taken raw: Grafana expands nothing in it, so the macros stand as they are
            assert rule["data"] == other["data"]
            assert "$$" not in rule["data"][0]["model"]["rawSql"]


def test_a_critical_alert_waits_seconds_and_is_repeated() -> None:
    policy = of_file("policies")["policies"][0]
    (critical,) = policy["routes"]
    assert critical["object_matchers"] == [["severity", "=", "critical"]]
    assert (critical["group_wait"], critical["group_interval"], critical["repeat_interval"]) == ("10s", "1m", "30m")
    names = {point["name"] for point in of_file("contact-points")["contactPoints"]}
    assert {policy["receiver"], critical["receiver"]} == names
    assert {rule.severity for rule in RULES} == {"critical", "warning"}


def test_no_secret_is_committed() -> None:
    for point in api_form()["contactPoints"]:
        given = point["settings"].get("url") or point["settings"]["addresses"]
        assert given in notify.PLACEHOLDERS.values()
    for point in of_file("contact-points")["contactPoints"]:
        for receiver in point["receivers"]:
            given = receiver["settings"].get("url") or receiver["settings"]["addresses"]
            assert given.startswith("$__file{/run/secrets/")


def test_the_words_are_closed_and_know_no_text() -> None:
    (template,) = api_form()["templates"]
    words = template["template"]
    opened = len(re.findall(r"\{\{-? *(?:define|if|with|range)\b", words))
    assert opened == len(re.findall(r"\{\{-? *end\b", words)) > 5
    for name in re.findall(r'template "([^"]+)"', json.dumps(api_form()["contactPoints"]).replace('\\"', '"') + words):
        assert f'{{{{ define "{name}" -}}}}' in words
    assert "text" not in words.lower()


def test_the_api_form_is_json_of_four_parts() -> None:
    assert list(json.loads(files()[API])) == ["groups", "templates", "contactPoints", "policies"]
