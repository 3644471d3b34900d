"""The environment that `make env` builds."""

import urllib3


def test_urllib3_is_urllib3():
    """The store's client stands on it, and the wheel of urllib3-future, which grafana-client brings, puts itself in its
    place (its versions end in 900 and more): the Makefile builds it so that it does not."""
    assert int(urllib3.__version__.split(".")[2]) < 900
