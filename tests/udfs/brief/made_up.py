"""A made-up flood night, as a brief; also what one looks at when the page is changed:

python -m tests.udfs.brief.made_up FOLDER [zh|en]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from udfs.brief.content import (
    Bin,
    Brief,
    District,
    Episode,
    Figure,
    Forecast,
    Hazard,
    Mood,
    Query,
    Quote,
    Silence,
    Supply,
    Topic,
)
from udfs.places.gazetteer import Gazetteer

MINUTE = 60_000
START = int(datetime.fromisoformat("2026-07-20T18:00:00+08:00").timestamp() * 1000)
END = START + 8 * 60 * MINUTE
COUNTIES = ("410103", "410104", "410105", "410122", "410181", "410182", "410183", "410184", "410185")


def at(minutes_before_end: float) -> int:
    return END - round(minutes_before_end * MINUTE)


def quote(n: int, text: str, minutes: float = 15) -> Quote:
    return Quote("weibo", f"48{n:06d}", at(minutes), text, 1, ("rescue",))


def district(code: str, episodes: int, waiting: int, priority: int) -> District:
    division = Gazetteer.load().by_adcode(code)
    return District(
        division.name, code, division.lat, division.lon, division.radius_m, episodes, waiting, priority, 12 * waiting, 3
    )


def episodes() -> tuple[Episode, ...]:
    county = {code: Gazetteer.load().by_adcode(code).path for code in COUNTIES}
    top = (
        Episode(
            "3f9a1c77d2e84b01", county["410181"] + "米河镇上柳村", "巩义市", "410181", 1, "unverified", at(300), at(6),
            needs=("rescue", "medical"), hazards=("flood_rising",), people=32,
            vulnerable=("elderly", "infant", "dialysis"), posts=57, callers=4, relays=53, offers=2,
            reasons=("priority 1", "need rescue", "need medical", "vulnerable dialysis", "callers 4"),
            quotes=(quote(1, "上柳村水已到二楼，老人要透析，联系<CN_MOBILE>，<PERSON>在房顶", 6),),
        ),
        Episode(
            "a07be55190cc42f3", county["410103"] + "京广隧道北口", "二七区", "410103", 1, "verified", at(180), at(11),
            needs=("rescue",), people=9, vulnerable=("child",), posts=120, callers=7, relays=113,
            owner="二七区消防救援大队", deadline=at(-20), called=2, reasons=("priority 1", "need rescue", "callers 7"),
            quotes=(quote(2, "隧道里还有人，车顶上有孩子，水还在涨", 11),),
        ),
        Episode(
            "c4d2f0e9b7a13358", county["410183"] + "白寨镇", "新密市", "410183", 1, "dispatched", at(240), at(48),
            kind="hazard", needs=("rescue", "transport"), hazards=("landslide", "road_cut"), people=None, posts=18,
            callers=3, relays=15, owner="新密市应急管理局", deadline=at(35), standing="contested",
            reasons=("priority 1", "hazard landslide", "standing contested", "denials 2"),
            quotes=(quote(3, "白寨往山上的路塌了一半，几户人下不来", 48),),
        ),
        Episode(
            "5be8120f6a4c9d72", county["410122"] + "韩寺镇小洪村", "中牟县", "410122", 2, "unverified", at(200), at(25),
            needs=("supplies", "shelter"), items=("饮用水 200 箱", "棉被"), people=140, vulnerable=("elderly", "child"),
            posts=22, callers=5, relays=17, proposed="partial", proposed_by="48000031", offers=6,
            reasons=("priority 2", "people 140", "proposed partial, calls since"),
            quotes=(quote(4, "小洪村一百四十口人断水断电一天了，需要饮用水和棉被", 25),),
        ),
        Episode(
            "99d01eab3c5f7e64", "", "金水区", "410105", 2, "arrived", at(350), at(70),
            needs=("medical",), people=1, vulnerable=("in_labour",), posts=4, callers=1, relays=3,
            owner="120 急救中心", called=1, reasons=("priority 2", "vulnerable in_labour"),
            quotes=(Quote("weibo", "48000005"),),
        ),
    )  # fmt: skip
    more = tuple(
        Episode(
            f"{n:016x}", f"{county[code]}第{n}村", Gazetteer.load().by_adcode(code).name, code, 2 + n % 3,
            ("unverified", "verified", "closed")[n % 3], at(300 - n), at(100 + n), needs=("supplies",),
            people=n or None, posts=n + 1, callers=1, relays=n,
        )
        for n, code in enumerate(COUNTIES * 3)
    )  # fmt: skip
    return tuple(replace(one, above="河南省郑州市") for one in top + more)


def flood_night() -> Brief:
    """Everything a brief can hold."""
    found = episodes()
    bins = tuple(
        Bin(
            START + n * 10 * MINUTE,
            900 + (n * 197) % 500 + 60 * max(0, 24 - abs(n - 30)),
            max(0, n - 9) * (3 + n % 5),
            n % 4,
        )
        for n in range(48)
    )
    return Brief(
        start=START,
        end=END,
        generated=END + 4 * MINUTE,
        by="wang-lei",
        command="yuqing brief --from 2026-07-20T18:00:00+08:00 --to 2026-07-21T02:00:00+08:00 --output brief.html",
        figures=(
            Figure("posts", 91_204, "count", "Q1"),
            Figure("authors", 40_310, "about", "Q2"),
            Figure("copies", 0.62, "share", "Q3"),
            Figure("calls", 3_120, "count", "Q1"),
            Figure("urgent", 212, "count", "Q1"),
            Figure("alerts", 148, "count", "Q4"),
            Figure("acknowledged", 97, "count", "Q4"),
            Figure("open", 27, "count", "Q5"),
            Figure("overdue", 1, "count", "Q5"),
        ),
        episodes=found,
        districts=tuple(district(code, 6 - n % 4, 5 - n % 5, 1 + n % 4) for n, code in enumerate(COUNTIES)),
        around=tuple(
            district(one.adcode, 0, 0, 4)
            for one in Gazetteer.load().children("410100")
            if one.adcode and one.adcode not in COUNTIES
        ),
        bins=bins,
        bin_ms=10 * MINUTE,
        moods=(
            Mood("sentiment", "negative", 21_450),
            Mood("sentiment", "neutral", 30_200),
            Mood("sentiment", "positive", 11_005),
            Mood("emotion", "fear", 14_000),
            Mood("emotion", "sad", 8_000),
            Mood("emotion", "angry", 6_500),
            Mood("emotion", "neutral", 21_000),
            Mood("emotion", "happy", 4_500),
            Mood("emotion", "surprise", 1_500),
        ),
        topics=tuple(
            Topic(
                f"topic{n:011d}", name, 4_000 // (n + 1), 19_000 // (n + 1), at(400 - 30 * n), 4.5 / (n + 1),
                {"negative": 0.6, "neutral": 0.3, "positive": 0.1} if n < 3 else {}, ("二七区", "巩义市")[: 1 + n % 2],
            )
            for n, name in enumerate(("隧道 被困 救援", "米河 断网 失联", "地铁 停运", "捐款 物资 接力"))
        ),
        hazards=(
            Hazard(
                "c4d2f0e9b7a13358", found[2].place, ("landslide", "road_cut"), "contested", at(48),
                (quote(3, "白寨往山上的路塌了一半，几户人下不来", 48),),
                (quote(9, "刚从白寨回来，路没有塌，只是积水", 50),), 11, 2,
            ),
        ),
        supplies=(Supply("rescue", 14, 210, 3), Supply("supplies", 9, 480, 6), Supply("medical", 4, 12, 0)),
        offers=61,
        silences=(Silence("登封市", at(130), ("0 posts in 30 min", "expected 14.2", "emergency in the city")),),
        quotes=tuple(quote(20 + n, "水到胸口了，<ADDRESS>三大两小，求救援<CN_MOBILE>", 10 * n) for n in range(6)),
        forecasts=(Forecast("供水", "中牟县", at(4_000), 62, 21.5, 9.1, 40.2),),
        health=(
            Figure("stored", 91_204, "count", "Q9"),
            Figure("lag", 2_350, "ms", "Q9"),
            Figure("dead", 3, "count", "Q10"),
            Figure("shed", None, "count", "", "no-table"),
        ),
        versions={"yuqing": "0.5.0", "model": "encoder@1.2.0 (91,204)", "rules": "9d3f…"},
        queries=(
            Query("Q1", "about.timeline", "operator", "SELECT 1\nWHERE 1 < {end:Int64}", {"end": END}, 48),
            Query("Q5", "about.episodes", "operator", "SELECT * FROM episodes", {}, 32),
            Query("Q6", "about.evidence", "operator", "SELECT * FROM v_calls", {}, 9),
        ),
        absent=("shed",),
    )  # fmt: skip


def empty_night() -> Brief:
    """Nothing at all, and the system up."""
    bins = tuple(Bin(START + n * 10 * MINUTE, 0, 0, 0) for n in range(48))
    return Brief(START, END, END, "wang-lei", bins=bins, bin_ms=10 * MINUTE, health=(Figure("stored", 0),))


if __name__ == "__main__":
    from udfs.brief import document, html

    folder, language = Path(sys.argv[1]), (sys.argv[2:] or ["zh"])[0]
    for name, made in (("night", flood_night()), ("empty", empty_night())):
        (folder / f"{name}.html").write_text(html.render(made, language), encoding="utf-8")
        (folder / f"{name}.docx").write_bytes(document.render(made, language))
