"""The program that Flink's client runs for a Beam pipeline: ``flink run -py`` this file, with the run's folder.

    elements/ (filesystem) -> run_bundle (one Python operator) -> nothing

Leaves the job's id in the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf

from pipelines.engines.beam_flink_udf import RunBundle
from pipelines.engines.beam_run_folder import CONFIGURATION, ELEMENTS, JOB_ID


def main(folder: Path) -> None:
    configuration = Configuration()
    for key, value in msgspec.json.decode((folder / CONFIGURATION).read_bytes()).items():
        configuration.set_string(key, value)
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    tables = StreamTableEnvironment.create(environment)
    tables.create_temporary_function(
        "run_bundle", udf(RunBundle(str(folder)), result_type=DataTypes.BIGINT(), func_type="pandas")
    )
    tables.execute_sql(
        "CREATE TEMPORARY TABLE elements (line STRING) WITH "
        f"('connector' = 'filesystem', 'path' = '{(folder / ELEMENTS).as_uri()}', 'format' = 'raw')"
    )
    tables.execute_sql("CREATE TEMPORARY TABLE done (n BIGINT) WITH ('connector' = 'blackhole')")
    result = tables.execute_sql("INSERT INTO done SELECT run_bundle(line) FROM elements")
    (folder / JOB_ID).write_text(str(result.get_job_client().get_job_id()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
