"""`bench naive`: the pipeline against what a person would write first, in one run on the same cores, store and feed.

The plain loop takes one record at a time: JSON, Presidio's AnalyzerEngine with the same recognisers and the same tagger
of names, the same model on one text, one insert of one row. Everything else that the pipeline does (rules, places,
triage, alerts, vault, ledger, dead letters, a second look for names) the loop leaves out.

The shipped model has an architecture of its own, so `transformers.pipeline` cannot hold it: the loop calls the same
int8 ONNX model a text at a time instead, which spares it what that pipeline costs on top.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pipelines.bench.machine import description
from pipelines.bench.throughput import end_to_end
from pipelines.engines.splits import SplitReader, splits_of
from pipelines.feeds.uri import FileSource, GenerateSource, parse
from pipelines.jobs.site import Site
from pipelines.store.client import connect, translated
from schemas import settings as site_settings
from udfs.encoder.step import Classify

TABLE = "bench_naive"
DROP = f"DROP TABLE IF EXISTS {TABLE}"
Masked = Callable[[str], str]
Judged = Callable[[str], tuple[str, float]]


def run(home: Path, source: str, parallelism: int, seconds: float, start: Any, say: Any) -> dict[str, Any]:
    """Measure both on the same feed and return the report. The loop ends after `seconds`; `start(spec)` runs a spec."""
    feed = parse(source)
    if not isinstance(feed, FileSource | GenerateSource):
        raise TypeError(f"bench naive takes a file or a generated feed, not {source}")
    report: dict[str, Any] = {"machine": description(), "source": feed.uri, "parallelism": parallelism}
    say(f"the plain loop, for {seconds:g} s")
    report["loop"] = loop(home, feed, seconds)
    say("the pipeline: Flink")
    found = end_to_end(home, feed.uri, parallelism, start)
    report["pipeline"] = {name: found[name] for name in ("posts", "posts_per_s", "seconds", "memo") if name in found}
    report["times_as_fast"] = report["pipeline"]["posts_per_s"] / report["loop"]["posts_per_s"]
    return report


def loop(home: Path, feed: FileSource | GenerateSource, seconds: float) -> dict[str, Any]:
    masked, (model, judged) = _analyzer(), _classifier()
    store = Site(home, site_settings.load()).store
    shares = {"mask": 0.0, "model": 0.0, "insert": 0.0}
    posts = 0
    with connect(store) as client, translated("bench naive"):
        client.command(DROP)
        client.command(
            f"CREATE TABLE {TABLE} (id String, at DateTime64(3), text String, sentiment String, score Float32) "
            "ENGINE = MergeTree ORDER BY (at, id)"
        )
        masked("开始"), judged("开始")
        began = time.perf_counter()
        reader = SplitReader()
        for split in splits_of(feed):
            for raw in reader.read(split).column("raw").to_pylist():
                try:
                    post = msgspec.json.decode(raw)
                    text = str(post["text"])
                except (msgspec.DecodeError, KeyError, TypeError):
                    continue
                marks = [time.perf_counter()]
                shown = masked(text)
                marks.append(time.perf_counter())
                label, score = judged(shown)
                marks.append(time.perf_counter())
                client.insert(TABLE, [[str(post["id"]), datetime.now(UTC), shown, label, score]])
                marks.append(time.perf_counter())
                for name, begun, ended in zip(shares, marks, marks[1:], strict=False):
                    shares[name] += ended - begun
                posts += 1
                if marks[-1] - began > seconds:
                    break
            else:
                continue
            break
        spent = time.perf_counter() - began
        client.command(DROP)
    costs = {name: 1e6 * share / posts for name, share in shares.items()}
    return {"model": model, "posts": posts, "posts_per_s": posts / spent, "seconds": spent, "cost_us": costs}


def _analyzer() -> Masked:
    """Presidio as its documentation shows it, with our recognisers, which it has none of for China."""
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

    from udfs.pii.registry import batched_recognisers, presidio_registry

    class NoLanguageModel(NlpEngine):
        """No Chinese spaCy model can be had; names are found by the tagger below."""

        engine_name = "none"

        def load(self) -> None: ...

        def is_loaded(self) -> bool:
            return True

        def process_text(self, text: str, language: str) -> NlpArtifacts:
            return NlpArtifacts([], [], [], [], self, language)

        def process_batch(self, texts: Any, language: str, **_: Any) -> Any:
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, language: str) -> bool:
            return False

        def is_punct(self, word: str, language: str) -> bool:
            return False

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return ["zh"]

    class Names(EntityRecognizer):
        """The tagger of names, a text at a time."""

        def load(self) -> None:
            (self._names,) = batched_recognisers()

        def analyze(self, text: str, entities: Any, nlp_artifacts: Any = None) -> list[RecognizerResult]:
            (found,) = self._names.analyze_batch([text])
            return [RecognizerResult(span.type, span.start, span.end, span.score) for span in found]

    registry = presidio_registry()
    registry.add_recognizer(Names(["PERSON"], supported_language="zh"))
    engine = AnalyzerEngine(registry=registry, nlp_engine=NoLanguageModel(), supported_languages=["zh"])

    def masked(text: str) -> str:
        for found in sorted(engine.analyze(text, "zh"), key=lambda found: -found.start):
            text = f"{text[: found.start]}<{found.entity_type}>{text[found.end :]}"
        return text

    return masked


def _classifier() -> tuple[str, Judged]:
    """The default model, a text at a time, nothing remembered."""
    step = Classify(cache_size=0)
    step.open()

    def judged(text: str) -> tuple[str, float]:
        label, score, *_ = step.decide(step.probabilities([text], ["zh"]), 0)
        return str(label), float(score)

    return step.model, judged
