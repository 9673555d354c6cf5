"""A machine with a clock of its own, whose collectors and managers read what a test says."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, EnergyCounter, ReadError, Reason
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.ledger_file import LedgerFile

RANGE_JOULES = 262143.0


class Machine:
    """Counters of RAPL and of GPUs, and power of a BMC, at a time that a test sets."""

    def __init__(self, directory: Path | None = None, at_s: float = 1000.0) -> None:
        self.now_s = at_s
        self.suspended_s = 0.0
        self._ledger = LedgerFile(directory)
        self.store = CollectorStore(
            "n1", self._ledger, self.clock, self.since_boot, lambda: time.time() + self.now_s
        )
        names = ("rapl", "ipmi", "nvidia")
        self.store.sync(CollectorConfig(name, "nodes") for name in names)

    def clock(self) -> float:
        return self.now_s

    def since_boot(self) -> float:
        return self.now_s + self.suspended_s

    def suspended(self) -> float:
        return self.suspended_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds

    def rapl(
        self,
        package: float,
        dram: float = 0.0,
        error: ReadError | None = None,
        lacking: Iterable[str] | None = None,
    ) -> None:
        """Have RAPL read; with an error alone a package is what could not be."""
        lacking = frozenset({"package"} if error and lacking is None else lacking or ())
        counters = (
            EnergyCounter("package", "package-0", package % RANGE_JOULES, RANGE_JOULES, True),
            EnergyCounter("dram", "package-0/dram", dram % RANGE_JOULES, RANGE_JOULES, True),
        )
        self.store.succeeded("rapl", CollectorResult((), counters, error, lacking=lacking), 0.001)

    def ipmi(self, watts: float) -> None:
        powers = (DomainPower(WHOLE_NODE, "dcmi", watts),)
        self.store.succeeded("ipmi", CollectorResult(powers=powers), 0.5)

    def ipmi_fails(self) -> None:
        self.store.failed("ipmi", ReadError(Reason.TIMEOUT, "no response"), 10.0)

    def gpus(self, joules: Mapping[str, float]) -> None:
        counters = [
            EnergyCounter("gpu", gpu, value, float("inf"), True) for gpu, value in joules.items()
        ]
        self.store.succeeded("nvidia", CollectorResult((), tuple(counters)), 0.01)

    async def save(self) -> None:
        await self._ledger.save(30.0)
