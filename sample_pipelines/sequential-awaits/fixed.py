"""Prices of many articles, from a service that takes its time for each of them."""

import asyncio
import json
import multiprocessing
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

ARTICLES = 180


class Prices(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self):
        time.sleep(0.035)
        body = json.dumps({"article": self.path[1:], "price": len(self.path)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def service(ports):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prices)
    server.daemon_threads = True
    ports.put(server.server_address[1])
    server.serve_forever()


async def price(client, article):
    answer = await client.get(f"/{article}")
    return answer.json()["price"]


async def prices(port):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        limit = asyncio.Semaphore(8)

        async def one(article):
            async with limit:
                return await price(client, article)

        return await asyncio.gather(*(one(article) for article in range(ARTICLES)))


def main():
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=service, args=(ports,), daemon=True)
    process.start()
    found = asyncio.run(prices(ports.get()))
    process.terminate()
    print(f"{len(found)} articles cost {sum(found)}")


if __name__ == "__main__":
    main()
