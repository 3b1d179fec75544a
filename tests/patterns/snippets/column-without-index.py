# slow
# known: handler=True share=0.8 off_cpu=True
import sqlite3
from flask import Flask

SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, email TEXT UNIQUE);
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL
);
"""
app = Flask(__name__)

@app.get("/activity/<int:account>")
def activity(account):
    db = get_db()
    rows = db.execute("SELECT kind FROM activity WHERE account_id = ? ORDER BY id DESC LIMIT 20", (account,)).fetchall()  # hot
    return [dict(row) for row in rows]
# exempt: an index serves it
# known: handler=True share=0.8 off_cpu=True
from flask import Flask

SCHEMA = """
CREATE TABLE activity (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, kind TEXT NOT NULL);
CREATE INDEX activity_account ON activity (account_id, kind);
"""
app = Flask(__name__)

@app.get("/activity/<int:account>")
def activity(account):
    rows = get_db().execute("SELECT kind FROM activity WHERE account_id = ?", (account,)).fetchall()  # hot
    return [dict(row) for row in rows]
# exempt: a key
# known: handler=True share=0.8 off_cpu=True
from flask import Flask

SCHEMA = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT)"
app = Flask(__name__)

@app.get("/accounts/<email>")
def account(email):
    return dict(get_db().execute("SELECT name FROM accounts WHERE email = ?", (email,)).fetchone())  # hot
# exempt: the table is made elsewhere
# known: handler=True share=0.8 off_cpu=True
from flask import Flask

app = Flask(__name__)

@app.get("/accounts/<email>")
def account(email):
    return dict(get_db().execute("SELECT name FROM accounts WHERE email = ?", (email,)).fetchone())  # hot
# exempt: it waits for a server
# known: handler=True share=0.8 off_cpu=True waits_for=socket
from flask import Flask

SCHEMA = "CREATE TABLE activity (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, kind TEXT NOT NULL)"
app = Flask(__name__)

@app.get("/activity/<int:account>")
def activity(account):
    return get_db().execute("SELECT kind FROM activity WHERE account_id = ?", (account,)).fetchall()  # hot
