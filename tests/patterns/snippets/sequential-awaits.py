# slow
# known: off_cpu=True event_loop=True handler=True
import httpx

client = httpx.AsyncClient()

async def prices(symbols):
    found = {}
    for symbol in symbols:
        answer = await client.get(f"/quote/{symbol}")  # hot
        found[symbol] = answer.json()["price"]
    return found
# slow
# known: off_cpu=True
async def pages(session, urls):
    texts = []
    for url in urls:
        async with session.get(url) as answer:  # hot
            texts.append(await answer.text())
    return texts
# exempt: the next call needs the answer before
# known: off_cpu=True
async def pages(client, urls):
    token = None
    for url in urls:
        answer = await client.get(url, params={"token": token})  # hot
        token = answer.headers["next"]
# exempt: it stops at the first hit
# known: off_cpu=True
async def find(client, urls):
    for url in urls:
        answer = await client.get(url)  # hot
        if answer.status == 200:
            return answer
# exempt: it keeps a rate
# known: off_cpu=True
import asyncio

async def pages(client, urls):
    for url in urls:
        answer = await client.get(url)  # hot
        await asyncio.sleep(1)
# exempt: gathered
# known: off_cpu=True
import asyncio

async def pages(client, urls):
    return await asyncio.gather(*(client.get(url) for url in urls))  # hot
# exempt: many run at once already
# known: off_cpu=True
import asyncio

async def user(session, numbers):
    for number in numbers:
        async with session.post("/ask", json={"number": number}) as answer:  # hot
            await answer.json()

async def users(session):
    await asyncio.gather(*(user(session, range(first, 900, 12)) for first in range(12)))
