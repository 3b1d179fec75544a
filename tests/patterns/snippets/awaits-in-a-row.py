# slow
# known: handler=True off_cpu=True event_loop=True
async def page(user: int):
    profile = await profiles.fetch(user)  # hot
    basket = await baskets.fetch(user)
    return {"profile": profile, "basket": basket}
# slow: the second one of three
# known: handler=True off_cpu=True event_loop=True
async def page(user: int):
    profile = await ask("profile", user)
    basket = await ask("basket", user)  # hot
    prices = await ask("prices", user)
    return [profile, basket, prices]
# exempt: the second needs the first
# known: handler=True off_cpu=True event_loop=True
async def page(user: int):
    profile = await profiles.fetch(user)  # hot
    basket = await baskets.fetch(profile.basket)
    return {"profile": profile, "basket": basket}
# exempt: one connection
# known: handler=True off_cpu=True event_loop=True
async def page(user: int, session):
    profile = await session.get(Profile, user)  # hot
    basket = await session.get(Basket, user)
    return {"profile": profile, "basket": basket}
# exempt: one of them is for what it does
# known: handler=True off_cpu=True event_loop=True
async def page(user: int):
    await audit(user)
    profile = await profiles.fetch(user)  # hot
    return profile
# exempt: together already
# known: handler=True off_cpu=True event_loop=True
import asyncio

async def page(user: int):
    profile, basket = await asyncio.gather(profiles.fetch(user), baskets.fetch(user))  # hot
    return {"profile": profile, "basket": basket}
# exempt: in no handler
# known: off_cpu=True event_loop=True
async def page(user: int):
    profile = await profiles.fetch(user)  # hot
    basket = await baskets.fetch(user)
    return {"profile": profile, "basket": basket}
# slow: an HTTP session has many connections
# below: fetch service.py, _request aiohttp/client.py, start aiohttp/client_reqrep.py
# known: handler=True off_cpu=True event_loop=True
async def home(request):
    session = request.app[http]
    profile = await fetch(session, "profile", request.user)  # hot
    orders = await fetch(session, "orders", request.user)
    return [profile, orders]
# exempt: a session of a database has one
# below: fetch service.py, execute sqlalchemy/ext/asyncio/session.py
# known: handler=True off_cpu=True event_loop=True
async def home(request, session):
    profile = await fetch(session, "profile", request.user)  # hot
    orders = await fetch(session, "orders", request.user)
    return [profile, orders]
