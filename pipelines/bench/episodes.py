"""`bench episodes`: are the calls of one thing one episode, and the calls of two things two?

Two feeds with known truth, through the real steps (masked, located, classified, triaged), then folded as the follower
does: the generated feed with its flood, and `flood_night`, in which every way to go wrong is a case.

* pairwise precision, recall and F1: of pairs of calls in one episode, how many belong together, and the reverse;
* over-merged: episodes with calls of several truths; over-split: truths in several episodes;
* the first twenty by rank at the end of the feed: how many are real and not over, how many of priority 1;
* closings: how many were proposed, on the right episode, and how many wrongly;
* cost: posts a CPU-second of folding, and of calls alone.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from pipelines.bench.flood_night import CASES, NightPost, night
from pipelines.bench.machine import description
from pipelines.feeds import generate
from pipelines.feeds.emergency import episode as told
from pipelines.feeds.emergency import plan
from pipelines.feeds.uri import GenerateSource, parse
from schemas.records import RAW
from udfs.episodes.fold import Folder, Placement
from udfs.episodes.ranking import rank
from udfs.episodes.reading import COLUMNS

CALLS = frozenset({"call", "copy", "forward", "near_copy"})
TOP = 20
STORE_DELAY_MS = 1_000
Report = dict[str, Any]


def run(posts: int, calls: int, seed: int, say: Any) -> Report:
    """Measure and return the report."""
    report: Report = {"machine": description()}
    say(f"flood night: {calls} calls with their cases, through the steps")
    report["night"] = _night(calls, seed)
    say(f"generated feed: {posts} posts of an hour, through the steps")
    report["feed"], report["cost"] = _feed(posts, seed)
    return report


# -- judging ----------------------------------------------------------------------------------------------------------
def judge(found: Sequence[Hashable], truth: Sequence[Hashable]) -> Report:
    """Pairs, merges and splits of posts whose episode is ``found[i]`` (None: in none) and should be ``truth[i]``."""
    pairs = Counter[tuple[Hashable, Hashable]]()
    by_found, by_truth = Counter[Hashable](), Counter[Hashable]()
    for one, other in zip(found, truth, strict=True):
        by_truth[other] += 1
        if one is not None:
            by_found[one] += 1
            pairs[one, other] += 1
    right = sum(map(_pairs, pairs.values()))
    made, real = sum(map(_pairs, by_found.values())), sum(map(_pairs, by_truth.values()))
    precision, recall = right / made if made else 1.0, right / real if real else 1.0
    truths, founds = defaultdict(set), defaultdict(set)
    for one, other in pairs:
        truths[one].add(other)
        founds[other].add(one)
    return {
        "posts": len(found),
        "in_no_episode": sum(one is None for one in found),
        "true_episodes": len(by_truth),
        "found_episodes": len(by_found),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "over_merged": sum(len(these) > 1 for these in truths.values()),
        "over_split": sum(len(these) > 1 for these in founds.values()),
    }


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


# -- the night --------------------------------------------------------------------------------------------------------
def _night(calls: int, seed: int) -> Report:
    posts = night(calls, seed)
    rows = list(stored([_line(post) for post in posts]))
    folder = Folder()
    placed = {key: one.episode_id for key, one in fold(folder, rows).items()}
    found = [placed.get(("weibo", post.post_id)) for post in posts]
    alone = [at for at, post in enumerate(posts) if post.case != "list"]
    report = judge([found[at] for at in alone], [posts[at].episode for at in alone])
    report["cases"] = cases(posts, found)
    return report


def cases(posts: Sequence[NightPost], found: Sequence[Hashable]) -> Report:
    """For each case: posts, how many joined their episode (or rightly opened one), joined another, opened one too many,
    and lie in none. An episode that is found belongs to the truth of its first post."""
    owner: dict[Hashable, str] = {}
    home: dict[str, Hashable] = {}
    counts: dict[str, Counter[str]] = {case: Counter() for case in CASES}
    for post, episode in zip(posts, found, strict=True):
        count = counts[post.case]
        count["posts"] += 1
        if episode is None:
            count["in_none"] += 1
            continue
        opens = episode not in owner
        truth = owner.setdefault(episode, post.episode)
        if truth != post.episode:
            # a list lies with one of those it names, if not alone
            count["right" if post.case == "list" else "merged"] += 1
        elif opens and post.episode in home:
            count["split"] += 1
        else:
            count["right"] += 1
            home.setdefault(post.episode, episode)
    return {case: dict(count) for case, count in counts.items()}


def _line(post: NightPost) -> tuple[bytes, int]:
    row = {"id": post.post_id, "platform": "weibo", "text": post.text, "author": post.author}
    return msgspec.json.encode(row | {"created_at": post.created_at, "region": "河南"}), post.created_at


# -- the feed ---------------------------------------------------------------------------------------------------------
def _feed(posts: int, seed: int) -> tuple[Report, Report]:
    source = parse(f"generate:?posts={posts}&seed={seed}&minutes=60&start=1626782400000")
    if not isinstance(source, GenerateSource):
        raise TypeError("no generated feed")
    truths = [generate.truth(source, at) for at in range(posts)]
    lines = [(generate.line(source, at), generate.created_at(source, at)) for at in range(posts)]
    rows = list(stored(lines))
    folder = Folder()
    began = time.process_time()
    placements = fold(folder, rows)
    cost = {"posts_per_cpu_s": len(rows) / max(1e-9, time.process_time() - began), "calls": len(placements)}
    by_id = {row["post_id"]: placements.get((row["platform"], row["post_id"])) for row in rows}
    calls = [truth for truth in truths if truth["kind"] in CALLS]
    found = [_episode(by_id.get(truth["id"])) for truth in calls]
    where = plan(source)
    assert where is not None  # noqa: S101  (the feed has a flood)

    def place(truth: Mapping[str, Any]) -> str:
        slots = told(where, int(truth["episode"].rsplit("-", 1)[1])).slots
        return f"{slots['county']}{slots['town']}{slots['spot']}"

    real = {episode for episode in found if episode is not None}
    hours = 0.6  # the flood begins after .4 of the hour
    kinds = Counter(episode.kind for episode in folder.episodes.values())
    report = {
        "by_call": judge(found, [truth["episode"] for truth in calls]),
        "by_place": judge(found, [place(truth) for truth in calls]),
        "opened_an_hour": {kind: count / hours for kind, count in sorted(kinds.items())},
        "help_without_a_true_call": sum(e.kind == "help" and i not in real for i, e in folder.episodes.items()),
        "top": _top(folder, dict(zip(map(_id, calls), found, strict=True)), truths),
        "closings": _closings(truths, by_id, calls, found),
    }
    only_calls = [row for row in rows if by_id[row["post_id"]] is not None]
    began = time.process_time()
    fold(Folder(), only_calls)
    cost["calls_per_cpu_s"] = len(only_calls) / max(1e-9, time.process_time() - began)
    cost["snapshot_bytes_an_episode"] = len(folder.state()) / max(1, len(folder.episodes))
    return report, cost


def _top(folder: Folder, found: Mapping[str, Any], truths: Sequence[Mapping[str, Any]]) -> Report:
    """The first twenty by rank: real ones that no post has called over, and those of priority 1 among them."""
    over = {truth["episode"] for truth in truths if truth["kind"] == "update" and truth["state"] == "closed"}
    votes: dict[Any, Counter[Any]] = defaultdict(Counter)
    priority = {truth["episode"]: truth["priority"] for truth in truths if truth["kind"] == "call"}
    episode_of = {truth["id"]: truth["episode"] for truth in truths if truth["kind"] in CALLS}
    for post_id, episode in found.items():
        votes[episode][episode_of[post_id]] += 1
    first = sorted(folder.episodes.values(), key=lambda episode: (-rank(episode), episode.episode_id))[:TOP]
    mains = [votes[e.episode_id].most_common(1)[0][0] if votes[e.episode_id] else None for e in first]
    real = [main is not None and main not in over for main in mains]
    urgent = [ok and priority[main] == 1 for ok, main in zip(real, mains, strict=True)]
    return {"of": len(first), "real_and_open": sum(real) / TOP, "of_priority_1": sum(urgent) / TOP}


def _closings(
    truths: Sequence[Mapping[str, Any]],
    by_id: Mapping[str, Placement | None],
    calls: Sequence[Mapping[str, Any]],
    found: Sequence[Any],
) -> Report:
    inside: dict[Any, set[Any]] = defaultdict(set)
    for truth, episode in zip(calls, found, strict=True):
        inside[episode].add(truth["episode"])
    count = Counter[str]()
    for truth in truths:
        placement = by_id.get(truth["id"])
        closing = placement is not None and placement.role == "closing"
        if truth["kind"] == "update" and truth["state"] == "closed":
            count["true"] += 1
            if closing and placement is not None:
                count["right" if truth["episode"] in inside[placement.episode_id] else "on another episode"] += 1
        elif closing:
            count["no closing"] += 1
    return {name: count[name] for name in ("true", "right", "on another episode", "no closing")}


def _episode(placement: Placement | None) -> str | None:
    return placement.episode_id if placement is not None else None


def _id(truth: Mapping[str, Any]) -> str:
    return str(truth["id"])


# -- through the steps ------------------------------------------------------------------------------------------------
def fold(folder: Folder, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Placement]:
    """Fold stored rows in order; where each went."""
    placed = {}
    for row in rows:
        for placement in (folder.take(row), *folder.late()):
            if placement is not None:
                placed[placement.key] = placement
    return placed


def stored(lines: Sequence[tuple[bytes, int]]) -> Iterator[dict[str, Any]]:
    """Rows as the follower reads them from `posts`, of lines with their times, through the steps of the opinion job.

    Numbers become tokens under a key that is made for this and thrown away.
    """
    from governance.keys import ensure_keys
    from governance.seal import Seal
    from pipelines.engines import inline
    from pipelines.engines.job import Job
    from pipelines.jobs.dead_letters import CountedDeadLetters
    from pipelines.jobs.opinion import score
    from schemas.settings import Settings
    from udfs.pii.step import Mask

    with tempfile.TemporaryDirectory() as folder:
        ensure_keys(Path(folder))
        job = score(Settings(), CountedDeadLetters())
        steps: list[Any] = []
        for step in job.steps:
            steps += [step, Seal(Path(folder))] if isinstance(step, Mask) else [step]
        sealed = Job(job.name, job.purpose, job.lawful_basis, tuple(steps), job.dead_letters)
        batches = (_raw(lines[at : at + 512], at) for at in range(0, len(lines), 512))
        for batch in inline.run(sealed, batches):
            for row in batch.select(["platform", "id", *COLUMNS]).to_pylist():
                row["post_id"], row["stored_at"] = row.pop("id"), row["created_at"] + STORE_DELAY_MS
                yield row


def _raw(lines: Sequence[tuple[bytes, int]], first: int) -> pa.RecordBatch:
    count = len(lines)
    values = [
        pa.array(["bench"] * count, pa.string()),
        pa.array(["0"] * count, pa.string()),
        pa.array(range(first, first + count), pa.int64()),
        pa.array([at for _, at in lines], pa.int64()),
        pa.array([at for _, at in lines], pa.int64()),
        pa.array([line for line, _ in lines], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(values, schema=RAW)
