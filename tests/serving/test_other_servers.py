"""What the report says of servers with applications of their own: the same as of any other, with their own fixes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
ASKS = """
import http.client, sys, threading
def ask(client):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    for number in range(20):
        connection.request("POST", "/answer/%d" % client, "text %d of %d" % (number, client))
        connection.getresponse().read()
clients = [threading.Thread(target=ask, args=(client,)) for client in range(8)]
[each.start() for each in clients]
[each.join() for each in clients]
"""
CALLS = """
import grpc, sys, threading
def ask(client):
    with grpc.insecure_channel("127.0.0.1:" + sys.argv[1]) as channel:
        for number in range(20):
            channel.unary_unary("/x.Model/Predict")(b"text %d of %d" % (number, client))
clients = [threading.Thread(target=ask, args=(client,)) for client in range(8)]
[each.start() for each in clients]
[each.join() for each in clients]
"""
AIOHTTP = """
import asyncio, sys, time
from aiohttp import web
async def answer(request):
    text = await request.text()
    WAIT
    return web.Response(text=text[::-1])
async def main():
    app = web.Application()
    app.router.add_post("/answer/{client}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    await (await asyncio.create_subprocess_exec(sys.executable, "-I", "asks.py", str(port))).wait()
    await runner.cleanup()
asyncio.run(main())
"""
TORNADO = """
import asyncio, sys
from tornado import httpserver, netutil, web
class Answer(web.RequestHandler):
    async def post(self, client):
        async with lock:
            await asyncio.sleep(0.02)
        self.finish(self.request.body[::-1])
async def main():
    global lock
    lock = asyncio.Lock()
    server = httpserver.HTTPServer(web.Application([(r"/answer/([0-9]+)", Answer)]))
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    await (await asyncio.create_subprocess_exec(sys.executable, "-I", "asks.py", str(port))).wait()
asyncio.run(main())
"""
GRPC = """
import subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
import grpc
def predict(request, context):
    time.sleep(0.02)
    return request[::-1]
def main():
    server = grpc.server(ThreadPoolExecutor(THREADS))
    handlers = {"Predict": grpc.unary_unary_rpc_method_handler(predict)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x.Model", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    subprocess.run([sys.executable, "-I", "calls.py", str(port)], check=True)
    server.stop(1).wait()
main()
"""
#: What is served -> the first finding, and what its fix has in it; none for the healthy ones.
SERVED = {
    "aiohttp, blocked": (AIOHTTP.replace("WAIT", "time.sleep(0.02)"), "synchronous-serving", "run_in_executor"),
    "aiohttp": (AIOHTTP.replace("WAIT", "await asyncio.sleep(0.02)"), "", ""),
    "tornado, in turn": (TORNADO, "requests-in-turn", "async with lock"),
    "grpc, two threads": (GRPC.replace("THREADS", "2"), "pool-starved", "ThreadPoolExecutor(max_workers="),
    "grpc": (GRPC.replace("THREADS", "16"), "", ""),
}


@pytest.mark.parametrize("name", SERVED)
def test_a_report_names_the_cause_in_any_server_and_nothing_in_a_healthy_one(tmp_path, name):
    code, cause, fix = SERVED[name]
    pytest.importorskip(name.partition(",")[0])
    for file, text in (("served.py", code), ("asks.py", ASKS), ("calls.py", CALLS)):
        (tmp_path / file).write_text(text)
    tool = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", str(tmp_path / "run"), "--"]
    done = subprocess.run([*tool, "served.py"], capture_output=True, text=True, env=_ENVIRON, cwd=tmp_path, timeout=200)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "run" / "diagnosis.json").read_text())
    route = "gRPC /x.Model/Predict" if "grpc" in name else "POST /answer/{}"
    routes = {each["route"].replace("{client}", "{}"): each["requests"] for each in told["served"]["routes"]}
    assert routes == {"": 160, route: 160}
    serving = [each for each in told["findings"] if each["stage"] == "serving"]
    assert [each["detector"] for each in serving][:1] == [cause] * bool(cause), done.stdout
    assert not cause or fix in serving[0]["fix"]["snippet"]
