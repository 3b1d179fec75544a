# slow
# known: off_cpu=False
import sqlite3

db = sqlite3.connect("")

def by_email(addresses):
    for address in addresses:
        yield db.execute("select id from customers where email like ?", (address,)).fetchone()  # hot
# exempt: one query for all
# known: off_cpu=False share=0.9
import sqlite3

def totals():
    db = sqlite3.connect("")
    return db.execute("select customer, sum(amount) from orders group by customer").fetchall()  # hot
