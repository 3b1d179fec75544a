# slow
import sqlite3
from collections import defaultdict

def totals(path):
    db = sqlite3.connect(path)
    found, count = defaultdict(float), defaultdict(int)
    for shop, amount, day in db.execute("select shop, amount, day from sales"):
        found[shop, day] += amount
        count[shop, day] += 1  # hot
    return found
# slow: fetched first
import sqlite3

def totals(path):
    rows = sqlite3.connect(path).execute("select shop, amount from sales").fetchall()
    found = {}
    for shop, amount in rows:
        found[shop] = found.get(shop, 0.0) + amount  # hot
    return found
# exempt: the rows are used for more
import sqlite3

def export(path, out):
    found = {}
    for shop, amount in sqlite3.connect(path).execute("select shop, amount from sales"):
        found[shop] = found.get(shop, 0.0) + amount  # hot
        out.write(f"{shop};{amount}\n")
    return found
# exempt: no database
def totals(rows):
    found = {}
    for shop, amount in rows:
        found[shop] = found.get(shop, 0.0) + amount  # hot
    return found
