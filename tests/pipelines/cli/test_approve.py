"""`yuqing approve` as an operator and officers type it, on made-up applications; no service runs."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.cli import applications
from tests.pipelines.cli.applications import TYPE
from tests.pipelines.cli.conftest import Typed

COUNT = 8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight made-up applications with text layers, half of them with a defect."""
    return applications.made(tmp_path_factory.mktemp("made") / "out", COUNT, seed=5)


@pytest.fixture(scope="module")
def decided(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, Path, str]:
    """A home, the output of a first run, and what it said."""
    home = Typed(tmp_path_factory.mktemp("approve") / "home")
    output = home.path.parent / "decisions.jsonl"
    done = home.run("approve", "--input", str(made / "applications"), "--output", str(output), "--set", NO_SAMPLE)
    return home, output, done.stderr.decode()


NO_SAMPLE = "approval.audit_share=0"


def rows(output: Path) -> dict[str, dict[str, Any]]:
    """The last line of each application."""
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return {line["application_id"]: line for line in lines}


def truth_of(made: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in map(json.loads, (made / "truth.jsonl").read_text().splitlines())}


def test_every_application_has_the_decision_that_it_should(made: Path, decided: tuple[Typed, Path, str]) -> None:
    _, output, _ = decided
    truth, found = truth_of(made), rows(output)
    assert {name: row["decision"] for name, row in found.items()} == {
        name: fact["expected"] for name, fact in truth.items()
    }
    assert {"approve", "refer"} <= {row["decision"] for row in found.values()}


def test_output_and_reports_are_for_their_owner_and_the_reports_speak(decided: tuple[Typed, Path, str]) -> None:
    _, output, _ = decided
    for row in rows(output).values():
        report = Path(row["report"])
        html = report.read_text(encoding="utf-8")
        assert "<script" not in html
        assert row["application_id"] in html
        for path in (output, report, report.with_suffix(".json")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_of_a_document_is_said_on_the_way(made: Path, decided: tuple[Typed, Path, str]) -> None:
    home, _, said = decided
    ledger = "".join(path.read_text() for path in (home.path / "audit").glob("*.jsonl"))
    for fact in truth_of(made).values():
        for value in fact["fields"].values():
            if isinstance(value, str) and len(value) > 3 and not value.isascii():
                assert value not in said
                assert value not in ledger


def test_what_is_decided_is_not_decided_again_until_something_changes(
    made: Path, decided: tuple[Typed, Path, str], tmp_path: Path
) -> None:
    home, output, _ = decided
    source = tmp_path / "applications"
    shutil.copytree(made / "applications", source)
    copy = tmp_path / "again.jsonl"
    shutil.copy(output, copy)
    before = copy.read_bytes()
    same = home.run("approve", "-i", str(source), "-o", str(copy), "--no-reports", "--set", NO_SAMPLE)
    assert f"{COUNT} decided before" in same.stderr.decode()
    assert copy.read_bytes() == before
    name = min(rows(output))
    form = source / name / "application.json"
    form.write_text(form.read_text() + "\n")
    changed = home.run("approve", "-i", str(source), "-o", str(copy), "--no-reports", "--set", NO_SAMPLE)
    assert f"{COUNT - 1} decided before" in changed.stderr.decode()
    assert len(copy.read_bytes().splitlines()) == COUNT + 1


def test_a_run_that_was_cut_off_goes_on_where_it_was(
    made: Path, decided: tuple[Typed, Path, str], tmp_path: Path
) -> None:
    home, output, _ = decided
    copy = tmp_path / "cut.jsonl"
    lines = output.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join(lines[:5]) + lines[5][:100])
    done = home.run("approve", "-i", str(made / "applications"), "-o", str(copy), "--no-reports", "--set", NO_SAMPLE)
    assert "5 decided before" in done.stderr.decode()
    decisions = {name: row["decision"] for name, row in rows(copy).items()}
    assert decisions == {name: row["decision"] for name, row in rows(output).items()}


def test_an_officer_shows_corrects_and_signs(decided: tuple[Typed, Path, str], tmp_path: Path) -> None:
    home, output, _ = decided
    copy = tmp_path / "decisions.jsonl"
    shutil.copy(output, copy)
    shutil.copytree(output.with_name(f"{output.name}.reports"), tmp_path / "decisions.jsonl.reports")
    register = ("--register", str(copy))
    name = next(name for name, row in sorted(rows(copy).items()) if row["decision"] == "approve")
    refused = home.run("approve", "show", name, *register, code=1)
    assert "--reason" in refused.stderr.decode()
    shown = tmp_path / "report.html"
    home.run("approve", "show", name, *register, "--reason", "a hearing", "-o", str(shown))
    assert name in shown.read_text(encoding="utf-8")
    assert stat.S_IMODE(shown.stat().st_mode) == 0o600
    form = json.loads(home.run("approve", "form", name, *register, "--reason", "my desk").stdout)
    filled = tmp_path / "form.json"
    filled.write_text(json.dumps(form | {"officer": "olga", "decision": "reject"}))
    assert "reason" in home.run("approve", "review", str(filled), *register, code=2).stderr.decode()
    signed = {"officer": "olga", "decision": "reject", "reason": "占用处距路口不足三十米", "signed": True}
    filled.write_text(json.dumps(form | signed))
    said = home.run("approve", "review", str(filled), *register).stderr.decode()
    assert "other than the machine" in said
    row = rows(copy)[name]
    assert (row["decision"], row["final"], row["decided_by"], row["proposed"]) == ("reject", True, "olga", "approve")
    assert "olga" in Path(row["report"]).read_text(encoding="utf-8")
    counted = json.loads(home.run("approve", "agreement", *register, "--format", "json").stdout)
    assert (counted["type"], counted["compared"], counted["agreed"]) == (TYPE, 1, 0)
    listed = home.run("approve", "list", *register, "--waiting", "--format", "json").stdout.splitlines()
    waiting = {json.loads(line)["application_id"] for line in listed}
    assert waiting == {one for one, held in rows(copy).items() if not held["final"]}
    # what an officer decided stays
    stale = json.dumps(form | signed | {"fingerprint": "0" * 64})
    filled.write_text(stale)
    assert "decided anew" in home.run("approve", "review", str(filled), *register, code=2).stderr.decode()


def test_a_person_stops_it_everything_is_referred_and_a_person_lets_it_go_on(made: Path, tmp_path: Path) -> None:
    home = Typed(tmp_path / "home")
    home.run("approve", "automation", "stop", code=2)
    home.run("approve", "automation", "stop", "--reason", "the scanner is broken")
    output = tmp_path / "out.jsonl"
    arguments = ("approve", "-i", str(made / "applications"), "-o", str(output), "--no-reports", "--set", NO_SAMPLE)
    assert "automatic approval is stopped" in home.run(*arguments).stderr.decode()
    truth, found = truth_of(made), rows(output)
    for name, row in found.items():
        assert row["decision"] == ("refer" if truth[name]["expected"] == "approve" else truth[name]["expected"])
        if truth[name]["expected"] == "approve":
            assert row["reasons"] == ["breaker"]
    status = json.loads(home.run("approve", "automation", "status", "--format", "json").stdout)
    assert status["automatic"] == "stopped"
    home.run("approve", "automation", "close", "--reason", "the scanner is mended")
    home.run(*arguments, "--again")
    assert {name: row["decision"] for name, row in rows(output).items()} == {
        name: fact["expected"] for name, fact in truth.items()
    }


def test_the_audit_sample_is_referred_and_is_the_same_every_time(made: Path, tmp_path: Path) -> None:
    home = Typed(tmp_path / "home")
    drawn = []
    for number in range(2):
        output = tmp_path / f"{number}.jsonl"
        sample = ("--set", "approval.audit_share=0.5")
        home.run("approve", "-i", str(made / "applications"), "-o", str(output), "--no-reports", *sample)
        drawn.append({name for name, row in rows(output).items() if "audit_sample" in row["reasons"]})
        assert all(rows(output)[name]["decision"] != "approve" for name in drawn[-1])
    assert drawn[0] == drawn[1]
    assert 0 < len(drawn[0]) < COUNT


def test_whatever_lies_in_a_folder_becomes_a_referral_with_its_reason(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for name, form in {
        "no-form": None,
        "no-type": "{}",
        "odd-type": '{"type": "moon_landing"}',
        "broken": "{",
        "nothing": f'{{"type": "{TYPE}"}}',
        "junk": f'{{"type": "{TYPE}", "fields": {{"applicant_name": ["x", {{}}], "unheard": 1}}}}',
    }.items():
        (source / name).mkdir(parents=True)
        if form is not None:
            (source / name / "application.json").write_text(form)
    (source / "junk" / "scan.pdf").write_bytes(b"%PDF-1.7\n\x00\xff")
    (source / "junk" / "form.docx").write_bytes(b"PK\x03\x04")
    output = tmp_path / "out.jsonl"
    Typed(tmp_path / "home").run("approve", "-i", str(source), "-o", str(output))
    found = rows(output)
    assert set(found) == {path.name for path in source.iterdir()}
    assert {row["decision"] for row in found.values()} == {"refer"}
    assert all(row["supplement"] for row in found.values())
    assert found["odd-type"]["reasons"] == found["no-type"]["reasons"] == found["broken"]["reasons"] == ["form"]
    assert any(reason.startswith("unreadable") for reason in found["junk"]["reasons"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("approve",), "--input"),
        (("approve", "-i", "gone", "-o", "{}/out.jsonl"), "no such folder"),
        (("approve", "show", "x", "--register", "gone.jsonl", "--reason", "look"), "no such file"),
        (("approve", "automation", "close", "--reason", "as it was"), "not stopped"),
    ],
)
def test_wrong_usage_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    given = [word.format(tmp_path) for word in arguments]
    assert words in Typed(tmp_path / "home").run(*given, code=2).stderr.decode()
