"""`demo`: from nothing to rows, an alert and where to look, on a generated feed with an emergency in it."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.services import say

if TYPE_CHECKING:
    from pipelines.store.client import StoreSettings


@app.command(rich_help_panel="Start here")
def demo(
    context: typer.Context,
    posts: Annotated[int, typer.Option(min=100, help="Posts in the generated feed.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed makes another feed.")] = 1,
    token_file: TokenFile = None,
) -> None:
    """Start the services, run `opinion` and `topics` on a generated flood, and show what was found."""
    from pipelines.cli.jobs import start
    from pipelines.feeds.uri import parse
    from pipelines.jobs import topics
    from pipelines.jobs.run import Spec, new_run
    from pipelines.jobs.site import Site
    from pipelines.services import control

    settings: Context = context.obj
    say("1. services")
    control.up(settings.home, say=say, settings=settings.settings_file)
    say(f"2. job opinion on Flink, {posts:,} generated posts of one hour with a flood in it")
    spec = Spec(
        job="opinion",
        # two lines of a thousand are broken, as feeds are: they become dead letters
        source=parse(f"generate:?posts={posts}&seed={seed}&bad=0.002").uri,
        home=str(settings.home),
        run=new_run("demo"),
        settings_file=str(settings.settings_file) if settings.settings_file else None,
    )
    person = allowed(context, "job.operate", f"run {spec.run}", token_file)
    began_ms = time.time_ns() // 1_000_000
    with _Progress(posts) as progress:
        start(spec, person.name, progress=progress.show)
    say("3. topics, and the watch over episodes")
    values = settings.settings()
    store = Site(settings.home, values).store
    topics.run(settings.home, values, threading.Event(), person.name, once=True)
    await_episodes(store)
    _found(settings, began_ms)


def await_episodes(store: StoreSettings) -> None:
    """Until the watch, a process of its own, has nothing new to say for a second, or for half a minute."""
    from pipelines.store import query

    before = -1
    for _ in range(30):
        time.sleep(1)
        now = query.posts_in_episodes(store)
        if now == before and now:
            return
        before = now


class _Progress:
    """A bar on a terminal; a line every few seconds elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar: Any = None
        self._said = time.monotonic()
        self._last = -1

    def __enter__(self) -> _Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("Flink starts", total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, counts: dict[str, Any]) -> None:
        done = counts["posts"]
        if self._bar is not None:
            words = "posts" if done else "Flink starts"
            self._bar.update(self._task, completed=done, description=words)
        elif done != self._last and time.monotonic() - self._said > 5:
            say(f"   {done:,} of {self._total:,} posts")
            self._said, self._last = time.monotonic(), done


def _found(settings: Context, since_ms: int) -> None:
    from pipelines.jobs.site import Site
    from pipelines.store import query

    site = Site(settings.home, settings.settings())
    store = site.store
    query.refresh_roll_ups(store)
    found = query.summary(store, since_ms)
    seconds = max(0.001, (found["last_stored_at"] - found["first_stored_at"]) / 1000) if found["posts"] else 0.001
    print(f"\n{found['posts']:,} posts stored, {found['dead_letters']:,} dead letters")
    for name in ("sentiment", "needs", "categories"):
        if found[name]:
            print(f"{name:>12}: " + ", ".join(f"{key} {count:,}" for key, count in list(found[name].items())[:8]))
    latency = found["latency_ms"]
    if latency:
        print(
            f"  throughput: {found['posts'] / seconds:,.0f} posts/s; from ingestion to stored row "
            + ", ".join(f"{name} {value / 1000:.2f} s" for name, value in latency.items())
        )
    _topics(query.top_topics(store, 5))
    _alerts(query.list_alerts(store, limit=10_000))
    _episodes(query.open_episodes(store, 10_000))
    command = f"yuqing --home {settings.home}" if settings.home.name != ".yuqing" else "yuqing"
    print(
        "\nwhere to look next\n"
        f"  {command} up --look                        the dashboards as a page in a browser, without a Grafana\n"
        f"  {command} episodes list                    what is happening where, the most urgent first\n"
        f"  {command} brief --from -2h --to now --output brief.html   all of it on paper\n"
        f"  {command} alerts list                      what needs somebody now\n"
        f"  {command} sql --role analyst 'SELECT * FROM v_posts LIMIT 5'\n"
        f"  {command} dlq list                         what could not be processed\n"
        f"  {command} status                           services; ClickHouse has a page of its own at URL/play\n"
        f"  {command} down                             stop everything"
    )


def _alerts(alerts: list[dict[str, Any]]) -> None:
    if not alerts:
        print("      alerts: none")
        return
    urgent = sum(alert["priority"] == 1 for alert in alerts)
    print(f"      alerts: {len(alerts):,}, of priority 1: {urgent:,}; the most urgent and latest:")
    for alert in alerts[:5]:
        needs = ", ".join(alert["needs"]) or "-"
        print(
            f"    P{alert['priority']} {alert['rule']:<18} {needs:<24} {alert['place'] or '(no place)'}"
            f"  posts {alert['posts']}, callers {alert['callers']}"
        )


def _topics(topics: list[dict[str, Any]]) -> None:
    print("      topics: " + ("the largest" if topics else "none"))
    for topic in topics:
        name = topic["name"] or "(no name yet)"
        print(f"    {name:<40} posts {topic['posts']:,}, with copies and reposts {topic['reach']:,}")


def _episodes(episodes: list[dict[str, Any]]) -> None:
    if not episodes:
        print("    episodes: none")
        return
    urgent = sum(episode["priority"] == 1 for episode in episodes)
    print(f"    episodes: {len(episodes):,} open, of priority 1: {urgent:,}; the most urgent:")
    for episode in episodes[:5]:
        what = ", ".join([*episode["needs"], *episode["hazards"]]) or "-"
        print(
            f"    P{episode['priority']} {what:<36} {episode['place'] or '(no place)'}"
            f"  callers {episode['callers']}, passed on {episode['relays']}"
        )
