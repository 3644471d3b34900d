"""`score` and `mask` as a stranger's script uses them: no services, stdin to stdout, honest exit codes."""

import gzip
import hashlib
import json
import subprocess

import pytest

from tests.conftest import YUQING, lines

POSTS = [
    {"id": "1", "text": "郑州市二七区马寨镇老房子进水到二楼了，五个大人一个孩子，急需皮划艇，联系13812345678张女士"},
    {"id": "2", "text": "作业写不完了谁来救救我😂😂", "platform": "weibo", "author": "someone"},
    {"id": "3", "text": "", "region": "河南 郑州"},
    {"id": "4", "text": "Trapped on the roof, water is rising, please send a boat! call 555-123-4567"},
]
BAD = [
    (b"{", "not JSON: truncated"),
    (b'{"text":"x"}', "missing id"),
    (b'{"id":"b","text":"\\u0000"}', "NUL in a string"),
    (b'{"id":"c","text":"\xff"}', "invalid UTF-8 at byte 18"),
]


def yuqing(*arguments, stdin=b"", code=0):
    done = subprocess.run([YUQING, *arguments], input=stdin, capture_output=True, timeout=240, check=False)
    assert done.returncode == code, done.stderr.decode()[-2000:]
    return done


def objects(data):
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture(scope="module")
def scored():
    return objects(yuqing("score", stdin=lines(*POSTS)).stdout)


def test_every_post_is_scored_in_order(scored):
    assert [row["id"] for row in scored] == ["1", "2", "3", "4"]


def test_the_form_is_the_contracts(scored):
    row = scored[0]
    assert (
        list(row)
        == (
            "id text language sentiment sentiment_score emotion emotion_score need need_score help_score needs hazards "
            "items people source_kind state priority keywords places pii model"
        ).split()
    )
    assert set(row["people"]) == {"count", "vulnerable"}
    assert all(set(place) == {"name", "level", "adcode", "lat", "lon", "radius_m"} for place in row["places"])
    assert all(set(span) == {"type", "start", "end", "score"} for span in row["pii"])
    assert all(set(keyword) == {"rule", "category", "term"} for keyword in row["keywords"])


def test_a_call_for_help_is_found_where_it_is(scored):
    row = scored[0]
    assert row["language"] == "zh"
    assert row["priority"] == 1
    assert "rescue" in [need["need"] for need in row["needs"]]
    assert any(place["adcode"] == "410103" for place in row["places"])
    assert "13812345678" not in row["text"]
    assert "<CN_MOBILE>" in row["text"]
    mobile = next(span for span in row["pii"] if span["type"] == "CN_MOBILE")
    assert POSTS[0]["text"][mobile["start"] : mobile["end"]] == "13812345678"


def test_a_joke_is_no_call(scored):
    assert scored[1]["need"] == "none"
    assert scored[1]["priority"] == 4


def test_languages(scored):
    assert [row["language"] for row in scored] == ["zh", "zh", "und", "en"]


def test_dead_letters_leave_their_neighbours_alone(tmp_path):
    file, letters = tmp_path / "in.jsonl", tmp_path / "dead.jsonl"
    body = lines(POSTS[0]) + b"\n" + b"".join(raw + b"\n" for raw, _ in BAD) + lines(POSTS[1])
    file.write_bytes(body)
    target = tmp_path / "out.jsonl"
    done = yuqing("score", "--input", str(file), "--output", str(target), "--dead-letters", str(letters))
    assert [row["id"] for row in objects(target.read_bytes())] == ["1", "2"]
    found = objects(letters.read_bytes())
    assert [(row["line"], row["step"], row["reason"], row["sha256"]) for row in found] == [
        (number, "parse", reason, hashlib.sha256(raw).hexdigest()) for number, (raw, reason) in enumerate(BAD, 3)
    ]
    assert b"4 dead letters" in done.stderr


def test_strict_says_three():
    done = yuqing("score", "--strict", stdin=lines(POSTS[2]) + b"{\n", code=3)
    assert len(objects(done.stdout)) == 1


def test_gzip_in_and_out(tmp_path):
    source, target = tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl.gz"
    source.write_bytes(gzip.compress(lines(*POSTS)))
    yuqing("mask", "--input", str(source), "--output", str(target))
    rows = objects(gzip.decompress(target.read_bytes()))
    assert [set(row) for row in rows] == [{"id", "text", "pii"}] * 4
    assert "13812345678" not in rows[0]["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("score", "--input", "/no/such/file"), b"/no/such/file"),
        (("score", "--set", "flink.nonsense=1"), b"flink.nonsense"),
        (("score", "--set", "flink.parallelism=none"), b"flink.parallelism"),
        (("--settings", "/no/such/settings.yaml", "score"), b"/no/such/settings.yaml"),
        (("submit", "opinion", "--source", "ftp://x"), b"ftp"),
        (("submit", "nonsense"), b"nonsense"),
        (("submit", "opinion", "--target", "flink:somewhere"), b"flink:somewhere"),
        (("submit", "opinion", "--engine", "spark"), b"spark"),
        (("replay", "--from", "yesterday", "--to", "1"), b"yesterday"),
        (("resume", "/no/such/savepoint"), b"/no/such/savepoint"),
    ],
)
def test_wrong_usage_is_two_and_names_the_value(arguments, words, tmp_path):
    done = yuqing("--home", str(tmp_path), *arguments, code=2)
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


def test_no_service_is_a_clear_error(tmp_path):
    done = yuqing("--home", str(tmp_path), "sql", "SELECT 1", code=1)
    assert b"yuqing up" in done.stderr


def test_dry_run_prints_the_command_and_makes_nothing(tmp_path):
    home = tmp_path / "home"
    local = yuqing("--home", str(home), "submit", "opinion", "--dry-run").stdout.decode()
    assert "-m pipelines.jobs.program" in local
    target = ("--target", "flink://127.0.0.1:8081", "--dry-run")
    cluster = yuqing("--home", str(home), "submit", "opinion", *target).stdout.decode()
    assert "run -d -m 127.0.0.1:8081" in cluster
    assert not home.exists()


def test_no_command_is_missing():
    listed = yuqing("--help").stdout.decode()
    names = "up down status demo submit jobs savepoint resume cancel score mask topics sql dlq replay alerts episodes"
    for name in f"{names} brief forecast bench".split():
        assert f" {name} " in listed


def test_what_the_contract_names_is_listed():
    listed = yuqing("--help").stdout.decode()
    for name in ("score", "approve", "simulate", "policy", "submit", "brief", "bench"):
        assert f" {name} " in listed, name
