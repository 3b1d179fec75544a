# slow
# known: share=0.9
import duckdb

def match(con: duckdb.DuckDBPyConnection):
    con.execute(  # hot
        """create table matches as
        select l.id, c.id from leads l
        join contacts c on l.email = c.email or l.phone = c.phone"""
    )
# slow: of a name, in parentheses, and fetched
# known: share=0.9
import duckdb

QUERY = "select * from a join b on (a.x = b.x OR (a.y = b.y and a.z > 1)) where a.x > 3"

def match():
    return duckdb.sql(QUERY).df()  # hot
# exempt: a key besides
# known: share=0.9
import duckdb

def match(con):
    return con.execute("select * from a join b on a.x = b.x and (a.y = b.y or a.z = b.z)").fetchall()  # hot
# exempt: the OR is of the filter
# known: share=0.9
import duckdb

def match(con):
    return con.execute("select * from a join b on a.x = b.x where a.y = 1 or b.y = 2").fetchall()  # hot
# exempt: a word in quotes
# known: share=0.9
import duckdb

def match(con):
    return con.execute("select * from a join b on a.x = b.x and a.word = 'either = or = both'").fetchall()  # hot
