# slow
# below: __get__ sqlalchemy/orm/attributes.py, get sqlalchemy/orm/attributes.py, _load_expired sqlalchemy/orm/state.py, _load_scalar_attributes sqlalchemy/orm/loading.py, do_execute sqlalchemy/engine/default.py
def answer(session, blobs, access):
    session.add(access)
    session.commit()
    return [{"path": blob.path, "size": blob.size} for blob in blobs]  # hot
# exempt: the objects are still loaded
# below: __get__ sqlalchemy/orm/attributes.py
def answer(session, blobs, access):
    found = [{"path": blob.path, "size": blob.size} for blob in blobs]  # hot
    session.commit()
    return found
# exempt: one object
# below: __get__ sqlalchemy/orm/attributes.py, _load_expired sqlalchemy/orm/state.py, do_execute sqlalchemy/engine/default.py
def answer(session, order):
    session.commit()
    return {"id": order.id}  # hot
