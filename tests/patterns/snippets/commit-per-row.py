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
