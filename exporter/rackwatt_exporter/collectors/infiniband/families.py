"""Metric families of ports, and the kernel's file of each counter.

Data is counted in units of four octets. Old adapters have counters of 32 bits that stop at their
maximum, and those of 64 bits beside them, in `counters_ext`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rackwatt_exporter.metrics.family import MetricFamily

_PREFIX = "rackwatt_node_infiniband"
_PORT = ("node", "device", "port")
OCTETS = 4


class PortCounter(NamedTuple):
    """The family of a counter, and what one count is of its unit."""

    family: MetricFamily
    factor: int = 1


def _counter(name: str, text: str) -> PortCounter:
    family = MetricFamily(f"{_PREFIX}_{name}_total", "counter", f"Total number of {text}.", _PORT)
    return PortCounter(family)


def _data(name: str, text: str) -> PortCounter:
    full = f"{_PREFIX}_{name}_bytes_total"
    family = MetricFamily(full, "counter", f"Total number of bytes {text}.", _PORT, "bytes")
    return PortCounter(family, OCTETS)


COUNTERS: Mapping[str, PortCounter] = {
    "port_rcv_data": _data("receive", "received on all virtual lanes"),
    "port_xmit_data": _data("transmit", "sent on all virtual lanes"),
    "port_rcv_packets": _counter("receive_packets", "packets received, with errors too"),
    "port_xmit_packets": _counter("transmit_packets", "packets sent"),
    "unicast_rcv_packets": _counter("receive_unicast_packets", "unicast packets received"),
    "unicast_xmit_packets": _counter("transmit_unicast_packets", "unicast packets sent"),
    "multicast_rcv_packets": _counter("receive_multicast_packets", "multicast packets received"),
    "multicast_xmit_packets": _counter("transmit_multicast_packets", "multicast packets sent"),
    "port_rcv_errors": _counter("receive_errors", "packets received with an error"),
    "port_rcv_constraint_errors": _counter(
        "receive_constraint_errors", "packets received that a partition or filter refused"
    ),
    "port_rcv_remote_physical_errors": _counter(
        "receive_remote_physical_errors", "packets received that were marked as bad"
    ),
    "port_rcv_switch_relay_errors": _counter(
        "receive_switch_relay_errors", "packets received that a switch could not forward"
    ),
    "port_xmit_constraint_errors": _counter(
        "transmit_constraint_errors", "packets not sent that a partition or filter refused"
    ),
    "port_xmit_discards": _counter(
        "transmit_discards", "packets discarded as the port was down or congested"
    ),
    "port_xmit_wait": _counter(
        "transmit_wait_ticks", "ticks in which data waited for credits or arbitration"
    ),
    "symbol_error": _counter("symbol_errors", "symbol errors on a lane"),
    "link_error_recovery": _counter("link_error_recoveries", "recoveries from a link error"),
    "link_downed": _counter("link_downed", "recoveries from a link error that failed"),
    "local_link_integrity_errors": _counter(
        "local_link_integrity_errors", "times that local errors of the link were too many"
    ),
    "excessive_buffer_overrun_errors": _counter(
        "excessive_buffer_overrun_errors", "times that buffers overran again and again"
    ),
    "VL15_dropped": _counter(
        "management_packets_dropped", "management packets dropped for want of a buffer"
    ),
}
# By their files in counters_ext.
EXTENDED: Mapping[str, str] = {
    "port_rcv_data_64": "port_rcv_data",
    "port_xmit_data_64": "port_xmit_data",
    "port_rcv_packets_64": "port_rcv_packets",
    "port_xmit_packets_64": "port_xmit_packets",
    "port_unicast_rcv_packets": "unicast_rcv_packets",
    "port_unicast_xmit_packets": "unicast_xmit_packets",
    "port_multicast_rcv_packets": "multicast_rcv_packets",
    "port_multicast_xmit_packets": "multicast_xmit_packets",
}
HARDWARE = MetricFamily(
    f"{_PREFIX}_hardware_events_total",
    "counter",
    "Total number of events, by a counter that the driver names and describes.",
    (*_PORT, "counter"),
)
STATE = MetricFamily(
    f"{_PREFIX}_port_state_id",
    "gauge",
    "State of the port: 1 down, 2 initializing, 3 armed, 4 active, 5 deferred.",
    _PORT,
)
PHYSICAL_STATE = MetricFamily(
    f"{_PREFIX}_port_physical_state_id",
    "gauge",
    "State of the link: 1 asleep, 2 polling, 3 disabled, 4 training, 5 up, 6 in recovery.",
    _PORT,
)
RATE = MetricFamily(
    f"{_PREFIX}_port_rate_bytes_per_second", "gauge", "Rate of the link in each direction.", _PORT
)
INFO = MetricFamily(
    f"{_PREFIX}_info",
    "gauge",
    "Board, firmware and type of an adapter.",
    ("node", "device", "board_id", "firmware_version", "hca_type"),
)
FAMILIES = (
    *(counter.family for counter in COUNTERS.values()),
    HARDWARE, STATE, PHYSICAL_STATE, RATE, INFO,
)  # fmt: skip
