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
# slow: for each sample
# known: off_cpu=False loading=True seconds_each=0.005
import sqlite3

QUERY = "SELECT a, b FROM readings WHERE machine = ? ORDER BY step"

class Readings:
    def __getitem__(self, i):
        if self.con is None:
            self.con = sqlite3.connect(self.path)
        rows = self.con.execute(QUERY, (self.machines[i],)).fetchall()  # hot
        return rows
# exempt: a row by its key
# known: off_cpu=False loading=True seconds_each=0.00002 share=0.1
import sqlite3

class Rows:
    def __init__(self, path):
        self.con = sqlite3.connect(path)

    def __getitem__(self, i):
        return self.con.execute("select x from rows where id = ?", (i,)).fetchone()  # hot
# slow: a function of the column, through SQLAlchemy
# below: scalars sqlalchemy/orm/session.py, do_execute sqlalchemy/engine/default.py
# known: off_cpu=False share=0.9 looped=True
from sqlalchemy import func, select

class Contacts:
    def by_email(self, email):
        statement = select(Contact).where(func.lower(Contact.email) == email.lower())
        return self.session.scalars(statement).first()  # hot
# exempt: one statement, the rows of all
# below: scalars sqlalchemy/orm/session.py, fetchall sqlalchemy/engine/cursor.py
# known: off_cpu=False share=0.9
from sqlalchemy import select

def active(session):
    return session.scalars(select(Contact).where(Contact.active)).all()  # hot
