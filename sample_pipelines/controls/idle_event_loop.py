"""A service on an event loop that nobody asks much of, with a clock that ticks beside it: it waits, as it should."""

import asyncio
import multiprocessing
import socket
import time

SECONDS = 7


async def answer(reader, writer):
    """Echo the lines of one connection, which mostly has none."""
    while True:
        line = await reader.readline()
        if not line:
            break
        writer.write(line)
        await writer.drain()
    writer.close()


async def clock(ticks):
    while True:
        await asyncio.sleep(0.5)
        ticks.append(time.monotonic())


def ask(port):
    """A client that says something now and then."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for number in range(SECONDS):
            connection.sendall(f"{number}\n".encode())
            assert connection.recv(100)
            time.sleep(1)


async def serve(context):
    ticks = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    ticking = asyncio.create_task(clock(ticks))
    client = context.Process(target=ask, args=(server.sockets[0].getsockname()[1],))
    client.start()
    asyncio.get_running_loop().add_reader(client.sentinel, server.close)
    try:
        await server.serve_forever()
    except asyncio.CancelledError:
        client.join()
    ticking.cancel()
    print(f"{len(ticks)} ticks")


if __name__ == "__main__":
    asyncio.run(serve(multiprocessing.get_context("spawn")))
