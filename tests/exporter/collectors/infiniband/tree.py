"""Trees of /sys/class/infiniband as kernels lay them out (sysfs-class-infiniband); own numbers."""

from pathlib import Path

COUNTERS = {
    "VL15_dropped": 1, "excessive_buffer_overrun_errors": 2, "link_downed": 3,
    "link_error_recovery": 4, "local_link_integrity_errors": 5, "multicast_rcv_packets": 6,
    "multicast_xmit_packets": 7, "port_rcv_constraint_errors": 8, "port_rcv_data": 1_000_000_007,
    "port_rcv_errors": 10, "port_rcv_packets": 11, "port_rcv_remote_physical_errors": 12,
    "port_rcv_switch_relay_errors": 13, "port_xmit_constraint_errors": 14,
    "port_xmit_data": 15, "port_xmit_discards": 16, "port_xmit_packets": 17,
    "port_xmit_wait": 18, "symbol_error": 19, "unicast_rcv_packets": 20,
    "unicast_xmit_packets": 21,
}  # fmt: skip
HARDWARE = {"lifespan": 10, "out_of_sequence": 22, "np_cnp_sent": 23}


class InfinibandTree:
    """The tree below one /sys."""

    def __init__(self, sysfs: Path) -> None:
        self._class = sysfs / "class/infiniband"
        self._class.mkdir(parents=True)

    def adapter(self, device: str, ports: int = 1) -> Path:
        """Add an adapter as mlx5 has it, and return its directory."""
        folder = self._class / device
        folder.mkdir()
        for name, text in (("board_id", "MT_0000000222"), ("fw_ver", "20.28.1002"),
                           ("hca_type", "MT4123"), ("node_type", "1: CA")):  # fmt: skip
            (folder / name).write_text(f"{text}\n")
        for port in range(1, ports + 1):
            self.port(folder / "ports" / str(port))
        return folder

    def port(self, folder: Path) -> None:
        """Add a port."""
        for part, counts in (("counters", COUNTERS), ("hw_counters", HARDWARE)):
            (folder / part).mkdir(parents=True)
            for name, count in counts.items():
                (folder / part / name).write_text(f"{count}\n")
        for name, text in (("state", "4: ACTIVE"), ("phys_state", "5: LinkUp"),
                           ("rate", "100 Gb/sec (4X EDR)"), ("lid", "0x13")):  # fmt: skip
            (folder / name).write_text(f"{text}\n")
