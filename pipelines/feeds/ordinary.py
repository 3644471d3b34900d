"""The ordinary posts of a generated feed: the day's subjects in a platform's manner, copied, skewed, padded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache

from pipelines.feeds import counters
from pipelines.feeds.cities import CITIES, City, find_city
from pipelines.feeds.curve import times
from pipelines.feeds.disguise import disguised
from pipelines.feeds.draft import Draft, Facts
from pipelines.feeds.grammar import Dice, Mark, Render, Slots
from pipelines.feeds.uri import GenerateSource
from pipelines.feeds.wording import hot
from pipelines.feeds.wording.everyday import EVERYDAY, Subject
from pipelines.feeds.wording.manners import GRAMMAR, HOURS, MANNERS, Manner
from pipelines.feeds.wording.words import nickname

_PLATFORMS = ("weibo",) * 13 + ("douyin",) * 4 + ("xiaohongshu",) * 3
_REGIONS = ("北京", "上海", "广东 深圳", "江苏 南京", "浙江 杭州", "四川 成都", "湖北 武汉", "陕西 西安", "海外", None)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # of a number plate: no I, no O
_COPY_REACH = 64
"""Posts to one that goes round, and how many such blocks back a copy may reach."""
DECIDE_COPY, DECIDE_LONG, DECIDE_SKEW, DECIDE_SARCASM, DECIDE_DISGUISE = 3, 4, 5, 6, 7
"""Words of a post's row that decide; its dice begin behind them."""
FIRST_DRAW = 8
_UNIT = 2**counters.BITS

Entry = tuple[str, tuple[Render, ...], Facts, tuple[str, ...]]
"""Platform, templates, what is true of them, hashtags."""


class Ordinary:
    """Makes the ordinary posts of one feed. `is_ordinary(i)` tells whether post i is one and sound."""

    def __init__(self, source: GenerateSource, start: int, is_ordinary: Callable[[int], bool]) -> None:
        self._source = source
        self._start = start
        self._is_ordinary = is_ordinary
        self._own = find_city(source.city)
        self._places = _places(self._own)
        self._day = source.curve == "day"
        self._manners = _weighted(source.manners, MANNERS)
        self._tables: dict[tuple[str, bool, int], Sequence[Entry]] = {}
        self._copies = round(source.copies * _UNIT)
        self._long = round(source.long * _UNIT)
        self._sarcasm = round(source.sarcasm * _UNIT)
        self._disguised = round(source.disguised * _UNIT)
        # in this order: a place stands before whatever the text is
        shares = dict(_pairs(source.skew))
        self._skew = [(name, round(shares[name] * _UNIT)) for name in ("author", "topic", "place") if name in shares]
        # memory for what goes round: a thousand texts
        self._viral = lru_cache(maxsize=1024)(self._original)

    def draft(self, index: int, row: list[int], hour: int) -> Draft:
        """Post `index`, whose words `row` holds; `hour` of its event time counts with `curve=day` only."""
        dice = counters.dice(self._start, index, row, FIRST_DRAW)
        if row[DECIDE_COPY] < self._copies and (found := self._copy(index, dice)) is not None:
            return found
        draft = self._new(row, dice, hour)
        if self._skew:
            draft = self._skewed(draft, row[DECIDE_SKEW], dice)
        if row[DECIDE_LONG] < self._long:
            draft = draft._replace(marked=draft.marked + _padding(dice))
        if row[DECIDE_DISGUISE] < self._disguised:
            draft = draft._replace(marked=disguised(draft.marked, dice))
        return draft

    def _new(self, row: list[int], dice: Dice, hour: int) -> Draft:
        draw = dice.next
        manner = self._manners[draw() % len(self._manners)] if self._manners else None
        sarcastic = manner is not None and bool(manner.sarcasm) and row[DECIDE_SARCASM] < self._sarcasm
        key = (manner.name if manner else "", sarcastic, hour)
        table = self._tables.get(key) or self._table(key)
        platform, templates, facts, topics = table[draw() % len(table)]
        city, region, slots = self._places[draw() % len(self._places)]
        text = templates[draw() % len(templates)](dice, draw, slots)
        if manner is None:
            platform = platform or _PLATFORMS[draw() % 20]
            author = nickname(dice) if draw() % 50 else ""
        else:
            whole = {"core": text, "topic": topics[draw() % len(topics)], "city": city.short}
            text = manner.made[draw() % len(manner.made)](dice, draw, whole)
            author = manner.author(city, dice)
        if facts.language == "en":
            return Draft(facts, text, platform, author, None, city)
        return Draft(facts, text, platform, author, region if draw() & 1 else _REGIONS[draw() % 10], city)

    def _table(self, key: tuple[str, bool, int]) -> Sequence[Entry]:
        name, sarcastic, hour = key
        manner = MANNERS[name] if name else None
        self._tables[key] = _entries(manner, sarcastic, hour if self._day else -1)
        return self._tables[key]

    # -- copies ----------------------------------------------------------------------------------------------------
    def _copy(self, index: int, dice: Dice) -> Draft | None:
        """A copy or near-copy of an earlier ordinary post that is no copy itself; None where there is none."""
        blocks = index // _COPY_REACH
        if not blocks:
            return None
        # the newest go round most
        block = blocks - 1 - min(dice.below(_COPY_REACH), dice.below(_COPY_REACH), blocks - 1)
        original = self._viral(block)
        if original is None:
            return None
        at, draft = original
        author = nickname(dice)
        if dice.below(2):
            return draft._replace(author=author, copy_of=at, region=None)
        text = _NEAR[dice.below(len(_NEAR))](draft.marked, dice)
        return draft._replace(marked=text, author=author, copy_of=at, region=None)

    def _original(self, block: int) -> tuple[int, Draft] | None:
        """The post of a block that goes round."""
        for attempt in range(4):
            at = block * _COPY_REACH + counters.word(self._start, block, 60 + attempt) % _COPY_REACH
            copied = counters.word(self._start, at, DECIDE_COPY) < self._copies
            if not copied and counters.word(self._start, at, DECIDE_LONG) >= self._long and self._is_ordinary(at):
                row = counters.rows(self._start, at, 1)[0]
                hour = self._hour(at)
                return at, self.draft(at, row, hour)
        return None

    def _hour(self, index: int) -> int:
        if not self._day:
            return -1
        known = times(self._source)
        return known.hour(int(known.at(index)[0]))

    # -- skew ------------------------------------------------------------------------------------------------------
    def _skewed(self, draft: Draft, word: int, dice: Dice) -> Draft:
        for name, share in self._skew:
            if word % _UNIT < share:
                if name == "author":
                    draft = draft._replace(author="天天在线的观众")
                elif name == "topic":
                    facts, templates = self._hot
                    text = templates[dice.below(len(templates))](dice, dice.next, self._places[0][2])
                    draft = draft._replace(facts=facts, marked=text, place=self._own)
                else:
                    # where it was posted, as platforms show it
                    county = self._own.counties[0]
                    if draft.facts.language == "zh":
                        text = f"{self._own.short}{county[1]}·" + _elsewhere(draft)
                        draft = draft._replace(marked=text, place=county[0])
            # each skew has a word of its own
            word = (word * 1_103_515_245 + 12_345) % _UNIT
        return draft

    @cached_property
    def _hot(self) -> tuple[Facts, tuple[Render, ...]]:
        return hot.FACTS, tuple(map(GRAMMAR.of, hot.TEMPLATES))


def _elsewhere(draft: Draft) -> str:
    """The text of a post without the divisions that it names: one post, one place."""
    city = draft.place
    text = draft.marked
    if isinstance(city, City):
        for name in (city.short, *(name for _, name in city.counties)):
            text = text.replace(name, "")
    return text


def _pairs(text: str) -> list[tuple[str, float]]:
    """`a:6,b:3` as `uri` writes it."""
    return [(name, float(number)) for name, _, number in (pair.partition(":") for pair in text.split(",") if pair)]


def _weighted(text: str, known: Mapping[str, Manner]) -> tuple[Manner, ...]:
    """Each manner as often as its weight asks for, in a table of about a thousand."""
    pairs = _pairs(text)
    total = sum(weight for _, weight in pairs)
    return tuple(known[name] for name, weight in pairs for _ in range(round(1000 * weight / total)))


@lru_cache(maxsize=256)
def _entries(manner: Manner | None, sarcastic: bool, hour: int) -> tuple[Entry, ...]:
    """The subjects of a manner, each as often as its weight asks for; -1 is no hour."""
    found: list[Entry] = []
    for subject in EVERYDAY if manner is None else manner.sarcasm if sarcastic else manner.subjects:
        platform = manner.platform if manner else subject.platform
        topics = manner.topics_of(subject.kind) if manner else ()
        entry = platform, tuple(map(GRAMMAR.of, subject.templates)), _facts(subject, sarcastic), topics
        weight = subject.weight * 4
        if hour >= 0:
            weight = max(1, round(weight * HOURS.get(subject.kind, HOURS[""])[hour] / 5))
        found += [entry] * weight
    return tuple(found)


def _facts(subject: Subject, sarcastic: bool) -> Facts:
    media = subject.kind == "news"
    return Facts(subject.kind, subject.sentiment, subject.emotion, subject.language,
                 source_kind="media" if media else "other", sarcasm=sarcastic)  # fmt: skip


@lru_cache(maxsize=8)
def _places(own: City) -> tuple[tuple[City, str, Slots], ...]:
    """City, region and slots of what a post may name, one entry or more for each county: five of six posts in a feed's
    own city where there are two, the county at random."""
    found: list[tuple[City, str, Slots]] = []
    for city in (own, *(other for other in CITIES if other is not own)):
        share = (2 / 3 if city is own else 0) + 1 / 3 / len(CITIES)
        region = f"{city.province.removesuffix('省')} {city.short}"
        for slots in _city_slots(city):
            found += [(city, region, slots)] * round(4000 * share / len(city.counties))
    return tuple(found)


def _city_slots(city: City) -> tuple[Slots, ...]:
    """One for each county: what an ordinary post may name there."""

    def place(names: Sequence[str]) -> Callable[[Dice], Mark]:
        return lambda dice: Mark("PLACE", dice.pick(names))

    everywhere: dict[str, object] = {
        "city": city.short,
        "plate": lambda dice: _plate(city, dice),
        "street": place(city.streets),
        "estate": place(city.estates),
        "school": place(city.schools),
        "clinic": place(city.hospitals),
    }
    return tuple(
        everywhere | {"county": name, "town": city.towns(adcode)}  # type: ignore[misc]  # values of Slots
        for adcode, name in city.counties
    )


def _plate(city: City, dice: Dice) -> Mark:
    if dice.below(3) == 0:  # a new-energy car has six
        return Mark("CN_PLATE", f"{city.plate}D{dice.below(10**5):05d}")
    return Mark("CN_PLATE", f"{city.plate}{dice.below(1000):03d}{dice.pick(_LETTERS)}{dice.below(10)}")


# -- near-copies -------------------------------------------------------------------------------------------------------
_BEFORE = ("转：", "【转】", "同感，", "看到一条，", "哈哈 ", "搬运 ", "说得对！", "RT ")
_AFTER = ("（转）", "～", "！！", " 👀", " 赞同", " //转发", "。。。", " +1")
_NEAR: tuple[Callable[[str, Dice], str], ...] = (
    lambda text, dice: dice.pick(_BEFORE) + text,
    lambda text, dice: text + dice.pick(_AFTER),
    lambda text, dice: text.replace("，", " ").replace("！", "!") + dice.pick(_AFTER),
    lambda text, dice: dice.pick(_BEFORE) + text.replace("，", "、") + dice.pick(_AFTER),
)  # fmt: skip


# -- long posts --------------------------------------------------------------------------------------------------------
_PARAGRAPHS = 128


def _padding(dice: Dice) -> str:
    """2,000 to 20,000 characters, mostly near the lower end, of sentences that tell nothing."""
    length = 2000 + int(18_000 * (dice.below(1000) / 1000) ** 2)
    text = "".join(_paragraph(dice.below(_PARAGRAPHS)) for _ in range(length // 250 + 1))
    return "\n" + text[:length]


@lru_cache(maxsize=_PARAGRAPHS)
def _paragraph(number: int) -> str:
    """About 300 characters, the same in every feed; no names, no numbers."""
    dice = Dice("paragraph", number)
    return "".join(GRAMMAR.render(dice.pick(hot.SENTENCES), dice, {}) for _ in range(16)) + "\n"
