"""The kernel's IPMI device (OpenIPMI), served to the exporter by a child process of its own.

A program that calls into a driver may hang where no signal ends it. So the device is opened by this
program alone, as a child that is abandoned then. It imports little of Python and nothing of ours:
it is started as a file, and stays on every node. Requests and responses are lines:

    NUMBER NETFN COMMAND DATA       NUMBER ok RESPONSE
                                    NUMBER REASON MESSAGE

with numbers in decimal, data in hexadecimal (`-` for none). A response begins with its completion
code. The message id of the driver distinguishes responses: one that comes after its request was
given up is dropped.

The structures and ioctls are those of the kernel's include/uapi/linux/ipmi.h, in the numbering of
x86 and Arm.
"""

import errno
import fcntl
import os
import select
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from struct import Struct

RESPONSE_S = 6.0  # longer than the kernel waits for a BMC (ipmi_kcs_sm.c: 5 s)
ABSENT, DENIED, SILENT, FAILED = "absent", "permission_denied", "timeout", "sensor_unreadable"

REQUEST = Struct("PIlBBHP")  # struct ipmi_req: address, its length, id, struct ipmi_msg
RECEIVED = Struct("iPIlBBHP")  # struct ipmi_recv: type, then as struct ipmi_req
ADDRESS = Struct("ihBx")  # struct ipmi_system_interface_addr: type, channel, LUN
SEND_COMMAND = 2 << 30 | REQUEST.size << 16 | ord("i") << 8 | 13
RECEIVE_MSG_TRUNC = 3 << 30 | RECEIVED.size << 16 | ord("i") << 8 | 11
RESPONSE_TYPE = 1
_BMC = ADDRESS.pack(0x0C, 0x0F, 0)
_MAX_ADDRESS, _MAX_MESSAGE = 40, 272
_MAX_ID = 0x7FFFFFFF

Ioctl = Callable[[int, int, bytearray], object]


def _ioctl(descriptor: int, request: int, buffer: bytearray) -> None:
    fcntl.ioctl(descriptor, request, buffer, True)


class IpmiDeviceError(Exception):
    """No response: a reason of those above, and a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class IpmiDevice:
    """The first of some paths that exists, opened at the first request and after an error."""

    def __init__(
        self, paths: Sequence[str], ioctl: Ioctl = _ioctl, response_s: float = RESPONSE_S
    ) -> None:
        self._paths = paths
        self._ioctl = ioctl
        self._response_s = response_s
        self._descriptor: int | None = None
        self._id = 0

    def command(self, netfn: int, command: int, data: bytes) -> bytes:
        """Send a command to the BMC, and return completion code and data of its response.

        Raises:
            IpmiDeviceError: there is no device, it may not be opened, or the BMC does not respond.
        """
        descriptor = self._opened()
        try:
            self._id = self._id % _MAX_ID + 1
            self._send(descriptor, netfn, command, data)
            return self._response(descriptor, netfn, command)
        except OSError as error:
            self.close()
            raise IpmiDeviceError(FAILED, f"{self._path}: {error.strerror}") from None

    def close(self) -> None:
        """Close the device."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def _path(self) -> str:
        return next(filter(os.path.exists, self._paths), self._paths[0])

    def _opened(self) -> int:
        if self._descriptor is None:
            path = self._path
            try:
                self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                raise IpmiDeviceError(_reason(error), f"{path}: {error.strerror}") from None
        return self._descriptor

    def _send(self, descriptor: int, netfn: int, command: int, data: bytes) -> None:
        address, message = array("B", _BMC), array("B", data)
        where, length = address.buffer_info()
        self._ioctl(
            descriptor,
            SEND_COMMAND,
            bytearray(
                REQUEST.pack(
                    where, length, self._id, netfn, command, len(data), message.buffer_info()[0]
                )
            ),
        )

    def _response(self, descriptor: int, netfn: int, command: int) -> bytes:
        """Wait for the response to the last request; drop everything else that comes."""
        deadline = time.monotonic() + self._response_s
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        while (left_s := deadline - time.monotonic()) > 0:
            if waiting.poll(1000 * left_s):
                kind, number, its_netfn, its_command, payload = self._receive(descriptor)
                its = (kind, number, its_netfn, its_command)
                if payload and its == (RESPONSE_TYPE, self._id, netfn | 1, command):
                    return payload
        message = f"{self._path}: the BMC did not respond within {self._response_s:g} s"
        raise IpmiDeviceError(SILENT, message)

    def _receive(self, descriptor: int) -> tuple[int, int, int, int, bytes]:
        """Return type, message id, network function, command and data of what has come."""
        address, data = array("B", bytes(_MAX_ADDRESS)), array("B", bytes(_MAX_MESSAGE))
        where, room = address.buffer_info(), data.buffer_info()
        received = bytearray(RECEIVED.pack(0, *where, 0, 0, 0, room[1], room[0]))
        try:
            self._ioctl(descriptor, RECEIVE_MSG_TRUNC, received)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EINTR):
                return 0, 0, 0, 0, b""
            raise
        kind, _, _, number, netfn, command, length, _ = RECEIVED.unpack(received)
        return kind, number, netfn, command, data.tobytes()[:length]


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return DENIED
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO):
        return ABSENT
    return FAILED


def serve(device: IpmiDevice, lines: Iterator[str]) -> Iterator[str]:
    """Answer requests, line by line."""
    for line in lines:
        number, netfn, command, data = line.split()
        try:
            payload = b"" if data == "-" else bytes.fromhex(data)
            answer = f"ok {device.command(int(netfn), int(command), payload).hex()}"
        except IpmiDeviceError as error:
            answer = f"{error.reason} {error}"
        yield f"{number} {answer}"


def main(paths: Sequence[str], ioctl: Ioctl = _ioctl) -> None:
    """Serve requests from stdin until its end, for the first of these devices that exists."""
    for answer in serve(IpmiDevice(paths, ioctl), iter(sys.stdin.readline, "")):
        print(answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
