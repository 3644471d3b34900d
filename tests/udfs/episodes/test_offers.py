"""Which offers are near: held against the rule, said once more in plain words."""

from __future__ import annotations

import random

import pytest

from udfs.episodes import offers as module
from udfs.episodes.offers import MOST, WITHIN_KM, WITHIN_MS, Offer, Offers, distance_km

NEEDS = ["rescue", "medical", "supplies", "transport"]
ITEMS = ["饮用水", "药品", "冲锋舟"]
HOUR = 3_600_000


def made(r: random.Random, count: int) -> list[Offer]:
    counties = [(f"4101{n:02d}", 34 + r.random(), 113 + r.random()) for n in range(12)]
    return [
        Offer(
            "weibo",
            f"p{n}",
            r.randrange(0, 60) * HOUR,  # many of the same moment
            *r.choice(counties),
            tuple(r.sample(NEEDS, r.randint(0, 2))),
            tuple(r.sample(ITEMS, r.randint(0, 1))),
        )
        for n in r.sample(range(1_000_000), count)
    ]


def plainly(offers, needs, items, adcode, lat, lon, at):
    fitting = [
        (one, km)
        for one in offers
        if abs(one.at - at) <= WITHIN_MS
        and (set(one.serves) & set(needs) or set(one.items) & set(items))
        and (km := distance_km(lat, lon, one.lat, one.lon)) <= WITHIN_KM
    ]
    fitting.sort(key=lambda pair: (not adcode or pair[0].adcode != adcode, pair[1], -pair[0].at, pair[0].post_id))
    return fitting[:MOST]


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_offers_are_those_of_the_rule(seed):
    r = random.Random(seed)
    given = made(r, 400)
    offers = Offers(given)
    answers = 0
    for _ in range(60):
        home = r.choice(given)
        asked = {
            "needs": r.sample([*NEEDS, "danger"], r.randint(0, 3)),
            "items": r.sample([*ITEMS, "没有的"], r.randint(0, 2)),
            "adcode": r.choice([home.adcode, "", "110101"]),
            "lat": home.lat + r.uniform(-0.3, 0.3),
            "lon": home.lon,
            "at": r.randrange(0, 60) * HOUR,
        }
        found = offers.nearby(**asked)
        assert found == plainly(given, **asked), asked
        answers += len(found)
    assert answers > 60


def test_an_offer_is_added_once_and_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    offers = Offers()
    given = made(random.Random(1), 5)
    assert [offers.add(one) for one in [given[0], *given]] == [True, False, True, True, True, True]
    assert list(offers) == given[2:]
    new = given[-1]
    where = {"adcode": new.adcode, "lat": new.lat, "lon": new.lon, "at": new.at}
    assert [one for one, _ in Offers().nearby(needs=NEEDS, items=ITEMS, **where)] == []
    before = offers.nearby(needs=NEEDS, items=[], **where)
    later = Offer("x", "later", new.at, new.adcode, new.lat, new.lon, ("rescue",))
    offers.add(later)
    assert (later, 0.0) in offers.nearby(needs=NEEDS, items=[], **where), "what was added is found at once"
    assert (later, 0.0) not in before
