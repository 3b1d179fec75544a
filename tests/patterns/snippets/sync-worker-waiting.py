# slow
# above: run gunicorn/workers/sync.py, handle_request gunicorn/workers/sync.py, dispatch_request flask/app.py
# below: execute psycopg/cursor.py
# known: handler=True off_cpu=True
def user(key):
    return connection.execute("select * from users where id = %s", (key,)).fetchone()  # hot
# exempt: it computes
# above: run gunicorn/workers/sync.py, handle_request gunicorn/workers/sync.py
# known: handler=True off_cpu=False
def user(key):
    return transform(key)  # hot
