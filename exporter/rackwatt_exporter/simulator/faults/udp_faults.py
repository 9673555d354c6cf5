"""What happens to UDP packets on their way to one faulty device, and to its answers.

The device knows nothing of it: it is handed packets, and its answers are lost, doubled, held up,
spoilt or sent.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from rackwatt_exporter.simulator.faults.device_faults import Condition

HELD_BACK_S = 0.15  # so long that what was sent after it comes before it

Send = Callable[[bytes], None]


class Device(Protocol):
    """What answers at one address."""

    def answer(self, data: bytes) -> bytes | None:
        """Return the answer to a packet; None for silence, whatever the packet is."""
        ...

    def restart(self) -> None:
        """Forget what a restart makes it forget."""
        ...


class DatagramWay:
    """The way from clients to a device and back."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._restarts = 0

    def carry(self, condition: Condition, data: bytes, send: Send) -> None:
        """Hand a packet over, and send what comes of it, when it is time."""
        if condition.restarts != self._restarts:
            self._restarts = condition.restarts
            self._device.restart()
        fault = condition.fault
        if condition.silent or condition.happens(fault.loss):
            return
        for _ in range(1 + condition.happens(fault.duplication)):
            delay_s = condition.delay_s()
            if delay_s is None:
                return
            answer = self._device.answer(data)
            if answer is not None and not condition.happens(fault.loss):
                self._back(condition, answer, delay_s, send)

    def _back(self, condition: Condition, answer: bytes, delay_s: float, send: Send) -> None:
        fault = condition.fault
        if condition.happens(fault.garbage):
            answer = condition.spoilt(answer)
        for _ in range(1 + condition.happens(fault.duplication)):
            held_s = HELD_BACK_S if condition.happens(fault.reordering) else 0.0
            if delay_s or held_s:
                asyncio.get_running_loop().call_later(delay_s + held_s, send, answer)
            else:
                send(answer)
