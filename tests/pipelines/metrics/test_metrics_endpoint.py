"""The page of metrics: where it is, what stands on it, and that labels are closed."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx
import pytest

from pipelines.metrics import declared, endpoint, reference
from pipelines.services.registry import Registry
from schemas.errors import ServiceError, UsageError
from tests.conftest import Home

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def scrape(port: int) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def families(page: str) -> dict[str, str]:
    """Name -> kind, as Prometheus reads them."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))


@pytest.fixture
def page():
    """Counts the watch's metrics and returns a function that reads them over HTTP."""
    with endpoint.listen(0) as listener, endpoint.serve(declared.WATCH, listener):
        port = listener.getsockname()[1]
        yield lambda: scrape(port)


@pytest.mark.services
@pytest.mark.parametrize("service", declared.BOTH)
def test_a_real_service_shows_what_is_declared_and_nothing_else(home: Home, service: str) -> None:
    entry = Registry(home.path).running(service)
    assert entry is not None
    shown = families(scrape(entry.ports["metrics"]))
    assert set(shown) == {one.name for one in declared.of_service(service)}
    assert [one.name for one in declared.of_service(service) if one.kind not in (shown[one.name], "process")] == []


@pytest.mark.services
def test_clickhouse_shows_its_own_counters_and_no_query(home: Home) -> None:
    entry = Registry(home.path).running("clickhouse")
    assert entry is not None
    home.rows("SELECT 'secret of a query' AS secretive")
    shown = httpx.get(f"{entry.url}/metrics", timeout=10, trust_env=False).text
    assert families(shown)["ClickHouseProfileEvents_Query"] == "counter"
    assert families(shown)["ClickHouseMetrics_Query"] == "gauge"
    assert "secret" not in shown
    assert httpx.get(f"{entry.url}/ping", trust_env=False).text == "Ok.\n"
    unknown = httpx.get(f"{entry.url}/?query=SELECT+1", trust_env=False)
    assert "USER_SESSION_LIMIT_EXCEEDED" in unknown.text, "nobody else may ask, as ever"


def test_names_follow_the_conventions() -> None:
    for one in declared.ALL.values():
        assert re.fullmatch(r"(yuqing|process)_[a-z_]+", one.name)
        assert (one.kind == "counter") == one.name.endswith("_total") or one.kind == "process", one.name
        assert one.help.endswith(".")
        assert set(one.services) <= set(declared.BOTH)
        if one.kind == "histogram":
            assert one.name.endswith("_seconds")


def test_the_number_of_series_is_bounded() -> None:
    assert max(len(list(one.combinations())) for one in declared.ALL.values()) <= 20


def test_a_value_that_is_not_declared_is_other(page) -> None:
    declared.POSTS_TAKEN.add(3, follower="某县某村 13900000000")
    assert 'yuqing_follower_posts_total{follower="other"} 3.0' in page()
    assert "某县" not in page()


def test_nothing_counts_until_it_is_served_nor_afterwards() -> None:
    declared.TICKS.add()
    for _ in range(2):
        with endpoint.listen(0) as listener, endpoint.serve(declared.WATCH, listener):
            assert declared.TICKS.counts
            assert not declared.ALERTS_DELIVERED.counts, "of another service"
            assert "yuqing_follower_ticks_total 0.0" in scrape(listener.getsockname()[1])
            declared.TICKS.add()
        assert not declared.TICKS.counts


def test_there_is_one_page(page) -> None:
    with endpoint.listen(0) as listener, endpoint.serve(declared.NOTIFIER, listener):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert httpx.get(f"{url}/", trust_env=False).status_code == 404
        assert httpx.get(f"{url}/metricsx", trust_env=False).status_code == 404
        assert httpx.get(f"{url}/metrics?name[]=x", trust_env=False).status_code == 200
        assert httpx.post(f"{url}/metrics", trust_env=False).status_code == 501


def test_it_listens_on_loopback_and_says_when_it_cannot() -> None:
    with endpoint.listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        with pytest.raises(ServiceError, match="in use"):
            endpoint.listen(listener.getsockname()[1])
    silent = socket.socket().detach()
    with pytest.raises(UsageError, match=r"--metrics \d+: not the descr"), endpoint.serve(declared.WATCH, silent):
        pass
    with endpoint.serve(declared.WATCH, None):
        assert not declared.TICKS.counts


def test_the_table_in_the_docs_is_what_the_code_says() -> None:
    text = PAGE.read_text("utf-8")
    assert text == reference.with_table(text), "run: python -m pipelines.metrics.reference docs/metrics.md"
    assert [name for name in declared.ALL if f"| `{name}` |" not in text] == []
    with pytest.raises(ValueError, match="lacks"):
        reference.with_table("# Metrics\n")
