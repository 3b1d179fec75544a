"""The stock of a warehouse, article by article, from a service that takes its time for each of them."""

import http.client
import json
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARTICLES = 170


class Warehouse(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.035)
        body = json.dumps({"pieces": len(self.path)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def service(ports):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Warehouse)
    server.daemon_threads = True
    ports.put(server.server_address[1])
    server.serve_forever()


class Client:
    """What the warehouse knows, over the network."""

    def __init__(self, port):
        self.port = port

    def pieces(self, article):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", f"/{article}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["pieces"]


def stock(client, articles):
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(articles, pool.map(client.pieces, articles)))


def main():
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=service, args=(ports,), daemon=True)
    process.start()
    found = stock(Client(ports.get()), range(ARTICLES))
    process.terminate()
    print(f"{sum(found.values())} pieces of {len(found)} articles")


if __name__ == "__main__":
    main()
