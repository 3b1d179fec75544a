"""A FastAPI service that answers with the whole timetable of a station."""

import http.client
import json
import multiprocessing
import threading

import uvicorn
from fastapi import FastAPI, Response

app = FastAPI()
TRAINS = [
    {"train": f"R {n}", "platform": n % 12, "minute": n * 7 % 1440, "stops": [f"s{(n + k) % 90}" for k in range(8)]}
    for n in range(1500)
]


@app.get("/timetable")
def timetable(platform: int = -1):
    found = [train for train in TRAINS if platform in (-1, train["platform"])]
    return Response(json.dumps({"count": len(found), "trains": found}), media_type="application/json")


def travellers(port, asked):
    """Somebody asks for the timetable again and again."""
    for _ in range(150):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/timetable")
        assert connection.getresponse().read()
        connection.close()
    asked.set()


def main():
    context = multiprocessing.get_context("spawn")
    asked = context.Event()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))

    def load():
        while not server.started:
            asked.wait(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        crowd = context.Process(target=travellers, args=(port, asked))
        crowd.start()
        crowd.join()
        server.should_exit = True

    thread = threading.Thread(target=load)
    thread.start()
    server.run()
    thread.join()
    print("150 timetables were sent")


if __name__ == "__main__":
    main()
