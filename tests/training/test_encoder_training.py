"""The way from public sets to a shipped bundle, in small: the same code as `make models`, on text made here."""

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.records import NEEDS
from training.encoder import calls, chatter, data, finish, needs, train_wide
from training.encoder.fairness import GROUPS, SENTENCES, shifts
from udfs.checks import check_udf
from udfs.encoder.step import Classify

FEELING = {
    "happy": ("开心", "太好了", "幸福", "喜欢"),
    "angry": ("气死", "讨厌", "过分", "垃圾"),
    "sad": ("难过", "伤心", "哭了", "想念"),
    "fear": ("害怕", "吓人", "恐怖", "担心"),
    "neutral": ("开会", "通知", "星期", "地址"),
    "surprise": ("居然", "没想到", "天哪", "竟然"),
}
WORDS = ("今天", "昨天", "朋友", "老师", "学校", "公司", "电影", "早上", "晚上", "路上", "孩子", "手机", "天气", "火车")
ENGLISH = {"positive": "love great happy", "neutral": "monday meeting report", "negative": "hate awful sad"}


def chinese(label: str, draw: random.Random) -> str:
    return "".join(draw.choice(WORDS) for _ in range(5)) + draw.choice(FEELING[label]) + draw.choice(WORDS)


def english(label: str, draw: random.Random) -> str:
    return " ".join(draw.choice([*ENGLISH[label].split(), "the", "day", "we", "about"]) for _ in range(8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every set the training reads, a few hundred rows each."""
    draw = random.Random(5)
    root = tmp_path_factory.mktemp("data")
    sets: dict[str, list[dict[str, object]]] = {
        "zh_emotion": [
            {"text": chinese(label, draw), "label": label, "source": f"smp2020-{kind}"}
            for kind in ("usual", "virus")
            for label in FEELING
            for _ in range(60)
        ],
        "zh_emotion_covid": [
            {"text": chinese(label, draw) + "疫情", "label": own, "source": "covid19-weibo7"}
            for own, label in (
                ("anger", "angry"),
                ("fear", "fear"),
                ("sadness", "sad"),
                ("optimism", "happy"),
                ("disgust", "angry"),
            )
            for _ in range(40)
        ],
        "en_emotion": [
            {"text": english("positive" if label == "joy" else "negative", draw), "label": label, "source": "tweeteval"}
            for label in ("joy", "sadness", "anger")
            for _ in range(40)
        ],
        "en_sentiment": [
            {"text": english(label, draw), "label": label, "source": "semeval2017-4a"}
            for label in ENGLISH
            for _ in range(60)
        ],
        "en_needs": [
            {
                "text": text,
                "label": "",
                "source": "d",
                "request": int(bool(asked)),
                "medical_help": int("medical" in asked),
                "search_and_rescue": int("rescue" in asked),
                "food": int("supplies" in asked),
                "water": 0,
                "shelter": int("shelter" in asked),
                "missing_people": int("missing_person" in asked),
            }
            for text, asked, language in calls.calls(1500, 3)
            if language == "en"
        ],
        "en_crisis": [
            {"text": english("neutral", draw), "label": "Caution and advice", "source": "c"} for _ in range(60)
        ],
        "feed/covid_weibo_2020": [
            {"text": chinese("neutral", draw) if i < 200 else f"#加油# 急！急需防护服，请捐赠，联系电话13{i:09d}"}
            for i in range(220)
        ],
        "zh_ner": [{"text": chinese("neutral", draw)} for _ in range(20)],
        "feed/weibo_hot_search/2025-01": [{"title": chinese("surprise", draw)} for _ in range(20)],
        "zh_emergency_news": [{"text": "昨日某地发生事故一起。救援人员随即赶到了现场处置。"}],
    }
    for name, source in (("zh_polarity", "weibo2018"), ("zh_polarity_weak", "weibo-senti-100k")):
        sets[name] = [
            {"text": chinese(feeling, draw) + "。", "label": label, "source": source}
            for label, feeling in (("positive", "happy"), ("negative", "angry"))
            for _ in range(80)
        ]
    for name in ("hot_issue", "reply", "classify"):
        sets[f"citizen_messages/{name}"] = [
            {"text": "请问小区路灯什么时候修" + chinese("neutral", draw)} for _ in range(20)
        ]
    for name, rows in sets.items():
        file = root / f"{name}.jsonl.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(file, "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return root


def test_from_sets_to_a_bundle_that_scores(folder: Path, tmp_path: Path) -> None:
    train_wide.train(folder, tmp_path, seed=1, written=900)
    bundle = finish.finish(folder, tmp_path, "wide", "smoke", "0.0.1", seed=1, written=900, resamples=5)
    assert bundle.model == "smoke@0.0.1"
    assert {row["head"] for row in bundle.meta["training"]} == {"sentiment", "emotion", "needs, help"}
    assert bundle.meta["measured"]["emotion, everyday Weibo"]["accuracy"] > 0.8
    card = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert "smoke@0.0.1" in card
    assert "posts of" in card
    check_udf(Classify(str(tmp_path)))
    step = Classify(str(tmp_path))
    step.open()
    batch = pa.RecordBatch.from_pydict({"text": ["今天路上气死老师", "昨天孩子幸福手机"], "language": ["zh", "zh"]})
    assert [row["emotion"] for row in step.apply(batch).to_pylist()] == ["angry", "happy"]


def test_parts_are_disjoint_stable_and_of_the_stated_size() -> None:
    parts = [data.part_of(f"第{i}条") for i in range(20_000)]
    assert abs(parts.count("test") / 20_000 - 0.1) < 0.01
    assert abs(parts.count("calibrate") / 20_000 - 0.05) < 0.01
    wider = [data.part_of(f"第{i}条", 0.2) for i in range(20_000)]
    assert all(a == b for a, b in zip(parts, wider, strict=True) if "test" in (a, b))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("联系13800138000谢谢", "联系<CN_MOBILE>谢谢"),
        ("看http://a.cn/x 吧", "看<URL> 吧"),
        ("@某某 你好", "<USERNAME> 你好"),
        ("邮箱a.b@c.com。", "邮箱<EMAIL_ADDRESS>。"),
        ("联系人：王小明，", "联系人：<PERSON>，"),
        ("110103199001011234是号", "<CN_ID>是号"),
    ],
)
def test_stand_in_for_the_mask_step(text: str, masked: str) -> None:
    assert data.mask(text) == masked


def test_the_grammar_repeats_and_varies() -> None:
    first, again, other = (list(calls.calls(2000, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len({text for text, _, _ in first}) > 1800
    seen = {need for _, asked, _ in first for need in asked}
    assert seen == set(NEEDS)
    assert not any("{" in text or "}" in text for text, _, _ in first)
    assert not any("{" in text for text, _, _ in chatter.chatter(2000, 1))
    assert {kind for _, kind, _ in chatter.chatter(2000, 1)} == {*chatter.KINDS, "english"}


def test_no_row_of_the_development_set_is_trained_on() -> None:
    """The grammar and the set have one author: at least no sentence may stand in both."""
    hand_written = {row.text for row in needs.developed()}
    assert len(hand_written) >= 400
    assert not hand_written & {row.text for row in needs.written(20_000, 7)}


def test_weak_labels_judge_the_body_not_the_hashtags(folder: Path) -> None:
    rows = list(needs.stream(folder, 100, 1))
    assert {row.source for row in rows} == {"stream-calls", "stream-quiet"}
    for row in rows:
        assert row.needs == (frozenset({"supplies"}) if row.source == "stream-calls" else frozenset())


def test_counterfactual_sentences_have_one_place_for_the_word() -> None:
    assert set(GROUPS) == set(SENTENCES)
    for group, sentences in SENTENCES.items():
        assert len(GROUPS[group]) > 1
        assert len(set(sentences)) == len(sentences)
        assert all(sentence.count("{}") == 1 for sentence in sentences)


def test_the_default_bundle_moves_little_with_region_gender_or_ethnicity() -> None:
    step = Classify()
    step.open()
    by_group = {row["group"]: row for row in shifts(step)}
    for group in ("region", "gender", "ethnicity"):
        assert by_group[group]["negative"] <= 0.05, group
        assert by_group[group]["help"] <= 0.05, group
