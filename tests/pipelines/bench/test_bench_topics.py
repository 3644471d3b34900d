import json
import random

import pytest

from pipelines.bench import topics
from schemas.errors import UsageError


@pytest.mark.parametrize(
    ("truth", "found", "nmi", "ari"),
    [
        ("aabb", "xxyy", 1.0, 1.0),
        ("aabb", "xxxx", 0.0, 0.0),
        ("aabb", "xyxy", 0.0, -0.5),
        ("aabb", "wxyz", 2 / 3, 0.0),
        ("aaabbb", "xxyyzz", 0.5158, 0.2424),
        ("aa", "xx", 1.0, 1.0),
    ],
)
def test_measures(truth, found, nmi, ari):
    """As scikit-learn 1.9 has them, where it is not by the definition."""
    assert topics.nmi(truth, found) == pytest.approx(nmi, abs=1e-4)
    assert topics.ari(truth, found) == pytest.approx(ari, abs=1e-4)


def test_a_labelled_stream_is_measured_beside_the_baseline(tmp_path):
    rng = random.Random(1)
    events = {name: [f"{name}{n}" for n in range(10)] for name in ("storm", "goal", "tax")}
    path = tmp_path / "events.jsonl"
    rows = []
    for at in range(150):
        name = rng.choice(list(events))
        rows.append({"text": " ".join(rng.sample(events[name], 5)), "event": name, "ts_ms": at})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = topics.quality(path)
    ours, plain = report["methods"].values()
    assert (report["posts"], ours["true_topics"]) == (150, 3)
    assert ours["ari"] > 0.95
    assert plain["topics"] >= 3


def test_a_set_without_labels_is_refused(tmp_path):
    path = tmp_path / "plain.jsonl"
    path.write_text('{"text": "no event"}\n')
    with pytest.raises(UsageError, match="label"):
        topics.quality(path)


def test_the_curve_has_its_steps():
    curve = topics.cost(3_000, steps=[2_000])
    assert [step["posts"] for step in curve] == [2_000, 3_000]
    assert all(step["us_per_post"] > 0 for step in curve)
