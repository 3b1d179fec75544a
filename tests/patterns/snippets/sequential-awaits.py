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
# slow: a list, and a timeout around each
# known: off_cpu=True tasks=1.0
import asyncio

async def pages(client, urls):
    return [await asyncio.wait_for(client.get(url), 5) for url in urls]  # hot
# slow: what one pass hands on within itself
# known: off_cpu=True tasks=1.2
async def copy(source, target, keys):
    for key in keys:
        value = await source.load(key)
        await target.store(key, value)  # hot
# exempt: several of them wait at the same time
# known: off_cpu=True tasks=12.0
async def pages(client, urls):
    for url in urls:
        await client.get(url)  # hot
# exempt: the conversation grows
# known: off_cpu=True tasks=1.0
async def talk(model, questions):
    history = []
    for question in questions:
        history.append(await model.answer(history, question))  # hot
# exempt: a pause
# known: off_cpu=True tasks=1.0
import asyncio

async def pauses(seconds):
    for each in seconds:
        await asyncio.sleep(each)  # hot
# exempt: one connection sends in order
# known: off_cpu=True tasks=1.0
async def deliver(websocket, messages):
    for message in messages:
        await websocket.send(message)  # hot
# exempt: a queue that is full holds its producer back
# known: off_cpu=True tasks=1.0
async def produce(queue, items):
    for item in items:
        await queue.put(item)  # hot
# exempt: one socket carries the messages in order
# known: off_cpu=True tasks=1.0
async def deliver(websocket, messages):
    for message in messages:
        await websocket.send_json(message)  # hot
# exempt: one page of a browser goes from place to place
# known: off_cpu=True tasks=1.0
async def titles(page, urls):
    for url in urls:
        await page.goto(url)  # hot
        yield await page.title()
# slow: a service for many clients: each waits for the whole of its own request
# known: off_cpu=True tasks=4
# above: handle service.py, rank service.py
import asyncio

class Service:
    async def vectors(self, items):
        found = []
        for item in items:
            found.append(await self.store.get(item))  # hot
        return found

    async def rank(self, request):
        return await self.vectors(request["items"])

    async def handle(self, reader, writer):
        while line := await reader.readline():
            await self.rank(line)

async def main(service):
    await asyncio.start_server(service.handle, "127.0.0.1", 8000)
