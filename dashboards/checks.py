"""What can be checked of dashboards and alert rules without a Grafana: statements, tables, accounts, answers.

``static`` needs nothing but the generated files, the names of the store's tables and what each account may read.
``live`` asks a store every statement, as the account of its data source. Shapes of the files: ``dashboards.shapes``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.expressions import EXPRESSION, traps
from dashboards.frames import TABLE, TIME_SERIES, field_type, frames
from dashboards.macros import MACROS, Variables, Window, expand, names_of_variables
from dashboards.provisioning import ACCOUNTS, CENTRE
from schemas.errors import UsageError, YuqingError

Board = Mapping[str, Any]
Answer = tuple[Sequence[tuple[str, str]], Sequence[Sequence[object]]]
Run = Callable[[str, str], Answer]
"""``run(sql, account)`` -> (name, ClickHouse type) of each column, also when there is no row, and the rows."""

PLACED = "yuqing-command"
"""The one board that may read places: 应急指挥."""
RULES = "alert rules"
VALUES: Sequence[Variables] = (
    {"region": "all", "platform": "all", "topic": "", "run": "latest"},
    {"region": "410100", "platform": "weibo", "topic": "0", "run": "0"},
)
"""Variables that ``live`` asks with: nothing chosen, and a city, a platform and a topic."""


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, and what to do. Never holds data of the store."""

    board: str
    panel: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Question:
    """One statement of a panel, a variable or an alert rule."""

    board: str
    panel: str
    kind: str  # panel, variable or rule
    source: str
    sql: str
    format: int
    looks_back_s: int = 86_400

    def problem(self, what: str, remedy: str) -> Problem:
        return Problem(self.board, self.panel, what, remedy)


def questions(boards: Collection[Board], rules: Mapping[str, Any]) -> list[Question]:
    """Every statement of the boards (as Grafana has them) and of the rules (in their API form)."""
    found: list[Question] = []
    for board in boards:
        title = str(board.get("uid", "?"))
        for panel in _panels(board.get("panels", [])):
            for target in panel.get("targets", []):
                found.append(_asked(title, f"{panel.get('id')} {panel.get('title', '')}".strip(), "panel", target))
        for variable in board.get("templating", {}).get("list", []):
            if variable.get("type") == "query":
                query = variable.get("query", "")
                query = query if isinstance(query, str) else query.get("rawSql", "")
                source = variable.get("datasource", {}).get("uid", "")
                found.append(Question(title, f"variable {variable['name']}", "variable", source, query, TABLE))
    for group in rules.get("groups", []):
        for rule in group["rules"]:
            for query in rule["data"]:
                if query["datasourceUid"] != EXPRESSION:
                    asked = _asked(RULES, rule["uid"], "rule", query["model"], query["relativeTimeRange"]["from"])
                    found.append(asked)
    return found


def _panels(panels: Collection[Board]) -> Iterator[Board]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))  # those of a row that is folded


def _asked(board: str, panel: str, kind: str, target: Mapping[str, Any], looks_back_s: int = 86_400) -> Question:
    source = target.get("datasource", {}).get("uid", "")
    form = target.get("format", TIME_SERIES)
    return Question(board, panel, kind, source, target.get("rawSql", ""), form, looks_back_s)


def static(
    boards: Collection[Board],
    rules: Mapping[str, Any],
    *,
    tables: Collection[str],
    readable: Mapping[str, Collection[str]],
) -> list[Problem]:
    """``tables``: all of the store; ``readable``: account -> tables and views that it may read."""
    found = [problem for board in boards for problem in _described(board)]
    variables = {str(board.get("uid", "?")): _variables(board) for board in boards}
    for question in questions(boards, rules):
        code = without_words(question.sql)
        found += _source(question)
        found += _variables_and_macros(question, variables.get(question.board, set()))
        found += _tables(question, code, tables, readable.get(ACCOUNTS.get(question.source, ""), ()))
        found += _persons(question, code)
        if question.format == TIME_SERIES and not re.search(r"\bORDER\s+BY\b(?!.*\bFROM\b)", code, re.I | re.S):
            found.append(question.problem("a time series without ORDER BY", "add ORDER BY with the time first"))
    return found


def _described(board: Board) -> list[Problem]:
    uid, found, seen = str(board.get("uid", "?")), [], set()
    for panel in _panels(board.get("panels", [])):
        name = f"{panel.get('id')} {panel.get('title', '')}".strip()
        if panel.get("type") not in ("row", "text") and not panel.get("description", "").strip():
            found.append(Problem(uid, name, "no description", "say which question the panel answers"))
        if panel.get("id") in seen:
            found.append(Problem(uid, name, f"the number {panel.get('id')} is used twice", "give it another"))
        seen.add(panel.get("id"))
    return found


def _variables(board: Board) -> set[str]:
    return {str(variable["name"]) for variable in board.get("templating", {}).get("list", [])}


def _source(question: Question) -> list[Problem]:
    if question.source not in ACCOUNTS:
        known = ", ".join(ACCOUNTS)
        return [question.problem(f"data source {question.source!r} is none of ours", f"use one of {known}")]
    if question.source == CENTRE and question.board != PLACED:
        return [question.problem(f"reads {CENTRE}, which has places", f"only {PLACED} may; use yuqing-viewer")]
    return []


BARE = "|".join(name for name, (takes, _) in MACROS.items() if not takes)
_SWALLOWS = re.compile(rf"\$__(?:{BARE})\b(?!\(\))[^()]*\(")
"""A macro without arguments and an open bracket after it with no closing one between: the plugin's older parser takes
all up to where that bracket closes for the macro and its arguments, and the conditions between are gone."""


def _variables_and_macros(question: Question, known: set[str]) -> list[Problem]:
    found = []
    for name in names_of_variables(question.sql):
        if question.kind == "rule":
            found.append(question.problem(f"variable {name} in an alert rule", "rules know no variables: leave it out"))
        elif name not in known:
            found.append(question.problem(f"variable {name} is not on this board", "add it, or leave it out"))
    if swallowed := _SWALLOWS.search(question.sql):
        macro = re.match(r"\$__\w+", swallowed[0])
        found.append(
            question.problem(
                f"{macro and macro[0]} with a bracket somewhere after it",
                "write it in brackets, ($__toTime): older plugins take all up to the next bracket for its arguments",
            )
        )
    try:
        expand(question.sql, Window(0, 1, 1), dict.fromkeys(names_of_variables(question.sql), "all"))
    except UsageError as error:
        found.append(question.problem(str(error), "see dashboards/macros.py for what there is"))
    return found


def without_words(sql: str) -> str:
    """The statement without comments and quoted strings: what is left are names and keywords."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'", " '' ", sql, flags=re.S)


_NAMED = re.compile(r"\b(?:FROM|(?<!ARRAY )JOIN)\s+([A-Za-z_][\w.]*)\s*(\(?)", re.I)
_WITH = re.compile(r"(?:\bWITH|,)\s*([A-Za-z_]\w*)\s+AS\s*\(\s*SELECT", re.I)
GENERATORS = frozenset({"numbers", "values"})


def _tables(question: Question, code: str, tables: Collection[str], readable: Collection[str]) -> list[Problem]:
    found = []
    code = re.sub(r"\s+", " ", code)
    if re.search(r"\bFINAL\b", code, re.I):
        found.append(question.problem("FINAL reads a whole base table", "read a roll-up or a view"))
    inner = set(_WITH.findall(code))
    for name, called in dict.fromkeys(_NAMED.findall(code)):
        if name in inner or (called and name in GENERATORS):
            continue
        if called:
            found.append(question.problem(f"table function {name}()", "read a view"))
        elif name not in tables:
            found.append(question.problem(f"table {name} does not exist", "see docs/data-classes.md for what does"))
        elif name not in readable:
            account = ACCOUNTS.get(question.source, question.source)
            found.append(question.problem(f"{account} may not read {name}", "read a view that it may (store/roles.py)"))
    if not _NAMED.search(code) and "SELECT" not in code.upper():
        found.append(question.problem("no statement", "write one, or take the target away"))
    return found


PERSON = re.compile(
    r"(?i)\b(author|authors?_\w+|caller_\w+|caller|user_?name|nick_?name|\w*phone\w*|\w+_tokens?|"
    r"url|\w+_url|repost_of|embedding|raw|ciphertext|profile|avatar)\b|作者|昵称|手机号|电话"
)
"""Names of what leads to a person. Counts (``authors``, ``callers``) do not."""


def _persons(question: Question, code: str) -> list[Problem]:
    names = dict.fromkeys(found[0] for found in PERSON.finditer(code))
    return [
        question.problem(f"names {name}, which leads to a person", "no board shows who wrote a post") for name in names
    ]


def live(asked: Collection[Question], run: Run, now_ms: int) -> list[Problem]:
    """Ask a store every statement, twice if it has variables, and hold the answers against what Grafana needs."""
    found: list[Problem] = []
    for question in asked:
        if question.source not in ACCOUNTS:
            continue  # ``static`` says so
        chosen = VALUES if names_of_variables(question.sql) else VALUES[:1]
        for variables in chosen:
            window = Window(now_ms - question.looks_back_s * 1000, now_ms, 60_000)
            try:
                columns, rows = run(expand(question.sql, window, variables), ACCOUNTS[question.source])
                problems = answered(question, columns, rows)
            except YuqingError as error:
                problems = [
                    question.problem(_short(error), "run the statement by `yuqing sql --role viewer` or centre")
                ]
            found += problems
            if problems:
                break
    return found


def answered(question: Question, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> list[Problem]:
    """What is wrong with an answer as a panel, a variable or a rule reads it."""
    names = [name for name, _ in columns]
    kinds = [field_type(kind) for _, kind in columns]
    found = [
        question.problem(f"column {name} twice", "name one otherwise") for name in set(names) if names.count(name) > 1
    ]
    found += [
        question.problem(f"column {name} leads to a person", "no board shows who wrote a post")
        for name in names
        if PERSON.search(name)
    ]
    if question.kind == "variable":
        if len(columns) not in (1, 2) or set(kinds) != {"string"}:
            found.append(question.problem("a variable's answer is a value and a text", "select one or two strings"))
        return found
    if question.format == TIME_SERIES:
        if kinds.count("time") != 1:
            found.append(question.problem(f"{kinds.count('time')} time columns", "a time series needs exactly one"))
        if "number" not in kinds:
            found.append(question.problem("no number column", "a time series needs one"))
        found += [
            question.problem(f"column {name} of type {kind}", "no array, map or boolean in a time series")
            for name, kind in zip(names, kinds, strict=True)
            if kind in ("other", "boolean")
        ]
    try:
        made = frames(columns, rows, format=question.format, ref_id="A")
    except UsageError as error:
        return [*found, question.problem(str(error), "see dashboards/frames.py")]
    if question.kind == "rule":
        found += [question.problem(what, "see dashboards/expressions.py") for frame in made for what in traps(frame)]
    return found


def _short(error: Exception) -> str:
    """The store's message without what it quotes of the statement's data."""
    return " ".join(str(error).split())[:300]
