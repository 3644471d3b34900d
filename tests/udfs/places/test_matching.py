"""The table of posts in ``cases.py``, and what holds for every text."""

import pytest

from udfs.places.gazetteer import Gazetteer
from udfs.places.lexicon import Lexicon
from udfs.places.matching import Matcher

from .cases import NO_PLACES, PLACES


@pytest.fixture(scope="module")
def matcher():
    return Matcher(Lexicon(Gazetteer.load()))


def paths(matcher, text, region=None):
    nodes = matcher.region(region) if region else ()
    found = matcher.places(text, nodes) or [(node, -1, -1) for node in nodes]
    return [matcher.lexicon.nodes[node].path for node, _, _ in found]


@pytest.mark.parametrize(("text", "region", "expected"), PLACES)
def test_places(matcher, text, region, expected):
    assert paths(matcher, text, region) == expected


@pytest.mark.parametrize("text", NO_PLACES)
def test_no_places(matcher, text):
    assert paths(matcher, text) == []
