"""The same over HTTP/1.0: the connection ends with the answer, and nothing waits."""

import hashlib
import http.client
import json
import multiprocessing
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READERS, QUESTIONS = 3, 300


class Tides(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        body = json.dumps(height(self.path[1:])).encode()
        self.send_response(200)
        self.send_header("Signature", signature(body[:100]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def height(place):
    """In metres, for each hour of a day."""
    return [round(3.0 + 2.0 * ((int(place) + 5 * hour) % 12 - 6) / 6, 2) for hour in range(24)]


def signature(body):
    return hashlib.pbkdf2_hmac("sha256", body, b"tides", 12_000).hex()


def reader(port):
    """Asks for one place after the other on a connection that stays open."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for place in range(QUESTIONS):
        connection.request("GET", f"/{place}")
        assert connection.getresponse().read()
    connection.close()


def readers(port, read):
    threads = [threading.Thread(target=reader, args=(port,)) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read.set()


def main():
    context = multiprocessing.get_context("spawn")
    read = context.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tides)
    crowd = context.Process(target=readers, args=(server.server_address[1], read))
    crowd.start()
    threading.Thread(target=lambda: (read.wait(), server.shutdown())).start()
    server.serve_forever()
    crowd.join()
    server.server_close()
    print(f"{READERS * QUESTIONS} questions were answered")


if __name__ == "__main__":
    main()
