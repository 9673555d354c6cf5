"""What collectors connect to: URLs and hosts that documents name, and ports where they name none.

The exporter connects there, and the operator's NetworkPolicy lets it.
"""

from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

IPMI_PORT = 623
SSH_PORT = 22
SNMP_PORT = 161
REDFISH_PORT = 443
SLURMCTLD_PORT = 6817

Transport = Literal["TCP", "UDP"]


class Url(NamedTuple):
    """A service, and the field that names it, as its path below the settings of a kind."""

    field: str
    text: str


class Endpoint(NamedTuple):
    """A port of a host; the host is empty where no document names it."""

    host: str
    port: int
    transport: Transport = "TCP"


Connection = Url | Endpoint


def service(url: str) -> SplitResult:
    """Read a URL that paths can be put behind.

    Raises:
        ValueError: it is the URL of no service, or has credentials in it, which are not repeated.
    """
    if "@" in url:
        raise ValueError(
            "a URL must not hold a user name or a password: credentials belong into a Secret"
        )
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{url!r} is not the URL of a service")
    return parts
