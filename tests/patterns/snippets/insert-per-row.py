# slow
import duckdb

def store(rows):
    db = duckdb.connect("x.db")
    for row in rows:
        db.execute("INSERT INTO t VALUES (?, ?)", row)  # hot
# exempt: all at once
import duckdb

def store(rows):
    db = duckdb.connect("x.db")
    db.execute("INSERT INTO t SELECT * FROM rows")  # hot
