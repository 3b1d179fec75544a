"""Calls of gRPC's servers, with threads and of asyncio: recorded once by method, and answered as without us."""

import pytest
import rings
from bottleneck_profiler import signals
from test_wsgi import START, run

pytest.importorskip("grpc")
THREADS = """
import threading, time
from concurrent.futures import ThreadPoolExecutor
import grpc
inside = threading.Event()
def up(request, context):
    return request.upper()
def slow(request, context):
    time.sleep(0.1)
    return request
def held(request, context):
    inside.set()
    while context.is_active():
        time.sleep(0.005)
    return request
def fails(request, context):
    raise ValueError("theirs")
def aborts(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "none")
def sets(request, context):
    context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
    return b""
def stream(request, context):
    for _ in range(3):
        yield request
def total(requests, context):
    return str(sum(map(len, requests))).encode()
def talk(requests, context):
    for each in requests:
        yield each
HANDLERS = {"Up2": grpc.unary_unary_rpc_method_handler(up), "Slow": grpc.unary_unary_rpc_method_handler(slow),
  "Fails": grpc.unary_unary_rpc_method_handler(fails), "Aborts": grpc.unary_unary_rpc_method_handler(aborts),
  "Sets": grpc.unary_unary_rpc_method_handler(sets), "Stream": grpc.unary_stream_rpc_method_handler(stream),
  "Total": grpc.stream_unary_rpc_method_handler(total), "Talk": grpc.stream_stream_rpc_method_handler(talk),
  "Held": grpc.unary_unary_rpc_method_handler(held)}
server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x.Words", HANDLERS),))
if hasattr(server, "add_registered_method_handlers"):
    server.add_registered_method_handlers("x.Words", {"Up2": HANDLERS["Up2"]})
port = server.add_insecure_port("127.0.0.1:0")
server.start()
def told(call):
    try:
        found = call()
        return found if isinstance(found, bytes) else list(found)
    except grpc.RpcError as error:
        return str(error.code()), error.details()
with grpc.insecure_channel("127.0.0.1:%d" % port) as channel:
    unary = lambda name, body=b"abc": told(lambda: channel.unary_unary("/x.Words/" + name)(body))
    for name in ("Up2", "Fails", "Aborts", "Sets", "Nothing"):
        print(name, unary(name))
    print(len(unary("Up2", b"x" * 70_000)))
    print(told(lambda: channel.unary_stream("/x.Words/Stream")(b"abc")))
    print(told(lambda: channel.stream_unary("/x.Words/Total")(iter([b"abc", b"d"]))))
    print(told(lambda: channel.stream_stream("/x.Words/Talk")(iter([b"abc", b"d"]))))
    asked = [channel.unary_unary("/x.Words/Slow").future(b"a") for _ in range(4)]
    print([each.result() for each in asked])
    call = channel.unary_unary("/x.Words/Held").future(b"b")
    inside.wait()
    call.cancel()
server.stop(5).wait()
"""
ASYNC = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
import grpc
closed, inside = [], asyncio.Event()
async def up(request, context):
    return request.upper()
async def slow(request, context):
    await asyncio.sleep(0.1)
    return request
async def held(request, context):
    inside.set()
    try:
        await asyncio.Event().wait()
    finally:
        closed.append("held")
async def fails(request, context):
    raise ValueError("theirs")
async def aborts(request, context):
    await context.abort(grpc.StatusCode.NOT_FOUND, "none")
async def sets(request, context):
    context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
    return b""
async def stream(request, context):
    try:
        for _ in range(3):
            yield request
    finally:
        closed.append("stream")
async def endless(request, context):
    try:
        while True:
            yield request
            await asyncio.sleep(0.01)
    finally:
        closed.append("endless")
async def written(request, context):
    for _ in range(2):
        await context.write(request)
async def total(requests, context):
    return str(sum([len(each) async for each in requests])).encode()
async def talk(requests, context):
    async for each in requests:
        yield each
def plain(request, context):
    return threading.current_thread().name.encode()[:4]
def plain_stream(request, context):
    for _ in range(2):
        yield request
unary, out = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
into, both = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
HANDLERS = {"Up2": unary(up), "Slow": unary(slow), "Held": unary(held), "Fails": unary(fails), "Aborts": unary(aborts),
            "Sets": unary(sets), "Stream": out(stream), "Endless": out(endless), "Written": out(written),
            "Total": into(total), "Talk": both(talk), "Plain": unary(plain), "PlainStream": out(plain_stream)}
async def told(call):
    try:
        found = call()
        return await found if hasattr(found, "__await__") else [each async for each in found]
    except grpc.RpcError as error:
        return str(error.code()), error.details()
async def main():
    server = grpc.aio.server(ThreadPoolExecutor(2, thread_name_prefix="pool"))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x.Words", HANDLERS),))
    if hasattr(server, "add_registered_method_handlers"):
        server.add_registered_method_handlers("x.Words", {"Slow": HANDLERS["Slow"]})
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel("127.0.0.1:%d" % port) as channel:
        one = lambda name, body=b"abc": told(lambda: channel.unary_unary("/x.Words/" + name)(body))
        for name in ("Up2", "Fails", "Aborts", "Sets", "Nothing", "Plain"):
            print(name, await one(name))
        print(len(await one("Up2", b"x" * 70_000)))
        for name in ("Stream", "Written", "PlainStream"):
            print(name, await told(lambda: channel.unary_stream("/x.Words/" + name)(b"abc")))
        print(await told(lambda: channel.stream_unary("/x.Words/Total")(iter([b"abc", b"d"]))))
        print(await told(lambda: channel.stream_stream("/x.Words/Talk")(iter([b"abc", b"d"]))))
        print(await asyncio.gather(*[channel.unary_unary("/x.Words/Slow")(b"a") for _ in range(4)]))
        call = channel.unary_stream("/x.Words/Endless")(b"abc")
        print(await call.read())
        call.cancel()
        call = channel.unary_unary("/x.Words/Held")(b"b")
        await asyncio.wait_for(inside.wait(), 60)
        call.cancel()
        while len(closed) < 3:
            await asyncio.sleep(0.01)
    await server.stop(1)
    print(sorted(closed))
asyncio.run(main())
"""
IN_THREADS = [
    "gRPC /x.Words/Aborts 404",
    "gRPC /x.Words/Fails 500",
    "gRPC /x.Words/Held 499",
    "gRPC /x.Words/Sets 429",
    *["gRPC /x.Words/Slow 200"] * 4,
    "gRPC /x.Words/Stream 200",
    "gRPC /x.Words/Total 200",
    *["gRPC /x.Words/Up2 200"] * 2,
]
IN_A_LOOP = sorted([*IN_THREADS, "gRPC /x.Words/Endless 499", "gRPC /x.Words/Plain 200", "gRPC /x.Words/Written 200"])


def recorded(folder, code):
    """{name: one of its records}, after the same output as without us."""
    (folder / "live").mkdir()
    assert run(folder, START + code, folder) == run(folder, START + code, "bare")
    assert not rings.failures(folder)
    texts = rings.strings(folder)
    notes = [fields for kind, fields in rings.notes(folder) if fields.get("event") == "address"]
    assert [(note["server"], note["address"][:5]) for note in notes] == [("grpc", "port ")]
    return {texts[rings.name_of(each)]: each for each in rings.of_kind(folder, signals.REQUEST)}


def test_calls_in_threads(tmp_path):
    requests = recorded(tmp_path, THREADS)
    assert rings.names(tmp_path) == IN_THREADS
    slow = [each for each in rings.of_kind(tmp_path, signals.REQUEST) if each["t1"] - each["t0"] > 90_000_000]
    waits = sorted(map(rings.queued, slow))
    assert waits[-1] > 50 and waits[-2] > 50  # two of four at once on two threads
    assert max(each["flags"] for each in slow) == 2
    assert rings.size(requests["gRPC /x.Words/Up2 200"]) in (3, pytest.approx(70_000, rel=1e-3))
    assert rings.size(requests["gRPC /x.Words/Stream 200"]) == 9
    alike = [each["arg"] for each in rings.of_kind(tmp_path, signals.LIKENESS)]
    assert max(map(alike.count, alike)) == 4  # of the slow ones; the fast ones are left out


def test_calls_in_an_event_loop(tmp_path):
    requests = recorded(tmp_path, ASYNC)
    assert rings.names(tmp_path) == IN_A_LOOP
    assert max(each["flags"] for each in rings.of_kind(tmp_path, signals.REQUEST)) == 4
    assert rings.size(requests["gRPC /x.Words/Stream 200"]) == 9
    assert rings.size(requests["gRPC /x.Words/Written 200"]) == -1


def test_a_client_serves_nothing(tmp_path):
    (tmp_path / "live").mkdir()
    code = """
import grpc
with grpc.insecure_channel("127.0.0.1:1") as channel:
    try:
        channel.unary_unary("/x/Y")(b"", timeout=0.01)
    except grpc.RpcError:
        print("refused")
"""
    assert run(tmp_path, START + code, tmp_path) == "refused\n"
    assert not rings.failures(tmp_path)
    assert not [fields for kind, fields in rings.notes(tmp_path) if kind == "serving"]


@pytest.mark.parametrize("where", ["serving.Serving.put", "serving.Serving.__init__", "wsgi.Request.__init__"])
@pytest.mark.parametrize("code", [THREADS, ASYNC], ids=["threads", "asyncio"])
def test_a_failing_hook_leaves_the_answers_alone(tmp_path, where, code):
    (tmp_path / "live").mkdir()
    broken = f"""
if sys.argv[1] != "bare":
    from bottleneck_profiler.collectors.support import serving, wsgi
    def broken(*args):
        raise SystemExit("ours")
    {where} = broken
"""
    assert run(tmp_path, START + broken + code, tmp_path) == run(tmp_path, START + broken + code, "bare")
    assert rings.failures(tmp_path)


def test_detaching_puts_back_what_was_there(tmp_path):
    (tmp_path / "live").mkdir()
    code = """
import sys
import grpc
from grpc import _server
from grpc.aio import _server as aio
names = "_unary_response_in_pool _stream_response_in_pool _handle_with_method_handler _receive_message".split()
hooked = [getattr(_server, name) for name in [*names, "_serialize_response", "_abort", "_add_insecure_port"]]
hooked += [aio.Server.__init__, aio.Server.add_generic_rpc_handlers, aio.Server.add_insecure_port, aio.Server.stop]
def codes():
    return [each.__code__ for each in hooked]
before = codes()
from bottleneck_profiler.agent import bootstrap as child
child.start(sys.argv[1], "stacks=off")
during = codes()
child.stop()
print({a is not b for a, b in zip(before, during)}, codes() == before)
"""
    assert run(tmp_path, code, tmp_path) == "{True} True\n"
