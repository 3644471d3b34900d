"""Goods that are asked for (or offered), with quantity and unit where the post gives them.

Goods count in a clause that asks or gives, or that carries the list of such a clause on ("急需物资：冲锋舟，绳索"), or
with a quantity of their own. Which side a quantity belongs to is decided clause by clause: "500件雨衣300双雨靴" counts
before the goods, "雨衣500件雨靴300双" after. An indefinite quantity ("几箱", "大量") is null; its unit stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

from udfs.keywords.ruleset import Hit
from udfs.triage.evidence import MOST_READ, Evidence
from udfs.triage.numerals import ENGLISH_NUMBER, NUMBER, parse_number

KINDS = ("survival", "medical", "responder")
"""What goods are for, as `lexicon/facts/items.yaml` groups them."""

_UNITS = (
    "艘|条|只|个|件|箱|瓶|桶|袋|包|套|双|台|顶|床|张|辆|吨|公斤|千克|斤|升|毫升|盒|支|罐|份|把|根|米|块|批|车|组|架|副|面|卷|片|"
    "提|板|听|捆|付|部|具|盏|对|人份|单位|袋子|万个|万只|万件|万套|万片|万吨"
)
_BEFORE = re.compile(
    rf"(?:(?P<number>{NUMBER})\s*(?:多|余|来|几|左右)?\s*(?:大|小)?(?P<unit>{_UNITS})|(?P<vague>几|数|若干|一些|大量|少量|一批))"
    rf"(?:左右|以上|的)?\s*$"
)
_BARE_BEFORE = re.compile(
    rf"(?:^|[^\d.:-])(?P<number>\d+|{ENGLISH_NUMBER})\s*(?:(?P<unit>boxes|bottles|bags|sets|packs|pieces|tons|kg|cases|liters|litres|gallons)\s+(?:of\s+)?)?$"
)
_AFTER = re.compile(
    rf"\s*[:(x×*,]?\s*(?:大约|大概|约|至少|各|共|需|需要|还差|缺|要)?\s*(?P<number>{NUMBER})\s*(?:多|余|来|几|左右)?\s*(?:大|小)?(?P<unit>{_UNITS})?(?![%岁楼层号年月日时点分])"
)
_CLAUSES = re.compile(r"[,。!?;\n…]|(?<=[一-鿿])\s+(?=[一-鿿<])")
_LIST_REST = re.compile(r"[\s、:和及以及与跟还有等各类等等(){}\[\]\"'.x×*-]|and|or|also|plus")
_REACH = 30
_MOST_REST = 5
_MOST_ITEMS = 30


class Item(TypedDict):
    """A row of the contract's `items`."""

    name: str
    quantity: float | None
    unit: str | None


class _Found(NamedTuple):
    item: Item
    kind: str


def items_of(evidence: Evidence, giving: bool = False) -> tuple[list[Item], frozenset[str]]:
    """Return the goods in order of place, each name once, and the kinds (`KINDS`) among them.

    ``giving`` says that the post offers help: then clauses that give count too.
    """
    hits = _longest([(hit, kind) for kind in KINDS for hit in evidence.of("item", kind) if hit.end <= MOST_READ])
    if not hits:
        return [], frozenset()
    asks = sorted(hit.start for hit in evidence.of("item_context", "ask"))
    gives = sorted(hit.start for hit in evidence.of("item_context", "give")) if giving else []
    enough = sorted(hit.start for hit in evidence.of("item_context", "enough"))
    text = evidence.text[:MOST_READ]
    found: dict[str, _Found] = {}
    open_list = False
    for start, end in _clauses(text):
        here = [(hit, kind) for hit, kind in hits if start <= hit.start < end]
        cue = _between(asks, start, end) or _between(gives, start, end)
        if not here:
            open_list = cue and end - start <= 12  # "急需物资:" and "需求如下" open a list
            continue
        if _between(enough, start, end):
            open_list = False
            continue
        quantities = _quantities(text, start, end, [hit for hit, _ in here])
        listed = cue or (open_list and _is_list(text[start:end], start, [hit for hit, _ in here]))
        for (hit, kind), (quantity, unit) in zip(here, quantities, strict=True):
            if not listed and (quantity is None or unit is None):
                continue
            known = found.get(hit.term)
            if known is None or (known.item["quantity"] is None and quantity is not None):
                found[hit.term] = _Found({"name": hit.term, "quantity": quantity, "unit": unit}, kind)
        open_list = listed
    rows = list(found.values())[:_MOST_ITEMS]
    return [row.item for row in rows], frozenset(row.kind for row in rows)


def _longest(hits: list[tuple[Hit, str]]) -> list[tuple[Hit, str]]:
    """Return ``hits`` in order of place without those that stand inside a longer one."""
    kept: list[tuple[Hit, str]] = []
    for hit, kind in sorted(hits, key=lambda pair: (pair[0].start, -pair[0].end)):
        if not kept or hit.start >= kept[-1][0].end:
            kept.append((hit, kind))
    return kept


def _clauses(text: str) -> list[tuple[int, int]]:
    borders = [0]
    for match in _CLAUSES.finditer(text):
        borders += [match.start(), match.end()]
    borders.append(len(text))
    return [(borders[i], borders[i + 1]) for i in range(0, len(borders), 2) if borders[i + 1] > borders[i]]


def _between(places: Sequence[int], start: int, end: int) -> bool:
    return any(start <= place < end for place in places)


def _is_list(clause: str, offset: int, hits: Sequence[Hit]) -> bool:
    """Whether a clause is little but goods and their quantities."""
    rest = clause
    for hit in reversed(hits):
        rest = rest[: hit.start - offset] + rest[hit.end - offset :]
    rest = re.sub(rf"(?:{NUMBER})\s*(?:多|余)?(?:{_UNITS})?", "", rest)
    return len(_LIST_REST.sub("", rest)) <= _MOST_REST


def _quantities(text: str, start: int, end: int, hits: Sequence[Hit]) -> list[tuple[float | None, str | None]]:
    """Return (quantity, unit) for each of the clause's goods; a number is used once."""
    result: list[tuple[float | None, str | None]] = []
    used = start
    after_first: bool | None = None
    for at, hit in enumerate(hits):
        left = max(used, start, hit.start - _REACH)
        before = _BEFORE.search(text[left : hit.start]) or _BARE_BEFORE.search(text[left : hit.start])
        stop = hits[at + 1].start if at + 1 < len(hits) else end
        after = _AFTER.match(text[hit.end : stop])
        if before is not None and (after is None or after_first is not True):
            after_first = False if after_first is None else after_first
            result.append(_read(before.groupdict()))
            used = hit.end
        elif after is not None and (after.group("unit") or _lone(text, hit.end + after.end("number"))):
            after_first = True if after_first is None else after_first
            result.append(_read(after.groupdict()))
            used = hit.end + after.end()
        else:
            result.append((None, None))
            used = hit.end
    return result


def _lone(text: str, at: int) -> bool:
    """Whether a number without unit ends there ("雨衣500、雨靴300"), not the beginning of a word."""
    return at >= len(text) or not (text[at].isalnum() or text[at] in ".%<")


def _read(groups: dict[str, str | None]) -> tuple[float | None, str | None]:
    number, unit = groups.get("number"), groups.get("unit")
    if number is None:
        return None, None
    if number in ("几", "数"):
        return None, unit
    quantity = parse_number(number)
    if unit is not None and len(unit) == 2 and unit[0] == "万" and quantity is not None:
        return quantity * 10_000, unit[1]
    return quantity, unit
