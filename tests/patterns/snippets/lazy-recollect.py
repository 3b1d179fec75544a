# slow
# below: collect polars/lazyframe/frame.py
import polars as pl

def plan():
    return pl.scan_csv("log.csv").filter(pl.col("robot"))

def main(reports):
    sessions = plan()
    for report in reports:
        table = report(sessions).collect()  # hot
# exempt: another file each time
# below: collect polars/lazyframe/frame.py
import polars as pl

def main(paths):
    for path in paths:
        table = pl.scan_csv(path).filter(pl.col("robot")).collect()  # hot
# exempt: collected once
# below: collect polars/lazyframe/frame.py
import polars as pl

def main(reports):
    sessions = pl.scan_csv("log.csv").collect().lazy()
    for report in reports:
        table = report(sessions).collect()  # hot
# exempt: another file in each pass, to which the same small table is joined
import polars as pl

def clean(month):
    zones = pl.scan_parquet("zones.parquet")
    return pl.scan_parquet(f"{month}.parquet").join(zones, on="zone").collect()  # hot

tables = [clean(month) for month in range(12)]
# exempt: each pass reads its own partition
import polars as pl

def days(path, days):
    plan = pl.scan_parquet(path, hive_partitioning=True)
    for day in days:
        yield plan.filter(pl.col("day") == day).collect()  # hot
# slow: the plan is kept by an object
# below: wrapper polars/_utils/deprecation.py, collect polars/lazyframe/frame.py
# known: looped=True
import polars as pl

class Sales:
    def __init__(self, path):
        self.plan = pl.scan_csv(path).with_columns(pl.col("price") * 2)

    def total(self, region):
        return (
            self.plan
            .filter(pl.col("region") == region)
            .collect()  # hot
            .item()
        )
# exempt: the object holds a table that was collected
# below: wrapper polars/_utils/deprecation.py, collect polars/lazyframe/frame.py
# known: looped=True
import polars as pl

class Sales:
    def __init__(self, path):
        self.table = pl.scan_csv(path).collect()

    def total(self, region):
        return self.table.lazy().filter(pl.col("region") == region).collect()  # hot
# slow: a function makes the plan
# below: wrapper polars/_utils/deprecation.py, collect polars/lazyframe/frame.py
import polars as pl

def plan():
    return pl.scan_csv("sales.csv").with_columns(pl.col("price") * 2)

def totals(regions):
    for region in regions:
        yield plan().filter(pl.col("region") == region).collect()  # hot
# exempt: the object has another plan in each pass
# below: wrapper polars/_utils/deprecation.py, collect polars/lazyframe/frame.py
import polars as pl

class Sales:
    def totals(self, paths):
        for path in paths:
            self.plan = pl.scan_csv(path)
            yield self.plan.select(pl.col("price").sum()).collect()  # hot
# exempt: a function makes a plan of another file
# below: wrapper polars/_utils/deprecation.py, collect polars/lazyframe/frame.py
import polars as pl

def plan(path):
    return pl.scan_csv(path)

def totals(paths):
    for path in paths:
        yield plan(path).select(pl.col("price").sum()).collect()  # hot
