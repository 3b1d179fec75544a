"""What the kernel says of real connections: held back by Nagle's algorithm, sent at once, or waiting for the window."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from math import isnan

import pytest
from bottleneck_profiler.collectors.host import connections
from bottleneck_profiler.collectors.host.connections import COLUMNS, Connections, State, state_of
from bottleneck_profiler.collectors.host.sock_diag import _answer
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink")
PATIENCE_SECONDS = 30.0
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["4", "6"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """(server's end, client's end): of IPv4, and of a server of both whose client comes by IPv4."""
    both = request.param == socket.AF_INET6
    if both and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6")
    address = ("", 0) if both else ("127.0.0.1", 0)
    with socket.create_server(address, family=request.param, dualstack_ipv6=both) as listener:
        client = socket.create_connection(("127.0.0.1", listener.getsockname()[1]))
        server, _ = listener.accept()
        with client, server:
            yield server, client


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:
    monkeypatch.setattr(connections, "FREE_SECONDS", 1e9)
    found = Connections()
    yield found
    found.close()


def in_two_parts(pair: Pair) -> None:
    """The other end delays its acknowledgement, as it does once a conversation goes on."""
    server, client = pair
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    server.sendall(b"head")
    server.sendall(b"body")


def looks(pair: Pair, sampler: Connections, most: int) -> Iterator[dict[str, float]]:
    end = time.monotonic() + PATIENCE_SECONDS
    while most and time.monotonic() < end:
        most -= 1
        in_two_parts(pair)
        yield sampler.sample([os.getpid()])
        received = 0
        while received < 8:
            received += len(pair[1].recv(8 - received))


def test_second_part_is_held_and_counted(pair: Pair, sampler: Connections):
    rows = []
    for row in looks(pair, sampler, 10**6):
        rows.append(row)
        if sum(row["connections_held"] for row in rows) >= 3:
            break
    assert sum(row["connections_held"] for row in rows) >= 3
    held = [row for row in rows if row["connections_held"]]
    assert all(row["connections_held_pid"] == os.getpid() for row in held)
    assert all(row["connections_held_within"] == row["connections_held"] for row in held)  # both ends are ours
    assert rows[-1]["connections_in_use"] >= 1
    assert rows[-1]["held_ns_total"] > 0 and rows[-1]["held_packets_total"] > 0


def test_nothing_is_held_without_delay(pair: Pair, sampler: Connections):
    pair[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rows = list(looks(pair, sampler, 30))
    assert max(row["connections"] for row in rows) >= 1
    assert max(row["connections_in_use"] for row in rows) >= 1
    assert sum(row["connections_held"] for row in rows) == 0 and rows[-1]["held_ns_total"] == 0


def test_data_that_waits_for_the_window_is_not_held(pair: Pair, sampler: Connections):
    server, _ = pair
    server.setblocking(False)
    for _ in range(20):
        try:
            while True:
                server.send(bytes(1 << 16))
        except BlockingIOError:
            pass
        row = sampler.sample([os.getpid()])
        assert row["connections"] >= 1 and row["connections_held"] == 0


def test_closed_connections_are_forgotten(pair: Pair, sampler: Connections):
    before = sampler.sample([os.getpid()])["connections"]
    for end in pair:
        end.close()
    assert sampler.sample([os.getpid()])["connections"] == before - 1


def test_kernel_that_refuses_is_not_zero(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    def refuse() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(connections, "SockDiag", refuse)
    sampler = Connections()
    row = sampler.sample([os.getpid()])
    assert set(row) == set(COLUMNS) and all(map(isnan, row.values()))
    assert sampler.problem == "operation not permitted"
    sampler.close()


def test_program_without_sockets_asks_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "SockDiag", None)  # cannot be called
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=True)
    try:
        sampler = Connections()
        row = sampler.sample([child.pid])
        assert row["connections"] == 0 and not sampler.problem
    finally:
        child.communicate(b"\n")
    assert sampler.sample([child.pid])["connections"] == 0  # it has ended


def test_looks_stop_when_they_have_cost_their_share(pair: Pair, sampler: Connections, monkeypatch: pytest.MonkeyPatch):
    assert not isnan(sampler.sample([os.getpid()])["connections"])
    monkeypatch.setattr(connections, "FREE_SECONDS", 0.0)
    monkeypatch.setattr(connections, "COST_SHARE", 0.0)
    assert isnan(sampler.sample([os.getpid()])["connections"])


def test_many_connections_have_their_turn(sampler: Connections, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "MAX_ASKED", 2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        ends = [(socket.create_connection(address), listener.accept()[0]) for _ in range(5)]
        asked = set()
        for _ in range(6):
            assert sampler.sample([os.getpid()])["connections"] == 2
            asked |= {tuple(places) for places in sampler._asked()}
        assert len(asked) >= 5
        for each in ends:
            for end in each:
                end.close()


def answer(queued: int, unsent: int, *, mss=1448, cwnd=10, window=65_536, state=1, info_bytes=240):
    fixed, info = bytearray(72), bytearray(240)
    fixed[1] = state
    struct.pack_into("=I", fixed, 60, queued)
    for at, value in ((16, mss), (80, cwnd), (144, unsent), (152, 7), (156, 9), (228, window)):
        struct.pack_into("=I", info, at, value)
    return state_of(bytes(fixed), {2: bytes(info[:info_bytes])})


@pytest.mark.parametrize(
    "how, held",
    [
        (dict(queued=400, unsent=200), True),
        (dict(queued=2048, unsent=400), True),  # a small and a full packet are on their way
        (dict(queued=200, unsent=0), False),
        (dict(queued=200, unsent=200), False),  # nothing is on its way: it goes out now
        (dict(queued=3000, unsent=1448), False),  # a full packet never waits for that
        (dict(queued=8000, unsent=200), False),  # enough to be acknowledged at once
        (dict(queued=400, unsent=200, window=300), False),  # the other end has no room
        (dict(queued=1700, unsent=200, cwnd=1), False),  # the network has none
    ],
)
def test_what_counts_as_held(how, held):
    assert answer(**how) == State(held, (7, 9))


def test_what_is_not_told_is_no_state():
    assert answer(400, 200, state=8) is None
    assert answer(400, 200, info_bytes=200) is None  # an old kernel, which does not tell the window


@given(st.binary(max_size=200))
def test_any_answer_can_be_read(body: bytes):
    fixed, attributes = _answer(body, 16)
    assert len(fixed) <= 16 and all(len(value) <= len(body) for value in attributes.values())
