# healthy a commit for each chunk of rows
import sqlite3

def load(path, chunks):
    db = sqlite3.connect(path)
    for chunk in chunks:
        db.executemany("insert into t values (?, ?)", chunk)
        db.commit()  # hot
# healthy a commit for each file of rows
import sqlite3

def load(db_path, files):
    db = sqlite3.connect(db_path)
    for file in files:
        for row in rows(file):
            db.execute("insert into t values (?, ?)", row)
        db.commit()  # hot
# healthy SQLAlchemy inserts a chunk
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
def load(chunks):
    with Session(engine) as session:
        for chunk in chunks:
            session.execute(insert(Row), chunk)
            session.commit()  # hot
# healthy SQLAlchemy adds a chunk
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
def load(chunks):
    with Session(engine) as session:
        for chunk in chunks:
            session.add_all([Row(**each) for each in chunk])
            session.commit()  # hot
# healthy old rows go in blocks, so that locks are short
import psycopg

def purge(dsn):
    conn = psycopg.connect(dsn)
    while True:
        cur = conn.execute("delete from t where id in (select id from t where old limit 10000)")
        conn.commit()  # hot
        if cur.rowcount == 0:
            break
# healthy a table is copied in ranges of ten thousands
import sqlite3

conn = sqlite3.connect("x.db")
for start in range(0, 10_000_000, 50_000):
    conn.execute("insert into b select * from a where id >= ? and id < ?", (start, start + 50_000))
    conn.commit()  # hot
# healthy each migration is a transaction
import sqlite3

def migrate(path, scripts):
    conn = sqlite3.connect(path)
    for script in scripts:
        conn.execute(script)
        conn.commit()  # hot
# healthy rows through COPY
import psycopg

def load(dsn, rows):
    with psycopg.connect(dsn) as conn, conn.cursor() as cur:
        with cur.copy("copy t from stdin") as copy:
            for row in rows:
                copy.write_row(row)  # hot
        conn.commit()
# healthy one statement moves a month of rows
import psycopg

def partition(dsn, months):
    with psycopg.connect(dsn) as conn:
        for month in months:
            conn.execute(f"insert into t_{month} select * from t where m = '{month}'")  # hot
# healthy each insert gives the key that the next one needs
import psycopg

def load(dsn, orders):
    with psycopg.connect(dsn) as conn:
        for order in orders:
            row = conn.execute("insert into orders (a) values (%s) returning id", (order.a,)).fetchone()  # hot
            conn.cursor().executemany("insert into items values (%s, %s)", [(row[0], i) for i in order.items])
# healthy each key comes out of the last answer
# known: off_cpu=True
import sqlite3

def path(db_path, key):
    db = sqlite3.connect(db_path)
    while key is not None:
        key, = db.execute("select parent from t where id = ?", (key,)).fetchone()  # hot
        yield key
# healthy a page begins where the last one ended
# known: off_cpu=True
import psycopg

def pages(dsn):
    conn = psycopg.connect(dsn)
    last = 0
    while True:
        rows = conn.execute("select * from t where id > %s order by id limit 5000", (last,)).fetchall()  # hot
        if not rows:
            return
        last = rows[-1][0]
        yield rows
# healthy a thousand keys in each query
# known: off_cpu=True
import psycopg

def fetch(dsn, keys):
    conn = psycopg.connect(dsn)
    out = []
    for start in range(0, len(keys), 1000):
        out += conn.execute("select * from t where id = any(%s)", (keys[start:start + 1000],)).fetchall()  # hot
    return out
# healthy a day at a time, which is written before the next is read
# known: off_cpu=True
import pandas as pd

def load(engine, days):
    for day in days:
        frame = pd.read_sql("select * from events where day = %(day)s", engine, params={"day": day})  # hot
        frame.to_parquet(f"{day}.parquet")
# healthy a query for each table
# known: off_cpu=True
import pandas as pd

def dump(engine, tables):
    for table in tables:
        pd.read_sql(f"select * from {table}", engine).to_parquet(f"{table}.parquet")  # hot
# healthy five thousand rows at a time
import itertools
import sqlite3
def load(path, rows):
    db = sqlite3.connect(path)
    rows = iter(rows)
    while chunk := list(itertools.islice(rows, 5000)):
        db.executemany("insert into t values (?)", chunk)
        db.commit()  # hot
# healthy a full buffer is written
import sqlite3
def load(path, stream):
    db = sqlite3.connect(path)
    buffer = []
    for row in stream:
        buffer.append(row)
        if len(buffer) >= 1000:
            db.executemany("insert into t values (?)", buffer)
            db.commit()  # hot
            buffer.clear()
# healthy a commit for a thousand rows, by a counter
import sqlite3
def load(path, stream):
    db = sqlite3.connect(path)
    pending = 0
    for row in stream:
        db.execute("insert into t values (?)", (row,))
        pending += 1
        if pending == 1000:
            db.commit()  # hot
            pending = 0
# healthy a commit a second
import sqlite3, time
def load(path, stream):
    db = sqlite3.connect(path)
    last = time.time()
    for row in stream:
        db.execute("insert into t values (?)", (row,))
        if time.time() - last > 1:
            db.commit()  # hot
            last = time.time()
# healthy a job of a table each
import psycopg
def work(dsn):
    conn = psycopg.connect(dsn)
    while True:
        job = conn.execute("select id from jobs where state = 'new' limit 1 for update skip locked").fetchone()
        if job is None:
            break
        run(job)
        conn.execute("update jobs set state = 'done' where id = %s", job)
        conn.commit()  # hot
# healthy the words of a file are one transaction
import sqlite3
def index(path, files):
    db = sqlite3.connect(path)
    for file in files:
        with db:
            db.execute("delete from words where file = ?", (file,))
            db.executemany("insert into words values (?, ?)", words(file))  # hot
# healthy a file each, whose rows the statement chooses
import duckdb
con = duckdb.connect("x.db")
for path in paths:
    con.execute(f"insert into t select * from read_parquet('{path}')")  # hot
# healthy the full text index is built by one statement
import sqlite3

def index(path):
    db = sqlite3.connect(path)
    for _ in range(2):
        db.execute("INSERT INTO documents(documents) VALUES ('rebuild')")  # hot
