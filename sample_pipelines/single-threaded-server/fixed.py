"""A page of news that asks an archive, which takes its time, for each reader."""

import http.client
import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READERS, PAGES = 8, 40


class News(BaseHTTPRequestHandler):
    def do_GET(self):
        article = self.archived(self.path)
        body = f"<h1>{self.path}</h1><p>{article}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def archived(self, path):
        time.sleep(0.04)
        return f"What was known of {path}"

    def log_message(self, *args):
        pass


def reader(port):
    """Somebody who reads page after page."""
    for page in range(PAGES):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", f"/{page}")
        assert connection.getresponse().read()
        connection.close()


def readers(port, read):
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(reader, [port] * READERS))
    read.set()


def main():
    context = multiprocessing.get_context("spawn")
    read = context.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), News)
    crowd = context.Process(target=readers, args=(server.server_address[1], read))
    crowd.start()
    threading.Thread(target=lambda: (read.wait(), server.shutdown())).start()
    server.serve_forever()
    crowd.join()
    server.server_close()
    print(f"{READERS * PAGES} pages were read")


if __name__ == "__main__":
    main()
