# slow
# below: execute sqlalchemy/engine/base.py, do_execute sqlalchemy/engine/default.py
# known: share=0.7 off_cpu=False
from sqlalchemy import text

def pages(engine):
    query = text("select id, amount from orders where status <> 'test' order by id limit :size offset :skipped")
    skipped = 0
    with engine.connect() as con:
        while True:
            rows = con.execute(query, {"size": 500, "skipped": skipped}).fetchall()  # hot
            if not rows:
                return
            yield rows
            skipped += len(rows)
# slow: written by hand
# known: share=0.7
import sqlite3

def pages(con: sqlite3.Connection, count):
    for page in range(count):
        yield con.execute(f"SELECT * FROM orders ORDER BY id LIMIT 500 OFFSET {page * 500}").fetchall()  # hot
# slow: by SQLAlchemy
# below: scalars sqlalchemy/orm/session.py, do_execute sqlalchemy/engine/default.py
# known: share=0.7 off_cpu=False
from sqlalchemy import select

def pages(session, count):
    for page in range(count):
        yield session.scalars(select(Order).order_by(Order.id).limit(500).offset(page * 500)).all()  # hot
# exempt: one page
# known: share=0.7
import sqlite3

def page(con, number):
    return con.execute(f"select * from orders order by id limit 500 offset {number * 500}").fetchall()  # hot
# exempt: from the last row on
# known: share=0.7 off_cpu=True
from sqlalchemy import text

def pages(con, last):
    while rows := con.execute(text("select * from orders where id > :last order by id limit 500"), {"last": last}).fetchall():  # hot
        last = rows[-1].id
        yield rows
