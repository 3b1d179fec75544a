# slow
# known: off_cpu=True tasks=1.0
async def names(connection, keys):
    found = []
    for key in keys:
        found.append(await connection.fetchval("select name from users where id = $1", key))  # hot
    return found
# slow
# known: off_cpu=True tasks=1.0
async def rows(pool, keys):
    return [await pool.fetch("select * from t where id = $1", key) for key in keys]  # hot
# exempt: one query for all
# known: off_cpu=True tasks=1.0
async def names(connection, keys):
    return await connection.fetch("select name from users where id = any($1)", keys)  # hot
# exempt: the next key comes from the answer
# known: off_cpu=True tasks=1.0
async def chain(connection, count):
    key = 0
    for number in range(count):
        key = await connection.fetchval("select next from t where id = $1 and n = $2", key, number)  # hot
