"""Calls of a slow service that overlap, eight at a time: what the loop waits for cannot be had sooner."""

import asyncio

CALLS = 1_200


class Service:
    """Stands for one that answers in 40 ms."""

    async def ask(self, key):
        await asyncio.sleep(0.04)
        return key * 2


async def answers(service, keys):
    limit = asyncio.Semaphore(8)

    async def one(key):
        async with limit:
            return await service.ask(key)

    return await asyncio.gather(*(one(key) for key in keys))


if __name__ == "__main__":
    found = asyncio.run(answers(Service(), range(CALLS)))
    print(f"{len(found)} answers")
