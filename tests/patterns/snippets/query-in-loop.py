# slow
import psycopg2

def look_up(keys):
    cursor = psycopg2.connect("").cursor()
    for key in keys:
        cursor.execute("select * from t where id = %s", (key,))  # hot
        yield cursor.fetchone()
# exempt: a fast look-up in the process
# known: off_cpu=False
import sqlite3

def look_up(keys):
    cursor = sqlite3.connect("").cursor()
    for key in keys:
        cursor.execute("select * from t where id = ?", (key,))  # hot
        yield cursor.fetchone()
