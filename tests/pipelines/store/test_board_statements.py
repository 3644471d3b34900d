"""What the boards' statements say, on a real store: words as a brief's, which episodes are shown and in what order.

That every statement runs as its account, on generated data, is checked by `yuqing dashboards check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboards import words
from dashboards.boards import command_statements as command
from dashboards.boards import opinion
from dashboards.boards.frame import REGIONS
from dashboards.macros import Window, expand
from dashboards.query import in_cells, in_region
from pipelines.store.client import StoreSettings, connect
from udfs.brief.words import Words

pytestmark = pytest.mark.services

Ask = Callable[..., list[tuple[Any, ...]]]
WORDS = Words("zh")


def now() -> datetime:
    """Asked for when it is needed: a suite may take half an hour to get here."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def ask(as_user: Callable[[str], Client]) -> Ask:
    """Rows of a statement as Grafana would send it: account, region and platform chosen, six hours up to now."""

    def asked(
        sql: str, user: str = "centre", region: str = "all", platform: str = "all", end: datetime | None = None
    ) -> list[tuple[Any, ...]]:
        end_ms = int((end or now()).timestamp() * 1000) + 60_000
        window = Window(end_ms - 6 * 3_600_000, end_ms, 60_000)
        said = expand(sql, window, {"region": region, "platform": platform})
        return [tuple(row) for row in as_user(user).query(said).result_rows]

    return asked


def literal(values: list[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "\\'") + "'" for value in values) + "]"


@pytest.mark.parametrize(
    "reasons",
    [
        ["priority 1", "need rescue", "hazard collapse", "people 6", "callers 4", "relays 2", "vulnerable elderly"],
        ["denials 3"],
        ["proposed closed"],
        ["proposed partial, calls since"],
        ["no place and no number", "denials 2"],
        ["same number as 0123456789abcdef0123"],
        ["a reason that nobody knows"],
    ],
)
def test_other_reasons_of_an_episode_are_those_of_a_brief(ask: Ask, reasons: list[str]) -> None:
    shown = ("priority ", "need ", "hazard ", "people ", "relays ", "standing ", "callers ", "vulnerable ")
    left = [reason for reason in reasons if not reason.startswith(shown)]
    assert ask(f"SELECT {words.why(literal(reasons))}") == [("；".join(WORDS.reasons(left)),)]


@pytest.mark.parametrize(
    "reasons",
    [["need rescue"], ["hazard dyke_breach"], ["priority 2"], ["12 posts in 10 min", "expected 1.5"],
     ["emergency in the city"], ["被困 (灾情求助)"], ["vulnerable infant"]],
)  # fmt: skip
def test_reasons_of_an_alert_are_those_of_a_brief(ask: Ask, reasons: list[str]) -> None:
    assert ask(f"SELECT {words.alert_reasons(literal(reasons))}") == [("；".join(WORDS.reasons(reasons)),)]


@pytest.mark.parametrize(
    "text",
    ["在<PLACE>三楼，电话<CN_MOBILE>，<PERSON>", "没有可遮蔽的", "", "<NOT_A_TOKEN>", "<PERSON><PERSON>"],
)
def test_masked_text_is_spoken_as_in_a_brief(ask: Ask, text: str) -> None:
    brief = "".join(piece for piece, _ in WORDS.masked(text))
    wanted = text if text == "<NOT_A_TOKEN>" else brief  # a brief puts brackets around what it does not know
    assert ask(f"SELECT {words.spoken(repr(text))}") == [(wanted,)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("一二三四五六七八九十", "一二三四五六七八九十"),
        ("一二三四五六七八九十又", "一二三四五六七八九十……"),
        ("一二三四五六七〔手机号〕", "一二三四五六七……"),
        ("〔姓名〕在这里等〔手机号〕", "〔姓名〕在这里等……"),
        ("一二三四五〔姓名〕又一", "一二三四五〔姓名〕又……"),
    ],
)
def test_what_is_cut_never_ends_inside_a_bracket(ask: Ask, text: str, shown: str) -> None:
    assert ask(f"SELECT {words.shortened(repr(text), 10)}") == [(shown,)]


def test_spaces_and_lines_become_one_line(ask: Ask) -> None:
    assert ask("SELECT " + words.spoken("'a \\n\\n b\\tc'")) == [("a b c",)]


@pytest.mark.parametrize(
    ("region", "inside"),
    [
        ("all", {"", "410000", "410100", "410103", "410105", "420100"}),
        ("410103", {"410103"}),
        ("410100", {"410100", "410103", "410105"}),
        ("410000", {"410000", "410100", "410103", "410105"}),
        ("420000", {"420100"}),
        ("990000", set()),
    ],
)
def test_a_region_holds_what_lies_in_it(ask: Ask, region: str, inside: set[str]) -> None:
    codes = "arrayJoin(['', '410000', '410100', '410103', '410105', '420100']) AS adcode"
    assert {row[0] for row in ask(f"SELECT {codes} WHERE {in_region()}", region=region)} == inside
    cells = {row[0] for row in ask(f"SELECT {codes} WHERE {in_cells()}", region=region)}
    assert cells == ({""} if region == "all" else inside)


def test_the_first_region_is_all_and_names_tell_districts_apart(ask: Ask) -> None:
    regions = ask(REGIONS, user="viewer")
    assert regions[0] == ("all", "全部")
    names = dict(regions)
    assert (names["410000"], names["410100"], names["410105"]) == ("河南省", "河南省 郑州市", "郑州市 金水区")
    assert len(set(names.values())) == len(names)


def episode(number: int, **columns: object) -> dict[str, object]:
    at = now() - timedelta(minutes=number)
    plain = {
        "episode_id": f"board{number}", "version": 1, "kind": "help", "place": "河南省郑州市金水区花园口村",
        "level": "village", "adcode": "419905", "needs": ["rescue"], "priority": 1, "callers": 1, "posts": 1,
        "first_at": at, "last_at": at, "last_posted_at": at, "rank": 1e9 - number, "people": 3,
        "vulnerable": ["elderly"], "evidence": [("weibo", f"board{number}")],
    }  # fmt: skip
    return plain | columns


@pytest.fixture
def episodes(clickhouse: StoreSettings) -> Iterator[Callable[..., None]]:
    """Writes episodes in a district of these tests' own (419905), and takes them back."""
    with connect(clickhouse) as client:

        def write(*rows: dict[str, object]) -> None:
            for row in rows:
                client.insert("episode_facts", [list(row.values())], column_names=list(row))

        yield write
        for table in ("episode_facts", "episode_events"):
            client.command(f"DELETE FROM {table} WHERE startsWith(episode_id, 'board')")
        for table in ("posts", "post_counts", "post_totals", "feeds"):
            client.command(f"DELETE FROM {table} WHERE platform = 'board'")


def event(client: Client, episode_id: str, **columns: object) -> None:
    row = {"event_id": f"{episode_id}-{len(columns)}-{columns}", "episode_id": episode_id, "at": now()} | columns
    client.insert("episode_events", [list(row.values())], column_names=list(row))


def test_the_five_most_urgent_in_order_and_nothing_that_is_over(
    ask: Ask, episodes: Callable[..., None], clickhouse: StoreSettings
) -> None:
    episodes(*(episode(number) for number in range(1, 9)))
    with connect(clickhouse) as client:
        event(client, "board1", action="close", state="closed")
        event(client, "board3", action="merge", other_id="board2")
        event(client, "board4", action="dispatch", state="dispatched", unit="一队")
    shown = ask(command.TOP_FIVE, region="419905")
    assert [row[0].split(" · ")[0] for row in shown] == [
        "1. 未核实",
        "2. 已派出",
        "3. 未核实",
        "4. 未核实",
        "5. 未核实",
    ]
    waited = [int(row[0].split(" · ")[1].split()[1]) for row in shown]
    assert waited[0] in (2, 3), "minutes; one more when the minute ended meanwhile"
    assert [minutes - waited[0] for minutes in waited] == [0, 2, 3, 4, 5]
    assert shown[0][1] == "P1 救援 · 河南省郑州市金水区花园口村 · 3 人（老人）"
    listed = ask(command.EPISODES, region="419905")
    assert [row[-1] for row in listed] == ["board2", "board4", "board5", "board6", "board7", "board8"]
    (counts,) = ask(command.COUNTS, region="419905")
    assert counts[:5] == (6, 0, 0, 5, 0)
    assert counts[5] in (8, 9)


def test_an_old_call_that_nobody_answered_stays(ask: Ask, episodes: Callable[..., None]) -> None:
    episodes(episode(60 * 24 * 3))
    assert len(ask(command.TOP_FIVE, region="419905")) == 1
    assert ask(command.EPISODES, region="419905", platform="douyin")[0][-1] == "board4320"


def test_a_place_is_told_from_its_county_on(ask: Ask, episodes: Callable[..., None]) -> None:
    # a county that there is, so that its province and city are known
    episodes(episode(1, adcode="410327", place="河南省洛阳市宜阳县花园口村"), episode(2, adcode="410327", place=""))
    shown = [row[3] for row in ask(command.EPISODES, region="410327") if row[-1].startswith("board")]
    assert shown == ["宜阳县花园口村", "地点不详"]


def test_evidence_is_masked_and_only_the_centre_may_read_it(
    ask: Ask, episodes: Callable[..., None], as_user: Callable[[str], Client]
) -> None:
    episodes(episode(1, evidence=[("board", "board1")]))
    as_user("yuqing").command(
        "INSERT INTO posts (platform, post_id, version, created_at, text, text_l2, needs) VALUES "
        "('board', 'board1', 1, now(), '在花园口村三楼，<CN_MOBILE>', '在<PLACE>三楼，<CN_MOBILE>', [('rescue', 0.9)])"
    )
    (row,) = ask(command.EPISODES, region="419905")
    assert "在〔地点〕三楼，〔手机号〕" in row
    with pytest.raises(Exception, match="ACCESS_DENIED"):
        ask(command.EPISODES, user="viewer", region="419905")


def test_a_share_of_moods_is_of_all_posts_and_not_of_the_cells_that_are_shown(
    ask: Ask, as_user: Callable[[str], Client]
) -> None:
    """Forty angry posts are told; sixty others are too few of each mood to be: 40%, not 100%."""
    hour = datetime(2091, 3, 1, 10, tzinfo=UTC)
    store = as_user("yuqing")
    at = hour.strftime("%Y-%m-%d %H:%M:%S")
    columns = "hour, adcode, platform, kind, label, posts, authors"
    try:
        store.command(
            f"INSERT INTO mood_hourly ({columns}) VALUES ('{at}', '', 'board', 'sentiment', 'negative', 40, 21)"
        )
        store.command(
            "INSERT INTO post_totals (dimension, key, minute, platform, posts, stored_on) VALUES "
            f"('all', '', '{at}', 'board', 100, today())"
        )
        shares = ask(opinion.SHARES, user="viewer", platform="board", end=hour + timedelta(minutes=30))
        assert [[round(share, 6) for share in row[1:]] for row in shares] == [[0.4, 0, 0, 0.6]]
        figures = ask(opinion.FIGURES, user="viewer", platform="board", end=hour + timedelta(minutes=30))
        assert figures[0][:2] == (100, 0.4)
    finally:
        store.command("DELETE FROM mood_hourly WHERE platform = 'board'")
        store.command("DELETE FROM post_totals WHERE platform = 'board'")
