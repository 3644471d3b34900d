"""`brief`: what happened between two times, on paper, for when the network is gone."""

from __future__ import annotations

import os
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.moments import milliseconds
from pipelines.cli.services import say

if TYPE_CHECKING:
    from pipelines.jobs.site import Site

CHINA_MIN = 480


class BriefFormat(StrEnum):
    HTML = "html"
    DOCX = "docx"


class Language(StrEnum):
    CHINESE = "zh"
    ENGLISH = "en"


@app.command(rich_help_panel="Store")
def brief(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="RFC 3339 with an offset, or epoch milliseconds.")],
    end: Annotated[str, typer.Option("--to", help="The same; exclusive.")],
    output: Annotated[Path, typer.Option(help="The file to write: .html or .docx.")],
    how: Annotated[
        BriefFormat | None, typer.Option("--format", help="html or docx; default: as the file is named.")
    ] = None,
    language: Annotated[Language, typer.Option(help="zh or en")] = Language.CHINESE,
    places: Annotated[
        bool,
        typer.Option(
            "--places/--no-places",
            help="Without: places down to the county and no text of posts, for whoever may look only.",
        ),
    ] = True,
    token_file: TokenFile = None,
) -> None:
    """Write a situation brief: the most urgent episodes first, then numbers, time line, map, topics, and their SQL.

    One file that needs no network and prints on A4. Times are written in the offset of --from, else in China's."""
    from pipelines.cli.asking import now_ms
    from pipelines.jobs import traced
    from pipelines.jobs.site import Site
    from pipelines.store.brief import gather
    from schemas.errors import UsageError

    settings: Context = context.obj
    from_ms, to_ms = milliseconds("--from", start), milliseconds("--to", end)
    if to_ms <= from_ms:
        raise UsageError(f"--to {end!r} is not after --from {start!r}")
    kind = how or _kind(output)
    if not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output}: the folder is not there")
    site = Site(settings.home, settings.settings())
    # whoever answers calls may see where they come from; a viewer gets counties
    person = allowed(context, "episode.see" if places else "look", "brief", token_file)
    detail = {"from": from_ms, "to": to_ms, "places": places, "format": kind.value}
    traced.note(settings.home, person.name, "brief", "brief", detail)
    offset_min = _offset(start)
    made = gather(
        site.store_as,
        from_ms,
        to_ms,
        now_ms(),
        person.name,
        places=places,
        command=_again(from_ms, to_ms, offset_min, kind, language, places),
        versions=_versions(site),
        offset_min=offset_min,
    )
    if kind is BriefFormat.HTML:
        from udfs.brief import html

        content = html.render(made, language.value).encode()
    else:
        from udfs.brief import document

        content = document.render(made, language.value)
    _write(output, content)
    waiting = sum(one.state != "closed" for one in made.episodes)
    say(f"{output}: {waiting:,} open episodes, {len(made.queries)} queries in the annex")


def _kind(output: Path) -> BriefFormat:
    from schemas.errors import UsageError

    suffix = output.suffix.lower().removeprefix(".")
    if suffix == "htm":
        return BriefFormat.HTML
    if suffix not in list(BriefFormat):
        raise UsageError(f"--output {output}: name it .html or .docx, or say --format html or --format docx")
    return BriefFormat(suffix)


def _offset(start: str) -> int:
    """Minutes east of UTC that the caller writes times in."""
    from datetime import datetime

    try:
        offset = datetime.fromisoformat(start).utcoffset()
    except ValueError:  # epoch ms, or so long ago
        return CHINA_MIN
    return CHINA_MIN if offset is None else round(offset.total_seconds() / 60)


def _again(from_ms: int, to_ms: int, offset_min: int, kind: BriefFormat, language: Language, places: bool) -> str:
    """The command that makes this brief again, whenever it is typed."""
    from datetime import UTC, datetime, timedelta, timezone

    zone = timezone(timedelta(minutes=offset_min))
    start, end = (datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).isoformat() for ms in (from_ms, to_ms))
    words = [
        "yuqing brief",
        f"--from {start} --to {end}",
        f"--output FILE.{kind.value}",
        f"--language {language.value}",
    ]
    return " ".join([*words, *([] if places else ["--no-places"])])


def _versions(site: Site) -> dict[str, str]:
    """Program, code, rules and model that are in force now."""
    from pipelines.jobs import traced
    from udfs.keywords.ruleset import load_rules
    from udfs.keywords.step import shipped_rules

    deployed = traced.deployed(site.settings)
    rules = load_rules(*(site.settings.rules.folders or (shipped_rules(),)))
    return {
        "yuqing": f"{deployed['yuqing']} ({deployed['code']})",
        "rules": rules.version[:16],
        "bundle": f"{deployed['model']} ({deployed['model.sha256']})",
    }


def _write(output: Path, content: bytes) -> None:
    """All of it or nothing, and for its owner's eyes: it may name places where people are in need."""
    from schemas.errors import UsageError

    try:
        handle, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=f".{output.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(output)
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from None
