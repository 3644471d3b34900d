"""`bench steps`: each step's CPU, without a service."""

import json

import pytest

from pipelines.bench import steps
from schemas.errors import UsageError
from schemas.settings import Settings


def test_the_parts_make_the_whole_and_the_first_split_is_left_out(tmp_path):
    feed = tmp_path / "posts.jsonl"
    posts = [{"id": str(at), "text": f"第{at}条 张伟民 13812345678 郑州二七区 有老人被困"} for at in range(700)]
    feed.write_text("".join(json.dumps(post) + "\n" for post in posts))
    report = steps.run(Settings(), f"file://{feed}", 100)
    assert report["posts"] == 700 - 512
    costs = report["cpu_us_per_post"]
    assert {"parse", "mask", "classify", "triage", "render"} <= set(costs)
    assert sum(costs.values()) == pytest.approx(report["sum_us"])
    assert costs["mask"] > costs["parse"] > 0


def test_a_feed_that_is_all_warm_up_is_refused():
    with pytest.raises(UsageError, match="512"):
        steps.run(Settings(), "generate:?posts=400", 100)


def test_a_feed_without_an_end_elsewhere_is_refused():
    with pytest.raises(UsageError, match="file or a generated feed"):
        steps.run(Settings(), "kafka://127.0.0.1:9/posts", 100)
