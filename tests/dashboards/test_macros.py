"""Statements as the ClickHouse plugin sends them. Expected texts follow the plugin's own macros_test.go."""

from __future__ import annotations

import pytest

from dashboards.macros import Window, expand, names_of_variables
from schemas.errors import UsageError

WINDOW = Window(1_700_000_000_123, 1_700_003_600_987, 15_400)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("$__timeFilter(at)", "at >= toDateTime(1700000000) AND at <= toDateTime(1700003600)"),
        ("$__timeFilter( p.at )", "p.at >= toDateTime(1700000000) AND p.at <= toDateTime(1700003600)"),
        (
            "$__timeFilter_ms(at)",
            "at >= fromUnixTimestamp64Milli(1700000000123) AND at <= fromUnixTimestamp64Milli(1700003600987)",
        ),
        ("at > ($__fromTime)", "at > (toDateTime(1700000000))"),
        ("f($__toTime - 1)", "f(toDateTime(1700003600) - 1)"),
        ("$__fromTime_ms", "fromUnixTimestamp64Milli(1700000000123)"),
        ("$__timeInterval(at) AS t", "toStartOfInterval(toDateTime(at), INTERVAL 15 second) AS t"),
        ("$__timeInterval(f(at)) AS t", "toStartOfInterval(toDateTime(f(at)), INTERVAL 15 second) AS t"),
        ("$__timeInterval_ms(at)", "toStartOfInterval(toDateTime64(at, 3), INTERVAL 15400 millisecond)"),
        ("count() / $__interval_s", "count() / 15"),
        ("SELECT '^a$', [[1], [2]], [[1]]", "SELECT '^a$', [[1], [2]], [[1]]"),
    ],
)
def test_a_macro_becomes_what_the_plugin_writes(sql: str, expected: str) -> None:
    assert expand(sql, WINDOW) == expected


def test_an_interval_is_at_least_one_second() -> None:
    assert expand("$__interval_s", Window(0, 1, 20)) == "1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("410103", "'410103'"),
        (["a", "b"], "'a','b'"),
        ("it's", r"'it\'s'"),
        ("x' OR '1' = '1", r"'x\' OR \'1\' = \'1'"),
        ([], ""),
    ],
)
def test_a_variable_is_quoted_as_grafana_does(value: str | list[str], expected: str) -> None:
    assert expand("${region:singlequote}", WINDOW, {"region": value}) == expected


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("$__nothing(at)", r"\$__nothing"),
        ("$__timeFilter", "timeFilter takes 1"),
        ("$__timeFilter()", "timeFilter takes 1"),
        ("$__timeFilter(toDateTime(at, 'UTC'))", "got 2"),
        ("$__timeFilter(at", "never closed"),
        ("${region:singlequote}", "'region' is unknown"),
        ("${platform}", r"\$\{platform\}"),
        ("${platform:csv}", r"\$\{platform:csv\}"),
        ("$platform", r"\$platform"),
        ("[[platform]]", r"\[\[platform\]\]"),
    ],
)
def test_what_cannot_be_written_is_named(sql: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        expand(sql, WINDOW, {"platform": "weibo"})


@pytest.mark.parametrize("value", ["a\\", "a\\' OR 1 --", "$__fromTime", ["fine", "b\\"]])
def test_a_value_that_could_leave_its_quotes_is_refused(value: str | list[str]) -> None:
    with pytest.raises(UsageError, match="does not escape"):
        expand("${topic:singlequote}", WINDOW, {"topic": value})


def test_names_of_variables_are_in_order_and_once() -> None:
    assert names_of_variables("${b:singlequote} ${a:singlequote} ${b:singlequote} $c") == ["b", "a"]
