"""The set for needs and help: grammar, real posts that ask for nothing, weak labels, English need sets.

No Chinese set of calls for help is public, so positives are written by a grammar (`calls`), taken from the epidemic
stream where its own wording leaves no doubt, and from English disaster messages. Negatives are real: everyday posts,
the epidemic stream where nothing in the body asks, news, citizens' requests for services, crisis tweets; the grammar's
`chatter` adds the look-alikes.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.records import NEEDS
from training.encoder import calls, chatter, data

DEV = Path(__file__).parent / "dev_needs.jsonl"
WRITTEN = Path(__file__).parent / "written"
CALIBRATE = 0.2
"""Share of `calibrate` here: a threshold for one false call in 10,000 needs many posts."""
_TAGS = re.compile(r"#[^#]{1,60}#|//\s*[^:：]{0,30}[:：].*$|【[^】]*】|^.{0,12}(转|扩散).{0,6}[:：]")
_ASKS = re.compile(
    "求|急|缺|救|帮|不够|床位|失联|困|联系|捐|提供|免费|怎么办|哪里|哪儿|谁能|谁有|需要|有没有|住不|买不到|断"
)
_NEWS = re.compile("记者|据悉|发布|通报|新闻|报道|【.{6,}】|秒拍视频|中方|外交部|韩国|日本|意大利|美国|国家卫健委")
_FORM = re.compile(r"(姓名|患者).{0,60}(年龄|岁).{0,200}(病情|患病时间|联系方式|联系人|求助)", re.S)
_BED = re.compile(r"(求|急需|等不到|排不上|没有)[^，。！]{0,6}(床位|住院|病床|收治)")
_KIN = re.compile(r"我(妈|爸|奶奶|爷爷|外婆|外公|姥姥|姥爷|婆婆|公公|父亲|母亲|老公|老婆|家人|舅|姨|叔|姑)")
_GOODS = re.compile(r"(急需|急缺|紧缺|告急)[^。]{0,80}(捐赠|支援|联系人|联系电话|帮助|转发)")
_TELLS = re.compile(r"网友|[他她]们|当事人|视频|收到|感谢|谣|已经住|住进|出院|万元|目前已|记者|报道")
_DIRECT = re.compile(r"<CN_MOBILE>|<CN_LANDLINE>|求求|恳请|紧急求|急[!！]|求助[:：!！]|求扩散|帮转|帮忙转")
_ENGLISH = (
    ("search_and_rescue", "rescue"),
    ("medical_help", "medical"),
    ("food", "supplies"),
    ("water", "supplies"),
    ("shelter", "shelter"),
    ("missing_people", "missing_person"),
)


@dataclass(frozen=True, slots=True)
class NeedRow:
    """A text (normalised) with all of its needs; empty: it neither asks for help nor offers it."""

    text: str
    language: str
    source: str
    needs: frozenset[str]
    part: str
    weight: float = 1.0
    told: tuple[frozenset[str], str, str] | None = None
    """Hazards, source and state, where a person labelled them."""

    @property
    def asks(self) -> bool:
        return any(need != "offer" for need in self.needs)


def _row(text: str, language: str, source: str, needs: set[str], weight: float = 1.0) -> NeedRow:
    prepared = data.prepare(text)
    return NeedRow(prepared, language, source, frozenset(needs), data.part_of(prepared, CALIBRATE), weight)


def written(count: int, seed: int) -> Iterator[NeedRow]:
    """``count`` calls and offers, two thirds as many look-alikes."""
    for text, needs, language in calls.calls(count, seed):
        yield _row(text, language, "grammar-calls", needs)
    for text, _, language in chatter.chatter(count * 2 // 3, seed + 1):
        yield _row(text, language, "grammar-chatter", set())


def by_hand() -> Iterator[NeedRow]:
    """Posts that were written one by one for training, with all labels: calls of every kind and what resembles them."""
    for file in sorted(WRITTEN.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            text = data.prepare(record["text"])
            told = (frozenset(record["hazards"]), record["source"], record["state"])
            asked = frozenset(record["needs"])
            yield NeedRow(text, record["language"], f"written-{record['kind']}", asked, data.part_of(text), 4.0, told)


def stream(folder: Path, negatives: int, seed: int) -> Iterator[NeedRow]:
    """Weak labels on the epidemic stream: hashtags and forwarded tails are taken off before the wording is judged."""
    draw = random.Random(seed)  # noqa: S311
    seen: set[str] = set()
    quiet: list[str] = []
    for record in data.read(folder, "feed/covid_weibo_2020"):
        text = data.mask(record["text"])
        if text in seen:
            continue
        seen.add(text)
        body = _TAGS.sub("", text)
        if not _ASKS.search(body) or (_NEWS.search(text) and not _DIRECT.search(body)):
            quiet.append(record["text"])
        elif _DIRECT.search(body) and not _TELLS.search(body):
            needs = set()
            if _FORM.search(body) or (_BED.search(body) and _KIN.search(body)):
                needs.add("medical")
            if _GOODS.search(body):
                needs.add("supplies")
            if needs:
                yield _row(record["text"], "zh", "stream-calls", needs, 8.0)
    for text in draw.sample(quiet, min(negatives, len(quiet))):
        yield _row(text, "zh", "stream-quiet", set())


def everyday(folder: Path) -> Iterator[NeedRow]:
    """Posts of ordinary days. A few may ask for help in earnest; nobody has looked through them."""
    for name in ("zh_emotion", "zh_polarity", "zh_polarity_weak"):
        for row in data.labelled(folder, name):
            kind = "epidemic" if "virus" in row.source else "everyday"
            part = data.part_of(row.text, CALIBRATE)
            yield NeedRow(row.text, "zh", f"{kind}-{name}", frozenset(), part)


def english(folder: Path, seed: int) -> Iterator[NeedRow]:
    """Requests in disaster messages; tweets of crises and of ordinary days as negatives (donations are left out)."""
    draw = random.Random(seed)  # noqa: S311
    for record in data.read(folder, "en_needs"):
        needs = {need for flag, need in _ENGLISH if record[flag]} if record["request"] else set()
        if record["request"] and not needs:
            needs = {"other_help"}
        yield _row(record["text"], "en", "en_needs", needs)
    for record in data.read(folder, "en_crisis"):
        if record["label"] != "Donations and volunteering" and draw.random() < 0.6:
            yield _row(record["text"], "en", "en_crisis", set())
    for record in data.read(folder, "en_sentiment"):
        if draw.random() < 0.4:
            yield _row(record["text"], "en", "everyday-en_sentiment", set())


def citizens(folder: Path) -> Iterator[NeedRow]:
    """Messages to an office and emergency news: they ask for services, or tell of others."""
    for name in ("citizen_messages/hot_issue", "citizen_messages/reply", "citizen_messages/classify"):
        for record in data.read(folder, name):
            yield _row(record["text"], "zh", "citizen", set())
    for record in data.read(folder, "zh_emergency_news"):
        for piece in re.split(r"(?<=[。！？])", record["text"]):
            if len(piece) > 12:
                yield _row(piece, "zh", "emergency-news", set())


def developed() -> list[NeedRow]:
    """The hand-written development set; a hash halves it: `calibrate` sets thresholds, `test` is reported."""
    rows = []
    for line in DEV.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        unknown = set(record["needs"]) - set(NEEDS)
        if unknown:
            raise ValueError(f"{DEV.name}: unknown needs {sorted(unknown)}")
        text = data.prepare(record["text"])
        half = "calibrate" if data.part_of(text, 0.4) != "train" else "test"
        told = (frozenset(record["hazards"]), record["source"], record["state"])
        asked = frozenset(record["needs"])
        rows.append(NeedRow(text, record["language"], f"dev-{record['kind']}", asked, half, told=told))
    return rows


def everything(folder: Path, seed: int, written_calls: int = 30_000) -> list[NeedRow]:
    """Every source, one row a text (the first wins)."""
    rows: dict[str, NeedRow] = {}
    sources = (
        by_hand(),
        written(written_calls, seed),
        stream(folder, 40_000, seed),
        everyday(folder),
        english(folder, seed),
        citizens(folder),
    )
    for source in sources:
        for row in source:
            if row.text:
                rows.setdefault(row.text, row)
    return list(rows.values())
