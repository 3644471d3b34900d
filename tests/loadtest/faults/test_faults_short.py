"""The short form of the table of faults, on one home: what CI strikes. `make faults` strikes with all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from loadtest.faults.run import SHORT, Campaign
from loadtest.faults.table import choose, load

pytestmark = [pytest.mark.services, pytest.mark.faults, pytest.mark.timeout(900)]
SIZE = replace(SHORT, slow=5)
"""CI's machine does other things meanwhile: here it counts what holds, `make faults` says within what time."""


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with Campaign(tmp_path_factory.mktemp("faults"), SIZE) as run:
        yield run


@pytest.mark.parametrize("fault", choose(load(), (), short=True), ids=lambda fault: fault.name)
def test_nothing_is_lost_doubled_or_shown(campaign: Campaign, fault) -> None:
    outcome = campaign.row(fault)
    if outcome.state == "skipped":
        pytest.skip("; ".join(outcome.wrong))
    assert not outcome.wrong
