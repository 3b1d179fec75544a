"""A service that nobody asks much of: it waits for requests nearly all of the time, as it should."""

import threading
import time
import urllib.request

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health():
    return {"well": True}


def main():
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))

    def ask():
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        for _ in range(8):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                assert answer.status == 200
            time.sleep(0.8)
        server.should_exit = True

    thread = threading.Thread(target=ask)
    thread.start()
    server.run()
    thread.join()


if __name__ == "__main__":
    main()
