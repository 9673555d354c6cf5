"""UDP server of a fleet of simulated devices, each at its own loopback address, on one socket.

It drops packets to other addresses. A response is sent from the destination address of its request
(IP_PKTINFO), as by a real device.
"""

import asyncio
import socket
import struct
from collections.abc import Mapping
from functools import partial

from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.faults.udp_faults import Device, UdpFaultLayer
from rackwatt_exporter.simulator.sockets import open_socket

_PACKETS_PER_WAKE = 64
_MAX_PACKET = 4096
_RECEIVE_BUFFER = 4 * 1024 * 1024
_IP_PKTINFO = 8
_PKTINFO = struct.Struct("=I4s4s")  # struct in_pktinfo: interface, our address, destination
_OPTIONS = (
    (socket.IPPROTO_IP, _IP_PKTINFO, 1),
    (socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER),
)


class LoopbackServer:
    """Devices keyed by their IPv4 address, all at one UDP port, with their faults."""

    def __init__(
        self, devices: Mapping[str, Device], port: int, faults: Faults | None = None
    ) -> None:
        self._devices = {socket.inet_aton(address): device for address, device in devices.items()}
        self._layers: dict[bytes, UdpFaultLayer] = {}
        self._faults = faults or Faults()
        self._port = port
        self._socket: socket.socket | None = None

    async def start(self) -> None:
        """Open the socket and respond to packets.

        Raises:
            OSError: the port is taken.
        """
        addresses = [socket.inet_ntoa(address) for address in self._devices]
        self._socket = open_socket(socket.SOCK_DGRAM, addresses, self._port, *_OPTIONS)
        asyncio.get_running_loop().add_reader(self._socket, self._receive_many, self._socket)

    async def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _receive_many(self, sock: socket.socket) -> None:
        for _ in range(_PACKETS_PER_WAKE):
            try:
                data, control, _, client = sock.recvmsg(_MAX_PACKET, 64)
            except OSError:  # nothing left
                return
            _, ours, destination = _PKTINFO.unpack_from(control[0][2])
            device = self._devices.get(destination)
            if device is None:
                continue
            state = self._faults.state(destination)
            if state is not None:
                layer = self._layers.setdefault(destination, UdpFaultLayer(device))
                layer.handle(state, data, partial(_send, sock, ours, client))
            elif (response := device.answer(data)) is not None:
                _send(sock, ours, client, response)


def _send(sock: socket.socket, source: bytes, client: tuple[str, int], data: bytes) -> None:
    control = [(socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, source, bytes(4)))]
    try:
        sock.sendmsg([data], control, 0, client)
    except OSError:  # buffers are full, or the client has gone: the packet is lost
        return
