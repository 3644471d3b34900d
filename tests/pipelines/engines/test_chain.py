"""A chain isolates records that fail, keeps their bytes from later steps, and never blames one for the store."""

import pickle

import pyarrow as pa
import pytest

from governance.breaker import CircuitBreaker
from pipelines.engines.chain import Chain, labels
from schemas.errors import CircuitOpen, JobError, ModelError, RecordError, StoreUnavailable
from schemas.records import RAW, with_columns
from schemas.step import ERROR, Sink, Step

SECRET = "张三的秘密"


def raw(values):
    n = len(values)
    return pa.RecordBatch.from_pydict(
        {
            "source": ["s"] * n,
            "partition": ["p"] * n,
            "offset": list(range(n)),
            "timestamp": [0] * n,
            "ingested_at": [0] * n,
            "raw": values,
        },
        schema=RAW,
    )


class Collected:
    """Dead letters in a list."""

    def __init__(self):
        self.rows = []

    def open(self): ...

    def write(self, dead):
        self.rows += dead.to_pylist()

    def close(self): ...


class Decode(Step):
    name = "parse"
    reads = ("raw",)
    writes = pa.schema([("text", pa.string()), (ERROR, pa.string())])

    def apply(self, batch):
        values = batch.column("raw").to_pylist()
        errors = ["empty" if not value else None for value in values]
        return with_columns(batch, self.writes, {"text": [v.decode() for v in values], ERROR: errors})


class Upper(Step):
    """Fails on a text that holds `bad`, quoting it as careless libraries do."""

    name = "upper"
    reads = ("text",)
    writes = pa.schema([("text", pa.string())])

    def __init__(self, error=ValueError):
        self.error = error
        self.batches = []

    def apply(self, batch):
        texts = batch.column("text").to_pylist()
        self.batches.append(len(texts))
        assert "raw" not in batch.schema.names
        for text in texts:
            if "bad" in text:
                raise self.error(f"cannot process {text}")
        return with_columns(batch, self.writes, {"text": [text.upper() for text in texts]})


class Store(Sink):
    name = "store"
    reads = ("text",)

    def __init__(self, errors=()):
        self.errors = list(errors)
        self.rows = []

    def apply(self, batch):
        if self.errors:
            raise self.errors.pop(0)
        self.rows += batch.column("text").to_pylist()
        return batch


def run(values, *steps, breaker=None):
    dead = Collected()
    chain = Chain(steps, dead, breaker)
    chain.open()
    out = chain.run(raw(values))
    chain.close()
    return out, dead.rows, chain


def test_a_failing_record_is_found_by_halving_and_its_neighbours_go_on():
    upper, store = Upper(), Store()
    values = [f"t{i}".encode() for i in range(64)]
    values[37] = f"bad {SECRET}".encode()
    out, dead, _ = run(values, Decode(), upper, store)
    assert out.num_rows == 63
    assert store.rows == [f"T{i}" for i in range(64) if i != 37]
    assert [(row["step"], row["offset"], row["raw"]) for row in dead] == [("upper", 37, values[37])]
    assert len(upper.batches) == 1 + 2 * 6  # the whole batch, then two halves at each of log2(64) levels


def test_a_reason_names_the_error_and_never_quotes_the_text():
    _, dead, _ = run([f"bad {SECRET}".encode()], Decode(), Upper(), Store())
    assert dead[0]["reason"].startswith("ValueError at apply:")
    assert SECRET not in dead[0]["reason"]


def test_a_record_error_gives_its_own_words():
    class Refuse(Upper):
        def apply(self, batch):
            raise RecordError("no place for this")

    _, dead, _ = run([b"x"], Decode(), Refuse(), Store())
    assert dead[0]["reason"] == "no place for this"


def test_rows_rejected_by_the_step_itself():
    out, dead, _ = run([b"a", b"", b"c"], Decode(), Upper(), Store())
    assert out.column("text").to_pylist() == ["A", "C"]
    assert [(row["step"], row["offset"], row["reason"]) for row in dead] == [("parse", 1, "empty")]


def test_a_batch_in_which_all_fail_still_ends():
    out, dead, _ = run([b"bad"] * 5, Decode(), Upper(), Store())
    assert out.num_rows == 0
    assert len(dead) == 5


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ModelError("damaged"), MemoryError()])
def test_what_no_record_causes_is_raised_and_makes_no_dead_letter(error):
    dead = Collected()
    chain = Chain((Decode(), Store([error])), dead)
    chain.open()
    with pytest.raises(type(error)):
        chain.run(raw([b"a", b"b"]))
    assert dead.rows == []


def test_a_missing_column_is_nobodys_record():
    class Needy(Upper):
        reads = ("places",)

    with pytest.raises(JobError, match="step upper needs the columns places"):
        run([b"a"], Decode(), Needy())


def test_an_empty_batch_passes():
    out, dead, _ = run([], Decode(), Upper(), Store())
    assert out.num_rows == 0
    assert dead == []


def test_the_breaker_opens_above_one_percent_of_a_thousand_and_spares_parse():
    breaker = CircuitBreaker()
    values = [b"bad" if i % 50 == 0 else b"ok" for i in range(1000)]
    with pytest.raises(CircuitOpen, match="step upper: 20 of the last 1000"):
        run(values, Decode(), Upper(), Store(), breaker=breaker)
    run([b""] * 900 + [b"ok"] * 100, Decode(), Upper(), Store(), breaker=CircuitBreaker())


def test_steps_opened_before_one_that_fails_are_closed():
    closed = []

    class First(Upper):
        def close(self):
            closed.append(self.name)

    class Broken(Upper):
        def open(self):
            raise ModelError("no such bundle")

    with pytest.raises(ModelError):
        Chain((First(), Broken()), Collected()).open()
    assert closed == ["upper"]


def test_costs_are_counted_per_step():
    _, _, chain = run([b"a", b"bad", b"c"], Decode(), Upper(), Store())
    assert {name: cost.rows for name, cost in chain.costs.items()} == {"parse": 3, "upper": 3, "store": 2}


def test_labels():
    assert labels(["a", "alert", "b", "alert"]) == ["a", "alert", "b", "alert 2"]


def test_it_pickles_before_it_is_opened():
    chain = pickle.loads(pickle.dumps(Chain((Decode(), Upper()), Collected())))
    assert [step.name for step in chain.steps] == ["parse", "upper"]
