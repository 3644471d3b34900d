"""Tables that leave: what may, what it costs, that it cannot be overspent, and what stands in ledger and book."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from pathlib import Path

import msgspec
import pytest

from governance.audit import Ledger
from governance.privacy import Wanted, left, reach_of, release_counts
from governance.roles import AccessRefused, Person
from schemas.errors import UsageError
from schemas.policy import Simulation
from schemas.settings import PrivacySection
from tests.governance.privacy.runs import ANN, NOW, OFELIA, of, run

DAY = 86_400_000
GAIN = Wanted("wide", "gain", "age")
LIMITS = PrivacySection(budget_epsilon=1.0, total_epsilon=1.5, period_days=30)


def ask(
    home: Path, simulation: Simulation | None = None, wanted=(GAIN,), epsilon=0.5, bound=5, person=ANN, now=NOW, **more
):
    with Ledger(home, "policy", lambda: now, seal_every_ms=None) as ledger:
        return release_counts(
            simulation or run(), wanted, epsilon, bound, person,
            home=home, ledger=ledger, now=now, **({"limits": LIMITS} | more),
        )  # fmt: skip


def book(home: Path) -> list[dict]:
    path = home / "privacy" / "tables.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def actions(home: Path) -> list[str]:
    path = home / "audit" / "policy.jsonl"
    return [json.loads(line)["action"] for line in path.read_text().splitlines()] if path.exists() else []


def purse(home: Path, person: str = "ann", now: int = NOW, digest: str = "people", name: str = "survey") -> float:
    return round(left(home, person, digest, name, LIMITS, now), 9)


def test_a_table_has_every_group_and_noise_fit_for_a_household(tmp_path):
    many = run(hits=4_000, sample=10_000, groups=3_001)
    (table,) = ask(tmp_path, many)
    assert [cell.group for cell in table.cells] == list(many.group_labels["age"])
    assert table.scale == pytest.approx(10.0)  # five persons by 0.5
    noise = [cell.hits - 4_000 for cell in table.cells[:-1]]
    # closed form 2t/(1-t)^2, t = exp(-1/10): 199.8; estimated from 3,000 to within 0.029 * 5.5
    assert statistics.pvariance(noise, 0) == pytest.approx(199.83, rel=0.16)
    sums = [cell.records - 10_000 for cell in table.cells[:-1]]
    assert statistics.pvariance(sums, 0) == pytest.approx(399.7, rel=0.16)
    within = sum(abs(one) <= table.accuracy_records for one in sums) / 3_000
    assert within == pytest.approx(0.95, abs=0.025)
    shares = [cell.share for cell in table.cells[:-1]]
    assert all(abs(share - 0.4) < 0.03 for share in shares)
    empty = table.cells[-1]
    assert empty.group == "g3000"
    assert abs(empty.records) < 300


def test_an_empty_group_has_noise_too_and_no_share(tmp_path):
    seen = set()
    for epsilon in (0.01, 0.011, 0.012, 0.013, 0.014):
        (table,) = ask(tmp_path, epsilon=epsilon)
        seen.add(table.cells[-1].hits)
        assert all(cell.share is None or cell.records > table.accuracy_records for cell in table.cells)
    assert seen != {0}


@pytest.mark.parametrize(("measure", "bound", "scale"), [("gain", 7, 14.0), ("homes", 7, 2.0), ("poor", 5, 10.0)])
def test_noise_is_for_what_one_household_changes(tmp_path, measure, bound, scale):
    (table,) = ask(tmp_path, wanted=[Wanted("wide", measure, "age")], bound=bound)
    assert table.scale == pytest.approx(scale)


BUILT = of(run(), entities=("person", "household", "building"))
REACH = {
    "income": "person",
    "crowded": "building",
    "grown": "person",
    "age": "household",
    "owner": "household",
}.__getitem__
CANNOT = [
    ({"wanted": [Wanted("wide", "money", "age")]}, "kind sum: only counts"),
    ({"wanted": [Wanted("wide", "queue", "age")]}, "kind served: only counts"),
    ({"wanted": [Wanted("wide", "relative", "age")]}, "line by the median"),
    ({"wanted": [Wanted("wide", "streets", "age")]}, "counts neighbourhoods"),
    ({"wanted": [Wanted("wide", "gain", "fifth")]}, "quantiles"),
    ({"wanted": [Wanted("wide", "gain", "year")]}, "no grouping 'year'; tables can have all, age"),
    ({"wanted": [Wanted("wide", "other")]}, "no measure 'other'; tables can have gain, poor, homes"),
    ({"wanted": [Wanted("other", "gain")]}, "no option 'other'"),
    ({"wanted": []}, "0 tables"),
    ({"bound": 4}, "households of 5"),
    ({"epsilon": 0.001}, "epsilon 0.001 lies outside"),
    ({"simulation": of(run(), digest="")}, "no digest"),
    ({"simulation": run(group_labels={})}, "does not list the groups"),
    ({"simulation": BUILT}, "the rules of the run are needed"),
    ({"simulation": BUILT, "reach": REACH, "wanted": [Wanted("wide", "near", "age")]}, "sums over a building"),
]


@pytest.mark.parametrize(("asked", "why"), CANNOT)
def test_what_cannot_leave_costs_nothing(tmp_path, asked, why):
    with pytest.raises(UsageError, match=why):
        ask(tmp_path, **asked)
    assert (book(tmp_path), purse(tmp_path)) == ([], 1.0)


def test_with_buildings_what_depends_on_the_own_household_leaves(tmp_path):
    assert ask(tmp_path, BUILT, reach=REACH)


ENTITY = {
    "age": "person", "income": "person", "rent": "household", "lift": "building", "clinic": "neighbourhood",
    "poor": "person", "spent": "household", "each": "person", "consent": "building", "height": "building",
    "votes": "building", "agrees": "household", "served": "household", "old": "neighbourhood",
}  # fmt: skip
READS = {
    "poor": ["income", "rate"],  # a lever has no entity
    "spent": ["income", "rent"],
    "each": ["spent", "age", "clinic"],  # carried down: nothing is summed
    "consent": ["agrees", "lift"],
    "agrees": ["rent", "lift"],
    "height": ["lift", "clinic"],
    "votes": ["consent"],  # itself it sums nothing
    "served": ["votes"],
    "old": ["clinic"],
}


@pytest.mark.parametrize(
    ("name", "entity"),
    [("age", "person"), ("lift", "person"), ("poor", "person"), ("spent", "household"), ("each", "household"),
     ("agrees", "person"), ("consent", "building"), ("height", "person"), ("votes", "building"),
     ("served", "building"), ("old", "person")],
)  # fmt: skip
def test_what_a_variable_sums_over(name, entity):
    assert reach_of(ENTITY, READS)(name) == entity
    with pytest.raises(UsageError, match="'other' is neither"):
        reach_of(ENTITY, READS)("other")


@pytest.mark.parametrize(
    ("person", "why"),
    [(Person("olaf"), "needs the role analyst or officer"), (Person("x", embedded=True), ""), (OFELIA, "")],
)
def test_who_may_ask(tmp_path, person, why):
    if why:
        with pytest.raises(AccessRefused, match=why):
            ask(tmp_path, person=person)
        assert (actions(tmp_path), book(tmp_path)) == (["policy.tables.refused"], [])
    else:
        assert ask(tmp_path, person=person)
        assert actions(tmp_path) == ["policy.tables"]


def test_the_same_question_again_is_the_same_answer_and_free(tmp_path):
    first = ask(tmp_path)
    again = ask(tmp_path, msgspec.structs.replace(run(), run="run-2", made_at="2026-12-01T00:00:00Z"), now=NOW + DAY)
    assert first[0].charged == 0.5
    assert again == [msgspec.structs.replace(first[0], charged=0.0)]
    assert (len(book(tmp_path)), purse(tmp_path)) == (1, 0.5)
    # both are in the ledger, with the person; of counts neither it nor the book has an exact one
    assert actions(tmp_path) == ["policy.tables", "policy.tables"]
    assert set(book(tmp_path)[0]["answer"]) == {"scale", "counts"}


DIFFERENT = [
    {"epsilon": 0.4},
    {"bound": 6},
    {"wanted": [Wanted("wide", "poor", "age")]},
    {"wanted": [Wanted("wide", "gain")]},
    {"simulation": run(rules_digest="others")},
    {"simulation": run(versions={"yuqing": "2"})},
    {"simulation": msgspec.structs.replace(run(), plan=msgspec.structs.replace(run().plan, digest="other"))},
    {"simulation": of(run(), digest="others")},  # the same name: the same people, loaded anew
]


@pytest.mark.parametrize("asked", DIFFERENT)
def test_another_question_costs(tmp_path, asked):
    ask(tmp_path)
    (table,) = ask(tmp_path, **asked)
    assert table.charged == asked.get("epsilon", 0.5)
    assert purse(tmp_path) == round(0.5 - table.charged, 9)


def test_another_population_has_a_budget_of_its_own(tmp_path):
    ask(tmp_path)
    ask(tmp_path, of(run(), digest="other", name="other"))
    assert purse(tmp_path, name="under another name") == 0.5
    assert (purse(tmp_path), purse(tmp_path, digest="other", name="other")) == (0.5, 0.5)


def test_what_is_spent_is_refused_and_comes_back(tmp_path):
    ask(tmp_path, epsilon=0.6)
    ask(tmp_path, epsilon=0.3, now=NOW + 5 * DAY)
    with pytest.raises(AccessRefused, match=r"0.5 is asked for, ann has 0.1 of 1 left .*'survey'; .* 2025-12-28 10:00"):
        ask(tmp_path, epsilon=0.5, now=NOW + 6 * DAY)
    with pytest.raises(AccessRefused, match="comes back on 2026-01-02"):
        ask(tmp_path, epsilon=0.8, now=NOW + 6 * DAY)
    with pytest.raises(AccessRefused, match="so much is never given"):
        ask(tmp_path, epsilon=1.1, now=NOW + 6 * DAY)
    assert actions(tmp_path)[-3:] == ["policy.tables.refused"] * 3
    assert len(book(tmp_path)) == 2
    assert ask(tmp_path, epsilon=0.1, now=NOW + 6 * DAY), "what is left can be spent, to the last bit"
    with pytest.raises(AccessRefused):
        ask(tmp_path, epsilon=0.5, now=NOW + 30 * DAY - 1)
    assert ask(tmp_path, epsilon=0.5, now=NOW + 30 * DAY)
    assert purse(tmp_path, now=NOW - 400 * DAY) == 0.0, "a clock that is set back gives nothing back"


def test_a_request_is_answered_whole_or_not_at_all(tmp_path):
    three = [GAIN, Wanted("wide", "poor", "age"), Wanted("wide", "gain")]
    with pytest.raises(AccessRefused, match=r"epsilon 1\.2 is asked for"):
        ask(tmp_path, wanted=three, epsilon=0.4)
    assert (book(tmp_path), purse(tmp_path)) == ([], 1.0)
    tables = ask(tmp_path, wanted=[*three, GAIN], epsilon=0.3)
    assert [table.charged for table in tables] == [0.3, 0.3, 0.3]
    assert purse(tmp_path) == 0.1


def test_requesters_share_answers_and_a_total(tmp_path):
    first = ask(tmp_path, wanted=[GAIN, Wanted("wide", "gain")])
    other = ask(tmp_path, person=OFELIA)
    assert other[0].cells == first[0].cells
    assert other[0].charged == 0.5, "she has learnt as much as ann"
    assert (purse(tmp_path), purse(tmp_path, "ofelia")) == (0.0, 0.5)
    ask(tmp_path, person=OFELIA, wanted=[Wanted("wide", "poor", "age")])
    with pytest.raises(AccessRefused, match=r"together have 0 of 1\.5 left"):
        ask(tmp_path, person=Person("oscar", embedded=True), wanted=[Wanted("wide", "poor")], epsilon=0.1)
    assert ask(tmp_path, person=Person("oscar", embedded=True)), "what was answered costs the total nothing"


def test_killed_before_the_book_nothing_was_shown_and_nothing_spent(tmp_path, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("governance.privacy.budget.Book.add", killed)
        with pytest.raises(KeyboardInterrupt):
            ask(tmp_path)
    assert (actions(tmp_path), purse(tmp_path)) == (["policy.tables"], 1.0)
    assert ask(tmp_path)


def test_no_answer_without_its_audit_entry(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("governance.audit.ledger.Ledger.append", full)
    with pytest.raises(OSError, match="no space"):
        ask(tmp_path)
    assert book(tmp_path) == []


def test_a_torn_line_is_taken_off_and_a_damaged_book_gives_nothing(tmp_path):
    ask(tmp_path)
    path = tmp_path / "privacy" / "tables.jsonl"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at": 1')
    assert ask(tmp_path)[0].charged == 0.0
    assert path.read_bytes() == whole
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(UsageError, match=r"tables.jsonl:1: damaged"):
        ask(tmp_path)
    with pytest.raises(UsageError, match=r"tables.jsonl:1: damaged"):
        purse(tmp_path)


def _spend(arguments: tuple[str, int]) -> float:
    home, number = arguments
    try:
        return sum(table.charged for table in ask(Path(home), epsilon=0.4 + number / 1000, bound=5 + number))
    except AccessRefused:
        return 0.0


def test_processes_at_once_cannot_overspend(tmp_path, monkeypatch):
    def slowly(counts: list[int], scale: float) -> list[int]:
        time.sleep(0.02)  # so that all would have looked at the budget before the first has spent
        return counts

    monkeypatch.setattr("governance.privacy.noise.noisy", slowly)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        spent = pool.map(_spend, [(str(tmp_path), number) for number in range(12)], chunksize=1)
    assert sum(charged > 0 for charged in spent) == 2
    assert sum(spent) <= 1.0
    assert len(book(tmp_path)) == 2
    assert purse(tmp_path) == round(1.0 - sum(spent), 9)
