"""A worker that waits for the next job: jobs come as they come, and each is done at once."""

import asyncio

JOBS = 60


async def arrivals(jobs):
    """Somebody else's rhythm."""
    for number in range(JOBS):
        await asyncio.sleep(0.1)
        await jobs.put(number)
    await jobs.put(None)


async def work(jobs):
    done = 0
    while True:
        job = await jobs.get()
        if job is None:
            return done
        done += sum(range(10_000 + job)) > 0


async def main():
    jobs = asyncio.Queue()
    arriving = asyncio.create_task(arrivals(jobs))
    print(f"{await work(jobs)} jobs done")
    await arriving


if __name__ == "__main__":
    asyncio.run(main())
