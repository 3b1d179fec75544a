# slow
# below: read_sql pandas/io/sql.py, read_query pandas/io/sql.py
import pandas as pd

def report(db, shop):
    orders = pd.read_sql("SELECT * FROM orders", db)  # hot
    mine = orders[(orders["shop"] == shop) & (orders["status"] == "paid")]
    return mine.groupby("day")["amount"].sum()
# slow: the name is used again for the part
# below: read_sql_query pandas/io/sql.py, read_query pandas/io/sql.py
import pandas as pd

QUERY = "select id, day, user, amount from events"

def load(engine, since):
    events = pd.read_sql_query(QUERY, engine)  # hot
    events["day"] = pd.to_datetime(events["day"])
    events = events.loc[events["day"] >= since]
    print(len(events))
    return events
# exempt: the database filters
# below: read_sql pandas/io/sql.py
import pandas as pd

def load(db, shop):
    orders = pd.read_sql("SELECT * FROM orders WHERE shop = ?", db, params=(shop,))  # hot
    return orders[orders["amount"] > 0]
# exempt: all rows are used
# below: read_sql pandas/io/sql.py
import pandas as pd

def load(db):
    orders = pd.read_sql("SELECT * FROM orders", db)  # hot
    total = orders["amount"].sum()
    return orders[orders["amount"] > 0.01 * total]
# slow: rows of sqlite
import sqlite3

def events(path, user):
    db = sqlite3.connect(path)
    rows = db.execute("select id, user, kind from events").fetchall()  # hot
    return [row for row in rows if row[1] == user]
# exempt: all of them are used
import sqlite3

def events(path, user):
    db = sqlite3.connect(path)
    rows = db.execute("select id, user, kind from events").fetchall()  # hot
    mine = [row for row in rows if row[1] == user]
    return mine, len(rows)
