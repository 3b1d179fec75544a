# slow
# below: execute sqlalchemy/engine/base.py, _execute_context sqlalchemy/engine/base.py
# known: off_cpu=False
import sqlalchemy as sa

def look_up(engine, keys):
    with engine.connect() as db:
        for key in keys:
            yield db.execute(sa.text("select v from t where id = :k"), {"k": key}).one()  # hot
# slow: with the ORM
# below: scalars sqlalchemy/orm/session.py, _execute_context sqlalchemy/engine/base.py
from sqlalchemy import select

def names(session, keys):
    for key in keys:
        yield session.scalars(select(User).where(User.id == key)).one().name  # hot
# exempt: one statement for all
# below: execute sqlalchemy/engine/base.py, _execute_context sqlalchemy/engine/base.py
import sqlalchemy as sa

def look_up(db, keys):
    return db.execute(sa.text("select id, v from t where id in :k"), {"k": keys}).all()  # hot
# exempt: the statement writes
# below: execute sqlalchemy/engine/base.py, _execute_context sqlalchemy/engine/base.py
import sqlalchemy as sa

def bump(db, keys):
    for key in keys:
        db.execute(sa.text("update t set v = v + 1 where id = :k"), {"k": key})  # hot
