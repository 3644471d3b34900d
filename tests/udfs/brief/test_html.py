"""The page: what a duty officer must find, and what a post must never be able to do."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.udfs.brief.made_up import at, empty_night, episodes, flood_night
from udfs.brief import html, phrases
from udfs.brief.content import Quote, Silence
from udfs.brief.markup import Markup, plain, tag

HOSTILE = [
    "<script>alert(1)</script>",
    "</p></div><img src=x onerror=alert(1)>",
    "<!-- <b>",
    "&lt;script&gt;",
    "\" onmouseover='alert(1)'",
    "</style><style>body{display:none}",
    "<PERSON<script>x</script>>",
    "\u202e反转\u202c\u0000\ud800",
]


class Reading(HTMLParser):
    """Elements with their attributes, and the words of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def page():
    return Reading(html.render(flood_night()))


def test_elements_close_in_order(page):
    assert page.open == []


def test_nothing_is_loaded_and_nothing_runs(page):
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & {
        n for n, _ in page.elements
    }
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on") or a in ("src", "href")]
    assert "url(" not in html.render(flood_night())
    policy = next(a["content"] for n, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_post_stays_text_wherever_it_comes_from(text, page):
    first = replace(
        episodes()[0], place=text, owner=text, reasons=(text,), items=(text,), needs=(text,), hazards=(text,),
        proposed=text, proposed_by=text, standing=text, quotes=(Quote(text, text, at(1), text),),
    )  # fmt: skip
    night = flood_night()
    made = replace(
        night,
        by=text,
        episodes=(first, *episodes()[1:]),
        topics=tuple(replace(one, name=text, id=text) for one in night.topics),
        silences=(Silence(text, at(3), (text,)),),
        districts=tuple(replace(one, name=text) for one in night.districts),
        queries=tuple(replace(one, sql=text) for one in night.queries),
        versions={text: text},
    )
    hostile = Reading(html.render(made))
    assert hostile.open == []
    assert {name for name, _ in hostile.elements} <= {name for name, _ in page.elements}
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]
    # masked tokens are words in brackets; all else of the post stands on the page
    assert plain(text) in hostile.text


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (tag("p", "a < b & c"), "<p>a &lt; b &amp; c</p>"),
        (tag("p", ["a", None, [Markup("<b>x</b>"), 3]]), "<p>a<b>x</b>3</p>"),
        (tag("rect", x=1.04, y=2.0, class_="n"), '<rect x="1" y="2" class="n"/>'),
        (tag("p", "x", title='"><script>'), '<p title="&quot;&gt;&lt;script&gt;">x</p>'),
        (tag("p", None, hidden=False), "<p></p>"),
        (tag("meta", name="viewport", http_equiv="x"), '<meta name="viewport" http-equiv="x"/>'),
    ],
)
def test_markup(made, expected):
    assert made == expected


def test_the_first_card_says_what_where_who_and_why(page):
    text = page.text
    card = text[text.index("米河镇上柳村") - 40 : text.index("京广隧道北口")]
    for words in (
        "救援、医疗", "水位上涨", "32 人（老人、婴儿、靠透析）", "求助者 4", "转发 53", "未核实", "无人承办",
        "未定时限",
        "01:54", "6 分钟前", "附近有 2 条援助可对接", "优先级 1；有靠透析；求助者 4", "weibo/48000001",
        "〔手机号〕", "P1",
    ):  # fmt: skip
        assert words in card, words


def test_five_cards_in_the_order_of_the_store(page):
    cards = [
        attributes["class"] for name, attributes in page.elements if (attributes.get("class") or "").startswith("card")
    ]
    assert cards == ["card p1", "card p1", "card p1", "card p2", "card p2"]
    text = page.text
    places = [text.index(place) for place in ("上柳村", "京广隧道", "白寨镇", "小洪村", "金水区")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("state", "deadline", "late"),
    [
        ("unverified", 20, True),
        ("dispatched", 1, True),
        ("arrived", 20, False),
        ("closed", 20, False),
        ("verified", -9, False),
    ],
)
def test_a_deadline_that_has_passed_is_said(state, deadline, late):
    one = replace(episodes()[0], state=state, deadline=at(deadline))
    made = replace(flood_night(), episodes=(one,), figures=())
    assert ("已超时" in Reading(html.render(made)).text) is late


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("短", "短"),
        ("水" * 50, "水" * 50),
        ("水" * 51, "水" * 50 + "……"),
        ("水" * 45 + "<CN_MOBILE>", "水" * 45 + "……"),
        ("水" * 40 + "<PERSON>" + "火" * 20, "水" * 40 + "<PERSON>" + "火" * 2 + "……"),
    ],
)
def test_a_card_quotes_as_much_as_it_has_room_for(text, shown):
    assert phrases.shortened(Quote("weibo", "1", at(1), text)).text == shown


def test_claims_and_denials_side_by_side(page):
    part = page.text[page.text.index("险情与传言") :]
    assert (
        part.index("有争议")
        < part.index("说有 11")
        < part.index("塌了一半")
        < part.index("说没有 2")
        < part.index("没有塌")
    )


def test_a_night_with_nothing_draws_nothing():
    reading = Reading(html.render(empty_night()))
    assert "本时段没有帖子、求助、事件或告警" in reading.text
    assert not {"svg", "table"} & {name for name, _ in reading.elements}


def test_parts_without_anything_say_so():
    made = replace(
        flood_night(), episodes=(), districts=(), topics=(), hazards=(), supplies=(), silences=(), quotes=(), moods=(),
        forecasts=(),
    )  # fmt: skip
    text = Reading(html.render(made)).text
    for words in (
        "没有未了结的事件", "没有能落到区县的事件", "没有险情报告", "没有未了结的求助", "没有发现灾中忽然无声",
        "没有优先级 1 的求助", "没有一个小时凑足 20 位作者", "本时段没有话题记录", "没有超出预测区间",
    ):  # fmt: skip
        assert words in text, words


def test_a_part_that_the_site_does_not_have_is_said_once():
    text = Reading(html.render(replace(flood_night(), absent=("topics", "forecasts"), forecasts=()))).text
    assert "本站没有数据：话题、预测。" in text
    assert "没有超出预测区间" not in text


def test_in_english():
    text = Reading(html.render(flood_night(), "en")).text
    for words in ("The five most urgent", "rescue, medical", "on dialysis", "OVERDUE", "20 Jul 2026 18:00 (UTC+08:00)"):
        assert words in text, words
    left = [
        word
        for word in ("救援", "求助", "最后消息", "状态", "未核实")
        if word in text.replace("二七区消防救援大队", "")
    ]
    assert [word for word in left if word != "救援"] == []


def test_an_unknown_language():
    with pytest.raises(ValueError, match="fr"):
        html.render(flood_night(), "fr")


def test_times_follow_the_offset():
    assert "17:54" in Reading(html.render(replace(flood_night(), offset_min=0))).text
