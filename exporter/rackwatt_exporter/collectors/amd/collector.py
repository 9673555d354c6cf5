"""GPUs of AMD: their energy counters or power, what they are, and how they are used.

The files of the driver are read in a thread, since they wait for the firmware of the GPU; amd-smi,
where a document names it, is a command with a deadline. A board has its energy once, whatever
partitions it has.
"""

from rackwatt_crds.node.amd import Amd
from rackwatt_exporter.collectors.amd import cards, smi
from rackwatt_exporter.collectors.amd.board import AmdBoard, result
from rackwatt_exporter.collectors.background import BackgroundCall
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost

_COMMAND_S = 20.0


class AmdCollector:
    """The GPUs of AMD in one machine."""

    def __init__(self, host: HostPaths, settings: Amd | None, secrets: Secrets) -> None:
        del secrets
        self._command = tuple(settings.command or ()) if settings else ()
        self._cards = BackgroundCall(lambda: cards.boards(host.sysfs), "the driver amdgpu")
        self._local = LocalHost()

    async def read(self) -> CollectorResult:
        """Read every GPU.

        Raises:
            ReadError: absent, where there is no GPU; timeout, where its driver or amd-smi does not
                respond; command_failed or bad_reply of amd-smi.
        """
        return result(await (self._by_command() if self._command else self._cards.call()))

    async def close(self) -> None:
        """Nothing is open."""

    async def _by_command(self) -> list[AmdBoard]:
        static = await self._local.run((*self._command, *smi.STATIC), _COMMAND_S)
        metric = await self._local.run((*self._command, *smi.METRIC), _COMMAND_S)
        return smi.boards(static, metric)
