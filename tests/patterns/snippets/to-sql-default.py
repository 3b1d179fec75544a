# slow
# below: to_sql pandas/core/generic.py, to_sql pandas/io/sql.py, _execute_insert pandas/io/sql.py
# known: off_cpu=True
def store(frame, engine):
    frame.to_sql("events", engine)  # hot
# exempt: many rows per statement
# below: to_sql pandas/core/generic.py, to_sql pandas/io/sql.py
# known: off_cpu=True
def store(frame, engine):
    frame.to_sql("events", engine, method="multi")  # hot
