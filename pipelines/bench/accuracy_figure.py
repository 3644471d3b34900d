"""The picture of `bench accuracy`: a confusion matrix per head and the reliability diagram, as one SVG.

SVG is written here, without a plotting library: squares, lines and words are all it takes. A cell's shade is its share
of the row (the truth), so that a rare class reads as well as a common one; the number is the count. The reliability
diagram (Niculescu-Mizil & Caruana, 2005) has one line a head: on the diagonal, answers are as often right as they are
sure; below it they are too sure. Lines differ by colour (Okabe & Ito, 2008), mark and dash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from schemas.errors import UsageError

Report = dict[str, Any]
_CELL, _GAP, _COLUMNS = 56, 40, 3
_LEFT, _TOP, _BOTTOM = 104, 56, 84
"""Room of a panel for the labels of its rows, its title, and the labels of its columns, in pixels."""
_SIDE = 6 * _CELL
"""Side of the largest matrix, and of the reliability diagram."""
_INK, _MUTED, _LINE = "#1b1f24", "#57606a", "#d0d7de"
_LIGHT, _DARK = (240, 246, 252), (8, 81, 156)
_SERIES = (
    # colour, dash, mark
    ("#0072b2", "", "circle"),
    ("#d55e00", "6 3", "square"),
    ("#009e73", "2 3", "diamond"),
    ("#cc79a7", "8 3 2 3", "circle"),
    ("#1b1f24", "4 4", "square"),
)


def check(path: Path) -> Path:
    """Return ``path`` when a figure can be written there. Raises UsageError with the remedy."""
    if path.suffix != ".svg":
        raise UsageError(f"--figure {path}: the figure is SVG; give a name that ends in .svg")
    if not path.parent.is_dir():
        raise UsageError(f"--figure {path}: there is no folder {path.parent}; make it first")
    return path


def write(report: Report, path: Path) -> None:
    """Write the figure of ``report`` (of `accuracy.measure`) to ``path``. Raises UsageError."""
    try:
        check(path).write_text(svg(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--figure {path}: {error.strerror}; give a name that can be written") from None


def svg(report: Report) -> str:
    """The figure; equal reports give equal text."""
    heads: Report = report["heads"]
    panels = [(_matrix(head, found), _side(found)) for head, found in heads.items() if "confusion" in found]
    calibrated = {head: found for head, found in heads.items() if found.get("reliability")}
    if calibrated:
        panels.append((_diagram(calibrated), _SIDE))
    placed, width, height = _placed([side for _, side in panels])
    body = [f'<g transform="translate({x},{y})">{panel}</g>' for (panel, _), (x, y) in zip(panels, placed, strict=True)]
    if not panels:
        body.append(_text(_GAP, 64, "no head with a confusion matrix is labelled", fill=_MUTED))
    title = f"{report['data']}: {report['rows']:,} posts, model {report['model']}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="12" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            _text(_GAP, 34, title, size=16, bold=True),
            *body,
            "</svg>\n",
        ]
    )


def _side(found: Report) -> int:
    return _CELL * len(found["confusion"]["labels"])


def _placed(sides: Sequence[int]) -> tuple[list[tuple[int, int]], int, int]:
    """Where each panel stands, row by row, and the size of the whole."""
    placed: list[tuple[int, int]] = []
    y, width = 48, 2 * _GAP + 420
    for at in range(0, len(sides), _COLUMNS):
        row = sides[at : at + _COLUMNS]
        x = _GAP
        for side in row:
            placed.append((x, y))
            x += _LEFT + max(side, 3 * _CELL) + _GAP
        width = max(width, x)
        y += _TOP + max(row) + _BOTTOM
    return placed, width, max(y + 8, 88)


def _matrix(head: str, found: Report) -> str:
    labels, counts = found["confusion"]["labels"], found["confusion"]["counts"]
    side = _CELL * len(labels)
    key = "accuracy" if "accuracy" in found else "recall"
    figure = f", {key} {found[key]['value']:.3f}" if key in found else ""
    parts = [
        _text(_LEFT, 22, head, size=14, bold=True),
        _text(_LEFT, 40, f"{found['rows']:,} posts{figure}", fill=_MUTED),
    ]
    for row, (label, cells) in enumerate(zip(labels, counts, strict=True)):
        y, whole = _TOP + row * _CELL, sum(cells)
        parts.append(_text(_LEFT - 8, y + _CELL / 2 + 4, label, anchor="end"))
        for column, count in enumerate(cells):
            x, share = _LEFT + column * _CELL, count / whole if whole else 0.0
            parts.append(
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="{_shade(share)}" stroke="#ffffff">'
                f"<title>truth {escape(label)}, answer {escape(labels[column])}: {count:,} ({share:.1%})</title></rect>"
            )
            fill = "#ffffff" if share > 0.5 else _INK
            parts.append(_text(x + _CELL / 2, y + _CELL / 2 + 4, f"{count:,}", anchor="middle", fill=fill))
    for column, label in enumerate(labels):
        parts.append(_turned(_LEFT + column * _CELL + _CELL / 2 + 4, _TOP + side + 12, -35, label))
    parts.append(_text(_LEFT + side / 2, _TOP + side + _BOTTOM - 12, "answer", anchor="middle", fill=_MUTED))
    parts.append(_turned(14, _TOP + side / 2, -90, "truth", "middle", _MUTED))
    return "".join(parts)


def _diagram(heads: Report) -> str:
    parts = [
        _text(_LEFT, 22, "reliability", size=14, bold=True),
        _text(_LEFT, 40, "below the diagonal: surer than right", fill=_MUTED),
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="{_LINE}"/>',
    ]
    for step in range(6):
        share = step / 5
        x, y = _at(share, share)
        parts += [
            f'<path d="M{x:.1f} {_TOP}V{_TOP + _SIDE}M{_LEFT} {y:.1f}H{_LEFT + _SIDE}" stroke="{_LINE}" opacity=".6"/>',
            _text(x, _TOP + _SIDE + 18, f"{share:.1f}", anchor="middle"),
            _text(_LEFT - 8, y + 4, f"{share:.1f}", anchor="end"),
        ]
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    parts.append(f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{_MUTED}" stroke-dasharray="2 4"/>')
    for number, (head, found) in enumerate(heads.items()):
        parts += _curve(number, head, found)
    parts.append(_text(_LEFT + _SIDE / 2, _TOP + _SIDE + _BOTTOM - 12, "confidence", anchor="middle", fill=_MUTED))
    parts.append(_turned(14 + 40, _TOP + _SIDE / 2, -90, "share that is right", "middle", _MUTED))
    return "".join(parts)


def _curve(number: int, head: str, found: Report) -> Iterator[str]:
    """One head's line, its marks (the larger, the more posts of the head they stand for) and its legend."""
    colour, dash, mark = _SERIES[number % len(_SERIES)]
    points = [(*_at(row["confidence"], row["accuracy"]), row) for row in found["reliability"]]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    for x, y, row in points:
        radius = 3 + 5 * (row["posts"] / found["rows"]) ** 0.5
        said = f"{head}: confidence {row['confidence']:.3f}, right {row['accuracy']:.3f}, {row['posts']:,} posts"
        yield _mark(mark, x, y, radius, colour, said)
    y = _TOP + 20 + 18 * number
    yield f'<path d="M{_LEFT + 10} {y - 4}h28" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    yield _mark(mark, _LEFT + 24, y - 4, 4, colour, head)
    yield _text(_LEFT + 46, y, f"{head} (ECE {found['ece']:.3f})")


def _mark(kind: str, x: float, y: float, radius: float, colour: str, said: str) -> str:
    if kind == "circle":
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
    else:
        turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if kind == "diamond" else ""
        at, side = f'x="{x - radius:.1f}" y="{y - radius:.1f}"', 2 * radius
        shape = f'<rect {at} width="{side:.1f}" height="{side:.1f}"{turn}'
    name = "circle" if kind == "circle" else "rect"
    return f'{shape} fill="{colour}" fill-opacity=".75" stroke="#ffffff"><title>{escape(said)}</title></{name}>'


def _at(confidence: float, right: float) -> tuple[float, float]:
    return _LEFT + confidence * _SIDE, _TOP + (1 - right) * _SIDE


def _shade(share: float) -> str:
    red, green, blue = (round(light + (dark - light) * share) for light, dark in zip(_LIGHT, _DARK, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", fill: str = _INK, size: int = 12, bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    style = f'text-anchor="{anchor}" fill="{fill}" font-size="{size}"{weight}'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'


def _turned(x: float, y: float, degrees: int, words: str, anchor: str = "end", fill: str = _INK) -> str:
    return (
        f'<text transform="translate({x:g},{y:g}) rotate({degrees})" text-anchor="{anchor}" fill="{fill}">'
        f"{escape(words)}</text>"
    )
