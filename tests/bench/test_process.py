import asyncio
import os
import socket
import time

from tests.bench.packet_counter import Lateness
from tests.bench.process import datagrams_dropped


def test_datagrams_dropped_counts_packets_that_find_a_socket_full() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as full,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        full.bind(("127.0.0.1", 0))
        before = datagrams_dropped(os.getpid())
        for _ in range(100):
            sender.sendto(bytes(1000), full.getsockname())
        received = 0
        full.setblocking(False)
        while True:
            try:
                full.recv(1000)
            except BlockingIOError:
                break
            received += 1
        assert datagrams_dropped(os.getpid()) - before == 100 - received > 0


async def test_lateness_is_reported_once() -> None:
    lateness = Lateness()
    lateness.tick()
    time.sleep(0.2)  # the fleet does something else
    await asyncio.sleep(0.06)
    assert lateness.taken_s() > 0.1
    assert lateness.taken_s() == 0.0
