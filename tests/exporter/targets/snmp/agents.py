"""What the tests of SNMP targets share: an agent's objects and users, and how they ask it."""

from collections.abc import Callable

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.snmp.source import SnmpSource
from tests.peers.snmpd import (
    Snmpd,
    SnmpUser,
)

WATTS = "1.3.6.1.4.1.232.6.2.15.3.0"
TENS = "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1"
PROBES = "1.3.6.1.4.1.674.10892.5.4.600.30.1"
TEXT = "1.3.6.1.4.1.99999.1.0"
DECIMAL_TEXT = "1.3.6.1.4.1.99999.2.0"
NEGATIVE = "1.3.6.1.4.1.99999.3.0"
AN_OID = "1.3.6.1.4.1.99999.4.0"
DIGITS = "1.3.6.1.4.1.99999.5.0"
OBJECTS = (
    f"{WATTS} integer 351",
    f"{TENS} uinteger 42",
    f"{PROBES}.6.1.1 integer 8",
    f"{PROBES}.6.1.3 integer 344",
    f"{PROBES}.8.1.1 octet_str PS1_Current",
    f"{PROBES}.8.1.3 octet_str System_Board",
    f"{TEXT} octet_str hello",
    f"{DECIMAL_TEXT} octet_str 351.5",
    f"{NEGATIVE} integer -1",
    f"{AN_OID} object_id 1.3",
    f"{DIGITS} integer 2",
)
HASHES = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
CIPHERS = ("DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C")
USERS = (
    SnmpUser("open", "noAuthNoPriv"),
    *(SnmpUser(f"only{auth}", "authNoPriv", auth) for auth in HASHES),
    *(SnmpUser(f"{auth}and{priv}", "authPriv", auth, priv) for auth in HASHES for priv in CIPHERS),
)

Sources = Callable[..., SnmpSource]


def at(daemon: Snmpd) -> tuple[str, int]:
    return daemon.address, daemon.port


async def reason_of(source: SnmpSource) -> tuple[Reason, str]:
    with pytest.raises(ReadError) as caught:
        await source.read()
    return caught.value.reason, str(caught.value)
