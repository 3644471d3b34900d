"""`bench accuracy`: what goes into the model; table, figure and errors that come out; what is said of bad rows."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from pipelines.bench import accuracy, accuracy_figure, accuracy_table
from schemas import records
from schemas.errors import UsageError
from schemas.step import Step
from tests.conftest import YUQING

PHONE = "13812345678"


class Loud(Step):
    """Angry at an exclamation mark, calls for help at "help"; remembers what it saw."""

    name: ClassVar[str] = "classify"
    reads: ClassVar[tuple[str, ...]] = ("text", "language")
    writes: ClassVar[pa.Schema] = records.CLASSIFIED

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        self.seen += zip(texts, batch.column("language").to_pylist(), strict=True)
        angry, calls = ["!" in text for text in texts], ["help" in text for text in texts]
        values: dict[str, Any] = {
            "sentiment": ["negative" if each else "positive" for each in angry],
            "emotion": ["angry" if each else "happy" for each in angry],
            "need": ["rescue" if each else "none" for each in calls],
            "help_score": [0.9 if each else 0.1 for each in calls],
            "needs": [[{"need": "rescue", "score": 0.9}] if each else [] for each in calls],
            "model": ["loud@1"] * len(texts),
            "embedding": [[]] * len(texts),
            "hints": [None] * len(texts),
        }
        scores = {name: [0.8] * len(texts) for name in ("sentiment_score", "emotion_score", "need_score")}
        return records.with_columns(batch, self.writes, values | scores)


ROWS = [
    {"text": "不行!", "emotion": "angry", "sentiment": "negative", "needs": []},
    {"text": f"很好，联系{PHONE}", "emotion": "angry", "sentiment": "neutral", "needs": []},
    {
        "text": "help us, the water is coming and we are on the roof",
        "emotion": "fear",
        "needs": ["rescue", "transport"],
    },
    {"text": "nice weather", "language": "en", "emotion": "happy", "hazards": []},
    {"text": "the house is full of \x1b[31mwater\nand we cannot get out", "emotion": "happy", "needs": ["rescue"]},
]


def file(folder: Path, rows: list[dict[str, Any]], name: str = "posts.jsonl") -> Path:
    path = folder / name
    path.write_bytes(b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows) + b"\n\n")
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return accuracy.measure(file(tmp_path_factory.mktemp("data"), ROWS), Loud(), errors=5, resamples=20)


def test_the_model_sees_masked_text_in_its_language(tmp_path: Path) -> None:
    step = Loud()
    accuracy.measure(file(tmp_path, ROWS), step, resamples=2)
    assert step.seen[1] == ("很好，联系<CN_MOBILE>", "zh")
    assert [language for _, language in step.seen] == ["zh", "zh", "en", "en", "en"]
    raw = Loud()
    accuracy.measure(file(tmp_path, ROWS), raw, mask=False, resamples=2)
    assert PHONE in raw.seen[1][0]


def test_a_masked_file_stays_as_it_is(tmp_path: Path) -> None:
    texts = ["很好，联系<CN_MOBILE>", "<PERSON>家进水了，住<ADDRESS>", "mail <EMAIL_ADDRESS> please"]
    step = Loud()
    accuracy.measure(file(tmp_path, [{"text": text, "need": "none"} for text in texts]), step, resamples=2)
    assert [text for text, _ in step.seen] == texts


def test_the_report(report: dict[str, Any]) -> None:
    assert (report["data"], report["rows"], report["model"], report["masked"]) == ("posts.jsonl", 5, "loud@1", True)
    assert report["languages"] == {"en": 3, "zh": 2}
    assert report["unjudged"] == ["hazards"]
    assert list(report["heads"]) == ["sentiment", "emotion", "needs", "help"]
    assert report["heads"]["emotion"]["reliability"][0]["posts"] == 5


def test_errors_name_lines_and_hold_masked_text_only(report: dict[str, Any]) -> None:
    wrong = {row["line"]: row for row in report["heads"]["emotion"]["errors"]}
    assert sorted(wrong) == [2, 3]
    assert wrong[2] == {
        "line": 2, "truth": "angry", "answer": "happy", "score": 0.8, "text": "很好，联系<CN_MOBILE>"
    }  # fmt: skip
    assert [row["line"] for row in report["heads"]["help"]["errors"]] == [5]


def test_errors_are_masked_even_where_the_model_saw_raw_text(tmp_path: Path) -> None:
    found = accuracy.measure(file(tmp_path, ROWS), Loud(), mask=False, errors=9, resamples=2)
    assert PHONE not in json.dumps(found)


def test_without_errors_no_text_is_in_the_report(tmp_path: Path) -> None:
    errors = tmp_path / "wrong.jsonl"
    found = accuracy.measure(file(tmp_path, ROWS), Loud(), errors_file=errors, resamples=2)
    assert "errors" not in found["heads"]["emotion"]
    assert "weather" not in json.dumps(found)
    rows = [json.loads(line) for line in errors.read_bytes().splitlines()]
    assert {(row["head"], row["line"]) for row in rows} >= {("emotion", 2), ("emotion", 3), ("needs", 3), ("help", 5)}
    assert all(set(row) == {"head", "line", "truth", "answer", "score"} for row in rows)


@pytest.mark.parametrize(
    ("head", "label", "value"), [("emotion", "angry", 1.0), ("sentiment", "negative", 1.0), ("need", "none", None)]
)
def test_a_label_is_what_label_head_says(tmp_path: Path, head: str, label: str, value: float | None) -> None:
    path = file(tmp_path, [{"text": "no!", "label": label, "source": "a set"}])
    found = accuracy.measure(path, Loud(), label_head=head, resamples=2)["heads"]
    assert list(found) == (["needs", "help"] if head == "need" else [head])
    if value is not None:
        assert found[head]["accuracy"]["value"] == value


def test_gz_is_read(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(gzip.compress(file(tmp_path, ROWS).read_bytes()))
    assert accuracy.measure(path, Loud(), resamples=2)["rows"] == 5


@pytest.mark.parametrize(
    ("content", "label_head", "words"),
    [
        (
            '{"text": "a", "emotion": "sad"}\n\n{"text": "a", "emotion": "joy"}',
            None,
            "line 3: emotion 'joy' is none of",
        ),
        ('{"text": "a", "label": "joy"}', "emotion", "line 1: emotion 'joy' is none of angry"),
        ('{"text": "a", "label": "sad"}', None, "--label-head sentiment|emotion|need"),
        ('{"text": "a"}', None, "no row is labelled; give rows one of sentiment, emotion, needs"),
        ("", None, "no row is labelled"),
        ('{"text": "a", "needs": "rescue"}', None, "line 1: needs is no list"),
        ('{"emotion": "sad"}', None, "line 1: text is missing"),
        ('{"text": "SECRET", "emotion":', None, "line 1: not JSON; write one JSON object a line"),
        ('["SECRET"]', None, "line 1: not an object"),
        ('{"text": "a", "language": 1, "emotion": "sad"}', None, "line 1: language is no string"),
    ],
)
def test_bad_rows_name_the_line_and_the_remedy(
    tmp_path: Path, content: str, label_head: str | None, words: str
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        accuracy.measure(path, Loud(), label_head=label_head)
    assert words in str(error.value)
    assert "SECRET" not in str(error.value)


def test_a_damaged_gz_and_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(UsageError, match="cannot be read"):
        accuracy.measure(path, Loud())
    with pytest.raises(UsageError, match="--errors-file"):
        accuracy.measure(file(tmp_path, ROWS), Loud(), errors_file=tmp_path / "none" / "wrong.jsonl", resamples=2)


def printed(report: dict[str, Any]) -> str:
    out = io.StringIO()
    accuracy_table.show(report, out)
    return out.getvalue()


def test_the_table_reads_as_the_report(report: dict[str, Any]) -> None:
    text = printed(report)
    assert "posts.jsonl: 5 rows (en 3, zh 2), masked first; model loud@1" in text
    assert "hazards: rows are labelled, but this model has no such head" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["angry", "1.000", "0.500", "0.667", "2"] in lines  # precision, recall, F1, support
    assert ["angry", "1", "0", "1", "0", "0", "0"] in lines  # confusion: truth angry, answered angry, happy
    assert ["0.80-0.87", "0.800", "0.600", "5"] in lines  # reliability
    assert any(line[:4] == ["false", "calls", "in", "10,000"] for line in lines)
    for name in ("accuracy", "macro-F1", "micro-F1", "recall", "precision", "specificity", "calibration"):
        assert any(line[:1] == [name] for line in lines), name
    assert max(map(len, text.splitlines())) < 130


def test_a_post_cannot_steer_the_terminal(report: dict[str, Any]) -> None:
    text = printed(report)
    assert "\x1b" not in text
    assert "the house is full of [31mwater and we cannot get out" in text


def test_the_figure_has_a_matrix_a_head_and_the_reliability(report: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "figure.svg"
    accuracy_figure.write(report | {"data": "<posts> & more"}, path)
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - written a line above
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words[0] == "<posts> & more: 5 posts, model loud@1"
    titles = [word for word in words if word in ("sentiment", "emotion", "needs", "help", "reliability")]
    assert titles == ["sentiment", "emotion", "help", "reliability"]
    assert sum(word == "surprise" for word in words) == 2  # once as a row, once as a column
    assert any(word and word.startswith("emotion (ECE ") for word in words)
    assert accuracy_figure.svg(report) == accuracy_figure.svg(report)


def test_a_figure_without_matrices(report: dict[str, Any]) -> None:
    bare = report | {"heads": {"needs": report["heads"]["needs"]}}
    assert "no head with a confusion matrix" in accuracy_figure.svg(bare)


@pytest.mark.parametrize(("name", "words"), [("figure.png", "ends in .svg"), ("none/figure.svg", "make it first")])
def test_a_figure_that_cannot_be_written(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        accuracy_figure.check(tmp_path / name)


def test_the_command(tmp_path: Path) -> None:
    path, figure = file(tmp_path, ROWS), tmp_path / "figure.svg"
    arguments = ("bench", "accuracy", "--data", path, "--figure", figure, "--format", "json", "--errors", "1")
    done = subprocess.run([YUQING, *map(str, arguments)], capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert found["rows"] == 5
    assert len(found["heads"]["emotion"]["errors"]) <= 1
    assert figure.read_text(encoding="utf-8").startswith("<svg")
    assert PHONE.encode() not in done.stdout + done.stderr
    bad = subprocess.run(
        [YUQING, "bench", "accuracy", "--data", str(path), "--figure", "x.png"], capture_output=True, check=False
    )
    assert bad.returncode == 2
    assert b"--figure x.png" in bad.stderr
