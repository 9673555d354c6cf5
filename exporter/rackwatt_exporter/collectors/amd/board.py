"""Readings of a GPU of AMD, from any source: what it is, its energy or power, its use."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from rackwatt_exporter.collectors import gpus
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.reading import DomainPower, EnergyCounter, ReadError, Reason


class AmdBoard(NamedTuple):
    """A GPU. One whose power is that of a processor as well (an APU) is not `additive`.

    Several that are parts of one module have one `serial`; of these, one measures them all.
    """

    gpu: Gpu
    use: gpus.GpuUse
    joules: float | None = None
    watts: float | None = None
    additive: bool = True
    serial: str = ""
    error: ReadError | None = None


def result(boards: Iterable[AmdBoard]) -> CollectorResult:
    """Return the energies or powers, the samples and the inventory of the boards, each once."""
    by_uuid = {board.gpu.uuid: board for board in boards}
    measured = {one.serial for one in by_uuid.values() if _measures(one)}
    energies: list[EnergyCounter] = []
    powers: list[DomainPower] = []
    samples: list[Sample] = []
    error: ReadError | None = None
    for uuid, board in by_uuid.items():
        samples += gpus.described(board.gpu)
        samples += gpus.used(board.gpu, board.use)
        error = error or board.error
        if board.joules is not None:
            energies.append(
                EnergyCounter(
                    gpus.DOMAIN, uuid, board.joules, math.inf, board.additive, gpus.MAX_WATTS
                )
            )
        elif board.watts is not None:
            powers.append(DomainPower(gpus.DOMAIN, uuid, board.watts, board.additive))
        elif not board.serial or board.serial not in measured:
            message = f"{board.gpu.bus_id} measures neither its energy nor its power"
            error = error or ReadError(Reason.NO_POWER_SENSOR, message)
    inventory = tuple(board.gpu for board in by_uuid.values())
    return CollectorResult(tuple(samples), tuple(energies), error, tuple(powers), gpus=inventory)


def gpu_uuid(unique_id: str) -> str | None:
    """Return the UUID that ROCm makes of a unique id, as in ROCR_VISIBLE_DEVICES."""
    word = unique_id.removeprefix("0x").lower()
    is_hex = bool(word) and len(word) <= 16 and set(word) <= set("0123456789abcdef")
    return f"GPU-{word:0>16}" if is_hex and int(word, 16) else None


def _measures(board: AmdBoard) -> bool:
    return board.joules is not None or board.watts is not None
