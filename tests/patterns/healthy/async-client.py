# healthy
# known: off_cpu=True event_loop=True
import asyncio

import httpx

async def page(client, limit, url):
    async with limit:
        answer = await client.get(url)
        return answer.text

async def pages(urls):
    limit = asyncio.Semaphore(16)
    async with httpx.AsyncClient() as client:
        return await asyncio.gather(*(page(client, limit, url) for url in urls))

async def follow(client, url):
    while url:
        answer = await client.get(url)
        url = answer.json().get("next")

async def work(queue):
    while True:
        job = await queue.get()
        await job.run()
