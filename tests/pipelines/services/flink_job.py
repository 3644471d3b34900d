"""A small endless PyFlink job for the tests of the cluster: numbers through a Python function into nothing.

Run by ``flink run -py``; not a test by itself.
"""

from __future__ import annotations

from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udf


@udf(result_type=DataTypes.BIGINT(), func_type="pandas")
def doubled(number):
    return number * 2


if __name__ == "__main__":
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    environment.get_config().set("pipeline.name", "doubling")
    environment.get_config().set("execution.checkpointing.interval", "1 s")
    environment.create_temporary_function("doubled", doubled)
    environment.execute_sql("CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100')")
    environment.execute_sql("CREATE TABLE nothing (n BIGINT) WITH ('connector' = 'blackhole')")
    environment.execute_sql("INSERT INTO nothing SELECT doubled(n) FROM numbers")
