"""The combined pass gives what Presidio's own engine gives; the public numbers and plug-ins."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

from schemas.errors import UsageError
from tests.udfs.pii import identifiers as make
from tests.udfs.pii.cases import NEGATIVE, POSITIVE
from udfs.pii import registry
from udfs.pii.detector import THRESHOLD, Detector
from udfs.pii.spans import Span, resolve


class NoLanguageModel(NlpEngine):
    """Presidio wants an engine; identifiers need none."""

    engine_name = "none"
    is_available = True

    def load(self):
        pass

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        return NlpArtifacts([], [], [], [], self, language)

    def process_batch(self, texts, language, **options):
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word, language):
        return False

    def is_punct(self, word, language):
        return False

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["zh"]


@pytest.fixture(scope="module")
def presidio():
    engine = AnalyzerEngine(
        registry=registry.presidio_registry(),
        nlp_engine=NoLanguageModel(),
        supported_languages=["zh"],
        default_score_threshold=THRESHOLD,
    )

    def spans(text):
        found = engine.analyze(text, "zh")
        return resolve(text, [Span(r.entity_type, r.start, r.end, r.score) for r in found])

    return spans


def _texts():
    yield from (text for cases in POSITIVE.values() for text, _ in cases)
    yield from (text for cases in NEGATIVE.values() for text in cases)
    r = random.Random(11)
    makers = [make.mobile, make.landline, make.resident_id, make.bank_card, make.uscc, make.plate, make.email, make.url]
    for _ in range(300):
        parts = [part for _ in range(r.randint(1, 4)) for part in (make.han(r, r.randint(0, 6)), r.choice(makers)(r))]
        yield "".join(parts)
    alphabet = "0123456789一三八零abX@.:/-京A微信qQ护照 😀，\u200b＠１"
    for _ in range(1500):
        yield "".join(r.choices(alphabet, k=r.randint(1, 40)))


def test_the_combined_pass_gives_the_spans_of_presidios_engine(presidio):
    detector = Detector(registry.identifier_recognisers())
    for text in _texts():
        assert resolve(text, detector.find(text)) == presidio(text), text


def test_the_recognisers_alone_import_no_presidio():
    """Presidio brings spaCy: seconds of CPU in every worker, for nothing but plug-ins."""
    code = "import sys; from udfs.pii.step import Mask; Mask().open(); sys.exit('presidio_analyzer' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_published_numbers_stay_and_a_site_adds_its_own(tmp_path):
    file = tmp_path / "duty.yaml"
    file.write_text("numbers:\n  - {number: '0371-66012345', what: duty office}\n", encoding="utf-8")
    text = "值班电话0371-66012345，也可打12345或QQ12345，我的0371-66012346"
    shipped = Detector(registry.identifier_recognisers(), public_numbers=registry.public_numbers())
    ours = Detector(registry.identifier_recognisers(), public_numbers=registry.public_numbers(str(file)))
    assert [text[s.start : s.end] for s in shipped.find(text)] == ["0371-66012345", "0371-66012346"]
    assert [text[s.start : s.end] for s in ours.find(text)] == ["0371-66012346"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("numbers: 5", ""),
        ("[", "line"),
        ("other: []", ""),
        ("a: 1\nchecked: 2021-02-30", "line 2: a value cannot be read"),
    ],
)
@pytest.mark.parametrize(
    ("read", "setting"), [(registry.public_numbers, "public_numbers"), (registry.allowed_names, "allow_list")]
)
def test_a_bad_file_says_so(tmp_path, read, setting, content, where):
    file = tmp_path / "bad.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=f"{setting}: .*bad.yaml cannot be read.*{where}"):
        read(str(file))


class CaseNumber(PatternRecognizer):
    """A site's own recogniser."""

    def __init__(self):
        super().__init__("CASE_NUMBER", patterns=[Pattern("case", r"案件[A-Z]\d{4}", 0.8)], supported_language="zh")


def test_a_plug_in_runs_through_its_own_analyze():
    detector = Detector([], [registry.plug_in("tests.udfs.pii.test_detector:CaseNumber")])
    assert detector.find("见案件A1234") == [Span("CASE_NUMBER", 1, 8, 0.8)]


@pytest.mark.parametrize("path", ["nowhere:Class", "udfs.pii.registry:missing", "udfs.pii.registry:plug_in", "noclass"])
def test_a_plug_in_that_cannot_be_had_says_so(path):
    with pytest.raises(UsageError, match="recogniser"):
        registry.plug_in(path)
