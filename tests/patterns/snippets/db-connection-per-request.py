# slow
# below: connect psycopg2/__init__.py
# known: handler=True
import psycopg2

def user(key):
    connection = psycopg2.connect("dbname=shop")  # hot
    return look_up(connection, key)
# exempt: SQLite
# known: handler=True
import sqlite3

def user(key):
    connection = sqlite3.connect("shop.sqlite")  # hot
    return look_up(connection, key)
# exempt: made once
# below: connect psycopg2/__init__.py
# known: handler=True
import psycopg2

def connection(state):
    if state.connection is None:
        state.connection = psycopg2.connect("dbname=shop")  # hot
    return state.connection
