"""The entries of a fleet that could be read."""

from rackwatt_crds.bmc.hosts import Bmc, HostEntry


def usable(bmc: Bmc) -> list[HostEntry]:
    """List the entries that are not broken."""
    return [entry for entry in bmc.hosts if isinstance(entry, HostEntry)]
