"""The kinds of emergency, by the hazard's name in a URI or a script."""

from __future__ import annotations

from dataclasses import replace

from pipelines.feeds.draft import Facts
from pipelines.feeds.wording import crush, fire, flood, food, power, rumour, shortage
from pipelines.feeds.wording.kind import Kind

_FLOOD = Kind(
    situations=flood.SITUATIONS,
    echoes=flood.ECHOES,
    tags=flood.TAGS,
    openings=flood.OPENINGS,
    still=flood.STILL,
    closed=flood.CLOSED,
    partial=flood.PARTIAL,
    unclear=flood.UNCLEAR,
    homes=((flood.VILLAGES, flood.HOUSE_VILLAGE), (flood.ESTATES, flood.HOUSE_ESTATE)),
    public=((flood.VILLAGES, ("",)), (flood.PUBLIC, ("",))),
    closings=flood.CLOSINGS,
    where=flood.WHERE,
    contacts=flood.CONTACTS,
    copied=flood.COPIED,
    forwarded=flood.FORWARDED,
    towns=flood.TOWNS,
    form_parts=flood.FORM,
)


def _other(module: object, **more: object) -> Kind:
    """What a module of this folder has; the rest is said in a flood and elsewhere alike."""
    names = ("situations", "echoes", "tags", "openings", "still", "closed", "partial", "unclear", "homes", "public",
             "closings")  # fmt: skip
    own = {name: getattr(module, name.upper()) for name in names}
    return replace(_FLOOD, **own, form_parts=None, **more)  # type: ignore[arg-type]  # fields by their names


KINDS: dict[str, Kind] = {
    "flood": _FLOOD,
    "fire": _other(fire),
    "power": _other(power),
    "food": _other(food),
    "shortage": _other(shortage),
    "rumour": _other(
        rumour,
        call="claim",
        where=rumour.WHERE,
        contacts=("",),
        forwarded=rumour.FORWARDED,
        denies=Facts("denial", "neutral", "neutral", source_kind="official", state="closed"),
    ),
    "crush": _other(crush),
}
