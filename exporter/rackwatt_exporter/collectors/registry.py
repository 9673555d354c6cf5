"""Registry of collectors: each is a module of its own and a row here.

What it requires of its node is a row in rackwatt_crds/node/requirements.py. Modules are imported
when first needed: on a node every megabyte counts.
"""

import math
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, cast

from rackwatt_exporter.collectors.automatic import AutomaticCollector
from rackwatt_exporter.collectors.base import Collector
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import MetricFamily


class CollectorRow(NamedTuple):
    """Factory of a collector, and the longest interval between its readings.

    A factory is called with the host; a `configured` one also with the settings of the document,
    None where it has none, and the Secrets. What is `everywhere` is never absent from Linux: it
    fails where it is not found, also if `auto` has chosen it.
    """

    factory: str
    max_interval_s: float = math.inf
    configured: bool = False
    everywhere: bool = False


COLLECTORS: Mapping[str, CollectorRow] = MappingProxyType(
    {
        "infiniband": CollectorRow(
            "rackwatt_exporter.collectors.infiniband.collector:InfinibandCollector"
        ),
        "cray": CollectorRow("rackwatt_exporter.collectors.cray:CrayCollector"),
        "hwmon": CollectorRow(
            "rackwatt_exporter.collectors.hwmon.collector:HwmonCollector", configured=True
        ),
        "amd": CollectorRow(
            "rackwatt_exporter.collectors.amd.collector:AmdCollector", configured=True
        ),
        "cpu": CollectorRow("rackwatt_exporter.collectors.cpu:CpuCollector", everywhere=True),
        "memory": CollectorRow(
            "rackwatt_exporter.collectors.memory:MemoryCollector", everywhere=True
        ),
        "nvidia": CollectorRow(
            "rackwatt_exporter.collectors.nvidia.collector:NvidiaCollector", configured=True
        ),
        "netdev": CollectorRow(
            "rackwatt_exporter.collectors.netdev:NetdevCollector", configured=True, everywhere=True
        ),
        "ipmi": CollectorRow(
            "rackwatt_exporter.collectors.ipmi.collector:IpmiCollector", configured=True
        ),
        "redfish": CollectorRow(
            "rackwatt_exporter.collectors.redfish.collector:RedfishCollector", configured=True
        ),
        # Often enough that no counter wraps twice between readings (store/wrapping_counter.py).
        "rapl": CollectorRow("rackwatt_exporter.collectors.rapl:RaplCollector", 30.0),
    }
)


def collector_families() -> list[MetricFamily]:
    """Return the families of every collector; imports them all."""
    modules = (import_module(row.factory.partition(":")[0]) for row in COLLECTORS.values())
    return [family for module in modules for family in getattr(module, "FAMILIES", ())]


def collector(config: CollectorConfig, host: HostPaths, secrets: Secrets) -> Collector:
    """Make a collector; it does no input or output yet."""
    row = COLLECTORS[config.name]
    module, name = row.factory.split(":")
    factory = getattr(import_module(module), name)
    made = factory(host, config.settings, secrets) if row.configured else factory(host)
    can_be_absent = config.automatic and not row.everywhere
    return AutomaticCollector(made) if can_be_absent else cast(Collector, made)
