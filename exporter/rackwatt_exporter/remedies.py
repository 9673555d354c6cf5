"""Remedies: the meaning of each reason and what to do about it, for the fleet page and the docs.

A reason means something else of a scheduler than of a BMC, and so has a remedy for each kind of
subject. Where it has several causes, an error may have a remedy of its own; these apply to all
causes. The tables in docs/troubleshooting.md are generated from them. Backquotes mark code.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rackwatt_exporter.reading import ReadError, Reason


class Remedy(NamedTuple):
    """What happened, and what a user can do."""

    description: str
    remedy: str


REMEDIES = {
    Reason.TIMEOUT: Remedy(
        "Nothing came back within `timeout`, retries included.",
        "Check the address, the power of the device, and that its port is open: UDP 623 for IPMI, "
        "UDP 161 for SNMP, TCP 443 for Redfish. A slow device needs a longer `timeout`.",
    ),
    Reason.CONNECTION_REFUSED: Remedy(
        "The machine is reachable, but nothing listens on that port.",
        "Enable the service (IPMI over LAN, the SNMP agent, Redfish, sshd), or correct `port` "
        "or `url`.",
    ),
    Reason.UNREACHABLE: Remedy(
        "The network reports that there is no route to the address.",
        "Check routes, VLAN and firewall.",
    ),
    Reason.NAME_UNRESOLVED: Remedy(
        "The host name could not be resolved.",
        "Check DNS, or write the IP address.",
    ),
    Reason.AUTH_FAILED: Remedy(
        "The user or password (SNMP: user, community or a key) was rejected.",
        "The message says which. Check the Secret's files; the next poll uses a changed one. "
        "Retries slow down so that no account is locked.",
    ),
    Reason.PRIVILEGE_INSUFFICIENT: Remedy(
        "The user may log in but not read this.",
        "Give the user a role that may read power; for IPMI, raise `ipmi.privilege` up to what the "
        "user has.",
    ),
    Reason.CIPHER_UNSUPPORTED: Remedy(
        "Client and server have no cipher in common.",
        "IPMI: omit `cipherSuite`: 17 is tried first, then 3. ssh: the message names what "
        "the host offers.",
    ),
    Reason.SESSION_LIMIT: Remedy(
        "The BMC has no free session.",
        "Close sessions of other programs, or wait until they expire. Rackwatt keeps one session "
        "for each BMC and closes it at exit.",
    ),
    Reason.TLS_FAILED: Remedy(
        "The TLS handshake failed, or the certificate could not be verified.",
        "The message says which. `tls` has `caSecretRef`, `serverName`, `legacy` and "
        "`insecureSkipVerify`.",
    ),
    Reason.HOST_KEY_FAILED: Remedy(
        "The host key is unknown to ssh, or differs from the known one.",
        "Add the key to the Secret of `knownHostsSecretRef`.",
    ),
    Reason.CREDENTIALS_MISSING: Remedy(
        "A Secret, or a key in it, is missing.",
        "The message names the file. The exporter reads it as soon as it exists.",
    ),
    Reason.NO_POWER_SENSOR: Remedy(
        "The BMC responds, but has no power reading where the exporter looked.",
        "The message names what it has. Set `sensors`, `oids` or `chassis`, or try `oem: true`.",
    ),
    Reason.SENSOR_UNREADABLE: Remedy(
        "The sensor exists, but reports that its value cannot be read now.",
        "Often a power supply without mains. A sum is only exposed when it is complete.",
    ),
    Reason.SEARCHING: Remedy(
        "The Redfish service has many resources; the search for the machine's power continues at "
        "the next poll.",
        "Nothing: the search continues at the usual interval. `redfish.chassis` and "
        "`redfish.sensors` make it shorter.",
    ),
    Reason.MEMBER_MISSING: Remedy(
        "A power supply, feed or sensor that was part of the sum is missing.",
        "The message names it. The sum is exposed again when it returns, or without it once it "
        "has been missing for an hour.",
    ),
    Reason.IMPLAUSIBLE: Remedy(
        "The value is higher than `maxWatts`, or negative.",
        "Compare it with the machine. If it is correct, raise `maxWatts`; if a scale is wrong, set "
        "`scale`.",
    ),
    Reason.BAD_REPLY: Remedy(
        "The response violates the protocol, or has an impossible value.",
        "The message says what it was. A BMC that is starting up does this; if it lasts, another "
        "device or service may have this address and port.",
    ),
    Reason.POWERED_OFF: Remedy(
        "The BMC reports that its machine is off; watts that it repeats then are not served.",
        "Nothing. The exporter polls it at the usual interval, without back-off.",
    ),
    Reason.COMMAND_FAILED: Remedy(
        "A command could not be run, or failed.",
        "The message has the command and the first line of its error output. Run it manually as "
        "the same user.",
    ),
    Reason.PERMISSION_DENIED: Remedy(
        "The kernel denies this process access.",
        "On Kubernetes the operator grants what a collector needs; elsewhere see docs/node.md. "
        "RAPL requires uid 0.",
    ),
    Reason.ABSENT: Remedy(
        "This machine has no such device.",
        "The message says what was looked for. A virtual machine has no RAPL: remove the "
        "collector from the document, or select nodes that have it.",
    ),
    Reason.INVALID_ENTRY: Remedy(
        "The entry in the document is invalid.",
        "The message has its path and the reason.",
    ),
    Reason.INTERNAL_ERROR: Remedy(
        "A bug in Rackwatt.",
        "Please report the traceback in the log.",
    ),
}


# Of the reasons that mean something else here than of a target.
_OF_SCHEDULERS = {
    Reason.TIMEOUT: "See whether the scheduler's controller runs, and answers the scheduler's own "
    "commands. Check `url` or `host`, and firewalls. A busy scheduler needs a longer `timeout`.",
    Reason.CONNECTION_REFUSED: "Start what should listen there (slurmrestd, the API, sshd), or "
    "correct `url`, or `ssh.host` and `ssh.port`.",
    Reason.UNREACHABLE: "The message says who cannot reach whom. See whether the scheduler's "
    "controller runs, and answers the scheduler's own commands; if the exporter itself cannot "
    "reach it, check `url` or `host`, routes and firewalls.",
    Reason.AUTH_FAILED: "The message says who refuses. Check the Secret's files, the user and the "
    "clocks of both machines; the next poll uses a changed Secret.",
    Reason.PRIVILEGE_INSUFFICIENT: "Let this user see all nodes and jobs, as the message says.",
    Reason.CIPHER_UNSUPPORTED: "The message names what the host offers: update its sshd, or allow "
    "it in ssh's own configuration.",
    Reason.BAD_REPLY: "The message says what came instead of nodes, and from whom. Check `url`: a "
    "gateway, a log-in page or another service may answer there. For commands, check `path`, and "
    "run the same one as the same user.",
}
_OF_LUSTRE = {
    Reason.TIMEOUT: "The message says who did not answer: Prometheus, the scheduler or getent. "
    "Check `prometheusURL`, and firewalls. A busy Prometheus needs a longer `timeout`.",
    Reason.CONNECTION_REFUSED: "Start Prometheus, or correct `prometheusURL`.",
    Reason.UNREACHABLE: "The message says who cannot be reached. Check `prometheusURL`, routes and "
    "firewalls; of jobs that are not known, see the scheduler's own reason.",
    Reason.AUTH_FAILED: "Check the files of the Secret of `lustre.credentials`, `username` and "
    "`password` or `token`; the next poll uses a changed one.",
    Reason.PRIVILEGE_INSUFFICIENT: "Let this user of Prometheus query.",
    Reason.BAD_REPLY: "The message has the words of Prometheus, or what came instead of its "
    "answer. Check `prometheusURL`: a gateway or a log-in page may answer there.",
    Reason.ABSENT: "The scheduler lists no jobs, as the message says. Where only processes matter, "
    "leave templates with `%j` out of `lustre.jobid`.",
    Reason.COMMAND_FAILED: "The message has the words of getent, or of the scheduler's command. "
    "Run it manually as the same user.",
}
_OF_COLLECTORS = {
    Reason.TIMEOUT: "The kernel, a driver or a program did not answer in time. "
    "See the node's kernel log; a slow one needs a longer `timeout`.",
    Reason.SENSOR_UNREADABLE: "The message has the kernel's words. See the node's kernel log.",
    Reason.BAD_REPLY: "The message says what came instead of a value. "
    "Compare it with what the node itself shows.",
}
_OF_GRIDS = {
    Reason.TIMEOUT: "Check the provider's URL, and firewalls. A slow one needs a longer `timeout`.",
    Reason.BAD_REPLY: "The message says what came instead of a carbon intensity. Check the "
    "provider's settings.",
}
_OF_UNITS: Mapping[Reason, str] = {
    Reason.TIMEOUT: "Reading control groups took longer than `timeout`: the node is overloaded, or "
    "has many of them. Raise `timeout` and `interval`.",
    Reason.ABSENT: "Check --path.cgroupfs and --path.rootfs, and that the manager of these units "
    "runs here and contains them in control groups.",
    Reason.PERMISSION_DENIED: "Give the exporter what `rackwatt-operator check` lists for it, or "
    "what docs/node.md names.",
    Reason.SENSOR_UNREADABLE: "The message names what could not be read. The other units are "
    "complete.",
    Reason.BAD_REPLY: "The message says what a control group holds in place of numbers. Report it "
    "with the version of the kernel.",
}
_OF_ENERGY: Mapping[Reason, str] = {
    Reason.TIMEOUT: "Writing the ledger took longer than `timeout`: check the disk under "
    "--state.directory.",
    Reason.ABSENT: "Add a collector that measures power to `spec.node.collectors`, or see why it "
    "fails: docs/energy.md lists them.",
    Reason.BAD_REPLY: "The message says what /proc holds in place of numbers. Check --path.procfs.",
}
KINDS: Mapping[str, Mapping[Reason, str]] = {
    "targets": {},
    "schedulers": _OF_SCHEDULERS,
    "lustre": _OF_LUSTRE,
    "collectors": _OF_COLLECTORS,
    "units": _OF_UNITS,
    "energy": _OF_ENERGY,
    "grids": _OF_GRIDS,
}
"""For each pipeline by its name, the remedies that differ from those of REMEDIES."""


def remedy_of(error: ReadError, kind: str) -> str:
    """Return the remedy of an error: its own, or that of its reason for this kind of subject."""
    return error.remedy or KINDS[kind].get(error.reason) or REMEDIES[error.reason].remedy
