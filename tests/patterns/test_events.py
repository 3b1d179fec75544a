"""What an await waits for, by its source: what comes when it comes keeps nobody waiting."""

from __future__ import annotations

import pytest
from bottleneck_profiler.patterns import Source
from bottleneck_profiler.patterns.independence import waits_for_events

EVENTS = {
    "the tick of an endless loop": "async def clock():\n    while True:\n        await asyncio.sleep(1)  # here\n",
    "a stream": "async def news(feed):\n    async for item in feed:  # here\n        print(item)\n",
    "a consumer": "async def work(topic):\n    while True:\n        job = await topic.getone()  # here\n",
    "a connection": "async def answer(reader, writer):\n    await reader.readline()  # here\n"
    "async def main():\n    await asyncio.start_server(answer, port=80)\n",
}
CALLS = {
    "an answer": "async def ask(client, url):\n    return await client.get(url)  # here\n",
    "a download": "async def load(body):\n    while True:\n        part = await body.read(100)  # here\n"
    "        if not part:\n            break\n",
    "a client of its own": "async def ask(reader, writer):\n    return await reader.readline()  # here\n",
    "a pause between items": "async def crawl(urls):\n    for url in urls:\n        await asyncio.sleep(1)  # here\n",
}


def here(text: str) -> bool:
    line = next(number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# here"))
    return waits_for_events(Source(text), line)


@pytest.mark.parametrize("what", EVENTS)
def test_it_waits_for_what_comes_when_it_comes(what: str) -> None:
    assert here(EVENTS[what])


@pytest.mark.parametrize("what", CALLS)
def test_it_waits_for_what_it_has_asked_for(what: str) -> None:
    assert not here(CALLS[what])
