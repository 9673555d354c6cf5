"""The simulated SNMP agent: any packet is answered with BER, or not at all.

The bytes come as they are; as the PDU of a version 2c message; and as the PDU of a version 3
message whose signature is right, so that what lies behind the signature is reached.
"""

from pyasn1.codec.ber import decoder
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message

from rackwatt_exporter import ber
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent
from rackwatt_exporter.simulator.snmp.usm import UserKeys

MACHINE = SimulatedMachine("n1", "127.0.0.1")
AGENT = SimulatedAgent(MACHINE)
KEYS = UserKeys(MACHINE.login.auth_password, MACHINE.login.priv_password, AGENT.engine_id)
_SIGNATURE = 24
# How pysnmp spells a message of each version.
_MESSAGES = {0: v1.Message, 1: v2c.Message, 3: SNMPv3Message}


def examine(data: bytes) -> None:
    """Send it in three versions."""
    community = ber.octets(MACHINE.login.community.encode())
    for packet in (data, ber.sequence(ber.integer(1), community, data), _signed(data)):
        answer = AGENT.answer(packet)
        if answer is not None:
            version = ber.element(answer).children()[0].integer
            _, rest = decoder.decode(answer, asn1Spec=_MESSAGES[version]())
            assert not rest


def _signed(pdu: bytes) -> bytes:
    scoped = ber.sequence(ber.octets(AGENT.engine_id), ber.octets(b""), pdu)

    def whole(signature: bytes) -> bytes:
        head = (ber.integer(1), ber.integer(65507), ber.octets(b"\x05"), ber.integer(3))
        clock = (ber.integer(AGENT._boots), ber.integer(AGENT._time_s))
        names = (MACHINE.login.username.encode(), signature, b"")
        security = ber.sequence(ber.octets(AGENT.engine_id), *clock, *map(ber.octets, names))
        return ber.sequence(ber.integer(3), ber.sequence(*head), ber.octets(security), scoped)

    unsigned = whole(bytes(_SIGNATURE))
    return whole(KEYS.signature(unsigned, _SIGNATURE))
