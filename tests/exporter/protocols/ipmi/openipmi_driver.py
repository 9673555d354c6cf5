"""The kernel's IPMI driver as its header describes it, below the ioctl of a program that opens it.

A FIFO takes the place of the device: it is readable while a message waits, as the device is. As a
program, this serves requests as openipmi.py does, of a BMC that answers as its first argument says.
"""

import ctypes
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.protocols.ipmi import openipmi

# As ioctl(2) has them on x86 and Arm (linux/ipmi.h, asm-generic/ioctl.h).
SEND_COMMAND, RECEIVE_MSG_TRUNC = 0x8028690D, 0xC030690B


class _Message(ctypes.Structure):
    _fields_ = (
        ("netfn", ctypes.c_ubyte),
        ("cmd", ctypes.c_ubyte),
        ("data_len", ctypes.c_ushort),
        ("data", ctypes.c_void_p),
    )


class _Request(ctypes.Structure):
    _fields_ = (
        ("addr", ctypes.c_void_p),
        ("addr_len", ctypes.c_uint),
        ("msgid", ctypes.c_long),
        ("msg", _Message),
    )


class _Received(ctypes.Structure):
    _fields_ = (
        ("recv_type", ctypes.c_int),
        ("addr", ctypes.c_void_p),
        ("addr_len", ctypes.c_uint),
        ("msgid", ctypes.c_long),
        ("msg", _Message),
    )


class Message(NamedTuple):
    """A request, or what the driver delivers: a response is of type 1."""

    number: int
    netfn: int
    command: int
    data: bytes
    kind: int = 1
    address: bytes = b""

    def response(self, data: bytes) -> "Message":
        """Return the response to this request; the data begin with the completion code."""
        return Message(self.number, self.netfn | 1, self.command, data)


class Driver:
    """The driver; `answer` returns what comes after a request, in order."""

    def __init__(self, answer: Callable[[Message], list[Message]]) -> None:
        self._answer = answer
        self.heard: list[Message] = []
        self._waiting: list[Message] = []

    def ioctl(self, descriptor: int, request: int, buffer: bytearray) -> None:
        if request == SEND_COMMAND:
            raw = _Request.from_buffer_copy(buffer)
            message = Message(
                raw.msgid,
                raw.msg.netfn,
                raw.msg.cmd,
                ctypes.string_at(raw.msg.data, raw.msg.data_len) if raw.msg.data_len else b"",
                address=ctypes.string_at(raw.addr, raw.addr_len),
            )
            self.heard.append(message)
            for answer in self._answer(message):
                self._waiting.append(answer)
                os.write(descriptor, b"!")
        elif request == RECEIVE_MSG_TRUNC:
            os.read(descriptor, 1)
            if not self._waiting:
                raise OSError(errno.EAGAIN, "nothing waits")
            self._deliver(self._waiting.pop(0), _Received.from_buffer(buffer))
        else:
            raise OSError(errno.ENOTTY, "no such ioctl")

    def _deliver(self, message: Message, into: _Received) -> None:
        assert into.msg.data_len >= len(message.data)
        ctypes.memmove(into.msg.data, message.data, len(message.data))
        into.recv_type, into.msgid = message.kind, message.number
        into.msg.netfn, into.msg.cmd = message.netfn, message.command
        into.msg.data_len = len(message.data)


def device(directory: Path, name: str = "ipmi0") -> Path:
    """Make a FIFO in place of the device."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


def worker(behaviour: str) -> tuple[str, ...]:
    """Return the command of a child with this driver below it.

    `behaviour` is the response in hexadecimal, `hang`, which is one ioctl without end, or `die`.
    """
    return (sys.executable, __file__, behaviour)


def _behave(behaviour: str) -> Callable[[Message], list[Message]]:
    def answer(message: Message) -> list[Message]:
        if behaviour == "hang":
            signal.pause()
        if behaviour == "die":
            os._exit(3)
        return [message.response(bytes.fromhex(behaviour))]

    return answer


if __name__ == "__main__":
    openipmi.main(sys.argv[2:], Driver(_behave(sys.argv[1])).ioctl)
