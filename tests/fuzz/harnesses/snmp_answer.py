"""An agent's answer: the number that pyasn1 reads in it too, or none.

The bytes come as a packet, and as the only object of an answer to the very request.
"""

from contextlib import suppress

from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.keys import User, master_key
from rackwatt_exporter.protocols.snmp.message import V2C, CommunityMessages, UserMessages
from rackwatt_exporter.protocols.snmp.pdu import RESPONSE
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent

NUMBER = 7
OID = (1, 3, 6, 1, 4)
MACHINE = SimulatedMachine("n1", "127.0.0.1")
COMMUNITY = CommunityMessages(V2C, MACHINE.login.community.encode())
USER = UserMessages(
    User(
        MACHINE.login.username.encode(),
        auth_master=master_key("SHA-256", MACHINE.login.auth_password.encode()),
        privacy_master=master_key("SHA-256", MACHINE.login.priv_password.encode()),
    )
)
USER.decode(1, SimulatedAgent(MACHINE).answer(USER.discovery(1)) or b"")


def examine(data: bytes) -> None:
    """Open in three ways."""
    with suppress(ValueError):
        COMMUNITY.decode(NUMBER, data)
    with suppress(ValueError):
        USER.decode(NUMBER, data)
    head = ber.integer(NUMBER) + ber.integer(0) + ber.integer(0)
    shown = ber.sequence(ber.sequence(ber.oid(OID), data))
    pdu = ber.encoded(RESPONSE, head + shown)
    packet = ber.sequence(ber.integer(V2C), ber.octets(b""), pdu)
    try:
        answer = COMMUNITY.decode(NUMBER, packet)
    except ValueError:
        return
    assert answer is not None
    ((_, value),) = answer.objects
    if isinstance(value, int):
        _hold_value(ber.element(data), value)


def _hold_value(found: ber.Element, value: int) -> None:
    content = found.content if found.tag == ber.INTEGER else b"\0" + found.content
    try:
        theirs, rest = decoder.decode(ber.encoded(ber.INTEGER, content), asn1Spec=univ.Integer())
    except PyAsn1Error as error:
        raise AssertionError(f"{found.content.hex()} is no number") from error
    assert (int(theirs), rest) == (value, b"")
