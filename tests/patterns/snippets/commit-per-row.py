# slow
import sqlite3

def store(database, tiles):
    for number, tile in enumerate(tiles):
        database.execute("insert into t values (?, ?)", (number, tile))
        database.commit()  # hot

def main():
    store(sqlite3.connect("x.db"), range(10))
# exempt: every thousand rows
import sqlite3

def store(tiles):
    database = sqlite3.connect("x.db")
    for number, tile in enumerate(tiles):
        database.execute("insert into t values (?, ?)", (number, tile))
        if number % 1000 == 0:
            database.commit()  # hot
# exempt: no database
import git

def publish(versions):
    repository = git.Repo(".")
    for each in versions:
        repository.index.add(each)
        repository.index.commit()  # hot
# slow: a context manager commits
import sqlite3
from contextlib import contextmanager

class Store:
    def __init__(self, path):
        self.database = sqlite3.connect(path)

    @contextmanager
    def cursor(self):
        cursor = self.database.cursor()
        try:
            yield cursor
        except sqlite3.IntegrityError:
            self.database.rollback()
        else:
            self.database.commit()  # hot

    def add(self, sensor, value):
        with self.cursor() as cursor:  # caller
            cursor.execute("insert into t values (?, ?)", (sensor, value))

def main(feed):
    store = Store("x.db")
    for sensor, value in feed:
        store.add(sensor, value)  # caller
# exempt: a full buffer
import sqlite3

class Store:
    def __init__(self, path):
        self.database = sqlite3.connect(path)

    def flush(self, rows):
        self.database.executemany("insert into t values (?, ?)", rows)
        self.database.commit()  # hot

def main(feed):
    store = Store("x.db")
    for rows in feed:
        store.flush(rows)  # caller
# exempt: a function commits now and then
import sqlite3

class Store:
    def __init__(self, path):
        self.database = sqlite3.connect(path)

    def keep(self):
        self.database.commit()  # hot

def main(feed):
    store = Store("x.db")
    for number, row in enumerate(feed):
        store.database.execute("insert into t values (?, ?)", row)
        if number % 1000 == 0:
            store.keep()  # caller
# exempt: once for each request
# known: handler=True looped=True
import sqlite3

database = sqlite3.connect("x.db")

def order(item):
    database.execute("insert into orders values (?)", (item,))
    database.commit()  # hot
# slow: each row is put in place of an older one
import sqlite3

def store(rows):
    database = sqlite3.connect("x.db")
    for key, time, value in rows:
        database.execute(
            "insert into t values (?, ?, ?) on conflict do update set v = excluded.v where excluded.time > t.time",
            (key, time, value),
        )
        database.commit()  # hot
# slow: the lines of one order
import sqlite3

def store(orders):
    database = sqlite3.connect("x.db")
    for order in orders:
        database.executemany("insert into lines values (?, ?)", [(order.id, line) for line in order.lines])
        database.commit()  # hot
# slow: a switch that says the same in each pass
import sqlite3

DRY_RUN = False

def store(rows):
    database = sqlite3.connect("x.db")
    for number, value in enumerate(rows):
        database.execute("insert into t values (?, ?)", (number, value))
        if not DRY_RUN:
            database.commit()  # hot
