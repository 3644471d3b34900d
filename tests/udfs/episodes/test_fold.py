"""Which posts become one episode: tables of posts with the groups they fall into."""

from __future__ import annotations

from typing import Any

import pytest

from tests.udfs.episodes.posts import GONGYI, HOUR, MINUTE, T0, XINMI, place, post
from udfs.episodes.fold import BUSY_NUMBER, Folder, Placement
from udfs.episodes.ranking import over, rank, reasons

RIVER, HILL = place(GONGYI, "河东村"), place(GONGYI, "上坡村")
CALL = "水到二楼了还在涨，五口人困在房顶出不来，手机快没电了，求船来救"
OTHER = "孕妇已经阵痛，路上的水太深，救护车进不来，求会接生的医生坐船来"
THIRD = "安置点住着七十口人，缺棉被和奶粉，孩子们晚上都在发烧"


def fold(*posts: dict[str, Any], folder: Folder | None = None) -> list[Placement | None]:
    folder = folder or Folder()
    return [folder.take(one) for one in posts]


def groups(*posts: dict[str, Any]) -> str:
    """One letter a post: equal letters, one episode; - for none."""
    letters: dict[str, str] = {}
    found = ""
    for placement in fold(*posts):
        found += letters.setdefault(placement.episode_id, chr(97 + len(letters))) if placement else "-"
    return found


SUPPLIES = [{"need": "supplies", "score": 0.8}]
MEDICAL = [{"need": "medical", "score": 0.9}]
TABLE = {
    "the same village, other words, another need, another number": (
        "aa",
        post("1", CALL, RIVER, phone_tokens=["p"]),
        post("2", THIRD, RIVER, phone_tokens=["q"], needs=SUPPLIES),
    ),
    "a new village in a known county": ("ab", post("1", CALL, RIVER), post("2", OTHER, HILL)),
    "a copy with the place changed": (
        "ab",
        post("1", "河东村" + CALL, RIVER, phone_tokens=["p"]),
        post("2", "上坡村" + CALL, HILL, phone_tokens=["q"]),
    ),
    "a copy with the place changed and the number left": (
        "ab",
        post("1", "河东村" + CALL, RIVER, phone_tokens=["p"]),
        post("2", "上坡村" + CALL, HILL, phone_tokens=["p"]),
    ),
    "one name in two counties": ("ab", post("1", CALL, RIVER), post("2", OTHER, place(XINMI, "河东村"))),
    "with its town and without": (
        "aa",
        post("1", CALL, place(GONGYI, "柳河镇河东村")),
        post("2", OTHER, RIVER),
    ),
    "one name in two towns": (
        "ab",
        post("1", CALL, place(GONGYI, "柳河镇河东村")),
        post("2", OTHER, place(GONGYI, "青石镇河东村")),
    ),
    "an estate with its kind and without": (
        "aa",
        post("1", CALL, place(GONGYI, "锦绣花园小区", "poi")),
        post("2", OTHER, place(GONGYI, "锦绣花园", "poi")),
    ),
    "a number without a place": (
        "aa",
        post("1", CALL, RIVER, phone_tokens=["p"]),
        post("2", OTHER, phone_tokens=["p"]),
    ),
    "a copy without place and number": ("aa", post("1", CALL, RIVER, phone_tokens=["p"]), post("2", "帮转！" + CALL)),
    "the words of a form with another number, no place": (
        "ab",
        post("1", CALL, phone_tokens=["p"]),
        post("2", CALL, phone_tokens=["q"]),
    ),
    "a village and the bridge beside it": (
        "aa",
        post("1", CALL, RIVER),
        post("2", OTHER, place(GONGYI, "柳河大桥", "poi"), RIVER),
    ),
    "a village spelt wrong, the same number": (
        "aa",
        post("1", CALL, place(GONGYI, "王家湾村"), phone_tokens=["p"]),
        post("2", OTHER, place(GONGYI, "王家弯村"), phone_tokens=["p"]),
    ),
    "a village spelt alike, another number": (
        "ab",
        post("1", CALL, place(GONGYI, "王家湾村"), phone_tokens=["p"]),
        post("2", OTHER, place(GONGYI, "李家湾村"), phone_tokens=["q"]),
    ),
    "a forward in which the call stands": (
        "aa",
        post("1", CALL, RIVER),
        post("2", f"快看看//@<USERNAME>:{CALL}", source_kind="relay"),
    ),
    "a repost without a word": (
        "aa",
        post("1", CALL, RIVER),
        post("2", "转发微博", needs=[], priority=4, repost_of="1"),
    ),
    "a repost of an everyday post": ("-", post("2", "转发微博", needs=[], priority=4, repost_of="9")),
    "counties alone, the same need, within the hour": (
        "aa",
        post("1", CALL, place(GONGYI)),
        post("2", "巩义这边有人落水了，请快派人来捞", place(GONGYI)),
    ),
    "counties alone, two hours apart": (
        "ab",
        post("1", CALL, place(GONGYI)),
        post("2", "巩义这边有人落水了，请快派人来捞", place(GONGYI), created_at=T0 + 2 * HOUR),
    ),
    "counties alone, another need": (
        "ab",
        post("1", CALL, place(GONGYI)),
        post("2", THIRD, place(GONGYI), needs=SUPPLIES),
    ),
    "counties alone, two numbers": (
        "ab",
        post("1", CALL, place(GONGYI), phone_tokens=["p"]),
        post("2", OTHER, place(GONGYI), phone_tokens=["q"]),
    ),
    "the region of an account is no place": (
        "aa",
        post("1", CALL, RIVER, phone_tokens=["p"]),
        post("2", OTHER, place(("北京市", "110000", 39.9, 116.4), start=-1), phone_tokens=["p"]),
    ),
    "the same village the day after": (
        "aa",
        post("1", CALL, RIVER),
        post("2", OTHER, RIVER, created_at=T0 + 30 * HOUR),
    ),
    "the same village a month later": (
        "ab",
        post("1", CALL, RIVER),
        post("2", OTHER, RIVER, created_at=T0 + 720 * HOUR),
    ),
    "copies keep it open": (
        "aaa",
        post("1", CALL, RIVER),
        post("2", CALL, RIVER, created_at=T0 + 40 * HOUR),
        post("3", OTHER, RIVER, created_at=T0 + 80 * HOUR),
    ),
    "two patients of one hospital": (
        "ab",
        post(
            "1", "我母亲六十六岁，高烧不退，求床位", place(GONGYI, "人民医院", "poi"), needs=MEDICAL, phone_tokens=["p"]
        ),
        post(
            "2", "爷爷双肺感染，呼吸困难，急需会诊", place(GONGYI, "人民医院", "poi"), needs=MEDICAL, phone_tokens=["q"]
        ),
    ),
    "a hospital under water": (
        "aa",
        post("1", "住院楼进水了，病人没法转移", place(GONGYI, "人民医院", "poi"), hazards=["flood_rising"]),
        post("2", OTHER, place(GONGYI, "人民医院", "poi"), needs=MEDICAL, hazards=["flood_rising"]),
    ),
    "offers, everyday talk, weak calls without place or number": (
        "----",
        post("1", "我有冲锋舟可以支援", RIVER, needs=[{"need": "offer", "score": 0.9}], priority=3),
        post("2", "今天天气真好", needs=[], priority=4),
        post("3", "谁来帮我搬个家", needs=SUPPLIES, priority=3),
        post("4", THIRD, place(GONGYI), needs=SUPPLIES, priority=2),
    ),
    "the news of a county": ("-", post("1", CALL, place(GONGYI), source_kind="media")),
    "a town listed elsewhere goes by the county before it": (
        "aa",
        post("1", CALL, place(GONGYI, "龙泉街道阳光新城", "poi")),
        post(
            "2",
            OTHER,
            place(GONGYI) | {"start": 0, "end": 3},
            place(("河南省焦作市武陟县龙泉街道", "410823", 35.1, 113.4)) | {"level": "town", "start": 3, "end": 7},
            place(("河南省焦作市武陟县龙泉街道", "410823", 35.1, 113.4), "阳光新城", "poi", 7),
        ),
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_folding(case: str) -> None:
    expected, *posts = TABLE[case]
    assert groups(*posts) == expected


def test_a_go_betweens_number_folds_nothing_any_more() -> None:
    villages = [place(GONGYI, f"{name}家庄") for name in "王李张刘陈"[:BUSY_NUMBER]]
    posts = [post(f"{n}", f"{n}{OTHER}", one, phone_tokens=["v"]) for n, one in enumerate(villages)]
    lone = post("x", THIRD, phone_tokens=["v"], needs=SUPPLIES, priority=2)
    assert groups(*posts, lone) == "abcde"
    assert groups(*posts[:1], lone) == "aa"


def test_a_list_of_calls_joins_one_and_bridges_none() -> None:
    names = [place(GONGYI, f"{name}家庄") for name in "王李张刘"]
    first = [post(f"{n}", f"{n}{CALL}", one, phone_tokens=[f"p{n}"]) for n, one in enumerate(names)]
    listed = post("l", "汇总：" + OTHER, *names, phone_tokens=["p0", "p1", "p2", "p3"], source_kind="volunteer")
    later = post("m", THIRD, phone_tokens=["p3"], needs=SUPPLIES, priority=2)
    assert groups(*first, listed, later) == "abcdad"


def test_callers_are_numbers_or_posters_and_relays_are_counted_apart() -> None:
    folder = Folder()
    placed = fold(
        post("1", CALL, RIVER, phone_tokens=["p"], author_token="a"),
        post("2", "【转】" + CALL, RIVER, phone_tokens=["p"], author_token="b", source_kind="relay"),
        post("3", CALL + "求扩散", RIVER, phone_tokens=["p"], author_token="c"),  # says not that it passes on
        post("4", OTHER, RIVER, author_token="d"),
        post("5", OTHER + "还没有人来", RIVER, author_token="d"),
        post("6", THIRD, RIVER, phone_tokens=["q"], author_token="e", needs=SUPPLIES, source_kind="volunteer"),
        folder=folder,
    )
    (episode,) = folder.episodes.values()
    assert [one.role for one in placed if one] == ["call", "copy", "copy", "call", "call", "relay"]
    assert (episode.callers, episode.relays, episode.posts) == (3, 3, 6)  # p, d, q
    assert episode.needs == ["rescue", "supplies"]


def test_an_old_copy_is_not_fresh() -> None:
    folder = Folder()
    fold(
        post("1", CALL, RIVER),
        post("2", "求转！" + CALL, RIVER, created_at=T0 + 30 * HOUR),
        post("3", "7月20日21点：" + OTHER, RIVER, created_at=T0 + 31 * HOUR),
        folder=folder,
    )
    (episode,) = folder.episodes.values()
    assert episode.last_at == T0 + 30_000
    assert episode.first_at == T0 - HOUR
    assert episode.last_posted_at == T0 + 31 * HOUR


CLOSING = {"needs": [], "state": "closed", "priority": 4}
CLOSINGS = {
    "by place": (True, post("2", "人已全部获救，谢谢大家", RIVER, **CLOSING)),
    "by number": (True, post("2", "已获救，不用再转了", phone_tokens=["p"], **CLOSING)),
    "of another village": (False, post("2", "人已全部获救，谢谢大家", HILL, **CLOSING)),
    "of the county": (False, post("2", "人已全部获救，谢谢大家", place(GONGYI), **CLOSING)),
    "its number, another village": (False, post("2", "人已全部获救", HILL, phone_tokens=["p"], **CLOSING)),
    "with neither": (False, post("2", "人已全部获救，谢谢大家", **CLOSING)),
    "a condition": (False, post("2", "如已获救请联系我删", RIVER, **CLOSING)),
    "in part": (False, post("2", "部分人已获救", RIVER, **(CLOSING | {"state": "partial"}))),
    "before the call": (False, post("2", "人已全部获救", RIVER, **CLOSING, created_at=T0 - HOUR)),
}


@pytest.mark.parametrize("case", CLOSINGS)
def test_a_closing_only_proposes(case: str) -> None:
    expected, closing = CLOSINGS[case]
    folder = Folder()
    fold(post("1", CALL, RIVER, phone_tokens=["p"]), closing, folder=folder)
    (episode,) = folder.episodes.values()
    assert (episode.proposed, episode.proposed_by) == (("closed", ("weibo", "2")) if expected else ("", ("", "")))
    assert episode.priority == 1


def test_a_call_after_the_closing_is_heard() -> None:
    folder = Folder()
    fold(post("1", CALL, RIVER), post("2", "人已全部获救", RIVER, **CLOSING, created_at=T0 + HOUR), folder=folder)
    (episode,) = folder.episodes.values()
    assert over(episode)
    before = rank(episode)
    folder.take(post("3", "村东还有三个老人，水又涨上来了", RIVER, created_at=T0 + 2 * HOUR, author_token="z"))
    assert not over(episode)
    assert rank(episode) > before + 12
    assert "proposed closed, calls since" in reasons(episode)


BREACH = {"needs": [], "hazards": ["dyke_breach"], "priority": 3, "source_kind": "other"}
CLAIM = post("1", "听说青石沟水库已经决堤了，快跑", place(GONGYI), **BREACH)
OFFICIAL = BREACH | {"source_kind": "official"}
DENIED = "【辟谣】网传“青石沟水库决堤”不实，水库运行平稳"
NO_CALL = {"needs": [], "priority": 4, "source_kind": "official"}
STANDINGS = {
    "a claim": ("unverified", 1, 0, CLAIM),
    "many claims are no truth": (
        "unverified",
        3,
        0,
        CLAIM,
        post("2", "青石沟水库决堤了！！", place(XINMI), **BREACH),
        post("3", "有人说青石沟水库要决口", **BREACH),
    ),
    "an authority says so": (
        "official",
        2,
        0,
        CLAIM,
        post("2", "防汛指挥部：青石沟水库出现决口，请撤离", place(GONGYI), **OFFICIAL),
    ),
    "an authority denies it": ("contested", 1, 1, CLAIM, post("2", DENIED, **NO_CALL)),
    "somebody denies what an authority says": (
        "contested",
        1,
        1,
        post("1", "防汛指挥部：青石沟水库出现决口，请撤离", place(GONGYI), **OFFICIAL),
        post("2", "假的，我就在青石沟水库，没有决堤", needs=[], priority=4),
    ),
    "the denial came first": ("contested", 1, 1, post("2", DENIED, **NO_CALL), CLAIM),
    "a denial of another reservoir": (
        "unverified",
        1,
        0,
        CLAIM,
        post("2", DENIED.replace("青石沟", "白龙潭"), **NO_CALL),
    ),
    "a doubt is no denial": ("unverified", 1, 0, CLAIM, post("2", "青石沟水库决堤真的假的？", needs=[], priority=4)),
}


@pytest.mark.parametrize("case", STANDINGS)
def test_claims_and_denials_side_by_side(case: str) -> None:
    standing, claims, denials, *posts = STANDINGS[case]
    folder = Folder()
    placed = [one for one in fold(*posts, folder=folder) if one] + folder.late()
    (episode,) = folder.episodes.values()
    assert (episode.kind, episode.standing, episode.claims, episode.denials) == ("hazard", standing, claims, denials)
    assert sum(one.role == "denial" for one in placed) == denials
    assert len(episode.evidence) == claims + denials


def test_a_call_and_a_hazard_of_one_village_are_two() -> None:
    assert groups(post("1", CALL, RIVER), post("2", "河东村的堤决口了", RIVER, **BREACH)) == "ab"


def test_offers_go_to_what_they_serve() -> None:
    offer = {"needs": [{"need": "offer", "score": 0.9}], "priority": 3, "source_kind": "volunteer"}
    folder = Folder()
    fold(
        post("far", "我们有皮划艇两艘，可以救人", place(("广东省广州市天河区", "440106", 23.1, 113.4)), **offer),
        post("next", "我们有皮划艇两艘，可以救人", place(XINMI), **offer),
        post("food", "免费提供盒饭", place(GONGYI), **offer),
        post("boat", "我有冲锋舟，可以去接人", place(GONGYI), **offer),
        post("1", CALL, RIVER),
        folder=folder,
    )
    ((_, offers),) = folder.fetch()
    assert [one.post_id for one, _ in offers] == ["boat", "next"]
    assert offers[0][1] == 0
    assert 40 < offers[1][1] < 50
    folder.take(post("late", "还有一艘橡皮艇在巩义", place(GONGYI), **offer))
    assert len(folder.fetch()) == 1, "a new offer changes the episodes of its county"


def test_the_same_posts_give_the_same_and_a_snapshot_goes_on() -> None:
    rows = [one for _, *posts in TABLE.values() for one in posts]
    posts = [{**one, "post_id": f"s{n}", "stored_at": one["created_at"] + MINUTE} for n, one in enumerate(rows)]
    whole, halves = Folder(), Folder()
    expected = fold(*posts, folder=whole)
    placed = fold(*posts[:30], folder=halves)
    resumed = Folder()
    resumed.load(halves.state())
    placed += fold(*posts[30:], folder=resumed)
    assert placed == expected
    assert resumed.state() == whole.state()
    assert CALL.encode() not in whole.state(), "no text in a snapshot"


def test_what_is_known_is_counted_no_second_time() -> None:
    folder = Folder()
    (placed,) = fold(post("1", CALL, RIVER), folder=folder)
    assert placed is not None
    state = folder.state()
    assert folder.take(post("1", CALL, RIVER), known=placed.episode_id) is None
    assert folder.state() == state


def test_memory_is_bounded() -> None:
    folder = Folder(capacity=50)
    for n in range(300):
        text = f"{chr(0x4E00 + n * 7)}{chr(0x5200 + n * 5)}家的房子塌了，{chr(0x6000 + n)}{chr(0x7000 + n)}还在下面"
        folder.take(
            post(f"{n}", text, place(GONGYI, f"{chr(0x4E00 + n * 9)}{chr(0x5E00 + n * 3)}庄村"), stored_at=T0 + n)
        )
        folder.fetch()
        assert len(folder.episodes) <= 50
    assert len(folder._copies) <= 100
    assert set(folder._posts.values()) <= set(folder.episodes)
    assert all(owner in folder.episodes for owners in folder._found.values() for owner in owners)
    newest = Folder()
    newest.load(folder.state())
    assert f"{299}" in {post_id for _, post_id in newest._posts}


def test_a_post_from_the_future_puts_nothing_out_of_order() -> None:
    folder = Folder()
    fold(
        post("1", CALL, RIVER),
        post("2", OTHER, RIVER, created_at=T0 + 10_000 * HOUR, stored_at=T0 + MINUTE),
        post("3", THIRD, RIVER, created_at=T0 + 2 * MINUTE, needs=SUPPLIES),
        folder=folder,
    )
    (episode,) = folder.episodes.values()
    assert episode.last_at == T0 + 2 * MINUTE
