"""Endpoints that collectors connect to: URLs and hosts of documents, and default ports.

The exporter connects to them, and the operator's NetworkPolicy allows these connections.
"""

from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

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

Transport = Literal["TCP", "UDP"]


class Url(NamedTuple):
    """A URL, and the path of its field below the settings of a kind."""

    field: str
    text: str


class Endpoint(NamedTuple):
    """A port of a host; the host is empty where documents do not name it."""

    host: str
    port: int
    transport: Transport = "TCP"


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
        raise ValueError(f"{url!r} is not a base URL: expected scheme://host[:port][/path]")
    return parts
