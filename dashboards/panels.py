"""Panels in our words, on Grafana's own types.

Every builder takes the panel's number (unique in its board and never used again: links and alert rules name it), its
title, the question it answers, and a statement. ``none`` is what an officer reads where there is nothing: "无数据"
is not "0".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, geomap, stat, table, text, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as text_kinds
from grafana_foundation_sdk.models.dashboard import DashboardLink, DataSourceRef, DynamicConfigValue, Threshold

from dashboards import words
from dashboards.query import SERIES, TABLE, Ask

NONE = "无数据"
MINUTES = "suffix: 分钟"
"""A unit of our own: Grafana writes "12 mins"."""
CLOCK = "time:MM-DD HH:mm"

Panel = Any
"""A builder of the SDK's; its panel types share no base class."""

BLANK_TILE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""The base map of a map without one. Grafana's own default fetches tiles from the internet, and an empty address does
too. A site with a tile server puts its address here: ``http://tiles.example/{z}/{x}/{y}.png``."""


@dataclass(frozen=True)
class Column:
    """How a column of a table, or a number of a stat, is shown; empty or None: as Grafana does."""

    width: int | None = None
    unit: str = ""
    words: str = ""  # family of dashboards.words
    steps: Sequence[tuple[float | None, str]] = ()  # from which value on, which colour; the first has None
    wrap: bool = False
    hidden: bool = False
    decimals: int | None = None
    link: tuple[str, str] | None = None  # title, address
    paint: str = ""  # "text" or "background": where the colour of words or steps goes
    bar: bool = False
    colour: str = ""
    centred: bool = False
    none: str = "—"  # for an empty cell: else Grafana writes the panel's words for nothing at all into it

    def properties(self, cell: bool = False) -> list[DynamicConfigValue]:
        """As the overrides of a field; ``cell``: one of a table."""
        found: dict[str, object] = {}
        if cell:
            found["noValue"] = self.none
        if self.width is not None:
            found["custom.width"] = self.width
        if self.unit:
            found["unit"] = self.unit
        if self.decimals is not None:
            found["decimals"] = self.decimals
        if self.words:
            found["mappings"] = [words.mapping(self.words)]
        if self.steps:
            found["thresholds"] = _steps(self.steps).build()
            found["color"] = models.FieldColor(mode=models.FieldColorModeId.THRESHOLDS)
        if self.colour:
            found["color"] = models.FieldColor(mode=models.FieldColorModeId.FIXED, fixed_color=self.colour)
        if self.hidden:
            # by its name in Grafana 11, and that of its successors
            found["custom.hidden"] = True
            found["custom.hideFrom"] = {"legend": False, "tooltip": False, "viz": True}
        if self.centred:
            found["custom.align"] = "center"
        if self.wrap:
            # beside the cell's own option, which successors of Grafana 11 do not read
            found["custom.wrapText"] = True
        if self.link:
            found["links"] = [DashboardLink(title=self.link[0], url=self.link[1])]
        options = self._cell()
        if options:
            found["custom.cellOptions"] = options
        return [DynamicConfigValue(name, value) for name, value in found.items()]

    def _cell(self) -> dict[str, object]:
        if self.bar:
            return {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
        if self.paint:
            kind = {"text": "color-text", "background": "color-background"}[self.paint]
            return {"type": kind, "wrapText": self.wrap}
        return {"type": "auto", "wrapText": True} if self.wrap else {}


@dataclass(frozen=True)
class Said:
    """What every panel has: number, title, question, and the text for nothing."""

    number: int
    title: str
    question: str
    source: DataSourceRef
    none: str = field(default=NONE)


def figures(
    said: Said, sql: str, columns: Mapping[str, Column] | None = None, *, times: bool = False, background: bool = True
) -> Panel:
    """Numbers side by side: one row, a tile a column, named as the column is. ``times``: columns of time too."""
    panel = (
        stat.Panel()
        .reduce_options(_reduce(fields="/.*/" if times else ""))
        .color_mode(kinds.BigValueColorMode.BACKGROUND if background else kinds.BigValueColorMode.VALUE)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .text_mode(kinds.BigValueTextMode.VALUE_AND_NAME)
        .justify_mode(kinds.BigValueJustifyMode.CENTER)
        .wide_layout(False)
        .text(common.VizTextDisplayOptions().title_size(14).value_size(32))
        .orientation(kinds.VizOrientation.VERTICAL)
        .thresholds(_steps([(None, "text")]))
        .color_scheme(_by_thresholds())
    )
    return _overrides(_say(panel, said, sql, TABLE), columns or {})


def lines_of_text(said: Said, sql: str, show: str, colours: Mapping[str, str]) -> Panel:
    """Rows in large type, one under the other: the column ``show`` large, the other (one string column) as its name.

    ``colours``: how the text begins -> colour.
    """
    mappings: list[models.ValueMapping] = [
        models.RegexMap(
            models.DashboardRegexMapOptions(f"/^{beginning}/", models.ValueMappingResult(color=colour, index=index))
        )
        for index, (beginning, colour) in enumerate(colours.items())
    ]
    panel = (
        stat.Panel()
        .reduce_options(_reduce(each=True, fields=f"/^{show}$/"))
        .color_mode(kinds.BigValueColorMode.VALUE)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .text_mode(kinds.BigValueTextMode.VALUE_AND_NAME)
        .justify_mode(kinds.BigValueJustifyMode.AUTO)
        .wide_layout(False)
        .text(common.VizTextDisplayOptions().title_size(14).value_size(26))
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .mappings(mappings)
        .thresholds(_steps([(None, "text")]))
        .color_scheme(_by_thresholds())
    )
    return _say(panel, said, sql, TABLE)


def rows(said: Said, sql: str, columns: Mapping[str, Column], *, tall: bool = False) -> Panel:
    """A table; ``columns`` are all of its columns. A tall row holds two lines of text: cut what may be longer."""
    height = kinds.TableCellHeight.LG if tall else kinds.TableCellHeight.SM
    panel = table.Panel().show_header(True).cell_height(height).filterable(False)
    return _overrides(_say(panel, said, sql, TABLE), columns, cell=True)


def bars(
    said: Said,
    sql: str,
    *,
    unit: str = "locale",
    steps: Sequence[tuple[float | None, str]] = (),
    columns: Mapping[str, Column] | None = None,
    by_row: bool = True,
    largest: float | None = None,
    colour: str = "blue",
) -> Panel:
    """Horizontal bars, a row each: a column of names and one of numbers (``by_row`` False: one row, a bar a column)."""
    panel = (
        bargauge.Panel()
        .reduce_options(_reduce(each=by_row))
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .value_mode(kinds.BarGaugeValueMode.TEXT)
        .name_placement(kinds.BarGaugeNamePlacement.LEFT)
        .show_unfilled(True)
        .text(common.VizTextDisplayOptions().value_size(16))
        .sizing(kinds.BarGaugeSizing.MANUAL)
        .min_viz_height(16)
        .max_viz_height(40)
        .unit(unit)
        .min(0)
        .thresholds(_steps(steps or [(None, colour)]))
        .color_scheme(_by_thresholds())
    )
    if largest is not None:
        panel = panel.max(largest)
    return _overrides(_say(panel, said, sql, TABLE), columns or {})


def series(
    said: Said,
    sql: str,
    *,
    unit: str = "short",
    stacked: bool = False,
    columns: Mapping[str, Column] | None = None,
    interval: str = "1m",
    as_bars: bool = False,
    largest: float | None = None,
    steps: Sequence[tuple[float | None, str]] = (),
) -> Panel:
    """Lines or bars over time. ``interval``: what the rows are counted by at the finest, so that no gap is drawn.

    A number that a string column splits into series is named ``Value``: Grafana leaves that name out of the legend, and
    "负面" is not "posts 负面".
    """
    panel = (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .interval(interval)
        .line_width(1 if stacked else 2)
        .fill_opacity(60 if stacked or as_bars else 8)
        .draw_style(kinds.GraphDrawStyle.BARS if as_bars else kinds.GraphDrawStyle.LINE)
        .line_interpolation(kinds.LineInterpolation.LINEAR)
        .show_points(kinds.VisibilityMode.AUTO)
        .span_nulls(False)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
        .legend(
            common.VizLegendOptions()
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    if largest is not None:
        panel = panel.max(largest)
    if steps:
        panel = panel.thresholds(_steps(steps)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED)
        )
    return _overrides(_say(panel, said, sql, SERIES), columns or {})


def points(said: Said, sql: str, *, size: str, colour: str, label: str, columns: Mapping[str, Column]) -> Panel:
    """Circles on a map: columns ``lat`` and ``lon``, ``size`` for the area, ``colour`` for the colour, ``label``."""
    circles = kinds.MapLayerOptions(
        type_val="markers",
        name=said.title,
        config={
            "showLegend": False,
            "style": {
                "size": {"field": size, "fixed": 8, "min": 8, "max": 36},
                "color": {"field": colour, "fixed": "orange"},
                "opacity": 0.7,
                "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
                "text": {"mode": "field", "field": label, "fixed": ""},
                "textConfig": {
                    "fontSize": 12,
                    "offsetX": 0,
                    "offsetY": 0,
                    "textAlign": "center",
                    "textBaseline": "middle",
                },
            },
        },
        location=kinds.FrameGeometrySource(mode=kinds.FrameGeometrySourceMode.COORDS, latitude="lat", longitude="lon"),
        tooltip=True,
    )
    panel = (
        geomap.Panel()
        .view(geomap.MapViewConfig().id("fit").all_layers(True).max_zoom(11).padding(10))
        .controls(
            geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(False).show_scale(True)
        )
        .basemap(
            common.MapLayerOptions()
            .type("xyz")
            .name("底图")
            .config({"url": BLANK_TILE, "attribution": ""})
            .tooltip(False)
        )
        .layers([_Built(circles)])
    )
    return _overrides(_say(panel, said, sql, TABLE), columns)


def note(number: int, title: str, question: str, content: str) -> Panel:
    """Words, in Markdown; asks nothing."""
    return (
        text.Panel().id(number).title(title).description(question).mode(text_kinds.TextMode.MARKDOWN).content(content)
    )


class _Built:
    """What is built already, where the SDK wants a builder."""

    def __init__(self, thing: object) -> None:
        self._thing = thing

    def build(self) -> object:
        return self._thing


def _say(panel: Panel, said: Said, sql: str, form: int) -> Panel:
    return (
        panel.id(said.number)
        .title(said.title)
        .description(said.question)
        .datasource(said.source)
        .no_value(said.none)
        .with_target(Ask(said.source, sql, form))
    )


def _overrides(panel: Panel, columns: Mapping[str, Column], *, cell: bool = False) -> Panel:
    for name, column in columns.items():
        panel = panel.override_by_name(name, column.properties(cell))
    return panel


def _reduce(*, each: bool = False, fields: str = "") -> common.ReduceDataOptions:
    calcs = common.ReduceDataOptions().values(each).calcs([] if each else ["lastNotNull"]).fields(fields)
    return calcs.limit(50) if each else calcs


def _steps(steps: Sequence[tuple[float | None, str]]) -> dashboard.ThresholdsConfig:
    thresholds = [Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds)


def _by_thresholds() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)
