# slow
# known: off_cpu=True tasks=1.0
import asyncio

async def page(client, limit, url):
    async with limit:
        return await client.get(url)  # hot

async def pages(client, urls):
    limit = asyncio.Semaphore(1)
    return await asyncio.gather(*(page(client, limit, url) for url in urls))
# slow
# known: off_cpu=True tasks=1.0 handler=True
import asyncio

lock = asyncio.Lock()

async def price(client, symbol):
    async with lock:
        answer = await client.get(symbol)  # hot
    return answer
# exempt: many are let in
# known: off_cpu=True tasks=1.0
import asyncio

async def page(client, limit, url):
    async with limit:
        return await client.get(url)  # hot

async def pages(client, urls):
    limit = asyncio.Semaphore(16)
    return await asyncio.gather(*(page(client, limit, url) for url in urls))
# exempt: several wait at the same time
# known: off_cpu=True tasks=7.5
import asyncio

async def page(client, limit, url):
    async with limit:
        return await client.get(url)  # hot

async def pages(client, urls):
    limit = asyncio.Semaphore(1)
    return await asyncio.gather(*(page(client, limit, url) for url in urls))
# exempt: one connection answers in turn
# known: off_cpu=True tasks=1.0 handler=True
import asyncio

lock = asyncio.Lock()

async def rows(connection, key):
    async with lock:
        return await connection.fetchrow("select 1 where id = $1", key)  # hot
# exempt: nobody else would come in
# known: off_cpu=True tasks=1.0
import asyncio

lock = asyncio.Lock()

async def price(client, symbol):
    async with lock:
        return await client.get(symbol)  # hot
# exempt: one of them fetches the token for all
# known: off_cpu=True tasks=1.0 handler=True
import asyncio

lock = asyncio.Lock()

async def token(state, client):
    async with lock:
        if state.token is None:
            state.token = await client.fetch_token()  # hot
    return state.token
# slow
# known: off_cpu=True tasks=2.0
import asyncio

class Prices:
    def __init__(self):
        self.lock = asyncio.Lock()

    async def price(self, sku):
        async with self.lock:
            async with self.connection() as (reader, writer):
                writer.write(sku)
                return float(await reader.readline())  # hot

async def main(skus):
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    prices = Prices()
    return await asyncio.gather(*(prices.price(sku) for sku in skus))
# exempt: one connection for all
# known: off_cpu=True tasks=2.0
import asyncio

class Prices:
    def __init__(self):
        self.lock = asyncio.Lock()

    async def price(self, sku):
        async with self.lock:
            self.writer.write(sku)
            return float(await self.reader.readline())  # hot

async def main(skus):
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    prices = Prices()
    return await asyncio.gather(*(prices.price(sku) for sku in skus))
