"""The step `seal`: identities leave the record as tokens and sealed values, and nothing in clear stays."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from governance.crypto import Sealer
from governance.keys import ensure_keys, load_keys
from governance.seal import Seal, vault_context
from governance.tokens import Tokeniser
from schemas import records
from schemas.errors import UsageError
from udfs.checks import check_udf, sample_batch

Found = tuple[str, int, int, str]


def batch_of(*posts: dict[str, Any]) -> pa.RecordBatch:
    def identifiers(found: list[Found] | None) -> list[dict[str, Any]] | None:
        return found and [dict(zip(("type", "start", "end", "value"), one, strict=True)) for one in found]

    columns: dict[str, list[Any]] = {
        name: [post.get(name) for post in posts] for name in ("author", "url", "extra", "region")
    }
    columns |= {
        "id": [post.get("id", f"p{i}") for i, post in enumerate(posts)],
        "platform": [post.get("platform", "weibo") for post in posts],
        "identifiers": [identifiers(post.get("identifiers", [])) for post in posts],
    }
    return sample_batch(["<x>"] * len(posts), columns)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ensure_keys(tmp_path)
    return tmp_path


def sealed(home: Path, *posts: dict[str, Any]) -> list[dict[str, Any]]:
    step = Seal(home)
    step.open()
    rows: list[dict[str, Any]] = step.apply(batch_of(*posts)).to_pylist()
    step.close()
    return rows


MOBILE: Found = ("CN_MOBILE", 3, 14, "13812345678")
CASES: list[tuple[dict[str, Any], list[Found]]] = [
    ({}, []),
    ({"identifiers": None}, []),
    ({"author": "", "url": ""}, []),
    ({"identifiers": [MOBILE]}, [MOBILE]),
    ({"identifiers": [MOBILE, ("PERSON", 20, 22, "张三")]}, [MOBILE, ("PERSON", 20, 22, "张三")]),
    ({"author": "某人"}, [("AUTHOR", -1, -1, "某人")]),
    ({"author": "某人", "url": "https://a.example/1"}, [("URL_FIELD", -1, -1, "https://a.example/1")]),
    ({"url": "https://a.example/1"}, [("URL_FIELD", -1, -1, "https://a.example/1")]),
    (
        {"author": "某人", "identifiers": [("EMAIL_ADDRESS", 0, 10, "a@b.example")]},
        [("EMAIL_ADDRESS", 0, 10, "a@b.example"), ("AUTHOR", -1, -1, "某人")],
    ),
    ({"extra": '{"phone": "13800009999"}'}, []),
]


@pytest.mark.parametrize(("post", "kept"), CASES)
def test_what_goes_into_the_vault_opens_again(home: Path, post: dict[str, Any], kept: list[Found]) -> None:
    row = sealed(home, post)[0]
    keys = load_keys(home)
    sealer = Sealer(keys.master)
    opened = []
    for v in row["vault"]:
        clear = sealer.open(v["ciphertext"], vault_context("weibo", "p0", v["type"], v["start"])).decode()
        opened.append((v["type"], v["start"], v["end"], clear))
    assert opened == kept
    assert {v["key_id"] for v in row["vault"]} <= {keys.master[0].id}


def test_all_cases_in_one_batch_keep_their_rows_apart(home: Path) -> None:
    rows = sealed(home, *(post for post, _ in CASES))
    assert [[v["type"] for v in row["vault"]] for row in rows] == [[kind for kind, *_ in kept] for _, kept in CASES]


TOKEN_CASES: list[tuple[list[Found], list[str]]] = [
    ([], []),
    ([MOBILE], ["13812345678"]),
    ([MOBILE, ("CN_MOBILE", 20, 33, "138-1234-5678")], ["13812345678"]),
    ([("CN_MOBILE", 0, 11, "13900000000"), MOBILE], ["13900000000", "13812345678"]),
    ([("BANK_CARD", 0, 19, "6222020200112233445"), MOBILE, ("PERSON", 30, 32, "张三")], ["13812345678"]),
]


@pytest.mark.parametrize(("found", "numbers"), TOKEN_CASES)
def test_phone_tokens_are_distinct_and_in_text_order(home: Path, found: list[Found], numbers: list[str]) -> None:
    tokens = Tokeniser(load_keys(home).token)
    assert sealed(home, {"identifiers": found})[0]["phone_tokens"] == [tokens.token("CN_MOBILE", n) for n in numbers]


def test_tokens_stand_only_where_a_number_repeats(home: Path) -> None:
    kinds = ["CN_MOBILE", "CN_LANDLINE", "CN_ID", "BANK_CARD", "CN_PLATE", "IM_ID", "EMAIL_ADDRESS"]
    named = ["PERSON", "ADDRESS", "USERNAME", "PLACE", "URL"]
    found = [(kind, i, i + 1, "12345678901") for i, kind in enumerate(kinds + named)]
    row = sealed(home, {"author": "某人", "identifiers": found})[0]
    assert {v["type"] for v in row["vault"] if v["token"]} == set(kinds)
    assert row["author_token"] not in {v["token"] for v in row["vault"]}


def test_the_author_token_is_the_same_in_every_post_and_empty_without_author(home: Path) -> None:
    rows = sealed(home, {"author": "某人"}, {"author": None}, {"author": ""}, {"author": "某人", "url": "u"})
    tokens = [row["author_token"] for row in rows]
    assert tokens[0] == tokens[3] == Tokeniser(load_keys(home).token).author("weibo", "某人")
    assert tokens[1] == tokens[2] == ""


MARKS = {"author": "MARK-AUTHOR", "url": "https://MARK-URL.example", "extra": '{"k": "MARK-EXTRA"}'}


def test_nothing_in_clear_stays_in_the_batch(home: Path) -> None:
    step = Seal(home)
    step.open()
    out = step.apply(batch_of({**MARKS, "identifiers": [("PERSON", 0, 9, "MARK-NAME"), MOBILE]}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, out.schema) as writer:
        writer.write_batch(out)
    blob = sink.getvalue().to_pybytes()
    assert b"MARK" not in blob
    assert b"13812345678" not in blob
    assert not set(Seal.drops) & set(out.schema.names)


def test_the_contract_of_steps(home: Path) -> None:
    check_udf(Seal(home))
    check_udf(Seal(home), batch_of(*(post for post, _ in CASES)))


def test_a_step_pickles_before_and_not_after_open(home: Path) -> None:
    step = pickle.loads(pickle.dumps(Seal(home)))
    step.open()
    with pytest.raises(TypeError, match=r"cannot pickle|not pickled"):
        pickle.dumps(step)


def test_without_keys_the_step_refuses_to_open(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run `yuqing up` once"):
        Seal(tmp_path).open()
    with pytest.raises(RuntimeError, match="open"):
        Seal(tmp_path).apply(sample_batch(["x"]))
    assert not (tmp_path / "keys").exists(), "a worker must never make keys of its own"


def test_the_schema_of_what_it_writes(home: Path) -> None:
    assert [field.name for field in Seal.writes] == [field.name for field in records.SEALED] + ["vault"]
