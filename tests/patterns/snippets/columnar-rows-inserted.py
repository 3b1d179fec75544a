# slow
import duckdb

class Store:
    def __init__(self, path):
        self.con = duckdb.connect(path)

    def save(self, rows):
        self.con.execute("BEGIN")
        self.con.executemany("INSERT INTO terms VALUES (?, ?)", rows)  # hot
        self.con.execute("COMMIT")
# exempt: a row store
import sqlite3

def save(path, rows):
    with sqlite3.connect(path) as connection:
        connection.executemany("insert into terms values (?, ?)", rows)  # hot
# exempt: a whole frame
import duckdb

def save(path, frame):
    connection = duckdb.connect(path)
    connection.execute("insert into terms select * from frame")  # hot
