"""A job without purpose and legal basis does not start, and is told what to write."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from governance.purpose import LAWFUL_BASES, require_purpose
from schemas.errors import UsageError

GOOD = "find calls for help and pass them to rescuers"

REFUSED = [
    ({}, "`purpose` is missing"),
    ({"purpose": "", "lawful_basis": "emergency"}, "`purpose` is missing"),
    ({"purpose": "  \n ", "lawful_basis": "emergency"}, "`purpose` is missing"),
    ({"purpose": None, "lawful_basis": "emergency"}, "`purpose` is missing"),
    ({"purpose": "test", "lawful_basis": "emergency"}, "says nothing"),
    ({"purpose": "分析", "lawful_basis": "emergency"}, "says nothing"),
    ({"purpose": "x" * 501, "lawful_basis": "emergency"}, "or too much"),
    ({"purpose": GOOD}, "`lawful_basis` is missing"),
    ({"purpose": GOOD, "lawful_basis": ""}, "`lawful_basis` is missing"),
    ({"purpose": GOOD, "lawful_basis": "because"}, "`lawful_basis` 'because' is unknown"),
    ({"purpose": GOOD, "lawful_basis": "Emergency"}, "is unknown"),
    ({"purpose": GOOD, "lawful_basis": "emergency, because"}, "`lawful_basis` 'because' is unknown"),
    ({"purpose": GOOD, "lawful_basis": " , "}, "`lawful_basis` is missing"),
    ({"purpose": GOOD, "lawful_basis": "other_law"}, "needs the law's name"),
]

ACCEPTED = [
    *({"purpose": GOOD, "lawful_basis": basis} for basis in LAWFUL_BASES if basis != "other_law"),
    {"purpose": "在汛情中找出求助信息并转交救援", "lawful_basis": "emergency"},
    {"purpose": "发现求助并转救援", "lawful_basis": "statutory_duty"},
    {"purpose": "按《突发事件应对法》收集灾情信息", "lawful_basis": "other_law"},
]


@pytest.mark.parametrize(("job", "says"), REFUSED)
def test_refused(job: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        require_purpose({"name": "opinion", **job})
    assert "job opinion" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("job", ACCEPTED)
def test_accepted(job: dict[str, str]) -> None:
    declared = require_purpose(SimpleNamespace(**job))
    assert declared == require_purpose(job)
    assert (declared.text, declared.lawful_basis) == (job["purpose"], job["lawful_basis"])
    assert "PIPL art. 13" in declared.article


def test_several_bases_each_with_its_article() -> None:
    declared = require_purpose({"purpose": GOOD, "lawful_basis": "emergency,statutory_duty"})
    assert declared.lawful_basis == "emergency, statutory_duty"
    assert "13(4)" in declared.article
    assert "13(3)" in declared.article


def test_white_space_is_folded() -> None:
    assert require_purpose({"purpose": " a  purpose\nof two lines", "lawful_basis": "consent"}).text == (
        "a purpose of two lines"
    )
