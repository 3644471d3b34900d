"""What must hold after a fault: each check returns what is wrong, in words; nothing is nothing.

They compare with what is known of the posts (`posts.Wave`) and with the wave that nothing disturbed (`Seen`), which had
the same posts under other ids.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.faults.posts import Wave
from loadtest.outside import Outside

LABELS = "sentiment, emotion, need, hazards, priority, source_kind, state, people, items"
STORED = "text, text_l2, pii, places, keywords, author_token, phone_tokens, language, created_at"
SEALED = {("pii_vault", "ciphertext"), ("dead_letters", "raw")}
"""Columns that hold identifiers, encrypted: their bytes may spell anything."""
IDENTIFIER = re.compile(r"planted-author-\d+|planted\.person\d+@example\.org|(?<!\d)\d{17}[\dX]|(?<!\d)\d{11}(?!\d)")


@dataclass(frozen=True)
class Seen:
    """What the store holds of a wave, by index of the post, so that two waves can be compared."""

    labels: dict[int, int]
    """Hash of what the model and the triage say."""
    stored: dict[int, int]
    """Hash of what does not depend on the model: masked text, identifiers masked, places, rules."""
    sealed: dict[int, int]
    """How many identifiers of the post the vault has."""
    hits: frozenset[tuple[Any, ...]]
    """(alert, post, lane, rule, priority) of what belongs to an alert."""


def seen(outside: Outside, wave: Wave) -> Seen:
    mine = f"startsWith(post_id, '{wave.name}-')"
    index = f"toInt64(substring(post_id, {len(wave.name) + 2}))"  # from 1, after the dash
    posts = outside.ask(f"SELECT {index}, cityHash64({LABELS}), cityHash64({STORED}) FROM posts FINAL WHERE {mine}")  # noqa: S608 - our own names
    sealed = outside.ask(f"SELECT {index}, count() FROM pii_vault FINAL WHERE {mine} GROUP BY 1")  # noqa: S608 - as above
    hits = outside.ask(f"SELECT alert_id, {index}, lane, rule, priority FROM alert_hits FINAL WHERE {mine}")  # noqa: S608 - as above
    return Seen(
        {int(row[0]): row[1] for row in posts},
        {int(row[0]): row[2] for row in posts},
        {int(row[0]): row[1] for row in sealed},
        frozenset(hits),
    )


def rows(outside: Outside, wave: Wave) -> list[str]:
    """Every line is one row or one dead letter, under FINAL, and never both."""
    wrong = []
    mine = f"startsWith(post_id, '{wave.name}-')"
    (found,) = outside.ask(f"SELECT count(), uniqExact(post_id) FROM posts FINAL WHERE {mine}")  # noqa: S608 - our name
    if found != (len(wave.good), len(wave.good)):
        wrong.append(f"{found[0]} rows of {found[1]} posts, not {len(wave.good)}")
    letters = Counter(row[0] for row in outside.ask("SELECT sha256 FROM dead_letters FINAL"))
    lost = wave.bad - set(letters)
    if lost:
        wrong.append(f"{len(lost)} lines that are no posts became no dead letters")
    if doubled := [one for one in wave.bad if letters[one] > 1]:
        wrong.append(f"{len(doubled)} dead letters twice")
    good = {_sha(wave, index) for index in wave.good}
    if refused := good & set(letters):
        wrong.append(f"{len(refused)} good posts became dead letters")
    return wrong


def _sha(wave: Wave, index: int) -> str:
    return hashlib.sha256(wave.line(index)).hexdigest()


def same(now: Seen, before: Seen, *, new_model: bool = False) -> list[str]:
    """The same rows, identifiers and alerts as of the wave that nothing disturbed."""
    wrong = []
    for what, mine, theirs in (
        ("masked text, places or rules", now.stored, before.stored),
        ("identifiers in the vault", now.sealed, before.sealed),
        *(() if new_model else (("labels", now.labels, before.labels),)),
    ):
        if other := [index for index in mine.keys() | theirs.keys() if mine.get(index) != theirs.get(index)]:
            wrong.append(f"{len(other)} posts have other {what} than undisturbed, post {min(other)} first")
    mine, theirs = (
        {hit for hit in one.hits if not new_model or hit[2] == "rules"} for one in (now, before)
    )  # what a new model finds urgent is its own affair
    if lost := theirs - mine:
        wrong.append(f"{len(lost)} hits of alerts lost, of alert {min(lost)[0]} first")
    if added := mine - theirs:
        wrong.append(f"{len(added)} hits of alerts that an undisturbed run has not, of alert {min(added)[0]} first")
    return wrong


def undelivered(outside: Outside) -> int:
    """Alerts that nobody was told of yet, at the urgency that they have."""
    told = "SELECT alert_id, min(priority) AS told FROM alert_deliveries FINAL WHERE status = 'done' GROUP BY alert_id"
    urgency = "told.told = 0 OR told.told > priority"
    counted = f"SELECT count() FROM alerts LEFT JOIN ({told}) AS told USING alert_id WHERE {urgency}"  # noqa: S608 - constants
    return int(outside.ask(counted)[0][0])


def messages(home: Path, skip: int) -> list[dict[str, Any]]:
    """What the plain channel has said, after the first `skip` messages."""
    outbox = home / "alerts.jsonl"
    return [json.loads(line) for line in outbox.read_bytes().splitlines()[skip:]] if outbox.exists() else []


def delivered(outside: Outside, sent: Collection[dict[str, Any]], *, repeats: bool) -> list[str]:
    """Every alert was told of, once for each urgency; `repeats`: a message may have left twice under one key."""
    wrong = []
    if missing := undelivered(outside):
        wrong.append(f"{missing} alerts were not delivered")
    times = Counter(message["idempotency_key"] for message in sent)
    if not repeats and (again := [key for key, count in times.items() if count > 1]):
        wrong.append(f"{len(again)} messages left twice")
    urgencies = Counter(
        (message["alert_id"], message["priority"]) for message in {m["idempotency_key"]: m for m in sent}.values()
    )
    if doubled := [alert for alert, count in urgencies.items() if count > 1]:
        wrong.append(f"{len(doubled)} alerts were told twice under two keys")
    done = {row[0] for row in outside.ask("SELECT idempotency_key FROM alert_deliveries FINAL WHERE status = 'done'")}
    if never := done - set(times):
        wrong.append(f"{len(never)} messages count as delivered and never left")
    return wrong


def decided(home: Path) -> int:
    """Posts that models decided on, by the ledger and by the drafts beside it, of which its next entries are made: what
    was tried twice counts twice."""
    total = 0
    for path in home.glob("audit/*.jsonl"):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # a killed writer leaves half a line
                entry = json.loads(line)
                if entry.get("action") == "model.batch":
                    total += int(entry["detail"]["posts"])
    for path in home.glob("audit/*.draft"):
        with contextlib.suppress(json.JSONDecodeError):  # empty: just made an entry of
            total += int(json.loads(path.read_bytes())["detail"]["posts"])
    return total


def recorded(home: Path, before: int, wave: Wave) -> list[str]:
    """No decision took effect that the ledger does not have; `before`: what it had before the wave."""
    noted = decided(home) - before
    return [] if noted >= len(wave.good) else [f"the ledger has decisions on {noted} posts of {len(wave.good)}"]


def ledger(outside: Outside) -> list[str]:
    done = outside.run("audit", "verify", check=False)
    return [] if not done.returncode else [f"audit verify: {(done.stdout + done.stderr).strip()[-300:]}"]


def clear(outside: Outside, wave: Wave) -> list[str]:
    """No planted identifier in any column of text of the store, nor in a log, the ledger or the outbox."""
    wrong = []
    columns: dict[str, list[str]] = {}
    for table, name in outside.ask(
        "SELECT table, name FROM system.columns WHERE database = 'yuqing' AND match(type, 'String') AND table IN "
        "(SELECT name FROM system.tables WHERE database = 'yuqing' AND total_rows > 0)"
    ):
        if (table, name) not in SEALED:
            columns.setdefault(table, []).append(name)
    for table, names in columns.items():
        listed = ", ".join(f"`{name}`" for name in names)
        lines = outside.ask(f"SELECT formatRow('CSV', {listed}) FROM `{table}`")  # noqa: S608 - the store's own names
        found = {word for (line,) in lines for word in IDENTIFIER.findall(line)}
        if leaked := found & wave.planted:
            wrong.append(f"{len(leaked)} planted identifiers in clear in table {table}")
    for path in [*outside.home.glob("logs/*"), *outside.home.glob("audit/**/*"), outside.home / "alerts.jsonl"]:
        if path.is_file() and set(IDENTIFIER.findall(path.read_text(errors="replace"))) & wave.planted:
            wrong.append(f"planted identifiers in clear in {path.relative_to(outside.home)}")
    return wrong
