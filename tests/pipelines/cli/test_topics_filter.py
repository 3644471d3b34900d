"""`yuqing topics` as a stranger's script uses it."""

import json
import subprocess

from tests.conftest import YUQING, lines


def test_topics_keep_order_and_every_post_has_one():
    events = ["榆桥大桥垮塌 卡车坠河 救援人员赶到", "wilton bakers strike over wages and flour prices"]
    posts = [{"id": str(at), "text": f"{events[at % 2]} {'现场' if at % 3 else '最新'}{at * 37}"} for at in range(40)]
    stdin = lines(*posts, {"id": "last", "text": "联系13812345678"}) + b"{\n"
    done = subprocess.run([YUQING, "topics"], input=stdin, capture_output=True, timeout=240, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == [*map(str, range(40)), "last"]
    assert all(list(row) == ["id", "text", "pii", "topic_id"] and row["topic_id"] for row in rows)
    assert [len({row["topic_id"] for row in rows[at:40:2]}) for at in (0, 1)] == [1, 1]
    assert len({row["topic_id"] for row in rows}) == 3
    assert rows[-1]["text"] == "联系<CN_MOBILE>"
    assert b"1 dead letters" in done.stderr
