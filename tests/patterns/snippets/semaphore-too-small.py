# slow
# known: off_cpu=True share=0.4 event_loop=True in_flight=15.2 serves=True
import asyncio

limit = asyncio.Semaphore(1)  # cause

async def price(client, key):
    async with limit:
        return await client.get(key)  # hot
# slow: a lock held over an await
# known: off_cpu=True share=0.4 event_loop=True in_flight=8.0 serves=True
import asyncio

class Cache:
    def __init__(self, client):
        self.client = client
        self.lock = asyncio.Lock()  # cause

    async def get(self, key):
        async with self.lock:
            value = await self.client.get(key)  # hot
        return value
# exempt: as many as there are
# known: off_cpu=True share=0.4 event_loop=True in_flight=15.2 serves=True
import asyncio

limit = asyncio.Semaphore(32)

async def price(client, key):
    async with limit:
        return await client.get(key)  # hot
# exempt: not a server
# known: off_cpu=True share=0.4 event_loop=True
import asyncio

limit = asyncio.Semaphore(2)

async def price(client, key):
    async with limit:
        return await client.get(key)  # hot
