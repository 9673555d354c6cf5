"""Faults of UDP packets to one device, and of its responses.

The device itself gets intact packets; responses are dropped, duplicated, delayed or corrupted.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from rackwatt_exporter.simulator.faults.device_faults import FaultState

HELD_BACK_S = 0.15  # long enough that a later packet arrives first

Send = Callable[[bytes], None]


class Device(Protocol):
    """A device that responds at one address."""

    def answer(self, data: bytes) -> bytes | None:
        """Return the response to any packet; None for none."""
        ...

    def restart(self) -> None:
        """Lose the state that a restart loses."""
        ...


class UdpFaultLayer:
    """Applies faults between clients and a device."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._restarts = 0

    def handle(self, state: FaultState, data: bytes, send: Send) -> None:
        """Pass a packet to the device, and send its response, with the faults of the state."""
        if state.restarts != self._restarts:
            self._restarts = state.restarts
            self._device.restart()
        fault = state.fault
        if state.silent or state.happens(fault.loss):
            return
        for _ in range(1 + state.happens(fault.duplication)):
            delay_s = state.delay_s()
            if delay_s is None:
                return
            answer = self._device.answer(data)
            if answer is not None and not state.happens(fault.loss):
                self._respond(state, answer, delay_s, send)

    def _respond(self, state: FaultState, answer: bytes, delay_s: float, send: Send) -> None:
        fault = state.fault
        if state.happens(fault.garbage):
            answer = state.corrupted(answer)
        for _ in range(1 + state.happens(fault.duplication)):
            held_s = HELD_BACK_S if state.happens(fault.reordering) else 0.0
            if delay_s or held_s:
                asyncio.get_running_loop().call_later(delay_s + held_s, send, answer)
            else:
                send(answer)
