"""`yuqing train` from the command line: it learns made rows, goes on after a kill, and its bundle scores."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from typer.testing import CliRunner

from pipelines.cli.main import app, register
from schemas.errors import UsageError, YuqingError
from tests.torch.conftest import MOODS, PLACES
from training.finetune import rows
from training.finetune.rows import HEADS
from udfs.encoder.bundle import LABELS, load_bundle
from udfs.encoder.evaluate import classified
from udfs.encoder.step import Classify
from udfs.encoder.text import TOKEN_CHARS, normalise

pytestmark = pytest.mark.torch
COMMAND = (sys.executable, "-c", "from pipelines.cli.main import run; run()")
ROUND = ("--rate", "3e-3", "--batch-tokens", "512", "--max-tokens", "32", "--epochs", "8", "--every", "5")


def made(count: int, **extra: Any) -> list[dict[str, Any]]:
    found = []
    for at in range(count):
        said, (sentiment, emotion, needs) = list(MOODS.items())[at % len(MOODS)]
        text = f"{PLACES[at % 8]}{said}{at}"
        found.append({"text": text, "sentiment": sentiment, "emotion": emotion, "needs": needs, **extra})
    return found


def written(path: Path, given: list[dict[str, Any]]) -> Path:
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in given).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def arguments(base: Path, data: Path, output: Path, *more: str) -> list[str]:
    return [
        "train",
        "--base",
        str(base),
        "--data",
        str(data),
        "--output",
        str(output),
        "--device",
        "cpu",
        *ROUND,
        *more,
    ]


def yuqing(*given: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run([*COMMAND, *given], capture_output=True, text=True, timeout=250, check=False)


def here(*given: str) -> str:
    """The command in this process, which has torch loaded; what it told on stderr."""
    register()
    done = CliRunner().invoke(app, list(given))
    if done.exception:
        raise done.exception
    return done.stderr


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    output = folder / "site"
    data = written(folder / "rows.jsonl", made(200))
    done = yuqing(*arguments(base, data, output, "--licence", "MIT", "--version", "2.0.0"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return output


def test_it_learns_what_the_rows_say(trained: Path) -> None:
    step = Classify(str(trained), device="cpu")
    step.open()
    given = made(200)
    answers = classified([row["text"] for row in given], ["zh"] * 200, step)
    for head in ("sentiment", "emotion"):
        assert sum(answer[head] == row[head] for answer, row in zip(answers, given, strict=True)) > 190
    needs = [sorted(found["need"] for found in answer["needs"]) for answer in answers]
    assert sum(said == row["needs"] for said, row in zip(needs, given, strict=True)) > 190
    assert {len(answer["embedding"]) for answer in answers} == {32}


def test_the_bundle_says_what_it_is(trained: Path) -> None:
    bundle = load_bundle(trained)
    assert (bundle.kind, bundle.model, bundle.meta["licence"]) == ("torch", "site@2.0.0", "MIT")
    assert set(bundle.heads) == set(LABELS)
    card = (trained / "CARD.md").read_text(encoding="utf-8")
    measured = bundle.meta["measured"]["validation"]
    assert f"{measured['sentiment']['accuracy']:.3f}" in card
    assert {row["head"]: row["rows"] for row in bundle.meta["training"]}["sentiment"] > 150
    assert bundle.meta["data"]["rows.jsonl"] in card
    assert not list(trained.parent.glob("*.work"))
    assert {file.stat().st_mode & 0o777 for file in trained.iterdir()} == {0o644}


def test_yuqing_score_runs_it(trained: Path, tmp_path: Path) -> None:
    posts = written(tmp_path / "posts.jsonl", [{"id": "1", "text": "学校救命啊,我们被水困住了"}])
    done = yuqing("score", "--input", str(posts), "--set", f"model.bundle={trained}", "--set", "model.device=cpu")
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["model"] == "site@2.0.0"
    assert row["need"] == "rescue"


def test_a_killed_run_goes_on_and_ends_the_same(trained: Path, base: Path, tmp_path: Path) -> None:
    data = written(tmp_path / "rows.jsonl", made(200))
    given = arguments(base, data, tmp_path / "site", "--version", "2.0.0")
    with subprocess.Popen([*COMMAND, *given], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "step 15" in line:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.wait(60)
    assert not (tmp_path / "site").exists()
    done = yuqing(*given)
    assert done.returncode == 0, done.stderr
    assert "goes on from step" in done.stderr
    whole, resumed = (load_bundle(folder).meta for folder in (trained, tmp_path / "site"))
    assert resumed["validation_loss"] == pytest.approx(whole["validation_loss"], abs=2e-3)


def test_a_checkpoint_of_other_options_is_refused(base: Path, tmp_path: Path) -> None:
    data = written(tmp_path / "rows.jsonl", made(100))
    work = tmp_path / "site.work"
    work.mkdir()
    torch.save({"mark": "of another run"}, work / "checkpoint.pt")
    with pytest.raises(UsageError, match="other rows or options"):
        here(*arguments(base, data, tmp_path / "site"))


def test_optional_heads_come_together_and_the_untaught_are_told(base: Path, tmp_path: Path) -> None:
    given = [{"text": row["text"], "sentiment": row["sentiment"], "state": "closed"} for row in made(100)]
    given += [{"text": "没有标签"}]
    data = written(tmp_path / "rows.jsonl.gz", given)
    validation = written(tmp_path / "validation.jsonl", given[:20])
    told = here(*arguments(base, data, tmp_path / "site", "--validation", str(validation), "--epochs", "1"))
    assert "no row teaches emotion, needs, help, hazards, source" in told
    assert "20 training rows left out" in told
    assert "1 training rows have no label" in told
    bundle = load_bundle(tmp_path / "site")
    assert list(bundle.heads) == list(HEADS)
    card = (bundle.path / "CARD.md").read_text(encoding="utf-8")
    assert "Nothing taught emotion, needs, help, hazards, source" in card
    step = Classify(str(bundle.path), device="cpu")
    step.open()
    (answer,) = classified(["救命"], ["zh"], step)
    assert (answer["emotion"], answer["need"], answer["help_score"] < 0.01) == ("neutral", "none", True)
    assert answer["emotion_score"] < 0.2


def test_the_shipped_wide_model_answers_for_heads_that_no_row_teaches(base: Path, tmp_path: Path) -> None:
    given = [{"text": row["text"], "sentiment": row["sentiment"]} for row in made(100)]
    data = written(tmp_path / "rows.jsonl", given)
    here(*arguments(base, data, tmp_path / "site", "--epochs", "1", "--wide"))
    bundle = load_bundle(tmp_path / "site")
    assert bundle.meta["untaught"] == []
    assert "the shipped n-gram model wide@" in (bundle.path / "CARD.md").read_text(encoding="utf-8")
    texts = ["救命,水到二楼了,老人孩子被困", "help us, we are trapped", "今天天气真好"]
    site, wide = (Classify(folder, device="auto") for folder in (str(bundle.path), "wide"))
    site.open()
    wide.open()
    languages = ["zh", "en", "zh"]
    for said, expected in zip(classified(texts, languages, site), classified(texts, languages, wide), strict=True):
        for column in ("emotion", "need", "needs", "help_score"):
            assert said[column] == expected[column]


def test_a_sentence_transformers_folder_is_a_base(base: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    encoder = Transformer(str(base))
    folder = tmp_path / "st"
    SentenceTransformer(modules=[encoder, Pooling(32, "mean")], device="cpu").save(str(folder))
    here(*arguments(folder, written(tmp_path / "rows.jsonl", made(100)), tmp_path / "site", "--epochs", "1"))
    assert load_bundle(tmp_path / "site").meta["base"] == "st"


@pytest.mark.parametrize("lacking", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_base_that_is_not_whole_is_named(base: Path, tmp_path: Path, lacking: str) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    for file in base.iterdir():
        if file.name != lacking:
            (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(UsageError, match=r"--base .*half cannot be loaded"):
        here(*arguments(folder, written(tmp_path / "rows.jsonl", made(60)), tmp_path / "site"))


def test_a_mask_token_becomes_a_piece(trained: Path) -> None:
    tokenizer = Tokenizer.from_file(str(trained / "tokenizer.json"))
    assert TOKEN_CHARS["CN_MOBILE"] in tokenizer.encode(normalise("车站<CN_MOBILE>学校")).tokens


def test_mask_runs_the_step_first(tmp_path: Path) -> None:
    data = written(tmp_path / "rows.jsonl", [{"text": "联系13812345678", "sentiment": "neutral"}])
    (row,) = rows.read(data, mask=True)
    assert row.text == "联系<CN_MOBILE>"
    assert "138" not in row.normal
    assert rows.read(data)[0].text == "联系13812345678"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "line 2: not JSON"),
        ("[1]", "line 2: not an object"),
        ('{"sentiment": "neutral"}', "line 2: text is missing"),
        (
            '{"text": "a", "sentiment": "bad"}',
            "line 2: sentiment 'bad' is none of negative, neutral, positive; c",
        ),
        ('{"text": "a", "needs": "rescue"}', "line 2: needs is no list"),
        ('{"text": "a", "needs": ["help"]}', "line 2: needs: 'help' is none of"),
        ('{"text": "a", "source_kind": "x"}', "line 2: source_kind 'x' is none of self"),
        ('{"text": "a", "hazards": ["fire", 3]}', "line 2: hazards: 3 is none of"),
        ('{"text": "a", "language": 3}', "line 2: language is no string"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "need": "none"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        rows.read(tmp_path / "rows.jsonl")


def test_labels_are_read_as_the_contract_writes_them(tmp_path: Path) -> None:
    given = {"text": "a", "need": "rescue", "hazards": [], "source": "relay", "state": "open", "id": "ignored"}
    (row,) = rows.read(written(tmp_path / "rows.jsonl", [given]))
    assert row.labels == {
        "hazards": [], "source": "relay", "state": "open", "needs": ["rescue"], "help": ["help"],
    }  # fmt: skip
    assert row.flags("needs") == [1, 0, 0, 0, 0, 0, 0, 0]
    assert (row.number("source"), row.number("sentiment"), row.flags("hazards")) == (1, -1, [0] * 8)


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"x")[:10]])
def test_an_empty_or_cut_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("rows.jsonl.gz" if content[:2] == b"\x1f\x8b" else "rows.jsonl")
    path.write_bytes(content)
    with pytest.raises(UsageError, match="JSON"):
        rows.read(path)


def test_the_tenth_for_validation_follows_from_the_text(tmp_path: Path) -> None:
    found = rows.read(written(tmp_path / "rows.jsonl", made(1000)))
    training, validation = rows.split(found)
    assert 60 < len(validation) < 140
    again = rows.split(list(reversed(found)))[1]
    assert {row.normal for row in again} == {row.normal for row in validation}
    assert len(training) + len(validation) == 1000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--name", "a b"), "--name 'a b'"),
        (("--max-tokens", "9999"), "--max-tokens 9999"),
        (("--device", "tpu"), "give auto, cpu, cuda"),
        (("--base", "no/such/folder"), "there is no such folder"),
    ],
)
def test_wrong_usage_is_named(base: Path, tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    data = written(tmp_path / "rows.jsonl", made(60))
    with pytest.raises(YuqingError, match=said):
        here(*arguments(base, data, tmp_path / "site", *more))


def test_a_full_folder_is_left_alone(base: Path, trained: Path) -> None:
    with pytest.raises(UsageError, match="is not empty"):
        here(*arguments(base, trained.parent / "rows.jsonl", trained))
