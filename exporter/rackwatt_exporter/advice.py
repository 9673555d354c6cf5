"""What each reason means and what to do about it: said once, for the fleet page and for the docs.

Where one reason has several causes, the error of one carries its own remedy, and this is what holds
for all of them. The table in docs/troubleshooting.md is made from it. Backquotes mark what a person
types or reads.
"""

from typing import NamedTuple

from rackwatt_exporter.reading import ReadError, Reason


class Advice(NamedTuple):
    """What happened, and what a person can do."""

    happened: str
    remedy: str


ADVICE = {
    Reason.TIMEOUT: Advice(
        "Nothing came back within `timeout`, retries included.",
        "Check the address, the power of the device, and that its port is open: UDP 623 for IPMI, "
        "UDP 161 for SNMP, TCP 443 for Redfish. A slow device needs a longer `timeout`.",
    ),
    Reason.CONNECTION_REFUSED: Advice(
        "The machine is there and nothing listens on that port.",
        "Switch the service on (IPMI over LAN, the SNMP agent, Redfish, sshd), or correct `port` "
        "or `url`.",
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
        "The message says which. Check the Secret's files; a changed one counts from the next try. "
        "Retries slow down so that no account is locked.",
    ),
    Reason.PRIVILEGE_INSUFFICIENT: Advice(
        "The user may log in but not read this.",
        "Give the user a role that may read power; for IPMI, raise `ipmi.privilege` up to what the "
        "user has.",
    ),
    Reason.CIPHER_UNSUPPORTED: Advice(
        "Both sides have no cipher in common.",
        "IPMI: leave out `cipherSuite`, so that 17 is tried, then 3. ssh: the message names what "
        "the host offers.",
    ),
    Reason.SESSION_LIMIT: Advice(
        "The BMC has no room for another session.",
        "End sessions of other programs, or wait until they expire. Rackwatt keeps one session for "
        "each BMC and closes it at exit.",
    ),
    Reason.TLS_FAILED: Advice(
        "TLS could not be set up, or the certificate does not verify.",
        "The message says which. `tls` has `caSecretRef`, `serverName`, `legacy` and "
        "`insecureSkipVerify`.",
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
    Reason.SEARCHING: Advice(
        "The Redfish service has many resources; the search for the machine's power continues at "
        "the next reading.",
        "Nothing: it is continued at the usual interval. `redfish.chassis` and `redfish.sensors` "
        "make it shorter.",
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
        "A command could not be run, or failed.",
        "The message names it and has the first line of its error output. Run it by hand as the "
        "same user.",
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


def remedy(error: ReadError) -> str:
    """Return what to do about an error: the advice for its very cause, else that for its reason."""
    return error.remedy or ADVICE[error.reason].remedy
