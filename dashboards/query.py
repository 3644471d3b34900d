"""What a panel asks: a ClickHouse statement as the data source plugin's target, and the parts that statements share."""

from __future__ import annotations

from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards import provisioning
from dashboards.provisioning import PLUGIN, PLUGIN_VERSION

SERIES = 0
"""Format of a time series: the plugin turns rows (time, name, value) into a series a name."""
TABLE = 1
"""Format of a table: rows as they are."""

CENTRE = DataSourceRef(type_val=PLUGIN, uid=provisioning.CENTRE)
"""Account ``centre``: alerts and episodes with their place, calls with masked text. For 应急指挥 alone."""
VIEWER = DataSourceRef(type_val=PLUGIN, uid=provisioning.VIEWER)
"""Account ``viewer``: counts and topics, no text and no place below the county."""


class Target(variants.Dataquery):
    """One statement, as the plugin stores it in a dashboard."""

    def __init__(self, source: DataSourceRef, sql: str, form: int, ref_id: str = "A") -> None:
        self.source, self.sql, self.form, self.ref_id = source, sql, form, ref_id

    def to_json(self) -> dict[str, object]:
        return {
            "refId": self.ref_id,
            "datasource": self.source.to_json(),
            "editorType": "sql",
            "rawSql": self.sql,
            "format": self.form,
            "queryType": "timeseries" if self.form == SERIES else "table",
            "pluginVersion": PLUGIN_VERSION,
        }


class Ask(builder.Builder[variants.Dataquery]):
    """The builder of a target: ``Ask(VIEWER, "SELECT ...", TABLE)``. Blank space at the ends of lines is cut."""

    def __init__(self, source: DataSourceRef, sql: str, form: int, ref_id: str = "A") -> None:
        lines = [line.rstrip() for line in sql.strip().splitlines()]
        self._target = Target(source, "\n".join(lines), form, ref_id)

    def build(self) -> Target:
        return self._target


REGION = "${region:singlequote}"
PLATFORM = "${platform:singlequote}"
TOPIC = "${topic:singlequote}"

_PREFIX = (
    f"multiIf(endsWith({REGION}, '0000'), substring({REGION}, 1, 2), "
    f"endsWith({REGION}, '00'), substring({REGION}, 1, 4), {REGION})"
)


def in_region(column: str = "adcode") -> str:
    """The chosen district, and those inside it: a city has its counties, a province its cities.

    Posts that name only the city carry the city's own code, so equality would lose either them or the counties.
    """
    return f"({REGION} = 'all' OR startsWith({column}, {_PREFIX}))"


def in_cells(column: str = "adcode") -> str:
    """For tables with a cell of all posts together (empty code) beside one a district: one or the other, not both."""
    return f"if({REGION} = 'all', {column} = '', {column} != '' AND startsWith({column}, {_PREFIX}))"


def counted() -> str:
    """The dimension of ``v_post_counts`` that holds the chosen district's posts."""
    return f"dimension = if({REGION} = 'all', 'all', 'adcode') AND ({REGION} = 'all' OR startsWith(key, {_PREFIX}))"


def on_platform(column: str = "platform") -> str:
    return f"({PLATFORM} = 'all' OR {column} = {PLATFORM})"


def by_the_hour(column: str) -> str:
    """The range, for what is counted by the hour: the hour in which it begins is in it, whole.

    ``$__toTime`` stands in brackets: plugins before 4.20 take all up to the next bracket for its arguments.
    """
    return f"{column} >= toStartOfHour($__fromTime) AND {column} <= ($__toTime)"


OPEN = "state != 'closed' AND merged_into = ''"
"""Of ``episodes``: nobody has said that it is over."""
