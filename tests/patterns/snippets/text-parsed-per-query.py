# slow
import duckdb

def means(towns):
    for town in towns:
        yield duckdb.sql(f"select avg(fare) from 'trips.csv' where town = '{town}'").fetchall()  # hot
# slow: a connection
# below: execute duckdb/__init__.py
import duckdb

def means(towns):
    db = duckdb.connect()
    for town in towns:
        db.execute("select avg(fare) from read_csv('trips.csv.gz') where town = ?", [town])  # hot
        yield db.fetchone()
# exempt: a table that was loaded once
import duckdb

def means(towns):
    db = duckdb.connect()
    db.execute("create table trips as select * from 'trips.csv'")
    for town in towns:
        yield db.execute("select avg(fare) from trips where town = ?", [town]).fetchone()  # hot
# exempt: another file in each pass
import duckdb

def means(paths):
    for path in paths:
        yield duckdb.sql(f"select avg(fare) from '{path}.csv'").fetchall()  # hot
# exempt: Parquet
import duckdb

def means(towns):
    for town in towns:
        yield duckdb.sql(f"select avg(fare) from 'trips.parquet' where town = '{town}'").fetchall()  # hot
# exempt: each file is loaded once
import duckdb

def load(db, days):
    for day in days:
        db.execute("insert into trips select * from 'trips.csv'")  # hot
# exempt: one query
import duckdb

def mean():
    return duckdb.sql("select avg(fare) from 'trips.csv'").fetchall()  # hot
