"""Every statement of the committed dashboards and alert rules, asked of a real store as its data source's account."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dashboards.build import GENERATED
from dashboards.checks import Question, live, questions
from pipelines.cli.dashboards.check import asking
from tests.pipelines.store.conftest import Server

pytestmark = pytest.mark.services

Ask = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def ask(clickhouse_server: Server) -> Iterator[Ask]:
    with asking(clickhouse_server.settings) as run:
        yield lambda *asked: live(asked, run, int(time.time() * 1000))


def committed() -> list[Question]:
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((GENERATED / "boards").glob("*.json"))]
    return questions(boards, json.loads((GENERATED / "api" / "rules.json").read_text(encoding="utf-8")))


def test_the_store_answers_every_statement_in_the_shape_that_grafana_needs(ask: Ask) -> None:
    asked = committed()
    assert len(asked) > 50
    assert ask(*asked) == []


PANEL = Question("b", "1 p", "panel", "yuqing-viewer", "", 1)
SERIES = replace(PANEL, format=0)
RULE = replace(PANEL, kind="rule")
VARIABLE = replace(PANEL, kind="variable")


@pytest.mark.parametrize(
    ("question", "sql", "said"),
    [
        (PANEL, "SELECT no_such_column FROM v_feeds", "no_such_column"),
        (PANEL, "SELECT post_id FROM posts", "rights|privileges"),
        (PANEL, "SELECT count() FROM v_calls", "rights|privileges"),
        (replace(PANEL, source="yuqing-centre"), "SELECT post_id FROM posts", "rights|privileges"),
        (PANEL, "SELECT platform, platform FROM v_feeds", "column platform twice"),
        (PANEL, "SELECT platform AS author FROM v_feeds", "column author leads to a person"),
        (SERIES, "SELECT platform, 1 AS posts FROM v_feeds ORDER BY platform", "0 time columns"),
        (SERIES, "SELECT last_created_at AS t, platform FROM v_feeds ORDER BY t", "no number column"),
        (SERIES, "SELECT now() AS t, [1] AS n, 1 AS posts ORDER BY t", "column n of type other"),
        (
            SERIES,
            "SELECT toDateTime(60 - number * 30) AS t, 'a' AS name, 1 AS posts FROM numbers(2) ORDER BY number",
            "not sorted by t",
        ),
        (RULE, "SELECT platform, 1 AS a, 2 AS b FROM v_feeds WHERE 0", "exactly one number column and has 2"),
        (RULE, "SELECT last_created_at, 1 AS a FROM v_feeds WHERE 0", "a table may have no time column"),
        (RULE, "SELECT 'x' AS name, number FROM numbers(2)", "the same labels"),
        (VARIABLE, "SELECT 1 AS a", "a value and a text"),
    ],
)
def test_a_bad_statement_is_told(ask: Ask, question: Question, sql: str, said: str) -> None:
    told = "; ".join(problem.what for problem in ask(replace(question, sql=sql)))
    assert re.search(said, told), told


def test_a_good_statement_is_no_problem(ask: Ask) -> None:
    assert (
        ask(replace(SERIES, sql="SELECT toDateTime(number) AS t, 'a' AS name, 1 AS n FROM numbers(2) ORDER BY t")) == []
    )
