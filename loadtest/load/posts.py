"""The posts of a run, made before it begins: a spool of lines that the sender only has to complete and hand on.

A line of the spool begins with a comma when it is a post: `{"created_at":` and the intended time in epoch ms go before
it. Ids get the run's name before them, so no run rewrites the posts of another. Lines that are no posts (a feed with
`bad=`) stay as they are. With a key, `KEY TAB` stands before each line.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from loadtest.outside import Failed, Outside
from schemas.errors import UsageError

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
BEFORE = b'{"created_at":%d'


def feed_source(source: str, posts: int, seed: int, run: str) -> str:
    """`source` with the number of posts and a seed, where it is a generated feed that names none."""
    if not source.startswith("generate:"):
        return source
    if any(part.startswith(("posts=", "rate=")) for part in source.partition("?")[2].split("&")):
        raise UsageError(f"source {source!r}: the schedule says how many posts and how fast; take posts= and rate= out")
    more = [f"posts={posts}"]
    if "seed=" not in source:
        more.append(f"seed={seed or zlib.crc32(run.encode())}")
    return source + ("" if source.endswith(("?", "&")) else "&" if "?" in source else "?") + "&".join(more)


def spooled(line: bytes, run: str, key: str) -> bytes:
    """A line of the spool for a line of the feed."""
    try:
        post = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        post = None
    if not isinstance(post, dict):
        return (b"\t" if key != "none" else b"") + line
    value = _key(post, key)
    if isinstance(post.get("id"), str) and post["id"]:
        post["id"] = f"{run}-{post['id']}"
    if isinstance(post.get("repost_of"), str) and post["repost_of"]:
        post["repost_of"] = f"{run}-{post['repost_of']}"
    post.pop("created_at", None)
    post.pop("updated_at", None)
    return value + (b"," + _encode(post)[1:] if post else b"}")


def _key(post: dict[str, Any], key: str) -> bytes:
    if key == "none":
        return b""
    value = "one" if key == "one" else post.get(key)
    return (value if isinstance(value, str) else "").encode().replace(b"\t", b" ") + b"\t"


def message(line: bytes, created_ms: int) -> bytes:
    """What is sent for a line of the spool, its key taken off."""
    return BEFORE % created_ms + line if line[:1] in (b",", b"}") else line


def spool(lines: Iterable[bytes], run: str, key: str, path: Path, posts: int) -> int:
    """Write the spool (mode 0600) of the first `posts` lines; returns how many there were."""
    count = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=1 << 20) as out:
        for line in lines:
            out.write(spooled(line, run, key) + b"\n")
            count += 1
            if count == posts:
                break
    return count


def read_feed(home: Outside, source: str) -> Iterator[bytes]:
    """The lines of `yuqing feed SOURCE`. Raises Failed with what it said, where it did not end well."""
    with tempfile.TemporaryFile() as said:
        command = home.command("feed", source, "--output", "-")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)  # noqa: S603 - our own command
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        try:
            yield from _lines(process.stdout)
        except GeneratorExit:
            process.kill()
            process.wait()
            raise
        if process.wait():
            said.seek(0)
            raise Failed(
                f"yuqing feed {source}: exit {process.returncode}\n{said.read()[-2000:].decode(errors='replace')}"
            )


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Without their LF; blank ones are left out, for the pipeline skips them."""
    for line in stream:
        if line := line.rstrip(b"\n"):
            yield line
