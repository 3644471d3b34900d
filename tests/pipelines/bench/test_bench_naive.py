"""`bench naive`: the plain loop does what it is said to do, on the real store."""

import json

from pipelines.bench import naive
from pipelines.feeds.uri import parse


def test_the_loop_masks_judges_and_inserts_one_row_a_post(clean, tmp_path, monkeypatch):
    feed = tmp_path / "posts.jsonl"
    lines = [json.dumps({"id": str(at), "text": "请联系张伟民13812345678，水到二楼了"}) for at in range(20)]
    feed.write_text("\n".join([*lines, "not JSON"]) + "\n")
    with monkeypatch.context() as kept:
        kept.setattr(naive, "DROP", "SELECT 1")  # so that there is something to look at
        report = naive.loop(clean.path, parse(f"file://{feed}"), 60)
    rows = clean.rows(f"SELECT id, text, sentiment FROM {naive.TABLE}")
    assert report["posts"] == len(rows) == 20
    assert {text for _, text, _ in rows} == {"请联系<PERSON><CN_MOBILE>，水到二楼了"}
    assert {mood for *_, mood in rows} <= {"negative", "neutral", "positive"}
    assert all(cost > 0 for cost in report["cost_us"].values())
    naive.loop(clean.path, parse(f"file://{feed}"), 0)
    assert clean.rows(f"EXISTS TABLE {naive.TABLE}") == [(0,)]
