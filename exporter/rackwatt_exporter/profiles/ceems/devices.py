"""Sensors and networks by the names of CEEMS 0.10: hwmon, netdev and infiniband.

Those of networks are node_exporter's, after another prefix. InfiniBand has no label of the host.
"""

from collections.abc import Mapping

from rackwatt_exporter.collectors import netdev
from rackwatt_exporter.collectors.hwmon.collector import INFO, STATISTIC
from rackwatt_exporter.collectors.infiniband import families as ib
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.profiles.ceems.families import Kind, family
from rackwatt_exporter.profiles.ceems.sources import STATISTICS
from rackwatt_exporter.profiles.lines import ProfileLines
from rackwatt_exporter.profiles.node import NodeStores

_SENSOR = ("hostname", "sensor", "chip", "chip_name")
HWMON_POWER = {
    name: family("gauge", f"hwmon_power_{name}_watts", f"Power of a sensor: {name}.", *_SENSOR)
    for name in ("current", *STATISTICS.values())
}
HWMON_ENERGY = family("gauge", "hwmon_energy_current_joules", "Energy of a sensor.", *_SENSOR)

_NETDEV = (
    *("receive_bytes", "receive_packets", "receive_errors", "receive_dropped", "receive_fifo"),
    *("receive_frame", "receive_compressed", "receive_multicast"),
    *("transmit_bytes", "transmit_packets", "transmit_errors", "transmit_dropped"),
    *("transmit_fifo", "transmit_colls", "transmit_carrier", "transmit_compressed"),
)
NETDEV = {
    ours: family(
        "counter", f"netdev_{name}_total", f"{name} of an interface.", "hostname", "device"
    )
    for ours, name in zip(netdev.FAMILIES, _NETDEV, strict=True)
}

_PORT = ("device", "port")
# By the files of the kernel.
_COUNTERS: Mapping[str, str] = {
    "port_rcv_data": "port_data_received_bytes",
    "port_xmit_data": "port_data_transmitted_bytes",
    "port_rcv_packets": "port_packets_received",
    "port_xmit_packets": "port_packets_transmitted",
    "unicast_rcv_packets": "unicast_packets_received",
    "unicast_xmit_packets": "unicast_packets_transmitted",
    "multicast_rcv_packets": "multicast_packets_received",
    "multicast_xmit_packets": "multicast_packets_transmitted",
    "port_rcv_errors": "port_errors_received",
    "port_rcv_constraint_errors": "port_constraint_errors_received",
    "port_rcv_remote_physical_errors": "port_receive_remote_physical_errors",
    "port_rcv_switch_relay_errors": "port_receive_switch_relay_errors",
    "port_xmit_constraint_errors": "port_constraint_errors_transmitted",
    "port_xmit_discards": "port_discards_transmitted",
    "port_xmit_wait": "port_transmit_wait",
    "symbol_error": "symbol_error",
    "link_error_recovery": "link_error_recovery",
    "link_downed": "link_downed",
    "local_link_integrity_errors": "local_link_integrity_errors",
    "excessive_buffer_overrun_errors": "excessive_buffer_overrun_errors",
    "VL15_dropped": "vl15_dropped",
}


def _port(kind: Kind, name: str, *labels: str) -> MetricFamily:
    return family(kind, f"infiniband_{name}", f"{name} of a port.", *(labels or _PORT))


INFINIBAND = {
    ib.COUNTERS[file].family: _port("counter", f"{name}_total") for file, name in _COUNTERS.items()
} | {
    ib.STATE: _port("gauge", "state_id"),
    ib.PHYSICAL_STATE: _port("gauge", "physical_state_id"),
    ib.RATE: _port("gauge", "rate_bytes_per_second"),
    ib.INFO: _port("gauge", "info", "device", "board_id", "firmware_version", "hca_type"),
}
FAMILIES = (*HWMON_POWER.values(), HWMON_ENERGY, *NETDEV.values(), *INFINIBAND.values())


def add_devices(stores: NodeStores, lines: ProfileLines) -> None:
    """Add the lines of the collectors that 0.5 does not have."""
    _add_hwmon(stores, lines)
    for sample in stores.samples("netdev"):
        lines.add(NETDEV[sample.family], (stores.node, *sample.labels), sample.value)
    for sample in stores.samples("infiniband"):
        if (one := INFINIBAND.get(sample.family)) is not None:
            lines.add(one, sample.labels, sample.value)


def _add_hwmon(stores: NodeStores, lines: ProfileLines) -> None:
    result = stores.result("hwmon")
    if result is None:
        return
    sensors = {}
    for sample in stores.of_family("hwmon", INFO):
        zone, chip, chip_name, sensor, _ = sample.labels
        sensors[zone] = (stores.node, sensor, chip, chip_name)
    for power in result.powers:
        lines.add(HWMON_POWER["current"], sensors[power.zone], power.watts)
    for sample in stores.of_family("hwmon", STATISTIC):
        zone, statistic = sample.labels
        lines.add(HWMON_POWER[STATISTICS[statistic]], sensors[zone], sample.value)
    for energy in result.energies:
        lines.add(HWMON_ENERGY, sensors[energy.zone], energy.joules)
