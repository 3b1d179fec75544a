# slow
# known: event_loop=True handler=True
import bcrypt

async def login(name, password):
    if bcrypt.checkpw(password, USERS[name]):  # hot
        return make_token(name)
# exempt: in a thread
# known: handler=True
import bcrypt

def login(name, password):
    return bcrypt.checkpw(password, USERS[name])  # hot
