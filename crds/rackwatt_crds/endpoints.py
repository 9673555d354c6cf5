"""Endpoints that collectors connect to: URLs and hosts of documents, and default ports.

The exporter connects to them, and the operator's NetworkPolicy allows these connections.
"""

import re
import socket
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from rackwatt_crds.quoting import may_hold_secret, shown

IPMI_PORT = 623
SSH_PORT = 22
SNMP_PORT = 161
REDFISH_PORT = 443
SLURMCTLD_PORT = 6817
SGE_QMASTER_PORT = 6444
PBS_SERVER_PORT = 15001
CONDOR_COLLECTOR_PORT = 9618
LSF_LIM_PORT = 7869
LSF_MBATCHD_PORT = 6881
API_SERVER_PORTS = (443, 6443, 8443, 16443)
"""Ports of Kubernetes API servers behind their Service: a NetworkPolicy sees these."""
# Where the services of OpenStack listen by default.
NOVA_PORT = 8774
PLACEMENT_PORT = 8778
IRONIC_PORT = 6385

_ADDRESS = re.compile(r"[A-Za-z0-9._:%][A-Za-z0-9._:%-]*\Z")
_DIGITS = re.compile(r"[0-9]+(\.[0-9]*)+\Z")

Transport = Literal["TCP", "UDP"]


class Url(NamedTuple):
    """A URL, and the path of its field below the settings of a kind."""

    field: str
    text: str


class Endpoint(NamedTuple):
    """A port of a host; the host is empty where documents do not name it.

    `field` is the path of the host's field below the settings of a kind.
    """

    host: str
    port: int
    transport: Transport = "TCP"
    field: str = ""


Connection = Url | Endpoint


def parse_url(url: str) -> SplitResult:
    """Parse a base URL, to which paths can be appended.

    Raises:
        ValueError: the URL has no host, or has a query, a fragment or credentials. The message does
            not repeat credentials.
    """
    if "@" in url:
        raise ValueError(
            "a URL must not contain a user name or a password: put credentials into a Secret"
        )
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{shown(url)} is not a base URL: expected scheme://host[:port][/path]")
    return parts


def address_problem(address: str) -> str | None:
    """Return what is wrong with an address, if it is neither a host name nor an IP address."""
    if "@" in address:
        return (
            "an address must not contain a user name or a password: write the host alone, and "
            "name a Secret for the rest"
        )
    wrong = f"{shown(address)} is neither a host name nor an IP address"
    if not _ADDRESS.match(address):
        alone = "://" in address or may_hold_secret(address)
        return f"{wrong}: write the host alone" if alone else wrong
    colons = address.count(":")
    if colons == 1:
        return f"{wrong}: a port has a field of its own, `port`"
    if colons or _DIGITS.match(address):
        return None if _is_ip(address.partition("%")[0]) else wrong
    return wrong if ".." in address else None


def _is_ip(address: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError:
        return False
    return True
