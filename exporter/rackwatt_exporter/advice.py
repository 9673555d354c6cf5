"""What each reason means and what to do about it: said once, for the fleet page and for the docs.

The table in docs/troubleshooting.md is made from it. Backquotes mark what a person types or reads.
"""

from typing import NamedTuple

from rackwatt_exporter.reading import Reason


class Advice(NamedTuple):
    """What happened, and what a person can do."""

    happened: str
    remedy: str


ADVICE = {
    Reason.TIMEOUT: Advice(
        "Nothing came back within `timeout`, retries included.",
        "Is the address right, the BMC powered, UDP 623/161 or TCP 443 open? A slow BMC "
        "wants a longer `timeout`.",
    ),
    Reason.REFUSED: Advice(
        "The machine is there and nothing listens on that port.",
        "Is the service switched on (IPMI over LAN, SNMP agent, Redfish)? Is `port` right?",
    ),
    Reason.UNREACHABLE: Advice(
        "The network says there is no way there.",
        "Routes, VLAN, firewall.",
    ),
    Reason.NAME_UNRESOLVED: Advice(
        "The host name means no address.",
        "DNS, or write the address.",
    ),
    Reason.AUTH_FAILED: Advice(
        "User or password (SNMP: user, community or a key) were refused.",
        "Check the Secret's files; a changed one counts from the next try. Retries slow "
        "down so that no account is locked.",
    ),
    Reason.PRIVILEGE_INSUFFICIENT: Advice(
        "The user may log in but not read this.",
        "Raise the user's privilege, or `ipmi.privilege` up to what it has.",
    ),
    Reason.CIPHER_UNSUPPORTED: Advice(
        "The BMC refuses the cipher suite.",
        "Leave `cipherSuite` away: 17 is tried, then 3.",
    ),
    Reason.SESSION_LIMIT: Advice(
        "The BMC has no room for another session.",
        "Who else keeps sessions open? Waiting helps: ours is one, kept and closed at exit.",
    ),
    Reason.TLS_FAILED: Advice(
        "The certificate does not verify.",
        "Put its authority into `tls.caSecretRef`; `serverName` if it bears another name.",
    ),
    Reason.HOST_KEY_FAILED: Advice(
        "ssh does not know the host's key, or knows another.",
        "Put the key into `knownHostsSecretRef`.",
    ),
    Reason.CREDENTIALS_MISSING: Advice(
        "A Secret, or a key in it, is not there.",
        "The message names the file. It is picked up as soon as it exists.",
    ),
    Reason.NO_POWER_SENSOR: Advice(
        "The BMC answers and has no power where it was looked for.",
        "The message names what it has. Name `sensors`, `oids` or the `chassis`; try `oem: true`.",
    ),
    Reason.SENSOR_UNREADABLE: Advice(
        "The sensor is there and says its value cannot be read now.",
        "Often true of a power supply without mains. Sums are never told in part.",
    ),
    Reason.MEMBER_MISSING: Advice(
        "A supply, feed or sensor that the sum had before cannot be found now.",
        "The message names it. The sum is served again when it returns, or without it once it has "
        "been gone for an hour.",
    ),
    Reason.IMPLAUSIBLE: Advice(
        "The number is higher than `maxWatts`, or negative.",
        "Compare it with the machine. If it is right, raise `maxWatts`; if a scale is wrong, set "
        "`scale`.",
    ),
    Reason.BAD_REPLY: Advice(
        "What came back is not what the protocol says, or no number that can be.",
        "The message says what it was. A BMC that is starting up does this.",
    ),
    Reason.POWERED_OFF: Advice(
        "The BMC says that its machine is off.",
        "Nothing. It is asked at the usual interval, without back-off.",
    ),
    Reason.COMMAND_FAILED: Advice(
        "`ipmitool`, `sinfo` or `ssh` could not be run or failed.",
        "The message has its first line.",
    ),
    Reason.PERMISSION_DENIED: Advice(
        "The kernel does not let this process read it.",
        "On Kubernetes the operator grants what a collector needs; elsewhere see docs/node.md. "
        "RAPL wants uid 0.",
    ),
    Reason.ABSENT: Advice(
        "This machine has nothing of the kind.",
        "The message says what was looked for. A virtual machine has no RAPL: take the collector "
        "out of the document, or choose nodes that have it.",
    ),
    Reason.INVALID_ENTRY: Advice(
        "The entry in the document cannot be used.",
        "The message has its path and the reason.",
    ),
    Reason.INTERNAL_ERROR: Advice(
        "A fault of Rackwatt itself.",
        "Please report the trace that is in the log.",
    ),
}
