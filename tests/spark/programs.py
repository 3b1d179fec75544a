"""PySpark programs, each with one cause of slowness and without it: what the logs in ``logs/`` were made from.

    python tests/spark/programs.py CAUSE slow|fixed FOLDER [KEY=VALUE ...]

leaves the event log in FOLDER; KEY=VALUE are properties of Spark. They run on two cores in a few seconds. pyspark is
imported here alone, by a process of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Session = Any
PROGRAMS: dict[str, Callable[[Session, bool, Path], object]] = {}
#: Properties that a program needs: cause -> (slow, fixed).
PROPERTIES: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
CLUSTER = {"spark.master": "local-cluster[2,1,512]", "spark.executor.memory": "512m"}
NOT_ADAPTIVE = {"spark.sql.adaptive.enabled": "false"}


def program(cause: str, slow: dict[str, str] | None = None, fixed: dict[str, str] | None = None):
    def keep(function: Callable[[Session, bool, Path], object]):
        PROGRAMS[cause] = function
        PROPERTIES[cause] = slow or {}, slow or {} if fixed is None else fixed
        return function

    return keep


def heavy(column: str) -> Any:
    """An expression that takes some microseconds a row."""
    from pyspark.sql import functions as F

    found = F.col(column).cast("string")
    for _ in range(6):
        found = F.sha2(found, 256)
    return F.length(found)


@program("partition-skew", {**NOT_ADAPTIVE, "spark.sql.shuffle.partitions": "8"})
def partition_skew(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    rows = spark.range(2_000_000).withColumn("key", F.when(F.rand(1) < 0.8, 0).otherwise(F.col("id") % 100))
    spread = rows.repartition("key") if slow else rows.repartition("key", "id")
    return spread.select(F.sum(heavy("id"))).collect()


@program("python-udf")
def python_udf(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    @F.udf("long")
    def digits(value: int) -> int:
        return sum(map(int, str(value)))

    rows = spark.range(0, 400_000, 1, 4)
    made = digits("id") if slow else F.expr("aggregate(transform(split(id, ''), x -> int(x)), 0, (a, x) -> a + x)")
    return rows.select(F.sum(made)).collect()


@program("failed-tasks", {"spark.master": "local[2,4]"})
def failed_tasks(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark import TaskContext

    def part(rows):
        time.sleep(1.0)
        context = TaskContext.get()
        if slow and context.partitionId() % 2 and context.attemptNumber() < 3:
            raise ConnectionError("the service did not answer")
        yield sum(rows)

    return spark.sparkContext.parallelize(range(100), 8).mapPartitions(part).collect()


@program("tiny-tasks")
def tiny_tasks(spark: Session, slow: bool, folder: Path) -> object:
    return spark.range(0, 200_000, 1, 400 if slow else 4).selectExpr("sum(id)").collect()


NEVER = {"spark.sql.autoBroadcastJoinThreshold": "-1", "spark.sql.shuffle.partitions": "4"}


@program("missed-broadcast", {**NOT_ADAPTIVE, **NEVER})
def missed_broadcast(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    large = spark.range(3_000_000).selectExpr("id % 1000 as key", "sha2(string(id), 256) as text")
    small = spark.range(1000).selectExpr("id as key", "id * 2 as price")
    joined = large.join(small if slow else F.broadcast(small), "key")
    return joined.select(F.sum("price"), F.max("text")).collect()


@program("csv-scan")
def csv_scan(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    for _ in range(3):
        if slow:
            table = spark.read.csv(str(folder / "data.csv"), header=True, schema="a long, b double, c string, d double")
        else:
            table = spark.read.parquet(str(folder / "data.parquet"))
        table.groupBy("a").agg(F.sum("b"), F.max("d")).collect()
    return None


@program("small-files", {"spark.sql.files.openCostInBytes": "4m"})
def small_files(spark: Session, slow: bool, folder: Path) -> object:
    return spark.read.parquet(str(folder / ("small" if slow else "large"))).selectExpr("sum(a)", "sum(b)").collect()


@program(
    "huge-partition",
    {**NOT_ADAPTIVE, "spark.driver.memory": "600m", "spark.sql.shuffle.partitions": "2"},
    {**NOT_ADAPTIVE, "spark.driver.memory": "600m", "spark.sql.shuffle.partitions": "32"},
)
def huge_partition(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rows = spark.range(4_000_000).selectExpr(f"id % {2 if slow else 64} as key", "sha2(string(id), 256) as text", "id")
    place = F.row_number().over(Window.partitionBy("key").orderBy("text"))
    return rows.select("id", place.alias("place")).selectExpr("max(place)", "sum(id)").collect()


IN_MEMORY = {
    **NOT_ADAPTIVE,
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "10000000",
    "spark.sql.shuffle.partitions": "8",
}


@program("gc-pressure", {**IN_MEMORY, "spark.driver.memory": "600m"})
def gc_pressure(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    rows = spark.range(0, 3_000_000, 1, 8).selectExpr("id % 400000 as key", "string(id) as text")
    if not slow:
        counted = rows.groupBy("key").agg(F.count("text").alias("texts"), F.max("text").alias("last"))
        return counted.selectExpr("sum(texts)", "max(last)").collect()
    grouped = rows.groupBy("key").agg(F.collect_list("text").alias("texts"))
    return grouped.select(F.sum(F.size("texts")), F.max(F.array_max("texts"))).collect()


@program("spark-startup", CLUSTER)
def spark_startup(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    return spark.range(1000 if slow else 40_000_000).select(F.sum(heavy("id"))).collect()


@program("idle-executors", CLUSTER)
def idle_executors(spark: Session, slow: bool, folder: Path) -> object:
    from pyspark.sql import functions as F

    for _ in range(3):
        spark.range(1_500_000).select(F.sum(heavy("id"))).collect()
        time.sleep(15 if slow else 0)
    return None


@program("count")
def count(spark: Session, slow: bool, folder: Path) -> object:
    """The smallest log, for the codecs. "slow" is killed before its end."""
    counted = spark.sparkContext.parallelize(range(100), 4).count()
    if slow:
        os.kill(spark.sparkContext._gateway.proc.pid, signal.SIGKILL)
        os._exit(0)
    return counted


def data(folder: Path) -> None:
    """The files that the programs read, made once, without Spark."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    random, rows = np.random.default_rng(1), 700_000
    text = pa.array([f"text of row {i}" for i in range(rows)])
    table = pa.table({"a": random.integers(0, 50, rows), "b": random.random(rows), "c": text, "d": random.random(rows)})
    csv.write_csv(table, folder / "data.csv")
    pq.write_table(table, folder / "data.parquet")
    for name, count in (("small", 300), ("large", 2)):
        (folder / name).mkdir(exist_ok=True)
        for i in range(count):
            part = table.select(["a", "b"]).slice(i * rows // count, rows // count)
            pq.write_table(part, folder / name / f"part-{i:04d}.parquet")


def main(cause: str, kind: str, folder: Path, properties: dict[str, str]) -> None:
    from pyspark.sql import SparkSession

    logs = folder / f"{cause}-{kind}"
    logs.mkdir(parents=True, exist_ok=True)
    slow = kind == "slow"
    builder = SparkSession.builder.appName(f"{cause} {kind}").master("local[2]")
    given = {
        "spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{logs}", "spark.ui.enabled": "false",
        "spark.eventLog.rolling.enabled": "false", "spark.eventLog.compression.codec": "zstd",
        "spark.driver.memory": "1500m", **PROPERTIES[cause][0 if slow else 1], **properties,
    }  # fmt: skip
    for key, value in given.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        PROGRAMS[cause](spark, slow, folder)
    finally:
        spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), dict(each.split("=", 1) for each in sys.argv[4:]))
