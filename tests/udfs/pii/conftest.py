import pytest

from udfs.pii import registry
from udfs.pii.detector import Detector
from udfs.pii.spans import resolve


@pytest.fixture(scope="session")
def detector():
    return Detector(registry.identifier_recognisers(), public_numbers=registry.public_numbers())


@pytest.fixture(scope="session")
def find(detector):
    """Return (type, value) of every identifier of a text, in order."""

    def found(text: str) -> list[tuple[str, str]]:
        return [(span.type, text[span.start : span.end]) for span in resolve(text, detector.find(text))]

    return found
