# slow: per request
# known: handler=True off_cpu=False share=0.5
from flask import jsonify

SQL = """
SELECT kind, COUNT(*) AS n
FROM events
WHERE date(ts) BETWEEN :start AND :end
GROUP BY kind
"""

def report(db, start, end):
    rows = db.execute(SQL, {"start": start, "end": end}).fetchall()  # hot
    return jsonify(rows)
# slow: in a loop, behind an alias
# known: off_cpu=False share=0.5
def counts(db, days):
    return [db.execute("select count(*) from events e where e.kind = 1 and substr(e.created, 1, 10) = ?", (day,)).fetchone() for day in days]  # hot
# slow: another way of writing a number
# known: handler=True off_cpu=False share=0.5
def user(db, email):
    return db.execute("select * from users where lower(email) = ?", (email.lower(),)).fetchone()  # hot
# exempt: a function of the value
# known: handler=True off_cpu=False share=0.5
def user(db, email):
    return db.execute("select * from users where email = lower(?)", (email,)).fetchone()  # hot
# exempt: a function among the results
# known: handler=True off_cpu=False share=0.5
def user(db, key):
    return db.execute("select lower(name), date(born) from users where id = ?", (key,)).fetchone()  # hot
# exempt: one query of a report
# known: off_cpu=False share=0.5
def report(db):
    return db.execute("select count(*) from events where date(ts) = '2026-01-01'").fetchall()  # hot
# exempt: the current day
# known: handler=True off_cpu=False share=0.5
def today(db):
    return db.execute("select * from events where day >= date('now') and kind = 2").fetchall()  # hot
