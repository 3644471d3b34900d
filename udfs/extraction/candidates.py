"""Candidates for a field: where a label stands, the texts that may be its value, read by the field's kind."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from schemas.applications import Box
from udfs.extraction import kinds
from udfs.extraction.kinds import Hints, Value
from udfs.extraction.labels import CELL, COLON, PROSE, START, Hit, signed
from udfs.extraction.layout import Cell, PageIndex, Piece, Run
from udfs.extraction.plan import Plan, noisy, owns, with_unit
from udfs.extraction.signing import NAMES, WRAPS, read_names
from udfs.types.spec import FieldSpec

INLINE, RIGHT, BELOW = "inline", "right", "below"
_WEIGHT = {INLINE: 1.0, RIGHT: 0.97, BELOW: 0.75}
_PROSE_LEADS = tuple("为人民币 为 是 即 系 在 于 共计 总额为 额为 设在 名称为 由 如下: :".split())
_CLAUSE_END = "。；;"
_FARTHER = frozenset(("signature", "choice", "amount", "date"))
_LONG_TEXT = frozenset(("text", "address"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value with the place it was read at and how well it sits there."""

    value: Value
    run: Run
    hit: Hit
    relation: str
    score: float
    """For ranking among candidates of one field in one document."""

    @property
    def box(self) -> Box:
        """Around the value."""
        return self.run.box(self.value.start, self.value.end)

    @property
    def text(self) -> str:
        """As it was read."""
        return self.run.written(self.value.start, self.value.end)[:500]

    @property
    def coverage(self) -> float:
        """Share of the text at that place which the value takes up."""
        return (self.value.end - self.value.start) / max(1, len(self.run.text))


class PageFields:
    """One page with its labels found; gives the candidates of fields. Lines of tables (``taken``) hold no labels."""

    def __init__(self, page: PageIndex, hits: Sequence[Hit], taken: Collection[int] = ()) -> None:
        self.page = page
        self.taken = frozenset(taken)
        self.hits = [hit for hit in hits if hit.line not in self.taken]
        self._on_line: dict[int, list[Hit]] = {}
        for hit in self.hits:
            for line in (hit.line, *hit.more):
                self._on_line.setdefault(line, []).append(hit)

    def candidates(self, field: FieldSpec, plan: Plan, hints: Hints) -> list[Candidate]:
        """Every candidate for a field on this page, in no order."""
        found: list[Candidate] = []
        for hit in self.hits:
            if not owns(plan, field, hit):
                continue
            if signed(hit.note) and field.kind != "signature":
                continue
            found += self._at(field, hit, noisy(hints, hit.note) if self.page.ocr else with_unit(hints, hit.note))
        return found

    def _at(self, field: FieldSpec, hit: Hit, hints: Hints) -> Iterator[Candidate]:
        if hit.form == PROSE:
            candidate = self._in_prose(field, hit, hints)
            if candidate is not None:
                yield candidate
            return
        for relation, runs in ((INLINE, self._inline(hit, field)), (RIGHT, self._right(hit, field))):
            for run in runs:
                candidate = self._read(field, hit, hints, run, relation)
                if candidate is not None:
                    yield candidate
                    return
            if relation == INLINE and self._rest(hit) and field.kind not in _FARTHER:
                return  # what stands behind the label is no value of this kind: what is farther off is not it either
        for run in self._below(hit, field):
            candidate = self._read(field, hit, hints, run, BELOW)
            if candidate is not None:
                yield candidate
                return

    def _read(self, field: FieldSpec, hit: Hit, hints: Hints, run: Run, relation: str) -> Candidate | None:
        value = (
            (read_names(run, hints) if hints.several else kinds.read(field.kind, run.text, hints)) if run.text else None
        )
        if value is None:
            return None
        coverage = (value.end - value.start) / len(run.text)
        score = hit.score * _WEIGHT[relation] * (0.8 if value.faults else 1.0)
        if field.kind not in ("text", "address", "choice"):
            score *= 0.6 + 0.4 * coverage
        score += 0.01 * min(len(hit.label), 8) - 0.05 * value.repaired + (0.1 if value.checked else 0.0)
        return Candidate(value, run, hit, relation, score)

    # -- where a value may stand ------------------------------------------------------------------------------------
    def _rest(self, hit: Hit) -> str:
        return self.page.texts[hit.line][hit.after : self._next_on_line(hit)]

    def _next_on_line(self, hit: Hit) -> int:
        later = [
            other.start
            for other in self._on_line.get(hit.line, ())
            if other.start >= hit.after and other.form in (COLON, CELL, START) and other is not hit
            and (other.form != CELL or other.score > 0.6) and (other.form != START or other.score > 0.8)
        ]  # fmt: skip
        return min(later, default=len(self.page.texts[hit.line]))

    def _inline(self, hit: Hit, field: FieldSpec) -> Iterator[Run]:
        """What stands behind the label on its line; for long kinds with the lines that go on under it."""
        end = self._next_on_line(hit)
        first = [Piece(hit.line, hit.after, end)] if hit.after < end else []
        if not first:
            return
        if field.kind == "signature" and end == len(self.page.texts[hit.line]):
            more = self._signed_on([hit.line], self.page.part_box(first[0])[0], self._rest(hit), field)
            if more:
                yield Run(self.page, first + [Piece(line, 0, len(self.page.texts[line])) for line in more])
        if field.kind in kinds.LONG and end == len(self.page.texts[hit.line]):
            more = self._more(hit.line, inline=True)
            if more:
                joined = Run(self.page, first + [Piece(line, 0, len(self.page.texts[line])) for line in more])
                yield joined
                return
        if field.kind == "choice" or (field.kind == "date" and end == len(self.page.texts[hit.line])):
            chain = self._chain(self.page.boxes[hit.line])
            yield Run(self.page, first + [Piece(line, 0, len(self.page.texts[line])) for line in chain])
        yield Run(self.page, first)

    def _more(self, line: int, inline: bool) -> list[int]:
        """Lines that continue ``line`` in its cell, or in its column where nothing is ruled."""
        cell = self.page.cells[line]
        if cell is not None:
            later = [other for other in self.page.by_cell[cell] if self._follows(line, other)]
        else:
            left = self.page.boxes[line][0]
            later = self.page.continuing(line, left)
            full = self.page.boxes[line][2]
            if inline and later and full < 0.55:
                return []  # the line ends early: nothing was wrapped
        kept: list[int] = []
        for other in later:
            if self._is_label(other) or other in self.taken:
                break
            kept.append(other)
        return kept

    def _signed_on(self, lines: Sequence[int], left: float, text: str, field: FieldSpec) -> list[int]:
        """Lines on which what is signed behind a label goes on: to the right where several sign, then below."""
        several = "." in field.signer
        more = self._chain(self.page.boxes[lines[-1]]) if several else []
        if not several and len(text) < WRAPS:
            return more  # a person's name is not wrapped: below stands something else
        for line in self.page.continuing(lines[0], left - 2.5 * self.page.height)[:3]:
            if self._is_label(line) or line in self.taken or not NAMES.fullmatch(self.page.texts[line]):
                break
            more.append(line)
        return more

    def _follows(self, line: int, other: int) -> bool:
        one, two = self.page.boxes[line], self.page.boxes[other]
        return other != line and (two[1] + two[3]) / 2 > (one[1] + one[3]) / 2 + 0.3 * self.page.height

    def _right(self, hit: Hit, field: FieldSpec) -> Iterator[Run]:
        if hit.form not in (CELL, COLON) or self._rest(hit):
            return
        label = self._box(hit)
        cell = self.page.cells[hit.line]
        if cell is not None and not self._is_shared(hit, cell):
            middle = (label[1] + label[3]) / 2
            beside = self.page.cell_at(cell[2] + 0.004, middle)
            if beside is not None and beside != cell:
                inside = [line for line in self._chain(label) if self.page.cells[line] == cell]
                if self._is_shared(hit, beside):
                    lines = inside or self._in_broken_cell(label, beside)
                else:
                    lines = inside or self._in_cell(beside) or self._in_broken_cell(label, beside)
                if lines and self._is_label(lines[0]):
                    return
                if lines:
                    yield self.page.run(lines)
                return
        chain = self._chain(label)
        if not chain:
            chain = self._beside_middle(hit)
            if chain:
                yield self.page.run(chain)
            return
        if field.kind == "signature":
            on = chain if "." in field.signer else chain[:1]
            text = "".join(self.page.texts[line] for line in on)
            more = self._signed_on(on, self.page.boxes[on[0]][0], text, field)
            if more:
                yield self.page.run([*on, *more])
            elif len(on) > 1:
                yield self.page.run(on)
        if field.kind not in kinds.LONG and field.kind != "date":
            yield self.page.run(chain[:1])
            if len(chain) > 1:
                yield self.page.run(chain)
            return
        if field.kind != "choice":
            chain = self._close(chain)
        around = self._around(hit, label, chain) if field.kind in _LONG_TEXT or field.kind == "organisation" else chain
        yield self.page.run(around)
        if field.kind == "choice":
            yield self.page.run(chain + self._more(chain[0], inline=False))

    def _is_shared(self, hit: Hit, cell: Cell) -> bool:
        """Whether another label stands in the cell, or to the left of it at its height: a ruling line is missing."""
        for line in self._on_line:
            if line == hit.line or line in hit.more or not self._is_label(line):
                continue
            left, top, right, bottom = self.page.boxes[line]
            if (
                (left + right) / 2 < cell[2]
                and cell[1] < (top + bottom) / 2 < cell[3]
                and right > self.page.boxes[hit.line][0]
            ):
                return True
        return False

    def _in_broken_cell(self, label: Box, cell: Cell) -> list[int]:
        """Where a ruling line is missing: what stands on the label's row between the cell's sides."""
        boxes = self.page.boxes
        return [line for line in self._chain(label) if cell[0] < (boxes[line][0] + boxes[line][2]) / 2 < cell[2]]

    def _in_cell(self, cell: Cell) -> list[int]:
        lines = self.page.by_cell.get(cell, [])
        boxes = self.page.boxes
        ordered = sorted(lines, key=lambda line: boxes[line][1])
        rows: list[list[int]] = []
        for line in ordered:
            middle = (boxes[line][1] + boxes[line][3]) / 2
            if rows and middle < boxes[rows[-1][0]][3] - 0.2 * self.page.height:
                rows[-1].append(line)
            else:
                rows.append([line])
        return [line for row in rows for line in sorted(row, key=lambda line: boxes[line][0])]

    def _box(self, hit: Hit) -> Box:
        """Around the label's lines."""
        lefts, tops, rights, bottoms = zip(*(self.page.boxes[line] for line in (hit.line, *hit.more)), strict=True)
        return (min(lefts), min(tops), max(rights), max(bottoms))

    def _chain(self, of: Box) -> list[int]:
        """Lines to the right on the row, up to the next label."""
        chain: list[int] = []
        for other in self.page.row_right(of):
            if self._is_label(other) or other in self.taken:
                break
            chain.append(other)
        return chain

    def _close(self, chain: list[int]) -> list[int]:
        """The first of a chain with what stands close behind it."""
        kept = chain[:1]
        for one, two in itertools.pairwise(chain):
            height = self.page.boxes[one][3] - self.page.boxes[one][1]
            if self.page.boxes[two][0] - self.page.boxes[one][2] > 2.5 * height:
                break
            kept.append(two)
        return kept

    def _around(self, hit: Hit, label: Box, chain: list[int]) -> list[int]:
        """The chain with the lines above and below it that are the same unruled cell."""
        edge = label[2]
        more = [
            line
            for line in self.page.continuing(chain[0], max(edge, self.page.boxes[chain[0]][0] - 0.02))
            if line not in self.taken
        ]
        kept: list[int] = []
        for line in more:
            if self._is_label(line):
                break
            kept.append(line)
        above = self._stacked(label, (hit.line, *hit.more), chain[0], up=True)
        # the label is centred beside its cell: as much stands above its row as below
        if 0 < len(kept) <= len(above):
            return above[: len(kept)][::-1] + chain + kept
        return chain + kept

    def _stacked(self, label: Box, own: Collection[int], line: int, up: bool) -> list[int]:
        """Lines right above or below a line in the same unruled cell, nearest first; a label ends them."""
        stacked = self.page.stacked(line, label[2], own, up)
        return list(itertools.takewhile(lambda at: at not in self.taken and not self._is_label(at), stacked))

    def _beside_middle(self, hit: Hit) -> list[int]:
        """Lines of a cell whose label is centred beside them: none on the label's own row, some half a row off."""
        _, top, right, bottom = self._box(hit)
        own = (hit.line, *hit.more)
        middle, reach = (top + bottom) / 2, 1.3 * max(self.page.height, bottom - top)
        near = [
            line
            for line, box in enumerate(self.page.boxes)
            if box[0] >= right - 0.005 and abs((box[1] + box[3]) / 2 - middle) < reach and line not in self.taken
        ]
        if not near:
            return []
        nearest = min(self.page.boxes[line][0] for line in near)
        first = min(near, key=lambda line: self.page.boxes[line][0])
        centre = self.page.boxes[first][0] + self.page.boxes[first][2]
        column = [
            line
            for line in near
            if self.page.boxes[line][0] < nearest + 0.03
            or abs(self.page.boxes[line][0] + self.page.boxes[line][2] - centre) < 0.03
        ]
        if any(self._is_label(line) for line in column) or any(
            other not in own and self.page.boxes[other][2] <= nearest and self._same_row(other, line)
            for line in column
            for other in range(len(self.page.boxes))
        ):
            return []
        column.sort(key=lambda line: self.page.boxes[line][1])
        box = self._box(hit)
        above, below = self._stacked(box, own, column[0], True), self._stacked(box, own, column[-1], False)
        both = min(len(above), len(below))
        return above[:both][::-1] + column + below[:both]

    def _same_row(self, one: int, two: int) -> bool:
        a, b = self.page.boxes[one], self.page.boxes[two]
        return min(a[3], b[3]) - max(a[1], b[1]) > 0.45 * min(a[3] - a[1], b[3] - b[1])

    def _below(self, hit: Hit, field: FieldSpec) -> Iterator[Run]:
        if hit.form not in (CELL, COLON) or self._rest(hit) or hit.score < 0.7:
            return
        cell = self.page.cells[hit.line]
        if cell is not None:
            inside = [line for line in self._in_cell(cell) if line not in hit.more and self._follows(hit.line, line)]
            under = inside or self._in_cell(self.page.cell_at((cell[0] + cell[2]) / 2, cell[3] + 0.004) or cell)
            under = [line for line in under if line != hit.line and line not in hit.more]
            labels = [at for at, line in enumerate(under) if self._is_label(line)]
            under = under[: min(labels, default=len(under))]
            if under:
                yield self.page.run(under)
            return
        for line in self.page.below(self._box(hit))[:1]:
            if self._is_label(line) or line in self.taken:
                return
            more = self._more(line, inline=False) if field.kind in kinds.LONG else []
            yield self.page.run([line, *more])

    def _is_label(self, line: int) -> bool:
        """Whether a line begins with a label of its own."""
        return any(
            hit.start <= 3
            and hit.score >= 0.7
            and (hit.form in (CELL, COLON) or (hit.form == START and hit.score > 0.85))
            for hit in self._on_line.get(line, ())
        )

    # -- running text ------------------------------------------------------------------------------------------------
    def _in_prose(self, field: FieldSpec, hit: Hit, hints: Hints) -> Candidate | None:
        """公司注册资本为人民币伍拾万元: right behind the label, over the end of the line too."""
        page = self.page
        pieces = [Piece(hit.line, hit.after, len(page.texts[hit.line]))]
        for line in page.continuing(hit.line, 0.0)[:6]:
            if not page.texts[line] or self._is_label(line):
                break
            pieces.append(Piece(line, 0, len(page.texts[line])))
        run = Run(page, pieces)
        lead = next((lead for lead in _PROSE_LEADS if run.text.startswith(lead)), "")
        if not lead and field.kind not in ("id_number", "uscc", "phone", "amount", "date"):
            return None
        text = run.text
        stops = [at for sign in _CLAUSE_END if (at := text.find(sign)) >= 0]
        body = text[: min(stops, default=len(text))]
        skipped = len(lead)
        if lead == "为人民币" and field.kind == "amount":
            skipped = 1
        if field.kind in ("organisation", "person", "address", "text"):
            if field.kind != "text":
                cut = body.find(",", skipped)
                body = body[:cut] if cut >= 0 else body
            value = kinds.read(field.kind, body[skipped:], hints)
        else:
            value = kinds.read(field.kind, body[skipped : skipped + 60], hints)
        if value is None or value.start > 8:
            return None
        value = Value(
            value.value, value.start + skipped, value.end + skipped, value.faults, value.checked, value.repaired
        )
        score = hit.score * (0.9 if lead else 0.7) * (0.8 if value.faults else 1.0) + 0.01 * min(len(hit.label), 8)
        return Candidate(value, run, hit, INLINE, score)
