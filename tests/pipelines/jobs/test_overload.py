"""Overload in the opinion job: who may shed, where the lag comes from, and that no call is lost by it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

import msgspec
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.engines.chain import Chain
from pipelines.engines.flink_udfs import RunRecords
from pipelines.feeds import generate
from pipelines.feeds.uri import parse
from pipelines.jobs import registry
from pipelines.jobs.dead_letters import CountedDeadLetters
from pipelines.jobs.run import Spec
from pipelines.store.shed import NoteLag
from schemas.errors import UsageError
from schemas.records import LOCATED, RAW, with_columns
from schemas.settings import load
from training.encoder.judge_triage import labelled
from training.encoder.needs import DEV
from udfs.encoder.shedding import SHED, SheddingClassify
from udfs.encoder.step import Classify
from udfs.keywords.step import Match
from udfs.language import Language
from udfs.parse import Parse
from udfs.triage.step import Triage

KAFKA = "kafka://127.0.0.1:9/posts"


def steps_of(source, generation=0, settings=(), tmp_path=None):
    spec = Spec(
        job="opinion", source=source, home=str(tmp_path), run="r", generation=generation, overrides=tuple(settings)
    )
    job, _ = registry.of_spec(spec)
    return job.steps


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A home whose store has an address, so that a job can be built for it."""
    monkeypatch.setenv("YUQING_STORE__URL", "http://127.0.0.1:1")
    return lambda *arguments, **options: steps_of(*arguments, tmp_path=tmp_path, **options)


@pytest.mark.parametrize(
    ("source", "options", "sheds"),
    [
        (KAFKA, {}, True),
        (f"{KAFKA}?start=earliest", {}, True),
        (f"{KAFKA}?end=latest", {}, False),
        (KAFKA, {"generation": 1}, False),
        (KAFKA, {"settings": ["overload.lag_s=0"]}, False),
        ("dir:///inbox", {}, False),
        ("file:///posts.jsonl", {}, False),
        ("generate:?rate=100", {}, False),
    ],
)
def test_only_a_live_stream_sheds(site, source, options, sheds):
    assert any(isinstance(step, SheddingClassify) for step in site(source, **options)) == sheds


def test_a_live_stream_notes_its_lag_last_and_others_none(site):
    assert isinstance(site(KAFKA)[-1], NoteLag)
    assert isinstance(site(KAFKA, settings=["overload.lag_s=0"])[-1], NoteLag), (
        "how far it is behind is told all the same"
    )
    assert not [step for step in site("dir:///inbox") if isinstance(step, NoteLag)]


def test_thresholds_come_from_the_settings(site):
    (step,) = (s for s in site(KAFKA, settings=["overload.lag_s=4", "overload.back_s=2"]) if s.name == "classify")
    assert [step._overload.see(lag) for lag in (3_999, 4_000, 2_000, 1_999)] == [False, True, True, False]


def test_settings_in_the_wrong_order_are_named():
    with pytest.raises(UsageError, match=r"overload.*back_s \(10\) must be less than lag_s \(5\)"):
        load(overrides=["overload.lag_s=5"])
    assert load(overrides=["overload.lag_s=0"]).overload.lag_s == 0


def test_the_time_of_publishing_is_kafkas_own():
    """Flink hands it on as a timestamp; `created_at` is the author's and says nothing of the queue."""
    taken = []
    records = RunRecords.__new__(RunRecords)
    records._run = taken.append
    published = 1_795_300_000_123
    raw = pd.Series([b'{"id":"a","text":"x","created_at":5}'])
    records.eval(
        pd.Series(["posts"]), pd.Series([0]), pd.Series([7]), pd.Series([pd.Timestamp(published, unit="ms")]), raw
    )
    assert taken[0].column("timestamp").to_pylist() == [published]


NOW = 1_795_303_600_000
AN_HOUR = 3_600_000


def late():
    return NOW


def records_of(texts):
    """Records that Kafka got an hour ago."""
    values = {
        "source": ["posts"] * len(texts),
        "partition": ["0"] * len(texts),
        "offset": range(len(texts)),
        "timestamp": [NOW - AN_HOUR] * len(texts),
        "ingested_at": [NOW] * len(texts),
        "raw": [msgspec.json.encode({"id": str(k), "text": text}) for k, text in enumerate(texts)],
    }
    return pa.RecordBatch.from_arrays([pa.array(values[field.name], field.type) for field in RAW], schema=RAW)


@contextmanager
def chain_of(*steps):
    chain = Chain(steps, CountedDeadLetters())
    chain.open()
    yield chain
    chain.close()


@pytest.fixture(scope="module")
def before():
    """Hand-labelled and generated posts as `classify` gets them, but for masking and places, which cost seconds to
    open and change little here."""
    source = parse("generate:?posts=700&seed=77&share=0.5&onset=0.1&minutes=60&start=1795300000000")
    texts = [row["text"] for row in labelled(DEV)]
    texts += [generate.draft_of(source, index).text.text for index in range(700)]
    with chain_of(Parse(), Language(), Match()) as chain:
        batch = chain.run(records_of(texts))
    return with_columns(batch, LOCATED, {"places": [[]] * batch.num_rows})


def test_the_time_of_publishing_stays_when_the_raw_bytes_leave(before):
    assert "raw" not in before.schema.names
    assert set(before.column("timestamp").to_pylist()) == {NOW - AN_HOUR}


def test_no_call_changes_when_the_stream_is_behind(before):
    with chain_of(Classify(), Triage()) as chain:
        whole = chain.run(before).select(DECIDED).to_pylist()
    with chain_of(SheddingClassify(clock=late), Triage()) as chain:
        behind = chain.run(before).select(DECIDED).to_pylist()
    shed = [row["model"].endswith(SHED) for row in behind]
    assert sum(shed) / len(shed) >= 0.4, "too little is shed to prove anything, or to help"
    levels = Counter(row["priority"] for row in whole)
    assert levels[1] >= 150
    assert levels[2] >= 30
    changed = Counter(
        (one["priority"], other["priority"])
        for one, other in zip(whole, behind, strict=True)
        if one["priority"] != other["priority"]
    )
    assert all(one >= 3 and other >= 3 for one, other in changed), changed
    assert all(one == other for one, other, gone in zip(whole, behind, shed, strict=True) if not gone)


DECIDED = ["priority", "needs", "state", "model", "hazards", "sentiment", "help_score"]
