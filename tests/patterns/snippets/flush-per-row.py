# slow
# below: flush /site-packages/sqlalchemy/orm/session.py
from sqlalchemy.orm import Session

def load(engine, rows):
    with Session(engine) as session:
        for row in rows:
            session.add(Item(**row))
            session.flush()  # hot
        session.commit()
# exempt: a file
def write(file, rows):
    for row in rows:
        file.add(row)
        file.flush()  # hot
# exempt: once
# below: flush /site-packages/sqlalchemy/orm/session.py
from sqlalchemy.orm import Session

def load(engine, rows):
    with Session(engine) as session:
        for row in rows:
            session.add(Item(**row))
        session.flush()  # hot
