# slow: six clients, and a batch that may have 32
# known: share=0.7 off_cpu=True event_loop=True tasks=6.0 cores=0.2
import asyncio

SIZE = 32

class Batcher:
    async def embed(self, tokens):
        pending = Pending(tokens, asyncio.get_running_loop().create_future())
        await self.queue.put(pending)
        return await pending.result  # hot

    async def gather(self):
        loop = asyncio.get_running_loop()
        batch = [await self.queue.get()]
        deadline = loop.time() + 0.05
        while len(batch) < SIZE:
            try:
                batch.append(await asyncio.wait_for(self.queue.get(), deadline - loop.time()))  # cause
            except asyncio.TimeoutError:
                break
        return batch
# exempt: the batches fill
# known: share=0.7 off_cpu=True event_loop=True tasks=40.0 cores=0.2
import asyncio

class Batcher:
    async def embed(self, tokens):
        return await self.enqueue(tokens)  # hot

    async def gather(self):
        batch = [await self.queue.get()]
        while len(batch) < 32:
            batch.append(await asyncio.wait_for(self.queue.get(), 0.005))
        return batch
# exempt: the model takes the time
# known: share=0.7 off_cpu=True event_loop=True tasks=6.0 cores=1.6
import asyncio

class Batcher:
    async def embed(self, tokens):
        return await self.enqueue(tokens)  # hot

    async def gather(self):
        batch = [await self.queue.get()]
        while len(batch) < 32:
            batch.append(await asyncio.wait_for(self.queue.get(), 0.005))
        return batch
# exempt: what waits is taken without a time limit
# known: share=0.7 off_cpu=True event_loop=True tasks=6.0 cores=0.2
import asyncio

class Batcher:
    async def embed(self, tokens):
        return await self.enqueue(tokens)  # hot

    async def gather(self):
        batch = [await self.queue.get()]
        while len(batch) < 32 and not self.queue.empty():
            batch.append(self.queue.get_nowait())
        return batch
